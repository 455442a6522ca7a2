import {
  type ContactData,
  type DataProblem,
  dataProblems,
  parseVCard,
  readData,
  serialize,
  type VCard,
  writeData,
} from '#vcard'
import type { Id } from './actor.ts'

/** One of several values: of what kind it is, and whether it is the one to use first. */
export interface TypedValue {
  readonly value: string
  readonly display?: string
  readonly type?: string
  readonly primary?: boolean
}

export interface PostalAddress {
  readonly formatted?: string
  readonly streetAddress?: string
  readonly locality?: string
  readonly region?: string
  readonly postalCode?: string
  readonly country?: string
  readonly type?: string
  readonly primary?: boolean
}

/**
 * What an organization manages of a person: names and values as in RFC 7643 §4.1 and §4.3, all in one object. An
 * attribute without a value is absent.
 */
export interface PersonAttributes {
  readonly displayName?: string
  readonly name?: {
    readonly formatted?: string
    readonly familyName?: string
    readonly givenName?: string
    readonly middleName?: string
    readonly honorificPrefix?: string
    readonly honorificSuffix?: string
  }
  readonly nickName?: string
  readonly profileUrl?: string
  readonly title?: string
  readonly userType?: string
  readonly preferredLanguage?: string
  readonly locale?: string
  readonly timezone?: string
  readonly emails?: readonly TypedValue[]
  readonly phoneNumbers?: readonly TypedValue[]
  readonly ims?: readonly TypedValue[]
  readonly photos?: readonly TypedValue[]
  readonly addresses?: readonly PostalAddress[]
  readonly entitlements?: readonly TypedValue[]
  readonly roles?: readonly TypedValue[]
  readonly x509Certificates?: readonly TypedValue[]
  readonly employeeNumber?: string
  readonly costCenter?: string
  readonly organization?: string
  readonly division?: string
  readonly department?: string
  readonly manager?: { readonly value: Id }
}

type Changed<Value> = { [Key in keyof Value]?: Value[Key] | undefined }

/** One row of the table of 1-domain.md: fields of `data` and the attributes that they stand for, both ways. */
interface Mapping {
  readonly fields: readonly (keyof ContactData)[]
  readonly toData: (attributes: PersonAttributes) => Partial<ContactData>
  readonly toAttributes: (data: ContactData) => Changed<PersonAttributes>
}

const EMAIL_TYPES = { work: 'Work', home: 'Home', other: 'Other' } as const
const PHONE_TYPES = {
  work: 'Work',
  home: 'Home',
  mobile: 'Mobile',
  fax: 'Work Fax',
  pager: 'Pager',
  other: 'Other',
} as const

/** The type as cards have it; one that they do not know is Other. */
const cardType = <Type extends string>(types: Readonly<Record<string, Type>>, type = ''): Type | 'Other' => {
  const key = type.toLowerCase()
  return Object.hasOwn(types, key) ? (types[key] ?? 'Other') : 'Other'
}
const attributeType = (types: Readonly<Record<string, string>>, type: string): string =>
  Object.entries(types).find(([, one]) => one === type)?.[0] ?? type.toLowerCase()

const primaryFirst = <Value extends { readonly primary?: boolean }>(values: readonly Value[] = []): Value[] =>
  [...values].sort((one, other) => Number(other.primary ?? false) - Number(one.primary ?? false))

const present = <Value extends object>(value: Value): Value =>
  // the entries that are left have the types they had
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined && item !== '')) as Value
const unlessEmpty = <Value extends object>(value: Value): Value | undefined =>
  Object.keys(value).length > 0 ? value : undefined
const list = <Item>(items: readonly Item[]): Item[] | undefined => (items.length > 0 ? [...items] : undefined)

/** What a person is called where no display name is given. */
export function shownName({ displayName, name = {}, nickName, emails }: PersonAttributes, userName: string): string {
  const { formatted, honorificPrefix, givenName, middleName, familyName, honorificSuffix } = name
  const spoken = [honorificPrefix, givenName, middleName, familyName, honorificSuffix].filter(Boolean).join(' ')
  return displayName || formatted || spoken || nickName || primaryFirst(emails)[0]?.value || userName
}

