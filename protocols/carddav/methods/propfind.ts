import type { FastifyReply } from 'fastify'
import { sendMultistatus } from '../multistatus.ts'
import { DAV } from '../names.ts'
import { DavError, tooManyMatches } from '../preconditions.ts'
import { applied } from '../prefer.ts'
import { type Context, childCollections, findResource, isCard, type Resource } from '../resources.ts'
import { Responses } from '../responses.ts'
import { cardHref } from '../urls.ts'
import { type Wanted, wanted } from '../wanted.ts'
import { type Exchange, header, notHere, type XmlBodies } from './exchange.ts'

/** RFC 4918 §9.1. Depth infinity, which is also what no Depth means, is refused. */
export const propfind =
  (bodies: XmlBodies) =>
  async (exchange: Exchange): Promise<FastifyReply> => {
    const { context, reply, address } = exchange
    const depth = header(exchange, 'depth')?.trim().toLowerCase() ?? 'infinity'
    if (depth !== '0' && depth !== '1' && depth !== 'infinity') throw new DavError(400, 'Depth is 0 or 1')
    const root = bodies.read(exchange)
    if (root && root.name !== DAV('propfind')) throw new DavError(400, 'The body is no DAV:propfind')
    const asked = wanted(root)
    const resource = await findResource(context, address, asked.body)
    if (!resource) throw notHere()
    if (depth === 'infinity' && !isCard(resource)) {
      throw new DavError(403, 'Ask with Depth 0 or 1', DAV('propfind-finite-depth'))
    }
    if (depth === '1' && resource.kind === 'directory')
      throw tooManyMatches('Search the directory by addressbook-query')
    const { minimal, noRoot } = context.prefer
    const kept = [...(minimal ? ['minimal' as const] : []), ...(noRoot && depth === '1' ? ['noRoot' as const] : [])]
    if (kept.length > 0) reply.header('preference-applied', applied(...kept))
    return await sendMultistatus(reply, responses(context, resource, asked, depth === '1'))
  }

async function* responses(
  context: Context,
  resource: Resource,
  asked: Wanted,
  inside: boolean,
): AsyncGenerator<string> {
  const written = new Responses(asked, context)
  if (isCard(resource)) {
    yield await written.ofCards(resource.collection, [resource])
    return
  }
  if (!(inside && context.prefer.noRoot)) yield await written.of(resource)
  if (!inside) return
  for (const child of await childCollections(context, resource)) yield await written.of(child)
  if (resource.kind !== 'address-book') return
  for await (const views of context.addressBooks.cards(context.actor, resource.collection, asked.row)) {
    const rows = views.map((view) => ({ href: cardHref(resource.href, view.name), view }))
    yield await written.ofCards(resource.id, rows)
  }
}
