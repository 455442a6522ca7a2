import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type ContactData, isEmail, parseVCard } from '#vcard'
import { asId, type Id } from './actor.ts'
import {
  attributesOfData,
  managedAgain,
  managedCard,
  type PersonAttributes,
  problemsOf,
  type TypedValue,
  withAttributes,
} from './attributes.ts'
import { type Contact, generated, nameOfId } from './contacts/contact.ts'
import { saveProfile } from './contacts/profile.ts'
import { DomainError, notFound } from './errors.ts'
import { beforeCreation, welcome } from './invited.ts'
import type { Scope } from './organizations.ts'
import { toldUser, type USER_EVENTS } from './outgoing-events.ts'
import type { Store, Transaction } from './ports.ts'
import { memberDeleted, membershipChanged } from './team-members.ts'

export interface User {
  readonly id: Id
  readonly organizationId: Id
  readonly userName: string
  /** What identifies them at sign-in; '' where the organization has told none. */
  readonly email: string
  readonly isActive: boolean
  readonly isStaff: boolean
  readonly isDevice: boolean
  readonly peopleId: Id
  readonly profileId: Id
}

/** A user with all that the organization manages of them. */
export interface ManagedUser extends User {
  /** What the identity provider calls them: opaque, and unique only by its own care. */
  readonly externalId?: string
  readonly attributes: PersonAttributes
  /** Counts the changes of what is managed, from 1. */
  readonly revision: number
  readonly createdAt: Date
  readonly modifiedAt: Date
}

/** All that an identity provider says of somebody; `isStaff` absent: that stays. */
export type Provisioned = Pick<ManagedUser, 'userName' | 'externalId' | 'isActive' | 'attributes'> & {
  readonly isStaff?: boolean
}

/** What the command line says of somebody. */
export interface UserAttributes {
  readonly email?: string
  readonly name?: string
  readonly nameParts?: ContactData['name']
  readonly workPhone?: string
  readonly mobilePhone?: string
  readonly title?: string
  readonly department?: string
  readonly address?: NonNullable<ContactData['addresses']>[number]
  readonly photo?: string
  readonly isStaff?: boolean
}

/** userName is unique within the organization after Unicode NFKC and case folding. */
export const userNameKey = (userName: string): string => userName.normalize('NFKC').toLowerCase().normalize('NFKC')

/** "Dr Ryan Stone" is a prefix, a given and a family name; one word is a given name. */
function nameParts(name: string): NonNullable<ContactData['name']> {
  const words = name.trim().split(/\s+/)
  const prefix = words.length > 2 && /^(Dr|Prof|Mr|Mrs|Ms|Mx)\.?$/.test(words[0] ?? '') ? words.shift() : undefined
  const family = words.length > 1 ? words.pop() : undefined
  return { ...(prefix ? { prefix } : {}), given: words.join(' '), ...(family ? { family } : {}) }
}

/** What a name says of its parts. */
export const attributesOfName = (name: string): PersonAttributes =>
  withAttributes({}, attributesOfData({ name: nameParts(name) }))

/** The attributes with what the command line says of them. @throws DomainError `invalid-data` */
function described(old: PersonAttributes, said: UserAttributes): PersonAttributes {
  const first = (list: readonly TypedValue[] = [], type: string, value: string) => {
    const rest = list.filter((item) => item !== list.find((one) => one.type?.toLowerCase() === type))
    return value ? [{ value, type }, ...rest] : rest
  }
  const { name, title, department } = said
  let phoneNumbers = old.phoneNumbers
  if (said.mobilePhone !== undefined) phoneNumbers = first(phoneNumbers, 'mobile', said.mobilePhone)
  if (said.workPhone !== undefined) phoneNumbers = first(phoneNumbers, 'work', said.workPhone)
  const data: Partial<ContactData> = {
    ...(name === undefined ? {} : { full_name: name.trim(), name: said.nameParts ?? nameParts(name) }),
    ...(said.address === undefined ? {} : { addresses: [said.address] }),
    ...(said.photo === undefined ? {} : { photo: said.photo }),
  }
  const now = withAttributes(old, {
    ...(name === undefined ? {} : { displayName: name.trim() }),
    ...attributesOfData(data),
    ...(said.email === undefined ? {} : { emails: first(old.emails, 'work', said.email) }),
    ...(phoneNumbers === old.phoneNumbers ? {} : { phoneNumbers }),
    ...(title === undefined ? {} : { title }),
    ...(department === undefined ? {} : { department }),
  })
  const problems = problemsOf({ userName: '', attributes: old }, { userName: '', attributes: now })
  if (problems.length > 0) {
    const words = problems.map(({ field, problem }) => `${field.replace(/^data\./, '')} ${problem}`).join('; ')
    throw new DomainError('invalid-data', words, { problems })
  }
  return now
}

