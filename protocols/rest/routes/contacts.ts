import { asId } from '#domain'
import { convert, parseVCard, serialize } from '#vcard'
import { sendRead, sendWritten } from '../conditions.ts'
import { contactJson, etagOf, expectedOf } from '../contact-json.ts'
import { type App, type Context, empty, headers, IfMatch, IfNoneMatch, json, refusals } from '../context.ts'
import { formatCursor, noCursor, parseCursor } from '../cursor.ts'
import { idOf } from '../ids.ts'
import {
  ById,
  Contact,
  ContactMerge,
  ContactNew,
  Contacts,
  HiddenCards,
  ListPage,
  Page,
  VCardQuery,
} from '../schemas.ts'

const MOST = 50

/** Colleagues as one sees them, and contacts of one's own. */
export function contactRoutes(app: App, { actorOf, contactData, contactBatch, cardHref }: Context): void {
  const { summary, whole } = contactJson(cardHref)
  const tags = ['Contacts']
  const known = { 304: { description: 'As you know it' } }

  app.get('/contacts', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'listContacts',
      tags,
      summary: 'Colleagues as you see them, and your own contacts',
      querystring: Page,
      headers: headers(IfNoneMatch),
      response: { 200: json('A page', Contacts), ...known, ...refusals(400) },
    },
    handler: async (request, reply) => {
      const actor = actorOf(request)
      const { q = '', limit = MOST, cursor } = request.query
      const after = cursor === undefined ? undefined : parseCursor(cursor)
      const { items, next } = await contactData.page(actor, q, after, limit)
      const page = { items: items.map((one) => summary(actor, one)), next: next ? formatCursor(next) : null }
      return sendRead(request, reply, JSON.stringify(page))
    },
  })

  app.get('/contacts/hidden', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'listHidden',
      tags,
      summary: 'What you have hidden: colleagues, entries of directories, and cards of your teams',
      querystring: ListPage,
      headers: headers(IfNoneMatch),
      response: { 200: json('A page', HiddenCards), ...known, ...refusals(400) },
    },
    handler: async (request, reply) => {
      const { limit = MOST, cursor } = request.query
      const after = cursor === undefined ? undefined : asId(cursor)
      if (cursor !== undefined && after === undefined) throw noCursor()
      const { items, next = null } = await contactData.hidden(actorOf(request), after, limit)
      const page = items.map(({ id, kind, isMe, fullName }) => ({ id, kind, is_me: isMe, full_name: fullName }))
      return sendRead(request, reply, JSON.stringify({ items: page, next }))
    },
  })

  app.get('/contacts/:id', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'getContact',
      tags,
      summary: 'A contact as you see it, with what is the base’s and what is yours',
      params: ById,
      headers: headers(IfNoneMatch),
      response: { 200: json('The contact', Contact), ...known, ...refusals(404) },
    },
    handler: async (request, reply) => {
      const actor = actorOf(request)
      const contact = await contactData.get(actor, idOf(request.params.id))
      return sendRead(request, reply, whole(actor, contact), etagOf(contact))
    },
  })

  app.post('/contacts', {
    schema: {
      operationId: 'addContact',
      tags,
      summary: 'A contact of your own, or your changes over a colleague’s card',
      headers: headers(IfMatch),
      body: ContactNew,
      response: {
        201: json('It is there now; Location says where', Contact),
        200: json('You had changed the card before: it has these changes too now', Contact),
        ...refusals(400, 404, 409, 412, 413, 415, 422, 423),
      },
    },
    handler: async (request, reply) => {
      const actor = actorOf(request)
      const { override, data } = request.body
      const { contact, created } =
        override === undefined
          ? { contact: await contactData.create(actor, data), created: true }
          : await contactData.override(actor, idOf(override), data, expectedOf(request))
      if (created) reply.header('location', `${app.prefix}/contacts/${contact.id}`)
      return sendWritten(reply, created ? 201 : 200, whole(actor, contact), etagOf(contact))
    },
  })

  app.patch('/contacts/:id', {
    schema: {
      operationId: 'changeContact',
      tags,
      summary: 'Merge fields of data (RFC 7396); over a colleague’s card they are yours alone',
      params: ById,
      headers: headers(IfMatch),
      body: ContactMerge,
      response: { 200: json('As you see it now', Contact), ...refusals(400, 404, 412, 413, 415, 422, 423) },
    },
    handler: async (request, reply) => {
      const actor = actorOf(request)
      const contact = await contactData.amend(actor, idOf(request.params.id), request.body.data, expectedOf(request))
      return sendWritten(reply, 200, whole(actor, contact), etagOf(contact))
    },
  })

  app.delete('/contacts/:id', {
    schema: {
      operationId: 'removeContact',
      tags,
      summary: 'Delete a contact of your own, take back your changes to a colleague’s card, or else hide that card',
      params: ById,
      headers: headers(IfMatch),
      response: { 204: empty('Done'), ...refusals(404, 412, 423) },
    },
    handler: async (request, reply) => {
      await contactData.remove(actorOf(request), idOf(request.params.id), expectedOf(request))
      return reply.code(204).send()
    },
  })

  app.post('/contacts/:id/hide', {
    schema: {
      operationId: 'hideContact',
      tags,
      summary: 'Hide a colleague’s card, with what you changed of it',
      params: ById,
      headers: headers(IfMatch),
      response: { 204: empty('Done'), ...refusals(404, 412, 422, 423) },
    },
    handler: async (request, reply) => {
      await contactBatch.hide(actorOf(request), idOf(request.params.id), expectedOf(request))
      return reply.code(204).send()
    },
  })

  app.post('/contacts/:id/unhide', {
    schema: {
      operationId: 'unhideContact',
      tags,
      summary: 'Show a card again that you have hidden',
      params: ById,
      response: { 200: json('It is back', Contact), 204: empty('A team’s card is back'), ...refusals(404) },
    },
    handler: async (request, reply) => {
      const actor = actorOf(request)
      const contact = await contactData.unhide(actor, idOf(request.params.id))
      if (!contact) return reply.code(204).send()
      return sendWritten(reply, 200, whole(actor, contact), etagOf(contact))
    },
  })

  app.get('/contacts/:id/vcard', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'getVCard',
      tags,
      summary: 'The whole card as a vCard',
      params: ById,
      querystring: VCardQuery,
      headers: headers(IfNoneMatch),
      response: {
        200: {
          description: 'The card',
          headers: { ETag: { type: 'string', description: 'Names this state' } },
          content: { 'text/vcard': { schema: { type: 'string' } } },
        },
        ...known,
        ...refusals(400, 404),
      },
    },
    handler: async (request, reply) => {
      const contact = await contactData.get(actorOf(request), idOf(request.params.id))
      const version = request.query.version ?? contact.version
      const { text } = contact
      const sent = version === contact.version ? text : serialize(convert(parseVCard(text), version))
      return sendRead(request, reply, sent, undefined, `text/vcard; charset=utf-8; version=${version}`)
    },
  })
}
