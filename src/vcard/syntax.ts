import { contentLines, fold, oneLine, unfoldBytes } from './text.ts'

/** The vCard versions that are stored and served (RFC 2426, RFC 6350). */
export type Version = '3.0' | '4.0'

/** A property parameter; the name is upper-case, values are as written, without their quotes. RFC 6350 §5 */
export interface Parameter {
  readonly name: string
  readonly values: readonly string[]
}

/**
 * One content line (RFC 6350 §3.3). `raw` is its text as it arrived, folds and line end included; a line that was
 * edited or made has none and is written anew.
 */
export interface Line {
  readonly group?: string
  /** Upper-case. */
  readonly name: string
  readonly parameters: readonly Parameter[]
  /** As written: still escaped. */
  readonly value: string
  readonly raw?: string
}

/** A vCard as its content lines, BEGIN and END included, so that writing it gives back every byte that was read. */
export interface VCard {
  readonly version: Version
  readonly lines: readonly Line[]
}

export type SyntaxProblem = 'not-a-vcard' | 'unsupported-version' | 'malformed' | 'not-text'

/** The text is no single vCard; `line` counts content lines from 1. */
export class VCardSyntaxError extends Error {
  readonly problem: SyntaxProblem
  readonly line: number
  constructor(problem: SyntaxProblem, message: string, line = 0) {
    super(line > 0 ? `${message} (line ${line})` : message)
    this.name = 'VCardSyntaxError'
    this.problem = problem
    this.line = line
  }
}

const QUOTE = 34
const COLON = 58
const SEMICOLON = 59
const NAME = /^(?:([A-Za-z0-9_-]+)\.)?([A-Za-z0-9_-]+)/

/**
 * Decodes UTF-8. RFC 6350 §3.2 lets a fold split a multi-octet sequence: such a card is unfolded octet by octet first,
 * and `exact` says that the text no longer has the card's own bytes.
 * @throws VCardSyntaxError `not-text`
 */
export function decodeText(bytes: Uint8Array): { text: string; exact: boolean } {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let text: string
  let exact = true
  try {
    text = utf8.decode(bytes)
  } catch {
    exact = false
    try {
      text = utf8.decode(unfoldBytes(bytes))
    } catch {
      throw new VCardSyntaxError('not-text', 'The card is not UTF-8 text')
    }
  }
  if (text.includes('\0')) throw new VCardSyntaxError('not-text', 'The card holds a NUL character')
  return { text, exact }
}

/** Reads one unfolded content line. @throws VCardSyntaxError `malformed` */
export function parseLine(logical: string, raw?: string, number = 0): Line {
  const match = NAME.exec(logical)
  if (!match) throw new VCardSyntaxError('malformed', `Not a content line: "${logical.slice(0, 40)}"`, number)
  let at = match[0].length
  const parameters: Parameter[] = []
  while (logical.charCodeAt(at) === SEMICOLON) {
    const start = at + 1
    at = start
    for (let quoted = false; at < logical.length; at += 1) {
      const char = logical.charCodeAt(at)
      if (char === QUOTE) quoted = !quoted
      else if (!quoted && (char === SEMICOLON || char === COLON)) break
    }
    parameters.push(parseParameter(logical.slice(start, at)))
  }
  if (logical.charCodeAt(at) !== COLON) {
    throw new VCardSyntaxError('malformed', `A content line without a colon: "${logical.slice(0, 40)}"`, number)
  }
  return {
    ...(match[1] === undefined ? {} : { group: match[1] }),
    name: (match[2] as string).toUpperCase(), // the pattern's second group always matches
    parameters,
    value: logical.slice(at + 1),
    ...(raw === undefined ? {} : { raw }),
  }
}

