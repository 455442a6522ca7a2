import { randomUUID } from 'node:crypto'
import type { Actor, Id } from './actor.ts'
import { DomainError, notFound } from './errors.ts'
import { mayCreateTeams } from './organizations.ts'
import type { Repositories, Store } from './ports.ts'
import type { MemberPosition, TeamPosition } from './ports-teams.ts'
import { setParent } from './team-hierarchy.ts'
import { assertOwnerStays, deleteTeam, describe, join, leave, recordMember, setRole, tellTeam } from './team-members.ts'
import {
  type Abilities,
  abilitiesIn,
  assertActive,
  assertExpected,
  assertMayHold,
  assertNotAbove,
  type Expected,
  isAbove,
  lockPeople,
  lockTo,
  memberOf,
  memberShown,
  membershipOf,
} from './team-role.ts'
import { assertMayRemove, newTeam, type Role, type Team, type TeamMember, teamName } from './teams.ts'

/** What a person says of their team; an empty description takes it away. */
export interface TeamWords {
  readonly name?: string
  readonly description?: string
  /** Whether colleagues see that there is such a team, and may ask to join. */
  readonly isOpen?: boolean
}

export interface TeamAmendment extends TeamWords {
  /** The team that it is put under; null: under none. */
  readonly parentId?: Id | null
}

/** A team as one of its members sees it; its parent only where they are in that, too. */
export interface TeamView {
  readonly team: Team
  readonly role: Role
  readonly abilities: Abilities
}

/**
 * What people do with their teams, each by their role there. Everybody else learns nothing: `not-found`. A team that an
 * identity provider keeps is only read: `need-privileges`. Where what is `expected` of the team or member is no longer so,
 * nothing is done: `precondition-failed`. Whoever was deactivated does nothing any more: `user-inactive`.
 */
