import { createHash } from 'node:crypto'
import { convertLine } from './convert-line.ts'
import { isoDate } from './date.ts'
import { fileTypes, inlineData } from './file.ts'
import { positionKey, zoneKey } from './geography.ts'
import type { Line } from './syntax.ts'
import { oneLine } from './text.ts'
import {
  BINARY,
  canonicalParameter,
  DATES,
  encodeParameter,
  isPreferred,
  LISTS,
  labelText,
  STRUCTURED,
  standardName,
  types,
  unescapeText,
} from './value.ts'
import { defaultType, givenType, isDateType, valueType } from './valuetype.ts'

/**
 * The unit of comparing and editing: a content line with the companions that share its group (Apple's label and address
 * country). A group of several such lines gives each of them the companions, of which only the first few count: as every
 * property repeats them, a hostile group would otherwise be quadratic. Further ones are properties of their own.
 */
export interface Property {
  readonly line: Line
  readonly companions: readonly Line[]
}

const COMPANIONS: ReadonlySet<string> = new Set(['X-ABLABEL', 'X-ABADR'])
const MOST_COMPANIONS = 8
const FRAME: ReadonlySet<string> = new Set(['BEGIN', 'END', 'VERSION'])

/** Whether the line says something about the others of its group. */
export const isCompanion = (line: Line): boolean => COMPANIONS.has(line.name)

/** Whether the line is the card's frame rather than something it says. */
export const isFrame = (line: Line): boolean => FRAME.has(line.name)

/** The properties of a card, in order, BEGIN, END and VERSION aside. */
export function properties(lines: readonly Line[]): Property[] {
  const companions = new Map<string, Line[]>()
  const led = new Set<string>()
  const alone = new Set<Line>()
  for (const line of lines) {
    const group = line.group?.toLowerCase()
    if (group === undefined) continue
    if (!isCompanion(line)) {
      led.add(group)
      continue
    }
    const found = companions.get(group)
    if (!found) companions.set(group, [line])
    else if (found.length < MOST_COMPANIONS) found.push(line)
    else alone.add(line)
  }
  const found: Property[] = []
  for (const line of lines) {
    if (isFrame(line)) continue
    const group = line.group?.toLowerCase()
    if (group === undefined || alone.has(line)) found.push({ line, companions: [] })
    else if (!isCompanion(line)) found.push({ line, companions: companions.get(group) ?? [] })
    else if (!led.has(group)) found.push({ line, companions: [] })
  }
  return found
}

type Key = (line: Line) => string

/** The value without its escapes, its separators as marks that no text holds; nothing is made for each of many parts. */
function marked(value: string, marks: { readonly [separator: string]: string }): string {
  if (!value.includes('\\')) {
    return Object.entries(marks).reduce((text, [separator, mark]) => text.replaceAll(separator, mark), value)
  }
  return value.replace(/\\[nN,;:=\\]|,+|;+/g, (found) => {
    const first = found[0] ?? ''
    return first === '\\' ? unescapeText(found) : (marks[first] ?? first).repeat(found.length)
  })
}

const text: Key = (line) => unescapeText(line.value)
const lowerText: Key = (line) => unescapeText(line.value).toLowerCase()
const list: Key = (line) => marked(line.value, { ',': '\x1f' })
const structuredText: Key = (line) => {
  const all = marked(line.value, { ';': '\x1e', ',': '\x1f' })
  let end = all.length
  while (all[end - 1] === '\x1e') end -= 1
  return all.slice(0, end)
}
const date: Key = (line) => {
  const found = isoDate(line)
  return found === line.value ? text(line) : found
}
const telephone: Key = (line) => unescapeText(line.value).replace(/^tel:/i, '')
const binary: Key = (line) => {
  const inline = inlineData(line)
  if (!inline) return text(line)
  return `sha256:${createHash('sha256').update(Buffer.from(inline.base64, 'base64')).digest('hex')}`
}

