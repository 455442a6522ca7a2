import swagger from '@fastify/swagger'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Actor, Bearer, Once } from '#domain'
import { PHOTO_TYPES } from '#vcard'
import type { Context, Services } from './context.ts'
import { described } from './description.ts'
import { readingPage } from './docs.ts'
import { idempotent } from './idempotency.ts'
import { PROBLEM_TYPE, Problem, problemBody, problemOf } from './problems.ts'
import { type Limit, rateLimited } from './rate-limit.ts'
import { connectorTokenRoutes } from './routes/connector-tokens.ts'
import { connectorRoutes } from './routes/connectors.ts'
import { contactBatchRoutes } from './routes/contact-batch.ts'
import { contactChangesRoutes } from './routes/contact-changes.ts'
import { contactExportRoutes } from './routes/contact-export.ts'
import { contactHistoryRoutes } from './routes/contact-history.ts'
import { contactImportRoutes } from './routes/contact-import.ts'
import { contactPhotoRoutes } from './routes/contact-photo.ts'
import { contactRoutes } from './routes/contacts.ts'
import { directoryRoutes } from './routes/directories.ts'
import { entryRoutes } from './routes/directory-entries.ts'
import { offerRoutes } from './routes/directory-offers.ts'
import { hookRoutes } from './routes/hooks.ts'
import { invitationRoutes } from './routes/invitations.ts'
import { joinRequestRoutes } from './routes/join-requests.ts'
import { meRoutes } from './routes/me.ts'
import { organizationRoutes } from './routes/organization.ts'
import { subscriptionRoutes } from './routes/subscriptions.ts'
import { teamMemberRoutes } from './routes/team-members.ts'
import { teamRoutes } from './routes/teams.ts'
import { userRoutes } from './routes/users.ts'
import { validator, wrong } from './validation.ts'

/** Who a request is from, or why nobody comes with what it bears: a session may, from a page of ours. */
export type Authenticate = (
  request: FastifyRequest,
) => Promise<Bearer | { readonly missingScope: string } | 'unauthorized' | 'cross-site'>

export interface RestOptions extends Services {
  readonly authenticate: Authenticate
  /** The cookie of a session. */
  readonly sessionCookie: string
  readonly once: Once
  /** Where people reach the server: an origin. */
  readonly publicUrl: string
  /** The largest body, in bytes. */
  readonly bodyLimit: number
  /** Requests a second that one person may make, over some seconds; 0: any number. */
  readonly rateLimit: number
}

export const isRestPath = (url: string): boolean => url.startsWith('/api/')
/** What an address is answered with that reaches no plugin, since it cannot be decoded: media type and body. */
export const UNREADABLE = [
  PROBLEM_TYPE,
  problemBody(new Problem(400, 'bad-request', 'This address cannot be read')),
] as const

