import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Actor } from '#domain'
import { type Exchange, type Method, notHere, XmlBodies } from './methods/exchange.ts'
import { get, put, remove } from './methods/object.ts'
import { propfind } from './methods/propfind.ts'
import { proppatch } from './methods/proppatch.ts'
import { report } from './methods/report.ts'
import { XML_TYPE } from './multistatus.ts'
import { DavError, errorBody, refusal } from './preconditions.ts'
import { REPORTS } from './reports/index.ts'
import type { Services } from './resources.ts'
import { cardHref, isDavPath, parsePath, ROOT, requestPath } from './urls.ts'

/** Who a request is from, or how it is refused. */
export type Authenticate = (request: FastifyRequest) => Promise<Actor | 'unauthorized' | 'too-many-failures'>

export interface CarddavOptions extends Services {
  readonly authenticate: Authenticate
  /** The largest body, in bytes. */
  readonly bodyLimit: number
}

/** RFC 4918 §18, RFC 6352 §6.1 */
const COMPLIANCE = '1, 3, addressbook'
const OWN_METHODS = ['PROPFIND', 'PROPPATCH', 'REPORT'] as const
/** Answered by 405 with Allow until they are served. */
const OTHER_METHODS = ['MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK', 'ACL'] as const
const OF_CARDS_ONLY: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT'])
const OF_COLLECTIONS_ONLY: ReadonlySet<string> = new Set(['REPORT'])

/** CardDAV (RFC 6352) under /dav/, and the discovery of it (RFC 6764). */
export const carddav: FastifyPluginAsync<CarddavOptions> = async (app, options) => {
  const bodies = new XmlBodies()
  const methods: Readonly<Record<string, Method>> = {
    PROPFIND: propfind(bodies),
    PROPPATCH: proppatch(bodies),
    REPORT: report(bodies),
    GET: get,
    HEAD: get,
    PUT: put,
    DELETE: remove,
    OPTIONS: async ({ reply }) => reply.code(204).send(),
  }
  const allowOn = (others: ReadonlySet<string>) =>
    Object.keys(methods)
      .filter((method) => !others.has(method))
      .join(', ')
  const allow = { card: allowOn(OF_COLLECTIONS_ONLY), collection: allowOn(OF_CARDS_ONLY) }

  for (const method of [...OWN_METHODS, ...OTHER_METHODS]) app.addHttpMethod(method, { hasBody: true })
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
    const context = { ...services, actor, userAgent, host: request.host, reports: REPORTS }
    const address = parsePath(requestPath(request.raw.url))
    if (!address) throw notHere()
    const method = methods[request.method]
    reply.header('allow', address.kind === 'card' ? allow.card : allow.collection)
    if (!method) throw new DavError(405, `${request.method} is not served here`)
    const exchange: Exchange = { request, reply, context, address }
    return await method(exchange)
  }

  await app.register(async (scope) => {
    const fail = (error: Error, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
      const path = requestPath(request.raw.url).split('?', 1)[0] ?? ''
      const book = path.slice(0, path.lastIndexOf('/') + 1)
      const refused = refusal(error, (name) => cardHref(book, name)) ?? fromFastify(error)
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

/** Fastify's own refusals: a body that is too large, a length that is not so. */
function fromFastify(error: Error): DavError | undefined {
  const { statusCode } = error as Error & { statusCode?: number } // Fastify's errors have one
  return statusCode !== undefined && statusCode >= 400 && statusCode < 500
    ? new DavError(statusCode, error.message)
    : undefined
}
