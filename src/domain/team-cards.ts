import { convert, type VCard, valueKey } from '#vcard'
import type { Actor, Id } from './actor.ts'
import { asId } from './actor.ts'
import { assertCondition, type Condition } from './contacts/condition.ts'
import { comparableUid, nameOfId } from './contacts/contact.ts'
import { assertUnlocked, type Lock } from './contacts/lock.ts'
import { DomainError, notFound } from './errors.ts'
import type { Transaction } from './ports.ts'
import { describe, join, leave, lockTeam, recordMember } from './team-members.ts'
import { assertMayRemove, type Team, teamName } from './teams.ts'
import type { User } from './users.ts'

/** What a group card says of its team. */
interface Wanted {
  readonly name?: string
  /** The cards of its members; undefined where the card is no group: a client that knows no groups leaves them out. */
  readonly profileIds?: ReadonlySet<Id>
}

function wantedOf(card: VCard): Wanted {
  const { lines } = convert(card, '4.0')
  const name = lines.find((line) => line.name === 'FN')
  const isGroup = lines.some((line) => line.name === 'KIND' && valueKey(line) === 'group')
  const uids = lines.filter((line) => line.name === 'MEMBER').map(({ value }) => comparableUid(value))
  return {
    ...(name ? { name: valueKey(name) } : {}),
    ...(isGroup ? { profileIds: new Set(uids.map((uid) => asId(uid) ?? uid)) } : {}),
  }
}

/**
 * Edits the team as its group card was edited by somebody who may: its name and its members. What else was changed is
 * dropped. One change that is forbidden refuses them all. Returns whether anything changed.
 * @throws DomainError `not-found`, `need-privileges`, `precondition-failed`, `unknown-member`, `last-owner`, `invalid-data`
 */
export async function editTeamCard(
  transaction: Transaction,
  actor: Actor,
  teamId: Id,
  card: VCard,
  condition: Condition,
  locks: readonly Lock[],
): Promise<boolean> {
  const { organizationId, userId, peopleId } = actor
  const wanted = wantedOf(card)
  const users = await lockUsers(transaction, organizationId, teamId, wanted)
  const team = await lockTeam(transaction, { organizationId, id: teamId, name: teamId })
  const members = await transaction.teams.members(organizationId, teamId)
  const name = nameOfId(teamId)
  const [view] = await transaction.collections.named(actor, peopleId, [name], 'none')
  if (!view) throw notFound()
  const me = members.find((member) => member.userId === userId)
  if (team.isSynced || !me || me.role === 'member') {
    throw new DomainError('need-privileges', 'A team is changed by its administrators and owners')
  }
  if (!condition.match || condition.match === 'any') {
    throw new DomainError('precondition-failed', 'A team is changed with the ETag of what you saw: read it again')
  }
  assertCondition(condition, { etag: view.etag, locks })
  assertUnlocked(locks, { member: name, membership: false }, condition.named)
  const renamed = wanted.name === undefined ? false : await rename(transaction, team, wanted.name)
  const { profileIds } = wanted
  if (!profileIds) return renamed
  const shown = members.filter(({ isActive }) => isActive)
  const gone = shown.filter(({ profileId }) => !profileIds.has(profileId))
  const known = new Set(shown.map(({ profileId }) => profileId))
  const fresh = [...profileIds].filter((id) => !known.has(id))
  for (const member of gone) assertMayRemove(me.role, member)
  const rest = members.filter((member) => !gone.includes(member))
  if (gone.some(({ role }) => role === 'owner') && !rest.some(({ role, isActive }) => role === 'owner' && isActive)) {
    throw new DomainError('last-owner', 'The last owner of the team stays: make somebody else an owner first')
  }
  for (const user of fresh.map((id) => users.get(id))) {
    if (!user?.isActive) {
      throw new DomainError('unknown-member', 'A team has members of the organization only: no colleague has this card')
    }
    await join(transaction, team, user, 'member')
  }
  for (const { profileId } of gone) {
    const user = users.get(profileId)
    if (user) await leave(transaction, team, user) // locked, as the ETag says that the team is still what was read first
  }
  return renamed || gone.length > 0 || fresh.length > 0
}

async function rename(transaction: Transaction, team: Team, wanted: string): Promise<boolean> {
  const name = teamName(wanted)
  if (name === team.name) return false
  await describe(transaction, team, { ...team, name })
  await transaction.teams.touch(team.organizationId, team.id, 0)
  recordMember(transaction, team)
  return true
}

/**
 * Whoever is to come or go, by profile: locked before the team, as wherever users and teams are locked together. What is
 * read of the team here is no older than the card that was edited, and the ETag is checked once the team is locked.
 */
async function lockUsers(
  transaction: Transaction,
  organizationId: Id,
  teamId: Id,
  { profileIds }: Wanted,
): Promise<ReadonlyMap<Id, User>> {
  if (!profileIds) return new Map()
  const members = await transaction.teams.members(organizationId, teamId)
  const shown = new Set(members.filter(({ isActive }) => isActive).map(({ profileId }) => profileId))
  const going = [...shown].filter((id) => !profileIds.has(id))
  const coming = [...profileIds].filter((id) => !shown.has(id))
  const ids = [...going, ...coming].flatMap((id) => asId(id) ?? [])
  const users = await transaction.users.lockOwners(organizationId, ids)
  return new Map(users.map((user) => [user.profileId, user]))
}
