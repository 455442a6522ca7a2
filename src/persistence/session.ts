import type { EntityManager } from '@mikro-orm/postgresql'
import { type CompiledQuery, Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { DomainError, notFound } from '#domain'
import type { Database } from './orm.ts'

/** A row as PostgreSQL gives it: int8 as a string, timestamptz as a Date. */
export type Row = Record<string, unknown>

/**
 * Arrays ($first and on) as rows. Behind a select the planner cannot count them: it would find that a plan for just so
 * many is cheaper, and plan each execution of a prepared statement anew, which can take longer than the statement.
 */
export const arrays = (first: number, ...types: readonly string[]): string =>
  `unnest(${types.map((type, at) => `(select $${first + at}::${type}[])`).join(', ')})`

/** Where statements go: the pool, or the connection of one transaction. */
export interface Session {
  /** Runs SQL; a name (of a hot statement whose text never varies) has it prepared once a connection. */
  query<Result = Row>(sql: string, values: readonly unknown[], name?: string): Promise<Result[]>
  /** Runs SQL whose best plan depends on the values: planned with them in sight, for two round trips more. */
  planned<Result = Row>(sql: string, values: readonly unknown[]): Promise<Result[]>
  /** Works with entities: in a transaction with those of the transaction, else with fresh ones. */
  entities<Result>(work: (em: EntityManager) => Promise<Result>): Promise<Result>
}

export function poolSession({ orm, pool, prepare }: Database): Session {
  return {
    query: (sql, values, name) => run(pool, sql, values, prepare ? name : undefined),
    planned: async (sql, values) => {
      if (!prepare) return await run(pool, sql, values, undefined)
      const client = await connected(pool)
      return await runPlanned<never>(client, sql, values).finally(() => client.release()) // the caller states its rows
    },
    entities: (work) =>
      work(orm.em.fork()).catch((error: unknown) => {
        throw translated(error)
      }),
  }
}

async function run<Result>(
  client: pg.Pool | pg.PoolClient,
  text: string,
  values: readonly unknown[],
  name: string | undefined,
): Promise<Result[]> {
  try {
    const { rows } = await client.query({ text, values: [...values], types: pg.types, ...(name ? { name } : {}) })
    return rows as Result[] // the caller states what its own SQL selects
  } catch (error) {
    throw translated(error)
  }
}

const connected = (pool: pg.Pool): Promise<pg.PoolClient> =>
  pool.connect().catch((error: unknown) => {
    throw translated(error)
  })

/** As `keepPlans` has set up the connection. */
const KEEP_PLANS = 'set plan_cache_mode = force_generic_plan'

/** Connections keep plans that fit any values, of statements without a name too. */
async function runPlanned<Result>(client: pg.PoolClient, sql: string, values: readonly unknown[]): Promise<Result[]> {
  await run(client, 'set plan_cache_mode = auto', [], undefined)
  try {
    return await run(client, sql, values, undefined)
  } finally {
    await client.query(KEEP_PLANS).catch(() => undefined) // what failed sets it back itself: a transaction, a connection
  }
}

/** This transaction lost against another one and runs again. */
export class LostRace extends Error {}

const RETRIES = 20

/** The connection of an open transaction. */
export interface Opened {
  /** A session on it that begins with no entities known. */
  session(): Session
}

/**
 * One READ COMMITTED transaction. Retried on a deadlock, a serialization failure, or a row that another transaction
 * was first to insert or replace.
 */
export const inTransaction = <Result>(
  database: Database,
  work: (session: Session, opened: Opened) => Promise<Result>,
): Promise<Result> => retried(() => once(database, work))

/** A part of an open transaction, undone and retried by itself. */
export const inSavepoint = <Result>(opened: Opened, work: (session: Session) => Promise<Result>): Promise<Result> =>
  retried(async () => {
    const session = opened.session()
    await session.query('savepoint part', [])
    try {
      const result = await work(session)
      await session.query('release savepoint part', [])
      return result
    } catch (error) {
      await session.query('rollback to savepoint part', [])
      throw error
    }
  })

async function retried<Result>(attempted: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await attempted()
    } catch (error) {
      if (!(error instanceof LostRace)) throw error
      if (attempt >= RETRIES) throw new DomainError('unavailable', 'Too many write the same at once: try again')
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5 * attempt))
    }
  }
}

