import Fastify, { type FastifyInstance, type FastifyReply, LogController } from 'fastify'
import { addressOfCard, carddav } from '../../protocols/carddav/plugin.ts'
import { isRestPath, UNREADABLE as REST_UNREADABLE, rest } from '../../protocols/rest/plugin.ts'
import { isScimPath, UNREADABLE as SCIM_UNREADABLE, scim } from '../../protocols/scim/plugin.ts'
import type { Kith } from '../composition.ts'
import type { Config } from '../config.ts'
import { apiAuthentication, appPasswordAuthentication, bearerAuthentication } from './authenticate.ts'
import { invitationPage } from './invitation-page.ts'
import { oauth } from './oauth.ts'
import { signIn } from './sign-in.ts'
import { cookieName } from './web-session.ts'

const MIB = 1024 * 1024

/** The server, not yet listening. */
export async function createServer(kith: Kith, config: Config): Promise<FastifyInstance> {
  const unreadable = (url: string) => {
    if (isScimPath(url)) return SCIM_UNREADABLE
    return isRestPath(url) ? REST_UNREADABLE : (['text/plain', 'This address cannot be read.\n'] as const)
  }
  const app = Fastify({
    logger:
      config.logLevel === 'silent'
        ? false
        : { level: config.logLevel, redact: ['req.headers.authorization', 'req.headers.cookie'] },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 16 * MIB,
    requestTimeout: 28_000, // with the interval of the check: closed within 30 s
    connectionTimeout: 0,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    trustProxy: config.trustedProxies.length > 0 ? [...config.trustedProxies] : false,
    exposeHeadRoutes: false,
    childLoggerFactory: (logger) => logger, // one a request costs more than what is logged of it
    routerOptions: { maxParamLength: 4_096, caseSensitive: true, ignoreTrailingSlash: false },
    http: { headersTimeout: 20_000, maxHeaderSize: 32 * 1024, connectionsCheckingInterval: 2_000 },
    frameworkErrors: (_, request, reply) => {
      const [type, text] = unreadable(request.url)
      ;(reply as FastifyReply).code(400).type(type).send(text) // of no route: any reply
    },
  })
  app.server.maxConnections = config.maxConnections
  app.server.on('connection', (socket) => socket.setNoDelay(true))

  app.get('/health/live', async () => ({ status: 'ok' }))
  app.get('/health/ready', async (_, reply) => {
    try {
      await kith.store.organizations.find('00000000-0000-0000-0000-000000000000')
      return { status: 'ok' }
    } catch {
      return reply.code(503).header('retry-after', '2').send({ status: 'the database cannot be reached' })
    }
  })
  app.get('/', async (_, reply) => reply.type('text/plain; charset=utf-8').send(welcome(config.publicUrl)))
  await app.register(carddav, {
    authenticate: appPasswordAuthentication(kith.appPasswords),
    contacts: kith.contacts,
    addressBooks: kith.addressBooks,
    books: kith.books,
    locks: kith.locks,
    clientProperties: kith.clientProperties,
    people: kith.people,
    bodyLimit: 16 * MIB,
  })
  await app.register(scim, {
    authenticate: bearerAuthentication(kith.scimTokens, kith.issuerTokens),
    users: kith.users,
    teams: kith.teams,
    directory: kith.store.directory,
    ownProfile: kith.ownProfile,
    publicUrl: config.publicUrl,
    bodyLimit: 16 * MIB,
    rateLimit: config.scimRateLimit,
  })
  await app.register(rest, {
    authenticate: apiAuthentication(kith, config.publicUrl),
    sessionCookie: cookieName(config.publicUrl),
    contactData: kith.contactData,
    addressBooks: kith.addressBooks,
    books: kith.books,
    contactFeed: kith.contactFeed,
    contactBatch: kith.contactBatch,
    contactImport: kith.contactImport,
    history: kith.history,
    ownProfile: kith.ownProfile,
    sharedDirectories: kith.sharedDirectories,
    directoryEntries: kith.directoryEntries,
    subscriptions: kith.subscriptions,
    teamWork: kith.teamWork,
    joinRequests: kith.joinRequests,
    invitations: kith.invitations,
    colleagues: kith.colleagues,
    organizationWork: kith.organizationWork,
    connectorWork: kith.connectorWork,
    hooks: kith.hooks,
    cardHref: ({ userId }, book, name) => addressOfCard(userId, book, name),
    publicUrl: config.publicUrl,
    bodyLimit: 16 * MIB,
    rateLimit: config.apiRateLimit,
    once: kith.once,
  })
  await app.register(invitationPage, { letters: kith.invitationLetters })
  await app.register(oauth, { scimTokens: kith.scimTokens })
  await app.register(signIn, {
    webLogin: kith.webLogin,
    webSessions: kith.webSessions,
    publicUrl: config.publicUrl,
  })
  return app
}

const welcome = (url: string): string => `This is Kith, an organization's people directory.

Add a CardDAV account on your phone or in your mail client:
  server     ${url}
  user name  and password: an app password made for this device (npx kith app-password create --help)

Connect an identity provider by SCIM 2.0:
  base URL   ${url}/scim/v2
  token      npx kith scim-token create --help

Write an application:
  reference  ${url}/api/docs
`
