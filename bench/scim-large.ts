import pg from 'pg'
import { type Asked, Connection, encoded } from './client.ts'
import { median, type Verdict } from './figures.ts'
import { times } from './report.ts'
import { asked, base, bulk, filtered, groupOf, member, recorder, type ScimStage, type Tenant } from './scim-stage.ts'
import { label } from './stage.ts'
import { residentMemory } from './world.ts'

export const GROUP_NAMES = ['member', 'pages', 'whole', 'bulk-1000'] as const
type Name = (typeof GROUP_NAMES)[number]

const FLAT_TARGET = 1.3
const MEMORY_TARGET_MB = 50
const SMALL_GROUP = 1_000
const REPEATED = 15
const LEFT_OUT = 20

const milliseconds = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ms`
const largest = ({ tenants }: ScimStage): Tenant => {
  const last = tenants.at(-1)
  if (!last) throw new Error('There is no organization')
  return last
}

/** The middle time of each request, all of them asked in turns by one client. */
async function timed({ kith, options }: ScimStage, requests: readonly Asked[]): Promise<number[]> {
  const connection = await Connection.open(kith.port)
  const all = requests.map(encoded)
  const taken = requests.map((): number[] => [])
  for (let round = -2; round < options.rounds * REPEATED; round += 1) {
    for (const [at, bytes] of all.entries()) {
      const begin = performance.now()
      const status = await connection.ask(bytes(round + 2))
      if (status >= 300) throw new Error(`${requests[at]?.method} ${requests[at]?.path} was answered ${status}`)
      if (round >= 0) taken[at]?.push(performance.now() - begin) // the first two warm up
    }
  }
  connection.close()
  return taken.map(median)
}

const flat = (what: string, all: readonly number[]): Verdict => {
  const spread = Math.max(...all) / Math.min(...all)
  return {
    what: `${what} (${all.map(milliseconds).join(', ')})`,
    figure: times(spread),
    target: `≤ ${times(FLAT_TARGET)}`,
    holds: spread <= FLAT_TARGET,
  }
}

/** A group of all users but some, or of so many; made where it is not there yet. */
async function groupIn(stage: ScimStage, tenant: Tenant, size: number): Promise<string> {
  const { world } = stage
  const name = `Bench ${label(size)}`
  const [there] = await world.query<{ id: string }>(
    'select id from team where organization_id = $1 and name = $2 and deleted_at is null',
    [tenant.organization.id, name],
  )
  if (there) return there.id
  const rows = await world.query<{ id: string }>(
    'select id from "user" where organization_id = $1 order by md5(id::text) desc limit $2',
    [tenant.organization.id, Math.min(size, tenant.size - LEFT_OUT)],
  )
  const members = rows.map(({ id }) => id)
  const begin = performance.now()
  const { method, path, headers, body = '' } = asked(tenant, 'POST', '/Groups', groupOf(name, members))
  const answer = await fetch(`${base(stage)}${path.slice('/scim/v2'.length)}`, { method, headers, body })
  const { id = '' } = (await answer.json()) as { id?: string } // a group, or an error
  if (!answer.ok) throw new Error(`The group of ${size} was answered ${answer.status}`)
  console.log(`\nA group of ${label(members.length)}: made in ${((performance.now() - begin) / 1000).toFixed(1)} s`)
  await world.query('vacuum (analyze)')
  return id
}

async function members(stage: ScimStage): Promise<Verdict[]> {
  const tenant = largest(stage)
  const [small, large] = [await groupIn(stage, tenant, SMALL_GROUP), await groupIn(stage, tenant, tenant.size)]
  const [id = ''] = tenant.users.map((user) => user.id) // in neither: groups begin from the other end
  const all = [small, large].flatMap((group) => (['add', 'remove'] as const).map((op) => member(tenant, group, op, id)))
  const [inSmall = 0, outSmall = 0, inLarge = 0, outLarge = 0] = await timed(stage, all)
  const sizes = `${label(SMALL_GROUP)} and ${label(tenant.size)}`
  return [
    flat(`PATCH that adds one member to ${sizes}`, [inSmall, inLarge]),
    flat(`PATCH that removes one of ${sizes}`, [outSmall, outLarge]),
  ]
}

async function pages(stage: ScimStage): Promise<Verdict[]> {
  const tenant = largest(stage)
  const count = 100
  const path = `/Users?count=${count}`
  const rest = base(stage)
  const headers = { authorization: tenant.authorization }
  const cursors = [''] // of each page
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const address: string = `${rest}/Users?count=1000&attributes=id&cursor=${encodeURIComponent(cursor)}`
    const page = (await (await fetch(address, { headers })).json()) as { nextCursor?: string } // a ListResponse
    cursor = page.nextCursor
    if (cursor !== undefined) cursors.push(cursor)
  }
  const place = (at: number) => encodeURIComponent(cursors.at(at) ?? '')
  const byCursor = [0, Math.floor(cursors.length / 2), -1].map((at) =>
    asked(tenant, 'GET', `${path}&cursor=${place(at)}`),
  )
  const byIndex = [1, tenant.size - count + 1].map((start) => asked(tenant, 'GET', `${path}&startIndex=${start}`))
  const [first = 0, middle = 0, last = 0, indexFirst = 0, indexLast = 0] = await timed(stage, [...byCursor, ...byIndex])
  const size = label(tenant.size)
  return [
    flat(`pages of ${count} by cursor of ${size}: 1 (which counts them all), middle, last`, [first, middle, last]),
    flat('… and from the second page on: middle, last', [middle, last]),
    {
      what: `page 1 and the last by index of ${size}`,
      figure: `${milliseconds(indexFirst)}, ${milliseconds(indexLast)}`,
    },
  ]
}

/** A whole group, and what the process grows by meanwhile. */
async function whole(stage: ScimStage): Promise<Verdict[]> {
  const tenant = largest(stage)
  const id = await groupIn(stage, tenant, tenant.size)
  const { path, headers } = asked(tenant, 'GET', `/Groups/${id}`)
  const found: Verdict[] = []
  for (const time of ['first', 'second']) {
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const before = residentMemory(stage.kith.pid)
    let peak = before
    const sampling = setInterval(() => {
      peak = Math.max(peak, residentMemory(stage.kith.pid))
    }, 10)
    const begin = performance.now()
    let bytes = 0
    const answer = await fetch(`http://127.0.0.1:${stage.kith.port}${path}`, { headers })
    for await (const piece of answer.body ?? []) bytes += piece.length
    clearInterval(sampling)
    const seconds = (performance.now() - begin) / 1000
    const growth = peak - before
    found.push({
      what: `GET of a group of ${label(tenant.size)}, the ${time} time: ${(bytes / 1024 / 1024).toFixed(1)} MB in ${seconds.toFixed(2)} s; memory`,
      figure: `+${growth.toFixed(0)} MB`,
      target: `< ${MEMORY_TARGET_MB} MB`,
      holds: growth < MEMORY_TARGET_MB,
    })
  }
  return found
}

