import type { Condition } from '#domain'
import { DavError } from '../preconditions.ts'
import { type Exchange, header } from './exchange.ts'

const ENTITY_TAG = /(W\/)?"([\x21\x23-\x7e\x80-\uffff]*)"/g
/** Marks the ETag of another rendering of the same card; the card is the same one. */
const VARIANT = /\.[34j]$/

/** RFC 9110 §13.1.1, §8.8.3. Weak tags match nothing where a strong comparison is asked for. */
function entityTags(value: string, strong: boolean): 'any' | string[] {
  if (value.trim() === '*') return 'any'
  return [...value.matchAll(ENTITY_TAG)].filter(([, weak]) => !(strong && weak)).map(([, , tag]) => tag ?? '')
}

/** The conditions on a write, for the domain to check inside its transaction. */
export function writeCondition(exchange: Exchange): Condition {
  const match = header(exchange, 'if-match')
  const noneMatch = header(exchange, 'if-none-match')
  const withoutVariant = (tags: 'any' | string[]) =>
    tags === 'any' ? tags : tags.map((tag) => tag.replace(VARIANT, ''))
  return {
    ...(match === undefined ? {} : { match: withoutVariant(entityTags(match, true)) }),
    ...(noneMatch === undefined ? {} : { noneMatch: withoutVariant(entityTags(noneMatch, false)) }),
  }
}

const seconds = (date: number): number => Math.floor(date / 1000)

/** RFC 9110 §13.1.4, where there is no If-Match. @throws DavError 412 */
export function assertUnmodified(exchange: Exchange, modifiedAt: Date | undefined): void {
  const value = header(exchange, 'if-unmodified-since')
  if (value === undefined || header(exchange, 'if-match') !== undefined) return
  const since = Date.parse(value)
  if (Number.isNaN(since)) return // an invalid date is ignored
  if (!modifiedAt || seconds(modifiedAt.getTime()) > seconds(since))
    throw new DavError(412, 'The card has changed since')
}

/** RFC 9110 §13.2.2: what a read answers instead of the card, if anything. */
export function readCondition(exchange: Exchange, etag: string, modifiedAt: Date): 304 | 412 | undefined {
  const match = header(exchange, 'if-match')
  if (match !== undefined) {
    const tags = entityTags(match, true)
    if (tags !== 'any' && !tags.some((tag) => tag.replace(VARIANT, '') === etag.replace(VARIANT, ''))) return 412
  } else assertUnmodified(exchange, modifiedAt)
  const noneMatch = header(exchange, 'if-none-match')
  if (noneMatch !== undefined) {
    const tags = entityTags(noneMatch, false)
    return tags === 'any' || tags.includes(etag) ? 304 : undefined
  }
  const since = Date.parse(header(exchange, 'if-modified-since') ?? '')
  return !Number.isNaN(since) && seconds(modifiedAt.getTime()) <= seconds(since) ? 304 : undefined
}
