import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import type { Asked } from './client.ts'
import { type Contestant, inTurns, type Standing, spread, table, type Verdict } from './figures.ts'
import type { Job, Replay, Result } from './load.ts'
import { CARD_NAME, cardOf, recordPut } from './recorded.ts'
import { type Account, type Crowd, cpuTime, residentMemory, World } from './world.ts'

const HELP = `Measures Kith beside a bare Fastify route that does one prepared look-up, in turns, on one machine.

Usage: npm run bench -- [options]

  --sizes 1000,20000,100000   users of each organization
  --rounds 7                  turns of each measurement
  --milliseconds 1000         length of a turn (three times that for writes)
  --only poll,get             the measurements to do (poll, sync, get, change, multiget, multiget10, multiget100, fn, email, tel, alone, cold, put, full, edit)
  --data DIR                  keep the database there, and use what is in it: the seeding is done once
  --json FILE                 write the figures there as well
`
const CLIENTS = 16
const READ_TARGET = 0.6
const WRITE_TARGET = 0.5
const BODIES_TARGET = 0.5
const QUERY_TARGET = 0.5
const FLAT_TARGET = 1.2
const MEMORY_TARGET_MB = 50

const NAMESPACES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:CS="http://calendarserver.org/ns/"'
const xml = (root: string, content: string): string =>
  `<?xml version="1.0" encoding="utf-8"?><${root} ${NAMESPACES}>${content}</${root}>`
const POLL = xml('D:propfind', '<D:prop><CS:getctag/><D:sync-token/></D:prop>')
const LIST = xml('D:propfind', '<D:prop><D:getetag/></D:prop>')
const sync = (token: string): string =>
  xml(
    'D:sync-collection',
    `<D:sync-token>${token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop>`,
  )
const multiget = (hrefs: readonly string[]): string =>
  xml(
    'C:addressbook-multiget',
    `<D:prop><D:getetag/><C:address-data/></D:prop>${hrefs.map((href) => `<D:href>${href}</D:href>`).join('')}`,
  )

const asked = (method: string, path: string, { authorization }: Account, body?: string, depth = '0'): Asked => ({
  method,
  path,
  headers: { authorization, depth, 'content-type': method === 'PUT' ? 'text/vcard' : 'application/xml' },
  ...(body === undefined ? {} : { body }),
})

interface Options {
  readonly sizes: readonly number[]
  readonly rounds: number
  readonly milliseconds: number
  readonly only: ReadonlySet<string>
  readonly data?: string
  readonly json?: string
}

function readOptions(): Options {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    options: {
      sizes: text,
      rounds: text,
      milliseconds: text,
      only: text,
      data: text,
      json: text,
      help: { type: 'boolean' },
    },
  })
  if (values.help) {
    console.log(HELP)
    process.exit()
  }
  const number = (name: string, given: string): number => {
    if (!/^[1-9]\d{0,6}$/.test(given)) throw new Error(`--${name} takes whole numbers above zero, not "${given}"`)
    return Number(given)
  }
  const { sizes = '1000,20000,100000', rounds = '7', milliseconds = '1000', only = '', data, json } = values
  return {
    sizes: sizes.split(',').map((size) => number('sizes', size)),
    rounds: number('rounds', rounds),
    milliseconds: number('milliseconds', milliseconds),
    only: new Set(only === '' ? [] : only.split(',')),
    ...(data ? { data } : {}),
    ...(json ? { json } : {}),
  }
}

interface Population extends Crowd {
  readonly accounts: readonly Account[]
  /** Names of cards from all over the book. */
  readonly names: readonly string[]
  /** What some of them are called. */
  readonly fullNames: readonly string[]
}

/** What a measurement works with. */
interface Stage {
  readonly world: World
  readonly populations: readonly Population[]
  readonly kith: { readonly port: number; readonly pid: number }
  readonly bare: { readonly port: number; readonly pid: number }
  readonly load: (job: Job) => Promise<Result>
  readonly options: Options
}

const label = (size: number): string => size.toLocaleString('en')

