import type { Offer as DirectoryOffer } from '#domain'
import { etagOfContent, sendRead, sendWritten } from '../conditions.ts'
import { type App, type Context, empty, headers, IfNoneMatch, json, refusals } from '../context.ts'
import { idOf } from '../ids.ts'
import { ById } from '../schemas.ts'
import { OfDirectory, Offer, OfferNew, Offers, Subscribers } from '../schemas-directories.ts'

const shown = ({ id, domain, accepted, createdAt }: DirectoryOffer) => ({
  id,
  domain,
  accepted,
  created_at: createdAt.toISOString(),
})

const tags = ['Directories']
const known = { 304: { description: 'As you know it' } }

/** To whom a directory is offered, and who accepted: what its publisher is told. */
export function offerRoutes(app: App, { actorOf, subscriptions }: Context): void {
  app.get('/directories/:id/offers', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'listOffers',
      tags,
      summary: 'The domains that it is offered to (administrators)',
      params: ById,
      headers: headers(IfNoneMatch),
      response: { 200: json('By domain', Offers), ...known, ...refusals(404) },
    },
    handler: async (request, reply) => {
      const items = await subscriptions.offers(actorOf(request), idOf(request.params.id))
      return sendRead(request, reply, JSON.stringify({ items: items.map(shown) }))
    },
  })

  app.post('/directories/:id/offers', {
    schema: {
      operationId: 'offerDirectory',
      tags,
      summary: 'Offer it to a domain (administrators); the answer does not tell whether anybody has that',
      params: ById,
      body: OfferNew,
      response: {
        201: json('It is offered', Offer),
        200: json('It was offered to that domain before', Offer),
        ...refusals(400, 404, 413, 415, 422),
      },
    },
    handler: async (request, reply) => {
      const id = idOf(request.params.id)
      const { offer, created } = await subscriptions.offer(actorOf(request), id, request.body.domain)
      const text = JSON.stringify(shown(offer))
      return sendWritten(reply, created ? 201 : 200, text, etagOfContent(text))
    },
  })

  app.delete<{ Params: { id: string; offer_id: string } }>('/directories/:id/offers/:offer_id', {
    schema: {
      operationId: 'withdrawOffer',
      tags,
      summary: 'Take an offer back, and the directory too from who accepted it (administrators)',
      params: OfDirectory('offer_id'),
      response: { 204: empty('Done'), ...refusals(404) },
    },
    handler: async (request, reply) => {
      const { id, offer_id } = request.params
      await subscriptions.withdrawOffer(actorOf(request), idOf(id), idOf(offer_id))
      return reply.code(204).send()
    },
  })

  app.get('/directories/:id/subscribers', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'listSubscribers',
      tags,
      summary: 'Organizations that accepted (administrators)',
      params: ById,
      headers: headers(IfNoneMatch),
      response: { 200: json('By name', Subscribers), ...known, ...refusals(404) },
    },
    handler: async (request, reply) => {
      const all = await subscriptions.subscribers(actorOf(request), idOf(request.params.id))
      const items = all.map(({ organizationId: id, name, domains, createdAt }) => ({
        id,
        name,
        domains,
        created_at: createdAt.toISOString(),
      }))
      return sendRead(request, reply, JSON.stringify({ items }))
    },
  })

  app.delete<{ Params: { id: string; organization_id: string } }>('/directories/:id/subscribers/:organization_id', {
    schema: {
      operationId: 'withdrawDirectory',
      tags,
      summary: 'Take it away from an organization (administrators): what its people changed stays theirs',
      params: OfDirectory('organization_id'),
      response: { 204: empty('Done'), ...refusals(404) },
    },
    handler: async (request, reply) => {
      const { id, organization_id } = request.params
      await subscriptions.withdraw(actorOf(request), idOf(id), idOf(organization_id))
      return reply.code(204).send()
    },
  })
}
