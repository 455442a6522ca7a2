import { asId, type ContactPosition } from '#domain'
import { Problem } from './problems.ts'

/** A place in a list as it is sent: whoever sends it back need not understand it. */
export const formatCursor = ({ rank, title, key }: ContactPosition): string => encoded([rank, title, key])
const encoded = (place: readonly unknown[]): string => Buffer.from(JSON.stringify(place)).toString('base64url')
const decoded = (text: string): unknown => parsedJson(Buffer.from(text, 'base64url').toString())

/** @throws Problem 400 */
export function parseCursor(text: string): ContactPosition {
  const parsed = decoded(text)
  if (Array.isArray(parsed) && parsed.length === 3) {
    const [rank, title, key]: unknown[] = parsed
    const texts = typeof title === 'string' && typeof key === 'string'
    if (Number.isSafeInteger(rank) && typeof rank === 'number' && Math.abs(rank) < 1e6 && texts) {
      if (!`${title}${key}`.includes('\0')) return { rank, title, key }
    }
  }
  throw badCursor()
}

const badCursor = (): Problem =>
  new Problem(400, 'bad-cursor', 'This is no cursor of a list: start anew without one', {
    errors: [{ field: 'cursor', problem: 'is none of ours' }],
  })

/** What tells an item of a list from every other: the list is in the order of it. */
export type Place = readonly [order: string, id: string]

/** Where a list goes on, if it does not begin. @throws Problem 400 */
export function placeOf(cursor: string | undefined, order: RegExp): Place | undefined {
  if (cursor === undefined) return undefined
  const parsed = decoded(cursor)
  if (Array.isArray(parsed) && parsed.length === 2) {
    const [first, last]: unknown[] = parsed
    if (typeof first === 'string' && typeof last === 'string' && order.test(first)) {
      const id = asId(last)
      if (id !== undefined) return [first, id]
    }
  }
  throw badCursor()
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
  const next = found.length > limit && last ? encoded(place(last)) : null
  return JSON.stringify({ items: items.map(json), next })
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
