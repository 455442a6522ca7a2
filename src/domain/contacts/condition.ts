import type { Actor, Id } from '../actor.ts'
import { DomainError } from '../errors.ts'
import type { Transaction } from '../ports.ts'
import { assertUnlocked, type Lock, type Target } from './lock.ts'

/** What a condition is asked about. */
export interface State {
  /** Of the card that is there, if one is. */
  readonly etag?: string
  readonly locks: readonly Lock[]
}

/** What must hold of what is there, by its ETags (`any`: that there is something), and the locks that the writer knows. */
export interface Condition {
  /** Refuses what of one's own profile one does not edit, instead of leaving it as it is. */
  readonly isWhole?: boolean
  readonly match?: 'any' | readonly string[]
  readonly noneMatch?: 'any' | readonly string[]
  /** Whatever else must hold. */
  readonly holds?: (state: State) => boolean
  /** The locks that the writer named. */
  readonly named?: readonly Id[]
}

/** @throws DomainError `precondition-failed` */
export function assertCondition({ match, noneMatch, holds }: Condition, { etag, locks }: State): void {
  const matches = (list: 'any' | readonly string[]) => etag !== undefined && (list === 'any' || list.includes(etag))
  const state = etag === undefined ? { locks } : { etag, locks }
  if ((match && !matches(match)) || (noneMatch && matches(noneMatch)) || (holds && !holds(state))) {
    throw new DomainError(
      'precondition-failed',
      'The card is not (or no longer) what the condition says: read it again',
    )
  }
}

/** What holds in a book whose row is locked, for a write to the book itself. @throws DomainError */
export async function assertBookFree(
  transaction: Transaction,
  actor: Actor,
  bookId: Id,
  condition: Condition,
  membership: boolean,
): Promise<void> {
  const locks = await transaction.locks.list(actor, bookId)
  const target: Target = { member: '', membership }
  assertCondition(condition, { etag: '', locks })
  assertUnlocked(locks, target, condition.named)
}

/** @throws DomainError `precondition-failed`, `locked` */
export function assertWritable(
  condition: Condition,
  locks: readonly Lock[],
  member: string,
  etag: string | undefined,
  membership: boolean,
): void {
  assertCondition(condition, etag === undefined ? { locks } : { etag, locks })
  assertUnlocked(locks, { member, membership }, condition.named)
}
