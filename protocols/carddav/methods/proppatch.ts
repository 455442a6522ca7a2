import type { FastifyReply } from 'fastify'
import { propstat, response, sendMultistatus } from '../multistatus.ts'
import { DAV, element, type QName } from '../names.ts'
import { DavError } from '../preconditions.ts'
import { propertiesOf } from '../properties/index.ts'
import { findCollection, type Resource } from '../resources.ts'
import { child, propertyNames, type XmlElement } from '../xml.ts'
import { type Exchange, notHere, type XmlBodies } from './exchange.ts'

interface Instruction {
  readonly name: QName
  /** Undefined to remove. */
  readonly value?: XmlElement
}

/** RFC 4918 §9.2: in document order, all of them or none. */
export const proppatch =
  (bodies: XmlBodies) =>
  async (exchange: Exchange): Promise<FastifyReply> => {
    const { context, reply, address } = exchange
    const root = bodies.read(exchange)
    if (root?.name !== DAV('propertyupdate')) throw new DavError(400, 'The body is no DAV:propertyupdate')
    if (address.kind === 'card') throw new DavError(403, 'The properties of a card are what is on it')
    const resource = await findCollection(context, address)
    if (!resource) throw notHere()
    const instructions = instructionsOf(root)
    const writable = (one: Instruction) => one.value !== undefined && isWritable(resource, one.name)
    const refused = instructions.filter((one) => !writable(one))
    if (refused.length === 0) {
      for (const { name, value } of instructions) {
        await propertiesOf(resource.kind)
          .get(name)
          ?.write?.(resource, value?.text ?? '', context)
      }
      const done = instructions.map(({ name }) => element(name)).join('')
      return await sendMultistatus(reply, [response(resource.href, propstat(200, done))])
    }
    const forbidden = refused.map(({ name }) => element(name)).join('')
    const failed = instructions
      .filter((one) => !refused.includes(one))
      .map(({ name }) => element(name))
      .join('')
    const answer = propstat(403, forbidden, DAV('cannot-modify-protected-property'))
    return await sendMultistatus(reply, [
      response(resource.href, answer + (failed === '' ? '' : propstat(424, failed))),
    ])
  }

/** Of a home and a principal the name is the person's, which an identity provider gives. */
const isWritable = (resource: Resource, name: QName): boolean =>
  resource.kind === 'address-book' && propertiesOf(resource.kind).get(name)?.write !== undefined

function instructionsOf(root: XmlElement): Instruction[] {
  const found = root.children.flatMap(({ name, children }): Instruction[] => {
    const prop = child({ name, children, attributes: new Map(), text: '' }, DAV('prop'))
    if (!prop) return []
    if (name === DAV('set')) return propertyNames(prop).map((value) => ({ name: value.name, value }))
    return name === DAV('remove') ? propertyNames(prop).map((value) => ({ name: value.name })) : []
  })
  if (found.length === 0) throw new DavError(400, 'Nothing is to be set or removed')
  return found
}
