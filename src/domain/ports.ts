import type { Actor, Id } from './actor.ts'
import type { Change, Heads, StreamState } from './changes.ts'
import type { Colleagues } from './colleagues.ts'
import type { Collection, DirectoryKey } from './contacts/collection.ts'
import type { Body, CardContent, CardView, Contact, Shown } from './contacts/contact.ts'
import type { Lock } from './contacts/lock.ts'
import type { Layer } from './contacts/overlay.ts'
import type { ContactPosition, ContactSearch, SeenContact } from './contacts/seen.ts'
import type { Directory } from './directory.ts'
import type { Job } from './jobs.ts'
import type { KeptAnswers } from './once.ts'
import type { Organization, Scope } from './organizations.ts'
import type { OutgoingEvent } from './outgoing-events.ts'
import type { ApiTokens, Connectors, Credentials, Identities, WebSessions } from './ports-access.ts'
import type { SharedDirectories, Subscriptions } from './ports-directories.ts'
import type { CardVersions } from './ports-history.ts'
import type { Hooks } from './ports-hooks.ts'
import type { Invitations, JoinRequests, Teams } from './ports-teams.ts'
import type { ManagedUser, User } from './users.ts'

/** What the rules need of a database. Every list is in a stable order; nothing here decides anything. */
export interface Repositories {
  readonly organizations: Organizations
  readonly users: Users
  readonly contacts: Contacts
  readonly cardVersions: CardVersions
  readonly seenContacts: SeenContacts
  readonly books: Books
  readonly locks: Locks
  readonly clientProperties: ClientProperties
  readonly teams: Teams
  readonly invitations: Invitations
  readonly joinRequests: JoinRequests
  readonly directory: Directory
  readonly sharedDirectories: SharedDirectories
  readonly subscriptions: Subscriptions
  readonly colleagues: Colleagues
  readonly collections: Collections
  readonly credentials: Credentials
  readonly connectors: Connectors
  readonly apiTokens: ApiTokens
  readonly identities: Identities
  readonly hooks: Hooks
  readonly webSessions: WebSessions
  readonly keptAnswers: KeptAnswers
}

export interface Store extends Repositories {
  /**
   * Runs `work` in one READ COMMITTED transaction, and again if it lost a race. The changes it recorded are written
   * last, directly before COMMIT, whatever it did.
   */
  transaction<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result>
  /**
   * Runs `work` in one transaction which whatever it asks of this store is part of, and again if that lost a race: each
   * read sees what was written, each `transaction` is undone by itself where it fails, and all is there at once, at the
   * end.
   */
  joined<Result>(work: (repositories: Repositories) => Promise<Result>): Promise<Result>
}

export interface Transaction extends Repositories {
  record(organizationId: Id, change: Change): void
  /** Refuses every older token of the stream: what it shows has changed wholesale. */
  reset(organizationId: Id, streamId: Id): void
  /** Ends a membership at the revision that this transaction gives the organization's stream. */
  leave(organizationId: Id, teamId: Id, userId: Id): void
  /** Has the organization's hooks hear of it, at that revision. What happens twice in a transaction is told once. */
  tell(organizationId: Id, event: OutgoingEvent): void
  /** Has it done once the transaction is over, or at that time; never, if it is rolled back. */
  enqueue(job: Job, at?: Date): void
}

export interface Organizations {
  /** @throws DomainError `domain-taken` */
  insert(organization: Organization): Promise<void>
  list(): Promise<Organization[]>
  find(by: Id | { name: string }): Promise<Organization[]>
  /** The organization that has the registration id, and the one that has the domain: each once, that one first. */
  matching(registrationId: string | undefined, domain: string | undefined): Promise<{ readonly id: Id }[]>
  setActive(id: Id, isActive: boolean): Promise<void>
  /** Locks it until the transaction ends. Whoever locks users too does that first. */
  lock(id: Id): Promise<Organization | undefined>
  /** Likewise, shared: what its people may do stays so until then. */
  hold(id: Id): Promise<Organization | undefined>
  /** Its name, and what its people may do. */
  update(organization: Organization): Promise<void>
}