const TABLE: readonly Mapping[] = [
  {
    fields: ['name'],
    toData: ({ name = {} }) => ({
      name: present({
        prefix: name.honorificPrefix,
        given: name.givenName,
        additional: name.middleName,
        family: name.familyName,
        suffix: name.honorificSuffix,
      }) as NonNullable<ContactData['name']>, // undefined ones are gone
    }),
    toAttributes: ({ name = {} }) => ({
      name: unlessEmpty(
        present({
          honorificPrefix: name.prefix,
          givenName: name.given,
          middleName: name.additional,
          familyName: name.family,
          honorificSuffix: name.suffix,
        }),
      ) as PersonAttributes['name'], // likewise
    }),
  },
  {
    fields: ['short_name'],
    toData: ({ nickName = '' }) => ({ short_name: nickName }),
    toAttributes: ({ short_name }) => ({ nickName: short_name }),
  },
  {
    fields: ['emails'],
    toData: ({ emails }) => ({
      emails: primaryFirst(emails).map(({ type, value }) => ({ type: cardType(EMAIL_TYPES, type), value })),
    }),
    toAttributes: ({ emails = [] }) => ({
      emails: list(emails.map(({ type, value }) => ({ value, type: type.toLowerCase() }))),
    }),
  },
  {
    fields: ['phones'],
    toData: ({ phoneNumbers }) => ({
      phones: primaryFirst(phoneNumbers).map(({ type, value }) => ({ type: cardType(PHONE_TYPES, type), value })),
    }),
    toAttributes: ({ phones = [] }) => ({
      phoneNumbers: list(phones.map(({ type, value }) => ({ value, type: attributeType(PHONE_TYPES, type) }))),
    }),
  },
  {
    fields: ['addresses'],
    toData: ({ addresses }) => ({
      addresses: primaryFirst(addresses).map(
        ({ formatted, streetAddress, locality, region, postalCode, country, type }) =>
          present({
            type: cardType(EMAIL_TYPES, type),
            // an address that is only written out has no parts
            street: streetAddress ?? (locality || region || postalCode || country ? undefined : formatted),
            city: locality,
            state: region,
            zip: postalCode,
            country,
          }) as NonNullable<ContactData['addresses']>[number], // likewise
      ),
    }),
    toAttributes: ({ addresses = [] }) => ({
      addresses: list(
        addresses.map(
          ({ type, street, city, state, zip, country }) =>
            present({
              type: type.toLowerCase(),
              streetAddress: street,
              locality: city,
              region: state,
              postalCode: zip,
              country,
            }) as PostalAddress, // likewise
        ),
      ),
    }),
  },
  {
    fields: ['links'],
    toData: ({ profileUrl }) => ({ links: profileUrl ? [{ type: 'Profile', value: profileUrl }] : [] }),
    toAttributes: ({ links = [] }) => ({ profileUrl: links.find(({ type }) => type === 'Profile')?.value }),
  },
  {
    fields: ['organizations'],
    toData: ({ organization, department, title }) => {
      const unit = present({ name: organization, department, jobTitle: title })
      return { organizations: Object.keys(unit).length > 0 ? [unit as { name?: string }] : [] } // likewise
    },
    toAttributes: ({ organizations: [{ name, department, jobTitle } = {}] = [] }) => ({
      organization: name,
      department,
      title: jobTitle,
    }),
  },
  {
    fields: ['photo'],
    toData: ({ photos = [] }) => {
      const photo = primaryFirst(photos).find(({ type }) => type?.toLowerCase() !== 'thumbnail') ?? photos[0]
      return { photo: photo?.value ?? '' }
    },
    toAttributes: ({ photo }) => ({ photos: photo ? [{ value: photo, type: 'photo' }] : undefined }),
  },
]

/** What the card says of these attributes: every field that the table has. */
const dataOf = (attributes: PersonAttributes, userName: string): Partial<ContactData> =>
  Object.assign({ full_name: shownName(attributes, userName) }, ...TABLE.map(({ toData }) => toData(attributes)))

