import type { Actor, Id } from '../actor.ts'
import { notFound } from '../errors.ts'
import type { ChangedMember, Store } from '../ports.ts'
import type { AddressBooks } from './address-book.ts'
import { collectionOfBook } from './collection.ts'
import { type CardView, idInName } from './contact.ts'
import type { SeenContact } from './seen.ts'

/** A contact as lists tell it. */
export type ListedContact = Pick<SeenContact, 'id' | 'kind' | 'isMe' | 'book' | 'name' | 'text'>

/** What changed in a book: under each name the contact that is there now, or none. */
export interface FeedPage {
  readonly items: readonly { readonly name: string; readonly contact?: ListedContact }[]
  readonly book: SeenContact['book']
  /** Where the next question starts: a token of the book, as devices have them. */
  readonly token: string
  /** Whether more changed already. */
  readonly more: boolean
}

/** What changed in a person's book since they last asked: the devices' change tokens (docs/sync.md), told as contacts. */
export class ContactFeed {
  readonly #store: Store
  readonly #addressBooks: AddressBooks
  constructor(store: Store, addressBooks: AddressBooks) {
    this.#store = store
    this.#addressBooks = addressBooks
  }

  /**
   * Without a token everything that is there. Teams' cards are no contacts, so they are passed over; a name that is gone is
   * told whatever it was of. @throws DomainError `not-found` of the book, `token-refused`
   */
  async changes(actor: Actor, bookName: string, since: string | undefined, limit: number): Promise<FeedPage> {
    const found = await this.#store.books.find(actor, bookName)
    if (!found) throw notFound('You have no such book')
    const book = { id: found.id, name: found.name, ...(found.directory ? { directory: found.directory } : {}) }
    const changes = await this.#addressBooks.changes(actor, collectionOfBook(book), since, '4.0', {
      limit,
      brief: true,
    })
    const members: ChangedMember[] = []
    for await (const read of changes.members) members.push(...read)
    const { token, complete } = changes.outcome()
    const ids = await this.#ids(actor, book.id, members)
    const items = members.flatMap(({ name, view }) => {
      if (!view) return [{ name }]
      const { kind, card } = view
      if (kind === 'team' || !card) return []
      const known = ids.get(name)
      const id = kind === 'personal' ? known?.id : idInName(name)
      // deleted since its name was read: the next question would tell it
      return id === undefined
        ? [{ name }]
        : [
            {
              name,
              contact: {
                id,
                kind: kind === 'directory' ? 'entry' : kind,
                isMe: known?.isMe ?? false,
                book,
                name,
                text: card.text,
              },
            },
          ]
    })
    return { items, book, token, more: !complete }
  }

  /** Of the person's own cards and profile among them. */
  async #ids(actor: Actor, bookId: Id, members: readonly ChangedMember<CardView>[]) {
    const names = members.flatMap(({ name, view }) => (view ? [name] : []))
    const rows = names.length === 0 ? [] : await this.#store.seenContacts.own(actor, bookId, names)
    return new Map(rows.map((row) => [row.name, row]))
  }
}
