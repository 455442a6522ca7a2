import { sendRead, sendWritten } from '../conditions.ts'
import { type App, type Context, empty, headers, IfMatch, IfNoneMatch, json, refusals } from '../context.ts'
import { BY_TIME, pageFrom, placeOf } from '../cursor.ts'
import { idOf, PAGE_SIZE } from '../ids.ts'
import { ById, ListPage } from '../schemas.ts'
import { ByUser, Member, MemberChange, MemberNew, Members } from '../schemas-teams.ts'
import { MEMBER } from '../team-json.ts'

/** Who is in a team, and as what. */
export function teamMemberRoutes(app: App, { actorOf, teamWork }: Context): void {
  const tags = ['Teams']
  const known = { 304: { description: 'As you know it' } }

  app.get('/teams/:id/members', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'listTeamMembers',
      tags,
      summary: 'The members of a team of yours, the longest-standing first',
      params: ById,
      querystring: ListPage,
      headers: headers(IfNoneMatch),
      response: { 200: json('A page', Members), ...known, ...refusals(400, 404) },
    },
    handler: async (request, reply) => {
      const { limit = PAGE_SIZE, cursor } = request.query
      const place = placeOf(cursor, BY_TIME)
      const after = place && { joined: place[0], userId: place[1] }
      const found = await teamWork.members(actorOf(request), idOf(request.params.id), after, limit + 1)
      return sendRead(
        request,
        reply,
        pageFrom(found, limit, MEMBER.json, ({ joined, userId }) => [joined, userId]),
      )
    },
  })

  app.get('/teams/:id/members/:user_id', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'getTeamMember',
      tags,
      summary: 'A member of a team of yours',
      params: ByUser,
      headers: headers(IfNoneMatch),
      response: { 200: json('The member', Member), ...known, ...refusals(404) },
    },
    handler: async (request, reply) => {
      const { id, user_id: userId } = request.params
      const member = await teamWork.member(actorOf(request), idOf(id), idOf(userId))
      return sendRead(request, reply, MEMBER.text(member), MEMBER.etag(member))
    },
  })

  app.post('/teams/:id/members', {
    schema: {
      operationId: 'addTeamMember',
      tags,
      summary: 'Add a colleague, as member or in a role that is not above yours',
      params: ById,
      body: MemberNew,
      response: {
        201: json('They are in; Location says where', Member),
        ...refusals(400, 404, 409, 413, 415, 422),
      },
    },
    handler: async (request, reply) => {
      const { user_id: userId, role } = request.body
      const { id } = request.params
      const member = await teamWork.add(actorOf(request), idOf(id), idOf(userId), role)
      reply.header('location', `${app.prefix}/teams/${idOf(id)}/members/${member.userId}`)
      return sendWritten(reply, 201, MEMBER.text(member), MEMBER.etag(member))
    },
  })

  app.patch('/teams/:id/members/:user_id', {
    schema: {
      operationId: 'changeTeamMember',
      tags,
      summary: 'Give a member another role: neither that nor the one they have is above yours',
      params: ByUser,
      headers: headers(IfMatch),
      body: MemberChange,
      response: { 200: json('As they are now', Member), ...refusals(400, 404, 409, 412, 413, 415, 422) },
    },
    handler: async (request, reply) => {
      const { id, user_id: userId } = request.params
      const { role } = request.body
      const expected = MEMBER.expected(request)
      const member = await teamWork.setRole(actorOf(request), idOf(id), idOf(userId), role, expected)
      return sendWritten(reply, 200, MEMBER.text(member), MEMBER.etag(member))
    },
  })

  app.delete('/teams/:id/members/:user_id', {
    schema: {
      operationId: 'removeTeamMember',
      tags,
      summary: 'Take a member out of the team: an owner by owners, and never the last',
      params: ByUser,
      headers: headers(IfMatch),
      response: { 204: empty('Done'), ...refusals(404, 409, 412) },
    },
    handler: async (request, reply) => {
      const { id, user_id: userId } = request.params
      await teamWork.remove(actorOf(request), idOf(id), idOf(userId), MEMBER.expected(request))
      return reply.code(204).send()
    },
  })
}
