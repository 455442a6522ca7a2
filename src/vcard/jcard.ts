import { convert } from './convert.ts'
import { basicForm, extendedForm } from './date.ts'
import { isFrame } from './property.ts'
import { type Line, type Parameter, type VCard, VCardSyntaxError } from './syntax.ts'
import {
  BINARY,
  components,
  decodeParameter,
  encodeParameter,
  escapeText,
  LISTS,
  STRUCTURED,
  splitEscaped,
  splitTypes,
  structured,
  unescapeText,
} from './value.ts'
import { defaultType, isDateType, valueType } from './valuetype.ts'

type Atom = string | number | boolean
type Item = Atom | readonly Item[]

/** How the values of one kind stand in JSON. */
interface Codec {
  readonly out: (value: string) => readonly Item[]
  readonly back: (items: readonly Item[]) => string
}

/** A codec of one value; several, which only a stranger's jCard has, become a list. */
const each = (out: (value: string) => Item, back: (text: string) => string): Codec => ({
  out: (value) => [out(value)],
  back: (items) => items.map((item) => back(atom(item))).join(','),
})

const raw = each((value) => value, String)
const text = each(unescapeText, escapeText)
/** Some 4.0 writers escape URIs: a backslash means what it does in text. */
const uri = each(unescapeText, (value) => value.replace(/\\/g, '\\\\').replace(/\r\n|[\r\n]/g, '\\n'))
const date = each(extendedForm, basicForm)
const offset = each(
  (value) => value.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2'),
  (value) => value.replace(/^([+-]\d\d):(\d\d)$/, '$1$2'),
)
const numeric = each(
  (value) => (String(Number(value)) === value && Number.isFinite(Number(value)) ? Number(value) : value),
  String,
)
const truth = each(
  (value) => (value === 'TRUE' ? true : value === 'FALSE' ? false : value),
  (value) => (value === 'true' || value === 'false' ? value.toUpperCase() : value),
)
const list: Codec = {
  out: (value) => splitEscaped(value, ',').map(unescapeText),
  back: (items) => items.map((item) => escapeText(atom(item))).join(','),
}
/** One component alone is written without its array. */
const parts: Codec = {
  out: (value) => {
    const found = components(value).map((one) => (one.length === 1 ? (one[0] as string) : one)) // it has that one
    return found.length === 1 && typeof found[0] === 'string' ? [found[0]] : [found]
  },
  back: (items) =>
    items
      .map((item) =>
        structured(
          (Array.isArray(item) ? item : [item]).map((part) => (Array.isArray(part) ? part : [part]).map(atom)),
        ),
      )
      .join(','),
}

const BY_TYPE: ReadonlyMap<string, Codec> = new Map([
  ['unknown', raw],
  ['uri', uri],
  ['url', uri],
  ['utc-offset', offset],
  ['integer', numeric],
  ['float', numeric],
  ['boolean', truth],
])

function codec(name: string, type: string, value: unknown): Codec {
  if (BINARY.has(name) && typeof value === 'string' && /^data:/i.test(value)) return raw
  if (STRUCTURED.has(name)) return parts
  if (LISTS.has(name)) return list
  return BY_TYPE.get(type) ?? (isDateType(type) ? date : text)
}

/** RFC 7095: the card as `application/vcard+json`; one of another version is converted to 4.0 first. */
export function toJCard(card: VCard): string {
  const lines = convert(card, '4.0').lines.filter((line) => !isFrame(line))
  return JSON.stringify(['vcard', [['version', {}, 'text', '4.0'], ...lines.map(toProperty)]])
}

function toProperty(line: Line): Item[] {
  const type = valueType(line)
  const values = codec(line.name, type, line.value).out(line.value)
  // the parameters are an object, whose type stands for what JSON.stringify takes
  return [line.name.toLowerCase(), toParameters(line) as unknown as Item, type, ...values]
}

/** A vCard's own GROUP goes: the name is jCard's for the group. */
function toParameters({ group, parameters }: Line): { [name: string]: string | string[] } {
  const found = new Map<string, string[]>(group === undefined ? [] : [['group', [group]]])
  for (const { name, values } of parameters) {
    if (name === 'VALUE' || name === 'GROUP') continue
    const key = name.toLowerCase()
    const decoded = (name === 'TYPE' ? splitTypes(values) : values).map(decodeParameter)
    found.set(key, [...(found.get(key) ?? []), ...decoded])
  }
  return Object.fromEntries(
    [...found].map(([name, values]) => [name, values.length === 1 ? (values[0] as string) : values]),
  ) // it has that one
}

