import type { Body, CardBody, CardTag, CardView, Id } from '#domain'
import { parseVCard, selectProperties, serialize, toJCard } from '#vcard'
import { propstat, response } from './multistatus.ts'
import { CARDDAV, DAV, element, type QName, tag } from './names.ts'
import { DavError } from './preconditions.ts'
import { propertiesOf } from './properties/index.ts'
import type { LiveProperty } from './properties/property.ts'
import {
  type CardResource,
  type CardText,
  type Context,
  cardResource,
  type Resource,
  type ResourceKind,
} from './resources.ts'
import { child, propertyNames, type XmlElement } from './xml.ts'

const ADDRESS_DATA = CARDDAV('address-data')
const CARD_KINDS = ['card', 'directory-card'] as const
const LOCKDISCOVERY = DAV('lockdiscovery')

/** What a PROPFIND or a report wants to know of each resource (RFC 4918 §14.20). */
export interface Wanted {
  readonly mode: 'prop' | 'allprop' | 'propname'
  /** Named, or included beside allprop. */
  readonly names: readonly QName[]
  /** How much of a card has to be read. */
  readonly body: CardBody
  /** The same of the cards of a collection. */
  readonly row: Body
  readonly addressData?: (card: CardText) => string
  /** What the element says of the form, ready-made. */
  readonly attributes?: string
  /** What is made of the values of some properties (RFC 3253 §3.8). */
  readonly expand?: ReadonlyMap<QName, (value: string) => Promise<string>>
}

/** In which form a card goes into the answer. */
interface AddressData {
  readonly body: CardBody
  readonly addressData?: (card: CardText) => string
  /** What the element says of the form, ready-made. */
  readonly attributes?: string
}

const NO_CARD: AddressData = { body: 'none' }
const TRUE = 'yes'

/** RFC 6352 §10.4: version and type of the card, and the properties of it that are wanted. @throws DavError supported-address-data */
function addressDataOf(asked: XmlElement | undefined): AddressData {
  if (!asked) return NO_CARD
  const type = asked.attributes.get('content-type')?.trim().toLowerCase() ?? 'text/vcard'
  const isJson = type === 'application/vcard+json'
  const version = asked.attributes.get('version')?.trim() ?? (isJson ? '4.0' : '3.0')
  const known = isJson ? version === '4.0' : type === 'text/vcard' && (version === '3.0' || version === '4.0')
  if (!known || (version !== '3.0' && version !== '4.0')) {
    const problem = `Cards are served as text/vcard 3.0 or 4.0 or application/vcard+json 4.0, not as ${type} ${version}`
    throw new DavError(403, problem, CARDDAV('supported-address-data'))
  }
  const selected = child(asked, CARDDAV('allprop')) ? [] : asked.children.filter(({ name }) => name === CARDDAV('prop'))
  // §10.4: what is not said is text/vcard 3.0.
  const attributes = isJson || version !== '3.0' ? ` content-type="${type}" version="${version}"` : ''
  if (selected.length === 0 && !isJson) return { body: version, attributes }
  const wantedProperties = selected.map(({ attributes }) => ({
    name: (attributes.get('name') ?? '').toUpperCase(),
    novalue: attributes.get('novalue') === TRUE,
  }))
  return {
    body: version,
    attributes,
    addressData: ({ text }) => {
      const card = parseVCard(text)
      const part = selected.length === 0 ? card : selectProperties(card, wantedProperties)
      return isJson ? toJCard(part) : serialize(part)
    },
  }
}

export function wanted(root: XmlElement | undefined): Wanted {
  const prop = child(root, DAV('prop'))
  const include = child(root, DAV('include'))
  if (prop) {
    const asked = propertyNames(prop)
    const names = [...new Set(asked.map(({ name }) => name))]
    const addressData = addressDataOf(asked.find(({ name }) => name === ADDRESS_DATA))
    return {
      mode: 'prop',
      names,
      row: names.every(isOfTag) ? TAG_WITH[addressData.body] : addressData.body,
      ...addressData,
    }
  }
  if (child(root, DAV('propname'))) return { mode: 'propname', names: [], body: 'none', row: 'none' }
  const included = include ? propertyNames(include) : []
  const addressData = addressDataOf(included.find(({ name }) => name === ADDRESS_DATA))
  return { mode: 'allprop', names: included.map(({ name }) => name), row: addressData.body, ...addressData }
}

