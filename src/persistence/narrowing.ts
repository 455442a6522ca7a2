import type { Narrowing } from '#domain'

const WORD = /[\p{L}\p{N}]+/gu

/**
 * Whether the trigram index can be asked for it: a word, of which an end that is told counts as pg_trgm pads it (two
 * blanks before, one after), has at least three characters.
 */
export function isIndexed(text: string): boolean {
  return [...text.matchAll(WORD)].some(({ 0: word, index }) => {
    const begins = index > 0 ? 2 : 0
    const ends = index + word.length < text.length ? 1 : 0
    return Array.from(word).length + begins + ends >= 3
  })
}

/** A text as a part of a LIKE pattern. */
export const escapeLike = (text: string): string => text.replace(/[\\%_]/g, '\\$&')
export const containing = (text: string): string => `%${escapeLike(text)}%`

/**
 * A narrowing as SQL over `search`; its patterns are added to `values`. What no index is to be asked for is written in a
 * way that none matches: the planner does not see the pattern, as every statement has one plan.
 */
export function condition(narrowing: Narrowing, values: unknown[], indexed: (text: string) => boolean): string {
  const operand = (text: string): string => `$${values.push(containing(text))}`
  if ('all' in narrowing) return `(${narrowing.all.map((one) => condition(one, values, indexed)).join(' and ')})`
  if ('any' in narrowing) return `(${narrowing.any.map((one) => condition(one, values, indexed)).join(' or ')})`
  if ('without' in narrowing) return `search not like ${operand(named(narrowing.without))}`
  if ('property' in narrowing) return `(search || '') like ${operand(named(narrowing.property))}`
  const { text } = narrowing
  return indexed(text) ? `search like ${operand(text)}` : `(search || '') like ${operand(text)}`
}

const named = (property: string): string => `\n${property.toLowerCase()}\t`

/** Whether an index finds what passes: there is something to look for, in each alternative. */
export function isSelective(narrowing: Narrowing): boolean {
  if ('all' in narrowing) return narrowing.all.some(isSelective)
  if ('any' in narrowing) return narrowing.any.every(isSelective)
  return 'text' in narrowing && isIndexed(narrowing.text)
}
