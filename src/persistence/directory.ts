import { hash } from 'node:crypto'
import {
  type AttributeCondition,
  type AttributeQuery,
  type Directory,
  type Id,
  type ListedMember,
  type ListedTeam,
  type ListedUser,
  type Position,
  userNameKey,
} from '#domain'
import { ConditionWriter, jsonSchema, type Schema } from './attribute-sql.ts'
import { Batch } from './batch.ts'
import { arrays, type Session } from './session.ts'
import { TEAM_COLUMNS, type TeamColumns, toTeam } from './teams.ts'
import { MANAGED_COLUMNS, type ManagedRow, toManagedUser } from './users.ts'

/** As its index has it (`user_attributes`): what may be large left out. */
const FOLDED = `(lower((u.attributes - '{photos,x509Certificates}'::text[])::text)::jsonb)`
const MANAGED = jsonSchema('u.attributes', 'u.search', FOLDED)
/** What colleagues see; null for whoever has a user name only. */
export const shownName = (user: string): string => `coalesce(${user}.attributes->>'displayName',
  ${user}.attributes->'name'->>'formatted', nullif(concat_ws(' ', ${user}.attributes->'name'->>'givenName',
  ${user}.attributes->'name'->>'familyName'), ''))`
const SHOWN_NAME = shownName('u')

/** A time as it is shown, to the millisecond: what was read is found again. */
const shownTime = (column: string): string => `date_trunc('milliseconds', ${column})`

const UUID = `'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'`
const MANAGER = `(case when u.attributes->'manager'->>'value' ~ ${UUID} then (
  select ${shownName('b')} from "user" b
  where b.organization_id = u.organization_id and b.id = (u.attributes->'manager'->>'value')::uuid) end)`

const USERS: Schema = {
  source: (path) => {
    switch (path.join('.')) {
      case 'id':
        return { kind: 'id', sql: 'u.id' }
      case 'userName':
        return { kind: 'name', sql: 'u.user_name_key', found: { text: 'u.search' } }
      case 'externalId':
        return { kind: 'text', sql: 'u.external_id' }
      case 'active':
        return { kind: 'boolean', sql: 'u.is_active' }
      case 'meta.created':
        return { kind: 'date', sql: shownTime('u.created_at') }
      case 'meta.lastModified':
        return { kind: 'date', sql: shownTime('u.modified_at') }
      case 'manager.displayName':
        return { kind: 'text', sql: MANAGER }
      case 'meta.version':
        return { kind: 'text', sql: 'u.revision::text' }
      default:
        return MANAGED.source(path)
    }
  },
  rows: (attribute) =>
    attribute === 'groups'
      ? {
          from: `membership m join team t on t.organization_id = m.organization_id and t.id = m.team_id
            where m.organization_id = u.organization_id and m.user_id = u.id and m.left_revision is null and t.deleted_at is null`,
          part: ([part]) =>
            part === 'value'
              ? { kind: 'id', sql: 't.id' }
              : part === 'display'
                ? { kind: 'text', sql: 't.name' }
                : part === 'type'
                  ? { kind: 'text', sql: `'direct'::text` }
                  : undefined,
          present: `exists (select from membership m where m.organization_id = u.organization_id and m.user_id = u.id
            and m.left_revision is null)`,
          order: 't.name, t.id',
        }
      : MANAGED.rows(attribute),
}

const memberRows = (above: string) => ({
  from: `membership m join "user" u on u.organization_id = m.organization_id and u.id = m.user_id
    where m.organization_id = t.organization_id and m.team_id = t.id and m.left_revision is null${above}`,
  part: ([part]: readonly string[]) =>
    part === 'value'
      ? ({ kind: 'id', sql: 'm.user_id' } as const)
      : part === 'display'
        ? ({ kind: 'text', sql: SHOWN_NAME } as const)
        : part === 'role'
          ? ({ kind: 'text', sql: 'm.role' } as const)
          : part === 'type'
            ? ({ kind: 'text', sql: `'User'::text` } as const)
            : undefined,
  present: `exists (select from membership m where m.organization_id = t.organization_id and m.team_id = t.id
    and m.left_revision is null${above})`,
  order: 'm.user_id',
})

const TEAMS: Schema = {
  source: (path) => {
    switch (path.join('.')) {
      case 'id':
        return { kind: 'id', sql: 't.id' }
      case 'displayName':
        return { kind: 'text', sql: 't.name' }
      case 'externalId':
        return { kind: 'text', sql: 't.external_id' }
      case 'description':
        return { kind: 'text', sql: 't.description' }
      case 'synced':
        return { kind: 'boolean', sql: 't.is_synced' }
      case 'meta.created':
        return { kind: 'date', sql: shownTime('t.created_at') }
      case 'meta.lastModified':
        return { kind: 'date', sql: shownTime('t.modified_at') }
      case 'meta.version':
        return { kind: 'text', sql: 't.revision::text' }
      default:
        return undefined
    }
  },
  rows: (attribute) =>
    attribute === 'members'
      ? memberRows('')
      : attribute === 'roles'
        ? memberRows(` and m.role <> 'member'`)
        : undefined,
}

