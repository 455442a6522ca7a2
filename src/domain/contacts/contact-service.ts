import { randomUUID } from 'node:crypto'
import { parseVCard, type VCard } from '#vcard'
import type { Actor, Id } from '../actor.ts'
import { DomainError, notFound } from '../errors.ts'
import type { Member, Place, Store, Transaction } from '../ports.ts'
import type { CardVersion } from '../ports-history.ts'
import { editTeamCard } from '../team-cards.ts'
import { assertName } from './book-service.ts'
import { type Collection, collectionId, directoryOf } from './collection.ts'
import { assertWritable, type Condition } from './condition.ts'
import { asSent, type CardContent, type Contact, comparableUid, generated, isDeleted, nameOfId } from './contact.ts'
import { applyLayer, diff, EMPTY_LAYER, type Layer, layerSize } from './overlay.ts'
import { assertEditable, baseCard, ownLayer, sameLayer, saveProfile } from './profile.ts'
import {
  assertSameUid,
  etagIfAsSent,
  isAsSent,
  keepUid,
  readSent,
  type Sent,
  uidConflict,
  uidOf,
  type Written,
  withUid,
} from './sent.ts'
import { forgetMember, liesUnder, type Transfer, Transfers } from './transfer.ts'

/** Writing cards as the person they belong to. The base of an override is never written here. */
export class ContactService {
  readonly #store: Store
  readonly #transfers: Transfers
  constructor(store: Store) {
    this.#store = store
    this.#transfers = new Transfers(store, this.#put.bind(this))
  }