const malformed = (message: string): VCardSyntaxError => new VCardSyntaxError('malformed', message)

/**
 * Reads one `application/vcard+json` text as a 4.0 card.
 * @throws VCardSyntaxError `malformed` or `not-a-vcard` when it is no jCard, `unsupported-version` when not of 4.0
 */
export function fromJCard(json: string): VCard {
  let found: unknown
  try {
    found = JSON.parse(json)
  } catch {
    throw malformed('This is no JSON')
  }
  if (!Array.isArray(found) || found[0] !== 'vcard')
    throw new VCardSyntaxError('not-a-vcard', 'A jCard is an array that starts with "vcard"')
  if (found.length !== 2 || !Array.isArray(found[1])) throw malformed('A jCard has one array of properties')
  const [version, ...properties] = found[1].map(toLine)
  if (version?.name !== 'VERSION') throw new VCardSyntaxError('unsupported-version', 'A jCard starts with its version')
  if (version.value !== '4.0') throw new VCardSyntaxError('unsupported-version', 'A jCard is of version 4.0')
  if (properties.some(isFrame)) throw malformed('A jCard has one version, and neither begin nor end')
  const frame = (name: string, value: string): Line => ({ name, parameters: [], value })
  return {
    version: '4.0',
    lines: [frame('BEGIN', 'VCARD'), frame('VERSION', '4.0'), ...properties, frame('END', 'VCARD')],
  }
}

const NAME = /^[A-Za-z0-9_-]+$/
const PARAMETER_NAME = /^[^\x00-\x1f\x7f";:=]*$/

function toLine(property: unknown): Line {
  if (!Array.isArray(property) || property.length < 4)
    throw malformed('A property has a name, parameters, a type and a value')
  const [given, parameters, type, ...values] = property
  if (typeof given !== 'string' || !NAME.test(given)) throw malformed('A property has no name')
  if (typeof type !== 'string' || typeof parameters !== 'object' || parameters === null || Array.isArray(parameters)) {
    throw malformed(`${given} has no parameters or no type`)
  }
  if (!values.every((value) => isItem(value, 2))) throw malformed(`${given} has a value that is none`)
  const name = given.toUpperCase()
  const { group, found } = fromParameters(parameters)
  const kind = type.toLowerCase()
  const typed =
    kind === 'unknown' || kind === defaultType(name) ? [] : [{ name: 'VALUE', values: [encodeParameter(kind)] }]
  const value = codec(name, kind, values[0]).back(values)
  return { ...(group === undefined ? {} : { group }), name, parameters: [...typed, ...found], value }
}

function fromParameters(parameters: object): { group: string | undefined; found: Parameter[] } {
  let group: string | undefined
  const found: Parameter[] = []
  for (const [name, given] of Object.entries(parameters)) {
    const values: unknown[] = Array.isArray(given) ? given : [given]
    if (!PARAMETER_NAME.test(name) || !values.every(isAtom))
      throw malformed(`The parameter ${name.slice(0, 40)} is none`)
    if (name.toLowerCase() !== 'group') {
      found.push({ name: name.toUpperCase(), values: values.map((value) => encodeParameter(String(value))) })
      continue
    }
    group = String(values[0])
    if (values.length !== 1 || !NAME.test(group)) throw malformed('The parameter group is no name')
  }
  return { group, found }
}

const isAtom = (value: unknown): value is Atom => ['string', 'number', 'boolean'].includes(typeof value)
/** A structured value is an array of components, each of which may be an array. */
const isItem = (value: unknown, depth: number): value is Item =>
  isAtom(value) ||
  (depth > 0 && Array.isArray(value) && value.length > 0 && value.every((one) => isItem(one, depth - 1)))

/** An array where one text belongs, as a stranger may write a structured value of his own: its texts. */
const atom = (item: Item): string => (typeof item === 'object' ? item.flat(2).join(';') : String(item))
