import { randomBytes } from 'node:crypto'
import type { Id, Membership, Role, Team, Teams } from '#domain'
import { TeamRow } from './schema.ts'
import type { Session } from './session.ts'

interface TeamColumns {
  organization_id: string
  id: string
  name: string
  is_synced: boolean
  is_suspended: boolean
  member_count: number
}

const COLUMNS = 't.organization_id, t.id, t.name, t.is_synced, t.is_suspended, t.member_count'

const toTeam = (row: TeamColumns): Team => ({
  organizationId: row.organization_id,
  id: row.id,
  name: row.name,
  isSynced: row.is_synced,
  isSuspended: row.is_suspended,
  memberCount: row.member_count,
})

export class SqlTeams implements Teams {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  async insert(team: Team): Promise<void> {
    await this.#session.entities(async (em) => {
      em.create(TeamRow, { ...team })
      await em.flush()
    })
  }

  find(organizationId: Id | undefined, by: Id | { name: string }): Promise<Team[]> {
    const [column, value] = typeof by === 'string' ? ['id', by] : ['name', by.name]
    return this.#read(`($1::uuid is null or t.organization_id = $1) and t.${column} = $2`, [organizationId, value])
  }

  list = (organizationId?: Id): Promise<Team[]> =>
    this.#read('($1::uuid is null or t.organization_id = $1)', [organizationId])

  async #read(where: string, values: readonly unknown[]): Promise<Team[]> {
    const rows = await this.#session.query<TeamColumns>(
      `select ${COLUMNS} from team t where t.deleted_at is null and ${where} order by t.name, t.id`,
      values,
    )
    return rows.map(toTeam)
  }

  async lock(organizationId: Id, id: Id): Promise<Team | undefined> {
    const [row] = await this.#session.query<TeamColumns>(
      `select ${COLUMNS} from team t where organization_id = $1 and id = $2 and deleted_at is null for no key update`,
      [organizationId, id],
    )
    return row && toTeam(row)
  }

  async members(organizationId: Id, teamId: Id): Promise<Membership[]> {
    return await this.#session.query<Membership>(
      `select m.user_id as "userId", u.profile_id as "profileId", m.role, u.email, u.is_active as "isActive"
       from membership m join "user" u on u.organization_id = m.organization_id and u.id = m.user_id
       where m.organization_id = $1 and m.team_id = $2 and m.left_revision is null order by m.joined_at, m.user_id`,
      [organizationId, teamId],
    )
  }

  async teamsOf(organizationId: Id, userId: Id): Promise<Team[]> {
    const rows = await this.#session.query<TeamColumns>(
      `select ${COLUMNS} from membership m join team t on t.organization_id = m.organization_id and t.id = m.team_id
       where m.organization_id = $1 and m.user_id = $2 and m.left_revision is null and t.deleted_at is null order by t.id`,
      [organizationId, userId],
    )
    return rows.map(toTeam)
  }

  async join(organizationId: Id, teamId: Id, userId: Id, role: Role): Promise<void> {
    await this.#session.query(
      `insert into membership (organization_id, team_id, user_id, role) values ($1, $2, $3, $4)
       on conflict (organization_id, team_id, user_id)
       do update set role = excluded.role, joined_at = excluded.joined_at, left_revision = null`,
      [organizationId, teamId, userId, role],
    )
  }

  async setRole(organizationId: Id, teamId: Id, userId: Id, role: Role): Promise<void> {
    await this.#session.query(
      'update membership set role = $4 where organization_id = $1 and team_id = $2 and user_id = $3',
      [organizationId, teamId, userId, role],
    )
  }

  async rename(organizationId: Id, teamId: Id, name: string): Promise<void> {
    await this.#session.entities((em) => em.nativeUpdate(TeamRow, { organizationId, id: teamId }, { name }))
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
