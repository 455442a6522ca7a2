import type { Actor, Id } from './actor.ts'
import type { Layer } from './contacts/overlay.ts'

/** What is told of an earlier version of a personal card, of a layer over a colleague's card, or of that over one's own profile. */
export interface VersionRow {
  readonly id: Id
  readonly kind: 'personal' | 'override' | 'profile'
  readonly contactId: Id
  /** The book that it was in, and its name if that book is still there; none of a profile. */
  readonly bookId?: Id
  readonly book?: string
  readonly name: string
  /** The line that holds the name, folded as it is stored: a card may have a large photo. */
  readonly nameLine?: string
  readonly replacedAt: Date
  readonly position: VersionPosition
}

/** Where a list of versions goes on; `replaced` in microseconds since 1970. */
export interface VersionPosition {
  readonly replaced: string
  readonly id: Id
}

/** A version with what it holds. */
export interface CardVersion extends VersionRow {
  readonly layer?: Layer
  /** The card as the person saw it. */
  readonly text: string
  readonly bytes?: Uint8Array
}

/** Of one resource name, or of one contact. */
export interface VersionsWanted {
  readonly name?: string | undefined
  readonly contactId?: Id | undefined
}

export interface CardVersions {
  /**
   * What was replaced or deleted of the person's own cards and layers, newest first. Of their own profile only versions
   * whose layer differs from the next: what others manage of it is no change of theirs.
   */
  page(actor: Actor, wanted: VersionsWanted, after: VersionPosition | undefined, limit: number): Promise<VersionRow[]>
  find(actor: Actor, id: Id): Promise<CardVersion | undefined>
  /** Forgets the versions replaced before then. */
  forget(before: Date): Promise<void>
}
