import { isFrame } from './property.ts'
import type { VCard } from './syntax.ts'
import { BINARY, unescapeText } from './value.ts'

const ASCII = /^[\x00-\x7f]*$/

/**
 * How i;unicode-casemap prepares a text (RFC 5051 §2): each code point in title case, then everything decomposed. Nothing
 * depends on what stands beside a character. (By the full mapping, so that ß is found as SS: the RFC's has none for it.)
 */
export const casemap = (text: string): string =>
  ASCII.test(text)
    ? text.toUpperCase()
    : Array.from(text, (point) => point.toUpperCase())
        .join('')
        .normalize('NFKD')

const small = (point: string): string => point.toLowerCase()

/**
 * A text as it is searched: case, accents and compatibility forms aside. What is equal or contained under any collation
 * is so here too, since every step takes each code point for itself.
 */
export const searchKey = (text: string): string =>
  (ASCII.test(text) ? text.toLowerCase() : Array.from(casemap(text).replace(/\p{M}+/gu, ''), small).join('')).replace(
    /[\x00-\x1f]/g,
    ' ',
  )

/** The properties that hold no text to search for. */
export const isSearchable = (name: string): boolean => !BINARY.has(name)

/** A card for searching: after a line break the name of each property, a tab, and its value as a key; at last a break. */
export function searchText({ lines }: VCard): string {
  let out = '\n'
  for (const line of lines) {
    if (isFrame(line)) continue
    out += `${line.name.toLowerCase()}\t${isSearchable(line.name) ? searchKey(unescapeText(line.value)) : ''}\n`
  }
  return out
}
