import { sendRead, sendWritten } from '../conditions.ts'
import { type App, type Context, empty, headers, IfMatch, IfNoneMatch, json, refusals } from '../context.ts'
import { BY_TEXT, pageFrom, placeOf } from '../cursor.ts'
import { idOf, PAGE_SIZE } from '../ids.ts'
import { ById, ListPage } from '../schemas.ts'
import { ByInvitation, Invitation, InvitationNew, Invitations, Invited, Member } from '../schemas-teams.ts'
import { INVITATION, invitedText } from '../team-json.ts'

/** Whom a team's administrators and owners have asked into it by e-mail. */
export function invitationRoutes(app: App, { actorOf, invitations }: Context): void {
  const tags = ['Invitations']
  const known = { 304: { description: 'As you know it' } }

  app.get('/teams/:id/invitations', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'listInvitations',
      tags,
      summary: 'Who is invited to the team, by e-mail; expired invitations too',
      params: ById,
      querystring: ListPage,
      headers: headers(IfNoneMatch),
      response: { 200: json('A page', Invitations), ...known, ...refusals(400, 404) },
    },
    handler: async (request, reply) => {
      const { limit = PAGE_SIZE, cursor } = request.query
      const [after = ''] = placeOf(cursor, BY_TEXT) ?? []
      const found = await invitations.list(actorOf(request), idOf(request.params.id), after, limit + 1)
      const page = pageFrom(found, limit, INVITATION.json, ({ email, id }) => [email, id])
      return sendRead(request, reply, page)
    },
  })

  app.get('/teams/:id/invitations/:invitation_id', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'getInvitation',
      tags,
      summary: 'An invitation to the team',
      params: ByInvitation,
      headers: headers(IfNoneMatch),
      response: { 200: json('The invitation', Invitation), ...known, ...refusals(404) },
    },
    handler: async (request, reply) => {
      const { id, invitation_id: invitation } = request.params
      const found = await invitations.find(actorOf(request), idOf(id), idOf(invitation))
      return sendRead(request, reply, INVITATION.text(found), INVITATION.etag(found))
    },
  })

  app.post('/teams/:id/invitations', {
    schema: {
      operationId: 'invite',
      tags,
      summary: 'Invite somebody by e-mail, for seven days; a colleague is added at once',
      params: ById,
      body: InvitationNew,
      response: {
        201: json('They are invited; Location says where', Invitation),
        200: json('A colleague: they are a member', Member),
        ...refusals(400, 404, 409, 413, 415, 422),
      },
    },
    handler: async (request, reply) => {
      const { email, role = 'member' } = request.body
      const id = idOf(request.params.id)
      const invited = await invitations.invite(actorOf(request), id, { email, role })
      const { text, etag } = invitedText(invited)
      if ('added' in invited) return sendWritten(reply, 200, text, etag)
      reply.header('location', `${app.prefix}/teams/${id}/invitations/${invited.invitation.id}`)
      return sendWritten(reply, 201, text, etag)
    },
  })

  app.post('/teams/:id/invitations/:invitation_id/resend', {
    schema: {
      operationId: 'resendInvitation',
      tags,
      summary: 'Invite them again, for seven days from now, by a new link; a colleague is added at once',
      params: ByInvitation,
      headers: headers(IfMatch),
      response: {
        200: json('The invitation, or whoever is a member now', Invited),
        ...refusals(404, 409, 412, 422),
      },
    },
    handler: async (request, reply) => {
      const { id, invitation_id: invitation } = request.params
      const expected = INVITATION.expected(request)
      const { text, etag } = invitedText(
        await invitations.resend(actorOf(request), idOf(id), idOf(invitation), expected),
      )
      return sendWritten(reply, 200, text, etag)
    },
  })

  app.delete('/teams/:id/invitations/:invitation_id', {
    schema: {
      operationId: 'revokeInvitation',
      tags,
      summary: 'Take an invitation back: its link leads nowhere',
      params: ByInvitation,
      headers: headers(IfMatch),
      response: { 204: empty('Done'), ...refusals(404, 412) },
    },
    handler: async (request, reply) => {
      const { id, invitation_id: invitation } = request.params
      await invitations.revoke(actorOf(request), idOf(id), idOf(invitation), INVITATION.expected(request))
      return reply.code(204).send()
    },
  })
}
