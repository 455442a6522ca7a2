import { randomUUID } from 'node:crypto'
import { type ContactData, dataProblems, isEmail, parseVCard, readData, serialize, type VCard, writeData } from '#vcard'
import { asId, type Id } from './actor.ts'
import { type Contact, generated, nameOfId } from './contacts/contact.ts'
import { saveProfile } from './contacts/profile.ts'
import { DomainError, notFound } from './errors.ts'
import type { Scope } from './organizations.ts'
import type { Store, Transaction } from './ports.ts'
import { memberDeleted, membershipChanged } from './teams.ts'

export interface User {
  readonly id: Id
  readonly organizationId: Id
  readonly userName: string
  readonly email: string
  readonly isActive: boolean
  readonly isStaff: boolean
  readonly isDevice: boolean
  readonly peopleId: Id
  readonly profileId: Id
}

/** What the command line (later: an identity provider) says of somebody. */
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

const emptyProfile = (id: Id): VCard =>
  parseVCard(`BEGIN:VCARD\r\nVERSION:4.0\r\nPRODID:-//Kith//Kith//EN\r\nUID:${id}\r\nEND:VCARD\r\n`)

/** "Dr Ryan Stone" is a prefix, a given and a family name; one word is a given name. */
function nameParts(name: string): NonNullable<ContactData['name']> {
  const words = name.trim().split(/\s+/)
  const prefix = words.length > 2 && /^(Dr|Prof|Mr|Mrs|Ms|Mx)\.?$/.test(words[0] ?? '') ? words.shift() : undefined
  const family = words.length > 1 ? words.pop() : undefined
  return { ...(prefix ? { prefix } : {}), given: words.join(' '), ...(family ? { family } : {}) }
}

/** The lines that `attributes` manages, over the card that has been managed so far. */
function manage(card: VCard, attributes: UserAttributes): VCard {
  const old = readData(card)
  const change: { [Key in keyof ContactData]?: ContactData[Key] | undefined } = {}
  if (attributes.name !== undefined) {
    change.full_name = attributes.name.trim()
    change.name = attributes.nameParts ?? nameParts(attributes.name)
  }
  const first = <Type extends string>(
    list: readonly { type: Type; value: string }[] = [],
    type: Type,
    value?: string,
  ) => {
    const rest = list.filter((item) => item !== list.find((one) => one.type === type))
    return value ? [{ type, value }, ...rest] : rest
  }
  if (attributes.email !== undefined) change.emails = first(old.emails, 'Work', attributes.email)
  let phones = old.phones
  if (attributes.mobilePhone !== undefined) phones = first(phones, 'Mobile', attributes.mobilePhone)
  if (attributes.workPhone !== undefined) phones = first(phones, 'Work', attributes.workPhone)
  if (phones !== old.phones) change.phones = phones
  if (attributes.title !== undefined || attributes.department !== undefined) {
    const [{ jobTitle, department, ...rest } = {}, ...others] = old.organizations ?? []
    const title = attributes.title ?? jobTitle
    const unit = attributes.department ?? department
    const main = { ...rest, ...(unit ? { department: unit } : {}), ...(title ? { jobTitle: title } : {}) }
    change.organizations = Object.keys(main).length > 0 ? [main, ...others] : others
  }
  if (attributes.address !== undefined) change.addresses = [attributes.address]
  if (attributes.photo !== undefined) change.photo = attributes.photo
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
  const problems = dataProblems(given, false)
  if (problems.length > 0) {
    const words = problems.map(({ field, problem }) => `${field.replace(/^data\./, '')} ${problem}`).join('; ')
    throw new DomainError('invalid-data', words, { problems })
  }
  return writeData(card, change)
}

function checkedEmail(text: string): string {
  const email = text.trim()
  if (!isEmail(email)) throw new DomainError('invalid-data', `"${text}" is not an e-mail address`)
  return email
}

