import { randomUUID } from 'node:crypto'
import { isEmail } from '#vcard'
import type { Actor, Id } from './actor.ts'
import { DomainError, notFound } from './errors.ts'
import type { PersonRow, Repositories, Store, Transaction } from './ports.ts'
import { join } from './team-members.ts'
import {
  assertExpected,
  assertMay,
  assertMayHold,
  assertNotAbove,
  type Expected,
  lockPeople,
  lockTo,
  memberOf,
  membershipOf,
} from './team-role.ts'
import type { Role, Team, TeamMember } from './teams.ts'
import type { User } from './users.ts'

export interface Invitation {
  readonly organizationId: Id
  readonly id: Id
  readonly teamId: Id
  readonly email: string
  readonly role: Role
  /** Absent where they were deleted since. */
  readonly invitedBy?: Id
  readonly createdAt: Date
  readonly expiresAt: Date
  /** What has become of the letter that was asked for last. */
  readonly letter: 'waiting' | 'sent' | 'failed'
  readonly sentAt?: Date
}

export type NewInvitation = Pick<Invitation, 'organizationId' | 'id' | 'teamId' | 'email' | 'role' | 'invitedBy'>

/** One that holds, and what is told of it. */
export interface InvitationInForce {
  readonly invitation: Invitation
  readonly teamName: string
  readonly organizationName: string
  readonly inviter?: Pick<PersonRow, 'email' | 'nameLine'>
  /** Its link's, once its letter is written. */
  readonly hash?: string
}

/** What is kept of an invitation's link. */
export interface LinkHash {
  readonly hash: string
  readonly keyId: string
}

/** Makes the links of invitations; only their hashes are kept. */
export interface InvitationLinks {
  /** The same one each time, until the invitation is sent again. */
  make(of: Pick<Invitation, 'organizationId' | 'id' | 'expiresAt'>): LinkHash & { readonly token: string }
  /** Which one it is the link of, if we made it. */
  read(token: string): (Pick<Invitation, 'organizationId' | 'id'> & { readonly hash: string }) | undefined
}

/** Who was added at once, or the invitation, whose letter follows. */
export type Invited = { readonly added: TeamMember } | { readonly invitation: Invitation }

/** How long an invitation holds. */
export const INVITATION_DAYS = 7