const TAG_WITH = { none: 'etag', '3.0': 'etag 3.0', '4.0': 'etag 4.0', stored: 'stored' } as const satisfies Record<
  CardBody,
  Body
>

/** Whether name, ETag and text of a card are enough to tell it: of what is no live property, they are. */
const isOfTag = (name: QName): boolean =>
  CARD_KINDS.every((kind) => propertiesOf(kind).get(name)?.ofTag ?? !propertiesOf(kind).has(name))

/** The same for a report, whose allprop includes the card (KDE asks so). */
export function wantedOfReport(root: XmlElement): Wanted {
  const asked = wanted(root)
  if (asked.mode !== 'allprop') return asked
  const body = asked.body === 'none' ? '3.0' : asked.body
  return { ...asked, names: [...asked.names, ADDRESS_DATA], body, row: body }
}

/** A property with the tags that are written around its value. */
interface Told {
  readonly property: LiveProperty
  readonly start: string
  readonly end: string
  readonly empty: string
}

interface Plan {
  readonly found: readonly Told[]
  /** Named, and no live property of this kind. */
  readonly others: readonly QName[]
  readonly kept: boolean
}

const KEEPING: ReadonlySet<ResourceKind> = new Set(['home', 'address-book', 'card'])

function told(property: LiveProperty, attributes: string): Told {
  const { open, close } = tag(property.name)
  return { property, start: `<${open}${attributes}>`, end: `</${close}>`, empty: `<${open}/>` }
}

function plan({ mode, names, attributes = '' }: Wanted, kind: ResourceKind): Plan {
  const known = propertiesOf(kind)
  const ready = (found: Iterable<LiveProperty>) =>
    [...found].map((property) => told(property, property.name === ADDRESS_DATA ? attributes : ''))
  const others = names.filter((name) => !known.has(name))
  if (mode === 'prop') {
    const found = names.flatMap((name) => known.get(name) ?? [])
    const kept = others.length > 0 || found.some(({ change }) => change === 'kept')
    return { found: ready(found), others, kept: KEEPING.has(kind) && kept }
  }
  const included = mode === 'allprop' ? names.flatMap((name) => known.get(name) ?? []) : []
  const all = [...known.values()].filter(({ allprop }) => mode === 'propname' || allprop)
  return { found: ready(new Set([...all, ...included])), others, kept: KEEPING.has(kind) }
}

type Kept = ReadonlyMap<string, string>
const NOTHING: Kept = new Map()

/** A card of a book, under the href that the client is to see. */
export interface CardRow {
  readonly href: string
  /** The tag alone where `Wanted.row` asks for no more. */
  readonly view: CardTag | CardView
}

/** Writes the response of one resource after another; what is to be read of each kind is worked out once. */
export class Responses {
  readonly #wanted: Wanted
  #context: Context
  readonly #plans = new Map<ResourceKind, Plan>()
  #locksRead = false

  constructor(asked: Wanted, context: Context) {
    this.#wanted = asked
    this.#context = { ...context, addressData: asked.addressData }
  }

  async #plan(kind: ResourceKind): Promise<Plan> {
    const known = this.#plans.get(kind)
    if (known) return known
    const made = plan(this.#wanted, kind)
    this.#plans.set(kind, made)
    if (
      !this.#locksRead &&
      this.#wanted.mode !== 'propname' &&
      made.found.some(({ property }) => property.name === LOCKDISCOVERY)
    ) {
      this.#locksRead = true
      this.#context = { ...this.#context, heldLocks: await this.#context.locks.all(this.#context.actor) }
    }
    return made
  }

