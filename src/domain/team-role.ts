import type { Actor, Id } from './actor.ts'
import { DomainError, notFound } from './errors.ts'
import type { Repositories, Transaction } from './ports.ts'
import { lockTeam } from './team-members.ts'
import { type Membership, ROLES, type Role, type Team } from './teams.ts'
import type { User } from './users.ts'

/** The one refusal of whoever is not in the team, and of whoever asks for one that does not exist. */
const noTeam = (id: Id): DomainError => notFound(`There is no team "${id}"`)

export const isAbove = (role: Role, other: Role): boolean => ROLES.indexOf(role) > ROLES.indexOf(other)

/** @throws DomainError `need-privileges` */
export function assertNotAbove(role: Role, mine: Role): void {
  if (isAbove(role, mine)) throw new DomainError('need-privileges', `Only who is ${role} of a team decides who is`)
}

/** Shared equipment owns no team. @throws DomainError `need-privileges` */
export function assertMayHold(user: User, role: Role): void {
  if (role === 'owner' && user.isDevice) {
    throw new DomainError('need-privileges', `"${user.userName}" is a device: it cannot own a team`)
  }
}

/** @throws DomainError `user-inactive` */
export function assertActive(user: User): void {
  if (!user.isActive) {
    throw new DomainError('user-inactive', `"${user.email || user.userName}" is deactivated: activate them first`)
  }
}

/** Locks the actor, and whom their deed is about. @throws DomainError `not-found`, `user-inactive` */
export async function lockPeople(
  transaction: Transaction,
  { organizationId, userId }: Actor,
  others: readonly Id[] = [],
): Promise<{ readonly myself: User; readonly user: (id: Id) => User }> {
  const users = await transaction.users.lockAll(organizationId, [...new Set([userId, ...others])])
  const user = (id: Id): User => {
    const found = users.find((one) => one.id === id)
    if (!found) throw notFound(`There is no user "${id}"`)
    return found
  }
  const myself = user(userId)
  assertActive(myself)
  return { myself, user }
}

/** The actor's membership. @throws DomainError `not-found`, `user-inactive` */
export async function membershipOf(
  { teams }: Repositories,
  { organizationId, userId }: Actor,
  teamId: Id,
): Promise<Membership> {
  const [mine] = await teams.memberships(organizationId, teamId, [userId])
  if (!mine) throw noTeam(teamId)
  if (!mine.isActive) throw new DomainError('user-inactive', 'You are deactivated')
  return mine
}

/**
 * The team, locked, with the actor's membership: they have that role in it, or one above. Whoever is not in it learns
 * nothing; an identity provider's team is changed by nobody else.
 *
 * @throws DomainError `not-found`, `user-inactive`, `need-privileges`, `precondition-failed`
 */
export async function lockAs(
  transaction: Transaction,
  actor: Actor,
  teamId: Id,
  role: Role,
  seen?: number,
): Promise<{ readonly team: Team; readonly mine: Membership }> {
  const team = await lockTeam(transaction, { organizationId: actor.organizationId, id: teamId, name: teamId })
  const mine = await membershipOf(transaction, actor, teamId)
  if (team.isSynced)
    throw new DomainError('need-privileges', 'The identity provider keeps this team: it is changed there')
  if (isAbove(role, mine.role)) throw new DomainError('need-privileges', `This takes the role ${role} in the team`)
  if (seen !== undefined && seen !== team.revision) {
    throw new DomainError('precondition-failed', 'The team has changed since you read it: read it again')
  }
  return { team, mine }
}

/** @throws DomainError `not-found` */
export async function memberOf(transaction: Transaction, team: Team, user: User): Promise<Membership> {
  const [member] = await transaction.teams.memberships(team.organizationId, team.id, [user.id])
  if (!member) throw notFound(`"${user.email || user.userName}" is not in the team "${team.name}"`)
  return member
}