/** Invitations to a team by e-mail, by its administrators and owners; as owner by owners. */
export class InvitationService {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  /**
   * Somebody active in the organization is added at once, with that role; anybody else may come for seven days.
   *
   * @throws DomainError `not-found`, `need-privileges`, `invalid-data`, `already-exists` where they are in the team or
   * invited, `user-inactive` where they are deactivated, `ambiguous` where several have that e-mail
   */
  async invite(actor: Actor, teamId: Id, wanted: { readonly email: string; readonly role: Role }): Promise<Invited> {
    const email = wanted.email.trim()
    if (!isEmail(email)) {
      const problem = `"${wanted.email}" is not an e-mail address`
      throw new DomainError('invalid-data', problem, { problems: [{ field: 'email', problem }] })
    }
    const { organizationId, userId } = actor
    const { role } = wanted
    return await this.#store.transaction(async (transaction) => {
      const colleagues = await this.#lockInvited(transaction, actor, email)
      const { team, mine } = await lockTo(transaction, 'invite', actor, teamId)
      assertNotAbove(role, mine.role)
      const invited = invitedOf(email, colleagues)
      if (invited) return await added(transaction, team, invited, role)
      const id = randomUUID()
      const made = { organizationId, id, teamId, email, role, invitedBy: userId }
      const invitation = await transaction.invitations.insert(made, INVITATION_DAYS)
      if (!invitation) throw new DomainError('already-exists', `"${email}" is invited: send it again, or revoke it`)
      transaction.enqueue({ kind: 'invitation-letter', organizationId, invitationId: id })
      return { invitation }
    })
  }

  /**
   * For seven days more, by a new link: the earlier one leads nowhere. Whoever has become active in the organization
   * meanwhile is added at once.
   *
   * @throws DomainError as `invite`, `precondition-failed`
   */
  async resend(actor: Actor, teamId: Id, id: Id, expected?: Expected<Invitation>): Promise<Invited> {
    const { organizationId } = actor
    return await this.#store.transaction(async (transaction) => {
      await transaction.invitations.lock(organizationId, 'invite')
      const known = await transaction.invitations.find(organizationId, id)
      const colleagues = await this.#lockInvited(transaction, actor, known?.email ?? '')
      const { team, mine } = await lockTo(transaction, 'invite', actor, teamId)
      const now = await invitationOf(transaction, team, id)
      assertNotAbove(now.role, mine.role)
      assertExpected(expected, now)
      const invited = invitedOf(now.email, colleagues)
      if (invited) return await added(transaction, team, invited, now.role)
      const invitation = await transaction.invitations.renew(organizationId, id, INVITATION_DAYS)
      if (!invitation) throw noInvitation()
      transaction.enqueue({ kind: 'invitation-letter', organizationId, invitationId: id })
      return { invitation }
    })
  }

  /** Those in the organization with that e-mail, locked with the actor: nobody else comes with it meanwhile. */
  async #lockInvited(transaction: Transaction, actor: Actor, email: string): Promise<User[]> {
    await transaction.invitations.lock(actor.organizationId, 'invite')
    const named = email === '' ? [] : await transaction.users.find({ email })
    const colleagues = named.filter(({ organizationId }) => organizationId === actor.organizationId)
    const { user } = await lockPeople(
      transaction,
      actor,
      colleagues.map(({ id }) => id),
    )
    return colleagues.map(({ id }) => user(id))
  }

  /** @throws DomainError `not-found`, `need-privileges`, `precondition-failed` */
  async revoke(actor: Actor, teamId: Id, id: Id, expected?: Expected<Invitation>): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      await lockPeople(transaction, actor)
      const { team } = await lockTo(transaction, 'invite', actor, teamId)
      assertExpected(expected, await invitationOf(transaction, team, id))
      await transaction.invitations.delete(actor.organizationId, id)
    })
  }

  /**
   * Expired ones too, by e-mail, to administrators and owners; `after` is the last one's e-mail of the page before.
   *
   * @throws DomainError `not-found`, `need-privileges`
   */
  async list(actor: Actor, teamId: Id, after: string, limit: number): Promise<Invitation[]> {
    assertMay('invite', (await membershipOf(this.#store, actor, teamId)).role)
    return await this.#store.invitations.page(actor.organizationId, teamId, after.toLowerCase(), limit)
  }

  /** Likewise one. @throws as `list` */
  async find(actor: Actor, teamId: Id, id: Id): Promise<Invitation> {
    assertMay('invite', (await membershipOf(this.#store, actor, teamId)).role)
    return await invitationOf(this.#store, { organizationId: actor.organizationId, id: teamId }, id)
  }
}

/** Whom of them the e-mail means. @throws DomainError `ambiguous`, `user-inactive` */
function invitedOf(email: string, colleagues: readonly User[]): User | undefined {
  const active = colleagues.filter(({ isActive }) => isActive)
  if (active.length > 1) throw new DomainError('ambiguous', `${active.length} colleagues have the e-mail "${email}"`)
  if (active.length === 0 && colleagues.length > 0) {
    throw new DomainError('user-inactive', `"${email}" is deactivated: activate them first`)
  }
  return active[0]
}

/** Whoever joins is no longer invited. */
async function added(transaction: Transaction, team: Team, user: User, role: Role): Promise<Invited> {
  const [present] = await transaction.teams.memberships(team.organizationId, team.id, [user.id])
  if (present) throw new DomainError('already-exists', `"${user.email}" is in the team`)
  assertMayHold(user, role)
  await join(transaction, team, user, role)
  return { added: await memberOf(transaction, team, user.id) }
}

const noInvitation = (): DomainError => notFound('There is no such invitation')

/** @throws DomainError `not-found` */
async function invitationOf(
  { invitations }: Repositories,
  team: Pick<Team, 'organizationId' | 'id'>,
  id: Id,
): Promise<Invitation> {
  const found = await invitations.find(team.organizationId, id)
  if (found?.teamId !== team.id) throw noInvitation()
  return found
}
