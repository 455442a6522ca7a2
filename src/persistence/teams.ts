import { randomBytes } from 'node:crypto'
import type {
  Actor,
  Id,
  MemberPosition,
  MemberRow,
  Membership,
  Role,
  Team,
  TeamDescription,
  TeamPosition,
  TeamRole,
  Teams,
} from '#domain'
import { searchKey } from '#vcard'
import { atMicros, micros, NAME_LINE, NO_ID, type Nullable, present } from './people-sql.ts'
import { TeamRow } from './schema.ts'
import { arrays, type Session } from './session.ts'

export interface TeamColumns {
  organization_id: string
  id: string
  name: string
  is_synced: boolean
  is_suspended: boolean
  is_open: boolean
  parent_id: string | null
  member_count: number
  external_id: string | null
  description: string | null
  revision: string
  created_at: Date
  modified_at: Date
}

export const TEAM_COLUMNS = `t.organization_id, t.id, t.name, t.is_synced, t.is_suspended, t.is_open, t.parent_id, t.member_count, t.external_id,
  t.description, t.revision, t.created_at, t.modified_at`

export const toTeam = (row: TeamColumns): Team => ({
  organizationId: row.organization_id,
  id: row.id,
  name: row.name,
  isSynced: row.is_synced,
  isSuspended: row.is_suspended,
  isOpen: row.is_open,
  ...(row.parent_id === null ? {} : { parentId: row.parent_id }),
  memberCount: row.member_count,
  ...(row.external_id === null ? {} : { externalId: row.external_id }),
  ...(row.description === null ? {} : { description: row.description }),
  revision: Number(row.revision),
  createdAt: row.created_at,
  modifiedAt: row.modified_at,
})

const MEMBERS = `select m.user_id as "userId", u.profile_id as "profileId", m.role, u.email, u.is_active as "isActive"
  from membership m join "user" u on u.organization_id = m.organization_id and u.id = m.user_id
  where m.organization_id = $1 and m.team_id = $2 and m.left_revision is null`

const shown = (found: string): string => `select m.user_id as "userId", u.profile_id as "profileId", m.role, u.email,
    u.is_active as "isActive", m.joined_at as "joinedAt", ${micros('m.joined_at')} as joined, ${NAME_LINE} as "nameLine"
  from membership m join "user" u on u.organization_id = m.organization_id and u.id = m.user_id
  join contact c on c.organization_id = u.organization_id and c.id = u.profile_id
  where ${found} and m.left_revision is null`

/** The teams of a user ($2) of an organization ($1). */
const MINE = `from membership m
  join team t on t.organization_id = m.organization_id and t.id = m.team_id
  join "user" u on u.organization_id = m.organization_id and u.id = m.user_id
  where m.organization_id = $1 and m.user_id = $2 and m.left_revision is null and t.deleted_at is null and u.is_active`