export interface Users {
  /** Inserts users, each with their `people` book. @throws DomainError `already-exists` */
  insert(users: readonly ManagedUser[]): Promise<void>
  find(by: Id | { email: string }): Promise<User[]>
  /** Locks the user until the transaction ends. */
  lock(organizationId: Id, id: Id): Promise<User | undefined>
  /** Likewise, with all that is managed of them. */
  lockManaged(organizationId: Id, id: Id): Promise<ManagedUser | undefined>
  /** Likewise those whom that e-mail identifies, in any case and active or not, in the order of their ids. */
  lockByEmail(organizationId: Id, email: string): Promise<ManagedUser[]>
  /** Locks those of them that there are, in the order of their ids. */
  lockAll(organizationId: Id, ids: readonly Id[]): Promise<User[]>
  /** Likewise whom those profiles are of, in the order of the users' ids. */
  lockOwners(organizationId: Id, profileIds: readonly Id[]): Promise<User[]>
  update(user: ManagedUser): Promise<void>
  delete(organizationId: Id, id: Id): Promise<void>
  /** Each with the scope that is in force for them. */
  list(organizationId?: Id): AsyncIterable<User & { readonly scope: Scope }>
  /** Deactivated ones too, in the order of their ids, after that one. */
  administrators(organizationId: Id, after: Id | undefined, limit: number): Promise<ManagedUser[]>
  /** An active user, as colleagues see them. */
  person(organizationId: Id, id: Id): Promise<PersonRow | undefined>
  /** Active users whom all, or any, of the matches are about, in the order of their cards' names. */
  people(organizationId: Id, matches: readonly PersonMatch[], test: 'all' | 'any', limit: number): Promise<PersonRow[]>
  /**
   * What is in force for the user: the narrower of the organization's scope and their own. The organization's cannot
   * change until the transaction ends.
   */
  scope(organizationId: Id, id: Id): Promise<Scope>
  /** Those of them for whom the scope `teams` is in force; likewise. */
  seeingTeamsOnly(organizationId: Id, ids: readonly Id[]): Promise<Pick<User, 'id' | 'peopleId'>[]>
  /** Says whether it was another one. */
  setScope(organizationId: Id, id: Id, scope: Scope): Promise<boolean>
}

/** A part of a person's name or e-mail, in any case. */
export interface PersonMatch {
  readonly field: 'name' | 'email'
  readonly text: string
}

export interface PersonRow {
  readonly id: Id
  readonly email: string
  /** The resource name of their card. */
  readonly card: string
  /** The line of the card that holds the name, folded as it is stored. */
  readonly nameLine?: string
}

/** What there is at a name, and what holds a UID, when a card is about to be written. */
export interface Place {
  /** My own card of that name in the book: personal, or an override. */
  readonly own?: Contact
  /** The directory card that the name stands for, in a book or not. */
  readonly base?: Contact
  /** The team of my organization that the name stands for. */
  readonly team?: { readonly id: Id; readonly visible: boolean }
  /** Whether I have hidden what the name stands for. */
  readonly hidden: boolean
  /** Whether my scope shows me the card that the name stands for. */
  readonly inScope: boolean
  /** Another card of the book with that UID. */
  readonly uidHolder?: { readonly name: string; readonly visible: boolean }
  /** What devices have locked: the name, or the book. */
  readonly locks: readonly Lock[]
}

/** With the organization that it belongs to. */
export type Override = Contact & { readonly organizationId: Id }

