import { randomUUID } from 'node:crypto'
import type { Actor } from '../actor.ts'
import { DomainError, notFound } from '../errors.ts'
import type { Book, BookChanges, Store, Transaction } from '../ports.ts'
import { type Collection, collectionOfBook, directoryInBookName } from './collection.ts'
import { assertBookFree, type Condition } from './condition.ts'

/** Clients write the alpha too. */
const COLOR = /^#[0-9a-f]{3,8}$/i

/** What a book cannot be like, in words; undefined where nothing is wrong. */
export function bookProblem({ displayName, description, color }: BookChanges): string | undefined {
  if (displayName !== undefined && displayName.length > 500) return 'The name of a book has at most 500 characters'
  if (description && description.length > 10_000) return 'The description of a book has at most 10,000 characters'
  return color && !COLOR.test(color) ? 'A color is written as #rrggbb' : undefined
}

/** @throws DomainError `invalid-data` */
function assertChanges(changes: BookChanges): void {
  const problem = bookProblem(changes)
  if (problem !== undefined) throw new DomainError('invalid-data', problem)
}

/** @throws DomainError `invalid-name` */
export function assertName(name: string): void {
  if (Buffer.byteLength(name) > 255) throw new DomainError('invalid-name', 'A name has at most 255 bytes')
}

/** What is called so is a shared directory. @throws DomainError `invalid-name` */
function assertBookName(name: string): void {
  assertName(name)
  if (directoryInBookName(name) !== undefined) {
    throw new DomainError('invalid-name', 'Names such as this are those of shared directories')
  }
}

/** A person's own books. What changes about them is told in the person's stream, under the book's name. */
export class BookService {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  list = (actor: Actor): Promise<Book[]> => this.#store.books.list(actor)
  find = (actor: Actor, name: string): Promise<Book | undefined> => this.#store.books.find(actor, name)

  /** What the person's own cards take, in bytes. */
  bytes = (actor: Actor): Promise<number> => this.#store.books.bytes(actor)

  /** @throws DomainError `already-exists`, `invalid-name`, `invalid-data` */
  async create(
    actor: Actor,
    name: string,
    wanted: BookChanges,
    properties: ReadonlyMap<string, string> = new Map(),
  ): Promise<Book> {
    assertBookName(name)
    assertChanges(wanted)
    const book: Book = {
      id: randomUUID(),
      ownerId: actor.userId,
      name,
      displayName: wanted.displayName ?? name,
      ...(wanted.description ? { description: wanted.description } : {}),
      ...(wanted.color ? { color: wanted.color } : {}),
      createdAt: new Date(),
    }
    await this.#store.transaction(async (transaction) => {
      if (!(await transaction.books.insert(actor, book))) {
        throw new DomainError('already-exists', `There is a book "${name}" already`)
      }
      for (const [property, value] of properties) {
        await transaction.clientProperties.set(actor, { collection: book.id, name: '' }, property, value)
      }
      record(transaction, actor, name)
    })
    return book
  }

  /** Says something else of a book, all of it or nothing. @throws DomainError */
  async update(actor: Actor, collection: Collection, changes: BookChanges, condition: Condition = {}): Promise<void> {
    await this.#store.transaction((transaction) => updateBook(transaction, actor, collection, changes, condition))
  }

  /** Gives the book another address. @throws DomainError `need-privileges`, `already-exists`, `invalid-name`, `locked` */
  async move(
    actor: Actor,
    collection: Collection,
    name: string,
    overwrite: boolean,
    condition: Condition = {},
  ): Promise<boolean> {
    assertBookName(name)
    return await this.#store.transaction(async (transaction) => {
      const book = await own(transaction, actor, collection)
      const { id } = book
      await assertBookFree(transaction, actor, id, condition, true)
      const there = await transaction.books.find(actor, name)
      if (there && !overwrite) throw new DomainError('precondition-failed', `There is a book "${name}" already`)
      if (there) await deleteBook(transaction, actor, collectionOfBook(there), condition)
      await transaction.books.update(actor, id, { name })
      await transaction.locks.release(actor, id, '')
      record(transaction, actor, book.name)
      record(transaction, actor, name)
      return there !== undefined
    })
  }

  /** Deletes the book and the cards in it, whose versions are kept. @throws DomainError `need-privileges`, `locked` */
  async delete(actor: Actor, collection: Collection, condition: Condition = {}): Promise<void> {
    await this.#store.transaction((transaction) => deleteBook(transaction, actor, collection, condition))
  }
}

const record = (transaction: Transaction, { organizationId, userId }: Actor, name: string): void =>
  transaction.record(organizationId, { streamId: userId, member: name, kind: 'book' })

/** The book, locked. @throws DomainError `not-found`, `need-privileges` where it is a shared directory */
async function locked(transaction: Transaction, actor: Actor, collection: Collection): Promise<Book> {
  const book = await transaction.books.lock(actor, collection)
  if (!book) throw notFound()
  if (book.directory) throw new DomainError('need-privileges', 'This book is a shared directory: it stays as it is')
  return book
}

/** Likewise; the merged one stays where it is. */
async function own(transaction: Transaction, actor: Actor, collection: Collection): Promise<Book> {
  const book = await locked(transaction, actor, collection)
  if (book.id === actor.peopleId)
    throw new DomainError('need-privileges', 'This book stays: it is the one of all colleagues')
  return book
}

export async function updateBook(
  transaction: Transaction,
  actor: Actor,
  collection: Collection,
  changes: BookChanges,
  condition: Condition,
): Promise<void> {
  assertChanges(changes)
  const { id, name } = await locked(transaction, actor, collection)
  await assertBookFree(transaction, actor, id, condition, false)
  await transaction.books.update(actor, id, changes)
  record(transaction, actor, name)
}

async function deleteBook(
  transaction: Transaction,
  actor: Actor,
  collection: Collection,
  condition: Condition,
): Promise<void> {
  const { id, name } = await own(transaction, actor, collection)
  await assertBookFree(transaction, actor, id, condition, true)
  await transaction.contacts.deleteAll(actor.organizationId, id)
  await transaction.books.delete(actor, id)
  record(transaction, actor, name)
}
