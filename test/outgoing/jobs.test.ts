import { randomUUID } from 'node:crypto'
import pg from 'pg'
import t, { type Test } from 'tap'
import type { Attempt, Job, JobHandlers } from '#domain'
import { Jobs } from '../../src/outgoing/jobs.ts'
import { jobsPreparation, TERMS } from '../../src/outgoing/queues.ts'
import { Workers } from '../../src/outgoing/workers.ts'
import { createStore, migrate, openDatabase } from '../../src/persistence/index.ts'
import { type TestDatabase, testDatabase } from '../support/databases.ts'

const KIND = 'invitation-letter'
type Letter = Extract<Job, { kind: typeof KIND }>
const letter = (invitationId: string = randomUUID()): Letter => ({
  kind: KIND,
  organizationId: '00000000-0000-4000-8000-000000000001',
  invitationId,
})

interface Process {
  readonly jobs: Jobs
  readonly workers: Workers
  readonly logged: object[]
  readonly statements: string[]
  enqueue(...jobs: Job[]): Promise<void>
  /** As `enqueue`, and the transaction then fails. */
  abandon(job: Job): Promise<void>
  log: { warn(details: object): void }
  close(): Promise<void>
}

/** What one serving process has of the jobs, with a handler of the test's. */
async function openProcess(t: Test, { url }: TestDatabase, handle: JobHandlers[typeof KIND]): Promise<Process> {
  const database = await openDatabase({ url, poolSize: 4, prepare: true })
  const statements: string[] = []
  const jobs = await Jobs.open(
    (sql, values) => {
      statements.push(sql)
      return database.execute(sql, values)
    },
    { supervised: true },
  )
  const store = createStore(database, jobs)
  const logged: object[] = []
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= jobs.close(1_000).then(() => database.close())
    return closed
  }
  t.teardown(close)
  return {
    jobs,
    workers: new Workers(jobs, { [KIND]: handle, 'hook-delivery': async () => void t.fail('there is none') }),
    logged,
    statements,
    log: { warn: (details) => void logged.push(details) },
    enqueue: (...all) =>
      store.transaction(async (transaction) => {
        for (const job of all) transaction.enqueue(job)
      }),
    abandon: (job) =>
      store.transaction(async (transaction) => {
        transaction.enqueue(job)
        throw new Error('abandoned')
      }),
    close,
  }
}

async function opened(t: Test): Promise<{ database: TestDatabase; sql: pg.Client }> {
  const database = await testDatabase()
  t.teardown(() => database.drop())
  const sql = new pg.Client({ connectionString: database.url })
  await sql.connect()
  t.teardown(() => sql.end())
  return { database, sql }
}

const until = async (met: () => boolean): Promise<void> => {
  for (let waited = 0; !met(); waited += 20) {
    if (waited > 20_000) throw new Error('it did not come to pass')
    await new Promise((done) => setTimeout(done, 20))
  }
}

t.test('a job is done once its transaction is over, and never if that is rolled back', async (t) => {
  const { database } = await opened(t)
  const done: Job[] = []
  const process = await openProcess(t, database, async (job) => void done.push(job))
  const job = letter()
  await t.rejects(process.abandon(letter()))
  t.equal(await process.workers.drain(process.log), 0)
  await process.enqueue(job)
  t.equal(await process.workers.drain(process.log), 1)
  t.strictSame(done, [job])
  t.equal(await process.workers.drain(process.log), 0)
})

t.test('of several jobs of one key one waits, and another may wait while it is done', async (t) => {
  const { database } = await opened(t)
  const job = letter()
  let went = 0
  const process: Process = await openProcess(t, database, async () => {
    went += 1
    if (went === 1) await process.enqueue(job)
  })
  await Promise.all(Array.from({ length: 20 }, () => process.enqueue(job, letter(), job)))
  t.equal(await process.workers.drain(process.log), 22)
  t.equal(went, 22, 'twenty of their own, that of the key, and again what changed meanwhile')
})

t.test(
  'a job is not taken up before the change that it was written with can be seen, even if it waited already',
  async (t) => {
    const { database, sql } = await opened(t)
    const done: number[] = []
    const process = await openProcess(t, database, async () => void done.push(1))
    const job = letter()
    await process.enqueue(job)
    await sql.query('begin')
    await process.jobs.write([{ job }], async (text, values) => (await sql.query<object>(text, [...values])).rows)
    t.equal(await process.workers.drain(process.log), 0)
    await sql.query('commit')
    t.equal(await process.workers.drain(process.log), 1)
  },
)

t.test(
  'a job that fails is tried again, later each time, until its last attempt; only codes are logged and kept',
  async (t) => {
    const { database, sql } = await opened(t)
    const attempts: Attempt[] = []
    const process = await openProcess(t, database, async (_, attempt) => {
      attempts.push(attempt)
      throw Object.assign(new Error('550 <ryan.stone@stone.com> unknown'), { code: 'EENVELOPE' })
    })
    await process.enqueue(letter())
    const waits: number[] = []
    t.equal(await process.workers.drain(process.log), 1)
    t.equal(await process.workers.drain(process.log), 0, 'not at once')
    for (let attempt = 1; attempt <= TERMS[KIND].retryLimit; attempt += 1) {
      const { rows } = await sql.query<{ wait: number }>(
        `select extract(epoch from start_after - now())::float as wait from jobs.job where name = $1`,
        [KIND],
      )
      waits.push(rows[0]?.wait ?? 0)
      await process.workers.drain(process.log, { early: true })
    }
    t.equal(await process.workers.drain(process.log, { early: true }), 0)
    t.equal(attempts.length, TERMS[KIND].retryLimit + 1)
    t.strictSame(attempts.map(({ isLast }) => isLast).indexOf(true), TERMS[KIND].retryLimit)
    t.ok((waits[0] ?? 0) > 5 && (waits[0] ?? 0) <= 31, 'the first soon')
    t.ok((waits.at(-1) ?? 0) > 3_000 && (waits.at(-1) ?? 0) <= TERMS[KIND].retryDelayMax, 'the last late')
    const kept = await sql.query(`select * from jobs.job`)
    t.notMatch(JSON.stringify([kept.rows, process.logged]), /ryan|stone\.com/)
    t.match(JSON.stringify(process.logged), /EENVELOPE/)
  },
)

