import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Actor,
  type AddressBooks,
  type Body,
  type Book,
  type BookService,
  type ChangedMember,
  type Changes,
  DomainError,
} from '#domain'
import type { Random } from './random.ts'

export interface Counts {
  syncs: number
  refused: number
  pages: number
  bodies: number
}

/** What a card of an ETag said, for everybody: one ETag never stands for two texts. */
export class Bodies {
  readonly #seen = new Map<string, string>()
  readonly contradictions: string[] = []

  note(etag: string, body: Body, text: string): void {
    const key = `${etag} ${body}`
    const before = this.#seen.get(key)
    if (before === undefined) this.#seen.set(key, text)
    else if (before !== text) this.contradictions.push(`${key}:\n${before}\n${text}`)
  }
}

/** What a device follows: what changed of it, and all that is in it. */
export interface Followed {
  changes(token: string | undefined, body: Body, limit: number | undefined): Promise<Changes<Seen>>
  /** Names and ETags. */
  listing(): Promise<Map<string, string>>
}

/** Of a member: its ETag, and its text if it was asked for. */
export interface Seen {
  readonly etag: string
  readonly card?: { readonly text: string }
}

/** An address book. */
export const book = (actor: Actor, books: AddressBooks, bookId = actor.peopleId): Followed => ({
  changes: (token, body, limit) => books.changes(actor, bookId, token, body, { limit }),
  listing: async () => {
    const found = new Map<string, string>()
    for await (const views of books.cards(actor, bookId, 'none'))
      for (const { name, etag } of views) found.set(name, etag)
    return found
  },
})

/** A person's home, whose members are their books. */
export function home(actor: Actor, books: AddressBooks, own: BookService): Followed {
  const seen = ({ id, displayName }: Book): Seen => ({ etag: `${id} ${displayName}` })
  return {
    changes: async (token, _, limit) => {
      const { members, outcome } = await books.bookChanges(actor, token, limit)
      async function* told() {
        for await (const some of members) {
          yield some.map(({ name, view }) => (view ? { name, view: seen(view) } : { name }))
        }
      }
      return { members: told(), outcome }
    },
    listing: async () => new Map((await own.list(actor)).map((one) => [one.name, seen(one).etag])),
  }
}

/** A device that knows nothing but the sync protocol of one collection. */
export class Client {
  readonly actor: Actor
  readonly replica = new Map<string, string>()
  /** Every name it was ever told. */
  readonly heard = new Set<string>()
  readonly counts: Counts = { syncs: 0, refused: 0, pages: 0, bodies: 0 }
  readonly #followed: Followed
  readonly #random: Random
  readonly #bodies: Bodies
  #token: string | undefined
  /** Tokens it once had; a device restored from a backup of its settings sends such a one. */
  readonly #old: string[] = []

  constructor(actor: Actor, followed: Followed, random: Random, bodies: Bodies) {
    this.actor = actor
    this.#followed = followed
    this.#random = random
    this.#bodies = bodies
  }

  /** Follows with all that goes wrong on the way, until told to stop. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#random.chance(0.01)) this.#forget()
      else if (this.#random.chance(0.05) && this.#token !== undefined) this.#token = this.#random.pick(this.#old)
      await this.#sync(this.#random.chance(0.15))
      await sleep(this.#random.below(200))
    }
  }

  /** The last sync: nothing goes wrong. */
  catchUp = (): Promise<void> => this.#sync(false)

  /** Where the replica is not what a full listing says. */
  async differences(): Promise<string[]> {
    const listing = await this.#followed.listing()
    return [...new Set([...listing.keys(), ...this.replica.keys()])]
      .filter((name) => listing.get(name) !== this.replica.get(name))
      .map((name) => `${this.actor.userId} has ${name} as ${this.replica.get(name)}, but it is ${listing.get(name)}`)
  }

  async #sync(mayStop: boolean): Promise<void> {
    this.counts.syncs += 1
    if (this.#token === undefined) this.#forget() // what an earlier listing that broke off told may be gone
    for (let token = this.#token; ; ) {
      const limit = this.#random.chance(0.5) ? undefined : 1 + this.#random.below(this.#random.chance(0.5) ? 8 : 80)
      const body = this.#random.weighted({ none: 8, stored: 1, '3.0': 1, '4.0': 1 })
      try {
        const changes = await this.#followed.changes(token, body, limit)
        for await (const members of changes.members) this.#apply(members, body)
        const { token: next, complete } = changes.outcome()
        this.counts.pages += 1
        if (complete) return this.#arrived(next)
        if (mayStop && this.#random.chance(0.2)) return // the connection broke: the old token stays
        token = next
        if (mayStop) await sleep(this.#random.below(40))
      } catch (error) {
        if (!(error instanceof DomainError) || error.code !== 'token-refused') throw error
        this.counts.refused += 1
        this.#forget()
        token = undefined
      }
    }
  }

  #apply(members: readonly ChangedMember<Seen>[], body: Body): void {
    for (const { name, view } of members) {
      this.heard.add(name)
      if (!view) {
        this.replica.delete(name)
        continue
      }
      this.replica.set(name, view.etag)
      if (!view.card) continue
      this.counts.bodies += 1
      this.#bodies.note(view.etag, body, view.card.text)
    }
  }

  #arrived(token: string): void {
    this.#token = token
    this.#old.push(token)
    if (this.#old.length > 20) this.#old.shift()
  }

  #forget(): void {
    this.replica.clear()
    this.#token = undefined
  }
}
