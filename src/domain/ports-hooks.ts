import type { Id } from './actor.ts'
import type { Hook, HookAttempt, HookCondition, HookWords, OwnHook, Resync } from './hooks.ts'
import type { EventPlace, LoggedEvent, ToldTeam, ToldUser } from './outgoing-events.ts'

/** A hook as its deliverer has it: nobody else has it at the same time. */
export interface ClaimedHook extends EventPlace {
  readonly organizationId: Id
  readonly id: Id
  readonly teamId?: Id
  readonly url: string
  readonly format: Hook['format']
  /** Sealed: the present secret and, for a while after it was made, the one before. */
  readonly secrets: readonly string[]
  readonly attempts: number
  readonly resync?: Resync
  readonly lease: Id
}

/** What a hook comes with, and how its secrets are kept. */
export interface HookSecrets {
  make(): string
  seal(hookId: Id, secret: string): string
  /** Undefined: it was sealed with another key. */
  unseal(hookId: Id, sealed: string): string | undefined
}

/** What sends. */
export interface HookSender {
  /** Why that address is never reached. */
  problemOf(url: string): string | undefined
  /** Sends one message that says nothing, now. */
  test(hook: Pick<Hook, 'organizationId' | 'id'>): Promise<HookAttempt>
}

/** Who is who at a receiver that has names of its own; `made`: by us. */
export interface Reference {
  readonly kind: 'user' | 'team'
  readonly localId: Id
  readonly remoteId: string
  readonly made: boolean
}

/** What changes of a hook with an attempt to deliver. */
export interface Progress {
  readonly attempt: HookAttempt
  readonly attempts: number
  readonly nextAttemptAt?: Date
  readonly condition: HookCondition
  readonly reason?: string
  /** Where it is now: up to and with that event. */
  readonly place?: EventPlace
  /** Null: it has ended. */
  readonly resync?: Resync | null
}

type Key = Pick<Hook, 'organizationId' | 'id'>

export interface Hooks {
  /** Of the organization itself, or of one team; the oldest first, after that one. */
  list(organizationId: Id, teamId: Id | undefined, after: Id | undefined, limit: number): Promise<Hook[]>
  find(organizationId: Id, teamId: Id | undefined, id: Id): Promise<Hook | undefined>
  /** Locks it until the transaction ends. */
  lock(organizationId: Id, teamId: Id | undefined, id: Id): Promise<Hook | undefined>
  /** It hears of what is committed from now on: the last thing that the transaction does. */
  insert(hook: OwnHook, secret: string): Promise<void>
  update(hook: Key, words: HookWords): Promise<void>
  /** The secret it has goes on until then; without a time it ends now. */
  replaceSecret(hook: Key, secret: string, previousUntil?: Date): Promise<void>
  /** Forgets who is who at the receiver. */
  forgetAll(hook: Key): Promise<void>
  /** Goes on at once from where it is, if it was stopped or waits. */
  resume(hook: Key): Promise<void>
  /** Sends all there is, once whoever is at it has ended, up to the organization's present revision, and goes on from there. */
  startResync(hook: Key, id: Id): Promise<void>
  delete(hook: Key): Promise<void>
  /** Those of a team. */
  deleteAll(organizationId: Id, teamId: Id): Promise<void>

  /** Those that have something to send by now and whom nobody has claimed, of active organizations. */
  due(now: Date, limit: number): Promise<Key[]>
  /** Nobody else's for so long; undefined where it is somebody's, or has nothing to do now. */
  claim(hook: Key, lease: Id, now: Date, until: Date): Promise<ClaimedHook | undefined>
  /** When it can be claimed, which may be past; undefined where it has nothing to do. Locks it until the transaction ends. */
  dueAt(hook: Key): Promise<Date | undefined>
  /** As it is, without claiming it. */
  peek(hook: Key): Promise<Omit<ClaimedHook, 'lease'> | undefined>
  /** False where it is no longer claimed by that lease, or another resync was asked for. */
  record(hook: ClaimedHook, progress: Progress, until: Date): Promise<boolean>
  release(hook: ClaimedHook): Promise<void>
  /** What it has not heard of, in order. */
  events(hook: ClaimedHook, limit: number): Promise<LoggedEvent[]>
  /** The teams of an organization that it tells of (or that one), by id. */
  teams(organizationId: Id, teamId: Id | undefined, after: Id | undefined, limit: number): Promise<ToldTeam[]>
  members(
    organizationId: Id,
    teamId: Id,
    after: Id | undefined,
    limit: number,
  ): Promise<(ToldUser & { role: string })[]>
  users(organizationId: Id, after: Id | undefined, limit: number): Promise<ToldUser[]>
  references(hook: Key, kind: Reference['kind'], localIds: readonly Id[]): Promise<Reference[]>
  /** Of users or teams that are there no more. */
  orphans(hook: Key, kind: Reference['kind'], limit: number): Promise<Reference[]>
  refer(hook: Key, references: readonly Reference[]): Promise<void>
  forget(hook: Key, kind: Reference['kind'], localId: Id): Promise<void>
  /** Forgets events from before then; hooks that have not heard of them need a resync. */
  prune(before: Date): Promise<void>
}