export class TeamWork {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  /** The actor becomes its owner. @throws DomainError `invalid-data`, `user-inactive`, `need-privileges` */
  async create(actor: Actor, { name = '', description, isOpen = false }: TeamWords): Promise<TeamView> {
    const bare = newTeam(actor.organizationId, teamName(name), randomUUID(), false)
    const text = descriptionOf(description)
    const team: Team = { ...bare, isOpen, ...(text === undefined ? {} : { description: text }) }
    return await this.#store.transaction(async (transaction) => {
      const { myself } = await lockPeople(transaction, actor)
      assertMayHold(myself, 'owner')
      const organization = await transaction.organizations.hold(actor.organizationId)
      if (!organization || !mayCreateTeams(myself, organization)) {
        throw new DomainError('need-privileges', 'In your organization administrators make teams: ask one of them')
      }
      await transaction.teams.insert(team)
      tellTeam(transaction, team, 'team.created')
      await join(transaction, team, myself, 'owner')
      return await viewOf(transaction, actor, team.id)
    })
  }

  /** The person's own teams whose name has that text in it, by name; `after` is the last one of the page before. */
  async mine(actor: Actor, text: string, after: TeamPosition | undefined, limit: number): Promise<TeamView[]> {
    const found = await this.#store.teams.mine(actor, text, after, limit)
    return found.map(({ role, parentId: _, ...team }) => ({ team, role, abilities: abilitiesIn(team, role) }))
  }

  /** @throws DomainError `not-found`, `user-inactive` */
  read = (actor: Actor, teamId: Id): Promise<TeamView> => viewOf(this.#store, actor, teamId)

  /** The longest-standing first; `after` is the last one of the page before. @throws as `read` */
  async members(
    actor: Actor,
    teamId: Id,
    after: MemberPosition | undefined,
    limit: number,
  ): Promise<readonly TeamMember[]> {
    await membershipOf(this.#store, actor, teamId)
    return (await this.#store.teams.page(actor.organizationId, teamId, after, limit)).map(memberShown)
  }

  /** @throws as `read` */
  async member(actor: Actor, teamId: Id, userId: Id): Promise<TeamMember> {
    await membershipOf(this.#store, actor, teamId)
    return await memberOf(this.#store, { organizationId: actor.organizationId, id: teamId }, userId)
  }

  /**
   * By administrators and owners; another parent, by those of both. Without a difference nothing is written.
   *
   * @throws DomainError `invalid-data`, `parent-cycle`, `too-deep`
   */
  async change(actor: Actor, teamId: Id, said: TeamAmendment, expected?: Expected<TeamView>): Promise<TeamView> {
    return await this.#store.transaction(async (transaction) => {
      const { teams } = transaction
      const { organizationId } = actor
      if (said.parentId !== undefined) await teams.lockHierarchy(organizationId)
      await lockPeople(transaction, actor)
      if (said.parentId && said.parentId !== teamId) await lockTo(transaction, 'change', actor, said.parentId)
      const { team } = await lockTo(transaction, 'change', actor, teamId)
      if (expected) assertExpected(expected, await viewOf(transaction, actor, teamId))
      const name = said.name === undefined ? team.name : teamName(said.name)
      const description = said.description === undefined ? team.description : descriptionOf(said.description)
      const isOpen = said.isOpen ?? team.isOpen
      const parentId = said.parentId === undefined ? team.parentId : (said.parentId ?? undefined)
      const described = name !== team.name || description !== team.description
      if (described) {
        const { externalId } = team
        const words = { name, ...(description ? { description } : {}), ...(externalId ? { externalId } : {}) }
        await describe(transaction, team, words)
      }
      if (isOpen !== team.isOpen) await teams.setOpen(organizationId, teamId, isOpen)
      if (parentId !== team.parentId) await setParent(transaction, team, parentId)
      if (described || isOpen !== team.isOpen || parentId !== team.parentId) {
        await teams.touch(organizationId, teamId, 0)
        recordMember(transaction, team)
      }
      return await viewOf(transaction, actor, teamId)
    })
  }

  /**
   * By administrators and owners, in a role that is not above their own.
   *
   * @throws DomainError `already-exists`, `user-inactive`
   */
  async add(actor: Actor, teamId: Id, userId: Id, role: Role = 'member'): Promise<TeamMember> {
    return await this.#store.transaction(async (transaction) => {
      const { user } = await lockPeople(transaction, actor, [userId])
      const { team, mine } = await lockTo(transaction, 'members', actor, teamId)
      assertNotAbove(role, mine.role)
      const newcomer = user(userId)
      assertActive(newcomer)
      assertMayHold(newcomer, role)
      const [present] = await transaction.teams.memberships(team.organizationId, teamId, [userId])
      if (present) throw new DomainError('already-exists', `"${newcomer.email}" is in the team`)
      await join(transaction, team, newcomer, role)
      return await memberOf(transaction, team, userId)
    })
  }

  /** By administrators and owners; an owner by an owner. @throws DomainError `last-owner` */
  async remove(actor: Actor, teamId: Id, userId: Id, expected?: Expected<TeamMember>): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const { user } = await lockPeople(transaction, actor, [userId])
      const { team, mine } = await lockTo(transaction, 'members', actor, teamId)
      const member = await memberOf(transaction, team, userId)
      assertMayRemove(mine.role, member)
      assertExpected(expected, member)
      if (member.role === 'owner') await assertOwnerStays(transaction, team, [userId])
      await leave(transaction, team, user(userId))
    })
  }

  /** By everybody. @throws DomainError `last-owner` */
  async leave(actor: Actor, teamId: Id, expected?: Expected<TeamView>): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const { myself } = await lockPeople(transaction, actor)
      const { team, mine } = await lockTo(transaction, 'leave', actor, teamId)
      if (expected) assertExpected(expected, await viewOf(transaction, actor, teamId))
      if (mine.role === 'owner') await assertOwnerStays(transaction, team, [actor.userId])
      await leave(transaction, team, myself)
    })
  }

  /**
   * Member and administrator by administrators and owners; owners are made and unmade by owners.
   *
   * @throws DomainError `last-owner`, `user-inactive`: who is away is raised to nothing
   */
  async setRole(
    actor: Actor,
    teamId: Id,
    userId: Id,
    role: Role,
    expected?: Expected<TeamMember>,
  ): Promise<TeamMember> {
    return await this.#store.transaction(async (transaction) => {
      const { user } = await lockPeople(transaction, actor, [userId])
      const { team, mine } = await lockTo(transaction, 'members', actor, teamId)
      const member = await memberOf(transaction, team, userId)
      for (const one of [role, member.role]) assertNotAbove(one, mine.role)
      assertExpected(expected, member)
      if (role === member.role) return member
      if (isAbove(role, member.role)) assertActive(user(userId))
      assertMayHold(user(userId), role)
      if (member.role === 'owner') await assertOwnerStays(transaction, team, [userId])
      await setRole(transaction, team, userId, role)
      return { ...member, role }
    })
  }

  /** An owner names another member owner, and is an administrator from then on. @throws DomainError `invalid-data` */
  async transfer(actor: Actor, teamId: Id, userId: Id, expected?: Expected<TeamView>): Promise<TeamView> {
    return await this.#store.transaction(async (transaction) => {
      const { user } = await lockPeople(transaction, actor, [userId])
      const { team } = await lockTo(transaction, 'transfer', actor, teamId)
      if (expected) assertExpected(expected, await viewOf(transaction, actor, teamId))
      if (userId === actor.userId) {
        const problem = 'You own the team: name somebody else'
        throw new DomainError('invalid-data', problem, { problems: [{ field: 'user_id', problem }] })
      }
      await memberOf(transaction, team, userId)
      assertActive(user(userId))
      assertMayHold(user(userId), 'owner')
      await setRole(transaction, team, userId, 'owner')
      await setRole(transaction, team, actor.userId, 'administrator')
      return await viewOf(transaction, actor, teamId)
    })
  }

  /** By owners; its children have no parent afterwards. */
  async delete(actor: Actor, teamId: Id, expected?: Expected<TeamView>): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      await lockPeople(transaction, actor)
      const { team } = await lockTo(transaction, 'delete', actor, teamId)
      if (expected) assertExpected(expected, await viewOf(transaction, actor, teamId))
      await deleteTeam(transaction, team)
    })
  }
}

/** @throws DomainError `not-found`, `user-inactive` */
async function viewOf(repositories: Repositories, actor: Actor, teamId: Id): Promise<TeamView> {
  const { organizationId, userId } = actor
  const { role } = await membershipOf(repositories, actor, teamId)
  const [found] = await repositories.teams.find(organizationId, teamId)
  if (!found) throw notFound(`There is no team "${teamId}"`)
  const { parentId, ...team } = found
  const inParent = parentId && (await repositories.teams.memberships(organizationId, parentId, [userId])).length > 0
  return { team: inParent ? found : team, role, abilities: abilitiesIn(found, role) }
}

const MAX_DESCRIPTION = 4_096

/** @throws DomainError `invalid-data` */
function descriptionOf(text: string | undefined): string | undefined {
  const description = text?.trim()
  if (description && (description.length > MAX_DESCRIPTION || description.includes('\0'))) {
    const problem = `A description has at most ${MAX_DESCRIPTION} characters, and no NUL`
    throw new DomainError('invalid-data', problem, { problems: [{ field: 'description', problem }] })
  }
  return description || undefined
}