const TEAMS_OF = `(select json_agg(json_build_object('id', t.id, 'name', t.name) order by t.name, t.id)
  from membership m join team t on t.organization_id = m.organization_id and t.id = m.team_id
  where m.organization_id = u.organization_id and m.user_id = u.id and m.left_revision is null and t.deleted_at is null)`

interface ListedRow extends ManagedRow {
  manager_name: string | null
  teams: { id: string; name: string }[] | null
  key: string | null
}

/** What is shown of users, read for those of a page only: `from` tells which, and their place in the order. */
const listed = (teams: boolean, key: string, from: string): string =>
  `select ${MANAGED_COLUMNS}, ${MANAGER} as manager_name, ${teams ? TEAMS_OF : 'null::json'} as teams, ${key} as key from ${from}`

const toListed = (row: ListedRow): ListedUser => ({
  ...toManagedUser(row),
  teams: row.teams ?? [],
  ...(row.manager_name === null ? {} : { managerName: row.manager_name }),
  key: row.key,
})

/** Users by one of the keys that each has but once. */
const each = (teams: boolean, column: string, type: string): string =>
  listed(
    teams,
    `k.key::text`,
    `${arrays(1, 'uuid', type)} as k (organization_id, key)
      join "user" u on u.organization_id = k.organization_id and u.${column} = k.key`,
  )

interface UserKey {
  readonly organizationId: Id
  readonly key: string
}
type UserBatch = Batch<UserKey, ListedUser | undefined>

export class SqlDirectory implements Directory {
  readonly #session: Session
  readonly #byId: (teams: boolean) => UserBatch
  readonly #byName: (teams: boolean) => UserBatch

  constructor(session: Session) {
    this.#session = session
    this.#byId = this.#each('id', 'uuid')
    this.#byName = this.#each('user_name_key', 'text')
  }

  /** Those that are asked for together are read together, with their teams or without. */
  #each(column: string, type: string): (teams: boolean) => UserBatch {
    const [withTeams, alone] = [true, false].map((teams): UserBatch => {
      const sql = each(teams, column, type)
      return new Batch<UserKey, ListedUser | undefined>(async (keys) => {
        const values = [keys.map(({ organizationId }) => organizationId), keys.map(({ key }) => key)]
        const rows = await this.#session.query<ListedRow>(sql, values, `directory.${column}.${teams}`)
        const found = new Map(rows.map((row) => [`${row.organization_id} ${row.key}`, { ...toListed(row), key: null }]))
        return keys.map(({ organizationId, key }) => found.get(`${organizationId} ${key}`))
      })
    }) as [UserBatch, UserBatch] // one for each of the two
    return (teams) => (teams ? withTeams : alone)
  }

  user = (organizationId: Id, id: Id, teams: boolean): Promise<ListedUser | undefined> =>
    this.#byId(teams).load({ organizationId, key: id })

  async users(organizationId: Id, query: AttributeQuery, teams: boolean): Promise<ListedUser[]> {
    const name = nameIn(query)
    if (name !== undefined) {
      const user = await this.#byName(teams).load({ organizationId, key: userNameKey(name) })
      return user ? [user] : []
    }
    const values: unknown[] = [organizationId]
    const writer = new ConditionWriter(USERS, values)
    const where = `u.organization_id = $1 and ${writer.write(query.where)}`
    const { key, tail, again } = page(writer, query, 'u.id')
    // ids first: what is passed over is not read, where an index has what is asked for; then the users of the page one by
    // one: a join would read all of them, as nobody tells the planner how few a page has
    const found = `(select u.id, ${key} as key from "user" u where ${where} ${tail}) f
      cross join lateral (select * from "user" p where p.organization_id = $1 and p.id = f.id limit 1) u`
    const sql = `${listed(teams, 'f.key', found)} order by ${again}u.id`
    return (await this.#ask<ListedRow>(query, sql, values)).map(toListed)
  }

  async countUsers(organizationId: Id, where: AttributeCondition): Promise<number> {
    const values: unknown[] = [organizationId]
    const condition = new ConditionWriter(USERS, values).write(where)
    const sql = `select count(*)::integer as count from "user" u where u.organization_id = $1 and ${condition}`
    const [row] = await this.#ask<{ count: number }>({ where }, sql, values)
    return row?.count ?? 0
  }

  async team(organizationId: Id, id: Id): Promise<ListedTeam | undefined> {
    const [row] = await this.#session.query<TeamColumns>(
      `select ${TEAM_COLUMNS} from team t where t.organization_id = $1 and t.id = $2 and t.deleted_at is null`,
      [organizationId, id],
      'directory.team',
    )
    return row && { ...toTeam(row), key: null }
  }

  async teams(organizationId: Id, query: AttributeQuery): Promise<ListedTeam[]> {
    const values: unknown[] = [organizationId]
    const writer = new ConditionWriter(TEAMS, values)
    const where = `t.organization_id = $1 and t.deleted_at is null and ${writer.write(query.where)}`
    const { key, tail } = page(writer, query, 't.id')
    const sql = `select ${TEAM_COLUMNS}, ${key} as key from team t where ${where} ${tail}`
    const rows = await this.#ask<TeamColumns & { key: string | null }>(query, sql, values)
    return rows.map((row) => ({ ...toTeam(row), key: row.key }))
  }

  async countTeams(organizationId: Id, where: AttributeCondition): Promise<number> {
    const values: unknown[] = [organizationId]
    const condition = new ConditionWriter(TEAMS, values).write(where)
    const sql = `select count(*)::integer as count from team t where t.organization_id = $1 and t.deleted_at is null and ${condition}`
    const [row] = await this.#ask<{ count: number }>({ where }, sql, values)
    return row?.count ?? 0
  }

  /** The look-ups that come before each provisioning are prepared, and lists without a filter. */
  #ask<Result>(
    { where, order }: Pick<AttributeQuery, 'where' | 'order'>,
    sql: string,
    values: readonly unknown[],
  ): Promise<Result[]> {
    return order === undefined && isLookUp(where)
      ? this.#session.query<Result>(sql, values, `directory.${digest(sql)}`)
      : this.#session.planned<Result>(sql, values)
  }

  async members(
    organizationId: Id,
    teamIds: readonly Id[],
    { after, limit, above = false }: Parameters<Directory['members']>[2],
  ): Promise<ListedMember[]> {
    return await this.#session.query<ListedMember>(
      // the page first, then the names of its users one by one: a join would read all users for each page
      `select m.team_id as "teamId", m.user_id as "userId", n.name, m.role from (
         select * from membership where organization_id = $1 and team_id = any($2)
           and (team_id, user_id) > ($3::uuid, $4::uuid) and left_revision is null ${above ? `and role <> 'member'` : ''}
         order by team_id, user_id limit $5) m
       cross join lateral (select ${SHOWN_NAME} as name from "user" u
         where u.organization_id = m.organization_id and u.id = m.user_id limit 1) n
       order by m.team_id, m.user_id`,
      [organizationId, teamIds, after?.teamId ?? NOBODY, after?.userId ?? NOBODY, limit],
      above ? 'directory.roles' : 'directory.members',
    )
  }
}