t.test('processes share the jobs: of 200, each is done once by one of four', async (t) => {
  const { database } = await opened(t)
  const done = new Map<string, number>()
  const by: number[] = [0, 0, 0, 0]
  const processes = await Promise.all(
    by.map((_, at) =>
      openProcess(t, database, async (job) => {
        done.set(job.invitationId, (done.get(job.invitationId) ?? 0) + 1)
        by[at] = (by[at] ?? 0) + 1
        await new Promise((passed) => setTimeout(passed, 5))
      }),
    ),
  )
  const jobs = Array.from({ length: 200 }, () => letter())
  await processes[0]?.enqueue(...jobs)
  await Promise.all(processes.map(({ workers, log }) => workers.drain(log)))
  t.equal(done.size, 200)
  t.ok([...done.values()].every((times) => times === 1))
  t.ok(by.filter((count) => count > 0).length > 1)
})

t.test('workers take up what their own process writes at once, and what others write', async (t) => {
  const { database } = await opened(t)
  const done: string[] = []
  const serving = await openProcess(t, database, async ({ invitationId }) => void done.push(invitationId))
  const command = await openProcess(t, database, async () => void t.fail('it does not work'))
  await serving.workers.start(serving.log)
  const [own, another] = [letter(), letter()]
  await serving.enqueue(own)
  await until(() => done.length === 1)
  await command.enqueue(another)
  await until(() => done.length === 2)
  t.strictSame(done, [own.invitationId, another.invitationId])
})

t.test('what is under way when a process stops is finished; what takes too long goes back', async (t) => {
  const { database } = await opened(t)
  const done: string[] = []
  const started: string[] = []
  const slow = letter()
  const handle: JobHandlers[typeof KIND] = async ({ invitationId }) => {
    started.push(invitationId)
    await new Promise((passed) => setTimeout(passed, invitationId === slow.invitationId ? 5_000 : 300))
    done.push(invitationId)
  }
  const first = await openProcess(t, database, handle)
  await first.workers.start(first.log)
  const quick = letter()
  await first.enqueue(quick)
  await until(() => started.length === 1)
  await first.close()
  t.strictSame(done, [quick.invitationId])
  const second = await openProcess(t, database, handle)
  await second.workers.start(second.log)
  await second.enqueue(slow)
  await until(() => started.length === 2)
  await second.close()
  const third = await openProcess(t, database, async ({ invitationId }) => void done.push(invitationId))
  t.equal(await third.workers.drain(third.log, { early: true }), 1)
  t.equal(done.at(-1), slow.invitationId)
})

t.test('what a process left that died is taken up again when its time is over', async (t) => {
  const { database, sql } = await opened(t)
  const done: Job[] = []
  const process = await openProcess(t, database, async (job) => void done.push(job))
  await process.enqueue(letter())
  t.equal((await process.jobs.boss.fetch(KIND)).length, 1, 'somebody has it')
  await process.jobs.boss.supervise()
  t.equal(await process.workers.drain(process.log, { early: true }), 0, 'and time left')
  await sql.query(`update jobs.job set started_on = started_on - interval '1 hour'`)
  await sql.query('update jobs.queue set monitor_claim_on = null, monitor_on = null')
  await process.jobs.boss.supervise()
  t.equal(await process.workers.drain(process.log, { early: true }), 1)
  t.equal(done.length, 1)
})

t.test('a database that is up to date is not changed at a start, and an older one gets its queues', async (t) => {
  const { database, sql } = await opened(t)
  const prepared: string[] = []
  const watched = {
    isCurrent: jobsPreparation.isCurrent,
    prepare: async (url: string, query: (sql: string) => Promise<object[]>) => {
      prepared.push(url)
      await jobsPreparation.prepare(url, query)
    },
  }
  await migrate(database.url, watched)
  t.strictSame(prepared, [])
  await sql.query('drop schema jobs cascade')
  await Promise.all([migrate(database.url, watched), migrate(database.url, watched)])
  t.equal(prepared.length, 1, 'by one of them')
  const process = await openProcess(t, database, async () => undefined)
  await process.enqueue(letter())
  t.equal(await process.workers.drain(process.log), 1)
})

t.test('a server with a role that may not change the schema works on jobs that another role migrated', async (t) => {
  const { database, sql } = await opened(t)
  const role = `kith_jobs_${process.pid}`
  await sql.query(`create role ${role} login`)
  t.teardown(async () => {
    await sql.query(`drop owned by ${role}`)
    await sql.query(`drop role ${role}`)
  })
  for (const schema of ['public', 'jobs']) {
    await sql.query(`grant usage on schema ${schema} to ${role}`)
    await sql.query(`grant select, insert, update, delete on all tables in schema ${schema} to ${role}`)
  }
  const url = new URL(database.url)
  url.username = role
  let went = 0
  const serving = await openProcess(t, { ...database, url: url.href }, async () => {
    went += 1
  })
  t.strictSame(await migrate(url.href, jobsPreparation), [])
  await serving.enqueue(letter())
  await serving.workers.start(serving.log)
  await serving.enqueue(letter())
  await until(() => went === 2)
  await serving.workers.recover()
  await serving.close()
  t.strictSame(serving.logged, [])
})