function checkedEmail(text: string): string {
  const email = text.trim()
  if (!isEmail(email)) throw new DomainError('invalid-data', `"${text}" is not an e-mail address`)
  return email
}

export type NewUser = UserAttributes & { readonly email: string; readonly name: string }

/** What identifies somebody at sign-in: their first e-mail address at work, or a userName that is one. */
function emailOf({ emails = [] }: PersonAttributes, userName: string): string {
  const preferred = emails.find(({ primary }) => primary) ?? emails.find(({ type }) => type?.toLowerCase() === 'work')
  return [preferred?.value, emails[0]?.value, userName].find((one) => one !== undefined && isEmail(one)) ?? ''
}

/** @throws DomainError `invalid-data` */
function checkedUserName(text: string): string {
  const userName = text.trim()
  if (userName === '' || userName.length > 320 || /\p{Cc}/u.test(userName)) {
    throw new DomainError('invalid-data', 'A userName has 1 to 320 characters, and no control characters')
  }
  return userName
}

function newUser(organizationId: Id, said: Provisioned, id: Id): { user: ManagedUser; profile: Contact } {
  const userName = checkedUserName(said.userName)
  const at = new Date()
  const user: ManagedUser = {
    ...said,
    id,
    organizationId,
    userName,
    email: emailOf(said.attributes, userName),
    isStaff: said.isStaff ?? false,
    isDevice: false,
    peopleId: randomUUID(),
    profileId: randomUUID(),
    revision: 1,
    createdAt: at,
    modifiedAt: at,
  }
  const managed = managedCard(user.profileId, user)
  const profile: Contact = {
    id: user.profileId,
    kind: 'profile',
    ownerId: user.id,
    name: nameOfId(user.profileId),
    uid: user.profileId,
    managed,
    listed: user.isActive,
    ...generated(parseVCard(managed)),
  }
  return { user, profile }
}

export class UserService {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  /** Creates the user and their profile contact together. @throws DomainError `invalid-data`, `already-exists` */
  async create(organizationId: Id, attributes: NewUser): Promise<User> {
    const [user] = await this.createMany(organizationId, [attributes])
    if (!user) throw new TypeError('one user makes one')
    return user
  }

  /** Creates all of them in one transaction, or none: one revision of the organization's stream. */
  async createMany(organizationId: Id, wanted: readonly NewUser[]): Promise<User[]> {
    const made = wanted.map(({ isStaff = false, ...said }) => {
      const email = checkedEmail(said.email)
      const attributes = described({}, { ...said, email })
      return { said: { userName: email, isActive: true, isStaff, attributes } }
    })
    return await this.#store.transaction((transaction) => insertManaged(transaction, organizationId, made))
  }

  /** Creates whom an identity provider tells of. @throws DomainError `invalid-data`, `already-exists` */
  async provision(organizationId: Id, said: Provisioned, id: Id = randomUUID()): Promise<ManagedUser> {
    const [user] = await this.#store.transaction((transaction) =>
      insertManaged(transaction, organizationId, [{ said, id }]),
    )
    if (!user) throw new TypeError('one user makes one')
    return user
  }

  /** By e-mail or id. @throws DomainError `not-found`, `ambiguous` */
  async get(reference: string): Promise<User> {
    const found = await this.#store.users.find(asId(reference) ?? { email: reference })
    if (found.length > 1) {
      const ids = found.map(({ id }) => id).join(', ')
      throw new DomainError(
        'ambiguous',
        `${found.length} users have the e-mail "${reference}": name one by id (${ids})`,
      )
    }
    if (!found[0]) throw notFound(`There is no user "${reference}"`)
    return found[0]
  }

  /** Each with the scope that is in force for them. */
  list = (organizationId?: Id): AsyncIterable<User & { readonly scope: Scope }> =>
    this.#store.users.list(organizationId)

  /** Changes what is managed of a user: on every colleague's card at its next sync, under every override. */
  update({ organizationId, id }: User, said: UserAttributes): Promise<User> {
    return this.amend(organizationId, id, (now) => {
      const email = said.email === undefined ? now.email : checkedEmail(said.email)
      return {
        ...now,
        userName: now.userName === now.email ? email : now.userName,
        isStaff: said.isStaff ?? now.isStaff,
        attributes: described(now.attributes, { ...said, ...(said.email === undefined ? {} : { email }) }),
      }
    })
  }

  /**
   * Replaces what is managed of a user by what `change` makes of it, in one transaction: it may be called again, and what
   * it throws changes nothing. Without a difference nothing is written.
   *
   * @throws DomainError `not-found`, `invalid-data`, `already-exists`
   */
  async amend(organizationId: Id, id: Id, change: (now: ManagedUser) => Provisioned): Promise<ManagedUser> {
    return await this.#store.transaction(async (transaction) => {
      const now = await transaction.users.lockManaged(organizationId, id)
      if (!now) throw notFound('The user is gone')
      return await saveManaged(transaction, now, change(now))
    })
  }

  /**
   * Lets nobody in with this user's credentials any more, and takes their card out of every book; or the reverse, with
   * the same card under the same name.
   */
  async setActive({ organizationId, id }: User, isActive: boolean): Promise<void> {
    await this.amend(organizationId, id, (now) => ({ ...now, isActive }))
  }

  /**
   * Deletes the user; what colleagues laid over the card stays theirs, as a personal card.
   *
   * @throws DomainError `not-found`, and what `check` throws
   */
  async delete({ organizationId, id }: Pick<User, 'organizationId' | 'id'>, check?: (now: ManagedUser) => void) {
    await this.#store.transaction(async (transaction) => {
      const now = await transaction.users.lockManaged(organizationId, id)
      if (!now) throw notFound('The user is gone')
      check?.(now)
      await memberDeleted(transaction, now)
      await transaction.contacts.lockProfile(now.organizationId, now.id)
      await transaction.contacts.freezeOverrides(now.organizationId, { id: now.profileId })
      await transaction.contacts.markDeleted(now.organizationId, now.profileId)
      await transaction.users.delete(now.organizationId, now.id)
      transaction.tell(organizationId, { kind: 'user.deleted', userId: id, was: toldUser(now) })
      recordProfile(transaction, now)
    })
  }

  /** What is in force for the user: the narrower of the organization's scope and their own. */
  scope = ({ organizationId, id }: User): Promise<Scope> => this.#store.users.scope(organizationId, id)

  /** Which colleagues are in this person's book. Where that is another, older tokens are refused: the whole view may differ. */
  async setScope(user: User, scope: Scope): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      if (!(await transaction.users.lock(user.organizationId, user.id))) throw notFound('The user is gone')
      const changed = await transaction.users.setScope(user.organizationId, user.id, scope)
      if (changed) transaction.reset(user.organizationId, user.peopleId)
    })
  }
}

