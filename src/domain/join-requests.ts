import type { Actor, Id } from './actor.ts'
import { nameInLine } from './contacts/contact.ts'
import { DomainError, notFound } from './errors.ts'
import type { Repositories, Store, Transaction } from './ports.ts'
import type { RequestPosition, RequestRow, TeamPosition } from './ports-teams.ts'
import { join, lockTeam } from './team-members.ts'
import {
  assertActive,
  assertExpected,
  assertMay,
  type Expected,
  lockPeople,
  lockTo,
  memberOf,
  membershipOf,
} from './team-role.ts'
import type { Team, TeamMember } from './teams.ts'
import type { User } from './users.ts'

/** What colleagues who are not in a team see of one that is open to them. */
export interface OpenTeam {
  readonly id: Id
  readonly name: string
  readonly description: string | null
  readonly memberCount: number
  /** When the person asked to join, if they did. */
  readonly askedAt: Date | null
}

export interface JoinRequest {
  readonly userId: Id
  readonly profileId: Id
  /** What their card is called by; never empty. */
  readonly name: string
  readonly email: string
  readonly askedAt: Date
  /** When they asked in microseconds, as a list of requests goes on. */
  readonly asked: string
}

/** Requests to join a team of one's organization that is open to them. Any other team is as if it did not exist. */
export class JoinRequestService {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  /** Those the person is not in, by name; `after` is the last one of the page before. */
  open = (actor: Actor, after: TeamPosition | undefined, limit: number): Promise<OpenTeam[]> =>
    this.#store.joinRequests.open(actor, after, limit)

  /** One's own request. @throws DomainError `not-found` */
  async own(actor: Actor, teamId: Id): Promise<JoinRequest> {
    return await requestOf(this.#store, actor.organizationId, teamId, actor.userId)
  }

  /**
   * Whoever has asked already asks the same.
   *
   * @throws DomainError `not-found`, `user-inactive`, `already-exists` where they are in it, `precondition-failed`
   */
  async ask(
    actor: Actor,
    teamId: Id,
    expected?: Expected<JoinRequest>,
  ): Promise<{ readonly request: JoinRequest; readonly created: boolean }> {
    return await this.#store.transaction(async (transaction) => {
      const { organizationId, userId } = actor
      await lockPeople(transaction, actor)
      const team = await lockTeam(transaction, { organizationId, id: teamId, name: teamId })
      const [mine] = await transaction.teams.memberships(organizationId, teamId, [userId])
      if (mine) throw new DomainError('already-exists', 'You are in this team')
      if (!team.isOpen || team.isSuspended) throw notFound(`There is no team "${teamId}"`)
      const created = await transaction.joinRequests.insert(organizationId, teamId, userId)
      const request = await requestOf(transaction, organizationId, teamId, userId)
      if (created && expected) throw new DomainError('precondition-failed', 'You have not asked to join yet')
      assertExpected(expected, request)
      return { request, created }
    })
  }

  /** @throws DomainError `not-found`, `user-inactive`, `precondition-failed` */
  async withdraw(actor: Actor, teamId: Id, expected?: Expected<JoinRequest>): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      await lockPeople(transaction, actor)
      assertExpected(expected, await requestOf(transaction, actor.organizationId, teamId, actor.userId))
      await transaction.joinRequests.delete(actor.organizationId, teamId, actor.userId)
    })
  }

  /**
   * The oldest first, to administrators and owners; `after` is the last one of the page before.
   *
   * @throws DomainError `not-found`, `user-inactive`, `need-privileges`
   */
  async list(
    actor: Actor,
    teamId: Id,
    after: RequestPosition | undefined,
    limit: number,
  ): Promise<readonly JoinRequest[]> {
    assertMay('requests', (await membershipOf(this.#store, actor, teamId)).role)
    return (await this.#store.joinRequests.page(actor.organizationId, teamId, after, limit)).map(requestShown)
  }

  /** Likewise one. @throws as `list` */
  async find(actor: Actor, teamId: Id, userId: Id): Promise<JoinRequest> {
    assertMay('requests', (await membershipOf(this.#store, actor, teamId)).role)
    return await requestOf(this.#store, actor.organizationId, teamId, userId)
  }

  /** By administrators and owners: whoever asked is a member. @throws as `refuse` */
  async approve(actor: Actor, teamId: Id, userId: Id, expected?: Expected<JoinRequest>): Promise<TeamMember> {
    return await this.#store.transaction(async (transaction) => {
      const { team, asker } = await take(transaction, actor, teamId, userId, expected)
      assertActive(asker)
      await join(transaction, team, asker, 'member')
      return await memberOf(transaction, team, userId)
    })
  }

  /** By administrators and owners. @throws DomainError `not-found`, `user-inactive`, `need-privileges`, `precondition-failed` */
  async refuse(actor: Actor, teamId: Id, userId: Id, expected?: Expected<JoinRequest>): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      await take(transaction, actor, teamId, userId, expected)
    })
  }
}

/** What is answered is a request no more. */
async function take(
  transaction: Transaction,
  actor: Actor,
  teamId: Id,
  userId: Id,
  expected: Expected<JoinRequest> | undefined,
): Promise<{ readonly team: Team; readonly asker: User }> {
  const { user } = await lockPeople(transaction, actor, [userId])
  const { team } = await lockTo(transaction, 'requests', actor, teamId)
  assertExpected(expected, await requestOf(transaction, actor.organizationId, teamId, userId))
  await transaction.joinRequests.delete(actor.organizationId, teamId, userId)
  return { team, asker: user(userId) }
}

/** @throws DomainError `not-found` */
async function requestOf(
  { joinRequests }: Repositories,
  organizationId: Id,
  teamId: Id,
  userId: Id,
): Promise<JoinRequest> {
  const found = await joinRequests.find(organizationId, teamId, userId)
  if (!found) throw notFound('There is no such request to join, or it has been answered')
  return requestShown(found)
}

const requestShown = ({ nameLine, ...request }: RequestRow): JoinRequest => ({
  ...request,
  name: nameInLine(nameLine) || request.email,
})
