import type { Address, ContactData, EmailType, LinkType, PhoneType } from './data.ts'
import { inlineData } from './file.ts'
import type { Line, Parameter } from './syntax.ts'
import {
  components,
  decodeParameter,
  encodeParameter,
  escapeText,
  keepTypes,
  parameterValues,
  structured,
  types,
  unescapeText,
  without,
} from './value.ts'

/**
 * One row of the table vCard ↔ `data`. Lines are in 4.0 form whatever the card's version; an item is what one line
 * says. `read` answers undefined for a line that is not this row's.
 */
export interface Row<Item> {
  /** Of the properties that it reads and writes. */
  readonly names: readonly string[]
  readonly read: (line: Line) => Item | undefined
  readonly write: (item: Item) => Line
  /** Where only the type differs, the line is kept but for its type. */
  readonly typing?: {
    /** The item without its type. */
    readonly rest: (item: Item) => unknown
    /** Whether this row's types are told from this TYPE value; others stay. */
    readonly owns: (type: string) => boolean
  }
}

/** A row that reads lines of these names alone. */
const row = <Item>({ names, read, ...rest }: Row<Item>): Row<Item> => ({
  names,
  read: (from) => (names.includes(from.name) ? read(from) : undefined),
  ...rest,
})

const line = (name: string, value: string, parameters: readonly Parameter[] = []): Line => ({ name, parameters, value })
const typed = (...values: string[]): Parameter[] => (values.length > 0 ? [{ name: 'TYPE', values }] : [])

/** The line with the type of `written`, which says the same value. */
export function retyped({ raw: _, ...from }: Line, written: Line, owns: (type: string) => boolean): Line {
  const others = keepTypes(without(from.parameters, 'SERVICE-TYPE', 'USERNAME'), (type) => !owns(type))
  return { ...from, name: written.name, parameters: [...written.parameters, ...others] }
}

const typing = <Item extends { type: string }>(owns: (type: string) => boolean): NonNullable<Row<Item>['typing']> => ({
  rest: ({ type: _, ...rest }) => rest,
  owns,
})

/** The rows of lists pass over a line that says nothing: clients write empty ones, and they stay as they are. */
const unlessEmpty = <Item extends { value: string }>(item: Item): Item | undefined =>
  item.value === '' ? undefined : item

export const plain = (name: string): Row<string> =>
  row({
    names: [name],
    read: (from) => unescapeText(from.value),
    write: (item) => line(name, escapeText(item)),
  })

const PLACES: ReadonlySet<string> = new Set(['work', 'home'])
const place = (from: Line): EmailType => {
  const found = types(from)
  return found.includes('work') ? 'Work' : found.includes('home') ? 'Home' : 'Other'
}
const placed = (type: EmailType): Parameter[] => (type === 'Other' ? [] : typed(type.toLowerCase()))

export const emails = row<{ type: EmailType; value: string }>({
  names: ['EMAIL'],
  read: (from) => unlessEmpty({ type: place(from), value: unescapeText(from.value) }),
  write: ({ type, value }) => line('EMAIL', escapeText(value), placed(type)),
  typing: typing((type) => PLACES.has(type)),
})

const PHONES: readonly (readonly [PhoneType, readonly string[]])[] = [
  ['Work Fax', ['work', 'fax']],
  ['Home Fax', ['home', 'fax']],
  ['Mobile', ['cell']],
  ['Pager', ['pager']],
  ['Main', ['main']],
  ['Work', ['work']],
  ['Home', ['home']],
  ['Other', []],
]
const PHONE_TYPES = new Set(PHONES.flatMap(([, wanted]) => wanted))

export const phones = row<{ type: PhoneType; value: string }>({
  names: ['TEL'],
  read: (from) => {
    const found = types(from)
    const match = PHONES.find(([, wanted]) => wanted.every((type) => found.includes(type)))
    return unlessEmpty({ type: match?.[0] ?? 'Other', value: unescapeText(from.value).replace(/^tel:/i, '') })
  },
  write: ({ type, value }) =>
    line('TEL', escapeText(value), typed(...(PHONES.find(([name]) => name === type)?.[1] ?? []))),
  typing: typing((type) => PHONE_TYPES.has(type)),
})

