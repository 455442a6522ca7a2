import type { Line, Parameter } from './syntax.ts'

const ESCAPED = /\\([nN,;:=\\])/g

/** RFC 6350 §3.4, and the `\:` and `\=` of Apple's and Google's 3.0. */
export const unescapeText = (value: string): string => {
  if (!value.includes('\\')) return value
  return value.length > LONG
    ? unescapeUnits(value)
    : value.replace(ESCAPED, (_, char) => (char === 'n' || char === 'N' ? '\n' : char))
}

/** A text from here on may hold millions of escapes: no string is made for each. */
const LONG = 4_096
const BACKSLASH = 92
/** What the character after a backslash stands for, by code; the others stand for themselves. */
const UNESCAPED = new Map(
  [...'nN,;:=\\'].map((char) => [char.charCodeAt(0), /n/i.test(char) ? 10 : char.charCodeAt(0)]),
)

function unescapeUnits(value: string): string {
  const units = new Uint16Array(value.length)
  let length = 0
  for (let at = 0; at < value.length; at += 1) {
    const unit = value.charCodeAt(at)
    const plain = unit === BACKSLASH ? UNESCAPED.get(value.charCodeAt(at + 1)) : undefined
    if (plain !== undefined) at += 1
    units[length] = plain ?? unit
    length += 1
  }
  return textOf(units, length)
}

/** The first of the UTF-16 code units, as a text. */
export const textOf = ({ buffer }: Uint16Array<ArrayBuffer>, length: number): string =>
  Buffer.from(buffer, 0, length * 2).toString('utf16le')

/** RFC 6350 §3.4; every kind of line break becomes `\n`, other control characters go. */
export const escapeText = (text: string): string =>
  text
    .replace(/\\/g, '\\\\')
    .replace(/\r\n|[\r\n\x85\u2028\u2029]/g, '\\n')
    .replace(/[\x00-\x08\x0b-\x1f\x7f]/g, '')
    .replace(/[,;]/g, '\\$&')

/** For 4.0, which has no such escapes: `\:` and `\=` bare, every other one as it is. */
export const withoutOldEscapes = (value: string): string =>
  value.includes('\\:') || value.includes('\\=')
    ? value.replace(/\\([\s\S])/g, (pair, char) => (char === ':' || char === '=' ? char : pair))
    : value

/** RFC 6868 §3; control characters go. */
export const encodeParameter = (text: string): string =>
  text
    .replaceAll('^', '^^')
    .replace(/\r\n|[\r\n\x85\u2028\u2029]/g, '^n')
    .replace(/[\x00-\x08\x0b-\x1f\x7f]/g, '')
    .replaceAll('"', "^'")

/** RFC 6868 §3: a caret before any other character stays. */
export const decodeParameter = (value: string): string =>
  value.replace(/\^([n^'])/g, (_, char) => (char === 'n' ? '\n' : char === "'" ? '"' : '^'))

/** The one way to write what a parameter says. */
export const canonicalParameter = (value: string): string =>
  value.includes('^') ? encodeParameter(decodeParameter(value)) : value

/** What the LABEL of an ADR says: RFC 6350 §6.3.1 shows `\\n` in it, RFC 6868 writes `^n`. */
export const labelText = (value: string): string => decodeParameter(value.replace(/\\n/gi, '^n'))

/** Splits at unescaped separators; the parts stay escaped. */
export function splitEscaped(value: string, separator: ';' | ','): string[] {
  if (!value.includes(separator)) return [value]
  const parts: string[] = []
  let start = 0
  for (let i = 0; i < value.length; i += 1) {
    if (value[i] === '\\') i += 1
    else if (value[i] === separator) {
      parts.push(value.slice(start, i))
      start = i + 1
    }
  }
  parts.push(value.slice(start))
  return parts
}

/** A structured value such as N or ADR (RFC 6350 §6.2.2): components, each a list of unescaped texts. */
export const components = (value: string): string[][] =>
  splitEscaped(value, ';').map((component) => splitEscaped(component, ',').map(unescapeText))

/** The inverse of `components`. */
export const structured = (parts: readonly (readonly string[])[]): string =>
  parts.map((list) => list.map(escapeText).join(',')).join(';')

/** The values of the parameter of that name, of all its occurrences. */
export const parameterValues = (line: Pick<Line, 'parameters'>, name: string): string[] =>
  line.parameters.flatMap((parameter) => (parameter.name === name ? parameter.values : []))

/** RFC 6350 §6.4.1 has `TYPE="voice,home"` too: each of its types is one. */
export const splitTypes = (values: readonly string[]): string[] => values.flatMap((value) => value.split(','))

/** TYPE in lower case, "pref" aside. */
export const types = (line: Pick<Line, 'parameters'>): string[] =>
  splitTypes(parameterValues(line, 'TYPE'))
    .map((type) => type.toLowerCase())
    .filter((type) => type !== 'pref')

/** Whether TYPE holds "pref", as 3.0 writes what is PREF=1 in 4.0. */
export const isPreferred = (line: Pick<Line, 'parameters'>): boolean =>
  splitTypes(parameterValues(line, 'TYPE')).some((type) => type.toLowerCase() === 'pref')

/** The parameters with only those types that `keep` (asked in lower case) lets stay. */
export const keepTypes = (parameters: readonly Parameter[], keep: (type: string) => boolean): Parameter[] =>
  parameters.flatMap((parameter) => {
    if (parameter.name !== 'TYPE') return [parameter]
    const values = splitTypes(parameter.values).filter((value) => keep(value.toLowerCase()))
    return values.length > 0 ? [{ ...parameter, values }] : []
  })

export const without = (parameters: readonly Parameter[], ...names: string[]): Parameter[] =>
  parameters.filter(({ name }) => !names.includes(name))

/** The properties that may hold a file: inline base64 in 3.0 (RFC 2426 §2.4.1), a data: URI in 4.0 (RFC 6350 §5.1). */
export const BINARY: ReadonlySet<string> = new Set(['PHOTO', 'LOGO', 'SOUND', 'KEY'])
/** The properties of components, each a list. */
export const STRUCTURED: ReadonlySet<string> = new Set(['N', 'ADR', 'ORG', 'GENDER', 'CLIENTPIDMAP'])
/** The properties that are one list. */
export const LISTS: ReadonlySet<string> = new Set(['NICKNAME', 'CATEGORIES'])
/** The properties that hold a date. */
export const DATES: ReadonlySet<string> = new Set(['BDAY', 'ANNIVERSARY', 'DEATHDATE', 'REV'])

/** Names that differ: what 3.0 has only as an extension. */
export const NAMES: readonly (readonly [three: string, four: string])[] = [
  ['X-ADDRESSBOOKSERVER-KIND', 'KIND'],
  ['X-ADDRESSBOOKSERVER-MEMBER', 'MEMBER'],
  ['X-ANNIVERSARY', 'ANNIVERSARY'],
  ['X-SOCIALPROFILE', 'SOCIALPROFILE'],
]
const TO_4 = new Map(NAMES)

/** The property's name in 4.0: some 3.0 cards use it already. */
export const standardName = (name: string): string => TO_4.get(name) ?? name
