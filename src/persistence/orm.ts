import { Migrator } from '@mikro-orm/migrations'
import { defineConfig, MikroORM, UnderscoreNamingStrategy } from '@mikro-orm/postgresql'
import pg from 'pg'
import { attributesOf, type PersonAttributes } from '#domain'
import { parseVCard, searchText } from '#vcard'
import { MIGRATIONS } from '../../migrations/index.ts'
import { attributeText, foundText } from './attribute-search.ts'
import { ENTITIES } from './schema.ts'

export interface DatabaseSettings {
  readonly url: string
  /** Connections of this process; 2 to 4 are fastest. */
  readonly poolSize: number
  /** Whether hot queries are prepared by name (not through a pgbouncer that does not track them). */
  readonly prepare: boolean
}

export interface Database {
  readonly orm: MikroORM
  /** The same connections that the ORM uses. */
  readonly pool: pg.Pool
  readonly prepare: boolean
  /** Any statement, or several without values, for a library that brings its own. */
  execute(sql: string, values: readonly unknown[]): Promise<object[]>
  close(): Promise<void>
}

/** How long a request waits for a free connection before it is told to come again. */
const CONNECTION_TIMEOUT_MS = 2_000

export async function openDatabase({ url, poolSize, prepare }: DatabaseSettings): Promise<Database> {
  const orm = await MikroORM.init(
    defineConfig({
      clientUrl: url,
      entities: ENTITIES,
      extensions: [Migrator],
      namingStrategy: UnderscoreNamingStrategy,
      pool: { min: 0, max: poolSize },
      driverOptions: {
        connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
        keepAlive: true,
        application_name: 'kith',
        ...(prepare ? { onPoolCreated: keepPlans } : {}),
      },
      migrations: { tableName: TABLE, migrationsList: MIGRATIONS, snapshot: false },
      logger: () => undefined,
    }),
  )
  const pool = (await orm.em.getConnection().getNativeClient()) as pg.Pool // the PostgreSQL driver's client is a pg.Pool
  const execute = async (text: string, values: readonly unknown[]): Promise<object[]> => {
    const answer = await pool.query<object>({ text, values: [...values], types: pg.types })
    return [answer].flat().flatMap(({ rows }) => rows) // an answer a statement
  }
  return { orm, pool, prepare, execute, close: () => orm.close(true) }
}

/**
 * Has prepared statements keep the one plan that fits any parameters. Left to itself PostgreSQL plans a sync anew at each
 * execution, in 2 ms, since it expects to save as much; it takes 0.4 ms to run. (A hint, so a pooler that hands it to the
 * next client does no harm.)
 */
function keepPlans(pool: pg.Pool): void {
  pool.options.onConnect = async (client) => {
    await client.query('set plan_cache_mode = force_generic_plan')
  }
}

const MIGRATION_LOCK = 4_955_011 // any number that nobody else locks: "kith" on a telephone's keys is 5484

/** A schema that a library keeps for itself beside ours. */
export interface Preparation {
  isCurrent(query: (sql: string) => Promise<object[]>): Promise<boolean>
  prepare(url: string, query: (sql: string) => Promise<object[]>): Promise<void>
}

/**
 * Brings the schema up to date, then what is `beside` it, one process at a time; `url` must be a direct connection (no
 * transaction pooling). Where all is as it should be, it only looks.
 */
export async function migrate(url: string, beside: Preparation): Promise<readonly string[]> {
  const lock = new pg.Client({ connectionString: url })
  await lock.connect()
  const query = async (sql: string): Promise<object[]> => (await lock.query<object>(sql)).rows
  const isReady = async () => (await isCurrent(lock)) && (await beside.isCurrent(query))
  try {
    if (await isReady()) return []
    await lock.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
    const database = await openDatabase({ url, poolSize: 2, prepare: false })
    try {
      const applied = await database.orm.migrator.up()
      for (const filling of FILLINGS) await fill(database.pool, filling)
      if (!(await beside.isCurrent(query))) await beside.prepare(url, query)
      return applied.map(({ name }) => name)
    } finally {
      await database.close()
    }
  } finally {
    await lock.end()
  }
}

