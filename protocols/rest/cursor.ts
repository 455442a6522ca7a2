import type { ContactPosition } from '#domain'
import { Problem } from './problems.ts'

/** A place in a list as it is sent: whoever sends it back need not understand it. */
export const formatCursor = ({ rank, title, key }: ContactPosition): string => formatParts([rank, title, key])

/** @throws Problem 400 */
export function parseCursor(text: string): ContactPosition {
  const [rank, title, key] = parseParts(text, 3)
  if (typeof rank !== 'number' || !Number.isSafeInteger(rank) || Math.abs(rank) >= 1e6) throw noCursor()
  if (typeof title !== 'string' || typeof key !== 'string') throw noCursor()
  return { rank, title, key }
}

export const formatParts = (parts: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(parts)).toString('base64url')

/** So many parts. @throws Problem 400 */
export function parseParts(text: string, count: number): unknown[] {
  const parsed = parsedJson(Buffer.from(text, 'base64url').toString())
  if (!Array.isArray(parsed) || parsed.length !== count) throw noCursor()
  if (parsed.some((part) => typeof part === 'string' && part.includes('\0'))) throw noCursor()
  return parsed
}

export const noCursor = (): Problem =>
  new Problem(400, 'bad-cursor', 'This is no cursor of a list: start anew without one', {
    errors: [{ field: 'cursor', problem: 'is none of ours' }],
  })

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