  /**
   * Stores what a device sent under a name of a book: a personal card as it is, over a colleague's card the difference.
   * @throws DomainError `not-found`, `precondition-failed`, `invalid-card`, `unsupported-card`, `card-too-large`,
   *   `uid-conflict`, `need-privileges`
   */
  async put(
    actor: Actor,
    collection: Collection,
    name: string,
    content: Uint8Array,
    condition: Condition = {},
  ): Promise<Written> {
    assertName(name)
    const sent = readSent(content)
    return await this.#store.transaction((transaction) =>
      this.#put(transaction, actor, collection, name, sent, condition),
    )
  }

  async #put(
    transaction: Transaction,
    actor: Actor,
    collection: Collection,
    name: string,
    sent: Sent,
    condition: Condition,
  ): Promise<Written> {
    const place = await transaction.contacts.place(actor, collection, name, sent.uid && comparableUid(sent.uid))
    const { base, team, own } = place
    const bookId = collectionId(collection)
    if (own?.kind === 'personal')
      return await this.#putPersonal(transaction, actor, name, place, sent, condition, bookId)
    if (base && liesUnder(base, actor, collection)) {
      if (base.ownerId === actor.userId) return await this.#putProfile(transaction, actor, place, sent, condition)
      if (!base.listed) throw notFound()
      return await this.#putOverride(transaction, actor, collection, place, base, sent, condition)
    }
    if (directoryOf(collection)) {
      throw new DomainError('need-privileges', 'A shared directory has the contacts that its managers put into it')
    }
    if (team) {
      if (!team.visible || bookId !== actor.peopleId) throw notFound()
      return await this.#putTeam(transaction, actor, team.id, place, sent, condition)
    }
    if (base && !base.listed) throw notFound()
    return await this.#putPersonal(transaction, actor, name, place, sent, condition, bookId)
  }

  async #putPersonal(
    transaction: Transaction,
    actor: Actor,
    name: string,
    { own: old, uidHolder, locks }: Place,
    sent: Sent,
    condition: Condition,
    bookId: Id,
    id: Id = randomUUID(),
  ): Promise<Written> {
    assertWritable(condition, locks, name, old?.etag, !old)
    if (uidHolder) {
      if (!uidHolder.visible) throw notFound()
      throw uidConflict(uidHolder.name)
    }
    if (old && sent.uid && comparableUid(sent.uid) !== comparableUid(old.uid)) throw uidConflict(name)
    const { card, text, bytes, uid, made } = withUid(
      old && !sent.uid ? keepUid(sent, uidOf(parseVCard(old.text)) ?? old.uid) : sent,
    )
    const fresh = asSent(card, text, bytes)
    const written = { created: !old, ...(made || (old && !sent.uid) ? {} : { etag: fresh.etag }) }
    if (old?.etag === fresh.etag) return written
    const contact: Contact = {
      id: old?.id ?? id,
      kind: 'personal',
      ownerId: actor.userId,
      bookId,
      name,
      uid,
      listed: true,
      ...fresh,
    }
    if (old) await transaction.contacts.replace(actor.organizationId, contact, old.etag)
    else await transaction.contacts.insert(actor.organizationId, [contact])
    transaction.record(actor.organizationId, { streamId: bookId, member: name, kind: 'card' })
    return written
  }

  async #putOverride(
    transaction: Transaction,
    actor: Actor,
    collection: Collection,
    place: Place,
    { id }: Contact,
    sent: Sent,
    condition: Condition,
  ): Promise<Written> {
    const { own, locks } = place
    const organizationId = directoryOf(collection)?.organizationId ?? actor.organizationId
    const base = await transaction.contacts.holdBase(organizationId, id)
    if (!base?.listed) throw notFound()
    const shown = shownEtag(place, base)
    assertWritable(condition, locks, base.name, shown, shown === undefined)
    assertSameUid(base, sent)
    const current = own ?? base
    if (shown !== undefined && isAsSent(current, sent)) return { created: false, etag: shown }
    const layer = await this.#layer(transaction, organizationId, base, sent.card, condition)
    const content = await this.#lay(transaction, actor, collection, place, base, layer)
    return { created: shown === undefined, ...etagIfAsSent(content, sent) }
  }

  /**
   * Stores a layer over a card that the caller holds; an empty one is none, but where it alone has the card shown.
   * Returns what is seen.
   */
  async #lay(
    transaction: Transaction,
    actor: Actor,
    collection: Collection,
    place: Place,
    base: Contact,
    layer: Layer,
  ): Promise<CardContent> {
    const { id } = base
    const { own, hidden, inScope } = place
    const shown = shownEtag(place, base)
    const empty = layerSize(layer) === 0 && inScope
    const content = layerSize(layer) === 0 ? base : generated(applyLayer(baseCard(base), layer))
    if (content.etag === shown && sameLayer(own?.layer, empty ? undefined : layer)) return content
    if (hidden) await transaction.contacts.unhide(actor, id)
    if (empty && own) await transaction.contacts.delete(actor.organizationId, own)
    if (!empty) {
      const { version, text, text4, etag, search } = content
      const contact: Contact = {
        id: own?.id ?? randomUUID(),
        kind: 'override',
        ownerId: actor.userId,
        bookId: collectionId(collection),
        baseId: id,
        ...overEntry(collection),
        name: base.name,
        uid: base.uid,
        listed: true,
        layer,
        version,
        text,
        ...(text4 === undefined ? {} : { text4 }),
        etag,
        search,
      }
      if (own) await transaction.contacts.replace(actor.organizationId, contact, own.etag)
      else {
        if (directoryOf(collection)) await transaction.books.lock(actor, collection)
        await transaction.contacts.insert(actor.organizationId, [contact])
      }
    }
    if (content.etag !== shown) {
      transaction.record(actor.organizationId, { streamId: collectionId(collection), member: base.name, kind: 'card' })
    }
    return content
  }

  /**
   * Puts an earlier version back: a card in place of whatever has its name now, a layer over the card as it is now, or as
   * a card of one's own where that card was deleted. A card never becomes a layer: a colleague's name, or one's own
   * profile, which others see, refuses it. Says which of both it is now.
   * @throws DomainError `uid-conflict`, `locked`
   */
  async restore(actor: Actor, version: CardVersion, collection: Collection): Promise<'card' | 'layer'> {
    const { name } = version
    const bookId = collectionId(collection)
    const sent = readSent(version.bytes ?? Buffer.from(version.text))
    return await this.#store.transaction(async (transaction) => {
      const place = await transaction.contacts.place(actor, collection, name, sent.uid && comparableUid(sent.uid))
      const { own, uidHolder, ...vacant } = place
      const base = place.base && !isDeleted(place.base) ? place.base : undefined
      const isUnder = base && liesUnder(base, actor, collection)
      if (isUnder && version.kind !== 'personal') {
        await this.#restoreLayer(transaction, actor, collection, place, base, version.layer ?? EMPTY_LAYER)
        return 'layer'
      }
      if (own?.kind !== 'personal' && (place.team || isUnder)) throw uidConflict(name)
      if (uidHolder) throw uidConflict(uidHolder.name)
      const isOther = own && sent.uid && comparableUid(sent.uid) !== comparableUid(own.uid)
      if (isOther) await transaction.contacts.delete(actor.organizationId, own)
      const known = isOther || version.kind !== 'personal' ? undefined : version.contactId
      const isFree = known && !(await transaction.seenContacts.find(actor, { id: known })) // moved, it keeps its id
      const id = isFree ? known : randomUUID()
      await this.#putPersonal(transaction, actor, name, isOther ? vacant : place, sent, {}, bookId, id)
      return 'card'
    })
  }

  /** Of a deactivated colleague too: it shows when they come back. */
  async #restoreLayer(
    transaction: Transaction,
    actor: Actor,
    collection: Collection,
    place: Place,
    { id }: Contact,
    layer: Layer,
  ): Promise<void> {
    if (place.base?.ownerId === actor.userId) {
      const profile = await transaction.contacts.lockProfile(actor.organizationId, actor.userId)
      if (!profile?.managed) throw notFound()
      const kept = await ownLayer(transaction, actor.organizationId, profile, layer)
      await saveProfile(transaction, actor.organizationId, profile, profile.managed, kept)
      return
    }
    const organizationId = directoryOf(collection)?.organizationId ?? actor.organizationId
    const base = await transaction.contacts.holdBase(organizationId, id)
    if (!base || isDeleted(base)) throw notFound('The colleague was deleted just now: try again')
    if (place.own && place.own.kind !== 'override') throw notFound('A card of your own has this name now')
    await this.#lay(transaction, actor, collection, place, base, layer)
  }

  /** The card that is served afterwards is never what was sent, so there is an ETag only where it was sent as served. */
  async #putTeam(
    transaction: Transaction,
    actor: Actor,
    teamId: Id,
    { locks }: Place,
    sent: Sent,
    condition: Condition,
  ): Promise<Written> {
    if (sent.uid !== undefined && comparableUid(sent.uid) !== teamId) throw uidConflict(nameOfId(teamId))
    const changed = await editTeamCard(transaction, actor, teamId, sent.card, condition, locks)
    const [view] = changed
      ? []
      : await transaction.collections.named(actor, actor.peopleId, [nameOfId(teamId)], sent.card.version)
    return view?.card?.text === sent.text ? { created: false, etag: view.etag } : { created: false }
  }

  /** Without If-Match the device may have edited an older base: that which makes the smallest layer is taken. */
  async #layer(
    transaction: Transaction,
    organizationId: Id,
    base: Contact,
    card: VCard,
    { match }: Condition,
  ): Promise<Layer> {
    const now = diff(baseCard(base), card)
    if ((match && match !== 'any') || layerSize(now) === 0) return now
    const earlier = await transaction.contacts.earlier(organizationId, base.id)
    return smallest(
      now,
      earlier.map(({ text }) => text),
      card,
    )
  }

  /** Over their own profile the owner adds, where the organization lets them; what is managed stays, and the answer has no ETag then. */
  async #putProfile(
    transaction: Transaction,
    actor: Actor,
    { hidden, locks }: Place,
    sent: Sent,
    condition: Condition,
  ): Promise<Written> {
    const profile = await transaction.contacts.lockProfile(actor.organizationId, actor.userId)
    if (!profile?.managed) throw notFound()
    assertWritable(condition, locks, profile.name, hidden ? undefined : profile.etag, hidden)
    assertSameUid(profile, sent)
    if (!hidden && isAsSent(profile, sent)) return { created: false, etag: profile.etag }
    const { match } = condition
    const managed = parseVCard(profile.managed)
    let layer = diff(managed, sent.card)
    if (!match || match === 'any') {
      const earlier = await transaction.contacts.earlier(actor.organizationId, profile.id)
      layer = smallest(
        layer,
        earlier.flatMap(({ managed: text }) => text ?? []),
        sent.card,
      )
    }
    if (condition.isWhole) await assertEditable(transaction, actor.organizationId, profile, sent.card)
    const kept = await ownLayer(transaction, actor.organizationId, profile, layer)
    const saved = await saveProfile(transaction, actor.organizationId, profile, profile.managed, kept)
    if (hidden) {
      await transaction.contacts.unhide(actor, profile.id)
      transaction.record(actor.organizationId, { streamId: actor.peopleId, member: profile.name, kind: 'card' })
    }
    return { created: hidden, ...etagIfAsSent(saved, sent) }
  }

  /**
   * Deletes my own card; of a card I changed, my changes (the base shows again); hides anything else from me.
   * @throws DomainError `not-found`, `precondition-failed`
   */
  async delete(actor: Actor, collection: Collection, name: string, condition: Condition = {}): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const { own, base, team, locks } = await transaction.contacts.place(actor, collection, name, undefined)
      const [view] = await transaction.collections.named(actor, collection, [name], 'none')
      const directoryId = base?.id ?? team?.id
      assertWritable(condition, locks, name, view?.etag, true)
      if (!view || (!own && !directoryId)) throw notFound()
      if (own)
        await transaction.contacts.delete(actor.organizationId, own) // runs again if it is another one by now
      else if (directoryId) await transaction.contacts.hide(actor, directoryId)
      if (own?.kind !== 'override') await forgetMember(transaction, actor, { collection, name })
      transaction.record(actor.organizationId, { streamId: collectionId(collection), member: name, kind: 'card' })
    })
  }

  /** Likewise for a card that is there already, at another place too. @throws DomainError as `put` */
  copy = (actor: Actor, from: Member, to: Member, how: Transfer): Promise<Written> =>
    this.#transfers.copy(actor, from, to, how)

  /** Or at another place instead. @throws DomainError as `put`; `need-privileges` where the card is nobody's own */
  move = (actor: Actor, from: Member, to: Member, how: Transfer): Promise<Written> =>
    this.#transfers.move(actor, from, to, how)

  hidden = async (actor: Actor): Promise<{ id: Id; name: string }[]> =>
    (await this.#store.contacts.hidden(actor)).map(({ id, name }) => ({ id, name }))

  /** @throws DomainError `not-found` */
  async unhide(actor: Actor, id: Id): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const hidden = await transaction.contacts.hidden(actor)
      const one = hidden.find((item) => item.id === id)
      if (!one || !(await transaction.contacts.unhide(actor, id))) throw notFound(`You have hidden no card "${id}"`)
      transaction.record(actor.organizationId, { streamId: one.collectionId, member: one.name, kind: 'card' })
    })
  }
}

/** Of a layer over an entry: where that is. */
function overEntry(collection: Collection): Pick<Contact, 'baseOrganizationId'> {
  const directory = directoryOf(collection)
  return directory ? { baseOrganizationId: directory.organizationId } : {}
}

/** The ETag of a colleague's card as I see it, if I do. */
const shownEtag = ({ own, hidden, inScope }: Place, base: Contact): string | undefined =>
  own?.etag ?? (hidden || !inScope ? undefined : base.etag)

/** The first (newest) of the smallest layers. */
function smallest(now: Layer, earlier: readonly string[], card: VCard): Layer {
  let best = now
  for (const text of earlier) {
    const layer = diff(parseVCard(text), card)
    if (layerSize(layer) < layerSize(best)) best = layer
  }
  return best
}
