import { DomainError } from './errors.ts'

/** A UUID in lower case. */
export type Id = string

/** Somebody who was let in: an active user of an active organization. */
export interface Actor {
  readonly organizationId: Id
  readonly userId: Id
  /** The user's `people` book: the collection of colleagues, own cards and teams. */
  readonly peopleId: Id
  /** When they last showed who they are; absent where nothing tells. */
  readonly signedInAt?: Date
}

const RECENT_MS = 15 * 60_000

/**
 * For what outlives a session, such as a password for a device: whoever finds one open gets nothing that lasts.
 *
 * @throws DomainError `login-too-old`
 */
export function assertRecent(signedInAt: Date | undefined): void {
  if (signedInAt && Date.now() - signedInAt.getTime() <= RECENT_MS) return
  throw new DomainError('login-too-old', 'Sign in again: for this, your sign-in may be 15 minutes old at most')
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** The id as it is kept, or undefined where the text is none. */
export const asId = (text: string): Id | undefined => {
  const lower = text.toLowerCase()
  return UUID.test(lower) ? lower : undefined
}
