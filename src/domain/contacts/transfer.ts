import type { Actor } from '../actor.ts'
import { DomainError, notFound } from '../errors.ts'
import type { Member, Store, Transaction } from '../ports.ts'
import { assertName } from './book-service.ts'
import { type Collection, collectionId, directoryOf } from './collection.ts'
import { assertCondition, assertWritable, type Condition } from './condition.ts'
import { type CardView, type Contact, comparableUid } from './contact.ts'
import { assertUnlocked } from './lock.ts'
import { readSent, type Sent, uidConflict, type Written } from './sent.ts'

type Put = (
  transaction: Transaction,
  actor: Actor,
  collection: Collection,
  name: string,
  sent: Sent,
  condition: Condition,
) => Promise<Written>

/** Bringing cards from one place to another; whoever puts cards says how one is put. */
export class Transfers {
  readonly #store: Store
  readonly #put: Put
  constructor(store: Store, put: Put) {
    this.#store = store
    this.#put = put
  }

  /**
   * Puts the card that the person sees at one place at another one too, with what clients keep beside it.
   * @throws DomainError as `put`
   */
  async copy(actor: Actor, from: Member, to: Member, { overwrite, source, target }: Transfer): Promise<Written> {
    assertElsewhere(from, to)
    return await this.#store.transaction(async (transaction) => {
      const view = await readSource(transaction, actor, from, source)
      await assertVacant(transaction, actor, to, overwrite)
      const written = await this.#put(transaction, actor, to.collection, to.name, sentAs(view), target)
      await transaction.clientProperties.copy(actor, from, to)
      return written
    })
  }

  /**
   * Gives a personal card another place: the href changes, the UID does not. Onto a directory card's name it acts as a
   * put. @throws DomainError as `put`; `need-privileges` where the card is nobody's own
   */
  async move(actor: Actor, from: Member, to: Member, { overwrite, source, target }: Transfer): Promise<Written> {
    assertElsewhere(from, to)
    return await this.#store.transaction(async (transaction) => {
      const view = await readSource(transaction, actor, from, source)
      const { own, locks } = await transaction.contacts.place(actor, from.collection, from.name, undefined)
      if (own?.kind !== 'personal') {
        throw new DomainError('need-privileges', "A colleague's or a team's card stays where it is: copy it instead")
      }
      assertUnlocked(locks, { member: from.name, membership: true }, source.named)
      await assertVacant(transaction, actor, to, overwrite)
      const written = await this.#moveTo(transaction, actor, own, view, from, to, target)
      await transaction.clientProperties.copy(actor, from, to)
      await forgetMember(transaction, actor, from)
      transaction.record(actor.organizationId, {
        streamId: collectionId(from.collection),
        member: from.name,
        kind: 'card',
      })
      return written
    })
  }

  async #moveTo(
    transaction: Transaction,
    actor: Actor,
    card: Contact,
    view: CardView,
    from: Member,
    to: Member,
    target: Condition,
  ): Promise<Written> {
    const uid = comparableUid(card.uid)
    const place = await transaction.contacts.place(actor, to.collection, to.name, uid)
    const there = place.own
    if (
      there?.kind !== 'personal' &&
      (directoryOf(to.collection) ||
        place.team ||
        (place.base && (liesUnder(place.base, actor, to.collection) || !place.base.listed)))
    ) {
      const written = await this.#put(transaction, actor, to.collection, to.name, sentAs(view), target)
      await transaction.contacts.delete(actor.organizationId, card)
      return written
    }
    assertWritable(target, place.locks, to.name, there?.etag, !there)
    const holder = place.uidHolder
    if (holder && !(collectionId(from.collection) === collectionId(to.collection) && holder.name === from.name)) {
      if (!holder.visible) throw notFound()
      throw uidConflict(holder.name)
    }
    if (there && comparableUid(there.uid) !== uid) throw uidConflict(to.name)
    if (there) await transaction.contacts.delete(actor.organizationId, there)
    await transaction.contacts.relocate(actor.organizationId, card, to)
    transaction.record(actor.organizationId, { streamId: collectionId(to.collection), member: to.name, kind: 'card' })
    return { created: !there, etag: card.etag }
  }
}

/** Whether it is a card that one's layers in the collection lie over. */
export const liesUnder = (base: Contact, { peopleId }: Actor, collection: Collection): boolean => {
  const directory = directoryOf(collection)
  return directory ? base.directoryId === directory.id : collection === peopleId && base.kind === 'profile'
}

/** Forgets what was kept beside a card that is there no more. */
export async function forgetMember(transaction: Transaction, actor: Actor, of: Member): Promise<void> {
  await transaction.clientProperties.remove(actor, of)
  await transaction.locks.release(actor, collectionId(of.collection), of.name)
}

/** How a card is brought from one place to another. */
export interface Transfer {
  readonly overwrite: boolean
  /** What must hold where it comes from. */
  readonly source: Condition
  /** What must hold where it goes. */
  readonly target: Condition
}

function assertElsewhere(from: Member, to: Member): void {
  assertName(to.name)
  if (collectionId(from.collection) === collectionId(to.collection) && from.name === to.name) {
    throw new DomainError('same-place', 'The card is there already')
  }
}

/** The card as the person sees it, which is what is copied. @throws DomainError `not-found`, `precondition-failed` */
async function readSource(transaction: Transaction, actor: Actor, from: Member, source: Condition): Promise<CardView> {
  const [view] = await transaction.collections.named(actor, from.collection, [from.name], 'stored')
  if (!view?.card) throw notFound()
  assertCondition(source, {
    etag: view.etag,
    locks: await transaction.locks.list(actor, collectionId(from.collection)),
  })
  return view
}

/** @throws DomainError `precondition-failed` */
async function assertVacant(transaction: Transaction, actor: Actor, to: Member, overwrite: boolean): Promise<void> {
  if (overwrite) return
  const [there] = await transaction.collections.named(actor, to.collection, [to.name], 'none')
  if (there) throw new DomainError('precondition-failed', 'There is a card already, which is not to be overwritten')
}

function sentAs({ card }: CardView): Sent {
  if (!card) throw notFound()
  return readSent(card.bytes ?? Buffer.from(card.text))
}
