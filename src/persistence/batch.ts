interface Waiting<Key, Value> {
  readonly key: Key
  readonly resolve: (value: Value) => void
  readonly reject: (error: unknown) => void
}

const MOST = 100
/** A statement that takes longer is not waited for: the next one takes another connection. */
const PATIENCE_MS = 50

/**
 * Reads of one kind, asked for one by one: at rest each is a statement of its own, at once; those that come while one
 * runs share the next (two at once would make smaller batches and are slower). A read never starts before it was asked
 * for.
 */
export class Batch<Key, Value> {
  readonly #read: (keys: readonly Key[]) => Promise<readonly Value[]>
  readonly #waiting: Waiting<Key, Value>[] = []
  /** The statement that the next one waits for. */
  #latest: object | undefined

  /** @param read gives a value for each key, in their order */
  constructor(read: (keys: readonly Key[]) => Promise<readonly Value[]>) {
    this.#read = read
  }

  load(key: Key): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ key, resolve, reject })
      void this.#next()
    })
  }

  async #next(): Promise<void> {
    if (this.#latest || this.#waiting.length === 0) return
    const taken = this.#waiting.splice(0, MOST)
    const own = {}
    this.#latest = own
    const goOn = () => {
      if (this.#latest === own) this.#latest = undefined
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
