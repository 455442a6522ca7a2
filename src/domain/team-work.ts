import { randomUUID } from 'node:crypto'
import type { Actor, Id } from './actor.ts'
import { DomainError, notFound } from './errors.ts'
import type { Store } from './ports.ts'
import { assertOwnerStays, deleteTeam, describe, join, leave, recordMember, setRole, tellTeam } from './team-members.ts'
import {
  assertActive,
  assertMayHold,
  assertNotAbove,
  isAbove,
  lockAs,
  lockPeople,
  memberOf,
  membershipOf,
} from './team-role.ts'
import { assertMayRemove, type Membership, newTeam, type Role, type Team, teamName } from './teams.ts'

/** What a person says of their team; an empty description takes it away. */
export interface TeamWords {
  readonly name?: string
  readonly description?: string
  /** Whether colleagues see that there is such a team, and may ask to join. */
  readonly isOpen?: boolean
}

/** A team as one of its members sees it; its parent only where they are in that, too. */
export interface TeamView {
  readonly team: Team
  readonly role: Role
  readonly members: readonly Membership[]
}

/**
 * What people do with their teams, each by their role there. Everybody else learns nothing: `not-found`. A team that an
 * identity provider keeps is only read: `need-privileges`. `seen` is the revision that the person has read: another one is
 * refused with `precondition-failed`. Whoever was deactivated does nothing any more: `user-inactive`.
 */
