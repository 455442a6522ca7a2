import type { DataField } from '#vcard'
import type { Actor, Id } from './actor.ts'
import { DomainError, notFound } from './errors.ts'
import { mayCreateTeams, type Organization, type OrganizationChange, saveOrganization } from './organizations.ts'
import type { Repositories, Store, Transaction } from './ports.ts'
import { assertActive, assertExpected, type Expected, lockPeople } from './team-role.ts'
import { type ManagedUser, saveManaged, type User } from './users.ts'

/** What somebody may do in their organization. */
export interface Abilities {
  readonly administer: boolean
  readonly createTeams: boolean
  /** Absent: all. */
  readonly editableFields?: readonly DataField[]
}

/** An organization as one of its people reads it. */
export interface OrganizationView {
  readonly organization: Organization
  readonly abilities: Abilities
}

const abilitiesOf = (user: User, organization: Organization): Abilities => ({
  administer: user.isStaff,
  createTeams: mayCreateTeams(user, organization),
  ...(organization.editableFields ? { editableFields: organization.editableFields } : {}),
})

/** @throws DomainError `need-privileges` */
export function assertAdministrator({ isStaff }: Pick<User, 'isStaff'>): void {
  if (!isStaff) throw new DomainError('need-privileges', 'This is for administrators of your organization')
}

/** Who asks, if they are active still. */
export async function myselfOf({ users }: Repositories, { organizationId, userId }: Actor): Promise<User | undefined> {
  const [user] = await users.find(userId)
  return user?.organizationId === organizationId && user.isActive ? user : undefined
}

/** Likewise of who asks. @throws DomainError `need-privileges` */
export async function assertAdministers(repositories: Repositories, actor: Actor): Promise<void> {
  assertAdministrator((await myselfOf(repositories, actor)) ?? { isStaff: false })
}

/** What people do with their organization: everybody reads it, administrators change it and name each other. */
export class OrganizationWork {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  /** @throws DomainError `not-found` */
  async read({ organizationId, userId }: Actor): Promise<OrganizationView> {
    const [organization] = await this.#store.organizations.find(organizationId)
    const [user] = await this.#store.users.find(userId)
    if (!organization || user?.organizationId !== organizationId) throw notFound('You are no user any more')
    return { organization, abilities: abilitiesOf(user, organization) }
  }

  /** @throws DomainError `need-privileges`, `precondition-failed`, `invalid-data`, `user-inactive` */
  async change(
    actor: Actor,
    change: OrganizationChange,
    expected?: Expected<OrganizationView>,
  ): Promise<OrganizationView> {
    return await this.#store.transaction(async (transaction) => {
      const { myself } = await lockPeople(transaction, actor)
      assertAdministrator(myself)
      const now = await transaction.organizations.lock(actor.organizationId)
      if (!now) throw notFound('The organization is gone')
      assertExpected(expected, { organization: now, abilities: abilitiesOf(myself, now) })
      const organization = await saveOrganization(transaction, now, change)
      return { organization, abilities: abilitiesOf(myself, organization) }
    })
  }

  /** Deactivated ones too, by id. @throws DomainError `need-privileges` */
  async administrators(actor: Actor, after: Id | undefined, limit: number): Promise<ManagedUser[]> {
    await assertAdministers(this.#store, actor)
    return await this.#store.users.administrators(actor.organizationId, after, limit)
  }

  /** @throws DomainError `need-privileges`, `not-found` of who is none */
  async administrator(actor: Actor, id: Id): Promise<ManagedUser> {
    await assertAdministers(this.#store, actor)
    const found = await this.#store.directory.user(actor.organizationId, id, false)
    if (!found?.isStaff) throw notFound('They are no administrator')
    return found
  }

  /** @throws DomainError `need-privileges`, `not-found`, `user-inactive`, `invalid-data` of shared equipment */
  async grant(actor: Actor, id: Id, expected?: Expected<ManagedUser>): Promise<ManagedUser> {
    return await this.#store.transaction(async (transaction) => {
      const { user } = await this.#lock(transaction, actor, [id])
      const wanted = user(id)
      assertActive(wanted)
      if (wanted.isDevice) {
        const problems = [{ field: 'user_id', problem: 'is shared equipment' }]
        throw new DomainError('invalid-data', 'Shared equipment administers nothing', { problems })
      }
      return await save(transaction, wanted, true, expected)
    })
  }

  /**
   * One may take it from oneself while another active one is left: they are locked in the order of ids, so that not all
   * go at once.
   *
   * @throws DomainError `need-privileges`, `not-found`, `last-administrator`
   */
  async withdraw(actor: Actor, id: Id, expected?: Expected<ManagedUser>): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const { organizationId, userId } = actor
      const all = id === userId ? await transaction.users.administrators(organizationId, undefined, MOST) : []
      const others = all.filter((one) => one.id !== id).map((one) => one.id)
      const { user } = await this.#lock(transaction, actor, [id, ...others])
      const found = user(id)
      if (!found.isStaff) throw notFound('They are no administrator')
      if (id === userId && !others.map(user).some((one) => one.isStaff && one.isActive)) {
        throw new DomainError('last-administrator', 'You are the last administrator: name another one first')
      }
      await save(transaction, found, false, expected)
    })
  }

  async #lock(transaction: Transaction, actor: Actor, ids: readonly Id[]) {
    const { myself, user } = await lockPeople(transaction, actor, ids)
    assertAdministrator(myself)
    return { user }
  }
}

/** So many are looked at for one who is left. */
const MOST = 200

/** Of a user that is locked. */
async function save(
  transaction: Transaction,
  { organizationId, id }: User,
  isStaff: boolean,
  expected: Expected<ManagedUser> | undefined,
): Promise<ManagedUser> {
  const now = await transaction.users.lockManaged(organizationId, id)
  if (!now) throw notFound('The user is gone')
  assertExpected(expected && ((one: ManagedUser) => one.isStaff && expected(one)), now) // who is none matches nothing
  return await saveManaged(transaction, now, { ...now, isStaff })
}
