import { AsyncLocalStorage } from 'node:async_hooks'
import type { Change, Id, OutgoingEvent, Repositories, Store, Transaction } from '#domain'
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
  keptAnswers: new SqlKeptAnswers(session),
  hooks: new SqlHooks(session),
  webSessions: new SqlWebSessions(session),
})

/** The transaction that what a request does is part of. */
interface Joined {
  readonly opened: Opened
  /** Whatever outlives it goes to the pool. */
  isOpen: boolean
  /** Its parts run one after another. */
  last: Promise<unknown>
}

/** The domain's ports on PostgreSQL. */
export function createStore(database: Database): Store {
  const pooled = repositories(poolSession(database))
  const joined = new AsyncLocalStorage<Joined>()
  const current = (): Joined | undefined => {
    const now = joined.getStore()
    return now?.isOpen ? now : undefined
  }
  const whole = async <Result>(session: Session, work: (transaction: Transaction) => Promise<Result>) => {
    const journal = new Journal()
    const result = await work({
      ...repositories(session),
      record: (organizationId: Id, change: Change) => journal.record(organizationId, change),
      reset: (organizationId: Id, streamId: Id) => journal.reset(organizationId, streamId),
      leave: (organizationId: Id, teamId: Id, userId: Id) => journal.leave(organizationId, teamId, userId),
      tell: (organizationId: Id, event: OutgoingEvent) => journal.tell(organizationId, event),
    })
    await journal.write(session)
    return result
  }
  const writing: Pick<Store, 'transaction' | 'joined'> = {
    transaction: (work) => {
      const within = current()
      if (!within) return inTransaction(database, (session) => whole(session, work))
      const part = within.last.then(() => inSavepoint(within.opened, (session) => whole(session, work)))
      within.last = part.catch(() => undefined)
      return part
    },
    joined: (work) =>
      inTransaction(database, async (session, opened) => {
        const within: Joined = { opened, isOpen: true, last: Promise.resolve() }
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
