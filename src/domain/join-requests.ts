import type { Actor, Id } from './actor.ts'
import { DomainError, notFound } from './errors.ts'
import type { Store } from './ports.ts'
import { join, lockTeam } from './team-members.ts'
import { assertActive, lockAs, lockPeople, membershipOf } from './team-role.ts'
import type { Team } from './teams.ts'

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
  readonly email: string
  readonly askedAt: Date
}

/** Requests to join a team of one's organization that is open to them. Any other team is as if it did not exist. */
export class JoinRequestService {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  /** Those the person is not in, by name; `after` is the last one of the page before. */
  open = (actor: Actor, after: Pick<Team, 'name' | 'id'> | undefined, limit: number): Promise<OpenTeam[]> =>
    this.#store.joinRequests.open(actor, after, limit)

  /** @throws DomainError `not-found`, `user-inactive`, `already-exists` where they are in it or have asked */
  async ask(actor: Actor, teamId: Id): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const { organizationId, userId } = actor
      await lockPeople(transaction, actor)
      const team = await lockTeam(transaction, { organizationId, id: teamId, name: teamId })
      const [mine] = await transaction.teams.memberships(organizationId, teamId, [userId])
      if (mine) throw new DomainError('already-exists', 'You are in this team')
      if (!team.isOpen || team.isSuspended) throw notFound(`There is no team "${teamId}"`)
      if (!(await transaction.joinRequests.insert(organizationId, teamId, userId))) {
        throw new DomainError('already-exists', 'You have asked to join: the team’s administrators have yet to answer')
      }
    })
  }

  /** @throws DomainError `not-found`, `user-inactive` */
  async withdraw(actor: Actor, teamId: Id): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      await lockPeople(transaction, actor)
      const there = await transaction.joinRequests.delete(actor.organizationId, teamId, actor.userId)
      if (!there) throw notFound('You have not asked to join')
    })
  }

  /** The oldest first, to administrators and owners. @throws DomainError `not-found`, `user-inactive`, `need-privileges` */
  async list(actor: Actor, teamId: Id): Promise<JoinRequest[]> {
    const { role } = await membershipOf(this.#store, actor, teamId)
    if (role === 'member') throw new DomainError('need-privileges', 'Administrators and owners see who asks to join')
    return await this.#store.joinRequests.list(actor.organizationId, teamId)
  }

  /** By administrators and owners: whoever asked is a member. @throws as `refuse` */
  approve = (actor: Actor, teamId: Id, userId: Id): Promise<void> => this.#answer(actor, teamId, userId, true)

  /** By administrators and owners. @throws DomainError `not-found`, `user-inactive`, `need-privileges` */
  refuse = (actor: Actor, teamId: Id, userId: Id): Promise<void> => this.#answer(actor, teamId, userId, false)

  async #answer(actor: Actor, teamId: Id, userId: Id, welcome: boolean): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const { user } = await lockPeople(transaction, actor, [userId])
      const { team } = await lockAs(transaction, actor, teamId, 'administrator')
      const there = await transaction.joinRequests.delete(actor.organizationId, teamId, userId)
      if (!there) throw notFound('They have not asked to join, or have been answered')
      if (!welcome) return
      assertActive(user(userId))
      await join(transaction, team, user(userId), 'member')
    })
  }
}
