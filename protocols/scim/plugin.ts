import { Readable } from 'node:stream'
import rateLimits from '@fastify/rate-limit'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Bearer, OwnProfileService } from '#domain'
import type { Answer, Services, Text } from './context.ts'
import { errorBody, ScimError } from './protocol/messages.ts'
import { refusal } from './refusals.ts'
import { answer, type Call } from './router.ts'

/** Who a request is from, or that nobody may come with what it bears. */
export type Authenticate = (request: FastifyRequest) => Promise<Bearer | 'unauthorized'>

export interface ScimOptions extends Services {
  readonly authenticate: Authenticate
  readonly ownProfile: OwnProfileService
  /** Where people reach the server: an origin. */
  readonly publicUrl: string
  /** The largest body, in bytes. */
  readonly bodyLimit: number
  /** Requests a second that one token may make, over some seconds; 0: any number. */
  readonly rateLimit: number
}

const ROOT = '/scim/v2'
const TYPE = 'application/scim+json; charset=utf-8'
export const isScimPath = (url: string): boolean => url.startsWith(`${ROOT}/`)
/** What an address is answered with that reaches no plugin, since it cannot be decoded: media type and body. */
export const UNREADABLE = [TYPE, JSON.stringify(errorBody(new ScimError(400, 'This address cannot be read')))] as const
/** RFC 7644 §3.1, §8.1; some identity providers send plain JSON. */
const READ: ReadonlySet<string> = new Set(['application/scim+json', 'application/json'])
/** A burst is let through that a longer time makes up for. */
const WINDOW_S = 10
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** SCIM 2.0 (RFC 7643, RFC 7644, RFC 9865) under /scim/v2. */
export const scim: FastifyPluginAsync<ScimOptions> = async (app, options) => {
  const { authenticate, ownProfile, publicUrl, bodyLimit, rateLimit, ...services } = options
  const base = `${publicUrl}${ROOT}`

  /** Those who were let in, before their body is read. */
  const bearers = new WeakMap<FastifyRequest, Bearer>()
  const letIn = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    reply.header('cache-control', 'no-store')
    const bearer = await authenticate(request)
    if (bearer === 'unauthorized') {
      const told = request.headers.authorization === undefined ? '' : ', error="invalid_token"' // RFC 6750 §3.1
      reply.header('www-authenticate', `Bearer realm="Kith"${told}`)
      throw new ScimError(
        401,
        'Send a token that is valid: Authorization: Bearer … (npx kith scim-token create makes one)',
      )
    }
    const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? ''
    if (encoding !== '' && encoding !== 'identity') throw new ScimError(415, 'Send the body without an encoding')
    bearers.set(request, bearer)
    return undefined
  }

  await app.register(
    async (scope) => {
      scope.removeAllContentTypeParsers()
      scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (request, body, done) => {
        const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
        if (type === '' || READ.has(type) || body.length === 0) return done(null, body)
        done(new ScimError(415, `Send application/scim+json, not "${type}"`))
      })
      scope.addHook('onRequest', letIn)
      if (rateLimit > 0) {
        await scope.register(rateLimits, {
          max: rateLimit * WINDOW_S,
          timeWindow: WINDOW_S * 1_000,
          hook: 'preParsing', // whose request it is, is known by then
          keyGenerator: (request) => bearers.get(request)?.key ?? '',
          addHeadersOnExceeding: {
            'x-ratelimit-limit': false,
            'x-ratelimit-remaining': false,
            'x-ratelimit-reset': false,
          },
          errorResponseBuilder: (_, { ttl }) =>
            new ScimError(429, `Too many requests: wait ${Math.ceil(ttl / 1_000)} s`),
        })
      }
      scope.setErrorHandler<Error>((error, request, reply) => {
        const refused = refusal(error) ?? fromFastify(error)
        if (!refused) request.log.error({ err: error }, 'a request failed')
        return sendRefusal(reply, refused ?? new ScimError(500, 'Something went wrong on our side; it is logged'))
      })
      const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
        const bearer = bearers.get(request)
        if (!bearer) throw new ScimError(404, 'Nothing is here')
        return send(reply, await answer(callOf(request), bearer, { ...services, base, ownProfile, bodyLimit }))
      }
      scope.setNotFoundHandler(handler)
      for (const url of ['', '/*']) scope.route({ method: METHODS, url, handler, bodyLimit, exposeHeadRoute: false })
    },
    { prefix: ROOT },
  )
}

/** What a request asks, without what it came by. */
function callOf({ method, raw, headers, body }: FastifyRequest): Call {
  const [path = '', search = ''] = split(raw.url ?? '')
  const ifNoneMatch = headers['if-none-match']
  return {
    method: method === 'HEAD' ? 'GET' : method, // whose body the HTTP server leaves out
    segments: segmentsOf(path),
    search,
    body: body instanceof Uint8Array ? body : undefined,
    condition: {
      ...(headers['if-match'] === undefined ? {} : { ifMatch: headers['if-match'] }),
      ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
    },
  }
}

const split = (url: string): [string, string] => {
  const at = url.indexOf('?')
  return at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)]
}

/** The segments after /scim/v2, each decoded for itself; a slash too many, at an end or between, is none. */
function segmentsOf(path: string): string[] {
  const parts = path.slice(path.indexOf(ROOT) + ROOT.length).split('/')
  return parts.flatMap((part) => {
    if (part === '') return []
    try {
      return [decodeURIComponent(part)]
    } catch {
      throw new ScimError(404, 'This address cannot be read')
    }
  })
}

function send(reply: FastifyReply, { status, body, etag, location }: Answer): FastifyReply {
  reply.code(status)
  if (etag !== undefined) reply.header('etag', etag)
  if (location !== undefined) reply.header('location', location)
  // RFC 9110 §15.3.5: the headers of a 204 are about the resource. Clients made of the SCIM SDK take no other.
  if (status === 204 && etag !== undefined) reply.header('content-type', TYPE)
  if (body === undefined) return reply.send()
  return reply.header('content-type', TYPE).send(streamOf(body))
}

const streamOf = (body: Text): string | Readable => (typeof body === 'string' ? body : Readable.from(body))

function sendRefusal(reply: FastifyReply, refused: ScimError): FastifyReply {
  if (refused.status === 503) reply.header('retry-after', '2')
  if (refused.allow !== undefined) reply.header('allow', refused.allow)
  return reply
    .code(refused.status)
    .header('content-type', TYPE)
    .send(JSON.stringify(errorBody(refused)))
}

/** Fastify's own refusals: a body that is too large, a length that is not so. */
function fromFastify(error: Error): ScimError | undefined {
  const { statusCode } = error as Error & { statusCode?: number } // Fastify's errors have one
  if (statusCode === 413) return new ScimError(413, 'The body is too large: send less at once')
  return statusCode !== undefined && statusCode >= 400 && statusCode < 500
    ? new ScimError(statusCode, error.message)
    : undefined
}
