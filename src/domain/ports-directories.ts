import type { Actor, Id } from './actor.ts'
import type { DirectoryKey } from './contacts/collection.ts'
import type { Contact } from './contacts/contact.ts'
import type {
  DirectoryChange,
  Entry,
  Offer,
  OfferReceived,
  SharedDirectory,
  Subscriber,
  Subscription,
} from './shared-directories/shared-directory.ts'

/** Directories that organizations publish, who manages them, and what is in them. */
export interface SharedDirectories {
  insert(directory: DirectoryKey & Pick<SharedDirectory, 'name' | 'description'>): Promise<void>
  /** Those of the organization's that the person administers or manages, and those that it subscribes to; by name. */
  list(actor: Actor, administers: boolean): Promise<SharedDirectory[]>
  find(actor: Actor, id: Id, administers: boolean): Promise<SharedDirectory | undefined>
  /** Says that it is there, and keeps it so until the transaction ends; `alone`: nobody else holds it meanwhile. */
  hold(directory: DirectoryKey, alone: boolean): Promise<boolean>
  update(directory: DirectoryKey, change: DirectoryChange): Promise<void>
  /** Soft: it and its entries stay while journals name them. */
  markDeleted(directory: DirectoryKey): Promise<void>

  isManager(directory: DirectoryKey, userId: Id): Promise<boolean>
  /** By the name on their card. */
  managers(directory: DirectoryKey): Promise<{ readonly id: Id; readonly name: string; readonly email: string }[]>
  /** Says whether they were none before. */
  addManager(directory: DirectoryKey, userId: Id): Promise<boolean>
  removeManager(directory: DirectoryKey, userId: Id): Promise<boolean>

  /** In the order of their names; each word is somewhere in what an entry is found by. */
  entries(directory: DirectoryKey, words: readonly string[], after: string, limit: number): Promise<Entry[]>
  entry(directory: DirectoryKey, id: Id): Promise<Entry | undefined>
}

/** To whom directories are offered, and who is subscribed. */
export interface Subscriptions {
  /** False where it is offered to that domain already. */
  insertOffer(directory: DirectoryKey, offer: Pick<Offer, 'id' | 'domain'>): Promise<boolean>
  offers(directory: DirectoryKey): Promise<Offer[]>
  /** Says whether there was one, and who had accepted it. */
  deleteOffer(directory: DirectoryKey, id: Id): Promise<{ readonly acceptedBy?: Id } | undefined>
  /** Offers to the organization's domains that wait for an answer. */
  received(organizationId: Id): Promise<OfferReceived[]>
  /** Says whether it waited still. */
  accept(offer: OfferReceived, organizationId: Id): Promise<boolean>
  decline(offer: OfferReceived): Promise<void>

  /** False where it is subscribed already. */
  insert(organizationId: Id, directory: DirectoryKey, id: Id): Promise<boolean>
  list(organizationId: Id): Promise<Subscription[]>
  subscribers(directory: DirectoryKey): Promise<Subscriber[]>
  /** Ends it, with what was hidden and what was accepted; waits for those who write under it. Says whether there was one. */
  delete(organizationId: Id, directory: DirectoryKey): Promise<boolean>
  /** What people of an organization have in their books of a directory whose name or UID is taken in `people`. */
  conflicts(organizationId: Id, directoryId: Id, limit: number): Promise<Contact[]>
  /** Gives such cards their new names, UIDs and content. */
  rename(organizationId: Id, cards: readonly Contact[]): Promise<void>
  /**
   * Turns all that the organization's people have in their books of the directory into personal cards, as last seen, in
   * their `people` book, and takes those books away.
   */
  freeze(organizationId: Id, directoryId: Id): Promise<{ readonly peopleId: Id; readonly name: string }[]>
}
