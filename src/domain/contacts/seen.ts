import type { VCard, Version } from '#vcard'
import { parseVCard, searchKey } from '#vcard'
import type { Id } from '../actor.ts'
import type { DirectoryKey } from './collection.ts'
import { MAX_READ_BYTES } from './contact.ts'
import type { Layer } from './overlay.ts'

/** Where a list of contacts goes on: after what has this rank, title and key. */
export interface ContactPosition {
  readonly rank: number
  readonly title: string
  readonly key: string
  /** Of a search that finds very many: what has a key up to this is ranked, the others follow. */
  readonly within?: string
}

/** A contact as somebody sees it: a colleague or an entry of a shared directory, with what they changed about them, or their own. */
export interface SeenContact {
  /** Of a colleague the id of the profile, of an entry its own, whether overridden or not. */
  readonly id: Id
  readonly kind: 'profile' | 'entry' | 'override' | 'personal'
  /** Whether it is the person's own profile. */
  readonly isMe: boolean
  readonly book: { readonly id: Id; readonly name: string; readonly directory?: DirectoryKey }
  /** The resource name in the book. */
  readonly name: string
  readonly etag: string
  /** The version of `text`. */
  readonly version: Version
  /** As kept; of a card that Kith works out its 4.0 form. */
  readonly text: string
  /** Of an override: what lies over the base, and the base itself (a 4.0 card). */
  readonly layer?: Layer
  readonly base?: { readonly etag: string; readonly text: string }
  /** Of one's own profile: the managed lines. */
  readonly managed?: string
  readonly position: ContactPosition
}

/** What is looked for: each word somewhere in what a contact is found by. */
export interface ContactSearch {
  /** As they are compared (`searchKey`); none: everything. */
  readonly words: readonly string[]
  /** The digits of a telephone number, where the text is one. */
  readonly digits?: string
}

/** Whether a page ends with these, as much as is held at once. */
export const isFullOf = (found: readonly SeenContact[]): boolean =>
  found.reduce((bytes, { text, base }) => bytes + Buffer.byteLength(text) + Buffer.byteLength(base?.text ?? ''), 0) >=
  MAX_READ_BYTES

export const seenCard = ({ text }: Pick<SeenContact, 'text'>): VCard => parseVCard(text)

const MAX_WORDS = 8

/** What a person types. */
export function readSearch(q: string): ContactSearch {
  const words = [...new Set(searchKey(q).split(/\s+/).filter(Boolean))].slice(0, MAX_WORDS)
  const digits = q.replace(/\D/g, '')
  return digits.length >= 3 && /^[\d\s()+./-]+$/.test(q) ? { words, digits } : { words }
}
