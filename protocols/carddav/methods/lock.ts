import type { FastifyReply } from 'fastify'
import type { Member } from '#domain'
import { XML_TYPE } from '../multistatus.ts'
import { DAV, DECLARATIONS, element } from '../names.ts'
import { DavError } from '../preconditions.ts'
import { activeLock } from '../properties/rfc4918-webdav.ts'
import { type BookResource, findBook } from '../resources.ts'
import { cardHref } from '../urls.ts'
import { child, type XmlElement, xmlText } from '../xml.ts'
import { ifCondition, lockInToken, lockToken, writeCondition } from './conditions.ts'
import { type Exchange, header, notHere, type XmlBodies } from './exchange.ts'

const DEFAULT_SECONDS = 600
const MAX_SECONDS = 24 * 3_600

/** RFC 4918 §9.10: exclusive and shared write locks of cards and books, among one person's devices. */
export const lock =
  (bodies: XmlBodies) =>
  async (exchange: Exchange): Promise<FastifyReply> => {
    const { context, reply } = exchange
    const { book, member } = await placeOf(exchange)
    const seconds = secondsOf(exchange)
    const root = bodies.read(exchange)
    const wish = root ? wishOf(exchange, root, member) : undefined
    const { named = [] } = await ifCondition(exchange)
    const held = wish
      ? await context.locks.lock(context.actor, member, { ...wish, seconds }, await writeCondition(exchange))
      : await context.locks.refresh(context.actor, member, named, seconds) // §9.10.2
    const href = held.member === '' ? book.href : cardHref(book.href, held.member)
    const told = element(DAV('lockdiscovery'), activeLock(held, href))
    if (wish) reply.header('lock-token', `<${lockToken(held)}>`)
    return reply
      .code(200)
      .header('content-type', XML_TYPE)
      .send(`<?xml version="1.0" encoding="utf-8"?>\n<D:prop${DECLARATIONS}>${told}</D:prop>`)
  }

/** RFC 4918 §9.11 */
export async function unlock(exchange: Exchange): Promise<FastifyReply> {
  const { context, reply } = exchange
  const { member } = await placeOf(exchange)
  const text = header(exchange, 'lock-token')?.trim()
  if (!text) throw new DavError(400, 'Lock-Token is missing')
  const id = lockInToken(text.replace(/^<|>$/g, ''))
  if (!id || !(await context.locks.unlock(context.actor, member, id))) {
    throw new DavError(409, 'No such lock is here', DAV('lock-token-matches-request-uri'))
  }
  return reply.code(204).send()
}

async function placeOf({ context, address }: Exchange): Promise<{ book: BookResource; member: Member }> {
  if (address.kind !== 'card' && address.kind !== 'address-book') throw new DavError(403, 'This cannot be locked')
  const book = await findBook(context, address.userId, address.book)
  if (!book) throw notHere()
  return { book, member: { collection: book.collection, name: address.kind === 'card' ? address.card : '' } }
}

function wishOf(exchange: Exchange, root: XmlElement, member: Member) {
  if (root.name !== DAV('lockinfo')) throw new DavError(400, 'The body is no DAV:lockinfo')
  const scope = child(root, DAV('lockscope'))
  const exclusive = child(scope, DAV('exclusive')) !== undefined
  const isWrite = child(child(root, DAV('locktype')), DAV('write')) !== undefined
  if (!isWrite || (!exclusive && !child(scope, DAV('shared')))) {
    throw new DavError(400, 'A lock is an exclusive or shared write lock')
  }
  const depth = header(exchange, 'depth')?.trim().toLowerCase() ?? 'infinity'
  if (depth !== '0' && depth !== 'infinity') throw new DavError(400, 'Depth of a lock is 0 or infinity') // §9.10.3
  const owner = child(root, DAV('owner'))
  return { exclusive, whole: member.name === '' && depth === 'infinity', owner: owner ? xmlText(owner) : '' }
}

/** RFC 4918 §10.7: the first that we can do. */
function secondsOf(exchange: Exchange): number {
  for (const one of (header(exchange, 'timeout') ?? '').split(',')) {
    const match = /^\s*(?:Second-(\d{1,10})|(Infinite))\s*$/i.exec(one)
    if (match) return match[2] ? MAX_SECONDS : Math.min(Number(match[1]), MAX_SECONDS)
  }
  return DEFAULT_SECONDS
}