async function populate(world: World, sizes: readonly number[]): Promise<Population[]> {
  const populations: Population[] = []
  for (const size of sizes) {
    const crowd = await world.crowd(size)
    const { seeded, organization } = crowd
    console.log(`${label(size)} users: ${seeded === undefined ? 'there already' : `made in ${seeded.toFixed(1)} s`}`)
    const rows = await world.query<{ name: string; text: string }>(
      `select name, text from contact where organization_id = $1 and kind = 'profile' and listed order by md5(name) limit 960`,
      [organization.id],
    )
    const fullNames = rows.map(({ text }) => /^FN:(.*?)\r$/m.exec(text)?.[1] ?? '')
    populations.push({
      ...crowd,
      accounts: await world.accounts(size, CLIENTS),
      names: rows.map(({ name }) => name),
      fullNames,
    })
  }
  await world.query('vacuum (analyze)')
  return populations
}

const of = (stage: Stage, who: Population, each: (account: Account, at: number) => Asked[]): Contestant => ({
  name: label(who.size),
  pid: stage.kith.pid,
  run: (milliseconds) =>
    stage.load({ kind: 'requests', port: stage.kith.port, milliseconds, clients: who.accounts.map(each) }),
})

function bareRoute({ bare, populations, load }: Stage, count = CLIENTS): Contestant {
  const who = populations.at(-1)
  const paths = who?.names.map((name) => `/${who.organization.id}/${name.slice(0, -'.vcf'.length)}`) ?? []
  const requests = paths.map((path): Asked => ({ method: 'GET', path, headers: {} }))
  const clients = Array.from({ length: count }, (_, at) => share(requests, at))
  const run = (milliseconds: number) => load({ kind: 'requests', port: bare.port, milliseconds, clients })
  return { name: 'bare route', pid: bare.pid, run }
}

function bareLoop({ bare, populations, load }: Stage, body: NonNullable<Reading['bare']>): Contestant {
  const who = populations.at(-1)
  const headers = { 'content-type': 'application/json' }
  const clients = (who?.accounts ?? []).map(({ book }, at): Asked[] => [
    {
      method: 'POST',
      path: '/',
      headers,
      body: JSON.stringify({ organization: who?.organization.id, ...(who ? body(who, book, at) : {}) }),
    },
  ])
  const run = (milliseconds: number) => load({ kind: 'requests', port: bare.port, milliseconds, clients })
  return { name: 'bare loop', pid: bare.pid, run }
}

/** The cards that one of the clients asks for. */
const share = <Item>(all: readonly Item[], at: number): Item[] => all.filter((_, index) => index % CLIENTS === at)

