import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { type CardBody, type CardView, type Condition, DomainError, type Written } from '#domain'
import { fromJCard, parseVCard, serialize, toJCard } from '#vcard'
import { CARDDAV, DAV } from '../names.ts'
import { DavError } from '../preconditions.ts'
import { applied } from '../prefer.ts'
import { type BookResource, type CardCollection, type Context, findBook, findCardCollection } from '../resources.ts'
import { cardHref } from '../urls.ts'
import { assertConditions, assertUnmodified, ifCondition, readCondition, writeCondition } from './conditions.ts'
import { bodyBytes, type Exchange, header, notHere } from './exchange.ts'

async function bookOf({ context, address }: Exchange): Promise<{ book: CardCollection; name: string }> {
  if (address.kind !== 'card' && address.kind !== 'directory-card') throw new DavError(405, 'This is a collection')
  const book = await findCardCollection(context, address)
  if (!book) throw notHere()
  return { book, name: address.card }
}

/** Where a card is to be put: RFC 4918 §9.7.1 has 409 where there is no such collection. */
async function bookToWrite(exchange: Exchange): Promise<{ book: CardCollection; name: string }> {
  const { context, address } = exchange
  const mine = address.kind === 'card' && address.userId === context.actor.userId
  if (mine && !(await findBook(context, address.userId, address.book))) {
    throw new DavError(409, 'There is no such book: make it first', DAV('parent-resource-must-exist'))
  }
  return await bookOf(exchange)
}

const JCARD = 'application/vcard+json'

/** Whether jCard (RFC 7095) is what the client would rather have. */
const wantsJson = (exchange: Exchange): boolean => {
  const accept = (header(exchange, 'accept') ?? '').toLowerCase()
  const json = accept.indexOf(JCARD)
  const card = accept.indexOf('text/vcard')
  return json >= 0 && (card < 0 || json < card)
}

/** RFC 6352 §5.1.1: `text/vcard;version=…` asks for a version; anything else gets the card as it is stored. */
function bodyFor(exchange: Exchange): CardBody {
  const accept = header(exchange, 'accept') ?? ''
  if (wantsJson(exchange)) return '4.0'
  const version = /text\/vcard\s*;[^,]*version\s*=\s*"?(3\.0|4\.0)"?/i.exec(accept)?.[1]
  return version === '3.0' || version === '4.0' ? version : 'stored'
}

/** RFC 9110 §9.3.1, RFC 6352 §5.1: GET and HEAD of a card; of a book all its cards (RFC 4918 §9.4). */
export async function get(exchange: Exchange): Promise<FastifyReply> {
  if (exchange.address.kind === 'address-book') return await getBook(exchange)
  const { context, reply, request } = exchange
  if (exchange.address.kind !== 'card' && exchange.address.kind !== 'directory-card') {
    throw new DavError(405, 'This is a collection for CardDAV clients: ask with PROPFIND')
  }
  const { book, name } = await bookOf(exchange)
  const body = bodyFor(exchange)
  const json = wantsJson(exchange)
  const view = await context.addressBooks.card(context.actor, book.collection, name, body)
  if (!view?.card) throw notHere()
  const etag = json ? `${view.etag}.j` : await variantTag(exchange, view, book, body)
  await assertIf(exchange, view.etag)
  reply.header('etag', `"${etag}"`).header('last-modified', view.modifiedAt.toUTCString()).header('vary', 'Accept')
  const instead = readCondition(exchange, etag, view.modifiedAt)
  if (instead === 412) throw new DavError(412, 'The card is another one now')
  if (instead === 304) return reply.code(304).send()
  // A text goes out with the head in one write, a buffer after it.
  const content = json ? toJCard(parseVCard(view.card.text)) : (view.card.bytes ?? view.card.text)
  reply
    .header('content-type', json ? JCARD : 'text/vcard; charset=utf-8')
    .header('content-disposition', 'attachment') // in a browser it downloads: contact data is never a page
    .header('content-length', Buffer.byteLength(content))
  return request.method === 'HEAD' ? reply.send() : reply.send(content)
}

