import { Buffer } from 'node:buffer'
import { type Line, type Parameter, parseLine, unfolded } from './syntax.ts'
import { parameterValues, types } from './value.ts'

const LF = 10
const CR = 13

/** Structured: a semicolon separates, and is not escaped. */
const STRUCTURED: ReadonlySet<string> = new Set(['N', 'ADR', 'ORG', 'GEO'])
const ENCODINGS: ReadonlySet<string> = new Set(['7BIT', '8BIT', 'BASE64', 'QUOTED-PRINTABLE', 'B', 'Q'])

/** The lines of a file, still in octets (as latin1 text), without their ends. */
function octetLines(bytes: Uint8Array): string[] {
  const lines: string[] = []
  let start = 0
  for (let at = 0; at <= bytes.length; at += 1) {
    if (at < bytes.length && bytes[at] !== LF) continue
    const end = at > start && bytes[at - 1] === CR ? at - 1 : at
    lines.push(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1'))
    start = at + 1
  }
  return lines
}

const isQuotedPrintable = (line: string): boolean => /^[^:]*;(ENCODING=)?QUOTED-PRINTABLE[;:]/i.test(line)
const isBase64 = (line: string): boolean => /^[^:]*;(ENCODING=)?(BASE64|B)[;:]/i.test(line)

/** Joins what belongs together: folds, the soft line breaks of quoted-printable, and base64 up to its blank line. */
function* logicalLines(lines: readonly string[]): Generator<string> {
  for (let at = 0; at < lines.length; at += 1) {
    let line = lines[at] ?? ''
    if (line.trim() === '') continue
    if (isQuotedPrintable(line)) {
      while (line.endsWith('=') && at + 1 < lines.length) line = line.slice(0, -1) + (lines[++at] ?? '')
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
function* cardsOf(bytes: Uint8Array): Generator<{ lines: string[]; octets: string }> {
  let lines: string[] = []
  let inside = 0
  const card = () => ({ lines, octets: lines.map((line) => `${line}\r\n`).join('') })
  for (const line of octetLines(bytes)) {
    if (/^(\xef\xbb\xbf)?BEGIN:VCARD\s*$/i.test(line)) {
      const nested = inside > 0 && /^AGENT[^:]*:\s*$/i.test(lines.at(-1) ?? '')
      if (inside > 0 && !nested) yield card()
      if (!nested) lines = []
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

/**
 * The cards of a file, one after another, as octets to be stored: of 3.0 and 4.0 as they are (line ends aside), of 2.1,
 * which is nowhere else accepted, as the 3.0 that says the same.
 */
export function* importedCards(bytes: Uint8Array): Generator<Buffer> {
  for (const { lines, octets } of cardsOf(bytes)) {
    const isOld = lines.some((line) => /^VERSION:\s*2\.1\s*$/i.test(line))
    yield isOld ? Buffer.from(upgrade([...logicalLines(lines)])) : Buffer.from(octets, 'latin1')
  }
}
