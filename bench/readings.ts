import type { Asked } from './client.ts'
import { type Contestant, inTurns } from './figures.ts'
import {
  asked,
  type BareBody,
  bareLoop,
  bareRoute,
  EVERYTHING,
  edit,
  LIST,
  label,
  type Measured,
  multiget,
  of,
  POLL,
  type Population,
  type Stage,
  share,
  sync,
  tokens,
  xml,
} from './stage.ts'
import type { Account } from './world.ts'

const READ_TARGET = 0.6
const BODIES_TARGET = 0.5
const QUERY_TARGET = 0.5

interface Reading {
  readonly title: string
  readonly target?: number
  /** Clients at once, of the bare route too. */
  readonly clients?: number
  readonly of: (stage: Stage, who: Population) => Promise<Contestant> | Contestant
  /** What the bare server is asked beside it; one look-up, if nothing is said. */
  readonly bare?: BareBody
}

const LIMIT = 60

/** Cards by their names, beside a loop that reads the same rows and writes the same bytes. */
function multigetOf(count: number): Reading {
  const some = (who: Population, at: number) => [...share(who.names, at), ...who.names].slice(0, count)
  return {
    title: `multiget of ${count} cards`,
    target: BODIES_TARGET,
    bare: (who, _, at) => ({ names: some(who, at) }),
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
    bare: (who, _, at) => ({ pattern: `%${wanted(number(who, at), who)[1]}%` }),
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

/** Everything that a book holds, beside one statement that reads as much and a loop that writes the same bytes. */
interface Whole {
  readonly title: string
  readonly ask: (who: Population, account: Account) => Asked
  readonly bare: (who: Population) => object
  /** Of larger books nobody asks so. */
  readonly upTo?: number
}

const WHOLES: Readonly<Record<string, Whole>> = {
  list: {
    title: 'PROPFIND 1 with getetag',
    ask: (_, account) => asked('PROPFIND', account.book, account, LIST, '1'),
    bare: () => ({ all: 'etags' }),
  },
  initial: {
    title: 'initial sync-collection with getetag',
    ask: (_, account) => asked('REPORT', account.book, account, sync('')),
    bare: () => ({ all: 'etags' }),
  },
  bodies: {
    title: 'addressbook-query of everything, with address-data',
    ask: (_, account) => asked('REPORT', account.book, account, EVERYTHING, '1'),
    bare: () => ({ all: 'cards' }),
  },
  multigetall: {
    title: 'multiget of every card',
    ask: ({ all }, account) => {
      const hrefs = all.map((name) => account.book + name)
      return asked('REPORT', account.book, account, multiget(hrefs))
    },
    bare: ({ all }) => ({ names: all }),
    upTo: 20_000,
  },
}
/** Each answer keeps a process busy for long. */
const WHOLE_CLIENTS = 2

async function measureWhole(
  stage: Stage,
  { title, ask, bare, upTo = Number.POSITIVE_INFINITY }: Whole,
): Promise<Measured[]> {
  const measured: Measured[] = []
  const { rounds, milliseconds } = stage.options
  for (const population of stage.populations.filter(({ size }) => size <= upTo)) {
    const who = { ...population, accounts: population.accounts.slice(0, WHOLE_CLIENTS) }
    const contestants = [bareLoop(stage, who, () => bare(who)), of(stage, who, (account) => [ask(who, account)])]
    const standings = await inTurns(contestants, rounds, milliseconds * 2, stage.world.clocks)
    measured.push({ title: `${title}, ${label(who.size)}`, standings, target: BODIES_TARGET })
  }
  return measured
}

export const READING_NAMES = [...Object.keys(READINGS), ...Object.keys(WHOLES)]

export async function measureReading(stage: Stage, name: string): Promise<Measured[]> {
  const whole = WHOLES[name]
  if (whole) return await measureWhole(stage, whole)
  const reading = READINGS[name]
  const largest = stage.populations.at(-1)
  if (!reading || !largest) return []
  const { title, target, clients, bare } = reading
  const contestants = [bare ? bareLoop(stage, largest, bare) : bareRoute(stage, clients)]
  for (const who of stage.populations) contestants.push(await reading.of(stage, who))
  const { rounds, milliseconds } = stage.options
  const standings = await inTurns(contestants, rounds, milliseconds, stage.world.clocks)
  return [{ title, standings, ...(target === undefined ? {} : { target }) }]
}
