import type { Id } from './actor.ts'
import type { Transaction } from './ports.ts'
import { join, settle } from './team-members.ts'
import type { User } from './users.ts'

/** Before users are created: whoever is just inviting them is waited for, and waits for us. */
export const beforeCreation = (transaction: Transaction, organizationId: Id): Promise<void> =>
  transaction.invitations.lock(organizationId, 'create users')

/**
 * Makes members of users who were created in this transaction where invitations wait for them, with the roles they were
 * invited for. An e-mail that the organization alone vouches for counts in its own mail domains.
 */
export async function welcome(
  transaction: Transaction,
  organizationId: Id,
  users: readonly User[],
  isEmailVerified: boolean,
): Promise<void> {
  const byEmail = new Map(users.filter(({ email }) => email !== '').map((user) => [user.email.toLowerCase(), user]))
  if (byEmail.size === 0) return
  for (const { id, teamId, email } of await transaction.invitations.waiting(
    organizationId,
    [...byEmail.keys()],
    !isEmailVerified,
  )) {
    const team = await transaction.teams.lock(organizationId, teamId)
    // it may have been revoked, or have brought somebody else in, before the team was ours
    const invitation = team && (await transaction.invitations.take(organizationId, id))
    const user = byEmail.get(email.toLowerCase())
    if (!invitation || !user) continue
    await join(transaction, team, user, invitation.role)
    await settle(transaction, team)
  }
}
