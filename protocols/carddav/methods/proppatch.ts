import type { FastifyReply } from 'fastify'
import { type BookChanges, bookProblem, type Member, type PropertyChange } from '#domain'
import { propstat, response, sendMultistatus } from '../multistatus.ts'
import { DAV, element, type QName } from '../names.ts'
import { DavError, needPrivileges } from '../preconditions.ts'
import { applied } from '../prefer.ts'
import { PROPERTIES, propertiesOf } from '../properties/index.ts'
import { findResource, isShared, type Resource, type ResourceKind } from '../resources.ts'
import { hrefPath, parsePath } from '../urls.ts'
import { child, languageIn, propertyNames, type XmlElement, xmlText } from '../xml.ts'
import { writeCondition } from './conditions.ts'
import { type Exchange, notHere, type XmlBodies } from './exchange.ts'

/** What is to be set, or (without a value) removed. */
export interface Instruction {
  readonly name: QName
  readonly value?: XmlElement
  /** The xml:lang around it. */
  readonly language?: string | undefined
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
    if (resource.kind === 'address-book' && isShared(resource)) {
      throw needPrivileges(resource.href, 'write-properties', 'A shared directory says of itself what it is')
    }
    const instructions = instructionsOf(root)
    if (instructions.length === 0) throw new DavError(400, 'Nothing is to be set or removed')
    const member = memberOf(resource, exchange)
    const refused = refusedOf(resource.kind, instructions, member !== undefined, exchange)
    if (refused !== undefined) return await sendMultistatus(reply, [response(resource.href, refused)])
    if (member) {
      const { book, kept } = changesOf(resource.kind, instructions)
      await context.clientProperties.change(context.actor, member, kept, book, await writeCondition(exchange))
    }
    if (context.prefer.minimal) return reply.code(200).header('preference-applied', applied('minimal')).send() // RFC 8144 §2.2
    const names = instructions.map(({ name }) => element(name)).join('')
    return await sendMultistatus(reply, [response(resource.href, propstat(200, names))])
  }

/** Where properties of the resource are kept, if clients may keep any. */
function memberOf(resource: Resource, { context }: Exchange): Member | undefined {
  if (resource.kind === 'home') return { collection: context.actor.userId, name: '' }
  if (resource.kind === 'address-book') return { collection: resource.collection, name: '' }
  return resource.kind === 'card' ? { collection: resource.collection, name: resource.view.name } : undefined
}

const LIVE: ReadonlySet<QName> = new Set(PROPERTIES.map(({ name }) => name))

type Verdict = 'accepted' | 'protected' | 'not kept' | 'wrong'

/**
 * The propstats of a refusal: each property says for itself why, or that it waits for the others (RFC 4918 §11.4), as those
 * that are `waiting` do.
 */
export function refusedOf(
  kind: ResourceKind,
  instructions: readonly Instruction[],
  keeps: boolean,
  exchange: Exchange,
  waiting: readonly Instruction[] = [],
): string | undefined {
  const verdicts = Map.groupBy(instructions, (one) => verdict(kind, one, keeps, exchange))
  if ((verdicts.get('accepted') ?? []).length === instructions.length) return undefined
  const names = (which: Verdict, more: readonly Instruction[] = []) =>
    [...new Set([...more, ...(verdicts.get(which) ?? [])].map(({ name }) => element(name)))].join('')
  return [
    { status: 403, properties: names('protected'), condition: DAV('cannot-modify-protected-property') },
    { status: 403, properties: names('not kept') },
    { status: 409, properties: names('wrong') },
    { status: 424, properties: names('accepted', waiting) },
  ]
    .filter(({ properties }) => properties !== '')
    .map(({ status, properties, condition }) => propstat(status, properties, condition))
    .join('')
}

function verdict(kind: ResourceKind, { name, value }: Instruction, keeps: boolean, exchange: Exchange): Verdict {
  const known = propertiesOf(kind).get(name)
  if (!known && value && LIVE.has(name)) return 'protected' // of another kind of resource: nobody makes one up here
  if (!known) return keeps || !value ? 'accepted' : 'not kept' // §14.23: to remove what is not there is no error
  if (!known.change) return 'protected'
  if (known.change === 'kept') return value === undefined || isOwnCard(value, exchange) ? 'accepted' : 'wrong'
  // Of a home and a principal the name is the person's, which an identity provider gives.
  if (kind !== 'address-book') return 'protected'
  return bookProblem(known.change(value?.text)) === undefined ? 'accepted' : 'not kept'
}

/** A me-card is one of the person's own books. */
function isOwnCard(value: XmlElement, { context }: Exchange): boolean {
  const path = hrefPath(child(value, DAV('href'))?.text ?? '', context.host)
  const address = path === undefined ? undefined : parsePath(path)
  return address?.kind === 'card' && address.userId === context.actor.userId
}

/** What the instructions, all of them accepted, come to. */
export function changesOf(
  kind: ResourceKind,
  instructions: readonly Instruction[],
): { book: BookChanges; kept: PropertyChange[] } {
  let book: BookChanges = {}
  const kept: PropertyChange[] = []
  for (const { name, value, language } of instructions) {
    const change = propertiesOf(kind).get(name)?.change
    if (typeof change === 'function') book = { ...book, ...change(value?.text) }
    else kept.push(value ? { name, value: xmlText(value, language) } : { name })
  }
  return { book, kept }
}

/** The set and remove elements of a propertyupdate or mkcol. */
export function instructionsOf(root: XmlElement): Instruction[] {
  return root.children.flatMap((instruction): Instruction[] => {
    const prop = child(instruction, DAV('prop'))
    if (!prop) return []
    const language = languageIn(prop, languageIn(instruction, languageIn(root)))
    if (instruction.name === DAV('set')) {
      return propertyNames(prop).map((value) => ({ name: value.name, value, language }))
    }
    return instruction.name === DAV('remove') ? propertyNames(prop).map(({ name }) => ({ name })) : []
  })
}
