import { randomUUID } from 'node:crypto'
import type { Actor, Id } from '../actor.ts'
import { notFound } from '../errors.ts'
import { assertAdministers } from '../organization-work.ts'
import { mailDomain } from '../organizations.ts'
import type { Store, Transaction } from '../ports.ts'
import { getAdministered, holdAdministered, keyOf } from './access.ts'
import { endSubscription, recordBook } from './ending.ts'
import type { Offer, OfferReceived, Subscriber, Subscription } from './shared-directory.ts'

/**
 * Offering directories to domains, and what becomes of it. The publisher is told of acceptances alone: whether anybody has
 * the domain, has seen the offer or has declined it, nothing says.
 */
export class SubscriptionService {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  /** Says whether it is a new one. @throws DomainError `not-found`, `need-privileges`, `invalid-data`, `public-domain` */
  async offer(actor: Actor, id: Id, text: string): Promise<{ readonly offer: Offer; readonly created: boolean }> {
    const domain = mailDomain(text)
    return await this.#store.transaction(async (transaction) => {
      const key = keyOf(await holdAdministered(transaction, actor, id))
      const created = await transaction.subscriptions.insertOffer(key, { id: randomUUID(), domain })
      const offer = (await transaction.subscriptions.offers(key)).find((one) => one.domain === domain)
      if (!offer) throw new TypeError('what was inserted is there')
      return { offer, created }
    })
  }

  /** @throws DomainError `not-found`, `need-privileges` */
  async offers(actor: Actor, id: Id): Promise<Offer[]> {
    return await this.#store.subscriptions.offers(keyOf(await getAdministered(this.#store, actor, id)))
  }

  /** Takes an offer back, and the subscription with it where it was accepted. @throws DomainError `not-found`, `need-privileges` */
  async withdrawOffer(actor: Actor, id: Id, offerId: Id): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const key = keyOf(await holdAdministered(transaction, actor, id))
      const offer = await transaction.subscriptions.deleteOffer(key, offerId)
      if (!offer) throw notFound()
      if (offer.acceptedBy !== undefined) await endSubscription(transaction, offer.acceptedBy, key)
    })
  }

  /** Others than the publisher itself. @throws DomainError `not-found`, `need-privileges` */
  async subscribers(actor: Actor, id: Id): Promise<Subscriber[]> {
    const key = keyOf(await getAdministered(this.#store, actor, id))
    const all = await this.#store.subscriptions.subscribers(key)
    return all.filter(({ organizationId }) => organizationId !== key.organizationId)
  }

  /** Takes the directory away from a subscriber. @throws DomainError `not-found`, `need-privileges` */
  async withdraw(actor: Actor, id: Id, subscriberId: Id): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const key = keyOf(await holdAdministered(transaction, actor, id))
      if (subscriberId === key.organizationId) throw notFound()
      await endSubscription(transaction, subscriberId, key)
    })
  }

  /** Offers to the domains of the person's organization that wait for an answer. @throws DomainError `need-privileges` */
  async received(actor: Actor): Promise<OfferReceived[]> {
    await assertAdministers(this.#store, actor)
    return await this.#store.subscriptions.received(actor.organizationId)
  }

  /** @throws DomainError `need-privileges`, `not-found` */
  async accept(actor: Actor, offerId: Id): Promise<Subscription> {
    return await this.#store.transaction(async (transaction) => {
      const offer = await waiting(transaction, actor, offerId)
      const key = { organizationId: offer.organizationId, id: offer.directoryId }
      const { organizationId } = actor
      const stays = await transaction.sharedDirectories.hold(key, false)
      if (!stays || !(await transaction.subscriptions.accept(offer, organizationId))) throw notFound()
      if (await transaction.subscriptions.insert(organizationId, key, randomUUID())) {
        recordBook(transaction, organizationId, key)
      }
      return await subscriptionOf(transaction, organizationId, offer.directoryId)
    })
  }

  /** @throws DomainError `need-privileges`, `not-found` */
  async decline(actor: Actor, offerId: Id): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      await transaction.subscriptions.decline(await waiting(transaction, actor, offerId))
    })
  }

  /** @throws DomainError `need-privileges` */
  async subscriptions(actor: Actor): Promise<Subscription[]> {
    await assertAdministers(this.#store, actor)
    return await this.#store.subscriptions.list(actor.organizationId)
  }

  /** @throws DomainError `need-privileges`, `not-found` */
  async unsubscribe(actor: Actor, directoryId: Id): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      await assertAdministers(transaction, actor)
      const now = await subscriptionOf(transaction, actor.organizationId, directoryId)
      const key = { organizationId: now.publisherId, id: directoryId }
      if (!(await transaction.sharedDirectories.hold(key, false))) throw notFound()
      await endSubscription(transaction, actor.organizationId, key)
    })
  }
}

async function waiting(transaction: Transaction, actor: Actor, offerId: Id): Promise<OfferReceived> {
  await assertAdministers(transaction, actor)
  const offer = (await transaction.subscriptions.received(actor.organizationId)).find(({ id }) => id === offerId)
  if (!offer) throw notFound()
  return offer
}

async function subscriptionOf(transaction: Transaction, organizationId: Id, directoryId: Id): Promise<Subscription> {
  const all = await transaction.subscriptions.list(organizationId)
  const found = all.find((one) => one.directoryId === directoryId)
  if (!found) throw notFound()
  return found
}
