const WINDOW_MS = 60_000
const LIMIT = 20
const MAX_KEYS = 50_000

/** An address as guessing is counted by it: of IPv6 the /64, which one subscriber has. */
function network(address: string): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address
  const [head = '', tail] = address.split('::').map((part) => part.split(':').filter((group) => group !== ''))
  const zeros = Array<string>(Math.max(0, 8 - head.length - (tail?.length ?? 0))).fill('0')
  return [...head, ...(tail ? [...zeros, ...tail] : [])].slice(0, 4).join(':')
}

/**
 * Counts wrong passwords by user name and by address. Only failures count and only failures are refused for it: a
 * right secret is always let in, so nobody locks anybody else out.
 */
export class Failures {
  readonly #counts = new Map<string, { count: number; until: number }>()

  /** Notes one; true if there were too many of late. */
  note(username: string, address: string): boolean {
    const now = performance.now()
    if (this.#counts.size > MAX_KEYS) this.#counts.clear()
    return [`name ${username.toLowerCase()}`, `address ${network(address)}`]
      .map((key) => {
        const before = this.#counts.get(key)
        const entry = before && before.until > now ? before : { count: 0, until: now + WINDOW_MS }
        entry.count += 1
        this.#counts.set(key, entry)
        return entry.count > LIMIT
      })
      .includes(true)
  }
}
