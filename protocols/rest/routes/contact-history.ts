import { Type } from '@fastify/type-provider-typebox'
import { type Actor, asId, type ContactVersion, type VersionPosition } from '#domain'
import { sendRead } from '../conditions.ts'
import { contactJson, dataOf, etagOf } from '../contact-json.ts'
import { type App, type Context, headers, IfNoneMatch, json, refusals } from '../context.ts'
import { formatParts, noCursor, parseParts } from '../cursor.ts'
import { idOf, PAGE_SIZE } from '../ids.ts'
import { ById, Contact, Data, id, Layer, ListPage, pageOf } from '../schemas.ts'

const VERSION = {
  id,
  contact_id: id,
  kind: Type.Enum(['profile', 'override', 'personal'], {
    description: 'What you had added to your own profile; your changes to a colleague; a contact of your own',
  }),
  book: Type.Union([Type.String(), Type.Null()], {
    description: 'Null: that book is gone, and it would come into people',
  }),
  full_name: Type.String(),
  replaced_at: Type.String({ format: 'date-time', description: 'When it was replaced or deleted' }),
}
const Versions = pageOf(Type.Object(VERSION))
const Version = Type.Object({ ...VERSION, data: Data, layer: Type.Optional(Layer) })
const Restored = Type.Object({
  restored_as: Type.Enum(['card', 'layer'], {
    description: 'Changes come back as a card where the colleague is deleted',
  }),
  contact: Type.Union([Contact, Type.Null()], { description: 'Null of a colleague who is not there at present' }),
})

const formatPosition = ({ replaced, id }: VersionPosition): string => formatParts([replaced, id])

/** @throws Problem 400 */
function parsePosition(text: string): VersionPosition {
  const [replaced, id] = parseParts(text, 2)
  const known = typeof id === 'string' ? asId(id) : undefined
  if (typeof replaced !== 'string' || !/^\d{1,16}$/.test(replaced) || known === undefined) throw noCursor()
  return { replaced, id: known }
}

/** What was replaced or deleted of one's own cards and changes: 30 days of it. */
export function contactHistoryRoutes(app: App, { actorOf, contactData, history, cardHref }: Context): void {
  const { contact } = contactJson(cardHref)
  const tags = ['History']
  const known = { 304: { description: 'As you know it' } }
  const told = ({ id, contactId, kind, book, fullName, replacedAt }: ContactVersion) => ({
    id,
    contact_id: contactId,
    kind,
    book: kind === 'profile' ? 'people' : (book ?? null),
    full_name: fullName,
    replaced_at: replacedAt.toISOString(),
  })
  const page = async (
    actor: Actor,
    contactId: string | undefined,
    { limit = PAGE_SIZE, cursor }: { limit?: number; cursor?: string },
  ) => {
    const after = cursor === undefined ? undefined : parsePosition(cursor)
    const { items, next } = await history.page(actor, { contactId }, after, limit)
    return { items: items.map(told), next: next ? formatPosition(next) : null }
  }

  app.get('/history', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'listHistory',
      tags,
      summary: 'What was replaced or deleted of your own contacts and changes, the newest first; kept for 30 days',
      querystring: ListPage,
      headers: headers(IfNoneMatch),
      response: { 200: json('A page', Versions), ...known, ...refusals(400) },
    },
    handler: async (request, reply) =>
      sendRead(request, reply, JSON.stringify(await page(actorOf(request), undefined, request.query))),
  })

  app.get('/contacts/:id/history', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'listContactHistory',
      tags,
      summary: 'Likewise of one contact, also of one that you deleted',
      params: ById,
      querystring: ListPage,
      headers: headers(IfNoneMatch),
      response: { 200: json('A page', Versions), ...known, ...refusals(400, 404) },
    },
    handler: async (request, reply) => {
      const actor = actorOf(request)
      const contactId = idOf(request.params.id)
      const found = await page(actor, contactId, request.query)
      if (found.items.length === 0) await contactData.get(actor, contactId) // is it there?
      return sendRead(request, reply, JSON.stringify(found))
    },
  })

  app.get('/history/:id', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'getVersion',
      tags,
      summary: 'An earlier version with what it holds: the card as you saw it, and what of it was yours',
      params: ById,
      headers: headers(IfNoneMatch),
      response: { 200: json('The version', Version), ...known, ...refusals(404) },
    },
    handler: async (request, reply) => {
      const version = await history.get(actorOf(request), request.params.id)
      const { text, layer } = version
      const body = { ...told(version), data: dataOf(text), ...(layer ? { layer } : {}) }
      return sendRead(request, reply, JSON.stringify(body))
    },
  })

  app.post('/history/:id/restore', {
    schema: {
      operationId: 'restoreVersion',
      tags,
      summary: 'Put a version back; what is there now becomes a version in turn',
      params: ById,
      response: { 200: json('It is back', Restored), ...refusals(404, 409, 423) },
    },
    handler: async (request, reply) => {
      const actor = actorOf(request)
      const { name, restoredAs, restoredIn } = await history.restore(actor, request.params.id)
      const seen = await contactData.find(actor, { bookId: restoredIn, name })
      if (seen) reply.header('etag', etagOf(seen))
      return reply.send({ restored_as: restoredAs, contact: seen ? contact(actor, seen) : null })
    },
  })
}
