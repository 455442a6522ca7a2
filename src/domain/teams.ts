import { randomUUID } from 'node:crypto'
import { asId, type Id } from './actor.ts'
import { DomainError, notFound } from './errors.ts'
import type { Store, Transaction } from './ports.ts'
import {
  assertOwnerStays,
  changeMembers,
  deleteTeam,
  describe,
  join,
  leave,
  lockTeam,
  type MemberChange,
  recordMember,
  setRole,
  settle,
  tellTeam,
} from './team-members.ts'
import type { User } from './users.ts'

export const ROLES = ['member', 'administrator', 'owner'] as const
export type Role = (typeof ROLES)[number]

/** What is said of a team. */
export interface TeamDescription {
  readonly name: string
  /** What it is for: a note on its group card. */
  readonly description?: string
  /** What the identity provider calls it. */
  readonly externalId?: string
}

export interface Team extends TeamDescription {
  readonly id: Id
  readonly organizationId: Id
  /** It gives no rights here, and no membership. */
  readonly parentId?: Id
  readonly isSynced: boolean
  readonly isSuspended: boolean
  /** Whether colleagues see that there is such a team, and may ask to join. */
  readonly isOpen: boolean
  readonly memberCount: number
  /** Counts its changes. */
  readonly revision: number
  readonly createdAt: Date
  readonly modifiedAt: Date
}

/** How an identity provider wants a team to be. */
interface TeamChange extends TeamDescription {
  readonly members?: MemberChange
}

export interface Membership {
  readonly userId: Id
  readonly profileId: Id
  readonly role: Role
  readonly email: string
  readonly isActive: boolean
}

/** A member as the others see them. */
export interface TeamMember extends Membership {
  /** What their card is called by; never empty. */
  readonly name: string
  readonly joinedAt: Date
  /** When they joined in microseconds, as a list of members goes on. */
  readonly joined: string
}

/** Whom a change of members is about, known before it is made: those named, or all who are members too. */
export interface Involved {
  readonly named: ReadonlySet<Id>
  readonly everybody: boolean
}

