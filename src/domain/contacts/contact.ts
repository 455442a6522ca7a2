import { createHash } from 'node:crypto'
import type { VCard, Version } from '#vcard'
import { convert, parseVCard, readData, searchText, serialize } from '#vcard'
import type { Id } from '../actor.ts'
import type { Layer } from './overlay.ts'

export type ContactKind = 'profile' | 'override' | 'personal' | 'directory'

/** A card as its bytes are served: `version` is that of `text`. */
export interface CardContent {
  readonly version: Version
  /** The stored text; of a generated card its 3.0 form. */
  readonly text: string
  /** The 4.0 form of a generated card. */
  readonly text4?: string
  /** Only where the bytes that arrived are not `text` in UTF-8 (a fold inside a character). */
  readonly bytes?: Uint8Array
  /** Without quotes. */
  readonly etag: string
  /** What it is found by (`searchText`). */
  readonly search: string
}

/** A contact as it is kept. */
export interface Contact extends CardContent {
  readonly id: Id
  readonly kind: ContactKind
  readonly ownerId?: Id
  /** The book of a personal card or an override. */
  readonly bookId?: Id
  readonly baseId?: Id
  /** Of an entry of a shared directory. */
  readonly directoryId?: Id
  /** The organization of the base, where it is an entry. */
  readonly baseOrganizationId?: Id
  /** The resource name, unique in its collection and the same for life. */
  readonly name: string
  readonly uid: string
  /** The managed lines of a profile: a 4.0 card. */
  readonly managed?: string
  readonly layer?: Layer
  /** Whether it is in address books: not deactivated, not deleted. */
  readonly listed: boolean
}

/** A deleted card's row stays while the journal names it; nobody owns a profile any more. A deactivated one may come back. */
export const isDeleted = ({ kind, ownerId, listed }: Contact): boolean =>
  kind === 'profile' ? ownerId === undefined : kind === 'directory' && !listed

/** What tells one state of a card from another. */
export interface CardTag {
  readonly name: string
  readonly etag: string
  /** Bytes of its stored form; a team's card has none, and where no text is asked for it need not be read. */
  readonly size?: number | undefined
  /** Asked for by `body`, else absent. */
  readonly card?: { readonly version: Version; readonly text: string; readonly bytes?: Uint8Array }
}

/** What a reader of a collection gets of a card. */
export interface CardView extends CardTag {
  readonly modifiedAt: Date
  readonly kind: ContactKind | 'team'
  /** Whether the person may write it; what they may not is a team's card that others administer, and a directory's. */
  readonly writable: boolean
}

/** Which text of a card to read: none, as stored (3.0 of a generated one), or one version. */
export type CardBody = 'none' | 'stored' | Version

/** How much of a card to read: all with one of its texts, or (in half the time) name and ETag alone or with a text. */
export type Body = CardBody | 'etag' | `etag ${Version}`

/** What is read of a card. */
export type Shown<Of extends Body> = Of extends CardBody ? CardView : CardTag

/** What one read of cards with their texts holds, in bytes of stored cards (the last of them aside). */
export const MAX_READ_BYTES = 4 * 1024 * 1024

/** Whether these may be not all that were asked for: read on. */
export const isFull = (views: readonly (CardTag | undefined)[], body: Body): boolean =>
  body !== 'none' && body !== 'etag' && views.reduce((bytes, view) => bytes + (view?.size ?? 0), 0) >= MAX_READ_BYTES

const hash = (content: string | Uint8Array): string =>
  createHash('sha256').update(content).digest('base64url').slice(0, 27)

/** A card that Kith works out: both versions, ready to send. */
export function generated(card: VCard): CardContent {
  const four = convert(card, '4.0')
  const text4 = serialize(four)
  const three = convert(four, '3.0')
  return { version: '3.0', text: serialize(three), text4, etag: hash(text4), search: searchText(three) }
}

/** A card kept as it came. */
export const asSent = (card: VCard, text: string, bytes?: Uint8Array): CardContent => ({
  version: card.version,
  text,
  ...(bytes ? { bytes } : {}),
  etag: hash(bytes ?? text),
  search: searchText(card),
})

/** A UID as it is compared: `urn:uuid:` and the case of a UUID aside. */
export const comparableUid = (uid: string): string => {
  const bare = uid.trim().replace(/^urn:uuid:/i, '')
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(bare) ? bare.toLowerCase() : uid.trim()
}

/** The id that a directory card's or a team's resource name stands for. */
export const idInName = (name: string): Id | undefined =>
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.vcf$/.test(name) ? name.slice(0, 36) : undefined

export const nameOfId = (id: Id): string => `${id}.vcf`

/** The name in the line of a card that holds it; '' without one. */
export const nameInLine = (line: string | undefined): string =>
  line === undefined
    ? ''
    : readData(parseVCard(`BEGIN:VCARD\r\nVERSION:3.0\r\n${line}\r\nEND:VCARD\r\n`)).full_name.trim()
