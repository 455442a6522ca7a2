import type { Actor } from '../actor.ts'
import { type ChangeToken, formatToken, type Heads, parseToken, remembers, tokenRefused } from '../changes.ts'
import type { Book, ChangedMember, Collections, Narrowing, Store } from '../ports.ts'
import { type Collection, collectionId } from './collection.ts'
import { type Body, type CardView, isFull, type Shown } from './contact.ts'

/** Rows of one short query, at most: with bodies few, without them many. */
const pageSize = (body: Body): number => (body === 'none' || body === 'etag' ? 2_000 : 1_000)

/** So many cards are looked up by their names; more are read as they come. */
const FEW = 2_000

/** An answer to "what changed?": rows as they are read, and once they are, the token that goes on from there. */
export interface Changes<View = CardView> {
  readonly members: AsyncIterable<readonly ChangedMember<View>[]>
  /** Known when `members` is read to its end. */
  outcome(): { readonly token: string; readonly complete: boolean }
}

/** How much of what changed is asked for at once. */
interface Asked {
  /** Members, at most. */
  readonly limit?: number | undefined
  /** Whether to end where one read does, so that the whole answer may be held. */
  readonly brief?: boolean
}

/** How the members of a collection are read, in the order of their names. */
interface Reader<View> {
  /** Members in one read, at most. */
  readonly size: number
  /** Whether a read may have ended early. */
  isFull(page: readonly ChangedMember<View>[]): boolean
  page(after: string, count: number): Promise<readonly ChangedMember<View>[]>
  changed(since: Heads, until: Heads, after: string, count: number): Promise<readonly ChangedMember<View>[]>
}

/** Reading address books. Pages are read one by one, so a slow reader holds nothing. */
export class AddressBooks {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  /** The state of the collection, from its stream rows alone. */
  async token(actor: Actor, collection: Collection): Promise<string> {
    const { base, own } = await this.#store.collections.streams(actor, collection)
    return formatToken({ collectionId: collectionId(collection), base, own })
  }

  async card<Of extends Body>(
    actor: Actor,
    collection: Collection,
    name: string,
    body: Of,
  ): Promise<Shown<Of> | undefined> {
    return (await this.#store.collections.named(actor, collection, [name], body))[0]
  }

  /** All cards in the order of their names. */
  async *cards<Of extends Body>(
    actor: Actor,
    collection: Collection,
    body: Of,
    narrowing?: Narrowing,
  ): AsyncGenerator<readonly Shown<Of>[]> {
    const limit = pageSize(body)
    for (let after = ''; ; ) {
      const page = await this.#store.collections.page(actor, collection, after, limit, body, narrowing)
      if (page.length > 0) yield page
      const last = page.at(-1)
      if (!last || (page.length < limit && !isFull(page, body))) return
      after = last.name
    }
  }

  /**
   * At least every card that passes the narrowing: looked up by an index where few do, else read in the order of names.
   */
  async *matching<Of extends Body>(
    actor: Actor,
    collection: Collection,
    narrowing: Narrowing | undefined,
    body: Of,
  ): AsyncGenerator<readonly Shown<Of>[]> {
    const names = narrowing && (await this.#store.collections.search(actor, collection, narrowing, FEW + 1))
    if (!names || names.length > FEW) return yield* this.cards(actor, collection, body, narrowing)
    for await (const members of this.named(actor, collection, names.sort(), body)) {
      yield members.flatMap(({ view }) => view ?? [])
    }
  }

  /** The cards of those names, each once; a name without a card gives none. */
  async *named<Of extends Body>(
    actor: Actor,
    collection: Collection,
    names: Iterable<string>,
    body: Of,
  ): AsyncGenerator<readonly ChangedMember<Shown<Of>>[]> {
    const wanted = [...new Set(names)]
    const size = pageSize(body)
    if (wanted.length > size) wanted.sort() // each read finds its cards side by side in the index
    for (let at = 0; at < wanted.length; at += size) {
      let asked = wanted.slice(at, at + size)
      while (asked.length > 0) {
        const views = await this.#store.collections.named(actor, collection, asked, body)
        const found = new Map(views.map((view) => [view.name, view]))
        const full = isFull(views, body)
        yield asked.flatMap((name) => {
          const view = found.get(name)
          if (view) return { name, view }
          return full ? [] : { name }
        })
        asked = full ? asked.filter((name) => !found.has(name)) : []
      }
    }
  }

  /**
   * What changed since the token; without one, everything. With a limit, at most so many members and a token to go on
   * with. @throws DomainError `token-refused`
   */
  async changes<Of extends Body>(
    actor: Actor,
    collection: Collection,
    text: string | undefined,
    body: Of,
    asked: Asked = {},
  ): Promise<Changes<Shown<Of>>> {
    const { collections } = this.#store
    return await this.#changes(actor, collection, text, asked, {
      size: pageSize(body),
      isFull: (page) =>
        isFull(
          page.map(({ view }) => view),
          body,
        ),
      page: async (after, count) =>
        (await collections.page(actor, collection, after, count, body)).map((view) => ({ name: view.name, view })),
      changed: (since, until, after, count) =>
        collections.changed(actor, collection, { since, until, after, limit: count }, body),
    })
  }

