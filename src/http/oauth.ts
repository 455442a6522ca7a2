import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { DomainError } from '#domain'
import type { ScimTokens } from '../auth/scim-tokens.ts'
import { basicCredentials } from './authenticate.ts'

/** RFC 6749 §5.2 */
type OAuthError = 'invalid_request' | 'invalid_client' | 'unsupported_grant_type' | 'invalid_scope'

class Refusal extends Error {
  readonly code: OAuthError
  constructor(code: OAuthError, message: string) {
    super(message)
    this.code = code
  }
}

const SCOPES = ['scim.read', 'scim.write']
const scopeText = (mayWrite: boolean): string => (mayWrite ? SCOPES.join(' ') : 'scim.read')

/** RFC 6749 §3.2: a parameter given twice makes the request invalid, an empty one is none. */
function parameters(body: unknown): ReadonlyMap<string, string> {
  if (typeof body !== 'string') throw new Refusal('invalid_request', 'Send application/x-www-form-urlencoded')
  const all = [...new URLSearchParams(body)].filter(([, value]) => value !== '')
  const given = new Map(all)
  if (given.size !== all.length) throw new Refusal('invalid_request', 'A parameter is given twice')
  return given
}

/** RFC 6749 §2.3.1: in the header both are form-encoded. */
const formDecoded = (text: string): string => new URLSearchParams(`v=${text.replaceAll('&', '%26')}`).get('v') ?? ''

/** RFC 6749 §2.3: by one method, the header or the body. */
function client(request: FastifyRequest, form: ReadonlyMap<string, string>): { id: string; secret: string } {
  const basic = basicCredentials(request.headers.authorization)
  const secret = form.get('client_secret')
  if (request.headers.authorization !== undefined && secret !== undefined) {
    throw new Refusal('invalid_request', 'The client authenticates twice')
  }
  const id = form.get('client_id')
  if (basic) {
    const named = formDecoded(basic.username)
    if (id !== undefined && id !== named) throw new Refusal('invalid_request', 'Two clients are named')
    return { id: named, secret: formDecoded(basic.password) }
  }
  if (id === undefined || secret === undefined)
    throw new Refusal('invalid_client', 'client_id and client_secret are missing')
  return { id, secret }
}

/** OAuth 2.0 client credentials (RFC 6749 §4.4): a SCIM token and its id, for an access token of an hour. */
export async function oauth(app: FastifyInstance, { scimTokens }: { scimTokens: ScimTokens }): Promise<void> {
  app.removeAllContentTypeParsers()
  const options = { parseAs: 'string', bodyLimit: 16_384 } as const
  app.addContentTypeParser('application/x-www-form-urlencoded', options, (_, body, done) => done(null, body))
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: 16_384 }, (_, body, done) => done(null, body))
  app.addHook('onRequest', async (_, reply) => {
    reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' })
  })
  app.setErrorHandler((error, _, reply) => refuse(error, reply))

  app.post('/oauth/token', async (request) => {
    const form = parameters(request.body)
    const grant = form.get('grant_type')
    if (grant === undefined) throw new Refusal('invalid_request', 'grant_type is missing')
    const { id, secret } = client(request, form)
    if (grant !== 'client_credentials') throw new Refusal('unsupported_grant_type', 'Only client_credentials is served')
    const asked = form.get('scope')?.split(' ').filter(Boolean)
    const readOnly = asked !== undefined && !asked.includes('scim.write')
    const access = await scimTokens.exchange(id, secret, readOnly)
    if (!access) throw new Refusal('invalid_client', 'There is no such token in force')
    const granted = scopeText(access.mayWrite).split(' ')
    if (asked?.some((one) => !granted.includes(one))) throw new Refusal('invalid_scope', `It is ${granted.join(' ')}`)
    return {
      access_token: access.text,
      token_type: 'Bearer',
      expires_in: access.expiresInSeconds,
      scope: granted.join(' '),
    }
  })
  app.route({
    method: ['GET', 'PUT', 'PATCH', 'DELETE'],
    url: '/oauth/token',
    handler: (_, reply) => reply.code(405).header('allow', 'POST').send({ error: 'invalid_request' }),
  })
}

function refuse(error: unknown, reply: FastifyReply): FastifyReply {
  if (error instanceof Refusal) {
    if (error.code === 'invalid_client') reply.header('www-authenticate', 'Basic realm="Kith", charset="UTF-8"')
    const body = { error: error.code, error_description: error.message }
    return reply.code(error.code === 'invalid_client' ? 401 : 400).send(body)
  }
  if (error instanceof DomainError && error.code === 'unavailable') {
    const body = { error: 'temporarily_unavailable', error_description: error.message }
    return reply.code(503).header('retry-after', '2').send(body)
  }
  const { statusCode = 500 } = error as { statusCode?: number } // Fastify's errors have one
  if (statusCode < 500) return reply.code(statusCode).send({ error: 'invalid_request' })
  reply.log.error({ err: error }, 'the token endpoint failed')
  return reply.code(500).send({ error: 'server_error' })
}
