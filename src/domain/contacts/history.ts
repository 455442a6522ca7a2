import { type Actor, asId } from '../actor.ts'
import { notFound } from '../errors.ts'
import type { CardVersion, Store } from '../ports.ts'
import { type Collection, collectionOfBook } from './collection.ts'
import type { ContactService } from './contact-service.ts'
import { sameLayer } from './profile.ts'

/** Earlier versions of a person's own cards and layers, kept for 30 days. */
export class HistoryService {
  readonly #store: Store
  readonly #contacts: ContactService
  constructor(store: Store, contacts: ContactService) {
    this.#store = store
    this.#contacts = contacts
  }

  /**
   * What was replaced or deleted, newest first; of one card, by its name or the id in it, if one is named. Of the person's
   * own profile only what they themselves had changed.
   */
  async list(actor: Actor, card?: string): Promise<CardVersion[]> {
    const versions = await this.#store.contacts.versions(actor)
    const profile = await this.#store.contacts.profile(actor.organizationId, actor.userId)
    let layer = profile?.layer
    const own = versions.filter((version) => {
      if (version.kind !== 'profile') return true
      const isOther = !sameLayer(version.layer, layer)
      layer = version.layer
      return isOther
    })
    return card === undefined ? own : own.filter(({ name }) => name === card || name === `${card}.vcf`)
  }

  /**
   * Puts a version back: a card under its name in its book (in `people` where that book is gone), a layer over the card as
   * it is now. What is there meanwhile is kept as a version in turn.
   * @throws DomainError `not-found`, `uid-conflict`
   */
  async restore(actor: Actor, versionId: string): Promise<CardVersion & { readonly restoredAs: 'card' | 'layer' }> {
    const id = asId(versionId)
    const version = (await this.#store.contacts.versions(actor)).find((one) => one.id === id)
    if (!version) throw notFound(`You have no version "${versionId}"`)
    const restoredAs = await this.#contacts.restore(actor, version, await this.#bookOf(actor, version))
    return { ...version, restoredAs }
  }

  async #bookOf(actor: Actor, { bookId }: CardVersion): Promise<Collection> {
    const book = (await this.#store.books.list(actor)).find(({ id }) => id === bookId)
    return book ? collectionOfBook(book) : actor.peopleId
  }
}
