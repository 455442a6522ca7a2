import { type Db, PgBoss } from 'pg-boss'
import { type Enqueued, type Job, type JobQueue, rulesOf } from '#domain'
import { QUIET } from './queues.ts'

/** Where the library's statements go: the pool, one statement a round trip, so through a pgbouncer as well. */
export type Execute = (sql: string, values: readonly unknown[]) => Promise<object[]>

export interface JobsLog {
  warn(details: object, message: string): void
}

/** Jobs in the database: written with the change that they follow, and found by whichever process is free. */
export class Jobs implements JobQueue {
  readonly boss: PgBoss
  #wake: (kind: Job['kind']) => void = () => undefined
  #log: JobsLog | undefined

  private constructor(boss: PgBoss) {
    this.boss = boss
    boss.on('error', (error) => this.#log?.warn({ code: codeOf(error) }, 'jobs cannot be fetched; it is tried again'))
  }

  /** The schema is there (`jobsPreparation`). `supervised`: takes up again, in time, what processes left that died. */
  static async open(execute: Execute, { supervised }: { readonly supervised: boolean }): Promise<Jobs> {
    const db: Db = { executeSql: async (sql, values = []) => ({ rows: await execute(sql, values) }) }
    const jobs = new Jobs(new PgBoss({ ...QUIET, db, migrate: false, supervise: supervised }))
    await jobs.boss.start()
    return jobs
  }

  /** Sorted, so that two transactions do not wait for each other; each waits until one that wrote the same key is over. */
  async write(all: readonly Enqueued[], query: Execute): Promise<void> {
    const db: Db = { executeSql: async (sql, values = []) => ({ rows: await query(sql, values) }) }
    const byKey = new Map(all.map((one) => [`${one.job.kind} ${rulesOf(one.job).key}`, one]))
    for (const [, { job, at }] of [...byKey].sort(([one], [other]) => (one < other ? -1 : 1))) {
      const { key, hurries } = rulesOf(job)
      const startAfter = at && at > new Date() ? at : at || hurries ? 0 : undefined // 0: by the database's clock
      const options = { db, singletonKey: key, ...(startAfter === undefined ? {} : { startAfter }) }
      // The one that waits is locked by this, so nobody takes it up before what it is about can be seen; neither
      // updated nor inserted: somebody took it up just now.
      for (;;) {
        const { updated, inserted } = await this.boss.upsert(job.kind, job, options)
        if (updated + inserted > 0) break
      }
    }
  }

  written(jobs: readonly Job[]): void {
    for (const kind of new Set(jobs.map((job) => job.kind))) this.#wake(kind)
  }

  onWritten(wake: (kind: Job['kind']) => void, log: JobsLog): void {
    this.#wake = wake
    this.#log = log
  }

  /** What is under way has `graceMs` to end, then goes back to be done again. */
  async close(graceMs = 10_000): Promise<void> {
    this.#wake = () => undefined
    await this.boss.stop({ graceful: true, timeout: graceMs })
  }
}

/** What an error says of itself without anybody's data: messages of mail servers name people. */
export function codeOf(error: unknown): string {
  const { code, name, responseCode } = Object(error) as { code?: unknown; name?: unknown; responseCode?: unknown } // whatever was thrown
  const said = typeof code === 'string' && /^[\w-]{1,40}$/.test(code) ? code : String(name ?? 'Error')
  return typeof responseCode === 'number' ? `${said} ${responseCode}` : said // nodemailer has the server's
}
