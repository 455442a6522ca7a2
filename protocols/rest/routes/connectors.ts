import type { Static } from '@fastify/type-provider-typebox'
import type { Connector as Kept } from '#domain'
import { sendRead, sendWritten } from '../conditions.ts'
import { type App, type Context, empty, headers, IfMatch, IfNoneMatch, json, refusals } from '../context.ts'
import { BY_TEXT, pageFrom, placeOf } from '../cursor.ts'
import { idOf, PAGE_SIZE } from '../ids.ts'
import { ById } from '../schemas.ts'
import { Connector, ConnectorChange, ConnectorNew, Connectors, ListPage } from '../schemas-organization.ts'
import { shape } from '../shape.ts'

const CONNECTOR = shape<Kept>(({ id, name, isStrict, staffRole }) => ({
  id,
  name,
  is_strict: isStrict,
  staff_role: staffRole ?? null,
}))

const changeOf = ({ name, is_strict, staff_role }: Static<typeof ConnectorChange>) => ({
  ...(name === undefined ? {} : { name }),
  ...(is_strict === undefined ? {} : { isStrict: is_strict }),
  ...(staff_role === undefined ? {} : { staffRole: staff_role ?? '' }),
})

/** As what identity providers come; for administrators of the organization. */
export function connectorRoutes(app: App, { actorOf, connectorWork }: Context): void {
  const tags = ['Connectors']
  const known = { 304: { description: 'As you know it' } }

  app.get('/organization/connectors', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'listConnectors',
      tags,
      summary: 'The connectors of identity providers, by name',
      querystring: ListPage,
      headers: headers(IfNoneMatch),
      response: { 200: json('A page', Connectors), ...known, ...refusals(400) },
    },
    handler: async (request, reply) => {
      const { limit = PAGE_SIZE, cursor } = request.query
      const [after] = placeOf(cursor, BY_TEXT) ?? []
      const found = await connectorWork.page(actorOf(request), after, limit + 1)
      return sendRead(
        request,
        reply,
        pageFrom(found, limit, CONNECTOR.json, ({ name, id }) => [name, id]),
      )
    },
  })

  app.post('/organization/connectors', {
    schema: {
      operationId: 'createConnector',
      tags,
      summary: 'Make a connector for an identity provider',
      body: ConnectorNew,
      response: { 201: json('Made; Location says where', Connector), ...refusals(400, 409, 413, 415, 422) },
    },
    handler: async (request, reply) => {
      const made = await connectorWork.create(actorOf(request), changeOf(request.body))
      reply.header('location', `${app.prefix}/organization/connectors/${made.id}`)
      return sendWritten(reply, 201, CONNECTOR.text(made), CONNECTOR.etag(made))
    },
  })

  app.get('/organization/connectors/:id', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'getConnector',
      tags,
      summary: 'A connector',
      params: ById,
      headers: headers(IfNoneMatch),
      response: { 200: json('The connector', Connector), ...known, ...refusals(404) },
    },
    handler: async (request, reply) => {
      const found = await connectorWork.read(actorOf(request), idOf(request.params.id))
      return sendRead(request, reply, CONNECTOR.text(found), CONNECTOR.etag(found))
    },
  })

  app.patch('/organization/connectors/:id', {
    schema: {
      operationId: 'changeConnector',
      tags,
      summary: 'Rename a connector, or serve it in another way: in force within a second',
      params: ById,
      headers: headers(IfMatch),
      body: ConnectorChange,
      response: { 200: json('As it is now', Connector), ...refusals(400, 404, 409, 412, 413, 415, 422) },
    },
    handler: async (request, reply) => {
      const { id } = request.params
      const change = changeOf(request.body)
      const now = await connectorWork.change(actorOf(request), idOf(id), change, CONNECTOR.expected(request))
      return sendWritten(reply, 200, CONNECTOR.text(now), CONNECTOR.etag(now))
    },
  })

  app.delete('/organization/connectors/:id', {
    schema: {
      operationId: 'deleteConnector',
      tags,
      summary: 'Delete a connector; its tokens and clients are refused within a second, and what it provisioned stays',
      params: ById,
      headers: headers(IfMatch),
      response: { 204: empty('Deleted'), ...refusals(404, 412) },
    },
    handler: async (request, reply) => {
      await connectorWork.delete(actorOf(request), idOf(request.params.id), CONNECTOR.expected(request))
      return reply.code(204).send()
    },
  })
}
