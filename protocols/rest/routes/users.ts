import { asId, type Colleague as Found, shownName, type Viewer } from '#domain'
import { sendRead } from '../conditions.ts'
import { type App, type Context, headers, IfNoneMatch, json, refusals } from '../context.ts'
import { formatCursor, noCursor, parseCursor } from '../cursor.ts'
import { idOf, PAGE_SIZE } from '../ids.ts'
import { ById } from '../schemas.ts'
import { Colleague, Colleagues, Search } from '../schemas-organization.ts'

const shown = (user: Found, { isStaff }: Viewer) => ({
  id: user.id,
  user_name: user.userName,
  email: user.email,
  full_name: shownName(user.attributes, user.userName),
  profile_id: user.profileId,
  is_device: user.isDevice,
  is_staff: user.isStaff,
  language: user.attributes.preferredLanguage ?? null,
  timezone: user.attributes.timezone ?? null,
  ...(isStaff && user.externalId !== undefined ? { external_id: user.externalId } : {}),
})

/** Who works in one's organization, as far as one may see. */
export function userRoutes(app: App, { actorOf, colleagues }: Context): void {
  const tags = ['Users']
  const known = { 304: { description: 'As you know it' } }

  app.get('/users', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'listUsers',
      tags,
      summary: 'Active users of your organization',
      querystring: Search,
      headers: headers(IfNoneMatch),
      response: { 200: json('A page', Colleagues), ...known, ...refusals(400) },
    },
    handler: async (request, reply) => {
      const { q = '', limit = PAGE_SIZE, cursor } = request.query
      const after = cursor === undefined ? undefined : parseCursor(cursor)
      if (after && asId(after.key) === undefined) throw noCursor() // its key is a user's id, with a search too
      const { viewer, items, next } = await colleagues.page(actorOf(request), q, after, limit)
      const page = { items: items.map((one) => shown(one, viewer)), next: next ? formatCursor(next) : null }
      return sendRead(request, reply, JSON.stringify(page))
    },
  })

  app.get('/users/:id', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'getUser',
      tags,
      summary: 'An active user of your organization',
      params: ById,
      headers: headers(IfNoneMatch),
      response: { 200: json('The user', Colleague), ...known, ...refusals(404) },
    },
    handler: async (request, reply) => {
      const { colleague, viewer } = await colleagues.get(actorOf(request), idOf(request.params.id))
      return sendRead(request, reply, JSON.stringify(shown(colleague, viewer)))
    },
  })
}
