import pg from 'pg'
import type { Database } from '../../src/persistence/index.ts'
import { actorOf, openWorld, type World } from '../support/services.ts'
import { Bodies, book, Client, home } from './client.ts'
import { Random } from './random.ts'
import { KEPT_BOOK, type Tally, type Weather, write } from './writers.ts'

const PEOPLE = 40
const FOLLOWED = 8
const CLIENTS_EACH = 3
const WRITERS = 6
const ROUND_MS = 2_000

export interface Findings {
  /** Where a client's replica is not the listing, after all that was written has been read. */
  readonly divergences: string[]
  /** Where a stream is not what it should be. */
  readonly streams: string[]
  /** Where somebody heard of a team that they never were in. */
  readonly overheard: string[]
  /** Where one ETag stood for two texts. */
  readonly contradictions: string[]
  readonly tally: Tally
  readonly syncs: number
  readonly refused: number
  readonly pages: number
  readonly bodies: number
}

export interface ModelOptions {
  readonly seed: number
  readonly seconds: number
  readonly weathers: readonly Weather[]
  readonly around?: (database: Database) => Database
  /** Whether to end with the first round that finds something. */
  readonly untilFound?: boolean
}

/**
 * Lets writers write and clients follow at once, round after round. At the end of each the writers are stopped, and
 * then the clients read what is left: from there on each of them must equal the full listing.
 */
export async function runModel(url: string, options: ModelOptions): Promise<Findings> {
  const { seed, seconds, weathers, around, untilFound = false } = options
  const random = new Random(seed)
  const world = await openWorld(url, { people: PEOPLE, followed: FOLLOWED, around })
  const idle = await longTransaction(url)
  const bodies = new Bodies()
  const clients: Client[] = []
  for (const actor of world.followed.map(actorOf)) {
    const { id } = await world.books.create(actor, KEPT_BOOK, {})
    const followed = [
      ...Array.from({ length: CLIENTS_EACH }, () => book(actor, world.addressBooks)),
      book(actor, world.addressBooks, id),
      home(actor, world.addressBooks, world.books),
    ]
    clients.push(...followed.map((one) => new Client(actor, one, random.fork(), bodies)))
  }
  const tally: Tally = new Map()
  const divergences: string[] = []
  const streams: string[] = []
  try {
    for (let round = 0; round * ROUND_MS < seconds * 1_000; round += 1) {
      const weather = weathers[round % weathers.length] ?? 'calm'
      const time = AbortSignal.timeout(ROUND_MS)
      await all([
        ...clients.map((client) => client.follow(time)),
        ...Array.from({ length: WRITERS }, () => write(world, random.fork(), weather, time, tally)),
      ])
      await all(clients.map((client) => client.catchUp()))
      for (const client of clients)
        divergences.push(...(await client.differences()).map((one) => `round ${round} (${weather}): ${one}`))
      streams.push(...(await unsound(world, round)))
      if (untilFound && divergences.length > 0) break
    }
    const sum = (key: keyof Client['counts']) => clients.reduce((total, { counts }) => total + counts[key], 0)
    return {
      divergences,
      streams,
      overheard: await overheard(world, clients),
      contradictions: bodies.contradictions,
      tally,
      syncs: sum('syncs'),
      refused: sum('refused'),
      pages: sum('pages'),
      bodies: sum('bodies'),
    }
  } finally {
    await idle.end()
    await world.close()
  }
}

/** Like Promise.all, but never leaves anybody running behind. */
async function all(work: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason
}

/** With an id and a snapshot of its own, it would hold up any scheme that waits for old transactions. */
async function longTransaction(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('begin isolation level repeatable read')
  await client.query('select pg_current_xact_id(), count(*) from stream')
  return client
}

/** Revisions without a gap between the floor and the head, which is the greater of the last revision and the floor. */
async function unsound({ database }: World, round: number): Promise<string[]> {
  const { rows } = await database.pool.query(
    `select s.id, s.revision, s.floor_revision, count(distinct j.revision) as revisions, max(j.revision) as last
     from stream s left join journal j on j.organization_id = s.organization_id and j.stream_id = s.id
       and j.revision > s.floor_revision
     group by s.organization_id, s.id
     having count(distinct j.revision) <> s.revision - s.floor_revision
       or count(distinct j.revision || ' ' || j.stamp) <> count(distinct j.revision)
       or greatest(coalesce(max(j.revision), 0), s.floor_revision) <> s.revision
       or coalesce((array_agg(j.stamp order by j.revision desc))[1], s.floor_stamp) <> s.stamp`,
  )
  return rows.map((row) => `round ${round}: ${JSON.stringify(row)}`)
}

/** Memberships stay as rows when they end, so they tell who was ever in a team. */
async function overheard({ database }: World, clients: readonly Client[]): Promise<string[]> {
  const { rows } = await database.pool.query<{ name: string; members: string[] }>(
    `select t.id || '.vcf' as name, array_remove(array_agg(m.user_id::text), null) as members
     from team t left join membership m using (organization_id) where m.team_id = t.id or m.team_id is null group by t.id`,
  )
  const members = new Map(rows.map((row) => [row.name, row.members]))
  return clients.flatMap(({ actor, heard }) =>
    [...heard]
      .filter((name) => members.get(name)?.includes(actor.userId) === false)
      .map((name) => `${actor.userId} heard of ${name}`),
  )
}
