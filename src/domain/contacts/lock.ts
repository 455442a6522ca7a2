import type { Id } from '../actor.ts'
import { DomainError } from '../errors.ts'

/** What a device keeps others from writing meanwhile: a card, or a book. */
export interface Lock {
  readonly id: Id
  readonly collectionId: Id
  /** The card's name, or '' for the book itself. */
  readonly member: string
  /** Nobody else may hold a lock beside it. */
  readonly exclusive: boolean
  /** Of a book: with every card in it. */
  readonly whole: boolean
  /** What the device says of itself, as it says it. */
  readonly owner: string
  /** How long it holds after each refresh. */
  readonly seconds: number
  readonly expiresAt: Date
}

export const MAX_LOCK_SECONDS = 24 * 3_600

/** What is about to be written: a card (and whether it comes into being or goes), or (member '') the book itself. */
export interface Target {
  readonly member: string
  /** The book's list of cards changes, or with member '' everything in it. */
  readonly membership: boolean
}

/** Whether a lock protects what is about to be written (a lock of the book alone protects which cards are in it). */
const protects = ({ member, whole }: Lock, target: Target): boolean =>
  target.member === ''
    ? member === '' || target.membership
    : member === target.member || (member === '' && (whole || target.membership))

/**
 * Of exclusive locks each has to be named, of shared ones of the same thing one.
 * @throws DomainError `locked`
 */
export function assertUnlocked(locks: readonly Lock[], target: Target, named: readonly Id[] = []): void {
  const held = locks.filter((lock) => protects(lock, target))
  for (const [member, ofOne] of Map.groupBy(held, (lock) => lock.member)) {
    const collectionId = ofOne[0]?.collectionId
    if (ofOne.some(({ id }) => named.includes(id))) continue
    throw new DomainError('locked', 'Another device has locked this: send its lock token, or wait until it is freed', {
      conflictsWith: member,
      ...(collectionId === undefined ? {} : { conflictsIn: collectionId }),
    })
  }
}

/** @throws DomainError `lock-conflict` */
export function assertLockable(locks: readonly Lock[], member: string, exclusive: boolean, whole: boolean): void {
  const conflict = locks.find(
    (lock) =>
      (lock.exclusive || exclusive) &&
      (lock.member === member || (lock.member === '' && lock.whole) || (member === '' && whole)),
  )
  if (!conflict) return
  throw new DomainError('lock-conflict', 'Another lock is there already', { conflictsWith: conflict.member })
}
