import { sendRead, sendWritten } from '../conditions.ts'
import { type App, type Context, empty, headers, IfMatch, IfNoneMatch, json, refusals } from '../context.ts'
import { BY_TEXT, pageFrom, placeOf } from '../cursor.ts'
import { idOf, PAGE_SIZE } from '../ids.ts'
import { ById, searchPage } from '../schemas.ts'
import { Heir, Team, TeamChange, TeamNew, Teams } from '../schemas-teams.ts'
import { TEAM, teamJson } from '../team-json.ts'

/** One's own teams: what one may do there is by one's role. */
export function teamRoutes(app: App, { actorOf, teamWork }: Context): void {
  const tags = ['Teams']
  const known = { 304: { description: 'As you know it' } }

  app.get('/teams', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'listTeams',
      tags,
      summary: 'Your teams by name, with your role in each',
      querystring: searchPage('A part of the name'),
      headers: headers(IfNoneMatch),
      response: { 200: json('A page', Teams), ...known, ...refusals(400) },
    },
    handler: async (request, reply) => {
      const { q = '', limit = PAGE_SIZE, cursor } = request.query
      const place = placeOf(cursor, BY_TEXT)
      const after = place && { name: place[0], id: place[1] }
      const found = await teamWork.mine(actorOf(request), q, after, limit + 1)
      const page = pageFrom(found, limit, teamJson, ({ team }) => [team.name, team.id])
      return sendRead(request, reply, page)
    },
  })

  app.post('/teams', {
    schema: {
      operationId: 'addTeam',
      tags,
      summary: 'Make a team: you are its owner',
      body: TeamNew,
      response: { 201: json('It is there now; Location says where', Team), ...refusals(400, 413, 415, 422) },
    },
    handler: async (request, reply) => {
      const { name, description, is_open: isOpen } = request.body
      const words = { name, ...(description === undefined ? {} : { description }), ...(isOpen ? { isOpen } : {}) }
      const view = await teamWork.create(actorOf(request), words)
      reply.header('location', `${app.prefix}/teams/${view.team.id}`)
      return sendWritten(reply, 201, TEAM.text(view), TEAM.etag(view))
    },
  })

  app.get('/teams/:id', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'getTeam',
      tags,
      summary: 'A team of yours, and what you may do there',
      params: ById,
      headers: headers(IfNoneMatch),
      response: { 200: json('The team', Team), ...known, ...refusals(404) },
    },
    handler: async (request, reply) => {
      const view = await teamWork.read(actorOf(request), idOf(request.params.id))
      return sendRead(request, reply, TEAM.text(view), TEAM.etag(view))
    },
  })

  app.patch('/teams/:id', {
    schema: {
      operationId: 'changeTeam',
      tags,
      summary: 'Change what is said of a team, or the team that it is under (RFC 7396)',
      params: ById,
      headers: headers(IfMatch),
      body: TeamChange,
      response: { 200: json('As it is now', Team), ...refusals(400, 404, 409, 412, 413, 415, 422) },
    },
    handler: async (request, reply) => {
      const { name, description, is_open: isOpen, parent_id: parent } = request.body
      const said = {
        ...(name === undefined ? {} : { name }),
        ...(description === undefined ? {} : { description: description ?? '' }),
        ...(isOpen === undefined ? {} : { isOpen }),
        ...(parent === undefined ? {} : { parentId: parent === null ? null : idOf(parent) }),
      }
      const { id } = request.params
      const view = await teamWork.change(actorOf(request), idOf(id), said, TEAM.expected(request))
      return sendWritten(reply, 200, TEAM.text(view), TEAM.etag(view))
    },
  })

  app.delete('/teams/:id', {
    schema: {
      operationId: 'removeTeam',
      tags,
      summary: 'Delete a team; those under it are under none then',
      params: ById,
      headers: headers(IfMatch),
      response: { 204: empty('Done'), ...refusals(404, 412) },
    },
    handler: async (request, reply) => {
      await teamWork.delete(actorOf(request), idOf(request.params.id), TEAM.expected(request))
      return reply.code(204).send()
    },
  })

  app.post('/teams/:id/leave', {
    schema: {
      operationId: 'leaveTeam',
      tags,
      summary: 'Leave a team, unless you are its last owner',
      params: ById,
      headers: headers(IfMatch),
      response: { 204: empty('Done'), ...refusals(404, 409, 412) },
    },
    handler: async (request, reply) => {
      await teamWork.leave(actorOf(request), idOf(request.params.id), TEAM.expected(request))
      return reply.code(204).send()
    },
  })

  app.post('/teams/:id/transfer', {
    schema: {
      operationId: 'transferTeam',
      tags,
      summary: 'Make a member the owner in your stead: you are an administrator then',
      params: ById,
      headers: headers(IfMatch),
      body: Heir,
      response: { 200: json('As it is now', Team), ...refusals(400, 404, 412, 413, 415, 422) },
    },
    handler: async (request, reply) => {
      const { user_id: heir } = request.body
      const { id } = request.params
      const view = await teamWork.transfer(actorOf(request), idOf(id), idOf(heir), TEAM.expected(request))
      return sendWritten(reply, 200, TEAM.text(view), TEAM.etag(view))
    },
  })
}
