import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { Database } from '../../src/persistence/index.ts'

/** A little longer than on a machine of its own, so that a run of seconds shows what a day would. */
const READ_TO_WRITE_MS = 10

interface Named {
  readonly text: string
  readonly name?: string
  readonly values: unknown[]
}

/**
 * The control: the database with a journal that breaks the rule. As sabre/dav's PDO backend does, it reads the counter
 * without a lock, inserts the rows and adds one. There are no stamps, so that no client is saved by a refusal.
 */
export function unlocked(database: Database): Database {
  const connect = async () => {
    const client: pg.PoolClient = await database.pool.connect()
    return new Proxy(client, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property)
        if (property === 'query') return (query: Named | string) => run(target, query)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
  const pool = new Proxy(database.pool, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property)
      if (property === 'connect') return connect
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { ...database, pool }
}

async function run(client: pg.PoolClient, query: Named | string): Promise<pg.QueryResult> {
  if (typeof query === 'string') return await client.query(query)
  if (query.name === 'journal.lock') {
    const [organizations, ids] = query.values
    await client.query(
      'insert into stream (organization_id, id) select * from unnest($1::uuid[], $2::uuid[]) on conflict do nothing',
      [organizations, ids],
    )
    return await client.query({ text: query.text.replace('for update', ''), values: query.values })
  }
  return query.name === 'journal.bump' ? await bump(client, query.values) : await client.query(query)
}

/** The parameters are those of the journal's own statement. */
async function bump(client: pg.PoolClient, values: readonly unknown[]): Promise<pg.QueryResult> {
  const [organizations, ids, , resets, ...rest] = values
  const { rows } = await client.query<{ revision: string }>(
    `select coalesce(s.revision, 0) + 1 as revision from unnest($1::uuid[], $2::uuid[]) with ordinality as t (organization_id, id, at)
     left join stream s using (organization_id, id) order by at`,
    [organizations, ids],
  )
  const revisions = rows.map(({ revision }) => revision)
  await sleep(READ_TO_WRITE_MS)
  const [changeOrganizations, changeStreams, members, teams, kinds, ...leaving] = rest
  await client.query(
    `insert into journal (organization_id, stream_id, revision, member, stamp, team_id, kind)
     select c.organization_id, c.stream_id, t.revision, c.member, 1, c.team_id, c.kind
     from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::smallint[]) as c (organization_id, stream_id, member, team_id, kind)
     join unnest($6::uuid[], $7::bigint[]) as t (id, revision) on t.id = c.stream_id on conflict do nothing`,
    [changeOrganizations, changeStreams, members, teams, kinds, ids, revisions],
  )
  await client.query(
    `update membership m set left_revision = t.revision
     from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as l (organization_id, team_id, user_id)
     join unnest($4::uuid[], $5::bigint[]) as t (id, revision) on t.id = l.organization_id
     where m.organization_id = l.organization_id and m.team_id = l.team_id and m.user_id = l.user_id`,
    [...leaving, ids, revisions],
  )
  return await client.query(
    `update stream s set revision = s.revision + 1, stamp = 1,
       floor_revision = case when t.reset then s.revision + 1 else s.floor_revision end,
       floor_stamp = case when t.reset then 1 else s.floor_stamp end
     from unnest($1::uuid[], $2::uuid[], $3::boolean[]) as t (organization_id, id, reset)
     where s.organization_id = t.organization_id and s.id = t.id`,
    [organizations, ids, resets],
  )
}