export class TeamService {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  /** @throws DomainError `invalid-data`, `user-inactive` */
  async create(name: string, owner: User): Promise<Team> {
    const trimmed = teamName(name)
    const { organizationId } = owner
    const team = newTeam(organizationId, trimmed, randomUUID(), false)
    await this.#store.transaction(async (transaction) => {
      await assertActive(transaction, owner)
      await transaction.teams.insert(team)
      tellTeam(transaction, team, 'team.created')
      await join(transaction, team, owner, 'owner')
    })
    return { ...team, memberCount: 1 }
  }

  list = (organizationId?: Id): Promise<Team[]> => this.#store.teams.list(organizationId)
  members = ({ organizationId, id }: Team): Promise<Membership[]> => this.#store.teams.members(organizationId, id)

  /** By name or id. @throws DomainError `not-found`, `ambiguous` */
  async get(reference: string, organizationId?: Id): Promise<Team> {
    const found = await this.#store.teams.find(organizationId, asId(reference) ?? { name: reference })
    if (found.length > 1) {
      const ids = found.map(({ id }) => id).join(', ')
      throw new DomainError('ambiguous', `${found.length} teams are called "${reference}": name one by its id (${ids})`)
    }
    if (!found[0]) throw notFound(`There is no team "${reference}"`)
    return found[0]
  }

  /**
   * Adds a member, or gives one another role; whoever joins a suspended team brings it back, as its owner.
   * @throws DomainError `not-found`, `user-inactive`, `last-owner`
   */
  async add(team: Team, user: User, role: Role): Promise<void> {
    if (user.organizationId !== team.organizationId)
      throw notFound(`There is no user "${user.email}" in the team's organization`)
    await this.#store.transaction(async (transaction) => {
      await assertActive(transaction, user)
      const now = await lockTeam(transaction, team)
      const [current] = await transaction.teams.memberships(team.organizationId, team.id, [user.id])
      if (current?.role === role) return
      if (!current) {
        await join(transaction, team, user, role)
        return await settle(transaction, now)
      }
      if (current.role === 'owner') await assertOwnerStays(transaction, now, [user.id])
      await setRole(transaction, now, user.id, role)
    })
  }

  /** @throws DomainError `not-found`, `last-owner` */
  async remove(team: Team, user: User): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      await transaction.users.lock(user.organizationId, user.id) // their scope decides what leaving changes for them
      const now = await lockTeam(transaction, team)
      const [current] = await transaction.teams.memberships(team.organizationId, team.id, [user.id])
      if (!current) throw notFound(`"${user.email}" is not in the team "${team.name}"`)
      if (current.role === 'owner') await assertOwnerStays(transaction, now, [user.id])
      await leave(transaction, team, user)
    })
  }

  /** Ends the team; everybody's group card goes. @throws DomainError `not-found`, and what `check` throws */
  async delete(team: Pick<Team, 'organizationId' | 'id' | 'name'>, check?: (now: Team) => void): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const now = await lockTeam(transaction, team)
      check?.(now)
      await deleteTeam(transaction, now)
    })
  }

  /**
   * Makes a team that an identity provider keeps. @throws DomainError `invalid-data`, `unknown-member`
   */
  async provision(
    organizationId: Id,
    { name, members, ...said }: TeamDescription & { readonly members: ReadonlySet<Id> },
    id: Id = randomUUID(),
  ): Promise<Team> {
    const team = { ...said, ...newTeam(organizationId, teamName(name), id, true) }
    return await this.#store.transaction(async (transaction) => {
      await transaction.teams.insert(team)
      tellTeam(transaction, team, 'team.created')
      await changeMembers(transaction, team, { join: members, leave: new Set() })
      return await lockTeam(transaction, team)
    })
  }

  /**
   * Changes a team as an identity provider says, in one transaction; what `change` throws changes nothing, and it may be
   * called again. Those who may join or leave are locked before the team. Without a difference
   * nothing is written.
   *
   * @throws DomainError `not-found`, `invalid-data`, `unknown-member`, `user-inactive`, `last-owner`
   */
  async amend(
    organizationId: Id,
    id: Id,
    { named, everybody }: Involved,
    change: (now: Team, members: () => Promise<Membership[]>) => Promise<TeamChange>,
  ): Promise<Team> {
    return await this.#store.transaction(async (transaction) => {
      // people before their team, as everywhere; else two that replace each other's members wait for each other
      if (everybody) await transaction.teams.lockMembers(organizationId, id)
      const members = everybody ? await transaction.teams.members(organizationId, id) : []
      const ids = new Set([...named, ...members.map(({ userId }) => userId)])
      await transaction.users.lockAll(organizationId, [...ids])
      const now = await lockTeam(transaction, { organizationId, id, name: id })
      const said = await change(now, () => transaction.teams.members(organizationId, id))
      const name = teamName(said.name)
      const { description, externalId } = said
      const described = name !== now.name || description !== now.description || externalId !== now.externalId
      if (described) await describe(transaction, now, { ...said, name })
      const moved = said.members ? await changeMembers(transaction, now, said.members) : false
      if (moved) await settle(transaction, now)
      else if (described) {
        await transaction.teams.touch(organizationId, id, 0)
        recordMember(transaction, now)
      } else return now
      return await lockTeam(transaction, now)
    })
  }
}

export const newTeam = (organizationId: Id, name: string, id: Id, isSynced: boolean): Team => {
  const at = new Date()
  const bare = { id, organizationId, name, isSynced, isSuspended: false, isOpen: false, memberCount: 0, revision: 0 }
  return { ...bare, createdAt: at, modifiedAt: at }
}

/** As long as a group's name may be in Entra ID, which would send a longer one than we take again and again. */
const MAX_NAME = 256

/** @throws DomainError `invalid-data` */
export function teamName(text: string): string {
  const name = text.trim()
  if (name === '' || name.length > MAX_NAME || name.includes('\0')) {
    const problem = `A team needs a name of at most ${MAX_NAME} characters`
    throw new DomainError('invalid-data', problem, { problems: [{ field: 'name', problem }] })
  }
  return name
}

/** Nobody removes a member above their own role. @throws DomainError `need-privileges` */
export function assertMayRemove(role: Role, member: Membership): void {
  if (ROLES.indexOf(member.role) > ROLES.indexOf(role)) {
    throw new DomainError('need-privileges', 'An owner is removed by an owner')
  }
}

async function assertActive(transaction: Transaction, { organizationId, id, email }: User): Promise<void> {
  const user = await transaction.users.lock(organizationId, id)
  if (!user) throw notFound(`There is no user "${email}"`)
  if (!user.isActive) throw new DomainError('user-inactive', `"${email}" is deactivated: activate them first`)
}
