import { isFrame } from './property.ts'
import type { VCard } from './syntax.ts'
import { BINARY, textOf, unescapeText } from './value.ts'

const ASCII = /^[\x00-\x7f]*$/

/**
 * How i;unicode-casemap prepares a text (RFC 5051 §2): each code point in title case, then everything decomposed. Nothing
 * depends on what stands beside a character. (By the full mapping, so that ß is found as SS: the RFC's has none for it.)
 */
export const casemap = (text: string): string =>
  ASCII.test(text) ? text.toUpperCase() : text.toUpperCase().normalize('NFKD')

/** Code points below this are no marks. */
const FIRST_MARK = 0x300
const LONG = 4_096
let marks: Uint8Array | undefined // made when a long text first asks

/** The decomposed text without its accents; nothing is made for each of the many that a long text may have. */
function withoutMarks(text: string): string {
  if (text.length <= LONG) return text.replace(/\p{M}+/gu, '')
  marks ??= Uint8Array.from({ length: 0x10000 }, (_, unit) => (/\p{M}/u.test(String.fromCharCode(unit)) ? 1 : 0))
  const units = new Uint16Array(text.length)
  let length = 0
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    if (unit >= FIRST_MARK && marks[unit] === 1) continue
    units[length] = unit
    length += 1
  }
  return textOf(units, length).replace(/\p{M}+/gu, '') // what is left are those of two code units
}

/**
 * A text as it is searched: case, accents and compatibility forms aside. What is equal or contained under any collation
 * is so here too, since every step takes each code point for itself (so a sigma is small before the others are: which
 * small one it becomes would depend on what follows).
 */
export const searchKey = (text: string): string =>
  (ASCII.test(text) ? text.toLowerCase() : withoutMarks(casemap(text)).replaceAll('Σ', 'σ').toLowerCase()).replace(
    /[\x00-\x1f]+/g,
    (controls) => ' '.repeat(controls.length),
  )

/** The properties that hold no text to search for. */
export const isSearchable = (name: string): boolean => !BINARY.has(name)

/** The name under which the digits alone of each TEL stand too: people type numbers in many ways. */
const DIGITS = 'tel-digits'

/** A card for searching: after a line break the name of each property, a tab, and its value as a key; at last a break. */
export function searchText({ lines }: VCard): string {
  let out = '\n'
  for (const line of lines) {
    if (isFrame(line)) continue
    out += `${line.name.toLowerCase()}\t${isSearchable(line.name) ? searchKey(unescapeText(line.value)) : ''}\n`
    if (line.name === 'TEL') out += `${DIGITS}\t${line.value.replace(/\D/g, '')}\n`
  }
  return out
}
