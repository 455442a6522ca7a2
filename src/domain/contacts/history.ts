import { type Actor, asId, type Id } from '../actor.ts'
import { notFound } from '../errors.ts'
import type { Store } from '../ports.ts'
import type { CardVersion, VersionPosition, VersionRow, VersionsWanted } from '../ports-history.ts'
import { collectionId, collectionOfBook } from './collection.ts'
import { idInName, nameInLine } from './contact.ts'
import type { ContactService } from './contact-service.ts'

/** An earlier version: of which contact, what it was called, when it was replaced or deleted. */
export interface Version extends VersionRow {
  /** Of a colleague that of the profile, as contacts are told. */
  readonly contactId: Id
  readonly fullName: string
}

export interface VersionPage {
  readonly items: readonly Version[]
  readonly next?: VersionPosition
}

const PAGE = 500

/** Earlier versions of a person's own cards and layers, kept for 30 days. */
export class HistoryService {
  readonly #store: Store
  readonly #contacts: ContactService
  constructor(store: Store, contacts: ContactService) {
    this.#store = store
    this.#contacts = contacts
  }

  /** What was replaced or deleted, newest first. Of the person's own profile only what they themselves had changed. */
  async page(
    actor: Actor,
    wanted: VersionsWanted,
    after: VersionPosition | undefined,
    limit: number,
  ): Promise<VersionPage> {
    const found = await this.#store.cardVersions.page(actor, wanted, after, limit + 1)
    const items = found.slice(0, limit).map(toVersion)
    const last = items.at(-1)
    return found.length > limit && last ? { items, next: last.position } : { items }
  }

  /** All of it; of one card, by its name or the id in it, if one is named. */
  async list(actor: Actor, card?: string): Promise<Version[]> {
    const name = card === undefined || asId(card) === undefined ? card : `${card}.vcf`
    const all: Version[] = []
    for (let after: VersionPosition | undefined; ; ) {
      const { items, next } = await this.page(actor, { name }, after, PAGE)
      all.push(...items)
      if (!next) return all
      after = next
    }
  }

  /** @throws DomainError `not-found` */
  async get(actor: Actor, versionId: string): Promise<CardVersion & Version> {
    const id = asId(versionId)
    const version = id && (await this.#store.cardVersions.find(actor, id))
    if (!version) throw notFound(`You have no version "${versionId}"`)
    return { ...version, ...toVersion(version) }
  }

  /**
   * Puts a version back: a card under its name in its book (in `people` where that book is gone), a layer over the card as
   * it is now. What is there meanwhile is kept as a version in turn. Says where it is.
   * @throws DomainError `not-found`, `uid-conflict`, `locked`
   */
  async restore(actor: Actor, versionId: string): Promise<Version & Restored> {
    const version = await this.get(actor, versionId)
    const book = (await this.#store.books.list(actor)).find(({ id }) => id === version.bookId)
    const collection = book ? collectionOfBook(book) : actor.peopleId
    const restoredAs = await this.#contacts.restore(actor, version, collection)
    return { ...version, restoredIn: collectionId(collection), restoredAs }
  }
}

export interface Restored {
  readonly restoredAs: 'card' | 'layer'
  /** The book. */
  readonly restoredIn: Id
}

const toVersion = (row: VersionRow): Version => ({
  ...row,
  contactId: (row.kind === 'personal' ? undefined : idInName(row.name)) ?? row.contactId,
  fullName: nameInLine(row.nameLine),
})
