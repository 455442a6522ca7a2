import { randomUUID } from 'node:crypto'
import { decodeText, parseVCard, serialize, type VCard, VCardSyntaxError } from '#vcard'
import type { Actor, Id } from '../actor.ts'
import { DomainError, notFound } from '../errors.ts'
import type { Member, Place, Store, Transaction } from '../ports.ts'
import { editTeamCard } from '../team-cards.ts'
import { assertName } from './book-service.ts'
import { assertCondition, type Condition } from './condition.ts'
import { asSent, type CardContent, type CardView, type Contact, comparableUid, generated, nameOfId } from './contact.ts'
import { assertUnlocked, type Lock } from './lock.ts'
import { additionsOnly, applyLayer, diff, EMPTY_LAYER, type Layer, layerSize } from './overlay.ts'
import { baseCard, sameLayer, saveProfile } from './profile.ts'

export interface Written {
  readonly created: boolean
  /** Only where what is stored is what was sent. */
  readonly etag?: string
}

export interface Sent {
  readonly card: VCard
  readonly text: string
  readonly bytes?: Uint8Array
  readonly uid?: string
}

export const MAX_CARD_BYTES = 10 * 1024 * 1024
/** An index holds it. */
const MAX_UID_BYTES = 1_000

/** Reads what a device sent. @throws DomainError `card-too-large`, `invalid-card`, `unsupported-card` */
export function readSent(sent: Uint8Array): Sent {
  if (sent.byteLength > MAX_CARD_BYTES) {
    throw new DomainError('card-too-large', `A card has at most ${MAX_CARD_BYTES} bytes, its photo included`)
  }
  try {
    const { text, exact } = decodeText(sent)
    const card = parseVCard(text)
    const uid = uidOf(card)
    if (uid && Buffer.byteLength(uid) > MAX_UID_BYTES) {
      throw new DomainError('invalid-card', `A UID has at most ${MAX_UID_BYTES} bytes`)
    }
    return { card, text, ...(exact ? {} : { bytes: sent }), ...(uid ? { uid } : {}) }
  } catch (error) {
    if (!(error instanceof VCardSyntaxError)) throw error
    throw new DomainError(error.problem === 'unsupported-version' ? 'unsupported-card' : 'invalid-card', error.message)
  }
}

const uidOf = ({ lines }: VCard): string | undefined => lines.find(({ name }) => name === 'UID')?.value.trim()

/** A card without a UID gets one: what is stored then differs from what was sent. */
function withUid(sent: Sent): Sent & { uid: string; made: boolean } {
  if (sent.uid) return { ...sent, uid: sent.uid, made: false }
  const uid = `urn:uuid:${randomUUID()}`
  const at = sent.card.lines.findIndex(({ name }) => name === 'VERSION') + 1
  const card = { ...sent.card, lines: sent.card.lines.toSpliced(at, 0, { name: 'UID', parameters: [], value: uid }) }
  return { card, text: serialize(card), uid, made: true }
}

/** Writing cards as the person they belong to. The base of an override is never written here. */
export class ContactService {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  /**
   * Stores what a device sent under a name of a book: a personal card as it is, over a colleague's card the difference.
   * @throws DomainError `not-found`, `precondition-failed`, `invalid-card`, `unsupported-card`, `card-too-large`,
   *   `uid-conflict`, `need-privileges`
   */
  async put(actor: Actor, bookId: Id, name: string, content: Uint8Array, condition: Condition = {}): Promise<Written> {
    assertName(name)
    const sent = readSent(content)
    return await this.#store.transaction((transaction) => this.#put(transaction, actor, bookId, name, sent, condition))
  }