const KEYS: ReadonlyMap<string, Key> = new Map<string, Key>([
  ...[...STRUCTURED].map((name): [string, Key] => [name, structuredText]),
  ...[...LISTS].map((name): [string, Key] => [name, list]),
  ...[...DATES].map((name): [string, Key] => [name, date]),
  ...[...BINARY].map((name): [string, Key] => [name, binary]),
  ['TEL', telephone],
  ['GEO', positionKey],
  ['TZ', zoneKey],
  ['KIND', lowerText],
])

/** The value in a form that ignores how it is written: escaping, folding, `tel:`, the encoding of a photo or a date. */
export function valueKey(line: Line): string {
  if (line.value.length < WORTH_KEEPING) return keyOf(standard(line))
  const known = VALUE_KEYS.get(line)
  if (known !== undefined) return known
  const key = keyOf(standard(line))
  VALUE_KEYS.set(line, key)
  return key
}

/**
 * Comparing asks for a line's key several times, and that of a photo is a hash of all of it. (That of a short value is made
 * anew sooner than it is found here: a hundred thousand weak keys keep the garbage collector busy for a second.)
 */
const WORTH_KEEPING = 256
const VALUE_KEYS = new WeakMap<Line, string>()

function keyOf(line: Line): string {
  const value = oneLine(line.value)
  const key = KEYS.get(line.name) ?? (isDateType(valueType(line)) ? date : text)
  return key(value === line.value ? line : { ...line, value })
}

/** A line with a name of 3.0 says what it says in 4.0, whatever the card's version. */
const standard = (line: Line): Line => (standardName(line.name) === line.name ? line : convertLine(line, '4.0'))

const ENCODING_ONLY: ReadonlySet<string> = new Set(['ENCODING', 'CHARSET', 'X-APPLE-OMIT-YEAR'])
const VALUE_IGNORED: ReadonlySet<string> = new Set([...BINARY, ...DATES, 'TEL', 'TZ', 'GEO'])

const NOTHING: ReadonlyMap<string, string[]> = new Map()

/**
 * The parameters that say something, by name: TYPE in lower case with "pref" as PREF=1; how a value is encoded, and a
 * VALUE that names the property's own type, aside.
 */
export function meaningOfParameters(own: Line): ReadonlyMap<string, string[]> {
  if (own.parameters.length === 0) return NOTHING
  const line = standard(own)
  const file = BINARY.has(line.name) ? fileTypes(line) : undefined
  const found = new Map<string, string[]>()
  for (const [name, all] of Map.groupBy(line.parameters, (parameter) => parameter.name)) {
    if (ENCODING_ONLY.has(name) || name === 'TYPE' || name === 'VALUE') continue
    if (name === 'MEDIATYPE' && file) continue
    const canonical = name === 'LABEL' && line.name === 'ADR' ? canonicalLabel : canonicalParameter
    found.set(name, [...new Set(all.flatMap(({ values }) => values.map(canonical)))].sort())
  }
  const type = givenType(line)
  if (type && type !== defaultType(line.name) && type !== 'unknown' && !VALUE_IGNORED.has(line.name)) {
    found.set('VALUE', [canonicalParameter(type)])
  }
  if (file?.mediaType && !file.inline) found.set('MEDIATYPE', [canonicalParameter(file.mediaType)])
  const kinds = [...new Set([...(file?.types ?? types(line))].map(canonicalParameter))].sort()
  if (kinds.length > 0) found.set('TYPE', kinds)
  if (isPreferred(line)) found.set('PREF', ['1'])
  return found
}

const canonicalLabel = (value: string): string => encodeParameter(labelText(value))

export const companionsKey = (property: Property): string =>
  property.companions.length === 0
    ? ''
    : [...new Set(property.companions.map((line) => `${line.name}:${unescapeText(line.value)}`))].sort().join('\x1d')

/** What a property says; equal for two that differ only in writing, group name or order. */
export function meaning(property: Property): string {
  const said = meaningOfParameters(property.line)
  const parameters =
    said.size === 0
      ? ''
      : [...said]
          .map(([name, values]) => `${name}=${values.join('\x1f')}`)
          .sort()
          .join('\x1d')
  return [standardName(property.line.name), valueKey(property.line), parameters, companionsKey(property)].join('\x1c')
}