/** Every card of a book, one after another (RFC 6350 §3.2), as fast as the client reads. */
async function getBook(exchange: Exchange): Promise<FastifyReply> {
  const { context, reply, request, address } = exchange
  if (address.kind !== 'address-book') throw notHere()
  const book = await findBook(context, address.userId, address.book)
  if (!book) throw notHere()
  await assertConditions(exchange)
  const asked = bodyFor(exchange)
  const body = wantsJson(exchange) ? 'stored' : asked
  const name = encodeURIComponent(book.name)
  reply
    .header('content-type', 'text/vcard; charset=utf-8')
    .header('content-disposition', `attachment; filename*=UTF-8''${name}.vcf`)
    .header('vary', 'Accept')
  if (request.method === 'HEAD') return reply.send()
  return reply.send(Readable.from(allCards(context, book, body), { objectMode: false }))
}

async function* allCards(context: Context, book: BookResource, body: CardBody): AsyncGenerator<Buffer> {
  for await (const views of context.addressBooks.cards(context.actor, book.collection, body)) {
    const pieces = views.flatMap(({ card }) => {
      if (!card) return []
      const bytes = card.bytes ?? Buffer.from(card.text)
      return bytes.at(-1) === LF ? [bytes] : [bytes, CRLF]
    })
    yield Buffer.concat(pieces)
  }
}

const LF = 10
const CRLF = Buffer.from('\r\n')

/** RFC 4918 §10.4 holds for reading as well. @throws DavError 412 */
async function assertIf(exchange: Exchange, etag: string): Promise<void> {
  const { holds } = await ifCondition(exchange)
  if (!holds) return
  const { context, address } = exchange
  const book = address.kind === 'card' ? await findBook(context, address.userId, address.book) : undefined
  const locks = book ? await context.locks.list(context.actor, book.id) : []
  if (!holds({ etag, locks })) throw new DavError(412, 'The card is not what the If header says')
}

/** "h" for what a GET without a version gives, "h.4" or "h.3" for the other form of the same card. */
async function variantTag(
  { context }: Exchange,
  view: CardView,
  book: CardCollection,
  body: CardBody,
): Promise<string> {
  if (body === 'stored' || !view.card) return view.etag
  const stored =
    view.kind === 'personal'
      ? await context.addressBooks.card(context.actor, book.collection, view.name, 'stored')
      : undefined
  const storedVersion = stored?.card?.version ?? '3.0'
  return storedVersion === view.card.version ? view.etag : `${view.etag}.${view.card.version.slice(0, 1)}`
}

const CARD_TYPES: ReadonlySet<string> = new Set([
  JCARD,
  'text/vcard',
  'text/x-vcard',
  'text/directory',
  'application/octet-stream',
  '',
])

/** RFC 4918 §9.7, RFC 6352 §6.3.2 */
export async function put(exchange: Exchange): Promise<FastifyReply> {
  const { context, reply } = exchange
  if (exchange.address.kind !== 'card') throw new DavError(405, 'A card is put under a name inside a book')
  assertCardType(exchange)
  const { book, name } = await bookToWrite(exchange)
  const condition = await cardCondition(exchange, book, name)
  try {
    const written = await context.contacts.put(context.actor, book.collection, name, cardBytes(exchange), condition)
    return await answerWritten(exchange, book, name, written)
  } catch (error) {
    const failed = error instanceof DomainError && error.code === 'precondition-failed'
    if (!failed || !context.prefer.representation) throw error
    const view = await context.addressBooks.card(context.actor, book.collection, name, 'stored') // RFC 8144 §3.2
    if (!view?.card) throw error
    return represent(reply.code(412), cardHref(book.href, name), view)
  }
}

