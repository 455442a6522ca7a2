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
  ContactImport,
  ContactService,
  DirectoryEntryService,
  HistoryService,
  HookService,
  IdentityService,
  InvitationLetters,
  InvitationService,
  JoinRequestService,
  LockService,
  Once,
  OrganizationService,
  OrganizationWork,
  OwnProfileService,
  People,
  SharedDirectoryService,
  SignInService,
  type Store,
  SubscriptionService,
  TeamService,
  TeamWork,
  UserService,
} from '#domain'
import { AppPasswords } from './auth/app-passwords.ts'
import { hookSecrets } from './auth/hook-secrets.ts'
import { invitationLinks } from './auth/invitation-links.ts'
import { IssuerTokens } from './auth/issuer-tokens.ts'
import { ScimTokens } from './auth/scim-tokens.ts'
import { SecretKey } from './auth/secret-key.ts'
import { WebLogin } from './auth/web-login.ts'
import { WebSessionService } from './auth/web-sessions.ts'
import { type Config, ConfigError } from './config.ts'
import { Deliverer } from './outgoing/delivery.ts'
import { GuardedFetch } from './outgoing/guarded-fetch.ts'
import { deliverHook } from './outgoing/hook-jobs.ts'
import { sendInvitation } from './outgoing/invitation-mail.ts'
import { Jobs } from './outgoing/jobs.ts'
import { printingMailer, smtpMailer } from './outgoing/mail.ts'
import { jobsPreparation } from './outgoing/queues.ts'
import { Workers } from './outgoing/workers.ts'
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
  readonly invitationLetters: InvitationLetters
  readonly contacts: ContactService
  readonly contactData: ContactDataService
  readonly contactFeed: ContactFeed
  readonly contactBatch: ContactBatch
  readonly contactImport: ContactImport
  readonly addressBooks: AddressBooks
  readonly books: BookService
  readonly sharedDirectories: SharedDirectoryService
  readonly directoryEntries: DirectoryEntryService
  readonly subscriptions: SubscriptionService
  readonly locks: LockService
  readonly once: Once
  readonly clientProperties: ClientPropertyService
  readonly history: HistoryService
  readonly appPasswords: AppPasswords
  readonly connectors: ConnectorService
  readonly identities: IdentityService
  readonly scimTokens: ScimTokens
  readonly issuerTokens: IssuerTokens
  readonly hooks: HookService
  readonly webSessions: WebSessionService
  readonly webLogin: WebLogin
  readonly workers: Workers
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
      return await assemble(config, url, { exclusive, stop: async () => await embedded?.stop() })
    } catch (error) {
      await embedded?.stop()
      // Another command's database may be ending just now: then we start our own.
      const { code } = error as { code?: string } // pg's errors and Node's have one
      if (!embedded || embedded.owned || attempt >= 5 || !SHUTTING_DOWN.has(code ?? '')) throw error
      await new Promise((done) => setTimeout(done, 300))
    }
  }
}

async function assemble(
  config: Config,
  url: string,
  { exclusive, stop }: { readonly exclusive: boolean; readonly stop: () => Promise<void> },
): Promise<Kith> {
  const migrated = await migrate(config.migrateDatabaseUrl ?? url, jobsPreparation)
  const database = await openDatabase({ url, poolSize: config.databasePool, prepare: config.databasePrepare })
  const mailer = config.smtp ? smtpMailer(config.smtp) : printingMailer(console.log)
  let jobs: Jobs | undefined
  let deliverer: Deliverer | undefined
  const close = async () => {
    deliverer?.stop()
    await jobs?.close()
    mailer.close()
    await database.close()
  }
  try {
    jobs = await Jobs.open(database.execute, { supervised: exclusive })
    const store = createStore(database, jobs)
    const key = new SecretKey(config.secretKey ?? (await ownKey(config.dataDir)))
    if ((await store.credentials.keyId(key.id)) !== key.id) {
      throw new ConfigError(
        'SECRET_KEY (or DATA_DIR/secret) is not the key that this database was made with: no app password and no token would work. Set SECRET_KEY to that one',
      )
    }
    const contacts = new ContactService(store)
    const signIn = new SignInService(store, { autoCreate: config.organizationAutoCreate })
    const webSessions = new WebSessionService(store, key)
    const invitationLetters = new InvitationLetters(store, invitationLinks(key))
    const addressBooks = new AddressBooks(store)
    const scimTokens = new ScimTokens(store, key)
    const secrets = hookSecrets(key)
    const fetch = new GuardedFetch({ exceptions: config.outgoingAllow })
    deliverer = new Deliverer(store.hooks, secrets, fetch)
    const workers = new Workers(jobs, {
      'invitation-letter': sendInvitation(invitationLetters, mailer, config.publicUrl),
      'hook-delivery': deliverHook(store, deliverer),
    })
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
      invitations: new InvitationService(store),
      invitationLetters,
      contacts,
      contactData: new ContactDataService(store, contacts),
      history: new HistoryService(store, contacts),
      contactBatch: new ContactBatch(store),
      contactImport: new ContactImport(store, contacts),
      contactFeed: new ContactFeed(store, addressBooks),
      addressBooks,
      books: new BookService(store),
      sharedDirectories: new SharedDirectoryService(store),
      directoryEntries: new DirectoryEntryService(store),
      subscriptions: new SubscriptionService(store),
      locks: new LockService(store),
      once: new Once(store),
      clientProperties: new ClientPropertyService(store),
      appPasswords: new AppPasswords(store, key),
      connectors: new ConnectorService(store),
      identities: new IdentityService(store),
      scimTokens,
      issuerTokens: new IssuerTokens(store, config.issuers),
      hooks: new HookService(store, secrets, deliverer),
      webSessions,
      webLogin: new WebLogin(config.issuers, signIn, webSessions, key, config.publicUrl),
      workers,
      migrated,
      close: async () => {
        await close()
        await stop()
      },
    }
  } catch (error) {
    await close()
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
