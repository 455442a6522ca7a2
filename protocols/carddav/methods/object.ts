import type { FastifyReply } from 'fastify'
import type { Body, CardView } from '#domain'
import { CARDDAV } from '../names.ts'
import { DavError } from '../preconditions.ts'
import { type BookResource, findBook } from '../resources.ts'
import { assertUnmodified, readCondition, writeCondition } from './conditions.ts'
import { bodyBytes, type Exchange, header, notHere } from './exchange.ts'

async function bookOf({ context, address }: Exchange): Promise<{ book: BookResource; name: string }> {
  if (address.kind !== 'card') throw new DavError(405, 'This is a collection')
  const book = await findBook(context, address.userId, address.book)
  if (!book) throw notHere()
  return { book, name: address.card }
}

/** RFC 6352 §5.1: `text/vcard;version=…` asks for a version; anything else gets the card as it is stored. */
function bodyFor(exchange: Exchange): Body {
  const accept = header(exchange, 'accept') ?? ''
  const version = /text\/vcard\s*;[^,]*version\s*=\s*"?(3\.0|4\.0)"?/i.exec(accept)?.[1]
  return version === '3.0' || version === '4.0' ? version : 'stored'
}

/** GET and HEAD of a card. */
export async function get(exchange: Exchange): Promise<FastifyReply> {
  const { context, reply, request } = exchange
  const { book, name } = await bookOf(exchange)
  const body = bodyFor(exchange)
  const view = await context.addressBooks.card(context.actor, book.id, name, body)
  if (!view?.card) throw notHere()
  const etag = await variantTag(exchange, view, book, body)
  reply.header('etag', `"${etag}"`).header('last-modified', view.modifiedAt.toUTCString()).header('vary', 'Accept')
  const instead = readCondition(exchange, etag, view.modifiedAt)
  if (instead === 412) throw new DavError(412, 'The card is another one now')
  if (instead === 304) return reply.code(304).send()
  const content = view.card.bytes ?? view.card.text // a text goes out with the head in one write, a buffer after it
  reply
    .header('content-type', `text/vcard; charset=utf-8`)
    .header('content-disposition', 'attachment') // in a browser it downloads: contact data is never a page
    .header('content-length', Buffer.byteLength(content))
  return request.method === 'HEAD' ? reply.send() : reply.send(content)
}

/** "h" for what a GET without a version gives, "h.4" or "h.3" for the other form of the same card. */
async function variantTag({ context }: Exchange, view: CardView, book: BookResource, body: Body): Promise<string> {
  if (body === 'stored' || !view.card) return view.etag
  const stored =
    view.kind === 'personal' ? await context.addressBooks.card(context.actor, book.id, view.name, 'stored') : undefined
  const storedVersion = stored?.card?.version ?? '3.0'
  return storedVersion === view.card.version ? view.etag : `${view.etag}.${view.card.version.slice(0, 1)}`
}

const CARD_TYPES: ReadonlySet<string> = new Set([
  'text/vcard',
  'text/x-vcard',
  'text/directory',
  'application/octet-stream',
  '',
])

/** RFC 6352 §5.3.2, §6.3.2 */
export async function put(exchange: Exchange): Promise<FastifyReply> {
  const { context, reply } = exchange
  const { book, name } = await bookOf(exchange)
  const type = (header(exchange, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (!CARD_TYPES.has(type)) {
    throw new DavError(403, `An address book holds text/vcard, not ${type}`, CARDDAV('supported-address-data'))
  }
  if (header(exchange, 'content-range') !== undefined) throw new DavError(400, 'A card is sent whole') // RFC 9110 §14.5
  if (Buffer.byteLength(name) > 255) throw new DavError(403, 'A name has at most 255 bytes')
  if (header(exchange, 'if-unmodified-since') !== undefined) {
    assertUnmodified(exchange, (await context.addressBooks.card(context.actor, book.id, name, 'none'))?.modifiedAt)
  }
  const { created, etag } = await context.contacts.put(
    context.actor,
    book.id,
    name,
    bodyBytes(exchange),
    writeCondition(exchange),
  )
  if (etag !== undefined) reply.header('etag', `"${etag}"`)
  return reply.code(created ? 201 : 204).send()
}

/** RFC 4918 §9.6 */
export async function remove(exchange: Exchange): Promise<FastifyReply> {
  const { context, reply, address } = exchange
  if (address.kind !== 'card') throw new DavError(403, 'This collection cannot be deleted')
  const { book, name } = await bookOf(exchange)
  if (header(exchange, 'if-unmodified-since') !== undefined) {
    assertUnmodified(exchange, (await context.addressBooks.card(context.actor, book.id, name, 'none'))?.modifiedAt)
  }
  await context.contacts.delete(context.actor, book.id, name, writeCondition(exchange))
  return reply.code(204).send()
}