export type NewUser = UserAttributes & { readonly email: string; readonly name: string }

function newUser(organizationId: Id, attributes: NewUser): { user: User; profile: Contact } {
  const email = checkedEmail(attributes.email)
  const user: User = {
    id: randomUUID(),
    organizationId,
    userName: email,
    email,
    isActive: true,
    isStaff: attributes.isStaff ?? false,
    isDevice: false,
    peopleId: randomUUID(),
    profileId: randomUUID(),
  }
  const managed = manage(emptyProfile(user.profileId), { ...attributes, email })
  const profile: Contact = {
    id: user.profileId,
    kind: 'profile',
    ownerId: user.id,
    name: nameOfId(user.profileId),
    uid: user.profileId,
    managed: serialize(managed),
    listed: true,
    ...generated(managed),
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
    const made = wanted.map((attributes) => newUser(organizationId, attributes))
    const users = made.map(({ user }) => user)
    await this.#store.transaction(async (transaction) => {
      await transaction.users.insert(users)
      await transaction.contacts.insert(
        organizationId,
        made.map(({ profile }) => profile),
      )
      for (const user of users) recordProfile(transaction, user)
    })
    return users
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
  async update(user: User, attributes: UserAttributes): Promise<User> {
    return await this.#store.transaction(async (transaction) => {
      const now = await lockUser(transaction, user)
      const email = attributes.email === undefined ? now.email : checkedEmail(attributes.email)
      const changed: User = {
        ...now,
        email,
        userName: now.userName === now.email ? email : now.userName,
        isStaff: attributes.isStaff ?? now.isStaff,
      }
      await transaction.users.update(changed)
      const profile = await transaction.contacts.lockProfile(now.organizationId, now.id)
      if (!profile?.managed) throw notFound('The user has no profile')
      const managed = manage(parseVCard(profile.managed), attributes)
      await saveProfile(transaction, now.organizationId, profile, serialize(managed), profile.layer)
      return changed
    })
  }

  /**
   * Lets nobody in with this user's credentials any more, and takes their card out of every book; or the reverse, with
   * the same card under the same name.
   */
  async setActive(user: User, isActive: boolean): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const now = await lockUser(transaction, user)
      if (now.isActive === isActive) return
      await transaction.users.update({ ...now, isActive })
      await transaction.contacts.setListed(now.organizationId, now.profileId, isActive)
      recordProfile(transaction, now)
      await membershipChanged(transaction, now)
    })
  }

  /** Deletes the user; what colleagues laid over the card stays theirs, as a personal card. */
  async delete(user: User): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const now = await lockUser(transaction, user)
      await memberDeleted(transaction, now)
      await transaction.contacts.lockProfile(now.organizationId, now.id)
      await transaction.contacts.freezeOverrides(now.organizationId, now.profileId)
      await transaction.contacts.markDeleted(now.organizationId, now.profileId)
      await transaction.users.delete(now.organizationId, now.id)
      recordProfile(transaction, now)
    })
  }

  /** What is in force for the user: the narrower of the organization's scope and their own. */
  scope = ({ organizationId, id }: User): Promise<Scope> => this.#store.users.scope(organizationId, id)

  /** Which colleagues are in this person's book. Where that is another, older tokens are refused: the whole view may differ. */
  async setScope(user: User, scope: Scope): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      await lockUser(transaction, user)
      const changed = await transaction.users.setScope(user.organizationId, user.id, scope)
      if (changed) transaction.reset(user.organizationId, user.peopleId)
    })
  }
}

async function lockUser(transaction: Transaction, { organizationId, id }: User): Promise<User> {
  const user = await transaction.users.lock(organizationId, id)
  if (!user) throw notFound('The user is gone')
  return user
}

const recordProfile = (transaction: Transaction, { organizationId, profileId }: User): void =>
  transaction.record(organizationId, { streamId: organizationId, member: nameOfId(profileId), kind: 'card' })