/** Something of each row that earlier versions have not written; what was done stays so if it is stopped. */
interface Filling {
  /** Names what is done, in the table `setting`. */
  readonly name: string
  /** A page of the rows that lack it, after those keys. */
  readonly select: string
  /** Writes it: the keys, and a list of values for each column. */
  readonly update: string
  readonly columns: (row: { [column: string]: string }) => readonly string[]
}

const FILLINGS: readonly Filling[] = [
  {
    name: 'search_texts', // what cards are found by
    select: `select organization_id, id, text from contact where search is null and (organization_id, id) > ($1, $2)
      order by organization_id, id limit 200`,
    update: `update contact c set search = n.search from unnest($1::uuid[], $2::uuid[], $3::text[]) as n (organization_id, id, search)
      where c.organization_id = n.organization_id and c.id = n.id and c.search is null`,
    columns: ({ text = '' }) => [searchText(parseVCard(text))],
  },
  {
    name: 'managed_attributes', // what is managed of users, from their cards
    select: `select u.organization_id, u.id, u.user_name, c.managed from "user" u
      join contact c on c.organization_id = u.organization_id and c.id = u.profile_id
      where u.search is null and (u.organization_id, u.id) > ($1, $2) order by u.organization_id, u.id limit 200`,
    update: `update "user" u set attributes = n.attributes, search = lower(n.search)
      from unnest($1::uuid[], $2::uuid[], $3::jsonb[], $4::text[]) as n (organization_id, id, attributes, search)
      where u.organization_id = n.organization_id and u.id = n.id and u.search is null`,
    columns: ({ user_name: userName = '', managed = '' }) => {
      const attributes = attributesOf(parseVCard(managed))
      return [JSON.stringify(attributes), attributeText({ userName, attributes })]
    },
  },
  {
    name: 'found_texts', // by what colleagues find users
    select: `select organization_id, id, user_name, email, attributes::text as attributes from "user"
      where found is null and (organization_id, id) > ($1, $2) order by organization_id, id limit 200`,
    update: `update "user" u set found = n.found from unnest($1::uuid[], $2::uuid[], $3::text[]) as n (organization_id, id, found)
      where u.organization_id = n.organization_id and u.id = n.id and u.found is null`,
    columns: ({ user_name: userName = '', email = '', attributes = '{}' }) => {
      const managed = JSON.parse(attributes) as PersonAttributes // as it is kept
      return [foundText({ userName, email, attributes: managed })]
    },
  },
]

async function fill(pool: pg.Pool, { name, select, update, columns }: Filling): Promise<void> {
  const nobody = '00000000-0000-0000-0000-000000000000'
  let last: { [column: string]: string } = { organization_id: nobody, id: nobody }
  for (;;) {
    const { rows } = await pool.query<{ [column: string]: string }>(select, [last.organization_id, last.id])
    const end = rows.at(-1)
    if (!end) break
    last = end
    const made = rows.map(columns)
    const keys = [rows.map((row) => row.organization_id), rows.map(({ id }) => id)]
    await pool.query(update, [...keys, ...(made[0] ?? []).map((_, at) => made.map((values) => values[at]))])
  }
  await pool.query(`insert into setting (name, value) values ($1, 'all') on conflict do nothing`, [name])
}

const TABLE = 'kith_migration'

/** Whether every migration is applied, with what belongs to it: asked at each start, so without the ORM. */
async function isCurrent(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [TABLE])
  if (!rows[0]?.there) return false
  const applied = await client.query<{ name: string }>(`select name from ${TABLE}`)
  const names = new Set(applied.rows.map(({ name }) => name))
  if (!MIGRATIONS.every(({ name }) => names.has(name))) return false
  const filled = await client.query('select from setting where name = any($1)', [FILLINGS.map(({ name }) => name)])
  return filled.rowCount === FILLINGS.length
}
