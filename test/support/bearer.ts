import Fastify from 'fastify'
import type { Test } from 'tap'
import { type Bearer, DomainError } from '#domain'
import type { IssuerTokens } from '../../src/auth/issuer-tokens.ts'
import type { ScimTokens } from '../../src/auth/scim-tokens.ts'
import { bearerAuthentication } from '../../src/http/authenticate.ts'

/** Asks, over HTTP, whom a token lets in. */
export async function bearerGate(t: Test, scimTokens: ScimTokens, issuerTokens: IssuerTokens) {
  const app = Fastify()
  const authenticate: (
    request: Parameters<ReturnType<typeof bearerAuthentication>>[0],
  ) => Promise<Bearer | 'unauthorized'> = bearerAuthentication(scimTokens, issuerTokens)
  app.get('/', async (request, reply) => {
    try {
      const bearer = await authenticate(request)
      return bearer === 'unauthorized' ? await reply.code(401).send({}) : bearer
    } catch (error) {
      const isAway = error instanceof DomainError && error.code === 'unavailable'
      return await reply.code(isAway ? 503 : 500).send({})
    }
  })
  t.teardown(() => app.close())
  const sent = async (authorization: string | undefined): Promise<{ status: number; bearer: Partial<Bearer> }> => {
    const headers = authorization === undefined ? {} : { authorization }
    const { statusCode, body } = await app.inject({ url: '/', headers })
    return { status: statusCode, bearer: JSON.parse(body) as Partial<Bearer> } // ours
  }
  return { sent, with: (token: string) => sent(`Bearer ${token}`) }
}
