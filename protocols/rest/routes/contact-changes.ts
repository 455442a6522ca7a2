import { Type } from '@fastify/type-provider-typebox'
import { sendRead } from '../conditions.ts'
import { contactJson } from '../contact-json.ts'
import { type App, type Context, headers, IfNoneMatch, json, refusals } from '../context.ts'
import { Listed } from '../schemas.ts'

const MOST = 100

const Query = Type.Object(
  {
    since: Type.Optional(
      Type.String({
        maxLength: 2_000,
        description: 'The token of the last answer, or a sync-token of the book; absent: all',
      }),
    ),
    book: Type.Optional(Type.String({ maxLength: 255, default: 'people', description: 'The name of the book' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: MOST })),
  },
  { additionalProperties: false },
)
const Changes = Type.Object({
  items: Type.Array(
    Type.Object({
      href: Type.String({ description: 'What a contact is told from others by, for life' }),
      deleted: Type.Boolean({
        description: 'True of what is not, or no longer, in the book; you may never have had it',
      }),
      contact: Type.Optional(Listed),
    }),
  ),
  token: Type.String({ description: 'Ask with it the next time. The very sync-token of CardDAV' }),
  more: Type.Boolean({ description: 'Whether more changed already: go on now' }),
})

/** What changed in a book, by the change tokens that devices sync with. */
export function contactChangesRoutes(app: App, { actorOf, contactFeed, cardHref }: Context): void {
  const { summary } = contactJson(cardHref)

  app.get('/contacts/changes', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'listChanges',
      tags: ['Contacts'],
      summary: 'What changed in one of your books since a token, and a token to go on with',
      querystring: Query,
      headers: headers(IfNoneMatch),
      response: {
        200: json('What is different, with its present state', Changes),
        304: { description: 'As you know it' },
        ...refusals(400, 404, 410),
      },
    },
    handler: async (request, reply) => {
      const actor = actorOf(request)
      const { since, book: name = 'people', limit = MOST } = request.query
      const { items, book, token, more } = await contactFeed.changes(
        actor,
        name,
        since === '' ? undefined : since,
        limit,
      )
      const told = items.map(({ name, contact }) => ({
        href: cardHref(actor, book.name, name),
        deleted: contact === undefined,
        ...(contact ? { contact: summary(actor, contact) } : {}),
      }))
      return sendRead(request, reply, JSON.stringify({ items: told, token, more }))
    },
  })
}