export class TeamWork {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  /** The actor becomes its owner. @throws DomainError `invalid-data`, `user-inactive`, `need-privileges` */
  async create(actor: Actor, { name = '', description, isOpen = false }: TeamWords): Promise<Team> {
    const bare = newTeam(actor.organizationId, teamName(name), randomUUID(), false)
    const text = descriptionOf(description)
    const team: Team = { ...bare, isOpen, ...(text === undefined ? {} : { description: text }) }
    await this.#store.transaction(async (transaction) => {
      const { myself } = await lockPeople(transaction, actor)
      assertMayHold(myself, 'owner')
      await transaction.teams.insert(team)
      tellTeam(transaction, team, 'team.created')
      await join(transaction, team, myself, 'owner')
    })
    return { ...team, memberCount: 1, revision: 1 }
  }

  /** The person's own teams, by name, with their role in each. */
  mine = ({ organizationId, userId }: Actor): Promise<(Team & { readonly role: Role })[]> =>
    this.#store.teams.withRole(organizationId, userId)

  /** @throws DomainError `not-found`, `user-inactive` */
  async read(actor: Actor, teamId: Id): Promise<TeamView> {
    const { teams } = this.#store
    const { organizationId, userId } = actor
    const { role } = await membershipOf(this.#store, actor, teamId)
    const [found] = await teams.find(organizationId, teamId)
    if (!found) throw notFound(`There is no team "${teamId}"`)
    const { parentId, ...team } = found
    const inParent = parentId && (await teams.memberships(organizationId, parentId, [userId])).length > 0
    const members = await teams.members(organizationId, teamId)
    return { team: inParent ? found : team, role, members }
  }

  /** By administrators and owners. Without a difference nothing is written. @throws DomainError `invalid-data` */
  async change(actor: Actor, teamId: Id, words: TeamWords, seen?: number): Promise<Team> {
    return await this.#store.transaction(async (transaction) => {
      await lockPeople(transaction, actor)
      const { team } = await lockAs(transaction, actor, teamId, 'administrator', seen)
      const { description: was, ...rest } = team
      const name = words.name === undefined ? team.name : teamName(words.name)
      const description = words.description === undefined ? was : descriptionOf(words.description)
      const isOpen = words.isOpen ?? team.isOpen
      if (name === team.name && description === was && isOpen === team.isOpen) return team
      const now: Team = { ...rest, name, isOpen, ...(description === undefined ? {} : { description }) }
      await describe(transaction, team, now)
      if (isOpen !== team.isOpen) await transaction.teams.setOpen(team.organizationId, teamId, isOpen)
      await transaction.teams.touch(team.organizationId, teamId, 0)
      recordMember(transaction, team)
      return { ...now, revision: team.revision + 1 }
    })
  }

  /** By administrators and owners; the role is member. @throws DomainError `already-exists`, `user-inactive` */
  async add(actor: Actor, teamId: Id, userId: Id): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const { user } = await lockPeople(transaction, actor, [userId])
      const { team } = await lockAs(transaction, actor, teamId, 'administrator')
      const newcomer = user(userId)
      assertActive(newcomer)
      const [present] = await transaction.teams.memberships(team.organizationId, teamId, [userId])
      if (present) throw new DomainError('already-exists', `"${newcomer.email}" is in the team`)
      await join(transaction, team, newcomer, 'member')
    })
  }

  /** By administrators and owners; an owner by an owner. @throws DomainError `last-owner` */
  async remove(actor: Actor, teamId: Id, userId: Id): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const { user } = await lockPeople(transaction, actor, [userId])
      const { team, mine } = await lockAs(transaction, actor, teamId, 'administrator')
      const member = await memberOf(transaction, team, user(userId))
      assertMayRemove(mine.role, member)
      if (member.role === 'owner') await assertOwnerStays(transaction, team, [userId])
      await leave(transaction, team, user(userId))
    })
  }

  /** By everybody. @throws DomainError `last-owner` */
  async leave(actor: Actor, teamId: Id): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const { myself } = await lockPeople(transaction, actor)
      const { team, mine } = await lockAs(transaction, actor, teamId, 'member')
      if (mine.role === 'owner') await assertOwnerStays(transaction, team, [actor.userId])
      await leave(transaction, team, myself)
    })
  }

  /**
   * Member and administrator by administrators and owners; owners are made and unmade by owners.
   *
   * @throws DomainError `last-owner`, `user-inactive`: who is away is raised to nothing
   */
  async setRole(actor: Actor, teamId: Id, userId: Id, role: Role): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const { user } = await lockPeople(transaction, actor, [userId])
      const { team, mine } = await lockAs(transaction, actor, teamId, 'administrator')
      const member = await memberOf(transaction, team, user(userId))
      for (const one of [role, member.role]) assertNotAbove(one, mine.role)
      if (role === member.role) return
      if (isAbove(role, member.role)) assertActive(user(userId))
      assertMayHold(user(userId), role)
      if (member.role === 'owner') await assertOwnerStays(transaction, team, [userId])
      await setRole(transaction, team, userId, role)
    })
  }

  /** An owner names another member owner, and is an administrator from then on. @throws DomainError `invalid-data` */
  async transfer(actor: Actor, teamId: Id, userId: Id): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const { user } = await lockPeople(transaction, actor, [userId])
      const { team } = await lockAs(transaction, actor, teamId, 'owner')
      if (userId === actor.userId) throw new DomainError('invalid-data', 'You own the team: name somebody else')
      await memberOf(transaction, team, user(userId))
      assertActive(user(userId))
      assertMayHold(user(userId), 'owner')
      await setRole(transaction, team, userId, 'owner')
      await setRole(transaction, team, actor.userId, 'administrator')
    })
  }

  /** By owners; its children have no parent afterwards. */
  async delete(actor: Actor, teamId: Id, seen?: number): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      await lockPeople(transaction, actor)
      const { team } = await lockAs(transaction, actor, teamId, 'owner', seen)
      await deleteTeam(transaction, team)
    })
  }

  /**
   * Puts the team under another, by administrators and owners of both, or under none, by its own.
   *
   * @throws DomainError `parent-cycle`, `too-deep`
   */
  async move(actor: Actor, teamId: Id, parentId: Id | undefined, seen?: number): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const { organizationId } = actor
      const { teams } = transaction
      await teams.lockHierarchy(organizationId)
      await lockPeople(transaction, actor)
      if (parentId && parentId !== teamId) await lockAs(transaction, actor, parentId, 'administrator')
      const { team } = await lockAs(transaction, actor, teamId, 'administrator', seen)
      if (parentId === team.parentId) return
      if (parentId) {
        const above = await teams.line(organizationId, parentId)
        if (above.includes(teamId)) throw new DomainError('parent-cycle', 'A team cannot be above itself')
        if (above.length + (await teams.height(organizationId, teamId)) > MAX_DEPTH) {
          throw new DomainError('too-deep', `There are at most ${MAX_DEPTH} teams above each other`)
        }
      }
      await teams.setParent(organizationId, teamId, parentId)
      await teams.touch(organizationId, teamId, 0)
      recordMember(transaction, team)
    })
  }
}

const MAX_DEPTH = 32
const MAX_DESCRIPTION = 4_096

/** @throws DomainError `invalid-data` */
function descriptionOf(text: string | undefined): string | undefined {
  const description = text?.trim()
  if (description && (description.length > MAX_DESCRIPTION || description.includes('\0'))) {
    throw new DomainError('invalid-data', `A description has at most ${MAX_DESCRIPTION} characters`)
  }
  return description || undefined
}
