import type { Job, JobHandlers, Store } from '#domain'
import type { Deliverer } from './delivery.ts'

const EVERY_MS = 60_000
const MOST = 1_000

interface Log {
  warn(details: object, message: string): void
}

/** Written anew for when there is more to do: after a failure, when `RETRIES` says. */
export function deliverHook(store: Store, deliverer: Deliverer): JobHandlers['hook-delivery'] {
  return async (job) => {
    const hook = { organizationId: job.organizationId, id: job.hookId }
    if (await deliverer.deliver(hook)) return
    // under the hook's lock: somebody may have it go on at once just now
    await store.transaction(async (transaction) => {
      const at = await transaction.hooks.dueAt(hook)
      if (at) transaction.enqueue(job, at)
    })
  }
}

/** Has whoever is behind delivered at once: nobody is, unless a hook went on, or its organization, while another wrote. */
export async function sweepHooks(store: Store, now = new Date()): Promise<void> {
  const due = await store.hooks.due(now, MOST)
  if (due.length === 0) return
  const jobs = due.map(({ organizationId, id }): Job => ({ kind: 'hook-delivery', organizationId, hookId: id }))
  await store.transaction(async (transaction) => {
    for (const job of jobs) transaction.enqueue(job, now)
  })
}

/** Sweeps now and then, on every process; the returned function ends it. */
export function startSweeping(store: Store, log: Log): () => void {
  const timer = setInterval(() => {
    sweepHooks(store).catch((error: unknown) => log.warn({ err: error }, 'hooks cannot be swept; it is tried again'))
  }, EVERY_MS)
  timer.unref()
  return () => clearInterval(timer)
}
