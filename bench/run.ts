import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import type { Asked } from './client.ts'
import { type Contestant, inTurns, spread, type Verdict } from './figures.ts'
import { measureFull } from './full.ts'
import type { Statement } from './load.ts'
import { measureReading, READING_NAMES } from './readings.ts'
import { CARD_NAME, cardOf, recordPut } from './recorded.ts'
import { percent, printStandings, printVerdicts, readOptions, times } from './report.ts'
import {
  asked,
  bareRoute,
  CLIENTS,
  edit,
  label,
  type Measured,
  of,
  POLL,
  type Population,
  type Stage,
  share,
  sync,
  tokenOf,
} from './stage.ts'
import { World } from './world.ts'

const HELP = `Measures Kith beside a bare Fastify route that does one prepared look-up, in turns, on one machine.

Usage: npm run bench -- [options]

  --sizes 1000,20000,100000   users of each organization
  --rounds 7                  turns of each measurement
  --milliseconds 1000         length of a turn (three times that for writes)
  --only poll,get             the measurements to do (${READING_NAMES.join(', ')}, cold, put, full, edit)
  --data DIR                  keep the database there, and use what is in it: the seeding is done once
  --json FILE                 write the figures there as well
`
const WRITE_TARGET = 0.5
const FLAT_TARGET = 1.2
const MEMORY_TARGET_MB = 50

async function populate(world: World, sizes: readonly number[]): Promise<Population[]> {
  const populations: Population[] = []
  for (const size of sizes) {
    const crowd = await world.crowd(size)
    const { seeded, organization } = crowd
    console.log(`${label(size)} users: ${seeded === undefined ? 'there already' : `made in ${seeded.toFixed(1)} s`}`)
    const rows = await world.query<{ name: string; text: string | null }>(
      `select name, case when row_number() over (order by md5(name)) <= 960 then text end as text from contact
        where organization_id = $1 and kind = 'profile' and listed order by md5(name)`,
      [organization.id],
    )
    const some = rows.flatMap(({ name, text }) => (text === null ? [] : { name, text }))
    const fullNames = some.map(({ text }) => /^FN:(.*?)\r$/m.exec(text)?.[1] ?? '')
    populations.push({
      ...crowd,
      accounts: await world.accounts(size, CLIENTS),
      names: some.map(({ name }) => name),
      all: rows.map(({ name }) => name),
      fullNames,
    })
  }
  await world.query('vacuum (analyze)')
  return populations
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
  const standings = await inTurns(contestants, rounds, milliseconds, stage.world.clocks)
  return { title: `${label(many.length)} people in turn, of ${label(who.size)}`, standings, apart: true }
}

async function measurePut(stage: Stage): Promise<Measured | undefined> {
  const { world, populations, load, options } = stage
  const who = populations.at(-1)
  if (!who) return undefined
  const replays: Statement[][] = []
  for (const account of who.accounts) replays.push(await recordPut(world.url, account))
  const bare: Contestant = {
    name: 'bare statements',
    run: (milliseconds) => load({ kind: 'transactions', url: world.url, milliseconds, clients: replays }),
  }
  const puts = populations.map((one) =>
    of(stage, one, (account) => [asked('PUT', account.book + CARD_NAME, account, cardOf(account))]),
  )
  const standings = await inTurns([bare, ...puts], options.rounds, options.milliseconds * 3, world.clocks)
  return { title: `PUT, ${CLIENTS} people each rewriting a card`, standings, target: WRITE_TARGET }
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
  const options = readOptions(HELP)
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
      printStandings(one)
    }
    for (const name of READING_NAMES.filter(wanted)) {
      for (const one of await measureReading(stage, name)) note(one)
    }
    if (wanted('cold')) note(await measureCold(stage))
    if (wanted('put')) note(await measurePut(stage))
    const streamed = wanted('full') ? await measureFull(stage) : []
    for (const { title, cards, seconds, megabytes, growth } of streamed) {
      all.push({
        what: `${title}: ${label(cards)} cards, ${megabytes.toFixed(1)} MB in ${seconds.toFixed(2)} s, ${((seconds * 1e6) / cards).toFixed(1)} µs a card; memory`,
        figure: `+${growth.toFixed(0)} MB`,
        target: `< ${MEMORY_TARGET_MB} MB`,
        holds: growth < MEMORY_TARGET_MB,
      })
    }
    const edited = wanted('edit') ? await measureEdit(stage) : undefined
    if (edited) all.push(edited)
    printVerdicts(all)
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