  /** The same of a person's home: which books came, went or changed. @throws DomainError `token-refused` */
  async bookChanges(actor: Actor, text: string | undefined, limit?: number): Promise<Changes<Book>> {
    const { books } = this.#store
    return await this.#changes(
      actor,
      actor.userId,
      text,
      { limit },
      {
        size: pageSize('none'),
        isFull: () => false,
        page: async (after, count) => {
          const all = (await books.list(actor)).filter(({ name }) => name > after)
          const sorted = all.sort((one, other) => (one.name < other.name ? -1 : 1))
          return sorted.slice(0, count).map((view) => ({ name: view.name, view }))
        },
        changed: (since, until, after, count) => books.changed(actor, since, until, after, count),
      },
    )
  }

  async #changes<View>(
    actor: Actor,
    collection: Collection,
    text: string | undefined,
    { limit, brief = false }: Asked,
    reader: Reader<View>,
  ): Promise<Changes<View>> {
    const token = text === undefined ? undefined : parseToken(text)
    const id = collectionId(collection)
    if (token && token.collectionId !== id) throw tokenRefused()
    const until = await this.#validHeads(actor, collection, token)
    const since = token?.page ? token.page.since : token
    const { collections } = this.#store
    const nothing = since !== undefined && unchanged(since, until) && !token?.page
    const read = (after: string, count: number): Promise<readonly ChangedMember<View>[]> => {
      if (!since) return reader.page(after, count)
      return nothing ? Promise.resolve([]) : reader.changed(since, until, after, count)
    }
    // Changes may be pruned while they are read: the token that was sent, refused from now on, has the client list anew.
    const readAll = async () =>
      !since || nothing || isRemembered(await collections.streams(actor, collection, since), since)
    let outcome: { token: string; complete: boolean } | undefined
    async function* members() {
      let after = token?.page?.after ?? ''
      for (let left = limit ?? Number.POSITIVE_INFINITY; ; ) {
        const size = Math.min(reader.size, left)
        const page = await read(after, size + 1)
        const shown = page.slice(0, size)
        const last = shown.at(-1)
        if (last) {
          yield shown
          after = last.name
          left -= shown.length
        }
        const complete = page.length <= size && !reader.isFull(page)
        if (complete || left <= 0 || (brief && reader.isFull(page))) {
          const goOn: ChangeToken['page'] = { after, ...(since ? { since: { base: since.base, own: since.own } } : {}) }
          const fresh = { collectionId: id, base: until.base, own: until.own, ...(complete ? {} : { page: goOn }) }
          outcome = { token: (await readAll()) || text === undefined ? formatToken(fresh) : text, complete }
          return
        }
      }
    }
    return {
      members: members(),
      outcome: () => {
        if (!outcome) throw new TypeError('the members are not read to their end')
        return outcome
      },
    }
  }

  /** The heads to answer up to: those of now, or those frozen by the first page. Everything the token carries is checked. */
  async #validHeads(actor: Actor, collection: Collection, token: ChangeToken | undefined): Promise<Heads> {
    const { collections } = this.#store
    const now = await collections.streams(actor, collection, token)
    if (!token) return now
    assertRemembered(now, token)
    if (!token.page) return now
    if (token.page.since)
      assertRemembered(await collections.streams(actor, collection, token.page.since), token.page.since)
    return { base: token.base, own: token.own }
  }
}

type States = Awaited<ReturnType<Collections['streams']>>

const isRemembered = ({ base, own }: States, claimed: Heads): boolean =>
  remembers(base, claimed.base) && remembers(own, claimed.own)

function assertRemembered(states: States, claimed: Heads): void {
  if (!isRemembered(states, claimed)) throw tokenRefused()
}

const unchanged = (since: Heads, until: Heads): boolean =>
  since.base.revision === until.base.revision && since.own.revision === until.own.revision
