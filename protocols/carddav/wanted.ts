import type { Body } from '#domain'
import { propstat, response } from './multistatus.ts'
import { CARDDAV, DAV, element, type QName } from './names.ts'
import { DavError } from './preconditions.ts'
import { propertiesOf } from './properties/index.ts'
import type { LiveProperty } from './properties/property.ts'
import type { CardResource, Context, Resource, ResourceKind } from './resources.ts'
import { child, propertyNames, type XmlElement } from './xml.ts'

const ADDRESS_DATA = CARDDAV('address-data')

/** What a PROPFIND or a report wants to know of each resource (RFC 4918 §14.20). */
export interface Wanted {
  readonly mode: 'prop' | 'allprop' | 'propname'
  /** Named, or included beside allprop. */
  readonly names: readonly QName[]
  /** How much of each card has to be read. */
  readonly body: Body
}

/** RFC 6352 §10.4: the form of card that is asked for. @throws DavError supported-address-data */
function bodyOf(addressData: XmlElement | undefined): Body {
  if (!addressData) return 'none'
  const type = addressData.attributes.get('content-type')?.toLowerCase() ?? 'text/vcard'
  const version = addressData.attributes.get('version') ?? '3.0'
  if (type !== 'text/vcard' || (version !== '3.0' && version !== '4.0')) {
    const problem = `Cards are served as text/vcard 3.0 or 4.0, not as ${type} ${version}`
    throw new DavError(403, problem, CARDDAV('supported-address-data'))
  }
  return version
}

export function wanted(root: XmlElement | undefined): Wanted {
  const prop = child(root, DAV('prop'))
  const include = child(root, DAV('include'))
  if (prop) {
    const asked = propertyNames(prop)
    const names = [...new Set(asked.map(({ name }) => name))]
    return { mode: 'prop', names, body: bodyOf(asked.find(({ name }) => name === ADDRESS_DATA)) }
  }
  if (child(root, DAV('propname'))) return { mode: 'propname', names: [], body: 'none' }
  const included = include ? propertyNames(include) : []
  return {
    mode: 'allprop',
    names: included.map(({ name }) => name),
    body: bodyOf(included.find(({ name }) => name === ADDRESS_DATA)),
  }
}

/** The same for a report, whose allprop includes the card (KDE asks so). */
export function wantedOfReport(root: XmlElement): Wanted {
  const { mode, names, body } = wanted(root)
  if (mode !== 'allprop') return { mode, names, body }
  return { mode, names: [...names, ADDRESS_DATA], body: body === 'none' ? '3.0' : body }
}

interface Plan {
  readonly found: readonly LiveProperty[]
  readonly missing: string
}

function plan({ mode, names }: Wanted, kind: ResourceKind): Plan {
  const known = propertiesOf(kind)
  if (mode === 'prop') {
    const found = names.flatMap((name) => known.get(name) ?? [])
    const missing = names.filter((name) => !known.has(name))
    return { found, missing: missing.map((name) => element(name)).join('') }
  }
  const included = mode === 'allprop' ? names.flatMap((name) => known.get(name) ?? []) : []
  const all = [...known.values()].filter(({ allprop }) => mode === 'propname' || allprop)
  return { found: [...new Set([...all, ...included])], missing: '' }
}

/** Writes the response of one resource after another; what is to be read of each kind is worked out once. */
export class Responses {
  readonly #wanted: Wanted
  readonly #context: Context
  readonly #plans = new Map<ResourceKind, Plan>()

  constructor(asked: Wanted, context: Context) {
    this.#wanted = asked
    this.#context = context
  }

  #plan(kind: ResourceKind): Plan {
    const known = this.#plans.get(kind)
    if (known) return known
    const made = plan(this.#wanted, kind)
    this.#plans.set(kind, made)
    return made
  }

  async of(resource: Resource): Promise<string> {
    const { found, missing } = this.#plan(resource.kind)
    const read = new Map<LiveProperty['read'], string | undefined>() // two properties of one reader tell the same
    for (const property of found) {
      if (this.#wanted.mode === 'propname') read.set(property.read, '')
      else if (!read.has(property.read)) read.set(property.read, await property.read(resource, this.#context))
    }
    const values = found.map((property) => read.get(property.read))
    return this.#write(resource, found, missing, values)
  }

  /** A card's properties are in its row: nothing is waited for. */
  ofCard(card: CardResource): string {
    const { found, missing } = this.#plan('card')
    const values = found.map(
      (property) =>
        this.#wanted.mode === 'propname' ? '' : (property.read(card, this.#context) as string | undefined), // see LiveProperty
    )
    return this.#write(card, found, missing, values)
  }

  #write(
    resource: Resource,
    found: readonly LiveProperty[],
    missing: string,
    values: readonly (string | undefined)[],
  ): string {
    let there = ''
    let absent = missing
    found.forEach(({ name }, at) => {
      const value = values[at]
      if (value === undefined) absent += element(name)
      else there += element(name, value)
    })
    // The 200 comes first: Thunderbird reads the first status only.
    const first = there !== '' || absent === '' ? propstat(200, there) : ''
    return response(resource.href, first + (absent === '' ? '' : propstat(404, absent)))
  }
}
