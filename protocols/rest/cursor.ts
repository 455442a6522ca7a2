import { asId, type ContactPosition, type Id, notFound } from '#domain'
import { Problem } from './problems.ts'

/** A place in a list as it is sent: whoever sends it back need not understand it. */
export const formatCursor = ({ rank, title, key }: ContactPosition): string =>
  Buffer.from(JSON.stringify([rank, title, key])).toString('base64url')

/** @throws Problem 400 */
export function parseCursor(text: string): ContactPosition {
  const parsed = parsedJson(Buffer.from(text, 'base64url').toString())
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

export const formatIdCursor = (key: Id): string => formatCursor({ rank: 0, title: '', key })

/** The id of what a page goes on after. @throws Problem 400 */
export function parseIdCursor(text: string): Id {
  const id = asId(parseCursor(text).key)
  if (id === undefined) throw badCursor()
  return id
}

/** @throws DomainError `not-found` */
export function idIn(text: string): Id {
  const id = asId(text)
  if (id === undefined) throw notFound()
  return id
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
