import { AsyncLocalStorage } from 'node:async_hooks'
import type { Change, Enqueued, Id, Job, JobQueue, OutgoingEvent, Repositories, Store, Transaction } from '#domain'
import { SqlApiTokens } from './api-tokens.ts'
import { SqlBooks } from './books.ts'
import { SqlCardVersions } from './card-versions.ts'
import { SqlClientProperties } from './client-properties.ts'
import { SqlColleagues } from './colleagues.ts'
import { SqlCollections } from './collections.ts'
import { SqlConnectors } from './connectors.ts'
import { SqlContacts } from './contacts.ts'
import { SqlCredentials } from './credentials.ts'
import { SqlDirectory } from './directory.ts'
import { SqlHooks } from './hooks.ts'
import { SqlIdentities } from './identities.ts'
import { SqlInvitations } from './invitations.ts'
import { SqlJoinRequests } from './join-requests.ts'
import { Journal } from './journal.ts'
import { SqlKeptAnswers } from './kept-answers.ts'
import { SqlLocks } from './locks.ts'
import { SqlOrganizations } from './organizations.ts'
import type { Database } from './orm.ts'
import { SqlSeenContacts } from './seen-contacts.ts'
import { inSavepoint, inTransaction, type Opened, poolSession, type Session } from './session.ts'
import { SqlWebSessions } from './sessions.ts'
import { SqlSharedDirectories } from './shared-directories.ts'
import { SqlSubscriptions } from './subscriptions.ts'
import { SqlTeams } from './teams.ts'
import { SqlUsers } from './users.ts'

const repositories = (session: Session): Repositories => ({
  organizations: new SqlOrganizations(session),
  users: new SqlUsers(session),
  contacts: new SqlContacts(session),
  cardVersions: new SqlCardVersions(session),
  seenContacts: new SqlSeenContacts(session),
  books: new SqlBooks(session),
  locks: new SqlLocks(session),
  clientProperties: new SqlClientProperties(session),
  teams: new SqlTeams(session),
  invitations: new SqlInvitations(session),
  joinRequests: new SqlJoinRequests(session),
  directory: new SqlDirectory(session),
  sharedDirectories: new SqlSharedDirectories(session),
  subscriptions: new SqlSubscriptions(session),
  colleagues: new SqlColleagues(session),
  collections: new SqlCollections(session),
  credentials: new SqlCredentials(session),
  connectors: new SqlConnectors(session),
  apiTokens: new SqlApiTokens(session),
  identities: new SqlIdentities(session),
  hooks: new SqlHooks(session),
  webSessions: new SqlWebSessions(session),
  keptAnswers: new SqlKeptAnswers(session),
})

/** The transaction that what a request does is part of. */
interface Joined {
  readonly opened: Opened
  /** Whatever outlives it goes to the pool. */
  isOpen: boolean
  /** Its parts run one after another. */
  last: Promise<unknown>
  /** What they are followed by. */
  readonly jobs: Job[]
}

/** The domain's ports on PostgreSQL; without a queue, nothing that makes jobs can be done. */
export function createStore(database: Database, queue?: JobQueue): Store {
  const pooled = repositories(poolSession(database))
  const joined = new AsyncLocalStorage<Joined>()
  const current = (): Joined | undefined => {
    const now = joined.getStore()
    return now?.isOpen ? now : undefined
  }
  const whole = async <Result>(session: Session, jobs: Job[], work: (transaction: Transaction) => Promise<Result>) => {
    const journal = new Journal()
    const own: Enqueued[] = []
    const write = async (all: readonly Enqueued[]) => {
      if (all.length === 0) return
      if (!queue) throw new Error('This store has no queue for jobs')
      await queue.write(all, (sql, values) => session.query<object>(sql, values))
      jobs.push(...all.map(({ job }) => job))
    }
    const result = await work({
      ...repositories(session),
      record: (organizationId: Id, change: Change) => journal.record(organizationId, change),
      reset: (organizationId: Id, streamId: Id) => journal.reset(organizationId, streamId),
      leave: (organizationId: Id, teamId: Id, userId: Id) => journal.leave(organizationId, teamId, userId),
      tell: (organizationId: Id, event: OutgoingEvent) => journal.tell(organizationId, event),
      enqueue: (job: Job, at?: Date) => {
        own.push({ job, ...(at ? { at } : {}) })
      },
    })
    await write(own)
    await journal.write(session, (followers) => write(followers.map((job) => ({ job }))))
    return result
  }
  /** One transaction, and then whoever does the jobs that it made is told of them. */
  const followed = async <Result>(work: (session: Session, opened: Opened, jobs: Job[]) => Promise<Result>) => {
    let jobs: Job[] = []
    const result = await inTransaction(database, (session, opened) => {
      jobs = [] // it may be another attempt
      return work(session, opened, jobs)
    })
    if (jobs.length > 0) queue?.written(jobs)
    return result
  }
  const writing: Pick<Store, 'transaction' | 'joined'> = {
    transaction: (work) => {
      const within = current()
      if (!within) return followed((session, _, jobs) => whole(session, jobs, work))
      const part = within.last.then(() => inSavepoint(within.opened, (session) => whole(session, within.jobs, work)))
      within.last = part.catch(() => undefined)
      return part
    },
    joined: (work) =>
      followed(async (session, opened, jobs) => {
        const within: Joined = { opened, isOpen: true, last: Promise.resolve(), jobs }
        try {
          return await joined.run(within, () => work(repositories(session)))
        } finally {
          within.isOpen = false
        }
      }),
  }
  const names = Object.keys(pooled) as (keyof Repositories)[] // what it is made of
  const reading = names.map((name) => {
    const get = () => {
      const within = current()
      return (within ? repositories(within.opened.session()) : pooled)[name]
    }
    return [name, { get, enumerable: true }] as const
  })
  return Object.defineProperties(writing, Object.fromEntries(reading)) as Store // with each of its repositories
}