/** RFC 5995 §3.1: a card whose name we choose. */
export async function post(exchange: Exchange): Promise<FastifyReply> {
  const { context, reply, address } = exchange
  if (address.kind !== 'address-book') throw new DavError(405, 'Cards are added to a book')
  const book = await findBook(context, address.userId, address.book)
  if (!book) throw notHere()
  assertCardType(exchange)
  await assertConditions(exchange)
  const { named = [] } = await ifCondition(exchange)
  const name = `${randomUUID()}.vcf`
  const written = await context.contacts.put(context.actor, book.collection, name, cardBytes(exchange), {
    noneMatch: 'any',
    named,
  })
  reply.header('location', cardHref(book.href, name))
  return await answerWritten(exchange, book, name, written)
}

async function answerWritten(
  { context, reply }: Exchange,
  book: CardCollection,
  name: string,
  { created, etag }: Written,
): Promise<FastifyReply> {
  const view = context.prefer.representation
    ? await context.addressBooks.card(context.actor, book.collection, name, 'stored')
    : undefined
  if (view?.card) return represent(reply.code(created ? 201 : 200), cardHref(book.href, name), view) // RFC 7240 §4.2
  if (etag !== undefined) reply.header('etag', `"${etag}"`)
  return reply.code(created ? 201 : 204).send()
}

/** With If-Unmodified-Since: the card that the date was held against is still there when it is written. @throws DavError 412 */
async function cardCondition(exchange: Exchange, book: CardCollection, name: string): Promise<Condition> {
  const condition = await writeCondition(exchange)
  if (header(exchange, 'if-unmodified-since') === undefined) return condition
  const { actor, addressBooks } = exchange.context
  const view = await addressBooks.card(actor, book.collection, name, 'none')
  if (!assertUnmodified(exchange, view?.modifiedAt)) return condition
  return {
    ...condition,
    holds: (state) => state.etag === view?.etag && (condition.holds?.(state) ?? true),
  }
}

/** RFC 9110 §8.7: at its href is the card that the answer holds. */
const represent = (reply: FastifyReply, href: string, { card, etag }: CardView): FastifyReply =>
  reply
    .header('content-location', href)
    .header('etag', `"${etag}"`)
    .header('preference-applied', applied('representation'))
    .header('content-type', 'text/vcard; charset=utf-8')
    .send(card?.bytes ?? card?.text)

const contentType = (exchange: Exchange): string =>
  (header(exchange, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''

/** The card that was sent; jCard as the 4.0 that it stands for. @throws DavError valid-address-data */
function cardBytes(exchange: Exchange): Uint8Array {
  const bytes = bodyBytes(exchange)
  if (contentType(exchange) !== JCARD) return bytes
  try {
    return Buffer.from(serialize(fromJCard(new TextDecoder('utf-8', { fatal: true }).decode(bytes))))
  } catch (error) {
    throw new DavError(403, error instanceof Error ? error.message : 'No jCard', CARDDAV('valid-address-data'))
  }
}

function assertCardType(exchange: Exchange): void {
  const type = contentType(exchange)
  if (!CARD_TYPES.has(type)) {
    throw new DavError(403, `An address book holds text/vcard, not ${type}`, CARDDAV('supported-address-data'))
  }
  if (header(exchange, 'content-range') !== undefined) throw new DavError(400, 'A card is sent whole') // RFC 9110 §14.5
}

/** RFC 4918 §9.6 */
export async function remove(exchange: Exchange): Promise<FastifyReply> {
  const { context, reply, address } = exchange
  if (address.kind === 'address-book') return await removeBook(exchange)
  if (address.kind !== 'card') throw new DavError(403, 'This collection cannot be deleted', DAV('need-privileges'))
  const { book, name } = await bookOf(exchange)
  await context.contacts.delete(context.actor, book.collection, name, await cardCondition(exchange, book, name))
  return reply.code(204).send()
}

/** A book goes with what is in it, whatever Depth says (RFC 4918 §9.6.1): Nextcloud's library sends 0. */
async function removeBook(exchange: Exchange): Promise<FastifyReply> {
  const { context, reply, address } = exchange
  const book = address.kind === 'address-book' ? await findBook(context, address.userId, address.book) : undefined
  if (!book) throw notHere()
  await context.books.delete(context.actor, book.collection, await writeCondition(exchange))
  return reply.code(204).send()
}
