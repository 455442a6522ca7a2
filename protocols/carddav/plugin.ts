import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Actor, Id, Person } from '#domain'
import { assertAccess } from './methods/access.ts'
import { assertConditions } from './methods/conditions.ts'
import { type Exchange, notHere, XmlBodies } from './methods/exchange.ts'
import { methods } from './methods/index.ts'
import { XML_TYPE } from './multistatus.ts'
import { DavError, errorBody, refusal } from './preconditions.ts'
import { preferences } from './prefer.ts'
import { REPORTS } from './reports/index.ts'
import type { Services } from './resources.ts'
import { type Address, bookHref, cardHref, isDavPath, parsePath, ROOT, requestPath } from './urls.ts'

/** Who a request is from, or how it is refused. */
export type Authenticate = (request: FastifyRequest) => Promise<Actor | 'unauthorized' | 'too-many-failures'>

/** Where somebody's card is, in which of their books. */
export const addressOfCard = (userId: Id, book: string, name: string): string => cardHref(bookHref(userId, book), name)

export interface CarddavOptions extends Services {
  readonly authenticate: Authenticate
  /** The largest body, in bytes. */
  readonly bodyLimit: number
}

/** RFC 4918 §18, RFC 6352 §6.1 */
const COMPLIANCE = '1, 2, 3, access-control, extended-mkcol, addressbook'
/** ACL is known to be refused: 405 with Allow (RFC 3744 §8.1 lets access be fixed). */
const OWN_METHODS = ['PROPFIND', 'PROPPATCH', 'REPORT', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK', 'ACL'] as const
const OF_CARDS_ONLY: ReadonlySet<string> = new Set(['PUT', 'COPY'])
const OF_BOOKS_ONLY: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'DELETE', 'MKCOL', 'MOVE', 'LOCK', 'UNLOCK'])
const NOT_OF_CARDS: ReadonlySet<string> = new Set(['POST', 'MKCOL'])
const WRITING: ReadonlySet<string> = new Set('PROPPATCH PUT POST DELETE COPY MOVE MKCOL LOCK UNLOCK'.split(' '))
/** What these need to hold is checked where they write, in the same transaction, or against what they read. */
const CHECKING: ReadonlySet<string> = new Set(
  'GET HEAD PUT POST DELETE COPY MOVE LOCK UNLOCK PROPPATCH OPTIONS'.split(' '),
)

