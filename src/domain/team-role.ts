import type { Actor, Id } from './actor.ts'
import { nameInLine } from './contacts/contact.ts'
import { DomainError, notFound } from './errors.ts'
import type { Repositories, Transaction } from './ports.ts'
import type { MemberRow } from './ports-teams.ts'
import { lockTeam } from './team-members.ts'
import { type Membership, ROLES, type Role, type Team, type TeamMember } from './teams.ts'
import type { User } from './users.ts'

/** The one refusal of whoever is not in the team, and of whoever asks for one that does not exist. */
const noTeam = (id: Id): DomainError => notFound(`There is no team "${id}"`)

export const isAbove = (role: Role, other: Role): boolean => ROLES.indexOf(role) > ROLES.indexOf(other)

/** What is done in a team, and the lowest role that may do it. */
const TAKES = {
  leave: 'member',
  /** Its name, description, openness and parent. */
  change: 'administrator',
  /** Who is in it, as member or administrator. */
  members: 'administrator',
  invite: 'administrator',
  /** Those to join it. */
  requests: 'administrator',
  /** What it tells applications. */
  hooks: 'administrator',
  transfer: 'owner',
  delete: 'owner',
} as const satisfies Readonly<Record<string, Role>>
export type Deed = keyof typeof TAKES
export const DEEDS = Object.keys(TAKES) as readonly Deed[] // they are its keys

/** What somebody may do in a team; `owners`: make, unmake and invite owners. */
export type Abilities = Readonly<Record<Deed | 'owners', boolean>>

/** An identity provider's team is only read. That the last owner stays is told when they go. */
export function abilitiesIn({ isSynced }: Team, role: Role): Abilities {
  const may = (least: Role): boolean => !isSynced && !isAbove(least, role)
  const deeds = DEEDS.map((deed) => [deed, may(TAKES[deed])] as const)
  return { ...(Object.fromEntries(deeds) as Record<Deed, boolean>), owners: may('owner') } // each has its entry
}

/** @throws DomainError `need-privileges` */
export function assertMay(deed: Deed, role: Role): void {
  if (isAbove(TAKES[deed], role)) {
    throw new DomainError('need-privileges', `This takes the role ${TAKES[deed]} in the team`)
  }
}

/** Whether what somebody read is still so. */
export type Expected<Thing> = (now: Thing) => boolean

/** @throws DomainError `precondition-failed` */
export function assertExpected<Thing>(expected: Expected<Thing> | undefined, now: Thing): void {
  if (expected && !expected(now)) {
    throw new DomainError('precondition-failed', 'It has changed since you read it: read it again')
  }
}

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
 * The team, locked, with the actor's membership, whose role may do that. Whoever is not in it learns nothing; an identity
 * provider's team is changed by nobody else.
 *
 * @throws DomainError `not-found`, `user-inactive`, `need-privileges`
 */
export async function lockTo(
  transaction: Transaction,
  deed: Deed,
  actor: Actor,
  teamId: Id,
): Promise<{ readonly team: Team; readonly mine: Membership }> {
  const team = await lockTeam(transaction, { organizationId: actor.organizationId, id: teamId, name: teamId })
  const mine = await membershipOf(transaction, actor, teamId)
  if (team.isSynced)
    throw new DomainError('need-privileges', 'The identity provider keeps this team: it is changed there')
  assertMay(deed, mine.role)
  return { team, mine }
}

/** @throws DomainError `not-found` */
export async function memberOf(
  { teams }: Repositories,
  { organizationId, id }: Pick<Team, 'organizationId' | 'id'>,
  userId: Id,
): Promise<TeamMember> {
  const [member] = await teams.shown(organizationId, id, [userId])
  if (!member) throw notFound(`"${userId}" is not in the team`)
  return memberShown(member)
}

export const memberShown = ({ nameLine, ...member }: MemberRow): TeamMember => ({
  ...member,
  name: nameInLine(nameLine) || member.email,
})
