import t from 'tap'
import { testDatabase } from '../support/databases.ts'
import { runModel } from './model.ts'
import { unlocked } from './unlocked-journal.ts'

const seed = Number(process.env.KITH_SEED ?? Math.floor(Math.random() * 2 ** 31))
const seconds = Number(process.env.KITH_MODEL_SECONDS ?? 10)
const CONTROL_SECONDS = 20

t.test(`every client ends equal to the full listing, whatever is written meanwhile (KITH_SEED=${seed})`, async (t) => {
  const database = await testDatabase()
  t.teardown(() => database.drop())
  const found = await runModel(database.url, { seed, seconds, weathers: ['calm', 'wild'] })
  const { tally, syncs, refused, pages, bodies } = found
  const counts = Object.fromEntries([...tally].sort())
  t.comment(`seed ${seed}: ${syncs} syncs (${pages} pages, ${refused} refused, ${bodies} bodies)`, counts)
  t.strictSame(found.divergences, [], 'replica and listing agree in names and ETags')
  t.strictSame(found.streams, [], 'revisions are gapless, and the head is the greater of the last one and the floor')
  t.strictSame(found.overheard, [], 'nobody hears of a team that they never were in')
  t.strictSame(found.contradictions, [], 'one ETag is one text')
  t.ok(syncs > seconds * 20 && refused < syncs / 3 && bodies > 0, 'the clients did follow')
  t.ok(tally.size >= 20, 'the writers did write')
})

t.test('the control: a counter that is read without its lock is caught as missing changes', async (t) => {
  const database = await testDatabase()
  t.teardown(() => database.drop())
  const control = { seed, seconds: CONTROL_SECONDS, weathers: ['calm'], around: unlocked, untilFound: true } as const
  const found = await runModel(database.url, control)
  t.comment(`${found.divergences.length} divergences, ${found.streams.length} unsound streams`)
  t.ok(found.divergences.length > 0, 'replicas miss changes')
  t.ok(found.streams.length > 0, 'and streams have gaps')
})