export interface Contacts {
  /** In a shared directory's book: that directory stays the person's until the transaction ends. @throws DomainError `not-found` */
  place(actor: Actor, collection: Collection, name: string, uid: string | undefined): Promise<Place>
  /** The directory card as it is now; it cannot change until the transaction ends (shared with other readers). */
  holdBase(organizationId: Id, id: Id): Promise<Contact | undefined>
  profile(organizationId: Id, userId: Id): Promise<Contact | undefined>
  /** The profile, locked for writing. */
  lockProfile(organizationId: Id, userId: Id): Promise<Contact | undefined>
  /** Loses a race (the transaction runs again) if the name, UID or base is taken meanwhile. */
  insert(organizationId: Id, contacts: readonly Contact[]): Promise<void>
  /** Replaces what was read with `seen` as its ETag and keeps the old version; loses a race if it is no longer so. */
  replace(organizationId: Id, contact: Contact, seen: string): Promise<void>
  /** Likewise; the old version is kept. */
  delete(organizationId: Id, contact: Contact): Promise<void>
  /** Gives a personal card another place; loses a race if it is another one by now. */
  relocate(organizationId: Id, contact: Contact, to: Member): Promise<void>
  /** Deletes the cards of a book; their versions are kept. */
  deleteAll(organizationId: Id, bookId: Id): Promise<void>
  /** An entry of a directory, locked for writing. */
  lockEntry(directory: DirectoryKey, id: Id): Promise<Contact | undefined>
  /** Locked: the organization's own, or where the base is an entry those of every subscriber. */
  overridesOf(organizationId: Id, base: Contact): Promise<Override[]>
  /** Writes worked-out content and nothing else: no version is kept. */
  rewrite(organizationId: Id, contacts: readonly Contact[]): Promise<void>
  /** Turns the overrides of a base into personal cards, as last seen: the organization's, or each subscriber's. */
  freezeOverrides(organizationId: Id, base: Pick<Contact, 'id' | 'directoryId'>): Promise<void>
  setListed(organizationId: Id, id: Id, listed: boolean): Promise<void>
  /** Soft: the row stays while the journal names it. */
  markDeleted(organizationId: Id, id: Id): Promise<void>
  /** Earlier versions of a profile (as 4.0 text), newest first. */
  earlier(organizationId: Id, id: Id): Promise<{ readonly text: string; readonly managed?: string }[]>
  hide(actor: Actor, id: Id): Promise<void>
  unhide(actor: Actor, id: Id): Promise<boolean>
  /** Each with the collection that it is hidden in. */
  hidden(actor: Actor): Promise<{ readonly id: Id; readonly name: string; readonly collectionId: Id }[]>
}

/** The contacts of all of a person's books: colleagues in their scope and entries with their own layers, and their own. No teams. */
export interface SeenContacts {
  find(
    actor: Actor,
    by: { readonly id: Id } | { readonly bookId: Id; readonly name: string },
  ): Promise<SeenContact | undefined>
  /** In the order of positions: without a search by id, else the best first. Ends early as `Collections` does (`isFull`). */
  page(actor: Actor, search: ContactSearch, after: ContactPosition | undefined, limit: number): Promise<SeenContact[]>
  /** The ids of the person's own cards in the book, and of their profile, among those of these names. */
  own(actor: Actor, bookId: Id, names: readonly string[]): Promise<{ id: Id; name: string; isMe: boolean }[]>
  /** What the person has hidden and would see else, in the order of ids. */
  hidden(actor: Actor, after: Id | undefined, limit: number): Promise<HiddenRow[]>
}

/** A card that somebody hid: a colleague's or a directory's, with the line that holds the name, or a team's. */
export interface HiddenRow {
  readonly id: Id
  readonly kind: 'profile' | 'entry' | 'team'
  readonly isMe: boolean
  readonly nameLine?: string
  readonly teamName?: string
}

/** A person's address book. */
export interface Book {
  readonly id: Id
  readonly ownerId: Id
  /** The last segment of its address; `people` for the merged one. */
  readonly name: string
  readonly displayName: string
  readonly description?: string
  /** As clients write it: #rrggbb, often with an alpha. */
  readonly color?: string
  readonly createdAt: Date
  /** A shared directory, which says all this itself. */
  readonly directory?: DirectoryKey
}

/** What a person may say of a book; null takes it away. */
export interface BookChanges {
  readonly displayName?: string
  readonly description?: string | null
  readonly color?: string | null
}

