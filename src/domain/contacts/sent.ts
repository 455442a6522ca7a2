import { randomUUID } from 'node:crypto'
import { decodeText, parseVCard, serialize, type VCard, VCardSyntaxError } from '#vcard'
import { DomainError } from '../errors.ts'
import { type CardContent, type Contact, comparableUid } from './contact.ts'

export interface Written {
  readonly created: boolean
  /** Only where what is stored is what was sent. */
  readonly etag?: string
}

/** A card as a device sent it. */
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
    throw invalidCard(error)
  }
}

export const invalidCard = ({ problem, message }: VCardSyntaxError): DomainError =>
  new DomainError(problem === 'unsupported-version' ? 'unsupported-card' : 'invalid-card', message)

export const uidOf = ({ lines }: VCard): string | undefined => lines.find(({ name }) => name === 'UID')?.value.trim()

/** A card without a UID gets one: what is stored then differs from what was sent. */
export function withUid(sent: Sent): Sent & { uid: string; made: boolean } {
  if (sent.uid) return { ...sent, uid: sent.uid, made: false }
  const uid = `urn:uuid:${randomUUID()}`
  const at = sent.card.lines.findIndex(({ name }) => name === 'VERSION') + 1
  const card = { ...sent.card, lines: sent.card.lines.toSpliced(at, 0, { name: 'UID', parameters: [], value: uid }) }
  return { card, text: serialize(card), uid, made: true }
}

export const uidConflict = (conflictsWith: string): DomainError =>
  new DomainError('uid-conflict', 'A card keeps its UID, and no two cards of a book have the same', { conflictsWith })

export function assertSameUid(base: Contact, { uid }: Sent): void {
  if (uid !== undefined && comparableUid(uid) !== comparableUid(base.uid)) throw uidConflict(base.name)
}

export function keepUid(sent: Sent, uid: string): Sent {
  const at = sent.card.lines.findIndex(({ name }) => name === 'VERSION') + 1
  const card = { ...sent.card, lines: sent.card.lines.toSpliced(at, 0, { name: 'UID', parameters: [], value: uid }) }
  return { card, text: serialize(card), uid }
}

export const isAsSent = (content: CardContent, { text }: Sent): boolean =>
  content.text === text || content.text4 === text
export const etagIfAsSent = (content: CardContent, sent: Sent): { etag?: string } =>
  isAsSent(content, sent) ? { etag: content.etag } : {}
