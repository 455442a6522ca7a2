import { type Subscription as DirectorySubscription, directoryBookName, type OfferReceived } from '#domain'
import { etagOfContent, sendRead, sendWritten } from '../conditions.ts'
import { type App, type Context, empty, headers, IfNoneMatch, json, refusals } from '../context.ts'
import { idOf } from '../ids.ts'
import { ById } from '../schemas.ts'
import { OffersReceived, Subscription, Subscriptions } from '../schemas-directories.ts'

const offered = ({ id, domain, directoryId, name, description, publisher, createdAt }: OfferReceived) => ({
  id,
  domain,
  directory: { id: directoryId, name, description: description ?? null },
  publisher,
  created_at: createdAt.toISOString(),
})
const shown = ({ directoryId, name, description, publisherId, publisher, createdAt }: DirectorySubscription) => ({
  id: directoryId,
  name,
  description: description ?? null,
  publisher: { id: publisherId, name: publisher },
  book: directoryBookName(directoryId),
  created_at: createdAt.toISOString(),
})

const tags = ['Subscriptions']
const known = { 304: { description: 'As you know it' } }

/** What others offer to one's organization, and what it is subscribed to. */
export function subscriptionRoutes(app: App, { actorOf, subscriptions }: Context): void {
  app.get('/organization/offers', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'listOffersReceived',
      tags,
      summary: 'Directories that are offered to your organization’s domains and wait for an answer (administrators)',
      headers: headers(IfNoneMatch),
      response: { 200: json('The newest first', OffersReceived), ...known, ...refusals() },
    },
    handler: async (request, reply) => {
      const items = (await subscriptions.received(actorOf(request))).map(offered)
      return sendRead(request, reply, JSON.stringify({ items }))
    },
  })

  app.post('/organization/offers/:id/accept', {
    schema: {
      operationId: 'acceptOffer',
      tags,
      summary: 'Subscribe: all your people have it as a book from now on (administrators)',
      params: ById,
      response: { 200: json('You are subscribed', Subscription), ...refusals(404) },
    },
    handler: async (request, reply) => {
      const text = JSON.stringify(shown(await subscriptions.accept(actorOf(request), idOf(request.params.id))))
      return sendWritten(reply, 200, text, etagOfContent(text))
    },
  })

  app.post('/organization/offers/:id/decline', {
    schema: {
      operationId: 'declineOffer',
      tags,
      summary: 'Decline it, of which its publisher is not told (administrators)',
      params: ById,
      response: { 204: empty('Done'), ...refusals(404) },
    },
    handler: async (request, reply) => {
      await subscriptions.decline(actorOf(request), idOf(request.params.id))
      return reply.code(204).send()
    },
  })

  app.get('/organization/subscriptions', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'listSubscriptions',
      tags,
      summary: 'Directories that your people have as books (administrators)',
      headers: headers(IfNoneMatch),
      response: { 200: json('By name', Subscriptions), ...known, ...refusals() },
    },
    handler: async (request, reply) => {
      const items = (await subscriptions.subscriptions(actorOf(request))).map(shown)
      return sendRead(request, reply, JSON.stringify({ items }))
    },
  })

  app.delete('/organization/subscriptions/:id', {
    schema: {
      operationId: 'unsubscribe',
      tags,
      summary: 'Unsubscribe (administrators): what your people changed stays theirs',
      params: ById,
      response: { 204: empty('Done'), ...refusals(404) },
    },
    handler: async (request, reply) => {
      await subscriptions.unsubscribe(actorOf(request), idOf(request.params.id))
      return reply.code(204).send()
    },
  })
}
