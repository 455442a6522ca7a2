import type { DataProblem } from '#vcard'

/** Every way the domain refuses. A protocol says for each how it answers; a missing one does not compile. */
export type DomainErrorCode =
  /** Hidden or absent: never told apart. */
  | 'not-found'
  | 'precondition-failed'
  | 'invalid-card'
  | 'unsupported-card'
  | 'card-too-large'
  /** More than is kept beside cards. */
  | 'too-much'
  | 'uid-conflict'
  | 'need-privileges'
  /** They showed who they are too long ago for that. */
  | 'login-too-old'
  /** Another device's lock is in the way of a write, or of a lock. */
  | 'locked'
  | 'lock-conflict'
  | 'token-refused'
  | 'invalid-name'
  /** Where it is to go is where it is. */
  | 'same-place'
  | 'invalid-data'
  | 'already-exists'
  | 'domain-taken'
  | 'public-domain'
  | 'user-inactive'
  | 'last-owner'
  | 'last-administrator'
  /** A team would be above itself. */
  | 'parent-cycle'
  /** More teams above each other than there may be. */
  | 'too-deep'
  /** What the organization manages of a person, they do not change themselves. */
  | 'managed-value'
  /** A team's card names somebody who is no colleague. */
  | 'unknown-member'
  | 'ambiguous'
  /** Too busy, or the database is away: try again. */
  | 'unavailable'

export interface DomainErrorDetails {
  /** The resource name of the card that has the UID already, or of what is locked ('' for its book). */
  readonly conflictsWith?: string
  /** The collection of what is locked. */
  readonly conflictsIn?: string
  readonly problems?: readonly DataProblem[]
}

/** A refusal: its code is stable, its message tells a person what to do. */
export class DomainError extends Error {
  readonly code: DomainErrorCode
  readonly details: DomainErrorDetails
  constructor(code: DomainErrorCode, message: string, details: DomainErrorDetails = {}) {
    super(message)
    this.name = 'DomainError'
    this.code = code
    this.details = details
  }
}

export const notFound = (what = 'Nothing is here'): DomainError => new DomainError('not-found', what)
