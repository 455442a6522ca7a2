import { Buffer } from 'node:buffer'
import { type Line, type Parameter, parseLine, unfolded, VCardSyntaxError } from './syntax.ts'
import { parameterValues, types } from './value.ts'

const LF = 10
const CR = 13

/** Structured: a semicolon separates, and is not escaped. */
const STRUCTURED: ReadonlySet<string> = new Set(['N', 'ADR', 'ORG', 'GEO'])
const ENCODINGS: ReadonlySet<string> = new Set(['7BIT', '8BIT', 'BASE64', 'QUOTED-PRINTABLE', 'B', 'Q'])

/** The lines of a file, still in octets (as latin1 text), without their ends. */
function* octetLines(bytes: Buffer): Generator<string> {
  for (let start = 0; start <= bytes.length; ) {
    const lineFeed = bytes.indexOf(LF, start)
    const next = lineFeed < 0 ? bytes.length : lineFeed
    yield bytes.toString('latin1', start, next > start && bytes[next - 1] === CR ? next - 1 : next)
    start = next + 1
  }
}

const isQuotedPrintable = (line: string): boolean => /^[^:]*;(ENCODING=)?QUOTED-PRINTABLE[;:]/i.test(line)
const isBase64 = (line: string): boolean => /^[^:]*;(ENCODING=)?(BASE64|B)[;:]/i.test(line)

/** Joins what belongs together: folds, the soft line breaks of quoted-printable, and base64 up to its blank line. */
function* logicalLines(lines: readonly string[]): Generator<string> {
  for (let at = 0; at < lines.length; at += 1) {
    let line = lines[at] ?? ''
    if (line.trim() === '') continue
    if (isQuotedPrintable(line)) {
      const pieces = [line] // joined once: there may be a million
      while (pieces.at(-1)?.endsWith('=') && at + 1 < lines.length) {
        pieces.push(pieces.pop()?.slice(0, -1) ?? '', lines[++at] ?? '')
      }
      line = pieces.join('')
    } else if (isBase64(line)) {
      while (/^[\sA-Za-z0-9+/=]+$/.test(lines[at + 1] ?? '') && !/^[A-Z-]+:/i.test(lines[at + 1] ?? '')) {
        line += (lines[++at] ?? '').trim()
      }
    } else {
      while (/^[ \t]/.test(lines[at + 1] ?? '')) line += (lines[++at] ?? '').slice(1)
    }
    yield line
  }
}

const decoded = (octets: string, charset: string): string => {
  const bytes = Buffer.from(octets, 'latin1')
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('windows-1252').decode(bytes) // no such charset, or not in it: nothing is lost that way
  }
}