async function tokenOf({ kith }: Stage, account: Account): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${kith.port}${account.book}`, {
    method: 'PROPFIND',
    headers: { authorization: account.authorization, depth: '0' },
    body: POLL,
  })
  return /<D:sync-token>(.*?)<\/D:sync-token>/.exec(await answer.text())?.[1] ?? ''
}

const tokens = async (stage: Stage, who: Population): Promise<string[]> =>
  await Promise.all(who.accounts.map((account) => tokenOf(stage, account)))

async function edit({ world }: Stage, { size }: Population, number: number): Promise<void> {
  const user = await world.kith.users.get(`user-${number}@big-${size}.example`)
  await world.kith.users.update(user, { workPhone: `+1 555 ${Date.now()}` })
}

interface Measured {
  readonly title: string
  readonly standings: readonly Standing[]
  readonly target?: number
  /** Different things, not one at different sizes. */
  readonly apart?: boolean
}

interface Reading {
  readonly title: string
  readonly target?: number
  /** Clients at once, of the bare route too. */
  readonly clients?: number
  readonly of: (stage: Stage, who: Population) => Promise<Contestant> | Contestant
  /** What the bare server is asked beside it; one look-up, if nothing is said. */
  readonly bare?: (who: Population, book: string, at: number) => object
}

const LIMIT = 60

/** Cards by their names, beside a loop that reads the same rows and writes the same bytes. */
function multigetOf(count: number): Reading {
  const some = (who: Population, at: number) => [...share(who.names, at), ...who.names].slice(0, count)
  return {
    title: `multiget of ${count} cards`,
    target: BODIES_TARGET,
    bare: (who, book, at) => ({ book, names: some(who, at) }),
    of: (stage, who) =>
      of(stage, who, (account, at) => {
        const hrefs = some(who, at).map((name) => account.book + name)
        return [asked('REPORT', account.book, account, multiget(hrefs))]
      }),
  }
}

/** addressbook-query by a property, beside the indexed SQL that finds as much. */
function queryOf(
  property: string,
  type: string,
  wanted: (number: number, who: Population) => [text: string, found: string],
): Reading {
  const number = (who: Population, at: number) => 1 + ((at * 37 + 11) % Math.min(who.size - 2, 900))
  return {
    title: `addressbook-query: ${property} ${type}`,
    target: QUERY_TARGET,
    bare: (who, book, at) => ({ book, pattern: `%${wanted(number(who, at), who)[1]}%` }),
    of: (stage, who) =>
      of(stage, who, (account, at) => {
        const filter = `<C:filter><C:prop-filter name="${property}"><C:text-match match-type="${type}">${wanted(number(who, at), who)[0]}</C:text-match></C:prop-filter></C:filter>`
        const limit = `<C:limit><C:nresults>${LIMIT}</C:nresults></C:limit>`
        const body = xml('C:addressbook-query', `<D:prop><D:getetag/><C:address-data/></D:prop>${filter}${limit}`)
        return [asked('REPORT', account.book, account, body, '1')]
      }),
  }
}

const READINGS: Readonly<Record<string, Reading>> = {
  poll: {
    title: 'poll (PROPFIND 0: getctag, sync-token)',
    target: READ_TARGET,
    of: (stage, who) => of(stage, who, (account) => [asked('PROPFIND', account.book, account, POLL)]),
  },
  sync: {
    title: 'sync-collection, nothing changed',
    target: READ_TARGET,
    of: async (stage, who) => {
      const known = await tokens(stage, who)
      return of(stage, who, (account, at) => [asked('REPORT', account.book, account, sync(known[at] ?? ''))])
    },
  },
  get: {
    title: 'GET of a card',
    target: READ_TARGET,
    of: (stage, who) =>
      of(stage, who, (account, at) => share(who.names, at).map((name) => asked('GET', account.book + name, account))),
  },
  change: {
    title: 'sync-collection after one change',
    of: async (stage, who) => {
      const known = await tokens(stage, who)
      await edit(stage, who, who.size - 1)
      return of(stage, who, (account, at) => [asked('REPORT', account.book, account, sync(known[at] ?? ''))])
    },
  },
  multiget: multigetOf(30),
  multiget10: multigetOf(10),
  multiget100: multigetOf(100),
  fn: queryOf('FN', 'equals', (n, { fullNames }) => {
    const name = fullNames[n % fullNames.length] ?? ''
    return [name, `\t${name.toLowerCase()}\n`]
  }),
  email: queryOf('EMAIL', 'starts-with', (n) => [`user-${n}@`, `\tuser-${n}@`]),
  tel: queryOf('TEL', 'ends-with', (n) => [`00${n}`, `00${n}\n`]),
  alone: {
    title: 'GET of a card, one client at a time',
    clients: 1,
    of: (stage, who) =>
      of(stage, { ...who, accounts: who.accounts.slice(0, 1) }, (account) =>
        who.names.map((name) => asked('GET', account.book + name, account)),
      ),
  },
}

async function measureReading(stage: Stage, name: string): Promise<Measured | undefined> {
  const reading = READINGS[name]
  if (!reading) return undefined
  const { title, target, clients, bare } = reading
  const contestants = [bare ? bareLoop(stage, bare) : bareRoute(stage, clients)]
  for (const who of stage.populations) contestants.push(await reading.of(stage, who))
  const { rounds, milliseconds } = stage.options
  const standings = await inTurns(contestants, rounds, milliseconds, cpuTime)
  return { title, standings, ...(target === undefined ? {} : { target }) }
}

/** Each from somebody whose password nobody has asked for in the last half second, with a body of their own. */
async function measureCold(stage: Stage): Promise<Measured | undefined> {
  const who = stage.populations.at(-1)
  if (!who) return undefined
  const { kith, load } = stage
  const { rounds, milliseconds } = stage.options
  const many = await stage.world.accounts(who.size, 4_000, CLIENTS)
  const known: string[] = []
  for (const account of many) known.push(await tokenOf(stage, account)) // writes the times of first use, too
  const polls = many.map((account) => asked('PROPFIND', account.book, account, POLL))
  const syncs = many.map((account, at) => asked('REPORT', account.book, account, sync(known[at] ?? '')))
  const contestant = (name: string, requests: readonly Asked[]): Contestant => {
    const clients = Array.from({ length: CLIENTS }, (_, at) => share(requests, at))
    const run = (duration: number) => load({ kind: 'requests', port: kith.port, milliseconds: duration, clients })
    return { name, pid: kith.pid, run }
  }
  const contestants = [bareRoute(stage), contestant('poll', polls), contestant('empty sync', syncs)]
  const standings = await inTurns(contestants, rounds, milliseconds, cpuTime)
  return { title: `${label(many.length)} people in turn, of ${label(who.size)}`, standings, apart: true }
}

async function measurePut(stage: Stage): Promise<Measured | undefined> {
  const { world, populations, load, options } = stage
  const who = populations.at(-1)
  if (!who) return undefined
  const replays: Replay[] = []
  for (const account of who.accounts) replays.push(await recordPut(world.url, account))
  const bare: Contestant = {
    name: 'bare statements',
    run: (milliseconds) => load({ kind: 'transactions', url: world.url, milliseconds, clients: replays }),
  }
  const puts = populations.map((one) =>
    of(stage, one, (account) => [asked('PUT', account.book + CARD_NAME, account, cardOf(account))]),
  )
  const standings = await inTurns([bare, ...puts], options.rounds, options.milliseconds * 3, cpuTime)
  return { title: `PUT, ${CLIENTS} people each rewriting a card`, standings, target: WRITE_TARGET }
}

interface Streamed {
  readonly title: string
  readonly cards: number
  readonly seconds: number
  readonly megabytes: number
  readonly growth: number
}

const hideMany = ({ world }: Stage, { organization }: Population, { user }: Account): Promise<unknown> =>
  world.query(
    `insert into hidden (organization_id, user_id, member_id)
     select organization_id, $2, id from (select *, row_number() over (order by name) from contact
       where organization_id = $1 and kind = 'profile' and owner_id <> $2) p
     where row_number % 20 = 0 on conflict do nothing`,
    [organization.id, user.id],
  )

async function measureFull(stage: Stage): Promise<Streamed[]> {
  const { populations, kith, load } = stage
  const who = populations.at(-1)
  const [account] = who?.accounts ?? []
  if (!who || !account) return []
  const full = asked('REPORT', account.book, account, sync(''))
  const list = asked('PROPFIND', account.book, account, LIST, '1')
  for (const one of [full, list]) await load({ kind: 'stream', port: kith.port, asked: one }) // warm
  const measured: Streamed[] = []
  const measure = async (title: string, one: Asked, bytesPerSecond?: number) => {
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const before = residentMemory(kith.pid)
    let peak = before
    const sampling = setInterval(() => {
      peak = Math.max(peak, residentMemory(kith.pid))
    }, 20)
    const slowly = bytesPerSecond === undefined ? {} : { bytesPerSecond }
    const { count, seconds, bytes = 0 } = await load({ kind: 'stream', port: kith.port, asked: one, ...slowly })
    clearInterval(sampling)
    measured.push({ title, cards: count, seconds, megabytes: bytes / 1024 / 1024, growth: peak - before })
  }
  await measure('full sync-collection with getetag', full)
  await measure('full PROPFIND 1 with getetag', list)
  await measure('full sync-collection, read at 3 MB a second', full, 3 * 1024 * 1024)
  await hideMany(stage, who, account)
  await measure('full PROPFIND 1 of somebody who hid one card in twenty', list)
  return measured
}

async function measureEdit(stage: Stage): Promise<Verdict | undefined> {
  const who = stage.populations.at(-1)
  if (!who) return undefined
  const rows = async () => (await stage.world.kith.store.collections.status(who.organization.id)).journalRows
  const before = await rows()
  await edit(stage, who, 0)
  const written = (await rows()) - before
  return {
    what: `journal rows of one profile edit among ${label(who.size)}`,
    figure: String(written),
    target: '1',
    holds: written === 1,
  }
}

const times = (value: number): string => `${value.toFixed(2)} ×`
const percent = (value: number): string => `${(value * 100).toFixed(0)} %`

function verdicts({ title, standings: [, ...own], target, apart = false }: Measured): Verdict[] {
  const found: Verdict[] = own.map(({ name, ratio }) => ({
    what: `${title}: ${name}${apart ? '' : ' cards'}, of the bare rate`,
    figure: percent(ratio),
    ...(target === undefined ? {} : { target: `≥ ${percent(target)}`, holds: ratio >= target }),
  }))
  if (own.length > 1 && !apart) {
    const flat = spread(own)
    const holds = flat <= FLAT_TARGET
    found.push({ what: `${title}: between sizes`, figure: times(flat), target: `≤ ${times(FLAT_TARGET)}`, holds })
  }
  return found
}

async function main(): Promise<void> {
  const options = readOptions()
  const wanted = (name: string) => options.only.size === 0 || options.only.has(name)
  const world = await World.open(options.data)
  const stop = async () => {
    await world.close()
    process.exit(130)
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  try {
    const populations = await populate(world, options.sizes)
    const [kith, bare] = await Promise.all([world.kithServer(), world.bareServer()])
    const stage: Stage = { world, populations, kith, bare, load: world.loadGenerator(), options }
    const all: Verdict[] = []
    const measured: Measured[] = []
    const note = (one: Measured | undefined) => {
      if (!one) return
      measured.push(one)
      all.push(...verdicts(one))
      const rows = one.standings.map(({ name, rate, ratio, cpuMs }) => [
        name,
        rate.toFixed(0),
        percent(ratio),
        cpuMs > 0 ? cpuMs.toFixed(3) : '',
      ])
      console.log(`\n${table([one.title, 'a second', 'of the first', 'server CPU ms'], rows)}`)
    }
    for (const name of Object.keys(READINGS)) if (wanted(name)) note(await measureReading(stage, name))
    if (wanted('cold')) note(await measureCold(stage))
    if (wanted('put')) note(await measurePut(stage))
    const streamed = wanted('full') ? await measureFull(stage) : []
    for (const { title, cards, seconds, megabytes, growth } of streamed) {
      all.push({
        what: `${title}: ${label(cards)} cards, ${megabytes.toFixed(0)} MB in ${seconds.toFixed(1)} s; memory`,
        figure: `+${growth.toFixed(0)} MB`,
        target: `< ${MEMORY_TARGET_MB} MB`,
        holds: growth < MEMORY_TARGET_MB,
      })
    }
    const edited = wanted('edit') ? await measureEdit(stage) : undefined
    if (edited) all.push(edited)
    const rows = all.map(({ what, figure, target = '', holds }) => [
      what,
      figure,
      target,
      holds === undefined ? '' : holds ? 'holds' : 'MISSED',
    ])
    console.log(`\n${table(['', 'measured', 'target', ''], rows)}`)
    if (options.json) {
      const seeding = populations.map(({ size, seeded }) => ({ size, seconds: seeded }))
      const machine = { cpus: cpus().length, model: cpus()[0]?.model, node: process.version }
      writeFileSync(
        options.json,
        `${JSON.stringify({ machine, options: { ...options, only: [...options.only] }, seeding, measured, streamed, verdicts: all }, null, 2)}\n`,
      )
    }
  } finally {
    await world.close()
  }
}

await main()