/**
 * Creates users with their profile contacts, and makes them members where invitations wait for them; their e-mails are
 * verified, or else the organization vouches for those in its own domains.
 *
 * @throws DomainError `invalid-data`, `already-exists`
 */
export async function insertManaged(
  transaction: Transaction,
  organizationId: Id,
  wanted: readonly { readonly said: Provisioned; readonly id?: Id }[],
  isEmailVerified = false,
): Promise<ManagedUser[]> {
  const made = wanted.map(({ said, id = randomUUID() }) => newUser(organizationId, said, id))
  const users = made.map(({ user }) => user)
  await beforeCreation(transaction, organizationId)
  await transaction.users.insert(users)
  await transaction.contacts.insert(
    organizationId,
    made.map(({ profile }) => profile),
  )
  for (const user of users) {
    recordProfile(transaction, user)
    tellUser(transaction, user, 'user.created')
  }
  await welcome(transaction, organizationId, users, isEmailVerified)
  return users
}

/** Writes what differs, and what follows from it for the card, and for the person's teams. */
export async function saveManaged(transaction: Transaction, now: ManagedUser, said: Provisioned): Promise<ManagedUser> {
  const { organizationId } = now
  const { isStaff = now.isStaff, isActive, attributes, externalId } = said
  const userName = checkedUserName(said.userName)
  const identifying = emailOf(attributes, userName)
  const { externalId: _, ...rest } = now
  const same: ManagedUser = {
    ...rest,
    userName,
    ...(externalId === undefined ? {} : { externalId }),
    email: identifying === emailOf(now.attributes, now.userName) ? now.email : identifying,
    isActive,
    isStaff,
    attributes,
  }
  if (isDeepStrictEqual(same, now)) return now
  const saved = { ...same, revision: now.revision + 1, modifiedAt: new Date() }
  await transaction.users.update(saved)
  const { isActive: _was, ...before } = now
  if (!isDeepStrictEqual({ ...before, isActive }, same)) tellUser(transaction, now, 'user.changed')
  if (isActive !== now.isActive) tellUser(transaction, now, isActive ? 'user.activated' : 'user.deactivated')
  const profile = await transaction.contacts.lockProfile(organizationId, now.id)
  if (!profile?.managed) throw notFound('The user has no profile')
  await saveProfile(transaction, organizationId, profile, managedAgain(profile.managed, now, saved), profile.layer)
  if (isActive !== now.isActive) {
    await transaction.contacts.setListed(organizationId, now.profileId, isActive)
    recordProfile(transaction, now)
    await membershipChanged(transaction, now)
  }
  return saved
}

const tellUser = (transaction: Transaction, { organizationId, id }: User, kind: (typeof USER_EVENTS)[number]): void =>
  transaction.tell(organizationId, { kind, userId: id })

const recordProfile = (transaction: Transaction, { organizationId, profileId }: User): void =>
  transaction.record(organizationId, { streamId: organizationId, member: nameOfId(profileId), kind: 'card' })
