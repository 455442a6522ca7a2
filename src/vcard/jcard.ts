import { convert } from './convert.ts'
import { isFrame } from './property.ts'
import { type Line, type Parameter, parseLine, unfolded, type VCard, VCardSyntaxError } from './syntax.ts'
import { components, decodeParameter, encodeParameter, escapeText, splitEscaped, unescapeText } from './value.ts'

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

const DEFAULT_TYPES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    text: 'VERSION FN N NICKNAME GENDER ADR TEL EMAIL TITLE ROLE ORG CATEGORIES NOTE PRODID KIND XML TZ CLIENTPIDMAP EXPERTISE HOBBY INTEREST BIRTHPLACE DEATHPLACE GRAMGENDER PRONOUNS',
    uri: 'PHOTO LOGO SOUND SOURCE URL MEMBER RELATED UID FBURL CALADRURI CALURI KEY IMPP GEO ORG-DIRECTORY CONTACT-URI SOCIALPROFILE',
    'date-and-or-time': 'BDAY ANNIVERSARY DEATHDATE',
    timestamp: 'REV CREATED',
    'language-tag': 'LANG LANGUAGE',
  }).flatMap(([type, names]) => names.split(' ').map((name): [string, string] => [name, type])),
)
/** RFC 7095 §5.1: of a property nobody knows, the value is taken as it is. */
const UNKNOWN = 'unknown'
const defaultType = (name: string): string => DEFAULT_TYPES.get(name) ?? UNKNOWN

const STRUCTURED: ReadonlySet<string> = new Set(['N', 'ADR', 'ORG', 'GENDER', 'CLIENTPIDMAP'])
const LISTS: ReadonlySet<string> = new Set(['NICKNAME', 'CATEGORIES'])

const DATE = /^(\d{4}|--)-?(\d\d)-?(\d\d)$/
const TIME = /^(\d\d)(?::?(\d\d)(?::?(\d\d))?)?(Z|[+-]\d\d(?::?\d\d)?)?$/

/** RFC 7095 §3.5.3–3.5.6: the extended format, where the basic one says the same. What is no such date stays. */
function extended(value: string): string {
  const [date = '', time, ...more] = value.split('T')
  if (more.length > 0) return value
  const day = DATE.exec(date)
  const hour = time === undefined ? undefined : TIME.exec(time)
  if ((!day && date !== '') || (time !== undefined && !hour)) return value
  const left = day ? (day[1] === '--' ? `--${day[2]}-${day[3]}` : `${day[1]}-${day[2]}-${day[3]}`) : ''
  if (!hour) return left
  const zone = (hour[4] ?? '').replace(/^([+-]\d\d):?(\d\d)$/, '$1:$2')
  return `${left}T${[hour[1], hour[2], hour[3]].filter((part) => part !== undefined).join(':')}${zone}`
}

/** The inverse: RFC 6350 §4.3's basic format. */
function basic(value: string): string {
  const [date = '', time] = value.split('T')
  const day = DATE.exec(date)
  const left = day ? (day[1] === '--' ? `--${day[2]}${day[3]}` : `${day[1]}${day[2]}${day[3]}`) : date
  return time === undefined ? left : `${left}T${time.replaceAll(':', '')}`
}

const isDateType = (type: string): boolean => /^(date|time|date-time|date-and-or-time|timestamp)$/.test(type)

function toValues(name: string, type: string, value: string): Json[] {
  if (isDateType(type)) return [extended(value)]
  if (type === 'utc-offset') return [value.replace(/^([+-]\d\d):?(\d\d)$/, '$1:$2')]
  if (type === 'boolean' && /^(true|false)$/i.test(value)) return [value.toLowerCase() === 'true']
  if ((type === 'integer' || type === 'float') && /^-?\d{1,15}(\.\d{1,15})?$/.test(value)) return [Number(value)]
  if (type !== 'text') return [value]
  if (LISTS.has(name)) return splitEscaped(value, ',').map(unescapeText)
  if (!STRUCTURED.has(name)) return [unescapeText(value)]
  const parts = components(value).map((part): Json => (part.length === 1 ? (part[0] ?? '') : part))
  return [parts.length === 1 && typeof parts[0] === 'string' ? parts[0] : parts]
}

