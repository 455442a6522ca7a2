import type { Body, CardBody } from '#domain'
import { parseVCard, selectProperties, serialize, toJCard } from '#vcard'
import { CARDDAV, DAV, type QName } from './names.ts'
import { DavError } from './preconditions.ts'
import { propertiesOf } from './properties/index.ts'
import type { CardText } from './resources.ts'
import { child, propertyNames, type XmlElement } from './xml.ts'

export const ADDRESS_DATA = CARDDAV('address-data')
const CARD_KINDS = ['card', 'directory-card'] as const

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
