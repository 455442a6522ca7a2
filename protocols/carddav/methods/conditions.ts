import type { Condition, Id, Lock, State } from '#domain'
import { asId, collectionId } from '#domain'
import { DavError } from '../preconditions.ts'
import { findResource, isCard } from '../resources.ts'
import { type Address, hrefPath, parsePath } from '../urls.ts'
import { type Exchange, header } from './exchange.ts'
import { type IfList, parseIf } from './if-header.ts'

const ENTITY_TAG = /(W\/)?"([\x21\x23-\x7e\x80-\uffff]*)"/g
/** Marks the ETag of another rendering of the same card; the card is the same one. */
const VARIANT = /\.[34j]$/

/** RFC 9110 §13.1.1, §8.8.3. Weak tags match nothing where a strong comparison is asked for. */
function entityTags(value: string, strong: boolean): 'any' | string[] {
  if (value.trim() === '*') return 'any'
  return [...value.matchAll(ENTITY_TAG)].filter(([, weak]) => !(strong && weak)).map(([, , tag]) => tag ?? '')
}

const LOCK_TOKEN = 'urn:uuid:'

export const lockToken = ({ id }: Pick<Lock, 'id'>): string => `${LOCK_TOKEN}${id}`

/** The lock that a token names, if it can be one of ours. */
export const lockInToken = (token: string): Id | undefined =>
  token.toLowerCase().startsWith(LOCK_TOKEN) ? asId(token.slice(LOCK_TOKEN.length)) : undefined

/** The conditions on a write, for the domain to check inside its transaction. */
export async function writeCondition(exchange: Exchange): Promise<Condition> {
  const match = header(exchange, 'if-match')
  const noneMatch = header(exchange, 'if-none-match')
  const withoutVariant = (tags: 'any' | string[]) =>
    tags === 'any' ? tags : tags.map((tag) => tag.replace(VARIANT, ''))
  return {
    ...(match === undefined ? {} : { match: withoutVariant(entityTags(match, true)) }),
    ...(noneMatch === undefined ? {} : { noneMatch: withoutVariant(entityTags(noneMatch, false)) }),
    ...(await ifCondition(exchange)),
  }
}

/** RFC 4918 §10.4: what the If header says of the request's resource, and the locks that it names. */
export async function ifCondition(exchange: Exchange): Promise<Pick<Condition, 'holds' | 'named'>> {
  const text = header(exchange, 'if')
  if (text === undefined) return {}
  const lists = parseIf(text)
  const named = lists.flatMap(({ conditions }) => conditions.flatMap(({ token = '' }) => lockInToken(token) ?? []))
  const member = memberOf(exchange.address)
  const fixed = new Map<IfList, boolean>()
  for (const list of lists) {
    const other = elsewhere(exchange, list)
    if (other) fixed.set(list, other.address !== undefined && holds(list, ...(await stateOf(exchange, other.address))))
    else if (hasSyncToken(list)) fixed.set(list, holds(list, ...(await stateOf(exchange, exchange.address))))
  }
  return {
    named,
    holds: (state) => lists.some((list) => fixed.get(list) ?? holds(list, state, tokensOf(state.locks, member))),
  }
}

const memberOf = (address: Address): string => (address.kind === 'card' ? address.card : '')
const hasSyncToken = ({ conditions }: IfList): boolean => conditions.some(({ token }) => token?.startsWith('urn:kith:'))

/** What a tagged list is about, where it is not the request's own resource; no address: nothing of ours. */
function elsewhere({ request, context, address }: Exchange, { resource }: IfList): { address?: Address } | undefined {
  if (resource === undefined) return undefined
  const path = hrefPath(resource, context.host)
  const named = path === undefined ? undefined : parsePath(path)
  if (named && JSON.stringify(named) === JSON.stringify(address)) return undefined
  if (path !== undefined && path === request.raw.url) return undefined
  return named ? { address: named } : {}
}

const tokensOf = (locks: readonly Lock[], member: string): string[] =>
  locks.filter((lock) => lock.member === member || (lock.member === '' && lock.whole)).map(lockToken)

/** What is at an address now, with its state tokens: locks, and of a book the sync token (RFC 6578 §5). */
async function stateOf({ context }: Exchange, address: Address): Promise<[State, string[]]> {
  const resource = await findResource(context, address, 'none')
  if (!resource) return [{ locks: [] }, []]
  if (isCard(resource)) {
    const locks = await context.locks.list(context.actor, collectionId(resource.collection))
    return [{ etag: resource.view.etag, locks }, tokensOf(locks, resource.view.name)]
  }
  if (resource.kind !== 'address-book') return [{ etag: '', locks: [] }, []]
  const locks = await context.locks.list(context.actor, resource.id)
  return [
    { etag: '', locks },
    [...tokensOf(locks, ''), await context.addressBooks.token(context.actor, resource.collection)],
  ]
}

const holds = ({ conditions }: IfList, { etag }: State, tokens: readonly string[]): boolean =>
  conditions.every(({ not, token, etag: wanted }) => {
    const is =
      token === undefined
        ? entityTags(wanted ?? '', true).includes(etag ?? '') ||
          (etag !== undefined && wanted?.replace(/^"|"$/g, '').replace(VARIANT, '') === etag)
        : tokens.includes(token)
    return is !== not
  })

/**
 * Checks the conditions of a request that writes no card: before it is carried out. @throws DavError 412
 */
export async function assertConditions(exchange: Exchange): Promise<void> {
  const conditions = await writeCondition(exchange)
  const { match, noneMatch, holds: ifHolds } = conditions
  if (!match && !noneMatch && !ifHolds) return
  const [state] = await stateOf(exchange, exchange.address)
  const matches = (tags: 'any' | readonly string[]) =>
    state.etag !== undefined && (tags === 'any' || tags.includes(state.etag))
  if ((match && !matches(match)) || (noneMatch && matches(noneMatch)) || (ifHolds && !ifHolds(state))) {
    throw new DavError(412, 'What is here is not (or no longer) what the condition says')
  }
}

const seconds = (date: number): number => Math.floor(date / 1000)

/** RFC 9110 §13.1.4, where there is no If-Match: says whether it was asked for. @throws DavError 412 */
export function assertUnmodified(exchange: Exchange, modifiedAt: Date | undefined): boolean {
  const value = header(exchange, 'if-unmodified-since')
  if (value === undefined || header(exchange, 'if-match') !== undefined) return false
  const since = Date.parse(value)
  if (Number.isNaN(since)) return false // an invalid date is ignored
  if (!modifiedAt || seconds(modifiedAt.getTime()) > seconds(since))
    throw new DavError(412, 'The card has changed since')
  return true
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
