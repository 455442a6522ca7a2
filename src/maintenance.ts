import { EVENT_DAYS, type Store } from '#domain'
import { IDLE_SECONDS } from './auth/web-sessions.ts'

const DAY_MS = 86_400_000
const JOURNAL_DAYS = 90
const HISTORY_DAYS = 30
const INVITATION_DAYS = 30
const EVERY_MS = 6 * 3_600_000

interface Log {
  warn(details: object, message: string): void
}

/** Forgets what is past its time: changes after 90 days, replaced cards and what hooks are told after 30, invitations 30 after their end, and answers that repeats get after one. Safe on every process at once. */
export async function maintain(store: Store, now = new Date()): Promise<void> {
  await store.collections.prune(new Date(now.getTime() - JOURNAL_DAYS * DAY_MS))
  await store.hooks.prune(new Date(now.getTime() - EVENT_DAYS * DAY_MS))
  await store.locks.forget(now)
  await store.keptAnswers.forget(new Date(now.getTime() - DAY_MS))
  await store.invitations.forget(new Date(now.getTime() - INVITATION_DAYS * DAY_MS))
  await store.webSessions.forget(now, IDLE_SECONDS)
  await store.cardVersions.forget(new Date(now.getTime() - HISTORY_DAYS * DAY_MS))
}

/** Runs it now and then; the returned function ends that. */
export function startMaintenance(store: Store, log: Log): () => void {
  const run = () => {
    maintain(store).catch((error: unknown) => log.warn({ err: error }, 'maintenance failed; it is tried again'))
  }
  const first = setTimeout(run, 60_000)
  const later = setInterval(run, EVERY_MS)
  first.unref()
  later.unref()
  return () => {
    clearTimeout(first)
    clearInterval(later)
  }
}
