import type { Actor, Id } from '../actor.ts'
import { DomainError, notFound } from '../errors.ts'
import type { BookChanges, ClientProperty, Member, Store } from '../ports.ts'
import { updateBook } from './book-service.ts'
import { collectionId, directoryOf } from './collection.ts'
import { assertCondition, type Condition } from './condition.ts'
import { assertUnlocked } from './lock.ts'

/** Without a value it goes. */
export interface PropertyChange {
  readonly name: string
  readonly value?: string
}

const MAX_PROPERTY_BYTES = 256 * 1024
/** Of all that one person's clients keep. */
const MAX_BYTES = 16 * 1024 * 1024

/** What clients keep beside a person's cards, books and home. */
export class ClientPropertyService {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  list = (actor: Actor, collectionId: Id, members: readonly string[]): Promise<ClientProperty[]> =>
    this.#store.clientProperties.list(actor, collectionId, members)

  /**
   * Changes them, and what a book says of itself, all or nothing.
   * @throws DomainError `invalid-data`, `too-much`, `not-found`, `precondition-failed`, `locked`
   */
  async change(
    actor: Actor,
    of: Member,
    changes: readonly PropertyChange[],
    book: BookChanges = {},
    condition: Condition = {},
  ): Promise<void> {
    if (changes.some(({ name, value = '' }) => Buffer.byteLength(name + value) > MAX_PROPERTY_BYTES)) {
      throw new DomainError('too-much', `A property has at most ${MAX_PROPERTY_BYTES} bytes`)
    }
    await this.#store.transaction(async (transaction) => {
      const isShared = directoryOf(of.collection) !== undefined
      if (of.name === '' && (isShared || Object.keys(book).length > 0)) {
        await updateBook(transaction, actor, of.collection, book, condition)
      } else {
        if (isShared && !(await transaction.books.lock(actor, of.collection))) throw notFound()
        const locks = await transaction.locks.list(actor, collectionId(of.collection))
        const [view] =
          of.name === '' ? [] : await transaction.collections.named(actor, of.collection, [of.name], 'none')
        assertCondition(condition, { etag: view?.etag ?? '', locks })
        assertUnlocked(locks, { member: of.name, membership: false }, condition.named)
      }
      for (const { name, value } of changes) {
        if (value === undefined) await transaction.clientProperties.remove(actor, of, name)
        else await transaction.clientProperties.set(actor, of, name, value)
      }
      if (changes.length > 0 && (await transaction.clientProperties.size(actor)) > MAX_BYTES) {
        throw new DomainError('too-much', 'Your clients keep too much: remove some of it')
      }
    })
  }
}
