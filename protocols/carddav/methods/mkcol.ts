import type { FastifyReply } from 'fastify'
import { propstat, XML_TYPE } from '../multistatus.ts'
import { CARDDAV, DAV, DECLARATIONS, element } from '../names.ts'
import { DavError } from '../preconditions.ts'
import { applied } from '../prefer.ts'
import { findBook } from '../resources.ts'
import type { XmlElement } from '../xml.ts'
import { bodyBytes, type Exchange, header, notHere, type XmlBodies } from './exchange.ts'
import { changesOf, type Instruction, instructionsOf, refusedOf } from './proppatch.ts'

const RESOURCETYPE = DAV('resourcetype')

/** RFC 5689 §3, RFC 6352 §6.3.1: an address book in the home. Without a body (RFC 4918 §9.3) it is one as well. */
export const mkcol =
  (bodies: XmlBodies) =>
  async (exchange: Exchange): Promise<FastifyReply> => {
    const { context, reply, address } = exchange
    if (address.kind !== 'address-book') {
      throw new DavError(405, 'An address book is made in your home', DAV('resource-must-be-null'))
    }
    if (address.userId !== context.actor.userId) throw notHere()
    const instructions = instructionsOf(readBody(exchange, bodies))
    if (await findBook(context, address.userId, address.book)) {
      throw new DavError(405, 'There is a book already', DAV('resource-must-be-null'))
    }
    const types = instructions.filter(({ name }) => name === RESOURCETYPE)
    const others = instructions.filter(({ name }) => name !== RESOURCETYPE)
    if (!types.every(isAddressBook))
      return refuse(reply, 403, propstat(403, element(RESOURCETYPE), DAV('valid-resourcetype')) + waiting(others))
    const refused = refusedOf('address-book', others, true, exchange, types)
    if (refused !== undefined) return refuse(reply, 424, refused)
    const { book, kept } = changesOf('address-book', others)
    const properties = new Map(kept.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value] as const])))
    await context.books.create(context.actor, address.book, book, properties)
    reply.code(201).header('cache-control', 'no-cache')
    if (instructions.length === 0) return reply.send()
    if (context.prefer.minimal) return reply.header('preference-applied', applied('minimal')).send() // RFC 8144 §2.3
    const names = instructions.map(({ name }) => element(name)).join('')
    return reply.header('content-type', XML_TYPE).send(document(propstat(200, names)))
  }

function readBody(exchange: Exchange, bodies: XmlBodies): XmlElement {
  const type = (header(exchange, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (bodyBytes(exchange).byteLength === 0) return EMPTY
  if (type !== '' && !/^(application|text)\/xml$/.test(type)) {
    throw new DavError(415, 'A collection is described by application/xml')
  }
  const root = bodies.read(exchange)
  if (root?.name !== DAV('mkcol')) throw new DavError(400, 'The body is no DAV:mkcol')
  return root
}

const EMPTY: XmlElement = { name: DAV('mkcol'), attributes: new Map(), children: [], text: '', at: 0 }

/** Nothing else can be in a home. */
function isAddressBook({ value }: Instruction): boolean {
  const types = value?.children.map(({ name }) => name) ?? []
  const known = [DAV('collection'), CARDDAV('addressbook')]
  return known.every((name) => types.includes(name)) && types.every((name) => known.includes(name))
}

const document = (propstats: string): string =>
  `<?xml version="1.0" encoding="utf-8"?>\n<D:mkcol-response${DECLARATIONS}>${propstats}</D:mkcol-response>`

const waiting = (instructions: readonly Instruction[]): string =>
  instructions.length === 0 ? '' : propstat(424, instructions.map(({ name }) => element(name)).join(''))

/** RFC 5689 §3: nothing is made, and each property says why. */
const refuse = (reply: FastifyReply, status: number, propstats: string): FastifyReply =>
  reply.code(status).header('content-type', XML_TYPE).send(document(propstats))
