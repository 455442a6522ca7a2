import { spawn } from 'node:child_process'
import { once } from 'node:events'
import pg from 'pg'
import t, { type Test } from 'tap'
import { openKith } from '../../src/composition.ts'
import { RETRIES } from '../../src/outgoing/delivery.ts'
import { sweepHooks } from '../../src/outgoing/hook-jobs.ts'
import { startKith } from '../support/kith.ts'
import { webhookReceiver } from '../support/receivers.ts'
import { actorOf } from '../support/services.ts'

const until = async (met: () => boolean): Promise<number> => {
  const started = performance.now()
  while (!met()) {
    if (performance.now() - started > 30_000) throw new Error('it did not come to pass')
    await new Promise((done) => setTimeout(done, 10))
  }
  return performance.now() - started
}

t.test('hooks are delivered by jobs', async (t) => {
  const environment = { OUTGOING_ALLOW: '127.0.0.1' }
  const { kith, database, config, organization } = await startKith(t, undefined, environment)
  const organizationId = await organization('Space', 'space.example', ['Ann', 'Bob'])
  const [ann, bob] = [await kith.users.get('ann@space.example'), await kith.users.get('bob@space.example')]
  const admin = actorOf(ann)
  const log = { warn: (details: object) => t.comment(JSON.stringify(details)) }
  const drain = (early = false) => kith.workers.drain(log, { early })
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  t.teardown(() => client.end())
  const waiting = async () => {
    const text = `select start_after as at from jobs.job where name = 'hook-delivery' and state < 'active'`
    return (await client.query<{ at: Date }>(text)).rows.map(({ at }) => at.getTime())
  }
  const hooked = async (t: Test) => {
    const receiver = await webhookReceiver(t)
    const team = await kith.teams.create('Project X', ann)
    const said = { name: 'Mine', url: receiver.url, format: 'standard-webhooks' } as const
    const { hook } = await kith.hooks.create(admin, team.id, said)
    t.teardown(() => kith.hooks.delete(admin, team.id, hook.id))
    const now = () => kith.hooks.get(admin, team.id, hook.id)
    return { receiver, hook, team, now, types: () => receiver.taken.map(({ type }) => type) }
  }

  await t.test(
    'what is rolled back, or where nobody listens, leaves no job; what is committed one a hook',
    async (t) => {
      const before = await kith.teams.create('Unheard', ann)
      await kith.teams.add(before, bob, 'member')
      t.strictSame(await waiting(), [])
      const { team } = await hooked(t)
      await kith.teams.add(before, bob, 'administrator')
      t.strictSame(await waiting(), [], 'another team’s hook')
      await t.rejects(
        kith.store.transaction(async (transaction) => {
          transaction.tell(organizationId, { kind: 'team.changed', teamId: team.id })
          await kith.store.users.find(ann.id)
          throw new Error('no')
        }),
      )
      await t.rejects(kith.teams.remove(team, ann), { code: 'last-owner' })
      t.strictSame(await waiting(), [])
      await kith.teams.add(team, bob, 'member')
      await kith.teams.remove(team, bob)
      t.equal((await waiting()).length, 1)
      t.equal(await drain(), 1)
      t.strictSame(await waiting(), [])
    },
  )

  await t.test('a receiver that is down is asked again when the table says, or somebody has it resumed', async (t) => {
    const { receiver, hook, team, now, types } = await hooked(t)
    receiver.answer = () => 500
    await kith.teams.add(team, bob, 'member')
    for (const wait of RETRIES.slice(0, 3)) {
      t.equal(await drain(true), 1)
      t.equal(await drain(), 0, 'not at once')
      const { nextAttemptAt, lastAttempt } = await now()
      t.strictSame(await waiting(), [nextAttemptAt?.getTime()])
      t.equal(Number(nextAttemptAt) - Number(lastAttempt?.at), wait)
      await client.query(`update outgoing_hook set next_attempt_at = now() where id = $1`, [hook.id])
    }
    await drain(true)
    t.equal(receiver.came.length, 4)
    const [at] = await waiting()
    await kith.teams.remove(team, bob)
    t.strictSame(await waiting(), [at], 'what happens meanwhile changes nothing')
    t.equal(await drain(true), 1, 'taken up too early')
    t.equal(receiver.came.length, 4, 'it asks nobody')
    t.strictSame(await waiting(), [at], 'and waits on')
    receiver.answer = () => 204
    await kith.hooks.resume(admin, team.id, hook.id)
    t.equal(await drain(), 1)
    t.strictSame(types(), ['member.joined', 'member.left'])
    t.strictSame(await waiting(), [])
  })

  await t.test('20 workers at once, while others write: each event once, in order', async (t) => {
    const { receiver, team, now, types } = await hooked(t)
    const wanted: string[] = []
    let going = true
    const writing = (async () => {
      for (let turn = 0; turn < 10; turn += 1) {
        await kith.teams.add(team, bob, 'member')
        await kith.teams.remove(team, bob)
        wanted.push('member.joined', 'member.left')
      }
      going = false
    })()
    while (going) await Promise.all(Array.from({ length: 20 }, () => drain()))
    await writing
    await drain()
    t.strictSame(types(), wanted)
    t.equal(receiver.came.length, wanted.length)
    t.match(await now(), { behind: 0 })
  })

  await t.test('a sweep has delivered what has no job, and what waits too long', async (t) => {
    const { team, types } = await hooked(t)
    await kith.teams.add(team, bob, 'member')
    await client.query(`delete from jobs.job where name = 'hook-delivery'`)
    t.equal(await drain(), 0)
    await sweepHooks(kith.store)
    await client.query(`update jobs.job set start_after = now() + interval '1 hour' where name = 'hook-delivery'`)
    t.equal(await drain(), 0)
    await sweepHooks(kith.store)
    t.equal(await drain(), 1)
    t.strictSame(types(), ['member.joined'])
    await sweepHooks(kith.store)
    t.strictSame(await waiting(), [])
  })

  await t.test('a process that is killed while it delivers: another does it, with the same id', async (t) => {
    const { receiver, hook, team } = await hooked(t)
    receiver.answer = () => 'hold'
    const { PATH } = process.env
    const own = { DATABASE_URL: database.url, DATA_DIR: config.dataDir, SECRET_KEY: config.secretKey, PORT: '0', PATH }
    const serving = spawn(process.execPath, ['src/cli.ts', 'serve'], {
      env: { ...own, ...environment },
      stdio: 'ignore',
    })
    await kith.teams.add(team, bob, 'member')
    await until(() => receiver.came.length === 1)
    serving.kill('SIGKILL')
    await once(serving, 'exit')
    receiver.answer = () => 204
    t.equal(await drain(true), 0, 'it has it')
    await client.query(`update jobs.job set started_on = started_on - interval '1 hour' where state = 'active'`)
    await client.query('update jobs.queue set monitor_claim_on = null, monitor_on = null')
    await kith.workers.recover()
    t.equal(await drain(true), 1)
    t.equal(receiver.came.length, 1, 'it may still be at it')
    const leased = await client.query<{ at: Date }>('select leased_until as at from outgoing_hook where id = $1', [
      hook.id,
    ])
    t.strictSame(await waiting(), [leased.rows[0]?.at.getTime()])
    await client.query('update outgoing_hook set leased_until = now() where id = $1', [hook.id])
    t.equal(await drain(true), 1)
    t.equal(receiver.came.length, 2)
    t.equal(new Set(receiver.came.map(({ id }) => id)).size, 1)
  })

  await t.test('a process that works tells at once, by its own job or what another one left', async (t) => {
    const { receiver, team, types } = await hooked(t)
    await kith.teams.add(team, bob, 'member')
    const another = await openKith(config)
    t.teardown(() => another.close())
    await another.workers.start(log)
    await until(() => receiver.taken.length === 1)
    await another.teams.remove(team, bob)
    const took = await until(() => receiver.taken.length === 2)
    t.ok(took < 1_500, `${took} ms`)
    t.strictSame(types(), ['member.joined', 'member.left'])
  })
})
