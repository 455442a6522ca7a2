import { randomUUID } from 'node:crypto'
import { dataProblems, parseVCard, readData, writeData } from '#vcard'
import type { Actor, Id } from '../actor.ts'
import type { DirectoryKey } from '../contacts/collection.ts'
import { type Contact, generated, nameOfId } from '../contacts/contact.ts'
import { assertData, type ContactChange, merged } from '../contacts/data-service.ts'
import { baseCard, recomputeOverrides } from '../contacts/profile.ts'
import { readSearch } from '../contacts/seen.ts'
import { notFound } from '../errors.ts'
import type { Store, Transaction } from '../ports.ts'
import { getDirectory, holdManaged, keyOf } from './access.ts'
import type { Entry } from './shared-directory.ts'

/** Throws where an entry as it is now may not be written. */
type Check = (now: Entry) => void

const toEntry = ({ id, name, etag, text, text4 = text }: Contact): Entry => ({ id, name, etag, text: text4 })

/** The contacts of a shared directory: who sees it reads them, its managers write them. */
export class DirectoryEntryService {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  /** After that name, in the order of names. @throws DomainError `not-found` */
  async page(
    actor: Actor,
    id: Id,
    q: string,
    after: string,
    limit: number,
  ): Promise<{ items: Entry[]; next?: string }> {
    const key = keyOf(await getDirectory(this.#store, actor, id))
    const { words, digits } = readSearch(q)
    const sought = digits === undefined ? words : [digits]
    const found = await this.#store.sharedDirectories.entries(key, sought, after, limit + 1)
    const items = found.slice(0, limit)
    const last = items.at(-1)
    return found.length > limit && last ? { items, next: last.name } : { items }
  }

  /** @throws DomainError `not-found` */
  async get(actor: Actor, id: Id, entryId: Id): Promise<Entry> {
    const key = keyOf(await getDirectory(this.#store, actor, id))
    const entry = await this.#store.sharedDirectories.entry(key, entryId)
    if (!entry) throw notFound()
    return entry
  }

  /** @throws DomainError `not-found`, `need-privileges`, `invalid-data` */
  async create(actor: Actor, id: Id, data: ContactChange): Promise<Entry> {
    return await this.#store.transaction(async (transaction) => {
      const key = await holdManaged(transaction, actor, id)
      assertData(dataProblems(data, true))
      const entryId = randomUUID()
      const empty = `BEGIN:VCARD\r\nVERSION:4.0\r\nPRODID:-//Kith//Kith//EN\r\nUID:urn:uuid:${entryId}\r\nEND:VCARD\r\n`
      const entry: Contact = {
        id: entryId,
        kind: 'directory',
        directoryId: key.id,
        name: nameOfId(entryId),
        uid: entryId,
        listed: true,
        ...generated(writeData(parseVCard(empty), data)),
      }
      await transaction.contacts.insert(key.organizationId, [entry])
      record(transaction, key, entry)
      return toEntry(entry)
    })
  }

  /**
   * Merges `data` into an entry as RFC 7396 does; it is worked out anew under every layer over it.
   * @throws DomainError `not-found`, `need-privileges`, `invalid-data`, and what `check` throws
   */
  async amend(actor: Actor, id: Id, entryId: Id, data: ContactChange, check?: Check): Promise<Entry> {
    return await this.#store.transaction(async (transaction) => {
      const { key, entry } = await hold(transaction, actor, id, entryId)
      check?.(toEntry(entry))
      const card = baseCard(entry)
      const saved: Contact = { ...entry, ...generated(writeData(card, merged(readData(card), data))) }
      if (saved.etag === entry.etag) return toEntry(entry)
      await transaction.contacts.replace(key.organizationId, saved, entry.etag)
      await recomputeOverrides(transaction, key.organizationId, saved)
      record(transaction, key, saved)
      return toEntry(saved)
    })
  }

  /** What people laid over it stays theirs, as a personal card. @throws DomainError `not-found`, `need-privileges`, as `check` */
  async remove(actor: Actor, id: Id, entryId: Id, check?: Check): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const { key, entry } = await hold(transaction, actor, id, entryId)
      check?.(toEntry(entry))
      await transaction.contacts.markDeleted(key.organizationId, entry.id)
      await transaction.contacts.freezeOverrides(key.organizationId, entry)
      record(transaction, key, entry)
    })
  }
}

async function hold(transaction: Transaction, actor: Actor, id: Id, entryId: Id) {
  const key = await holdManaged(transaction, actor, id)
  const entry = await transaction.contacts.lockEntry(key, entryId)
  if (!entry) throw notFound()
  return { key, entry }
}

/** One row, however many organizations and layers there are. */
const record = (transaction: Transaction, { organizationId, id }: DirectoryKey, { name }: Contact): void =>
  transaction.record(organizationId, { streamId: id, member: name, kind: 'card' })