  async #put(
    transaction: Transaction,
    actor: Actor,
    bookId: Id,
    name: string,
    sent: Sent,
    condition: Condition,
  ): Promise<Written> {
    const place = await transaction.contacts.place(actor, bookId, name, sent.uid && comparableUid(sent.uid))
    const { base, team, own } = place
    if (own?.kind === 'personal')
      return await this.#putPersonal(transaction, actor, name, place, sent, condition, bookId)
    if (team) {
      if (!team.visible || bookId !== actor.peopleId) throw notFound()
      return await this.#putTeam(transaction, actor, team.id, place, sent, condition)
    }
    if (base && bookId === actor.peopleId) {
      if (base.ownerId === actor.userId) return await this.#putProfile(transaction, actor, place, sent, condition)
      if (!base.listed) throw notFound()
      return await this.#putOverride(transaction, actor, place, base, sent, condition)
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
      id: old?.id ?? randomUUID(),
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
    place: Place,
    { id }: Contact,
    sent: Sent,
    condition: Condition,
  ): Promise<Written> {
    const { own, locks } = place
    const base = await transaction.contacts.holdBase(actor.organizationId, id)
    if (!base?.listed) throw notFound()
    const shown = shownEtag(place, base)
    assertWritable(condition, locks, base.name, shown, shown === undefined)
    assertSameUid(base, sent)
    const current = own ?? base
    if (shown !== undefined && isAsSent(current, sent)) return { created: false, etag: shown }
    const layer = await this.#layer(transaction, actor.organizationId, base, sent.card, condition)
    const content = await this.#lay(transaction, actor, place, base, layer)
    return { created: shown === undefined, ...etagIfAsSent(content, sent) }
  }

  /**
   * Stores a layer over a card that the caller holds; an empty one is none, but where it alone has the card shown.
   * Returns what is seen.
   */
  async #lay(transaction: Transaction, actor: Actor, place: Place, base: Contact, layer: Layer): Promise<CardContent> {
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
        bookId: actor.peopleId,
        baseId: id,
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
      else await transaction.contacts.insert(actor.organizationId, [contact])
    }
    if (content.etag !== shown) {
      transaction.record(actor.organizationId, { streamId: actor.peopleId, member: base.name, kind: 'card' })
    }
    return content
  }

  /**
   * Lays an earlier layer over a colleague's card as it is now, or over the person's own profile; none takes theirs away.
   * @throws DomainError `not-found`
   */
  async restoreLayer(actor: Actor, name: string, layer: Layer = EMPTY_LAYER): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const place = await transaction.contacts.place(actor, actor.peopleId, name, undefined)
      const id = place.base?.id
      if (id !== undefined && place.base?.ownerId === actor.userId) {
        const profile = await transaction.contacts.lockProfile(actor.organizationId, actor.userId)
        if (!profile?.managed) throw notFound()
        const kept = layerSize(layer) === 0 ? undefined : layer
        await saveProfile(transaction, actor.organizationId, profile, profile.managed, kept)
        return
      }
      const base = id === undefined ? undefined : await transaction.contacts.holdBase(actor.organizationId, id)
      if (!base?.listed) throw notFound("The colleague's card is gone, so nothing can be laid over it any more")
      if (place.own && place.own.kind !== 'override') throw notFound('A card of your own has this name now')
      await this.#lay(transaction, actor, place, base, layer)
    })
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

  /** Over their own profile the owner adds; what is managed stays, and the answer has no ETag then. */
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
    const own = additionsOnly(managed, layer)
    const kept = layerSize(own) === 0 ? undefined : own
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
  async delete(actor: Actor, bookId: Id, name: string, condition: Condition = {}): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const { own, base, team, locks } = await transaction.contacts.place(actor, bookId, name, undefined)
      const [view] = await transaction.collections.named(actor, bookId, [name], 'none')
      const directoryId = base?.id ?? team?.id
      assertWritable(condition, locks, name, view?.etag, true)
      if (!view || (!own && !directoryId)) throw notFound()
      if (own)
        await transaction.contacts.delete(actor.organizationId, own) // runs again if it is another one by now
      else if (directoryId) await transaction.contacts.hide(actor, directoryId)
      if (own?.kind !== 'override') await forgetMember(transaction, actor, { collectionId: bookId, name })
      transaction.record(actor.organizationId, { streamId: bookId, member: name, kind: 'card' })
    })
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
      const written = await this.#put(transaction, actor, to.collectionId, to.name, sentAs(view), target)
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
      const { own, locks } = await transaction.contacts.place(actor, from.collectionId, from.name, undefined)
      if (own?.kind !== 'personal') {
        throw new DomainError('need-privileges', "A colleague's or a team's card stays where it is: copy it instead")
      }
      assertUnlocked(locks, { member: from.name, membership: true }, source.named)
      await assertVacant(transaction, actor, to, overwrite)
      const written = await this.#moveTo(transaction, actor, own, view, from, to, target)
      await transaction.clientProperties.copy(actor, from, to)
      await forgetMember(transaction, actor, from)
      transaction.record(actor.organizationId, { streamId: from.collectionId, member: from.name, kind: 'card' })
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
    const place = await transaction.contacts.place(actor, to.collectionId, to.name, uid)
    const there = place.own
    if (
      there?.kind !== 'personal' &&
      (place.team || (place.base && (to.collectionId === actor.peopleId || !place.base.listed)))
    ) {
      const written = await this.#put(transaction, actor, to.collectionId, to.name, sentAs(view), target)
      await transaction.contacts.delete(actor.organizationId, card)
      return written
    }
    assertWritable(target, place.locks, to.name, there?.etag, !there)
    const holder = place.uidHolder
    if (holder && !(from.collectionId === to.collectionId && holder.name === from.name)) {
      if (!holder.visible) throw notFound()
      throw uidConflict(holder.name)
    }
    if (there && comparableUid(there.uid) !== uid) throw uidConflict(to.name)
    if (there) await transaction.contacts.delete(actor.organizationId, there)
    await transaction.contacts.relocate(actor.organizationId, card, to)
    transaction.record(actor.organizationId, { streamId: to.collectionId, member: to.name, kind: 'card' })
    return { created: !there, etag: card.etag }
  }

  hidden = (actor: Actor): Promise<{ id: Id; name: string }[]> => this.#store.contacts.hidden(actor)

  /** @throws DomainError `not-found` */
  async unhide(actor: Actor, id: Id): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const hidden = await transaction.contacts.hidden(actor)
      const one = hidden.find((item) => item.id === id)
      if (!one || !(await transaction.contacts.unhide(actor, id))) throw notFound(`You have hidden no card "${id}"`)
      transaction.record(actor.organizationId, { streamId: actor.peopleId, member: one.name, kind: 'card' })
    })
  }
}