/** The attributes that a card says. */
export function attributesOf(card: VCard): PersonAttributes {
  const data = readData(card)
  const changes = TABLE.map(({ toAttributes }) => toAttributes(data))
  return present(Object.assign({}, { displayName: data.full_name }, ...changes))
}

/** The attributes that these fields of `data` stand for; undefined for one that they take away. */
export function attributesOfData(data: Partial<ContactData>): Changed<PersonAttributes> {
  const rows = TABLE.filter(({ fields }) => fields.some((field) => Object.hasOwn(data, field)))
  return Object.assign({}, ...rows.map(({ toAttributes }) => toAttributes({ full_name: '', ...data })))
}

/** What is wrong with the fields of the card that differ between the attributes before and now. */
export const problemsOf = (before: Described, now: Described): DataProblem[] =>
  dataProblems(changedData(before, now), false)

function changedData(before: Described, now: Described): Partial<ContactData> {
  const old: { [key: string]: unknown } = dataOf(before.attributes, before.userName)
  const changed = Object.entries(dataOf(now.attributes, now.userName)).filter(
    ([field, value]) => JSON.stringify(value) !== JSON.stringify(old[field]),
  )
  return Object.fromEntries(changed)
}

/** Who the managed lines are of. */
export interface Described {
  readonly userName: string
  readonly attributes: PersonAttributes
}

const emptyProfile = (uid: Id): VCard =>
  parseVCard(`BEGIN:VCARD\r\nVERSION:4.0\r\nPRODID:-//Kith//Kith//EN\r\nUID:${uid}\r\nEND:VCARD\r\n`)

/** The managed lines (a 4.0 card) of somebody new. */
export const managedCard = (uid: Id, { attributes, userName }: Described): string =>
  serialize(writeData(emptyProfile(uid), dataOf(attributes, userName)))

/** The managed lines with what differs between the attributes before and now; every other line stays as it is. */
export function managedAgain(managed: string, before: Described, now: Described): string {
  const changed = changedData(before, now)
  return Object.keys(changed).length === 0 ? managed : serialize(writeData(parseVCard(managed), changed))
}

/** What a card says beyond these managed lines: values that are added, and attributes that they lack. */
export function withAdded(attributes: PersonAttributes, base: VCard, card: VCard): PersonAttributes {
  const [old, now] = [readData(base), readData(card)]
  const differs = (field: keyof ContactData) => JSON.stringify(old[field]) !== JSON.stringify(now[field])
  const changes: { [name: string]: unknown } = Object.assign(
    {},
    differs('full_name') ? { displayName: now.full_name } : {},
    ...TABLE.filter(({ fields }) => fields.some(differs)).map(({ toAttributes }) => toAttributes(now)),
  )
  const managed: { readonly [name: string]: unknown } = { ...attributes }
  const before = Object.assign({}, ...TABLE.map(({ toAttributes }) => toAttributes(old)))
  const entries = Object.entries(changes).map(([name, value]) => {
    if (!Array.isArray(value)) return [name, value ?? managed[name]]
    const known = ((before[name] ?? []) as unknown[]).map((one) => JSON.stringify(one)) // a list, as the new value is
    const added = value.filter((one) => !known.includes(JSON.stringify(one)))
    return [name, [...((managed[name] ?? []) as unknown[]), ...added]] // likewise
  })
  return present({ ...attributes, ...Object.fromEntries(entries) })
}

/** The card with what differs between the attributes before and now. */
export const rewritten = (card: VCard, before: Described, now: Described): VCard =>
  writeData(card, changedData(before, now))

/** The attributes that stand on cards. */
export const ON_CARDS: ReadonlySet<string> = new Set([
  'displayName',
  ...TABLE.flatMap(({ toAttributes }) => Object.keys(toAttributes({ full_name: '' }))),
])

/** The attributes with some replaced; undefined takes one away. */
export const withAttributes = (attributes: PersonAttributes, changes: Changed<PersonAttributes>): PersonAttributes =>
  present({ ...attributes, ...changes }) as PersonAttributes // undefined ones are gone
