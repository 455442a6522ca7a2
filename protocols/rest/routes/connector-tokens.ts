import type { ApiToken } from '#domain'
import { sendRead, sendWritten } from '../conditions.ts'
import { type App, type Context, empty, headers, IfMatch, IfNoneMatch, json, refusals } from '../context.ts'
import { BY_TEXT, pageFrom, placeOf } from '../cursor.ts'
import { idOf, PAGE_SIZE } from '../ids.ts'
import { ById } from '../schemas.ts'
import {
  ByToken,
  ConnectorToken,
  ConnectorTokenMade,
  ConnectorTokenNew,
  ConnectorTokens,
  ListPage,
} from '../schemas-organization.ts'
import { shape } from '../shape.ts'

const DAY_MS = 86_400_000

const TOKEN = shape<ApiToken>(({ id, label, mayWrite, createdAt, expiresAt, revokedAt, lastUsedAt }) => ({
  id,
  label,
  may_write: mayWrite,
  created_at: createdAt.toISOString(),
  ends_at: earlier(expiresAt, revokedAt)?.toISOString() ?? null,
  last_used_at: lastUsedAt?.toISOString() ?? null,
}))

/** A token that another has replaced ends before it would expire. */
const earlier = (a: Date | undefined, b: Date | undefined): Date | undefined => (a && b ? (a < b ? a : b) : (a ?? b))

/** What identity providers come with; for administrators of the organization. */
export function connectorTokenRoutes(app: App, { actorOf, connectorWork }: Context): void {
  const tags = ['Connectors']
  const known = { 304: { description: 'As you know it' } }

  app.get('/organization/connectors/:id/tokens', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'listConnectorTokens',
      tags,
      summary: 'The tokens of a connector that are in force, without their secrets',
      params: ById,
      querystring: ListPage,
      headers: headers(IfNoneMatch),
      response: { 200: json('A page', ConnectorTokens), ...known, ...refusals(400, 404) },
    },
    handler: async (request, reply) => {
      const { limit = PAGE_SIZE, cursor } = request.query
      const [, after] = placeOf(cursor, BY_TEXT) ?? []
      const found = await connectorWork.tokens(actorOf(request), idOf(request.params.id), after, limit + 1)
      return sendRead(
        request,
        reply,
        pageFrom(found, limit, TOKEN.json, ({ id }) => ['', id]),
      )
    },
  })

  app.post('/organization/connectors/:id/tokens', {
    schema: {
      operationId: 'createConnectorToken',
      tags,
      summary: 'Make a token, which opens SCIM; its text is answered this once',
      params: ById,
      body: ConnectorTokenNew,
      response: {
        201: json('Made; Location says where', ConnectorTokenMade),
        ...refusals(400, 404, 413, 415, 422),
      },
    },
    handler: async (request, reply) => {
      const { label, may_write: mayWrite = true, expires_in_days: days } = request.body
      const id = idOf(request.params.id)
      const expiresAt = days ? new Date(Date.now() + days * DAY_MS) : undefined
      const { token, text } = await connectorWork.issue(actorOf(request), id, { label, mayWrite, expiresAt })
      reply.header('location', `${app.prefix}/organization/connectors/${id}/tokens/${token.id}`)
      reply.header('cache-control', 'no-store') // RFC 9111 §5.2.2.5
      return sendWritten(reply, 201, JSON.stringify({ ...TOKEN.json(token), token: text }), TOKEN.etag(token))
    },
  })

  app.get('/organization/connectors/:id/tokens/:token_id', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'getConnectorToken',
      tags,
      summary: 'A token in force, without its secret',
      params: ByToken,
      headers: headers(IfNoneMatch),
      response: { 200: json('The token', ConnectorToken), ...known, ...refusals(404) },
    },
    handler: async (request, reply) => {
      const { id, token_id: tokenId } = request.params
      const found = await connectorWork.token(actorOf(request), idOf(id), idOf(tokenId))
      return sendRead(request, reply, TOKEN.text(found), TOKEN.etag(found))
    },
  })

  app.delete('/organization/connectors/:id/tokens/:token_id', {
    schema: {
      operationId: 'deleteConnectorToken',
      tags,
      summary: 'End a token: it is refused within a second',
      params: ByToken,
      headers: headers(IfMatch),
      response: { 204: empty('Ended'), ...refusals(404, 412) },
    },
    handler: async (request, reply) => {
      const { id, token_id: tokenId } = request.params
      await connectorWork.end(actorOf(request), idOf(id), idOf(tokenId), TOKEN.expected(request))
      return reply.code(204).send()
    },
  })
}