/** A card as application/vcard+json (RFC 7095 §3.2), in 4.0. */
export function toJCard(card: VCard): string {
  const { lines } = convert(card, '4.0')
  const version: Json = ['version', {}, 'text', '4.0']
  const properties = lines.flatMap((line): Json[] => {
    if (isFrame(line)) return []
    const parameters = new Map<string, string[]>()
    if (line.group !== undefined) parameters.set('group', [line.group])
    for (const { name, values } of line.parameters) {
      if (name === 'VALUE' || name === 'GROUP') continue
      const key = name.toLowerCase()
      const all = name === 'TYPE' ? values.flatMap((value) => value.split(',')) : values
      parameters.set(key, [...(parameters.get(key) ?? []), ...all.map(decodeParameter)])
    }
    const told = Object.fromEntries(
      [...parameters].map(([name, values]): [string, Json] => [name, values.length === 1 ? (values[0] ?? '') : values]),
    )
    const type =
      line.parameters.find(({ name }) => name === 'VALUE')?.values[0]?.toLowerCase() ?? defaultType(line.name)
    return [[line.name.toLowerCase(), told, type, ...toValues(line.name, type, line.value)]]
  })
  return JSON.stringify(['vcard', [version, ...properties]])
}

const wrong = (message: string): VCardSyntaxError => new VCardSyntaxError('malformed', `jCard: ${message}`)

const isList = (json: Json | undefined): json is readonly Json[] => Array.isArray(json)
const isObject = (json: Json | undefined): json is { readonly [name: string]: Json } =>
  typeof json === 'object' && json !== null && !Array.isArray(json)

const text = (json: Json): string => (typeof json === 'string' ? json : JSON.stringify(json))

function fromValues(name: string, type: string, values: readonly Json[]): string {
  const [first = ''] = values
  if (isDateType(type)) return basic(text(first))
  if (type === 'utc-offset') return text(first).replaceAll(':', '')
  if (type !== 'text') return values.map(text).join(',')
  if (STRUCTURED.has(name) || isList(first)) {
    const parts = isList(first) ? first : [first]
    return parts.map((part) => (isList(part) ? part : [part]).map((one) => escapeText(text(one))).join(',')).join(';')
  }
  return values.map((value) => escapeText(text(value))).join(',')
}

function toLine(json: Json): Line {
  if (!isList(json) || json.length < 4) throw wrong('a property is [name, parameters, type, value…]')
  const [name, parameters, type, ...values] = json
  if (typeof name !== 'string' || typeof type !== 'string' || !isObject(parameters))
    throw wrong('a property is malformed')
  const upper = name.toUpperCase()
  const { group, ...others } = parameters
  const listed = Object.entries(others).map(
    ([key, value]): Parameter => ({
      name: key.toUpperCase(),
      values: (isList(value) ? value : [value]).map((one) => encodeParameter(text(one))),
    }),
  )
  const lower = type.toLowerCase()
  const named = lower === UNKNOWN || lower === defaultType(upper) ? [] : [{ name: 'VALUE', values: [lower] }]
  const line: Line = {
    name: upper,
    parameters: [...named, ...listed],
    value: fromValues(upper, lower, values),
    ...(group === undefined ? {} : { group: text(group) }),
  }
  const [head = ''] = upper.split(/[^A-Z0-9-]/, 1)
  if (head !== upper || upper === '' || !/^[A-Za-z0-9-]*$/.test(line.group ?? '')) throw wrong('a name is malformed')
  if (listed.some((one) => !/^[A-Z0-9-]+$/.test(one.name))) throw wrong('the name of a parameter is malformed')
  return parseLine(unfolded(line))
}

/** Reads application/vcard+json. @throws VCardSyntaxError */
export function fromJCard(json: string): VCard {
  let parsed: Json
  try {
    parsed = JSON.parse(json) as Json // whatever JSON is
  } catch {
    throw wrong('this is no JSON')
  }
  if (!isList(parsed) || parsed[0] !== 'vcard' || !isList(parsed[1])) throw wrong('it starts with ["vcard", [')
  const lines = parsed[1].map(toLine)
  if (lines[0]?.name !== 'VERSION' || lines[0].value !== '4.0') {
    throw new VCardSyntaxError('unsupported-version', 'jCard: the first property is the version, 4.0')
  }
  if (lines.some(({ name }) => name === 'BEGIN' || name === 'END')) throw wrong('it holds BEGIN or END')
  const frame = (name: string): Line => ({ name, parameters: [], value: 'VCARD' })
  return { version: '4.0', lines: [frame('BEGIN'), ...lines, frame('END')] }
}
