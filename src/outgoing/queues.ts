import { createHash } from 'node:crypto'
import { getConstructionPlans, PgBoss, type QueueOptions, type QueuePolicy } from 'pg-boss'
import { JOB_KINDS, type Job } from '#domain'
import { LONGEST } from './delivery.ts'

/** The library's schema; nothing of ours is in it, and it is no part of src/persistence/schema.ts. */
export const SCHEMA = 'jobs'

type Kind = Job['kind']
type Terms = Required<
  Pick<QueueOptions, 'expireInSeconds' | 'retryLimit' | 'retryDelay' | 'retryDelayMax' | 'retentionSeconds'>
>

/** How long an attempt may take (a process that died is found out after it) and how often and late it is made again. */
export const TERMS: { readonly [Name in Kind]: Terms } = {
  // 13 attempts over half a day: a mail server that was down for a night still gets the letter
  'invitation-letter': {
    expireInSeconds: 120,
    retryLimit: 12,
    retryDelay: 15,
    retryDelayMax: 2 * 3_600,
    retentionSeconds: 7 * 86_400,
  },
  // it fails where our database does, or a process dies; receivers that fail are tried again as RETRIES says
  'hook-delivery': {
    expireInSeconds: LONGEST / 1_000,
    retryLimit: 12,
    retryDelay: 1,
    retryDelayMax: 60,
    retentionSeconds: 7 * 86_400,
  },
}

const POLICY: QueuePolicy = 'singleton' // one of a key is done at a time
const FIXED = { retryBackoff: true, deleteAfterSeconds: 86_400 } as const

/** What the library may do by itself: nothing on a clock of its own but what `supervised` says, and no LISTEN. */
export const QUIET = {
  schema: SCHEMA,
  schedule: false,
  registerInstance: false,
  reindex: false,
  monitorVacuum: false,
  flowIntervalSeconds: 86_400, // no job of ours waits for another
  queueCacheIntervalSeconds: 3_600,
  openTelemetry: { enabled: false },
} as const

/** Other than before where the library has another schema, or a queue other terms. */
const WANTED = createHash('sha256')
  .update(JSON.stringify([getConstructionPlans(SCHEMA), TERMS, POLICY, FIXED]))
  .digest('base64url')

/** Has the database hold the library's schema and our queues. */
export const jobsPreparation = {
  /** Whether it does, asked with as little as can be. */
  async isCurrent(query: (sql: string) => Promise<object[]>): Promise<boolean> {
    const found = await query(
      `select from setting where name = 'job_queues' and value = '${WANTED}' and to_regclass('${SCHEMA}.queue') is not null`,
    )
    return found.length > 0
  },
  async prepare(url: string, query: (sql: string) => Promise<object[]>): Promise<void> {
    const boss = new PgBoss({ ...QUIET, connectionString: url, max: 1, supervise: false, migrate: true })
    boss.on('error', () => undefined) // each call tells of its own
    await boss.start()
    try {
      for (const kind of JOB_KINDS) {
        const options = { ...TERMS[kind], ...FIXED }
        if (await boss.getQueue(kind)) await boss.updateQueue(kind, options)
        else await boss.createQueue(kind, { ...options, policy: POLICY })
      }
    } finally {
      await boss.stop()
    }
    await query(`insert into setting (name, value) values ('job_queues', '${WANTED}')
      on conflict (name) do update set value = excluded.value`)
  },
}
