import type { Id } from './actor.ts'
import { nameOfId } from './contacts/contact.ts'
import { DomainError, notFound } from './errors.ts'
import { type OutgoingEvent, type TEAM_EVENTS, toldUser } from './outgoing-events.ts'
import type { Transaction } from './ports.ts'
import type { Role, Team, TeamDescription } from './teams.ts'
import type { User } from './users.ts'

/** Who joins and who leaves: those named or, with `others`, everybody who does not join. */
export interface MemberChange {
  readonly others?: 'leave'
  readonly join: ReadonlySet<Id>
  readonly leave: ReadonlySet<Id>
}

/**
 * Changes who is in a team that is locked, whatever its size: what is read and written is of those who are named. Whoever
 * joins is a member. Returns whether anybody joined or left.
 *
 * @throws DomainError `unknown-member`, `user-inactive`, `last-owner`
 */
export async function changeMembers(transaction: Transaction, team: Team, change: MemberChange): Promise<boolean> {
  const { organizationId, id } = team
  const named = [...change.join, ...change.leave]
  const members =
    change.others === 'leave'
      ? await transaction.teams.members(organizationId, id)
      : await transaction.teams.memberships(organizationId, id, named)
  const present = new Set(members.map(({ userId }) => userId))
  const goes = ({ userId }: { userId: Id }) =>
    !change.join.has(userId) && (change.others === 'leave' || change.leave.has(userId))
  const leaving = members.filter(goes)
  const users = await transaction.users.lockAll(organizationId, [...change.join])
  assertJoin(team, change.join, users)
  const joining = users.filter((user) => !present.has(user.id))
  if (joining.length === 0 && leaving.length === 0) return false
  const leavingIds = leaving.map(({ userId }) => userId)
  if (!team.isSynced && leaving.some(({ role }) => role === 'owner'))
    await assertOwnerStays(transaction, team, leavingIds)
  if (change.others === 'leave') await transaction.users.lockAll(organizationId, leavingIds)
  await transaction.teams.join(
    organizationId,
    id,
    joining.map((user) => user.id),
    'member',
  )
  for (const user of joining) tellMember(transaction, team, { kind: 'member.joined', userId: user.id, role: 'member' })
  for (const userId of leavingIds) {
    transaction.leave(organizationId, id, userId)
    tellMember(transaction, team, { kind: 'member.left', userId })
  }
  const everybody = [...joining, ...leaving.map(({ userId, profileId }) => ({ id: userId, profileId }))]
  await moved(transaction, team, everybody, joining.length - leaving.length)
  return true
}

function assertJoin(team: Team, wanted: ReadonlySet<Id>, users: readonly User[]): void {
  const known = new Set(users.map(({ id }) => id))
  const unknown = [...wanted].find((id) => !known.has(id))
  if (unknown !== undefined) throw new DomainError('unknown-member', `There is no user "${unknown}"`)
  const inactive = users.find(({ isActive }) => !isActive)
  if (!team.isSynced && inactive) {
    throw new DomainError('user-inactive', `"${inactive.userName}" is deactivated: activate them first`)
  }
}

/** @throws DomainError `not-found` */
export async function lockTeam(
  transaction: Transaction,
  { organizationId, id, name }: Pick<Team, 'organizationId' | 'id' | 'name'>,
): Promise<Team> {
  const team = await transaction.teams.lock(organizationId, id)
  if (!team) throw notFound(`There is no team "${name}"`)
  return team
}

/** The teams that are still the user's once they are locked: one may have been left or deleted meanwhile. */
async function* lockTeamsOf(transaction: Transaction, { organizationId, id }: User): AsyncGenerator<Team> {
  for (const { id: teamId } of await transaction.teams.teamsOf(organizationId, id)) {
    const team = await transaction.teams.lock(organizationId, teamId)
    if (team && (await transaction.teams.memberships(organizationId, teamId, [id])).length > 0) yield team
  }
}

/** At least one active owner is left, always. @throws DomainError `last-owner` */
export async function assertOwnerStays(transaction: Transaction, team: Team, leaving: readonly Id[]): Promise<void> {
  const owners = await transaction.teams.owners(team.organizationId, team.id)
  const gone = new Set(leaving)
  if (owners.some(({ isActive, userId }) => isActive && !gone.has(userId))) return
  throw new DomainError('last-owner', 'This is the last owner of the team: make somebody else an owner first')
}

/** The group card for those who may see it, and the person's own card where it comes and goes with a shared team. */
export function recordMember(transaction: Transaction, { organizationId, id: teamId }: Team, profileId?: Id): void {
  const record = (member: string) =>
    transaction.record(organizationId, { streamId: organizationId, member, kind: 'card', teamId })
  record(nameOfId(teamId))
  if (profileId) record(nameOfId(profileId))
}

