import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { hasMoreCards, type ImportedCard, importedCards } from '#vcard'
import type { Actor } from '../actor.ts'
import { DomainError, notFound } from '../errors.ts'
import type { Store } from '../ports.ts'
import { collectionOfBook } from './collection.ts'
import { comparableUid, nameOfId } from './contact.ts'
import type { ContactService } from './contact-service.ts'
import { namedId } from './named-id.ts'
import { invalidCard, keepUid, readSent, uidConflict } from './sent.ts'

/** What came of one card of a file. */
export type Imported = {
  /** Which of the file's cards it is, and the line that it begins in; both from 1. */
  readonly card: number
  readonly line: number
  /** Of the card, where it has one that can be read. */
  readonly uid?: string
} & (
  | { readonly outcome: 'created' | 'updated' | 'same' }
  | { readonly outcome: 'failed'; readonly refused: DomainError }
)

/** Bringing the cards of a file into a book of one's own. */
export class ContactImport {
  readonly #store: Store
  readonly #contacts: ContactService
  constructor(store: Store, contacts: ContactService) {
    this.#store = store
    this.#contacts = contacts
  }

  /**
   * Puts card by card, over the one that has its UID; one that is refused stops no other. Cards of colleagues and teams
   * are nobody's to import. @throws DomainError `not-found` of the book, `need-privileges` of a shared directory's,
   *   `too-much` where there are more cards than `most`
   */
  async *cards(
    actor: Actor,
    bookName: string,
    file: Uint8Array,
    most = Number.POSITIVE_INFINITY,
  ): AsyncGenerator<Imported> {
    const book = await this.#store.books.find(actor, bookName)
    if (!book) throw notFound('You have no such book')
    if (book.directory) throw new DomainError('need-privileges', 'A shared directory has what its managers put into it')
    if (hasMoreCards(file, most))
      throw new DomainError('too-much', `A file has at most ${most} cards: send it in parts`)
    let number = 0
    for (const card of importedCards(file)) {
      number += 1
      yield await this.#one(actor, book.id, number, card)
      await setImmediate() // others are served between any two
    }
  }

  async #one(actor: Actor, bookId: string, card: number, { line, octets, problem }: ImportedCard): Promise<Imported> {
    let uid: string | undefined
    try {
      if (problem) throw invalidCard(problem)
      const sent = readSent(octets)
      uid = sent.uid
      // without a UID it gets one that the same card always gets, so that it is not there twice
      const known = sent.uid ?? `urn:uuid:${namedId(bookId, octets)}`
      const content = sent.uid === undefined ? Buffer.from(keepUid(sent, known).text) : octets
      const outcome = await this.#put(actor, bookId, known, content)
      return { card, line, uid: known, outcome }
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      const told = uid ?? /^UID:(.*\S)/im.exec(octets.toString())?.[1]?.trim()
      return { card, line, ...(told === undefined ? {} : { uid: told }), outcome: 'failed', refused: error }
    }
  }

  async #put(actor: Actor, bookId: string, uid: string, content: Uint8Array): Promise<'created' | 'updated' | 'same'> {
    for (let attempt = 1; ; attempt += 1) {
      const collection = collectionOfBook({ id: bookId })
      const { uidHolder: holder } = await this.#store.contacts.place(actor, collection, '', comparableUid(uid))
      const own = holder && (await this.#store.contacts.place(actor, collection, holder.name, undefined)).own
      if (holder && own?.kind !== 'personal') throw uidConflict(holder.name)
      try {
        const name = holder?.name ?? nameOfId(randomUUID())
        const { created, etag } = await this.#contacts.put(actor, collection, name, content)
        return created ? 'created' : etag === own?.etag ? 'same' : 'updated'
      } catch (error) {
        const late = error instanceof DomainError && error.code === 'uid-conflict' && !holder
        if (!late || attempt >= 2) throw error // else another import put it just now
      }
    }
  }
}