/** The JSON API under /api/v1, and its description. */
export const rest: FastifyPluginAsync<RestOptions> = async (app, options) => {
  const { authenticate, sessionCookie, publicUrl, bodyLimit, rateLimit, once, ...services } = options
  const actors = new WeakMap<FastifyRequest, Actor>()
  const actorOf = (request: FastifyRequest): Actor => {
    const actor = actors.get(request)
    if (!actor) throw new TypeError('a route of the API has a hook that lets people in')
    return actor
  }
  const letIn =
    (limited: Limit) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
      reply.headers(PRIVATE)
      const bearer = await authenticate(request)
      if (bearer === 'unauthorized') {
        const told = request.headers.authorization === undefined ? '' : ', error="invalid_token"' // RFC 6750 §3.1
        const headers = { 'www-authenticate': `Bearer realm="Kith"${told}` }
        throw new Problem(401, 'unauthorized', 'Sign in, or send an access token of yours: Authorization: Bearer …', {
          headers,
        })
      }
      if (bearer === 'cross-site') throw new Problem(403, 'cross-site', 'Another site sent this, or nothing tells')
      if ('missingScope' in bearer) {
        const challenge = `Bearer realm="Kith", error="insufficient_scope", scope="${bearer.missingScope}"` // likewise
        const headers = { 'www-authenticate': challenge }
        throw new Problem(403, 'insufficient-scope', `Your token lacks the scope ${bearer.missingScope}`, { headers })
      }
      if (bearer.kind !== 'user') {
        throw new Problem(403, 'no-person', 'This token is an identity provider’s: it speaks SCIM, and is no person’s')
      }
      await limited(request, reply, bearer.key)
      actors.set(request, bearer.actor)
    }

  await app.register(
    async (api) => {
      await api.register(swagger, { openapi: description(publicUrl, sessionCookie) })
      api.setErrorHandler(sendProblem)
      api.setNotFoundHandler(nothing)
      await api.register(
        async (scope) => {
          scope.removeAllContentTypeParsers()
          const parser = scope.getDefaultJsonParser('error', 'error')
          const types = ['application/json', 'application/merge-patch+json']
          scope.addContentTypeParser(types, { parseAs: 'string', bodyLimit }, parser)
          const whole = (_: unknown, body: string | Buffer, done: (error: null, body: string | Buffer) => void) =>
            done(null, body)
          scope.addContentTypeParser(['text/vcard', ...PHOTO_TYPES], { parseAs: 'buffer', bodyLimit }, whole)
          scope.addHook('preParsing', assertTaken(types))
          scope.setValidatorCompiler(validator)
          scope.setSchemaErrorFormatter(wrong)
          scope.addHook('onRequest', letIn(await rateLimited(scope, rateLimit)))
          scope.setNotFoundHandler(nothing) // for those who were let in
          const refuseOthers = otherMethods(scope)
          idempotent(scope, once, actorOf)
          const typed = scope.withTypeProvider<TypeBoxTypeProvider>()
          const context: Context = { ...services, actorOf }
          meRoutes(typed, context)
          contactRoutes(typed, context)
          directoryRoutes(typed, context)
          entryRoutes(typed, context)
          offerRoutes(typed, context)
          subscriptionRoutes(typed, context)
          contactBatchRoutes(typed, context)
          contactExportRoutes(typed, context)
          contactImportRoutes(typed, context)
          contactChangesRoutes(typed, context)
          contactPhotoRoutes(typed, context)
          contactHistoryRoutes(typed, context)
          teamRoutes(typed, context)
          teamMemberRoutes(typed, context)
          joinRequestRoutes(typed, context)
          invitationRoutes(typed, context)
          userRoutes(typed, context)
          organizationRoutes(typed, context)
          connectorRoutes(typed, context)
          connectorTokenRoutes(typed, context)
          hookRoutes(typed, context)
          refuseOthers()
        },
        { prefix: '/v1' },
      )
      const hide = { schema: { hide: true }, exposeHeadRoute: true }
      let text: string | undefined
      const document = (): string => {
        text ??= JSON.stringify(described(api.swagger()))
        return text
      }
      api.get('/v1/openapi.json', hide, (_, reply) => {
        reply.header('cache-control', 'public, max-age=300')
        return reply.type('application/json; charset=utf-8').send(document())
      })
      api.get('/docs', hide, (_, reply) => {
        reply.header('cache-control', 'public, max-age=300').header('x-content-type-options', 'nosniff')
        const { html, policy } = readingPage(JSON.parse(document()))
        return reply.header('content-security-policy', policy).type('text/html; charset=utf-8').send(html)
      })
    },
    { prefix: '/api' },
  )
}

/** A browser shows nothing of what people wrote as a page of ours: there its scripts would be in their session. */
const PRIVATE = {
  'cache-control': 'private, no-cache',
  vary: 'Authorization, Cookie',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
}
const nothing = (): never => {
  throw new Problem(404, 'not-found', 'Nothing is here')
}
const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])
/** A route takes JSON, or what its `takes` says; RFC 9110 §15.5.16 */
const assertTaken =
  (usual: readonly string[]) =>
  async ({ method, headers, routeOptions }: FastifyRequest): Promise<void> => {
    const { takes = usual } = routeOptions.config as { takes?: readonly string[] } // as routes of ours have it
    const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase()
    if (type === undefined || takes.includes(type) || !WITH_BODY.has(method)) return
    throw new Problem(415, 'unsupported-media-type', `Send the body as ${takes.join(' or ')}`)
  }

const description = (publicUrl: string, sessionCookie: string) => ({
  openapi: '3.1.0' as const,
  info: {
    title: 'Kith',
    version: '1',
    description:
      'An organization’s people, each as you see them, and your own contacts. Errors are problem details (RFC 9457).',
  },
  servers: [{ url: publicUrl }],
  components: {
    securitySchemes: {
      bearer: { type: 'http' as const, scheme: 'bearer' },
      session: { type: 'apiKey' as const, in: 'cookie', name: sessionCookie },
    },
  },
  security: [{ bearer: [] }, { session: [] }],
})

/** RFC 9110 §15.5.6: what is there answers every method, a wrong one with those that are right. */
function otherMethods(scope: FastifyInstance): () => void {
  const known = new Map<string, Set<string>>()
  const supported = new Set<string>(scope.supportedMethods) // with those that other protocols have added
  scope.addHook('onRoute', ({ routePath, method }) => {
    known.set(routePath, new Set([...(known.get(routePath) ?? []), ...[method].flat()]))
  })
  return () => {
    for (const [url, methods] of [...known]) {
      const allow = [...methods].sort().join(', ')
      const handler = (): never => {
        throw new Problem(405, 'method-not-allowed', `Here goes ${allow}`, { headers: { allow } })
      }
      const onRequest = async () => handler() // before a body is read
      scope.route({
        method: [...supported].filter((one) => !methods.has(one)),
        url,
        onRequest,
        handler,
        schema: { hide: true },
        exposeHeadRoute: false,
      })
    }
  }
}

function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = problemOf(error)
  if (!known) request.log.error({ err: error }, 'a request failed')
  const problem = known ?? new Problem(500, 'internal', 'Something went wrong on our side; it is logged')
  return reply.code(problem.status).headers(problem.headers).type(PROBLEM_TYPE).send(problemBody(problem))
}
