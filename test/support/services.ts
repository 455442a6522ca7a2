import {
  type Actor,
  AddressBooks,
  BookService,
  ContactService,
  InvitationLetters,
  InvitationService,
  JoinRequestService,
  OrganizationService,
  type Store,
  TeamService,
  TeamWork,
  type User,
  UserService,
} from '#domain'
import { invitationLinks } from '../../src/auth/invitation-links.ts'
import { SecretKey } from '../../src/auth/secret-key.ts'
import { Jobs } from '../../src/outgoing/jobs.ts'
import { createStore, type Database, openDatabase } from '../../src/persistence/index.ts'

const CONNECTIONS = 10

/** The services over one database. */
export interface Services {
  readonly database: Database
  readonly store: Store
  readonly organizations: OrganizationService
  readonly users: UserService
  readonly teams: TeamService
  readonly teamWork: TeamWork
  readonly joinRequests: JoinRequestService
  readonly invitations: InvitationService
  readonly letters: InvitationLetters
  readonly contacts: ContactService
  readonly addressBooks: AddressBooks
  readonly books: BookService
  close(): Promise<void>
}

/** `around` may change what the store makes of the database. */
export async function openServices(url: string, around = (database: Database) => database): Promise<Services> {
  const database = await openDatabase({ url, poolSize: CONNECTIONS, prepare: true })
  const jobs = await Jobs.open(database.execute, { supervised: false })
  const store = createStore(around(database), jobs)
  return {
    database,
    store,
    organizations: new OrganizationService(store),
    users: new UserService(store),
    teams: new TeamService(store),
    teamWork: new TeamWork(store),
    joinRequests: new JoinRequestService(store),
    invitations: new InvitationService(store),
    letters: new InvitationLetters(store, invitationLinks(new SecretKey('a key that only tests use'))),
    contacts: new ContactService(store),
    addressBooks: new AddressBooks(store),
    books: new BookService(store),
    close: async () => {
      await jobs.close()
      await database.close()
    },
  }
}

/** And one organization that everything happens in. */
export interface World extends Services {
  readonly organizationId: string
  /** Everybody that there is, as they were made; those who were deleted are taken out. */
  readonly people: User[]
  /** Those whose devices follow; they are never deleted. */
  readonly followed: readonly User[]
}

export const actorOf = ({ organizationId, id, peopleId }: User): Actor => ({ organizationId, userId: id, peopleId })

export async function openWorld(
  url: string,
  {
    people,
    followed,
    around,
  }: { people: number; followed: number; around?: ((database: Database) => Database) | undefined },
): Promise<World> {
  const services = await openServices(url, around)
  const { id } = await services.organizations.create({ name: 'Space Odyssey', domains: ['spaceodyssey.com'] })
  const made = await services.users.createMany(
    id,
    Array.from({ length: people }, (_, at) => ({ name: `Person ${at}`, email: `person.${at}@spaceodyssey.com` })),
  )
  return { ...services, organizationId: id, people: made, followed: made.slice(0, followed) }
}
