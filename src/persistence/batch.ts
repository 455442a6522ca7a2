interface Waiting<Key, Value> {
  readonly key: Key
  readonly resolve: (value: Value) => void
  readonly reject: (error: unknown) => void
}

const MOST = 100
/** A statement that takes longer is not waited for: the next one takes another connection. */
const PATIENCE_MS = 50

/** How much goes in one statement, and how many run at once. */
export interface BatchLimits<Key> {
  /** How much a key asks for, where they differ. */
  readonly weight?: (key: Key) => number
  /** Of keys, or of their weights: a key that is heavier goes alone. */
  readonly most?: number
  readonly atOnce?: number
}

/**
 * Reads of one kind, asked for one by one: at rest each is a statement of its own, at once; those that come while one
 * runs share the next (of light ones two at once would make smaller batches and are slower). A read never starts before
 * it was asked for.
 */
export class Batch<Key, Value> {
  readonly #read: (keys: readonly Key[]) => Promise<readonly Value[]>
  readonly #limits: Required<BatchLimits<Key>>
  readonly #waiting: Waiting<Key, Value>[] = []
  /** Statements that the next one waits for. */
  #running = 0

  /** @param read gives a value for each key, in their order */
  constructor(read: (keys: readonly Key[]) => Promise<readonly Value[]>, limits: BatchLimits<Key> = {}) {
    this.#read = read
    this.#limits = { weight: () => 1, most: MOST, atOnce: 1, ...limits }
  }

  load(key: Key): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ key, resolve, reject })
      void this.#next()
    })
  }

  #take(): Waiting<Key, Value>[] {
    const { weight, most } = this.#limits
    let sum = 0
    const end = this.#waiting.findIndex(({ key }, at) => {
      sum += weight(key)
      return at > 0 && sum > most
    })
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end)
  }

  async #next(): Promise<void> {
    if (this.#running >= this.#limits.atOnce || this.#waiting.length === 0) return
    const taken = this.#take()
    let isWaitedFor = true
    this.#running += 1
    const goOn = () => {
      if (isWaitedFor) this.#running -= 1
      isWaitedFor = false
      void this.#next()
    }
    const patience = setTimeout(goOn, PATIENCE_MS)
    try {
      const values = await this.#read(taken.map(({ key }) => key))
      taken.forEach(({ resolve }, at) => {
        resolve(values[at] as Value) // one for each key
      })
    } catch (error) {
      for (const { reject } of taken) reject(error)
    } finally {
      clearTimeout(patience)
      goOn()
    }
  }
}
