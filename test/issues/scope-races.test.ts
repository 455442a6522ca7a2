import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t, { type Test } from 'tap'
import { Bodies, book, Client } from '../model/client.ts'
import { Random } from '../model/random.ts'
import { testDatabase } from '../support/databases.ts'
import { actorOf, openWorld } from '../support/services.ts'

/** Long enough for a transaction to arrive at the lock that it has to wait for. */
const ARRIVE_MS = 300

/** Ann, Ben and a team; Ben's device; and a way to hold the organization's stream, so that commits queue up. */
async function start(t: Test) {
  const database = await testDatabase()
  const world = await openWorld(database.url, { people: 4, followed: 0 })
  const blockers: pg.Client[] = []
  t.teardown(async () => {
    for (const blocker of blockers) await blocker.end()
    await world.close()
    await database.drop()
  })
  const [ann, ben] = world.people
  if (!ann || !ben) throw new TypeError('there are people')
  const team = await world.teams.create('Project X', ann)
  const client = new Client(actorOf(ben), book(actorOf(ben), world.addressBooks), new Random(1), new Bodies())
  /** Resolves when the lock is had; its result lets it go. */
  const holdStream = async () => {
    const blocker = new pg.Client(database.url)
    blockers.push(blocker)
    await blocker.connect()
    await blocker.query('begin')
    await blocker.query('select from stream where id = $1 for update', [world.organizationId])
    return () => blocker.query('rollback')
  }
  return { world, ben, team, client, holdStream }
}

t.test('who narrows their scope while leaving a team does not keep the cards they saw through it', async (t) => {
  const { world, ben, team, client, holdStream } = await start(t)
  await world.teams.add(team, ben, 'member')
  await client.catchUp()
  const release = await holdStream()
  const leaving = world.teams.remove(team, ben)
  await sleep(ARRIVE_MS)
  const narrowing = world.users.setScope(ben, 'teams')
  await sleep(ARRIVE_MS)
  await client.catchUp()
  await release()
  await Promise.all([leaving, narrowing])
  await client.catchUp()
  t.strictSame(await client.differences(), [])
})

t.test('who joins a team while the organization narrows its scope sees the members', async (t) => {
  const { world, ben, team, client, holdStream } = await start(t)
  await client.catchUp()
  const release = await holdStream()
  const narrowing = world.organizations.setScope(world.organizationId, 'teams')
  await sleep(ARRIVE_MS)
  const holding = holdStream()
  await sleep(ARRIVE_MS)
  const joining = world.teams.add(team, ben, 'member')
  await sleep(ARRIVE_MS)
  await release()
  await narrowing
  const releaseAgain = await holding
  await client.catchUp()
  await releaseAgain()
  await joining
  await client.catchUp()
  t.strictSame(await client.differences(), [])
})
