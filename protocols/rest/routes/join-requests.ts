import type { OpenTeam } from '#domain'
import { sendRead, sendWritten } from '../conditions.ts'
import { type App, type Context, empty, headers, IfMatch, IfNoneMatch, json, refusals } from '../context.ts'
import { BY_TEXT, BY_TIME, pageFrom, placeOf } from '../cursor.ts'
import { idOf, PAGE_SIZE } from '../ids.ts'
import { ById, ListPage } from '../schemas.ts'
import { ByUser, JoinableTeams, JoinRequest, JoinRequests, Member } from '../schemas-teams.ts'
import { JOIN_REQUEST, MEMBER } from '../team-json.ts'

const openTeamJson = ({ id, name, description, memberCount, askedAt }: OpenTeam) => ({
  id,
  name,
  description,
  member_count: memberCount,
  asked_at: askedAt,
})

const tags = ['Requests to join']
const known = { 304: { description: 'As you know it' } }

/** Asking to join a team that is open to it, and being answered. */
export function joinRequestRoutes(app: App, context: Context): void {
  askingRoutes(app, context)
  answeringRoutes(app, context)
}

function askingRoutes(app: App, { actorOf, joinRequests }: Context): void {
  app.get('/teams/joinable', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'listJoinableTeams',
      tags,
      summary: 'Teams that you are not in and may ask to join, by name',
      querystring: ListPage,
      headers: headers(IfNoneMatch),
      response: { 200: json('A page', JoinableTeams), ...known, ...refusals(400) },
    },
    handler: async (request, reply) => {
      const { limit = PAGE_SIZE, cursor } = request.query
      const place = placeOf(cursor, BY_TEXT)
      const after = place && { name: place[0], id: place[1] }
      const found = await joinRequests.open(actorOf(request), after, limit + 1)
      return sendRead(
        request,
        reply,
        pageFrom(found, limit, openTeamJson, ({ name, id }) => [name, id]),
      )
    },
  })

  app.get('/teams/:id/join-request', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'getMyJoinRequest',
      tags,
      summary: 'Your own request to join a team, while it waits',
      params: ById,
      headers: headers(IfNoneMatch),
      response: { 200: json('Your request', JoinRequest), ...known, ...refusals(404) },
    },
    handler: async (request, reply) => {
      const own = await joinRequests.own(actorOf(request), idOf(request.params.id))
      return sendRead(request, reply, JOIN_REQUEST.text(own), JOIN_REQUEST.etag(own))
    },
  })

  app.put('/teams/:id/join-request', {
    schema: {
      operationId: 'askToJoin',
      tags,
      summary: 'Ask to join a team',
      params: ById,
      headers: headers(IfMatch),
      response: {
        201: json('You have asked', JoinRequest),
        200: json('You had asked before', JoinRequest),
        ...refusals(404, 409, 412),
      },
    },
    handler: async (request, reply) => {
      const expected = JOIN_REQUEST.expected(request)
      const { request: own, created } = await joinRequests.ask(actorOf(request), idOf(request.params.id), expected)
      return sendWritten(reply, created ? 201 : 200, JOIN_REQUEST.text(own), JOIN_REQUEST.etag(own))
    },
  })

  app.delete('/teams/:id/join-request', {
    schema: {
      operationId: 'withdrawJoinRequest',
      tags,
      summary: 'Take your request to join back',
      params: ById,
      headers: headers(IfMatch),
      response: { 204: empty('Done'), ...refusals(404, 412) },
    },
    handler: async (request, reply) => {
      await joinRequests.withdraw(actorOf(request), idOf(request.params.id), JOIN_REQUEST.expected(request))
      return reply.code(204).send()
    },
  })
}

function answeringRoutes(app: App, { actorOf, joinRequests }: Context): void {
  app.get('/teams/:id/join-requests', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'listJoinRequests',
      tags,
      summary: 'Who asks to join the team, the oldest request first',
      params: ById,
      querystring: ListPage,
      headers: headers(IfNoneMatch),
      response: { 200: json('A page', JoinRequests), ...known, ...refusals(400, 404) },
    },
    handler: async (request, reply) => {
      const { limit = PAGE_SIZE, cursor } = request.query
      const place = placeOf(cursor, BY_TIME)
      const after = place && { asked: place[0], userId: place[1] }
      const found = await joinRequests.list(actorOf(request), idOf(request.params.id), after, limit + 1)
      const page = pageFrom(found, limit, JOIN_REQUEST.json, ({ asked, userId }) => [asked, userId])
      return sendRead(request, reply, page)
    },
  })

  app.get('/teams/:id/join-requests/:user_id', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'getJoinRequest',
      tags,
      summary: 'A request to join the team',
      params: ByUser,
      headers: headers(IfNoneMatch),
      response: { 200: json('The request', JoinRequest), ...known, ...refusals(404) },
    },
    handler: async (request, reply) => {
      const { id, user_id: userId } = request.params
      const found = await joinRequests.find(actorOf(request), idOf(id), idOf(userId))
      return sendRead(request, reply, JOIN_REQUEST.text(found), JOIN_REQUEST.etag(found))
    },
  })

  app.post('/teams/:id/join-requests/:user_id/approve', {
    schema: {
      operationId: 'approveJoinRequest',
      tags,
      summary: 'Let somebody in who asked: they are a member',
      params: ByUser,
      headers: headers(IfMatch),
      response: { 200: json('The member', Member), ...refusals(404, 412) },
    },
    handler: async (request, reply) => {
      const { id, user_id: userId } = request.params
      const expected = JOIN_REQUEST.expected(request)
      const member = await joinRequests.approve(actorOf(request), idOf(id), idOf(userId), expected)
      return sendWritten(reply, 200, MEMBER.text(member), MEMBER.etag(member))
    },
  })

  app.post('/teams/:id/join-requests/:user_id/decline', {
    schema: {
      operationId: 'declineJoinRequest',
      tags,
      summary: 'Answer a request with no; they may ask again',
      params: ByUser,
      headers: headers(IfMatch),
      response: { 204: empty('Done'), ...refusals(404, 412) },
    },
    handler: async (request, reply) => {
      const { id, user_id: userId } = request.params
      await joinRequests.refuse(actorOf(request), idOf(id), idOf(userId), JOIN_REQUEST.expected(request))
      return reply.code(204).send()
    },
  })
}
