import type { JobResult, JobWithMetadata } from 'pg-boss'
import { type Attempt, GivenUp, JOB_KINDS, type Job, type JobHandlers } from '#domain'
import { codeOf, type Jobs, type JobsLog } from './jobs.ts'

/** How often a process looks for what others wrote and what is due again; its own jobs it takes up at once. */
const LOOK_EVERY_SECONDS = 2
const AT_ONCE = 10
/** Of a process. A slow one holds up those of its batch, so hooks have workers that take one at a time. */
const WORKERS: { readonly [Kind in Job['kind']]: { readonly count: number; readonly batchSize: number } } = {
  'invitation-letter': { count: 1, batchSize: AT_ONCE },
  'hook-delivery': { count: 4, batchSize: 1 },
}

type Taken = JobWithMetadata<Job>

/** Does the jobs that wait, together with every other process that does. */
export class Workers {
  readonly #jobs: Jobs
  readonly #handlers: JobHandlers
  constructor(jobs: Jobs, handlers: JobHandlers) {
    this.#jobs = jobs
    this.#handlers = handlers
  }

  /** Until the jobs are closed. */
  async start(log: JobsLog): Promise<void> {
    const workers = new Map<Job['kind'], readonly string[]>()
    const options = {
      burstWhenBatchFull: true,
      includeMetadata: true,
      perJobResults: true,
      pollingIntervalSeconds: LOOK_EVERY_SECONDS,
    } as const
    for (const kind of JOB_KINDS) {
      const { count, batchSize } = WORKERS[kind]
      const all = { ...options, batchSize }
      const work = () => this.#jobs.boss.work<Job, void, typeof all>(kind, all, this.#batch(log))
      workers.set(kind, await Promise.all(Array.from({ length: count }, work)))
    }
    this.#jobs.onWritten((kind) => {
      for (const worker of workers.get(kind) ?? []) this.#jobs.boss.notifyWorker(worker)
    }, log)
  }

  /**
   * Does what waits until nothing is left, in this process and now, for tests; returns how many attempts that took.
   * `early`: also what would wait longer after a failure, one attempt each.
   */
  async drain(log: JobsLog, { early = false }: { readonly early?: boolean } = {}): Promise<number> {
    const { boss } = this.#jobs
    let attempts = 0
    for (const kind of JOB_KINDS) {
      const batch = this.#batch(log)
      const options = { batchSize: early ? 1_000 : AT_ONCE, includeMetadata: true, ignoreStartAfter: early } as const
      for (;;) {
        const taken = await boss.fetch<Job>(kind, options)
        attempts += taken.length
        for (const { id, status } of await batch(taken)) {
          const settled = taken.filter((job) => job.id === id)
          if (status === 'failed') await boss.fail(kind, settled)
          else await boss.complete(kind, settled) // or given up: it is over
        }
        if (early || taken.length === 0) break
      }
    }
    return attempts
  }

  /** Takes back what processes have that died; servers do so every minute. */
  async recover(): Promise<void> {
    await this.#jobs.boss.supervise()
  }

  #batch(log: JobsLog): (taken: Taken[]) => Promise<JobResult[]> {
    return (taken) => Promise.all(taken.map((job) => this.#attempt(job, log)))
  }

  /** Only codes are logged and kept: what is thrown may name somebody. */
  async #attempt({ id, data, retryCount, retryLimit }: Taken, log: JobsLog): Promise<JobResult> {
    const isLast = retryCount >= retryLimit
    try {
      const handle = this.#handlers[data.kind] as (job: Job, attempt: Attempt) => Promise<void> // that of its kind
      await handle(data, { isLast })
      return { id, status: 'completed' }
    } catch (error) {
      const code = codeOf(error)
      const isOver = isLast || error instanceof GivenUp
      const what = isOver ? 'a job failed for good' : 'a job failed; it is tried again'
      log.warn({ job: data, attempt: retryCount + 1, code }, what)
      return { id, status: isOver ? 'deadletter' : 'failed', output: { code } }
    }
  }
}
