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
  readonly profileId: Id
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
    const trimmed = teamName(name)
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

  /**
   * Adds a member, or gives one another role; whoever joins a suspended team brings it back, as its owner.
   * @throws DomainError `not-found`, `user-inactive`, `last-owner`
   */
  async add(team: Team, user: User, role: Role): Promise<void> {
    if (user.organizationId !== team.organizationId)
      throw notFound(`There is no user "${user.email}" in the team's organization`)
    await this.#store.transaction(async (transaction) => {
      await assertActive(transaction, user)
      const { members, team: now } = await lockTeam(transaction, team)
      const current = members.find(({ userId }) => userId === user.id)
      if (current?.role === role) return
      if (!current) {
        await join(transaction, team, user, role)
        return await settle(transaction, now, await transaction.teams.members(team.organizationId, team.id))
      }
      if (current.role === 'owner') assertOwnerStays(members, user.id)
      await transaction.teams.setRole(team.organizationId, team.id, user.id, role)
    })
  }

  /** @throws DomainError `not-found`, `last-owner` */
  async remove(team: Team, user: User): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      await transaction.users.lock(user.organizationId, user.id) // their scope decides what leaving changes for them
      const { members } = await lockTeam(transaction, team)
      const current = members.find(({ userId }) => userId === user.id)
      if (!current) throw notFound(`"${user.email}" is not in the team "${team.name}"`)
      if (current.role === 'owner') assertOwnerStays(members, user.id)
      await leave(transaction, team, user)
    })
  }

  /** Ends the team; everybody's group card goes. */
  async delete(team: Team): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const { members } = await lockTeam(transaction, team)
      await deleteTeam(transaction, team, members)
    })
  }
}

/** @throws DomainError `invalid-data` */
export function teamName(text: string): string {
  const name = text.trim()
  if (name === '' || name.length > 150) {
    throw new DomainError('invalid-data', 'A team needs a name of at most 150 characters')
  }
  return name
}

/** Nobody removes a member above their own role. @throws DomainError `need-privileges` */
export function assertMayRemove(role: Role, member: Membership): void {
  if (ROLES.indexOf(member.role) > ROLES.indexOf(role)) {
    throw new DomainError('need-privileges', 'An owner is removed by an owner')
  }
}

async function assertActive(transaction: Transaction, { organizationId, id, email }: User): Promise<void> {
  const user = await transaction.users.lock(organizationId, id)
  if (!user) throw notFound(`There is no user "${email}"`)
  if (!user.isActive) throw new DomainError('user-inactive', `"${email}" is deactivated: activate them first`)
}

/** @throws DomainError `not-found` */
export async function lockTeam(
  transaction: Transaction,
  { organizationId, id, name }: Pick<Team, 'organizationId' | 'id' | 'name'>,
): Promise<LockedTeam> {
  const team = await transaction.teams.lock(organizationId, id)
  if (!team) throw notFound(`There is no team "${name}"`)
  return { team, members: await transaction.teams.members(organizationId, id) }
}

interface LockedTeam {
  readonly team: Team
  readonly members: readonly Membership[]
}

/** The teams that are still the user's once they are locked: one may have been left or deleted meanwhile. */
async function* lockTeamsOf(transaction: Transaction, { organizationId, id }: User): AsyncGenerator<LockedTeam> {
  for (const { id: teamId } of await transaction.teams.teamsOf(organizationId, id)) {
    const team = await transaction.teams.lock(organizationId, teamId)
    const members = team ? await transaction.teams.members(organizationId, teamId) : []
    if (team && members.some(({ userId }) => userId === id)) yield { team, members }
  }
}

const isActiveOwner = ({ role, isActive }: Membership): boolean => role === 'owner' && isActive

/** At least one active owner is left, always. */
function assertOwnerStays(members: readonly Membership[], leaving: Id): void {
  if (members.some((member) => isActiveOwner(member) && member.userId !== leaving)) return
  throw new DomainError('last-owner', 'This is the last owner of the team: make somebody else an owner first')
}

/** The group card for those who may see it, and the person's own card where it comes and goes with a shared team. */
export function recordMember(transaction: Transaction, { organizationId, id: teamId }: Team, profileId?: Id): void {
  const record = (member: string) =>
    transaction.record(organizationId, { streamId: organizationId, member, kind: 'card', teamId })
  record(nameOfId(teamId))
  if (profileId) record(nameOfId(profileId))
}

export async function join(transaction: Transaction, team: Team, user: User, role: Role): Promise<void> {
  await transaction.teams.join(team.organizationId, team.id, user.id, role)
  await transaction.teams.touch(team.organizationId, team.id, 1)
  recordMember(transaction, team, user.profileId)
  await resetTeamView(transaction, user)
}

export async function leave(transaction: Transaction, team: Team, user: User): Promise<void> {
  transaction.leave(team.organizationId, team.id, user.id)
  await transaction.teams.touch(team.organizationId, team.id, -1)
  recordMember(transaction, team, user.profileId)
  await resetTeamView(transaction, user)
}

/** Whoever sees their teams only sees other people after joining or leaving one. */
async function resetTeamView(transaction: Transaction, { organizationId, id, peopleId }: User): Promise<void> {
  if ((await transaction.users.scope(organizationId, id)) === 'teams') transaction.reset(organizationId, peopleId)
}

/** Ends it and every membership: who was in it hears that its card is gone, and whom they lose under scope `teams`. */
async function deleteTeam(transaction: Transaction, team: Team, members: readonly Membership[]): Promise<void> {
  await transaction.teams.delete(team.organizationId, team.id)
  recordMember(transaction, team)
  for (const { userId, profileId } of members) {
    transaction.leave(team.organizationId, team.id, userId)
    recordMember(transaction, team, profileId)
  }
}

/**
 * Where no owner is active, the longest-standing active administrator, else member, becomes one. A team of nobody
 * active is suspended, and comes back with the first of its members who does.
 */
async function settle(transaction: Transaction, team: Team, members: readonly Membership[]): Promise<void> {
  const active = members.filter(({ isActive }) => isActive)
  const suspended = active.length === 0
  if (suspended !== team.isSuspended) await transaction.teams.setSuspended(team.organizationId, team.id, suspended)
  if (team.isSynced || active.some(isActiveOwner)) return
  const heir = active.find(({ role }) => role === 'administrator') ?? active[0]
  if (heir) await transaction.teams.setRole(team.organizationId, team.id, heir.userId, 'owner')
}

/** What deactivating or reactivating a user, which is written already, does to their teams. */
export async function membershipChanged(transaction: Transaction, user: User): Promise<void> {
  for await (const { team, members } of lockTeamsOf(transaction, user)) {
    await settle(transaction, team, members)
    await transaction.teams.touch(team.organizationId, team.id, 0)
    recordMember(transaction, team)
  }
}

/** What deleting a user does to their teams: a team that nobody active and no other owner is in goes along. */
export async function memberDeleted(transaction: Transaction, user: User): Promise<void> {
  for await (const { team, members } of lockTeamsOf(transaction, user)) {
    const rest = members.filter(({ userId }) => userId !== user.id)
    await leave(transaction, team, user)
    if (team.isSynced || rest.some(({ role, isActive }) => isActive || role === 'owner')) {
      await settle(transaction, team, rest)
    } else {
      await deleteTeam(transaction, team, rest)
    }
  }
}
