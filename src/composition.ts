import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  AddressBooks,
  BookService,
  ClientPropertyService,
  ColleagueService,
  ConnectorService,
  ConnectorWork,
  ContactBatch,
  ContactDataService,
  ContactFeed,
  ContactService,
  HistoryService,
  IdentityService,
  InvitationService,
  JoinRequestService,
  LockService,
  OrganizationService,
  OrganizationWork,
  OwnProfileService,
  People,
  type Store,
  TeamService,
  TeamWork,
  UserService,
} from '#domain'
import { AppPasswords } from './auth/app-passwords.ts'
import { invitationLinks } from './auth/invitation-links.ts'
import { IssuerTokens } from './auth/issuer-tokens.ts'
import { ScimTokens } from './auth/scim-tokens.ts'
import { SecretKey } from './auth/secret-key.ts'
import { type Config, ConfigError } from './config.ts'
import { createStore, migrate, openDatabase, openEmbedded } from './persistence/index.ts'

/** Everything, put together: what the server and the command line work with. */
export interface Kith {
  readonly store: Store
  readonly organizations: OrganizationService
  readonly organizationWork: OrganizationWork
  readonly connectorWork: ConnectorWork
  readonly users: UserService
  readonly ownProfile: OwnProfileService
  readonly people: People
  readonly colleagues: ColleagueService
  readonly teams: TeamService
  readonly teamWork: TeamWork
  readonly joinRequests: JoinRequestService
  readonly invitations: InvitationService
  readonly contacts: ContactService
  readonly contactData: ContactDataService
  readonly contactFeed: ContactFeed
  readonly contactBatch: ContactBatch
  readonly addressBooks: AddressBooks
  readonly books: BookService
  readonly locks: LockService
  readonly clientProperties: ClientPropertyService
  readonly history: HistoryService
  readonly appPasswords: AppPasswords
  readonly connectors: ConnectorService
  readonly identities: IdentityService
  readonly scimTokens: ScimTokens
  readonly issuerTokens: IssuerTokens
  /** Migrations that opening applied. */
  readonly migrated: readonly string[]
  close(): Promise<void>
}

export interface OpenOptions {
  /** A server has the embedded database for itself; a command shares one that runs. */
  readonly exclusive?: boolean
}

const SHUTTING_DOWN = new Set(['57P03', '57P01', 'ECONNREFUSED', 'ECONNRESET'])

/** Opens the database, brings its schema up to date and checks the key. */
export async function openKith(config: Config, { exclusive = false }: OpenOptions = {}): Promise<Kith> {
  for (let attempt = 1; ; attempt += 1) {
    const embedded = config.databaseUrl ? undefined : await openEmbedded(join(config.dataDir, 'db'), { exclusive })
    const url = config.databaseUrl ?? embedded?.url ?? ''
    try {
      return await assemble(config, url, async () => await embedded?.stop())
    } catch (error) {
      await embedded?.stop()
      // Another command's database may be ending just now: then we start our own.
      const { code } = error as { code?: string } // pg's errors and Node's have one
      if (!embedded || embedded.owned || attempt >= 5 || !SHUTTING_DOWN.has(code ?? '')) throw error
      await new Promise((done) => setTimeout(done, 300))
    }
  }
}

async function assemble(config: Config, url: string, stop: () => Promise<void>): Promise<Kith> {
  const migrated = await migrate(config.migrateDatabaseUrl ?? url)
  const database = await openDatabase({ url, poolSize: config.databasePool, prepare: config.databasePrepare })
  const close = async () => {
    await database.close()
    await stop()
  }
  try {
    const store = createStore(database)
    const key = new SecretKey(config.secretKey ?? (await ownKey(config.dataDir)))
    if ((await store.credentials.keyId(key.id)) !== key.id) {
      throw new ConfigError(
        'SECRET_KEY (or DATA_DIR/secret) is not the key that this database was made with: no app password and no token would work. Set SECRET_KEY to that one',
      )
    }
    const contacts = new ContactService(store)
    const addressBooks = new AddressBooks(store)
    const scimTokens = new ScimTokens(store, key)
    return {
      store,
      organizations: new OrganizationService(store),
      organizationWork: new OrganizationWork(store),
      connectorWork: new ConnectorWork(store, scimTokens.issue),
      users: new UserService(store),
      ownProfile: new OwnProfileService(store),
      people: new People(store),
      colleagues: new ColleagueService(store),
      teams: new TeamService(store),
      teamWork: new TeamWork(store),
      joinRequests: new JoinRequestService(store),
      invitations: new InvitationService(store, invitationLinks(key)),
      contacts,
      contactData: new ContactDataService(store, contacts),
      history: new HistoryService(store, contacts),
      contactBatch: new ContactBatch(store),
      contactFeed: new ContactFeed(store, addressBooks),
      addressBooks,
      books: new BookService(store),
      locks: new LockService(store),
      clientProperties: new ClientPropertyService(store),
      appPasswords: new AppPasswords(store, key),
      connectors: new ConnectorService(store),
      identities: new IdentityService(store),
      scimTokens,
      issuerTokens: new IssuerTokens(store, config.issuers),
      migrated,
      close,
    }
  } catch (error) {
    await database.close()
    throw error
  }
}

/** DATA_DIR/secret, made the first time. */
async function ownKey(dataDir: string): Promise<string> {
  const path = join(dataDir, 'secret')
  await mkdir(dataDir, { recursive: true })
  const made = randomBytes(32).toString('base64url')
  await writeFile(path, made, { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  return (await readFile(path, 'utf8')).trim()
}