async function once<Result>(
  { orm, pool, prepare }: Database,
  work: (session: Session, opened: Opened) => Promise<Result>,
): Promise<Result> {
  const client = await connected(pool)
  let broken: Error | undefined
  const opened: Opened = {
    session: () => {
      let em: EntityManager | undefined
      return {
        query: (sql, values, name) => run(client, sql, values, prepare ? name : undefined),
        planned: (sql, values) => (prepare ? runPlanned(client, sql, values) : run(client, sql, values, undefined)),
        entities: (work) => {
          em ??= boundTo(orm.em.fork(), client)
          return work(em)
        },
      }
    },
  }
  try {
    await run(client, 'begin isolation level read committed', [], undefined)
    const result = await work(opened.session(), opened)
    await run(client, 'commit', [], undefined)
    return result
  } catch (error) {
    await client.query('rollback').catch((failure: Error) => {
      broken = failure
    })
    throw translated(error)
  } finally {
    client.release(broken)
  }
}

/** Has the entity manager speak over this connection, inside the transaction that is open on it. */
function boundTo(em: EntityManager, client: pg.PoolClient): EntityManager {
  const connection = {
    query: (query: unknown, values?: unknown) => client.query(query as string, values as unknown[]), // as the dialect calls it
    release: () => undefined,
  }
  const dialect = new PostgresDialect({
    pool: { connect: async () => connection as never, options: {}, end: async () => undefined } as never, // all that it uses
  })
  const kysely = new Kysely<unknown>({ dialect })
  em.setTransactionContext({ executeQuery: (query: CompiledQuery) => kysely.executeQuery(query) })
  return em
}

const CONSTRAINTS: ReadonlyMap<string, () => Error> = new Map<string, () => Error>([
  ['organization_domain_pkey', () => new DomainError('domain-taken', 'The domain belongs to another organization')],
  [
    'registration_id_pkey',
    () => new DomainError('domain-taken', 'The registration id belongs to another organization'),
  ],
  ['user_user_name', () => new DomainError('already-exists', 'There is a user of that name in the organization')],
  ['connector_name', () => new DomainError('already-exists', 'There is a connector of that name in the organization')],
  ['contact_pkey', () => new LostRace('the contact came back meanwhile')],
  ['contact_name', () => new LostRace('the name was taken meanwhile')],
  ['contact_uid', () => new LostRace('the UID was taken meanwhile')],
  ['contact_override', () => new LostRace('the override was made meanwhile')],
  ...['contact_owner', 'contact_book', 'hidden_organization_id_user_id_fkey'].map(
    (name) => [name, () => notFound('The user was deleted meanwhile')] as const,
  ),
])

const LOST: ReadonlySet<string> = new Set(['40001', '40P01'])
/** Connection exceptions (08…), shutdown (57P0…), too many connections (53300), and what the network says. */
const AWAY = /^(08...|57P0.|53300|ECONN.*|EPIPE|ETIMEDOUT|ENOENT)$/
const AWAY_TEXT =
  /timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error/

/** What a database error means: a refusal, a lost race, or that the database is away. */
export function translated(error: unknown): Error {
  if (!(error instanceof Error) || error instanceof DomainError || error instanceof LostRace) {
    return error instanceof Error ? error : new Error(String(error))
  }
  const { code, constraint } = error as Error & { code?: string; constraint?: string } // pg's DatabaseError, or Node's
  if (code === '23505' || code === '23503') return CONSTRAINTS.get(constraint ?? '')?.() ?? error
  if (code && LOST.has(code)) return new LostRace(error.message)
  if ((code && AWAY.test(code)) || AWAY_TEXT.test(error.message)) {
    return new DomainError('unavailable', 'The database cannot be reached or is too busy: try again in a few seconds')
  }
  if (code === '53100') return new DomainError('unavailable', 'The disk is full: nothing was stored')
  return error
}
