import { randomUUID } from 'node:crypto'
import { asId, type Id } from './actor.ts'
import { nameOfId } from './contacts/contact.ts'
import { DomainError, notFound } from './errors.ts'
import type { Store, Transaction } from './ports.ts'
import type { User } from './users.ts'

export const ROLES = ['member', 'administrator', 'owner'] as const
export type Role = (typeof ROLES)[number]

export interface Team {
  readonly id: Id
  readonly organizationId: Id
  readonly name: string
  readonly isSynced: boolean
  readonly isSuspended: boolean
  readonly memberCount: number
}

export interface Membership {
  readonly userId: Id
  readonly role: Role
  readonly email: string
  readonly isActive: boolean
}

export class TeamService {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  /** @throws DomainError `invalid-data`, `user-inactive` */
  async create(name: string, owner: User): Promise<Team> {
    const trimmed = name.trim()
    if (trimmed === '' || trimmed.length > 150) {
      throw new DomainError('invalid-data', 'A team needs a name of at most 150 characters')
    }
    const { organizationId } = owner
    const team: Team = {
      id: randomUUID(),
      organizationId,
      name: trimmed,
      isSynced: false,
      isSuspended: false,
      memberCount: 0,
    }
    await this.#store.transaction(async (transaction) => {
      await assertActive(transaction, owner)
      await transaction.teams.insert(team)
      await join(transaction, team, owner, 'owner')
    })
    return { ...team, memberCount: 1 }
  }

  list = (organizationId?: Id): Promise<Team[]> => this.#store.teams.list(organizationId)
  members = ({ organizationId, id }: Team): Promise<Membership[]> => this.#store.teams.members(organizationId, id)

  /** By name or id. @throws DomainError `not-found`, `ambiguous` */
  async get(reference: string, organizationId?: Id): Promise<Team> {
    const found = await this.#store.teams.find(organizationId, asId(reference) ?? { name: reference })
    if (found.length > 1) {
      const ids = found.map(({ id }) => id).join(', ')
      throw new DomainError('ambiguous', `${found.length} teams are called "${reference}": name one by its id (${ids})`)
    }
    if (!found[0]) throw notFound(`There is no team "${reference}"`)
    return found[0]
  }

  /** Adds a member, or gives one another role. @throws DomainError `not-found`, `user-inactive`, `last-owner` */
  async add(team: Team, user: User, role: Role): Promise<void> {
    if (user.organizationId !== team.organizationId)
      throw notFound(`There is no user "${user.email}" in the team's organization`)
    await this.#store.transaction(async (transaction) => {
      await assertActive(transaction, user)
      const members = await lockedMembers(transaction, team)
      const current = members.find(({ userId }) => userId === user.id)
      if (current?.role === role) return
      if (!current) return await join(transaction, team, user, role)
      if (current.role === 'owner') assertOwnerStays(members, user.id)
      await transaction.teams.setRole(team.organizationId, team.id, user.id, role)
    })
  }

  /** @throws DomainError `not-found`, `last-owner` */
  async remove(team: Team, user: User): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const members = await lockedMembers(transaction, team)
      const current = members.find(({ userId }) => userId === user.id)
      if (!current) throw notFound(`"${user.email}" is not in the team "${team.name}"`)
      if (current.role === 'owner') assertOwnerStays(members, user.id)
      await leave(transaction, team, user)
    })
  }

  /** Ends the team; everybody's group card goes. */
  async delete(team: Team): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      await lockedMembers(transaction, team)
      await deleteTeam(transaction, team)
    })
  }
}

async function assertActive(transaction: Transaction, { organizationId, id, email }: User): Promise<void> {
  const user = await transaction.users.lock(organizationId, id)
  if (!user) throw notFound(`There is no user "${email}"`)
  if (!user.isActive) throw new DomainError('user-inactive', `"${email}" is deactivated: activate them first`)
}

