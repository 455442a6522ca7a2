import { type CardTag, type CardView, type Collection, collectionId, type Id } from '#domain'
import { propstat, response } from './multistatus.ts'
import { DAV, element, type QName, tag } from './names.ts'
import { propertiesOf } from './properties/index.ts'
import type { LiveProperty } from './properties/property.ts'
import { type CardResource, type Context, cardResource, type Resource, type ResourceKind } from './resources.ts'
import { ADDRESS_DATA, type Wanted } from './wanted.ts'

const LOCKDISCOVERY = DAV('lockdiscovery')

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
  async ofCards(collection: Collection, rows: readonly CardRow[]): Promise<string> {
    const { actor } = this.#context
    const { found, others, kept } = await this.#plan(collection === actor.organizationId ? 'directory-card' : 'card')
    const names = rows.map(({ view }) => view.name)
    const mine = kept && rows.length > 0 ? await this.#kept(collectionId(collection), names) : undefined
    const propname = this.#wanted.mode === 'propname'
    let out = ''
    for (const { href, view } of rows) {
      const card = cardResource(collection, href, view as CardView, actor) // `isOfTag`: its properties ask for no more
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

  async #kept(id: Id, members: readonly string[]): Promise<Map<string, Kept>> {
    const { clientProperties, actor } = this.#context
    const all = await clientProperties.list(actor, id, members)
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
