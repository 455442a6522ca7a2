import type { FastifyReply } from 'fastify'
import { propstat, response, sendMultistatus } from '../multistatus.ts'
import { DAV, element, type QName } from '../names.ts'
import { DavError } from '../preconditions.ts'
import { propertiesOf } from '../properties/index.ts'
import { findResource, type Resource } from '../resources.ts'
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
    const resource = await findResource(context, address, 'none')
    if (!resource) throw notHere()
    const instructions = instructionsOf(root)
    const verdicts = Map.groupBy(instructions, (one) => verdict(resource, one))
    const names = (which: Verdict) => (verdicts.get(which) ?? []).map(({ name }) => element(name)).join('')
    if ((verdicts.get('accepted') ?? []).length === instructions.length) {
      for (const { name, value } of instructions) {
        if (value) await propertiesOf(resource.kind).get(name)?.write?.(resource, value.text, context)
      }
      return await sendMultistatus(reply, [response(resource.href, propstat(200, names('accepted')))])
    }
    const answers = [
      { status: 403, properties: names('protected'), condition: DAV('cannot-modify-protected-property') },
      { status: 403, properties: names('not kept') },
      { status: 424, properties: names('accepted') },
    ].filter(({ properties }) => properties !== '')
    const propstats = answers.map(({ status, properties, condition }) => propstat(status, properties, condition))
    return await sendMultistatus(reply, [response(resource.href, propstats.join(''))])
  }

type Verdict = 'accepted' | 'protected' | 'not kept'

function verdict(resource: Resource, { name, value }: Instruction): Verdict {
  const known = propertiesOf(resource.kind).get(name)
  if (!known) return value ? 'not kept' : 'accepted' // §14.23: to remove what is not there is no error
  // Of a home and a principal the name is the person's, which an identity provider gives.
  return value && known.write && resource.kind === 'address-book' ? 'accepted' : 'protected'
}

function instructionsOf(root: XmlElement): Instruction[] {
  const found = root.children.flatMap((instruction): Instruction[] => {
    const { name } = instruction
    const prop = child(instruction, DAV('prop'))
    if (!prop) return []
    if (name === DAV('set')) return propertyNames(prop).map((value) => ({ name: value.name, value }))
    return name === DAV('remove') ? propertyNames(prop).map((value) => ({ name: value.name })) : []
  })
  if (found.length === 0) throw new DavError(400, 'Nothing is to be set or removed')
  return found
}