  async of(resource: Exclude<Resource, CardResource>): Promise<string> {
    const { found, others, kept } = await this.#plan(resource.kind)
    const read = new Map<LiveProperty['read'], string | undefined>() // two properties of one reader tell the same
    for (const { property } of found) {
      if (this.#wanted.mode === 'propname') read.set(property.read, '')
      else if (!read.has(property.read)) read.set(property.read, await property.read(resource, this.#context))
    }
    const values = await this.#expanded(
      found,
      found.map(({ property }) => read.get(property.read)),
    )
    const collection = resource.kind === 'home' ? this.#context.actor.userId : idOf(resource)
    const mine = kept && collection !== undefined ? (await this.#kept(collection, [''])).get('') : undefined
    return this.#write(resource.href, found, others, values, mine ?? NOTHING)
  }

  /** Cards of one book. Their properties are in their rows; what clients keep beside them is read for all at once. */
  async ofCards(bookId: Id, rows: readonly CardRow[]): Promise<string> {
    const { actor } = this.#context
    const { found, others, kept } = await this.#plan(bookId === actor.organizationId ? 'directory-card' : 'card')
    const names = rows.map(({ view }) => view.name)
    const mine = kept && rows.length > 0 ? await this.#kept(bookId, names) : undefined
    const propname = this.#wanted.mode === 'propname'
    let out = ''
    for (const { href, view } of rows) {
      const card = cardResource(bookId, href, view as CardView, actor) // `isOfTag`: its properties ask for no more
      const read = found.map(
        ({ property }) => (propname ? '' : (property.read(card, this.#context) as string | undefined)), // see LiveProperty
      )
      const values = this.#wanted.expand ? await this.#expanded(found, read) : read
      out += this.#write(href, found, others, values, mine?.get(view.name) ?? NOTHING)
    }
    return out
  }

  async #expanded(
    found: readonly Told[],
    values: readonly (string | undefined)[],
  ): Promise<readonly (string | undefined)[]> {
    const { expand } = this.#wanted
    if (!expand) return values
    const out: (string | undefined)[] = []
    for (const [at, { property }] of found.entries()) {
      const value = values[at]
      out.push(value === undefined ? undefined : ((await expand.get(property.name)?.(value)) ?? value))
    }
    return out
  }

  async #kept(collectionId: Id, members: readonly string[]): Promise<Map<string, Kept>> {
    const { clientProperties, actor } = this.#context
    const all = await clientProperties.list(actor, collectionId, members)
    return new Map(
      [...Map.groupBy(all, ({ member }) => member)].map(([member, list]) => [
        member,
        new Map(list.map(({ name, value }) => [name, value])),
      ]),
    )
  }

  #write(
    href: string,
    found: readonly Told[],
    others: readonly QName[],
    values: readonly (string | undefined)[],
    kept: Kept,
  ): string {
    let there = ''
    let absent = ''
    found.forEach(({ property, start, end, empty }, at) => {
      const value = values[at]
      const keeps = property.change === 'kept' && this.#wanted.mode !== 'propname'
      const own = keeps ? kept.get(property.name) : undefined
      if (own !== undefined) there += own
      else if (value === undefined) absent += empty
      else there += value === '' ? empty : start + value + end
    })
    for (const name of others) {
      const value = kept.get(name)
      if (value === undefined) absent += element(name)
      else there += value
    }
    if (this.#wanted.mode !== 'prop') {
      const told = new Set<string>([...found.map(({ property }) => property.name), ...others])
      for (const [name, value] of kept) {
        if (!told.has(name)) there += this.#wanted.mode === 'propname' ? element(name as QName) : value // was kept as one
      }
    }
    // RFC 8144 §2.1: what is not there need not be told. (Of allprop nothing can be missing but what was included.)
    if (this.#context.prefer.minimal) absent = ''
    // The 200 comes first: Thunderbird reads the first status only.
    const first = there !== '' || absent === '' ? propstat(200, there) : ''
    return response(href, first + (absent === '' ? '' : propstat(404, absent)))
  }
}

const idOf = (resource: Resource): Id | undefined => (resource.kind === 'address-book' ? resource.id : undefined)