function parseParameter(text: string): Parameter {
  const equals = text.indexOf('=')
  const mark = text.indexOf('"')
  // vCard 2.1's bare type, which some 3.0 writers still send
  if (equals < 0 || (mark >= 0 && mark < equals)) return { name: 'TYPE', values: [unquote(text)] }
  const list = text.slice(equals + 1)
  const name = text.slice(0, equals).toUpperCase()
  if (!list.includes(',')) return { name, values: [unquote(list)] }
  const values: string[] = []
  let start = 0
  let quoted = false
  for (let i = 0; i <= list.length; i += 1) {
    const char = list.charCodeAt(i)
    if (char === QUOTE) quoted = !quoted
    else if (i === list.length || (!quoted && char === 44)) {
      values.push(unquote(list.slice(start, i)))
      start = i + 1
    }
  }
  return { name, values }
}

/** A quotation mark inside a value, which RFC 6350 §3.3 does not allow, is read as RFC 6868 §3 writes it. */
const unquote = (value: string): string =>
  (value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value).replaceAll('"', "^'")

/**
 * Reads exactly one vCard 3.0 or 4.0.
 * @throws VCardSyntaxError when it is none, more than one, of another version, or a line is malformed
 */
export function parseVCard(text: string): VCard {
  const lines: Line[] = []
  let number = 0
  let ended = false
  let version: Version | undefined
  let blank = ''
  for (const { logical, raw } of contentLines(text)) {
    number += 1
    if (logical.trim() === '') {
      const last = lines.pop() // a blank line stays with the line before it, a leading one with BEGIN
      if (last) lines.push({ ...last, raw: last.raw + raw })
      else blank += raw
      continue
    }
    if (ended) throw new VCardSyntaxError('not-a-vcard', 'There is more than one vCard, or text after it', number)
    const line = parseLine(logical, blank + raw, number)
    blank = ''
    const component = line.value.trim().toUpperCase()
    if (lines.length === 0) {
      if (line.name !== 'BEGIN') throw new VCardSyntaxError('malformed', 'A vCard starts with BEGIN:VCARD', number)
      if (component !== 'VCARD') throw new VCardSyntaxError('not-a-vcard', `This is no vCard but ${component}`, number)
    } else if (line.name === 'BEGIN') {
      throw new VCardSyntaxError('not-a-vcard', 'A vCard holds no other BEGIN', number)
    }
    if (line.name === 'VERSION') version ??= supported(line.value.trim(), number)
    if (line.name === 'END') {
      if (component !== 'VCARD') throw new VCardSyntaxError('malformed', 'A vCard ends with END:VCARD', number)
      ended = true
    }
    lines.push(line)
  }
  if (lines.length === 0) throw new VCardSyntaxError('not-a-vcard', 'The card is empty')
  if (!ended) throw new VCardSyntaxError('malformed', 'END:VCARD is missing', number)
  if (version === undefined) throw new VCardSyntaxError('unsupported-version', 'VERSION is missing')
  return { version, lines }
}

/** Asked as soon as VERSION is read: the lines of a 2.1 card may well not be ours. */
function supported(version: string, number: number): Version {
  if (version === '3.0' || version === '4.0') return version
  const problem = `vCard version ${version.slice(0, 10)} is neither 3.0 nor 4.0`
  throw new VCardSyntaxError('unsupported-version', problem, number)
}

/** Writes a card: untouched lines byte for byte, others folded at 75 octets. */
export function serialize(card: VCard): string {
  let out = ''
  for (const line of card.lines) out += line.raw ?? serializeLine(line)
  return out
}

/** One content line with its CRLF, folded. */
export const serializeLine = (line: Line): string => fold(unfolded(line))

/** One content line, neither folded nor ended. */
export function unfolded(line: Line): string {
  let out = line.group === undefined ? line.name : `${line.group}.${line.name}`
  for (const { name, values } of line.parameters) out += `;${name}=${values.map(quote).join(',')}`
  return `${out}:${oneLine(line.value)}`
}

const PLAIN = /^[\w .@+-]*$/

const quote = (value: string): string => {
  if (PLAIN.test(value)) return value
  const safe = oneLine(value.replace(/\r\n|[\r\n\x85\u2028\u2029]/g, '^n')).replaceAll('"', "^'")
  return /[;:,]/.test(safe) ? `"${safe}"` : safe
}
