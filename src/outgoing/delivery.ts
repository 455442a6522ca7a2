import { randomUUID } from 'node:crypto'
import type { ClaimedHook, Hook, HookAttempt, HookSecrets, HookSender, Hooks, LoggedEvent, Progress } from '#domain'
import type { GuardedFetch } from './guarded-fetch.ts'
import type { OpenHook, Outcome, Receiver } from './receiver.ts'
import { ScimReceiver } from './scim.ts'
import { StandardWebhooks } from './standard-webhooks.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
/** Standard Webhooks, "Retry schedule": how long after each failure it is tried again; after the last it is stopped. */
export const RETRIES = [5 * SECOND, 5 * MINUTE, HOUR / 2, ...[2, 5, 10, 14, 20, 24].map((hours) => hours * HOUR)]

/** A claim outlasts the longest that one sending may take. */
const LEASE = 5 * MINUTE
/** Of the log in one reading. */
const MOST = 50
/** Before other hooks have theirs. */
const TURN = MINUTE
/** Longer than one delivery takes. */
export const LONGEST = TURN + LEASE + MINUTE
/** After the last event of a revision. */
const END = 2_147_483_647

type Key = Pick<Hook, 'organizationId' | 'id'>

/** Has each hook hear of what it has not heard of, in order; what the receiver takes is not sent again. */
export class Deliverer implements HookSender {
  readonly #hooks: Hooks
  readonly #secrets: HookSecrets
  readonly #fetch: GuardedFetch
  readonly #now: () => Date
  #stopped = false
  readonly #receivers: Readonly<Record<Hook['format'], Receiver>>
  constructor(hooks: Hooks, secrets: HookSecrets, fetch: GuardedFetch, now: () => Date = () => new Date()) {
    this.#hooks = hooks
    this.#secrets = secrets
    this.#fetch = fetch
    this.#now = now
    this.#receivers = {
      'standard-webhooks': new StandardWebhooks(hooks, fetch, now),
      scim: new ScimReceiver(hooks, fetch),
    }
  }

  /** Ends delivering after what is being sent. */
  stop(): void {
    this.#stopped = true
  }

  problemOf = (url: string): string | undefined => this.#fetch.problemOf(url)

  async test(key: Key): Promise<HookAttempt> {
    const at = this.#now()
    const hook = await this.#hooks.peek(key)
    const open = hook && this.#opened(hook)
    if (!open) return { at, error: SEALED }
    return { at, ...(await this.#receivers[open.format].test(open)) }
  }

  /** Whether it is all done: nobody else was at it, and nothing is left. */
  async deliver(key: Key): Promise<boolean> {
    const now = this.#now()
    const turnEnds = performance.now() + TURN
    let claimed = await this.#hooks.claim(key, randomUUID(), now, new Date(now.getTime() + LEASE))
    if (!claimed) return false
    try {
      while (performance.now() < turnEnds && !this.#stopped) {
        const progress: Progress | undefined = await this.#step(claimed)
        if (!progress) return true
        const until = new Date(this.#now().getTime() + LEASE)
        if (!(await this.#hooks.record(claimed, progress, until))) return false
        if (progress.condition !== 'running') return true
        if (progress.attempt.error !== undefined) return false
        claimed = after(claimed, progress)
      }
      return false
    } finally {
      await this.#hooks.release(claimed)
    }
  }

  /** Sends the next there is. */
  async #step(claimed: ClaimedHook): Promise<Progress | undefined> {
    const hook = this.#opened(claimed)
    if (!hook) return this.#progress(claimed, { error: SEALED }, {}, SEALED)
    const receiver = this.#receivers[hook.format]
    if (hook.resync) {
      const { next, ...outcome } = await receiver.resync(hook, hook.resync)
      const end = { place: { revision: BigInt(hook.resync.revision), ordinal: END }, resync: null }
      return this.#progress(claimed, outcome, next ? { resync: next } : end)
    }
    const events = await this.#hooks.events(hook, MOST)
    if (events.length === 0) return undefined
    const { taken, lost, ...outcome } = await receiver.send(hook, events)
    if (lost) {
      await this.#hooks.startResync(hook, randomUUID())
      return this.#progress(claimed, outcome, {})
    }
    return this.#progress(claimed, outcome, placeOf(events, taken))
  }

  #progress(
    { attempts }: ClaimedHook,
    { status, error }: Outcome,
    done: Pick<Progress, 'place' | 'resync'>,
    stop = status === 410 ? 'It answered 410: it is gone for good' : undefined,
  ): Progress {
    const at = this.#now()
    const attempt = { at, ...(status === undefined ? {} : { status }), ...(error === undefined ? {} : { error }) }
    if (error === undefined) return { attempt, attempts: 0, condition: 'running', ...done }
    const wait = RETRIES[attempts]
    if (wait !== undefined && stop === undefined) {
      return { attempt, attempts: attempts + 1, condition: 'running', nextAttemptAt: new Date(at.getTime() + wait) }
    }
    const reason = stop ?? `It was tried ${attempts + 1} times: ${error}`
    return { attempt, attempts: attempts + 1, condition: 'stopped', reason }
  }

  #opened<Sealed extends Omit<ClaimedHook, 'lease'>>(hook: Sealed): (Sealed & OpenHook) | undefined {
    const open = hook.secrets.flatMap((sealed) => this.#secrets.unseal(hook.id, sealed) ?? [])
    return open.length > 0 ? { ...hook, open } : undefined
  }
}

const SEALED = 'Its secret was kept under another SECRET_KEY: rotate it'

const placeOf = (events: readonly LoggedEvent[], taken: number): Pick<Progress, 'place'> => {
  const last = events[taken - 1]
  return last ? { place: { revision: last.revision, ordinal: last.ordinal } } : {}
}

/** As it is once that is recorded. */
function after({ resync: was, ...claimed }: ClaimedHook, { place, resync, attempts }: Progress): ClaimedHook {
  const now = resync === undefined ? was : (resync ?? undefined)
  return { ...claimed, ...place, attempts, ...(now ? { resync: now } : {}) }
}