async function bulks({ fresh, kith }: ScimStage): Promise<Verdict[]> {
  const connection = await Connection.open(kith.port)
  const bytes = encoded(bulk(fresh, 1_000))
  const taken: number[] = []
  for (let round = 0; round < 3; round += 1) {
    const begin = performance.now()
    const status = await connection.ask(bytes(Date.now() % 1_000_000_000))
    if (status !== 200) throw new Error(`Bulk was answered ${status}`)
    taken.push(performance.now() - begin)
  }
  connection.close()
  return [{ what: 'Bulk of 1,000 new users', figure: `${(median(taken) / 1000).toFixed(2)} s` }]
}

const MEASUREMENTS = { member: members, pages, whole, 'bulk-1000': bulks }
export const measureGroups = (stage: ScimStage, name: Name): Promise<Verdict[]> => MEASUREMENTS[name](stage)

/** The plans of what identity providers ask, chosen as Kith's connections choose them. */
export async function explain(stage: ScimStage): Promise<void> {
  const tenant = largest(stage)
  const [user] = tenant.users
  if (!user) return
  const filters = [
    `userName eq "${user.userName}"`,
    'externalId eq "nobody"',
    `emails.value eq "${user.userName}"`,
    `emails[type eq "work"].value eq "${user.userName}"`,
    `displayName co "${user.name.slice(2)}"`,
  ]
  const recording = await recorder(stage, tenant)
  const client = new pg.Client({ connectionString: stage.world.url })
  await client.connect()
  const all = filters.map((filter) => ({ title: filter, one: filtered(tenant, filter) }))
  for (const { title, one } of [...all, { title: 'page 1 of all', one: asked(tenant, 'GET', '/Users?count=100') }]) {
    const { statements } = await recording.of(one)
    let mode = 'force_generic_plan' // as connections start
    for (const { text, name, values } of statements) {
      mode = /^set plan_cache_mode = (\w+)$/.exec(text)?.[1] ?? mode
      if (text.startsWith('set ')) continue
      await client.query(`set plan_cache_mode = ${mode}`)
      await client.query(`prepare asked as ${text}`)
      const literals = values.map((value) =>
        client.escapeLiteral(Array.isArray(value) ? `{"${value.join('","')}"}` : String(value)),
      )
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(
        `explain (analyze, costs off, buffers) execute asked (${literals.join(', ')})`,
      )
      await client.query('deallocate asked')
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
      console.log(`\n${title} (${name ?? 'without a name'}, ${mode})\n${plan}`)
    }
  }
  await client.end()
  await recording.close()
}