export interface Books {
  /** The merged book first. */
  list(actor: Actor): Promise<Book[]>
  find(actor: Actor, name: string): Promise<Book | undefined>
  /** Of the cards that the person owns in all of them. */
  bytes(actor: Actor): Promise<number>
  /** Books that came, went or changed in (since, until], by name, with their present state. */
  changed(actor: Actor, since: Heads, until: Heads, after: string, limit: number): Promise<ChangedMember<Book>[]>
  /** Locks the book's row, which is made for a shared directory; that stays the person's until the transaction ends. */
  lock(actor: Actor, collection: Collection): Promise<Book | undefined>
  /** False where the name is taken. */
  insert(actor: Actor, book: Book): Promise<boolean>
  update(actor: Actor, id: Id, changes: BookChanges & { readonly name?: string }): Promise<void>
  /** With what is kept beside it; its cards have to be gone. */
  delete(actor: Actor, id: Id): Promise<void>
}

/** A place in a collection: a card's name, or '' for the collection itself. */
export interface Member {
  readonly collection: Collection
  readonly name: string
}

export interface Locks {
  /** Those that still hold, of one collection or of all. */
  list(actor: Actor, collectionId?: Id): Promise<Lock[]>
  /** From now on; the answer is when it ends. */
  insert(actor: Actor, lock: Omit<Lock, 'expiresAt'>): Promise<Date>
  refresh(actor: Actor, lock: Lock, seconds: number): Promise<Date>
  delete(actor: Actor, lock: Pick<Lock, 'collectionId' | 'id'>): Promise<void>
  /** Ends every lock of what is there no more. */
  release(actor: Actor, collectionId: Id, member: string): Promise<void>
  forget(before: Date): Promise<void>
}

/** What a client keeps beside a card or a book, for itself: we only give it back. */
export interface ClientProperty {
  readonly member: string
  readonly name: string
  readonly value: string
}

export interface ClientProperties {
  list(actor: Actor, collectionId: Id, members: readonly string[]): Promise<ClientProperty[]>
  /** Bytes of all that a person's clients keep. */
  size(actor: Actor): Promise<number>
  set(actor: Actor, of: Member, name: string, value: string): Promise<void>
  /** One, or without a name all of that member. */
  remove(actor: Actor, of: Member, name?: string): Promise<void>
  copy(actor: Actor, from: Member, to: Member): Promise<void>
}

/** What must hold of the text that a card is found by (`searchText`): a part of it, or that it has a property or not. */
export type Narrowing =
  | { readonly all: readonly Narrowing[] }
  | { readonly any: readonly Narrowing[] }
  | { readonly text: string }
  | { readonly property: string }
  | { readonly without: string }

/** Reading an address book: each call is one query, in the order of names. */
/** Reads of cards with their texts end early, after some card, where those are `MAX_READ_BYTES` and more (`isFull`). */
export interface Collections {
  /** Both streams in one snapshot; `at` asks for the stamps recorded at those revisions. */
  streams(actor: Actor, collection: Collection, at?: Heads): Promise<{ base: StreamState; own: StreamState }>
  named<Of extends Body>(actor: Actor, collection: Collection, names: readonly string[], body: Of): Promise<Shown<Of>[]>
  /** With a narrowing, only those that pass it (and team cards). */
  page<Of extends Body>(
    actor: Actor,
    collection: Collection,
    after: string,
    limit: number,
    body: Of,
    narrowing?: Narrowing,
  ): Promise<Shown<Of>[]>
  /**
   * The names of at least every card that passes, found by an index; at most `limit` of each kind, so that whoever gets
   * as many knows that there may be more. Undefined where no index would help.
   */
  search(actor: Actor, collection: Collection, narrowing: Narrowing, limit: number): Promise<string[] | undefined>
  /** What changed in (since, until], with its present state; `joined` is the state for leaving teams. */
  changed<Of extends Body>(
    actor: Actor,
    collection: Collection,
    span: { readonly since: Heads; readonly until: Heads; readonly after: string; readonly limit: number },
    body: Of,
  ): Promise<ChangedMember<Shown<Of>>[]>
  /** Every stream's number of rows and head: for operators. */
  status(organizationId: Id): Promise<{ streams: number; journalRows: number; revision: string; floor: string }>
  /** Forgets changes older than that; tokens from before are refused. Returns how many rows went. */
  prune(before: Date): Promise<number>
}

/** A member that changed: what it is now, or nothing if it is not (or no longer) in the collection. */
export interface ChangedMember<View = CardView> {
  readonly name: string
  readonly view?: View
}

export type { CardContent, Layer }
