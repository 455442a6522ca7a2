import { convertLine } from './convert-line.ts'
import type { ContactData } from './data.ts'
import { canonical, type Field, isEmpty, items, many, orUndefined, single, writeItems } from './fields.ts'
import { isCompanion, properties } from './property.ts'
import * as rows from './rows.ts'
import type { Line, VCard } from './syntax.ts'
import { standardName } from './value.ts'

type Units = NonNullable<ContactData['organizations']>

const title = rows.plain('TITLE')

/** The nth ORG and the nth TITLE belong together. */
const organizations: Field<Units> = {
  names: [...rows.unit.names, ...title.names],
  read: (lines) => {
    const units = items(rows.unit, lines)
    const titles = items(title, lines)
    const count = Math.max(units.length, titles.length)
    const found = Array.from({ length: count }, (_, at) => rows.filled({ ...units[at], jobTitle: titles[at] ?? '' }))
    return orUndefined(found.slice(0, found.findLastIndex((one) => !isEmpty(one)) + 1))
  },
  write: (lines, value) => {
    if (canonical(organizations.read(lines)) === canonical(value)) return lines
    const titles = (value ?? []).map(({ jobTitle }) => jobTitle ?? '')
    const units = (value ?? []).map(({ jobTitle: _, ...rest }) => rest)
    const upToLast = <Item>(list: Item[]) => list.slice(0, list.findLastIndex((one) => !isEmpty(one)) + 1)
    return writeItems(title, writeItems(rows.unit, lines, upToLast(units)), upToLast(titles))
  },
}

const customFields: Field<NonNullable<ContactData['customFields']>> = {
  names: rows.custom.names,
  read: (lines) => {
    const found = items(rows.custom, lines)
    return found.length > 0 ? Object.fromEntries(found) : undefined
  },
  write: (lines, value) => {
    const entries = (fields: object | undefined) => canonical(Object.entries(fields ?? {}).sort())
    if (entries(customFields.read(lines)) === entries(value)) return lines
    return writeItems(rows.custom, lines, Object.entries(value ?? {}))
  },
}

const written = single(rows.plain('FN'), '')
/** Where FN is empty, the name that is shown is made from N, ORG or an e-mail. */
const fullName: Field<string> = {
  names: written.names,
  read: (lines) => written.read(lines) ?? shownName(lines),
  write: (lines, value) => (fullName.read(lines) === value ? lines : written.write(lines, value)),
}

function shownName(lines: readonly Line[]): string {
  const { prefix, given, additional, family, suffix } = TABLE.name.read(lines) ?? {}
  const spoken = [prefix, given, additional, family, suffix].filter(Boolean).join(' ')
  const unit = organizations.read(lines)?.find((one) => one.name)?.name
  return spoken || unit || TABLE.emails.read(lines)?.[0]?.value || ''
}

/** The table of the domain, "`data` (JSON) and the vCard": a row a field. */
const TABLE: { [Key in keyof ContactData]-?: Field<NonNullable<ContactData[Key]>> } = {
  full_name: fullName,
  name: single(rows.name, {}),
  short_name: single(rows.nickname),
  emails: many(rows.emails),
  phones: many(rows.phones),
  addresses: many(rows.addresses),
  links: many(rows.links),
  organizations,
  notes: single(rows.plain('NOTE')),
  photo: single(rows.photo),
  customFields,
}
// Object.entries widens the key and joins the value types; each entry's own read and write agree.
const ENTRIES = Object.entries(TABLE) as [DataField, Field<unknown>][]

/** A field of `data`. */
export type DataField = keyof ContactData
export const DATA_FIELDS: readonly DataField[] = ENTRIES.map(([field]) => field)

const FIELD_OF = new Map(ENTRIES.flatMap(([field, { names }]) => names.map((name) => [name, field] as const)))
/** The field that a property stands in, whichever version it is named by; undefined: `data` does not show it. */
export const fieldOfProperty = (name: string): DataField | undefined => FIELD_OF.get(standardName(name))

/** The fields in which two cards differ. */
export function changedFields(before: VCard, after: VCard): DataField[] {
  const [old, now] = [readData(before), readData(after)]
  return DATA_FIELDS.filter((field) => canonical(old[field]) !== canonical(now[field]))
}

/** The line in 4.0 form: 4.0 cards too hold lines with a name of 3.0. */
const standard = (card: VCard, own: Line): Line =>
  card.version === '4.0' && standardName(own.name) === own.name ? own : convertLine(own, '4.0')

/** The JSON view of a card. Where FN is empty, the name is made from N, ORG or an e-mail. */
export function readData(card: VCard): ContactData {
  const lines = card.lines.map((own) => standard(card, own))
  const data: ContactData = { full_name: '' }
  for (const [key, field] of ENTRIES) {
    const value = field.read(lines)
    if (value !== undefined) Object.assign(data, { [key]: value })
  }
  return data
}

/**
 * Writes the fields that `change` holds and leaves every other line byte for byte; a field that is `undefined` is
 * removed. What a changed card no longer needs of a group (a label without its property) goes too.
 */
export function writeData(card: VCard, change: { [Key in keyof ContactData]?: ContactData[Key] | undefined }): VCard {
  const origin = new Map<Line, Line>() // 4.0 form → the card's own line, for lines that stay
  let lines: readonly Line[] = card.lines.map((own) => {
    const four = standard(card, own)
    origin.set(four, own)
    return four
  })
  for (const [key, field] of ENTRIES) if (Object.hasOwn(change, key)) lines = field.write(lines, change[key])
  const back = lines.map((four) => origin.get(four) ?? (card.version === '3.0' ? convertLine(four, '3.0') : four))
  return { ...card, lines: withoutLostCompanions(card.lines, back) }
}

function withoutLostCompanions(before: readonly Line[], after: readonly Line[]): Line[] {
  const alone = (lines: readonly Line[]) =>
    new Set(properties(lines).flatMap(({ line }) => (isCompanion(line) && line.group !== undefined ? [line] : [])))
  const were = alone(before)
  const are = alone(after)
  return after.filter((own) => !are.has(own) || were.has(own))
}
