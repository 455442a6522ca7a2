import type { Id } from './actor.ts'

export const HOOK_FORMATS = ['standard-webhooks', 'scim'] as const
export type HookFormat = (typeof HOOK_FORMATS)[number]

/** Whether it sends; `needs-resync`: what it has not heard of is forgotten. */
export type HookCondition = 'running' | 'stopped' | 'needs-resync'

export const HOOK_STATES = ['active', 'retrying', 'stopped', 'needs-resync', 'resyncing'] as const
export type HookState = (typeof HOOK_STATES)[number]

/** One request to the receiver: what it answered, or why there was no answer. */
export interface HookAttempt {
  readonly at: Date
  readonly status?: number
  /** Absent: the receiver took it. */
  readonly error?: string
}

/** How far a resync is: what was sent stays sent when it is tried again. */
export interface Resync {
  readonly id: Id
  /** Of the organization when it was asked for: what came later is told afterwards. */
  readonly revision: string
  readonly phase: 'started' | 'users' | 'teams' | 'orphans' | 'finished'
  readonly teamId?: Id
  /** The last user of the page before. */
  readonly after?: Id
  /** Counts what was sent. */
  readonly step: number
}

/** What its administrators say of a hook. */
export interface HookWords {
  readonly name: string
  readonly url: string
}

export interface OwnHook extends HookWords {
  readonly id: Id
  readonly organizationId: Id
  /** Absent: the organization's own, told of everything. */
  readonly teamId?: Id
  readonly format: HookFormat
}

export interface Hook extends OwnHook {
  readonly state: HookState
  /** Why it is stopped, or needs a resync. */
  readonly reason?: string
  /** How many events wait; `MOST_BEHIND` for as many or more. */
  readonly behind: number
  readonly lastSuccessAt?: Date
  readonly lastAttempt?: HookAttempt
  readonly nextAttemptAt?: Date
  /** Counts the changes of what its administrators say. */
  readonly revision: number
  readonly createdAt: Date
}

export const MOST_BEHIND = 1_000
/** Days that events are kept for hooks that are behind. */
export const EVENT_DAYS = 30