/** CardDAV (RFC 6352) under /dav/, and the discovery of it (RFC 6764). */
export const carddav: FastifyPluginAsync<CarddavOptions> = async (app, options) => {
  const served = methods(new XmlBodies())
  const allowBut = (...others: readonly ReadonlySet<string>[]) =>
    Object.keys(served)
      .filter((method) => !others.some((set) => set.has(method)))
      .join(', ')
  const allow = {
    card: allowBut(NOT_OF_CARDS),
    book: allowBut(OF_CARDS_ONLY),
    collection: allowBut(OF_CARDS_ONLY, OF_BOOKS_ONLY),
    reading: allowBut(WRITING, OF_BOOKS_ONLY),
    'reading-card': allowBut(WRITING),
  }
  const allowOf = ({ kind }: Address): string => {
    if (kind === 'card') return allow.card
    if (kind === 'address-book') return allow.book
    if (kind === 'directory-card') return allow['reading-card']
    return kind === 'directory' || kind === 'directories' ? allow.reading : allow.collection
  }

  for (const method of OWN_METHODS) app.addHttpMethod(method, { hasBody: true })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: options.bodyLimit }, (_, body, done) =>
    done(null, body),
  )

  // RFC 6764 §5: no credentials are asked for where nothing but the way is told.
  const redirect = async (_: FastifyRequest, reply: FastifyReply) => reply.redirect(ROOT, 301)
  const anything = [...app.supportedMethods].filter((method) => method !== 'CONNECT')
  app.route({ method: anything, url: '/.well-known/carddav', handler: redirect })
  app.route({ method: 'PROPFIND', url: '/', handler: redirect })
  app.route({ method: 'PROPFIND', url: '/principals/', handler: redirect })

  /** Those who were let in. Before the body is read: a stranger's is none of our memory. */
  const actors = new WeakMap<FastifyRequest, Actor>()
  const letIn = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    if (!isDavPath(requestPath(request.raw.url))) return undefined
    reply.header('dav', COMPLIANCE).header('cache-control', 'private, no-cache')
    if (isHostOdd(request.raw)) throw new DavError(400, 'A request has one Host')
    const actor = await options.authenticate(request)
    if (actor === 'too-many-failures') {
      return reply
        .code(429)
        .header('retry-after', '60')
        .type('text/plain')
        .send('Too many wrong passwords: wait a minute.\n')
    }
    if (actor === 'unauthorized') {
      reply.code(401).header('www-authenticate', 'Basic realm="Kith", charset="UTF-8"')
      return reply.type('text/plain').send('Sign in with your user name and an app password made for this device.\n')
    }
    if (request.headers['content-encoding'] !== undefined) throw new DavError(415, 'Send the body without an encoding')
    actors.set(request, actor)
    return undefined
  }

  const handle = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const actor = actors.get(request)
    if (!actor) throw notHere() // no address of ours
    const { authenticate: _, bodyLimit: __, ...services } = options
    const userAgent = request.headers['user-agent'] ?? ''
    const prefer = preferences(headerText(request.headers.prefer))
    let reading: Promise<Person> | undefined
    const me = () => {
      reading ??= services.people.find(actor, actor.userId).then(orGone)
      return reading
    }
    const context = { ...services, actor, me, userAgent, prefer, heldLocks: [], host: request.host, reports: REPORTS }
    const address = parsePath(requestPath(request.raw.url))
    if (!address) throw notHere()
    const method = served[request.method]
    const exchange: Exchange = { request, reply, context, address }
    assertAccess(exchange)
    reply.header('allow', allowOf(address))
    if (!method) throw new DavError(405, `${request.method} is not served here`)
    if (!CHECKING.has(request.method)) await assertConditions(exchange)
    return await method(exchange)
  }

  await app.register(async (scope) => {
    const fail = (error: Error, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
      const path = requestPath(request.raw.url).split('?', 1)[0] ?? ''
      const book = path.slice(0, path.lastIndexOf('/') + 1)
      const refused = refusal(error, (name) => cardHref(book, name), path) ?? fromFastify(error)
      if (!refused) {
        request.log.error({ err: error }, 'a request failed')
        return reply.code(500).type('text/plain').send('Something went wrong on our side; it is logged.\n')
      }
      if (refused.status === 503) reply.header('retry-after', '2')
      return reply.code(refused.status).header('content-type', XML_TYPE).send(errorBody(refused))
    }
    scope.addHook('onRequest', letIn)
    scope.setErrorHandler<Error>(fail)
    scope.setNotFoundHandler(handle)
    scope.route({ method: anything, url: ROOT.slice(0, -1), handler: handle, exposeHeadRoute: false })
    scope.route({ method: anything, url: `${ROOT}*`, handler: handle, exposeHeadRoute: false })
  })
}

/** Whoever was let in and deleted since. */
function orGone(person: Person | undefined): Person {
  if (!person) throw notHere()
  return person
}

/** RFC 9112 §3.2: one Host, and it is one. (HTTP/1.0 has none.) */
function isHostOdd({ rawHeaders }: FastifyRequest['raw']): boolean {
  const hosts = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === 'host')
  return hosts.length > 1 || hosts.some((host) => !/^([\w.-]+|\[[0-9a-f:.]+\])(:\d*)?$/i.test(host))
}

const headerText = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.join(', ') : value

/** Fastify's own refusals: a body that is too large, a length that is not so. */
function fromFastify(error: Error): DavError | undefined {
  const { statusCode } = error as Error & { statusCode?: number } // Fastify's errors have one
  return statusCode !== undefined && statusCode >= 400 && statusCode < 500
    ? new DavError(statusCode, error.message)
    : undefined
}
