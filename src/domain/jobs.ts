import type { Id } from './actor.ts'

/**
 * What is done after a change, outside of its transaction. It names things and holds nothing of them, so whoever does it
 * reads them as they are then, and it may be done twice.
 */
export type Job =
  | { readonly kind: 'invitation-letter'; readonly organizationId: Id; readonly invitationId: Id }
  | { readonly kind: 'hook-delivery'; readonly organizationId: Id; readonly hookId: Id }

/** A job and when: not before that time, nor after it where one of its key waits longer; without one, as its rules say. */
export interface Enqueued {
  readonly job: Job
  readonly at?: Date
}

/** How jobs of a kind wait and are tried again. */
export interface JobRules {
  /** Of several with one key, one waits and one is done at a time. */
  readonly key: string
  /** Whether another one of its key has one that waits for its next attempt done at once. */
  readonly hurries: boolean
}

type Kind = Job['kind']

const RULES: { readonly [Name in Kind]: (job: Extract<Job, { kind: Name }>) => JobRules } = {
  'invitation-letter': ({ organizationId, invitationId }) => ({
    key: `${organizationId} ${invitationId}`,
    hurries: true, // somebody asks for the letter again
  }),
  'hook-delivery': ({ organizationId, hookId }) => ({
    key: `${organizationId} ${hookId}`,
    hurries: false, // it waits until its receiver may be asked again, whatever happens meanwhile
  }),
}

export const JOB_KINDS: readonly Kind[] = Object.keys(RULES) as Kind[] // the mapped type has these keys and no other

export const rulesOf = (job: Job): JobRules => (RULES[job.kind] as (job: Job) => JobRules)(job) // that of its kind

/** One go at a job. */
export interface Attempt {
  /** Whether it is not tried again after this. */
  readonly isLast: boolean
}

/** Thrown by a job that would fail as well next time: it is not tried again. */
export class GivenUp extends Error {
  readonly code: string
  constructor(code: string) {
    super(code)
    this.code = code
  }
}

/** Does jobs; what is thrown has it tried again, later each time. */
export type JobHandlers = {
  readonly [Name in Kind]: (job: Extract<Job, { kind: Name }>, attempt: Attempt) => Promise<void>
}

/** Where jobs wait. */
export interface JobQueue {
  /** Writes them by statements of the transaction that they belong to. */
  write(jobs: readonly Enqueued[], query: (sql: string, values: readonly unknown[]) => Promise<object[]>): Promise<void>
  /** Tells that they are there for all to see, so that this process need not find it out. */
  written(jobs: readonly Job[]): void
}
