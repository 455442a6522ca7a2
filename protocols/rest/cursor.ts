import { asId, type ContactPosition, type Id } from '#domain'
import { Problem } from './problems.ts'

/** A place in a list as it is sent: whoever sends it back need not understand it. */
export const formatCursor = ({ rank, title, key, within }: ContactPosition): string =>
  formatParts([rank, title, key, ...(within === undefined ? [] : [within])])

/** @throws Problem 400 */
export function parseCursor(text: string): ContactPosition {
  const [rank, title, key, within] = parseParts(text, 3, 4)
  if (typeof rank !== 'number' || !Number.isSafeInteger(rank) || Math.abs(rank) >= 1e6) throw noCursor()
  if (typeof title !== 'string' || typeof key !== 'string') throw noCursor()
  if (within === undefined) return { rank, title, key }
  if (typeof within !== 'string') throw noCursor()
  return { rank, title, key, within }
}

export const formatParts = (parts: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(parts)).toString('base64url')

/** So many parts, or up to `most`. @throws Problem 400 */
export function parseParts(text: string, count: number, most = count): unknown[] {
  const parsed = parsedJson(Buffer.from(text, 'base64url').toString())
  if (!Array.isArray(parsed) || parsed.length < count || parsed.length > most) throw noCursor()
  if (parsed.some((part) => typeof part === 'string' && part.includes('\0'))) throw noCursor()
  return parsed
}

export const noCursor = (): Problem =>
  new Problem(400, 'bad-cursor', 'This is no cursor of a list: start anew without one', {
    errors: [{ field: 'cursor', problem: 'is none of ours' }],
  })

/** What tells an item of a list from every other: the list is in the order of it. */
export type Place = readonly [order: string, id: string]

/** Where a list goes on, if it does not begin. @throws Problem 400 */
export function placeOf(cursor: string | undefined, order: RegExp): Place | undefined {
  if (cursor === undefined) return undefined
  const [first, last] = parseParts(cursor, 2)
  const id = typeof last === 'string' ? asId(last) : undefined
  if (typeof first !== 'string' || !order.test(first) || id === undefined) throw noCursor()
  return [first, id]
}
/** Orders of lists: by a text, by a time in microseconds. */
export const BY_TEXT = /^[^\0]*$/
export const BY_TIME = /^\d{1,16}$/

/** A page of what was found, one more than fits where there are more. */
export function pageFrom<Item>(
  found: readonly Item[],
  limit: number,
  json: (item: Item) => object,
  place: (item: Item) => Place,
): string {
  const items = found.slice(0, limit)
  const last = items.at(-1)
  const next = found.length > limit && last ? formatParts(place(last)) : null
  return JSON.stringify({ items: items.map(json), next })
}

export const formatIdCursor = (id: Id): string => formatParts([id])

/** The id of what a page goes on after. @throws Problem 400 */
export function parseIdCursor(text: string): Id {
  const [last] = parseParts(text, 1)
  const id = typeof last === 'string' ? asId(last) : undefined
  if (id === undefined) throw noCursor()
  return id
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