const joined = (parts: readonly string[] | undefined): string => (parts ?? []).filter((part) => part !== '').join(', ')
export const filled = <Value extends object>(value: Value): Value =>
  // the entries that are left have the types they had
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== '' && item !== undefined)) as Value

export const addresses = row<Address>({
  names: ['ADR'],
  read: (from) => {
    const [, , street, city, state, zip, country] = components(from.value).map(joined)
    const found = filled({ street, city, state, zip, country }) as Omit<Address, 'type'> // undefined ones are gone
    return Object.keys(found).length === 0 ? undefined : { type: place(from), ...found }
  },
  write: ({ type, street = '', city = '', state = '', zip = '', country = '' }) =>
    line('ADR', structured([[''], [''], [street], [city], [state], [zip], [country]]), placed(type)),
  typing: typing((type) => PLACES.has(type)),
})

const SERVICES: ReadonlySet<string> = new Set(['Twitter', 'Facebook', 'Instagram', 'LinkedIn'])

export const links = row<{ type: LinkType; value: string }>({
  names: ['URL', 'SOCIALPROFILE'],
  read: (from) => {
    const value = unescapeText(from.value)
    if (from.name === 'SOCIALPROFILE') {
      const service = parameterValues(from, 'SERVICE-TYPE')[0]?.toLowerCase()
      const known = [...SERVICES].find((name) => name.toLowerCase() === service)
      return unlessEmpty({ type: (known as LinkType | undefined) ?? 'Other', value }) // SERVICES holds link types
    }
    const found = types(from)
    const named = found.includes('profile') ? 'Profile' : found.includes('blog') ? 'Blog' : undefined
    return unlessEmpty({ type: named ?? (found.length > 0 ? 'Other' : 'Website'), value })
  },
  write: ({ type, value }) => {
    if (SERVICES.has(type)) return line('SOCIALPROFILE', value, [{ name: 'SERVICE-TYPE', values: [type] }])
    return line('URL', value, type === 'Website' ? [] : typed(type.toLowerCase()))
  },
  typing: typing(() => true),
})

type NameParts = NonNullable<ContactData['name']>

export const name = row<NameParts>({
  names: ['N'],
  read: (from) => {
    const [family, given, additional, prefix, suffix] = components(from.value).map(joined)
    return filled({ prefix, given, additional, family, suffix }) as NameParts // undefined ones are gone
  },
  write: ({ family = '', given = '', additional = '', prefix = '', suffix = '' }) =>
    line('N', structured([[family], [given], [additional], [prefix], [suffix]])),
})

export const nickname = row<string>({
  names: ['NICKNAME'],
  read: (from) => joined(components(from.value)[0]),
  write: (item) => line('NICKNAME', escapeText(item)),
})

export const photo = row<string>({
  names: ['PHOTO'],
  read: (from) => {
    const inline = inlineData(from)
    return inline ? `data:${inline.mediaType};base64,${inline.base64}` : unescapeText(from.value)
  },
  write: (item) => line('PHOTO', item),
})

export const unit = row<{ name?: string; department?: string }>({
  names: ['ORG'],
  read: (from) => {
    const [company, ...departments] = components(from.value).map(joined)
    return filled({ name: company, department: joined(departments) }) as { name?: string; department?: string } // likewise
  },
  write: ({ name: company = '', department }) =>
    line('ORG', structured(department ? [[company], [department]] : [[company]])),
})

export const custom = row<[key: string, value: string]>({
  names: ['X-KITH-CUSTOM'],
  read: (from) => {
    const key = parameterValues(from, 'X-KEY')[0]
    return key === undefined ? undefined : [decodeParameter(key), unescapeText(from.value)]
  },
  write: ([key, value]) =>
    line('X-KITH-CUSTOM', escapeText(value), [{ name: 'X-KEY', values: [encodeParameter(key)] }]),
})
