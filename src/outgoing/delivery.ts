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
/** Of the log in one reading, and sendings of one hook before others have their turn. */
const MOST = 50
const TURN = 200
/** Hooks of one process. */
const AT_ONCE = 8
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

  /** Ends sweeping after what is being sent. */
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

  /** Everybody who is behind; what goes wrong with one is thrown once the others have had their turn. */
  async sweep(): Promise<void> {
    const due = await this.#hooks.due(this.#now(), MOST)
    const wrong: unknown[] = []
    const next = async (): Promise<void> => {
      for (let key = due.shift(); key && !this.#stopped; key = due.shift()) {
        await this.deliver(key).catch((error: unknown) => wrong.push(error))
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, next))
    if (wrong.length > 0) throw new AggregateError(wrong, 'Some hooks cannot be delivered')
  }

  /** Says when there is more to do for it, if there is. Whatever others do with the hook at the same time. */
  async deliver(key: Key): Promise<Date | undefined> {
    const now = this.#now()
    let claimed = await this.#hooks.claim(key, randomUUID(), now, new Date(now.getTime() + LEASE))
    if (!claimed) return undefined
    try {
      for (let turn = 0; turn < TURN && !this.#stopped; turn += 1) {
        const progress: Progress | undefined = await this.#step(claimed)
        if (!progress) return undefined
        const until = new Date(this.#now().getTime() + LEASE)
        if (!(await this.#hooks.record(claimed, progress, until))) return this.#now()
        if (progress.condition !== 'running') return undefined
        if (progress.attempt.error !== undefined) return progress.nextAttemptAt
        claimed = after(claimed, progress)
      }
      return this.#now()
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