export class SqlTeams implements Teams {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  async insert(team: Team): Promise<void> {
    await this.#session.entities(async (em) => {
      em.create(TeamRow, { ...team, revision: BigInt(team.revision) })
      await em.flush()
    })
  }

  find(organizationId: Id | undefined, by: Id | { name: string }): Promise<Team[]> {
    const condition = typeof by === 'string' ? 't.id = $1' : 't.name = $1'
    const value = typeof by === 'string' ? by : by.name
    if (organizationId === undefined) return this.#read(condition, [value])
    return this.#read(`t.organization_id = $2 and ${condition}`, [value, organizationId])
  }

  list = (organizationId?: Id): Promise<Team[]> =>
    organizationId === undefined ? this.#read('true', []) : this.#read('t.organization_id = $1', [organizationId])

  async #read(where: string, values: readonly unknown[]): Promise<Team[]> {
    const rows = await this.#session.query<TeamColumns>(
      `select ${TEAM_COLUMNS} from team t where t.deleted_at is null and ${where} order by t.name, t.id`,
      values,
    )
    return rows.map(toTeam)
  }

  async lockMembers(organizationId: Id, teamId: Id): Promise<void> {
    await this.#session.query(
      `select pg_advisory_xact_lock(hashtextextended($1::text || $2::text, 0))`,
      [organizationId, teamId],
      'team.lock-members',
    )
  }

  async lock(organizationId: Id, id: Id): Promise<Team | undefined> {
    const [row] = await this.#session.query<TeamColumns>(
      `select ${TEAM_COLUMNS} from team t where organization_id = $1 and id = $2 and deleted_at is null for no key update`,
      [organizationId, id],
      'team.lock',
    )
    return row && toTeam(row)
  }

  members = (organizationId: Id, teamId: Id): Promise<Membership[]> =>
    this.#session.query(`${MEMBERS} order by m.joined_at, m.user_id`, [organizationId, teamId])

  memberships = (organizationId: Id, teamId: Id, userIds: readonly Id[]): Promise<Membership[]> =>
    this.#session.query(`${MEMBERS} and m.user_id = any($3)`, [organizationId, teamId, userIds], 'team.memberships')

  owners = (organizationId: Id, teamId: Id): Promise<Membership[]> =>
    this.#session.query(`${MEMBERS} and m.role = 'owner'`, [organizationId, teamId])

  async heir(organizationId: Id, teamId: Id, leaving?: Id): Promise<Membership | undefined> {
    const [first] = await this.#session.query<Membership>(
      `${MEMBERS} and u.is_active and not u.is_device and m.user_id is distinct from $3
       order by m.role = 'owner' desc, m.role = 'administrator' desc, m.joined_at, m.user_id limit 1`,
      [organizationId, teamId, leaving ?? null],
    )
    return first
  }

  async teamsOf(organizationId: Id, userId: Id): Promise<Team[]> {
    const rows = await this.#session.query<TeamColumns>(
      `select ${TEAM_COLUMNS} from membership m join team t on t.organization_id = m.organization_id and t.id = m.team_id
       where m.organization_id = $1 and m.user_id = $2 and m.left_revision is null and t.deleted_at is null order by t.id`,
      [organizationId, userId],
    )
    return rows.map(toTeam)
  }

  async mine(actor: Actor, text: string, after: TeamPosition | undefined, limit: number): Promise<TeamRole[]> {
    const { organizationId, userId } = actor
    const found = text === '' ? null : await this.#named(actor, searchKey(text))
    const rows = await this.#session.query<TeamColumns & { role: Role }>(
      `select ${TEAM_COLUMNS}, m.role ${MINE}
         and ($3::uuid[] is null or t.id = any($3)) and ($4::text is null or (t.name, t.id) > ($4, $5::uuid))
       order by t.name, t.id limit $6`,
      [organizationId, userId, found, after?.name ?? null, after?.id ?? null, limit],
    )
    return rows.map((row) => ({ ...toTeam(row), role: row.role }))
  }

  /** Nobody is in so many teams that their names could not all be read. */
  async #named({ organizationId, userId }: Actor, key: string): Promise<Id[]> {
    const sql = `select t.id, t.name ${MINE}`
    const rows = await this.#session.query<Pick<TeamColumns, 'id' | 'name'>>(sql, [organizationId, userId])
    return rows.filter(({ name }) => searchKey(name).includes(key)).map(({ id }) => id)
  }

  async shown(organizationId: Id, teamId: Id, userIds: readonly Id[]): Promise<MemberRow[]> {
    const rows = await this.#session.query<Nullable<MemberRow>>(
      `${shown(`m.organization_id = $1 and m.team_id = $2 and m.user_id = any($3)`)} order by m.user_id`,
      [organizationId, teamId, userIds],
    )
    return rows.map(present)
  }

  async page(organizationId: Id, teamId: Id, after: MemberPosition | undefined, limit: number): Promise<MemberRow[]> {
    const position = `(m.joined_at, m.user_id) > (${atMicros(3)}, $4::uuid)`
    const rows = await this.#session.query<Nullable<MemberRow>>(
      `${shown(`m.organization_id = $1 and m.team_id = $2 and ${position}`)} order by m.joined_at, m.user_id limit $5`,
      [organizationId, teamId, after?.joined ?? 0, after?.userId ?? NO_ID, limit],
      'team.page',
    )
    return rows.map(present)
  }

  async join(organizationId: Id, teamId: Id, userIds: readonly Id[], role: Role): Promise<void> {
    await this.#session.query(
      `with asked as (delete from join_request where organization_id = $1 and team_id = $2 and user_id = any($3)),
         invited as (delete from invitation i using "user" u where i.organization_id = $1 and i.team_id = $2
           and u.organization_id = $1 and u.id = any($3) and i.email_key = u.email_key)
       insert into membership (organization_id, team_id, user_id, role)
       select $1::uuid, $2::uuid, id, $4 from ${arrays(3, 'uuid')} as n (id)
       on conflict (organization_id, team_id, user_id)
       do update set role = excluded.role, joined_at = excluded.joined_at, left_revision = null`,
      [organizationId, teamId, userIds, role],
      'team.join',
    )
  }

  async setRole(organizationId: Id, teamId: Id, userId: Id, role: Role): Promise<void> {
    await this.#session.query(
      'update membership set role = $4 where organization_id = $1 and team_id = $2 and user_id = $3',
      [organizationId, teamId, userId, role],
    )
  }

  async describe(organizationId: Id, teamId: Id, { name, externalId, description }: TeamDescription): Promise<void> {
    const said = { name, externalId: externalId ?? null, description: description ?? null }
    await this.#session.entities((em) => em.nativeUpdate(TeamRow, { organizationId, id: teamId }, said))
  }

  async setOpen(organizationId: Id, teamId: Id, isOpen: boolean): Promise<void> {
    await this.#session.entities((em) => em.nativeUpdate(TeamRow, { organizationId, id: teamId }, { isOpen }))
  }

  async lockHierarchy(organizationId: Id): Promise<void> {
    await this.#session.query(`select pg_advisory_xact_lock(hashtextextended('hierarchy' || $1::text, 0))`, [
      organizationId,
    ])
  }

  async line(organizationId: Id, teamId: Id): Promise<Id[]> {
    const rows = await this.#session.query<{ id: string }>(
      `with recursive line (id, parent_id, level) as (
         select id, parent_id, 1 from team where organization_id = $1 and id = $2
         union all
         select t.id, t.parent_id, l.level + 1 from line l join team t on t.organization_id = $1 and t.id = l.parent_id)
       select id from line order by level`,
      [organizationId, teamId],
    )
    return rows.map(({ id }) => id)
  }

  async height(organizationId: Id, teamId: Id): Promise<number> {
    const [row] = await this.#session.query<{ height: number }>(
      `with recursive below (id, level) as (
         values ($2::uuid, 1)
         union all
         select t.id, b.level + 1 from below b join team t on t.organization_id = $1 and t.parent_id = b.id)
       select max(level) as height from below`,
      [organizationId, teamId],
    )
    return row?.height ?? 1
  }

  async setParent(organizationId: Id, teamId: Id, parentId: Id | undefined): Promise<void> {
    await this.#session.entities((em) =>
      em.nativeUpdate(TeamRow, { organizationId, id: teamId }, { parentId: parentId ?? null }),
    )
  }

  async touch(organizationId: Id, teamId: Id, members: number): Promise<void> {
    const stamp = String(randomBytes(8).readBigUInt64BE() >> 1n)
    await this.#session.query(
      `update team set revision = revision + 1, stamp = $3, member_count = member_count + $4, modified_at = now()
       where organization_id = $1 and id = $2`,
      [organizationId, teamId, stamp, members],
    )
  }

  async setSuspended(organizationId: Id, teamId: Id, suspended: boolean): Promise<void> {
    await this.#session.entities((em) =>
      em.nativeUpdate(TeamRow, { organizationId, id: teamId }, { isSuspended: suspended }),
    )
  }

  async delete(organizationId: Id, teamId: Id): Promise<void> {
    await this.#session.query(
      'update team set deleted_at = now(), parent_id = null where organization_id = $1 and id = $2',
      [organizationId, teamId],
    )
    await this.#session.query(`update team set parent_id = null where organization_id = $1 and parent_id = $2`, [
      organizationId,
      teamId,
    ])
  }
}
