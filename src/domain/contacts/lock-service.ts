import { randomUUID } from 'node:crypto'
import type { Actor, Id } from '../actor.ts'
import { DomainError, notFound } from '../errors.ts'
import type { Member, Store } from '../ports.ts'
import { collectionId } from './collection.ts'
import { assertCondition, type Condition } from './condition.ts'
import { assertLockable, type Lock, MAX_LOCK_SECONDS } from './lock.ts'

/** What a device asks for; an owner's text longer than that is cut off by nobody, but refused. */
export interface LockWish {
  readonly exclusive: boolean
  readonly whole: boolean
  readonly owner: string
  readonly seconds: number
}

const MAX_OWNER_BYTES = 4_000
const MAX_LOCKS = 1_000

/** Locks of cards and books, among the devices of one person. */
export class LockService {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  list = (actor: Actor, collectionId: Id): Promise<Lock[]> => this.#store.locks.list(actor, collectionId)
  all = (actor: Actor): Promise<Lock[]> => this.#store.locks.list(actor)

  /** @throws DomainError `not-found`, `lock-conflict`, `invalid-data`, `precondition-failed` */
  async lock(actor: Actor, of: Member, wish: LockWish, condition: Condition): Promise<Lock> {
    if (Buffer.byteLength(wish.owner) > MAX_OWNER_BYTES) {
      throw new DomainError('invalid-data', `The owner of a lock is told in at most ${MAX_OWNER_BYTES} bytes`)
    }
    return await this.#store.transaction(async (transaction) => {
      if (!(await transaction.books.lock(actor, of.collection))) throw notFound()
      const [view] = of.name === '' ? [] : await transaction.collections.named(actor, of.collection, [of.name], 'none')
      const locks = await transaction.locks.list(actor, collectionId(of.collection))
      assertCondition(condition, { locks, ...(of.name === '' ? { etag: '' } : view ? { etag: view.etag } : {}) })
      if (of.name !== '' && !view) {
        throw new DomainError('invalid-name', 'Nothing is here to be locked: an empty resource would be no card')
      }
      assertLockable(locks, of.name, wish.exclusive, wish.whole)
      if (locks.length >= MAX_LOCKS) throw new DomainError('lock-conflict', 'There are too many locks', {})
      const seconds = Math.min(Math.max(1, wish.seconds), MAX_LOCK_SECONDS)
      const lock = { ...wish, id: randomUUID(), collectionId: collectionId(of.collection), member: of.name, seconds }
      return { ...lock, expiresAt: await transaction.locks.insert(actor, lock) }
    })
  }

  /** Has a lock that the device names hold from now on. @throws DomainError `precondition-failed` */
  async refresh(actor: Actor, of: Member, named: readonly Id[], seconds: number): Promise<Lock> {
    return await this.#store.transaction(async (transaction) => {
      const lock = (await transaction.locks.list(actor, collectionId(of.collection))).find((one) =>
        covers(one, of, named),
      )
      if (!lock) throw new DomainError('precondition-failed', 'No such lock is here (any more): lock it anew')
      const capped = Math.min(Math.max(1, seconds), MAX_LOCK_SECONDS)
      return { ...lock, seconds: capped, expiresAt: await transaction.locks.refresh(actor, lock, capped) }
    })
  }

  /** False where no such lock covers it. */
  async unlock(actor: Actor, of: Member, id: Id): Promise<boolean> {
    return await this.#store.transaction(async (transaction) => {
      const lock = (await transaction.locks.list(actor, collectionId(of.collection))).find((one) =>
        covers(one, of, [id]),
      )
      if (lock) await transaction.locks.delete(actor, lock)
      return lock !== undefined
    })
  }
}

/** Whether the lock is one of those named, and of that member or all of its book. */
export const covers = (lock: Lock, of: Member, named: readonly Id[]): boolean =>
  named.includes(lock.id) && (lock.member === of.name || (lock.member === '' && lock.whole))