type MemberEvent = Extract<OutgoingEvent, { kind: `member.${string}` }>
type OfTeam<Event> = Event extends unknown ? Omit<Event, 'teamId'> : never

const tellMember = (transaction: Transaction, { organizationId, id }: Team, event: OfTeam<MemberEvent>): void =>
  transaction.tell(organizationId, { ...event, teamId: id })

export const tellTeam = (
  transaction: Transaction,
  { organizationId, id }: Team,
  kind: (typeof TEAM_EVENTS)[number],
): void => transaction.tell(organizationId, { kind, teamId: id })

export async function setRole(transaction: Transaction, team: Team, userId: Id, role: Role): Promise<void> {
  await transaction.teams.setRole(team.organizationId, team.id, userId, role)
  tellMember(transaction, team, { kind: 'member.role_changed', userId, role })
}

/** What is said of a team: its name, what it is for, and what the identity provider calls it. */
export async function describe(transaction: Transaction, team: Team, said: TeamDescription): Promise<void> {
  await transaction.teams.describe(team.organizationId, team.id, said)
  tellTeam(transaction, team, 'team.changed')
}

export async function join(transaction: Transaction, team: Team, user: User, role: Role): Promise<void> {
  await transaction.teams.join(team.organizationId, team.id, [user.id], role)
  tellMember(transaction, team, { kind: 'member.joined', userId: user.id, role })
  await moved(transaction, team, [user], 1)
}

export async function leave(transaction: Transaction, team: Team, user: User): Promise<void> {
  transaction.leave(team.organizationId, team.id, user.id)
  tellMember(transaction, team, { kind: 'member.left', userId: user.id, was: toldUser(user) })
  await moved(transaction, team, [user], -1)
}

/** What follows from somebody's joining or leaving: whoever sees their teams only sees other people afterwards. */
async function moved(
  transaction: Transaction,
  team: Team,
  users: readonly Pick<User, 'id' | 'profileId'>[],
  difference: number,
): Promise<void> {
  const { organizationId } = team
  await transaction.teams.touch(organizationId, team.id, difference)
  for (const { profileId } of users) recordMember(transaction, team, profileId)
  const ids = users.map(({ id }) => id)
  for (const { peopleId } of await transaction.users.seeingTeamsOnly(organizationId, ids)) {
    transaction.reset(organizationId, peopleId)
  }
}

/** Ends it and every membership: who was in it hears that its card is gone, and whom they lose under scope `teams`. */
export async function deleteTeam(transaction: Transaction, team: Team): Promise<void> {
  const members = await transaction.teams.members(team.organizationId, team.id)
  await transaction.teams.delete(team.organizationId, team.id)
  await transaction.invitations.deleteAll(team.organizationId, team.id)
  await transaction.joinRequests.deleteAll(team.organizationId, team.id)
  await transaction.hooks.deleteAll(team.organizationId, team.id)
  recordMember(transaction, team)
  for (const { userId, profileId } of members) {
    transaction.leave(team.organizationId, team.id, userId)
    tellMember(transaction, team, { kind: 'member.left', userId })
    recordMember(transaction, team, profileId)
  }
  tellTeam(transaction, team, 'team.deleted')
}

/**
 * Where no owner is active, the longest-standing active administrator, else member, becomes one. A team of nobody
 * active is suspended, and comes back with the first of its members who does. A synced team has no owners.
 */
export async function settle(transaction: Transaction, team: Team, leaving?: Id): Promise<void> {
  const { organizationId, id } = team
  if (team.isSynced) return
  const heir = await transaction.teams.heir(organizationId, id, leaving)
  if (!heir !== team.isSuspended) {
    await transaction.teams.setSuspended(organizationId, id, !heir)
    tellTeam(transaction, team, heir ? 'team.resumed' : 'team.suspended')
  }
  if (heir && heir.role !== 'owner') await setRole(transaction, team, heir.userId, 'owner')
}

/** What deactivating or reactivating a user, which is written already, does to their teams. */
export async function membershipChanged(transaction: Transaction, user: User): Promise<void> {
  for await (const team of lockTeamsOf(transaction, user)) {
    await settle(transaction, team)
    await transaction.teams.touch(team.organizationId, team.id, 0)
    recordMember(transaction, team)
  }
}

/** What deleting a user does to their teams: a team that nobody active and no other owner is in goes along. */
export async function memberDeleted(transaction: Transaction, user: User): Promise<void> {
  for await (const team of lockTeamsOf(transaction, user)) {
    const { organizationId, id } = team
    await leave(transaction, team, user)
    const kept =
      team.isSynced ||
      (await transaction.teams.heir(organizationId, id, user.id)) !== undefined ||
      (await transaction.teams.owners(organizationId, id)).some(({ userId }) => userId !== user.id)
    if (kept) await settle(transaction, team, user.id)
    else await deleteTeam(transaction, team)
  }
}