/** Whether one plan is best whatever is looked for: few statements are so, each of which stays with its connection. */
const isLookUp = (where: AttributeCondition): boolean =>
  ('all' in where && where.all.length === 0) ||
  ('compare' in where && where.compare === 'equal' && LOOKED_UP.has(where.path.join('.')))
const LOOKED_UP: ReadonlySet<string> = new Set(['id', 'userName', 'externalId'])

/** The name that a first page of users is asked for by: what identity providers do most, and there is one at most. */
const nameIn = ({ where, order, from, limit }: AttributeQuery): string | undefined =>
  'compare' in where &&
  where.compare === 'equal' &&
  where.path.join('.') === 'userName' &&
  order === undefined &&
  from === 0 &&
  limit > 0
    ? String(where.value)
    : undefined

const digest = (sql: string): string => hash('md5', sql, 'base64url')

const NOBODY = '00000000-0000-0000-0000-000000000000'

/** What a page is ordered by, and the part of the statement after its conditions. */
function page(
  writer: ConditionWriter,
  { order, from, limit }: AttributeQuery,
  id: string,
): { key: string; tail: string; again: string } {
  const key = order ? writer.orderKey(order) : 'null::text'
  const { descending = false } = order ?? {}
  const after = typeof from === 'number' ? '' : ` and ${beyond(writer, from, order ? key : undefined, descending, id)}`
  const direction = descending ? 'desc nulls first' : 'asc nulls last'
  const sorted = order ? `${key} ${direction}, ` : ''
  const offset = typeof from === 'number' && from > 0 ? ` offset ${writer.bind(from)}` : ''
  return {
    key,
    again: order ? `f.key ${direction}, ` : '',
    tail: `${after} order by ${sorted}${id} limit ${writer.bind(limit)}${offset}`,
  }
}

/** What comes after a position: nothing of it is last in ascending order and first in descending (RFC 7644 §3.4.2.3). */
function beyond(
  writer: ConditionWriter,
  { id, key: place }: Position,
  key: string | undefined,
  descending: boolean,
  idColumn: string,
): string {
  const later = `${idColumn} > ${writer.bind(id)}::uuid`
  if (key === undefined) return later
  if (place === null)
    return descending ? `((${key} is null and ${later}) or ${key} is not null)` : `(${key} is null and ${later})`
  const bound = writer.bind(place)
  const [operator, nulls] = descending ? ['<', ''] : ['>', ` or ${key} is null`]
  return `(${key} ${operator} ${bound} or (${key} = ${bound} and ${later})${nulls})`
}
