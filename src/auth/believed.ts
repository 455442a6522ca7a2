import { hash, randomBytes } from 'node:crypto'

/** How long what was verified is believed without asking the database: half of what a deactivation may take. */
const BELIEVED_MS = 500
const MAX_BELIEVED = 10_000

/** What secrets have lately shown to be right for; who comes again meanwhile with one that is being asked about waits for the answer. */
export class Believed<Value> {
  readonly #believed = new Map<string, { readonly value: Value; readonly until: number }>()
  readonly #asking = new Map<string, Promise<Value | undefined>>()
  /** Keys the hashes that memory knows the secrets by. In front, in one call: an HMAC object costs a poll a tenth of its time. */
  readonly #key = randomBytes(32).toString('base64url')

  /** What `ask` says of the secret, or said within the last 500 ms; that nothing is right for it is never believed. */
  async verify(secret: string, ask: () => Promise<Value | undefined>): Promise<Value | undefined> {
    const key = hash('sha256', `${this.#key}\0${secret}`, 'base64url')
    const believed = this.#believed.get(key)
    if (believed && believed.until > performance.now()) return believed.value
    const asked = this.#asking.get(key)
    if (asked) return await asked
    const asking = this.#ask(key, ask).finally(() => this.#asking.delete(key))
    this.#asking.set(key, asking)
    return await asking
  }

  async #ask(key: string, ask: () => Promise<Value | undefined>): Promise<Value | undefined> {
    const until = performance.now() + BELIEVED_MS
    const value = await ask()
    this.#believed.delete(key)
    if (value === undefined) return undefined
    if (this.#believed.size >= MAX_BELIEVED) this.#believed.clear()
    this.#believed.set(key, { value, until })
    return value
  }
}

const USED_EVERY_MS = 5 * 60_000

/** Whether the time of last use is to be written again: every 5 minutes at most. */
export const isUseWorthNoting = (lastUsedAt: Date | undefined, now: Date): boolean =>
  !lastUsedAt || now.getTime() - lastUsedAt.getTime() > USED_EVERY_MS