/** The ETag of a colleague's card as I see it, if I do. */
const shownEtag = ({ own, hidden, inScope }: Place, base: Contact): string | undefined =>
  own?.etag ?? (hidden || !inScope ? undefined : base.etag)

/** @throws DomainError `precondition-failed`, `locked` */
function assertWritable(
  condition: Condition,
  locks: readonly Lock[],
  member: string,
  etag: string | undefined,
  membership: boolean,
): void {
  assertCondition(condition, etag === undefined ? { locks } : { etag, locks })
  assertUnlocked(locks, { member, membership }, condition.named)
}

/** Forgets what was kept beside a card that is there no more. */
async function forgetMember(transaction: Transaction, actor: Actor, of: Member): Promise<void> {
  await transaction.clientProperties.remove(actor, of)
  await transaction.locks.release(actor, of.collectionId, of.name)
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
  if (from.collectionId === to.collectionId && from.name === to.name) {
    throw new DomainError('same-place', 'The card is there already')
  }
}

/** The card as the person sees it, which is what is copied. @throws DomainError `not-found`, `precondition-failed` */
async function readSource(transaction: Transaction, actor: Actor, from: Member, source: Condition): Promise<CardView> {
  const [view] = await transaction.collections.named(actor, from.collectionId, [from.name], 'stored')
  if (!view?.card) throw notFound()
  assertCondition(source, { etag: view.etag, locks: await transaction.locks.list(actor, from.collectionId) })
  return view
}

/** @throws DomainError `precondition-failed` */
async function assertVacant(transaction: Transaction, actor: Actor, to: Member, overwrite: boolean): Promise<void> {
  if (overwrite) return
  const [there] = await transaction.collections.named(actor, to.collectionId, [to.name], 'none')
  if (there) throw new DomainError('precondition-failed', 'There is a card already, which is not to be overwritten')
}

function sentAs({ card }: CardView): Sent {
  if (!card) throw notFound()
  return readSent(card.bytes ?? Buffer.from(card.text))
}

/** The first (newest) of the smallest layers. */
function smallest(now: Layer, earlier: readonly string[], card: VCard): Layer {
  let best = now
  for (const text of earlier) {
    const layer = diff(parseVCard(text), card)
    if (layerSize(layer) < layerSize(best)) best = layer
  }
  return best
}

const uidConflict = (conflictsWith: string): DomainError =>
  new DomainError('uid-conflict', 'A card keeps its UID, and no two cards of a book have the same', { conflictsWith })

function assertSameUid(base: Contact, { uid }: Sent): void {
  if (uid !== undefined && comparableUid(uid) !== comparableUid(base.uid)) throw uidConflict(base.name)
}

function keepUid(sent: Sent, uid: string): Sent {
  const at = sent.card.lines.findIndex(({ name }) => name === 'VERSION') + 1
  const card = { ...sent.card, lines: sent.card.lines.toSpliced(at, 0, { name: 'UID', parameters: [], value: uid }) }
  return { card, text: serialize(card), uid }
}

const isAsSent = (content: CardContent, { text }: Sent): boolean => content.text === text || content.text4 === text
const etagIfAsSent = (content: CardContent, sent: Sent): { etag?: string } =>
  isAsSent(content, sent) ? { etag: content.etag } : {}