async function lockedMembers(transaction: Transaction, { organizationId, id, name }: Team): Promise<Membership[]> {
  if (!(await transaction.teams.lock(organizationId, id))) throw notFound(`There is no team "${name}"`)
  return await transaction.teams.members(organizationId, id)
}

const isActiveOwner = ({ role, isActive }: Membership): boolean => role === 'owner' && isActive

/** At least one active owner is left, always. */
function assertOwnerStays(members: readonly Membership[], leaving: Id): void {
  if (members.some((member) => isActiveOwner(member) && member.userId !== leaving)) return
  throw new DomainError('last-owner', 'This is the last owner of the team: make somebody else an owner first')
}

/** The group card for those who may see it, and the person's own card where it comes and goes with a shared team. */
function recordMember(transaction: Transaction, { organizationId, id: teamId }: Team, profileId?: Id): void {
  const record = (member: string) =>
    transaction.record(organizationId, { streamId: organizationId, member, kind: 'card', teamId })
  record(nameOfId(teamId))
  if (profileId) record(nameOfId(profileId))
}

async function join(transaction: Transaction, team: Team, user: User, role: Role): Promise<void> {
  await transaction.teams.join(team.organizationId, team.id, user.id, role)
  await transaction.teams.touch(team.organizationId, team.id, 1)
  recordMember(transaction, team, user.profileId)
  await resetTeamView(transaction, user)
}

async function leave(transaction: Transaction, team: Team, user: User): Promise<void> {
  transaction.leave(team.organizationId, team.id, user.id)
  await transaction.teams.touch(team.organizationId, team.id, -1)
  recordMember(transaction, team, user.profileId)
  await resetTeamView(transaction, user)
}

/** Whoever sees their teams only sees other people after joining or leaving one. */
async function resetTeamView(transaction: Transaction, { organizationId, id, peopleId }: User): Promise<void> {
  if ((await transaction.users.scope(organizationId, id)) === 'teams') transaction.reset(organizationId, peopleId)
}

async function deleteTeam(transaction: Transaction, team: Team): Promise<void> {
  await transaction.teams.delete(team.organizationId, team.id)
  recordMember(transaction, team)
  transaction.reset(team.organizationId, team.organizationId)
}

/** An owner who goes hands the team over; the last active member who goes takes it along (suspended, or deleted). */
async function handOver(
  transaction: Transaction,
  team: Team,
  members: readonly Membership[],
  going: User,
): Promise<boolean> {
  const rest = members.filter(({ userId, isActive }) => isActive && userId !== going.id)
  if (rest.length === 0) return false
  const owned = members.some(({ userId, role }) => userId === going.id && role === 'owner')
  if (!owned || rest.some(isActiveOwner) || team.isSynced) return true
  const heir = rest.find(({ role }) => role === 'administrator') ?? rest[0]
  if (heir) await transaction.teams.setRole(team.organizationId, team.id, heir.userId, 'owner')
  return true
}

/** What deactivating or reactivating a user does to their teams. */
export async function membershipChanged(transaction: Transaction, user: User, isActive: boolean): Promise<void> {
  for (const team of await transaction.teams.teamsOf(user.organizationId, user.id)) {
    const members = await lockedMembers(transaction, team)
    if (isActive && team.isSuspended) await transaction.teams.setSuspended(team.organizationId, team.id, false)
    if (!isActive && !(await handOver(transaction, team, members, user))) {
      await transaction.teams.setSuspended(team.organizationId, team.id, true)
    }
    await transaction.teams.touch(team.organizationId, team.id, 0)
    recordMember(transaction, team)
  }
}

/** What deleting a user does to their teams. */
export async function memberDeleted(transaction: Transaction, user: User): Promise<void> {
  for (const team of await transaction.teams.teamsOf(user.organizationId, user.id)) {
    const members = await lockedMembers(transaction, team)
    const stays = await handOver(transaction, team, members, user)
    await leave(transaction, team, user)
    if (!stays) await deleteTeam(transaction, team)
  }
}
