import type { Actor, Id } from './actor.ts'
import type { Change, Heads, StreamState } from './changes.ts'
import type { Body, CardContent, CardView, Contact } from './contacts/contact.ts'
import type { Layer } from './contacts/overlay.ts'
import type { Organization, Scope } from './organizations.ts'
import type { Membership, Role, Team } from './teams.ts'
import type { User } from './users.ts'

/** What the rules need of a database. Every list is in a stable order; nothing here decides anything. */
export interface Repositories {
  readonly organizations: Organizations
  readonly users: Users
  readonly contacts: Contacts
  readonly books: Books
  readonly teams: Teams
  readonly collections: Collections
  readonly credentials: Credentials
}

export interface Store extends Repositories {
  /**
   * Runs `work` in one READ COMMITTED transaction, and again if it lost a race. The changes it recorded are written
   * last, directly before COMMIT, whatever it did.
   */
  transaction<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result>
}

export interface Transaction extends Repositories {
  record(organizationId: Id, change: Change): void
  /** Refuses every older token of the stream: what it shows has changed wholesale. */
  reset(organizationId: Id, streamId: Id): void
  /** Ends a membership at the revision that this transaction gives the organization's stream. */
  leave(organizationId: Id, teamId: Id, userId: Id): void
}

export interface Organizations {
  /** @throws DomainError `domain-taken` */
  insert(organization: Organization): Promise<void>
  list(): Promise<Organization[]>
  find(by: Id | { name: string }): Promise<Organization[]>
  setActive(id: Id, isActive: boolean): Promise<void>
  setScope(id: Id, scope: Scope): Promise<void>
}

export interface Users {
  /** Inserts users, each with their `people` book. @throws DomainError `already-exists` */
  insert(users: readonly User[]): Promise<void>
  find(by: Id | { email: string }): Promise<User[]>
  /** Locks the user until the transaction ends. */
  lock(organizationId: Id, id: Id): Promise<User | undefined>
  update(user: User): Promise<void>
  delete(organizationId: Id, id: Id): Promise<void>
  list(organizationId?: Id): AsyncIterable<User>
  /**
   * What is in force for the user: the narrower of the organization's scope and their own. The organization's cannot
   * change until the transaction ends.
   */
  scope(organizationId: Id, id: Id): Promise<Scope>
  setScope(organizationId: Id, id: Id, scope: Scope): Promise<void>
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
  /** Another card of the book with that UID. */
  readonly uidHolder?: { readonly name: string; readonly visible: boolean }
}

export interface Contacts {
  place(actor: Actor, bookId: Id, name: string, uid: string | undefined): Promise<Place>
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
  overridesOf(organizationId: Id, baseId: Id): Promise<Contact[]>
  /** Writes worked-out content and nothing else: no version is kept. */
  rewrite(organizationId: Id, contacts: readonly Contact[]): Promise<void>
  /** Turns the overrides of a base into personal cards, as last seen. */
  freezeOverrides(organizationId: Id, baseId: Id): Promise<void>
  setListed(organizationId: Id, id: Id, listed: boolean): Promise<void>
  /** Soft: the row stays while the journal names it. */
  markDeleted(organizationId: Id, id: Id): Promise<void>
  /** Earlier versions of a profile (as 4.0 text), newest first. */
  earlier(organizationId: Id, id: Id): Promise<{ readonly text: string; readonly managed?: string }[]>
  /** Forgets the versions replaced before then. */
  forgetVersions(before: Date): Promise<void>
  hide(actor: Actor, id: Id): Promise<void>
  unhide(actor: Actor, id: Id): Promise<boolean>
  hidden(actor: Actor): Promise<{ readonly id: Id; readonly name: string }[]>
}

/** A person's address book. */
export interface Book {
  readonly id: Id
  readonly ownerId: Id
  /** The last segment of its address; `people` for the merged one. */
  readonly name: string
  readonly displayName: string
  readonly createdAt: Date
}

export interface Books {
  list(actor: Actor): Promise<Book[]>
  find(actor: Actor, name: string): Promise<Book | undefined>
  setDisplayName(actor: Actor, id: Id, displayName: string): Promise<void>
}

export interface Teams {
  insert(team: Team): Promise<void>
  find(organizationId: Id | undefined, by: Id | { name: string }): Promise<Team[]>
  list(organizationId?: Id): Promise<Team[]>
  /** Locks the team's row. */
  lock(organizationId: Id, id: Id): Promise<Team | undefined>
  /** Active memberships, longest-standing first. */
  members(organizationId: Id, teamId: Id): Promise<Membership[]>
  teamsOf(organizationId: Id, userId: Id): Promise<Team[]>
  /** Adds the member, or takes them back. */
  join(organizationId: Id, teamId: Id, userId: Id, role: Role): Promise<void>
  setRole(organizationId: Id, teamId: Id, userId: Id, role: Role): Promise<void>
  /** Gives the group card a new revision; `members` is by how many their number changes. */
  touch(organizationId: Id, teamId: Id, members: number): Promise<void>
  setSuspended(organizationId: Id, teamId: Id, suspended: boolean): Promise<void>
  delete(organizationId: Id, teamId: Id): Promise<void>
}

/** Reading an address book: each call is one query, in the order of names. */
export interface Collections {
  /** Both streams in one snapshot; `at` asks for the stamps recorded at those revisions. */
  streams(actor: Actor, collectionId: Id, at?: Heads): Promise<{ base: StreamState; own: StreamState }>
  named(actor: Actor, collectionId: Id, names: readonly string[], body: Body): Promise<CardView[]>
  page(actor: Actor, collectionId: Id, after: string, limit: number, body: Body): Promise<CardView[]>
  /** What changed in (since, until], with its present state; `joined` is the state for leaving teams. */
  changed(
    actor: Actor,
    collectionId: Id,
    span: { readonly since: Heads; readonly until: Heads; readonly after: string; readonly limit: number },
    body: Body,
  ): Promise<ChangedMember[]>
  /** Every stream's number of rows and head: for operators. */
  status(organizationId: Id): Promise<{ streams: number; journalRows: number; revision: string; floor: string }>
  /** Forgets changes older than that; tokens from before are refused. Returns how many rows went. */
  prune(before: Date): Promise<number>
}

/** A member that changed: its card now, or none if it is not (or no longer) in the collection. */
export interface ChangedMember {
  readonly name: string
  readonly view?: CardView
}

export interface AppPassword {
  readonly id: Id
  readonly organizationId: Id
  readonly userId: Id
  readonly label: string
  readonly loginName: string
  readonly createdAt: Date
  readonly lastUsedAt?: Date
  readonly revokedAt?: Date
}

export interface Credentials {
  insert(password: AppPassword, secretHash: string, keyId: string): Promise<void>
  /** Whoever may come in with that name and secret: both active, the password not revoked. */
  verify(loginName: string, secretHash: string): Promise<{ actor: Actor; password: AppPassword } | undefined>
  list(userId: Id): Promise<AppPassword[]>
  revoke(id: Id): Promise<boolean>
  used(organizationId: Id, id: Id, at: Date): Promise<void>
  /** The id of the key that the database's hashes are made with; records this one if there is none yet. */
  keyId(own: string): Promise<string>
}

export type { CardContent, Layer }
