import type { Change, Id, Repositories, Store, Transaction } from '#domain'
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
import { SqlIdentities } from './identities.ts'
import { SqlInvitations } from './invitations.ts'
import { SqlJoinRequests } from './join-requests.ts'
import { Journal } from './journal.ts'
import { SqlLocks } from './locks.ts'
import { SqlOrganizations } from './organizations.ts'
import type { Database } from './orm.ts'
import { SqlSeenContacts } from './seen-contacts.ts'
import { inTransaction, poolSession, type Session } from './session.ts'
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
  colleagues: new SqlColleagues(session),
  collections: new SqlCollections(session),
  credentials: new SqlCredentials(session),
  connectors: new SqlConnectors(session),
  apiTokens: new SqlApiTokens(session),
  identities: new SqlIdentities(session),
})

/** The domain's ports on PostgreSQL. */
export function createStore(database: Database): Store {
  return {
    ...repositories(poolSession(database)),
    transaction: <Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result> =>
      inTransaction(database, async (session) => {
        const journal = new Journal()
        const result = await work({
          ...repositories(session),
          record: (organizationId: Id, change: Change) => journal.record(organizationId, change),
          reset: (organizationId: Id, streamId: Id) => journal.reset(organizationId, streamId),
          leave: (organizationId: Id, teamId: Id, userId: Id) => journal.leave(organizationId, teamId, userId),
        })
        await journal.write(session)
        return result
      }),
  }
}