const unquoted = (text: string): string =>
  text.replace(/=([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))

/** A text of 2.1, which escapes nothing but the semicolon, in 3.0. */
const escaped = (text: string, structured: boolean): string =>
  text
    .replace(/\\(?!;)/g, '\\\\')
    .replace(/\r\n|[\r\n]/g, '\\n')
    .replace(/,/g, '\\,')
    .replace(structured ? /(?!)/ : /(?<!\\);/g, '\\;')

function upgradeLine(octets: string): Line {
  const line = parseLine(octets)
  const named = (name: string) => parameterValues(line, name)[0]
  const bare = types(line).map((type) => type.toUpperCase())
  const encoding = (named('ENCODING') ?? bare.find((type) => ENCODINGS.has(type)) ?? '').toUpperCase()
  const parameters: Parameter[] = line.parameters.flatMap((parameter): Parameter[] => {
    if (parameter.name === 'CHARSET' || parameter.name === 'ENCODING') return []
    if (parameter.name !== 'TYPE') return [parameter]
    const values = parameter.values.filter((value) => !ENCODINGS.has(value.toUpperCase()))
    return values.length > 0 ? [{ name: 'TYPE', values }] : []
  })
  const { raw: _, ...rest } = line
  if (encoding === 'BASE64' || encoding === 'B') {
    return {
      ...rest,
      parameters: [{ name: 'ENCODING', values: ['b'] }, ...parameters],
      value: line.value.replace(/\s/g, ''),
    }
  }
  const value = encoding === 'QUOTED-PRINTABLE' || encoding === 'Q' ? unquoted(line.value) : line.value
  const text = decoded(value, named('CHARSET') ?? 'utf-8')
  return { ...rest, parameters, value: escaped(text, STRUCTURED.has(line.name)) }
}

/** The text of a vCard 2.1 (versit, 1996) as a vCard 3.0. A card inside another one (AGENT) becomes its escaped text. */
function upgrade(lines: readonly string[]): string {
  const out: Line[] = []
  let inner: string[] | undefined
  for (const octets of lines) {
    if (inner) {
      inner.push(octets)
      if (/^END:VCARD\s*$/i.test(octets)) {
        const text = decoded(inner.join('\r\n'), 'utf-8')
        out.push({ name: 'AGENT', parameters: [], value: escaped(text, false) })
        inner = undefined
      }
    } else if (/^AGENT\s*:\s*$/i.test(octets)) inner = []
    else if (/^VERSION:/i.test(octets)) out.push({ name: 'VERSION', parameters: [], value: '3.0' })
    else out.push(upgradeLine(octets))
  }
  return out.map((line) => `${unfolded(line)}\r\n`).join('')
}

/** Splits a file into its cards, as octets; what is between them is passed over. A card without its END ends at the next. */
function* cardsOf(bytes: Buffer): Generator<{ line: number; lines: string[]; octets: Buffer }> {
  let lines: string[] = []
  let inside = 0
  let number = 0
  let first = 0
  const card = () => ({ line: first, lines, octets: Buffer.from(lines.map((one) => `${one}\r\n`).join(''), 'latin1') })
  for (const line of octetLines(bytes)) {
    number += 1
    if (/^(\xef\xbb\xbf)?BEGIN:VCARD\s*$/i.test(line)) {
      const nested = inside > 0 && /^AGENT[^:]*:\s*$/i.test(lines.at(-1) ?? '')
      if (inside > 0 && !nested) yield card()
      if (!nested) {
        lines = []
        first = number
      }
      inside = nested ? inside + 1 : 1
    }
    if (inside === 0) continue
    lines.push(line)
    if (!/^END:VCARD\s*$/i.test(line)) continue
    inside -= 1
    if (inside === 0) yield card()
  }
  if (inside > 0) yield card()
}

/** Whether a file begins more cards than that. */
export function hasMoreCards(bytes: Uint8Array, most: number): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  let left = most
  for (const _ of text.matchAll(/^(?:\xef\xbb\xbf)?BEGIN:VCARD/gim)) if (left-- === 0) return true
  return false
}

/** A card of a file. */
export interface ImportedCard {
  /** Of the file, where it begins; from 1. */
  readonly line: number
  /** As they are to be stored; of a card that cannot be read, as they came. */
  readonly octets: Buffer
  readonly problem?: VCardSyntaxError
}

/**
 * The cards of a file, one after another as they are asked for: of 3.0 and 4.0 as they are (line ends aside), of 2.1,
 * which is nowhere else accepted, as the 3.0 that says the same. A bad one ends nothing.
 */
export function* importedCards(bytes: Uint8Array): Generator<ImportedCard> {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (const { line, lines, octets } of cardsOf(whole)) {
    const isOld = lines.some((one) => /^VERSION:\s*2\.1\s*$/i.test(one))
    yield isOld ? upgraded(line, lines, octets) : { line, octets }
  }
}

function upgraded(line: number, lines: readonly string[], octets: Buffer): ImportedCard {
  try {
    return { line, octets: Buffer.from(upgrade([...logicalLines(lines)])) }
  } catch (error) {
    if (!(error instanceof VCardSyntaxError)) throw error
    return { line, octets, problem: error }
  }
}
