import type { FastifyReply } from 'fastify'
import { DomainError } from '#domain'
import { DAV } from '../names.ts'
import { DavError, needPrivileges, refusal } from '../preconditions.ts'
import { type BookResource, findBook } from '../resources.ts'
import { type Address, bookHref, cardHref, collectionOf, parsePath } from '../urls.ts'
import { ifCondition, writeCondition } from './conditions.ts'
import { type Exchange, header, notHere } from './exchange.ts'

type Kind = 'copy' | 'move'

/** RFC 4918 §9.8, §9.9: of a card within and across the person's books; MOVE of a book gives it another address. */
const transfer =
  (kind: Kind) =>
  async (exchange: Exchange): Promise<FastifyReply> => {
    const { address } = exchange
    const overwrite = overwriteOf(exchange)
    const target = destination(exchange)
    if (address.kind === 'address-book') return await moveBook(exchange, kind, address, target, overwrite)
    if (address.kind !== 'card') throw new DavError(403, 'This collection stays where it is')
    const from = await findBook(exchange.context, address.userId, address.book)
    if (!from) throw notHere()
    assertNotInDirectory(target, exchange)
    if (target.kind !== 'card') throw new DavError(403, 'A card goes into a book, under a name')
    const to = await bookOf(exchange, target)
    return await transferCard(
      exchange,
      kind,
      { book: from, name: address.card },
      { book: to, name: target.card },
      overwrite,
    )
  }

/** RFC 4918 §9.8 */
export const copy = transfer('copy')
/** RFC 4918 §9.9 */
export const move = transfer('move')

interface Place {
  readonly book: BookResource
  readonly name: string
}

async function transferCard(
  exchange: Exchange,
  kind: Kind,
  from: Place,
  to: Place,
  overwrite: boolean,
): Promise<FastifyReply> {
  const { context, reply } = exchange
  const source = await writeCondition(exchange)
  const { named } = await ifCondition(exchange)
  const how = { overwrite, source, target: named ? { named } : {} }
  const places = [
    { collection: from.book.collection, name: from.name },
    { collection: to.book.collection, name: to.name },
  ] as const
  try {
    const { created, etag } = await context.contacts[kind](context.actor, ...places, how)
    if (etag !== undefined) reply.header('etag', `"${etag}"`)
    return reply
      .code(created ? 201 : 204)
      .header('location', cardHref(to.book.href, to.name))
      .send()
  } catch (error) {
    throw conflictIn(error, from.book, to.book.href, cardHref(from.book.href, from.name))
  }
}

/** The refusal, with the href of what is in the way: in the book that it was to go to, or a lock where it comes from. */
function conflictIn(error: unknown, from: BookResource, to: string, path: string): unknown {
  if (!(error instanceof DomainError)) return error
  const book = error.details.conflictsIn === from.id ? from.href : to
  return refusal(error, (name) => cardHref(book, name), path) ?? error
}

async function moveBook(
  exchange: Exchange,
  kind: Kind,
  address: Extract<Address, { kind: 'address-book' }>,
  target: Address,
  overwrite: boolean,
): Promise<FastifyReply> {
  const { context, reply } = exchange
  const book = await findBook(context, address.userId, address.book)
  if (!book) throw notHere()
  if (kind === 'copy') throw new DavError(403, 'A book is not copied as a whole: make a book and copy its cards')
  const depth = header(exchange, 'depth')?.trim().toLowerCase() ?? 'infinity'
  if (depth !== 'infinity') throw new DavError(400, 'A book moves with its cards: Depth is infinity') // RFC 4918 §9.9.2
  if (target.kind !== 'address-book') throw new DavError(403, 'A book stays in your home')
  if (target.userId !== context.actor.userId) throw notHere()
  if (target.book === address.book) throw new DavError(403, 'The book is there already')
  const href = bookHref(target.userId, target.book)
  const condition = await writeCondition(exchange)
  try {
    const replaced = await context.books.move(context.actor, book.collection, target.book, overwrite, condition)
    return reply
      .code(replaced ? 204 : 201)
      .header('location', href)
      .send()
  } catch (error) {
    throw conflictIn(error, book, href, book.href)
  }
}

/** RFC 4918 §10.6 */
function overwriteOf(exchange: Exchange): boolean {
  const value = header(exchange, 'overwrite')?.trim().toUpperCase() ?? 'T'
  if (value !== 'T' && value !== 'F') throw new DavError(400, 'Overwrite is T or F')
  return value === 'T'
}

/** RFC 4918 §10.3: another host is another server's (502, §9.8.5). */
function destination(exchange: Exchange): Address {
  const given = exchange.request.raw.headersDistinct.destination ?? []
  if (given.length > 1) throw new DavError(400, 'There is one Destination')
  const value = given[0]?.trim()
  if (!value) throw new DavError(400, 'Destination is missing')
  const absolute = /^https?:\/\/([^/?#]*)(\/[^?#]*)$/i.exec(value)
  if (absolute ? absolute[1]?.toLowerCase() !== exchange.context.host.toLowerCase() : !/^\/(?!\/)/.test(value)) {
    throw new DavError(absolute ? 502 : 400, 'Destination is an address of this server')
  }
  const address = parsePath(absolute?.[2] ?? value)
  if (!address) throw notHere()
  return address
}

/** @throws DavError 403 need-privileges, 404 */
function assertNotInDirectory(target: Address, { context }: Exchange): void {
  if (target.kind !== 'directory-card') return
  if (target.organizationId !== context.actor.organizationId) throw notHere()
  throw needPrivileges(collectionOf(target), 'bind', 'The directory is read only')
}

async function bookOf({ context }: Exchange, address: Extract<Address, { kind: 'card' }>): Promise<BookResource> {
  if (address.userId !== context.actor.userId) throw notHere()
  const book = await findBook(context, address.userId, address.book)
  if (!book) throw new DavError(409, 'There is no such book: make it first', DAV('parent-resource-must-exist')) // RFC 4918 §9.8.5
  return book
}
