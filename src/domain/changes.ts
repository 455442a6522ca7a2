import type { Id } from './actor.ts'
import { DomainError } from './errors.ts'

/** A stream at one moment. The stamp is random, so a branch lost in a restore never has the same one. 63 bits each. */
export interface Head {
  readonly revision: bigint
  readonly stamp: bigint
}

export const NEVER: Head = { revision: 0n, stamp: 0n }

/** The state of a collection: an overlay of a base stream and an own stream. */
export interface Heads {
  readonly base: Head
  readonly own: Head
}

/** What a change token says (docs/sync.md): the collection, both heads, and where a paged answer goes on. */
export interface ChangeToken extends Heads {
  readonly collectionId: Id
  readonly page?: {
    /** The last member of the page before. */
    readonly after: string
    /** What the first page started from; absent in an initial listing. */
    readonly since?: Heads
  }
}

const PREFIX = 'urn:kith:sync:1:'
const BIGGEST = (1n << 63n) - 1n

const headText = ({ revision, stamp }: Head): string => `${revision}:${stamp}`

export function formatToken({ collectionId, base, own, page }: ChangeToken): string {
  const heads = `${PREFIX}${collectionId}:${headText(base)}:${headText(own)}`
  if (!page) return heads
  const since = page.since ? `${headText(page.since.base)}:${headText(page.since.own)}` : ''
  return `${heads}:${Buffer.from(`${since}\n${page.after}`).toString('base64url')}`
}

export const tokenRefused = (): DomainError =>
  new DomainError('token-refused', 'This token is not valid here (any more): list the whole collection again')

/** @throws DomainError `token-refused` */
export function parseToken(text: string): ChangeToken {
  if (!text.startsWith(PREFIX) || text.length > 2_000) throw tokenRefused()
  const [collectionId = '', ...rest] = text.slice(PREFIX.length).split(':')
  if (rest.length !== 4 && rest.length !== 5) throw tokenRefused()
  const heads = parseHeads(rest.slice(0, 4))
  const cursor = rest[4]
  if (cursor === undefined) return { collectionId, ...heads }
  const [since = '', after, ...more] = pageText(cursor).split('\n')
  if (after === undefined || after.includes('\0') || more.length > 0) throw tokenRefused()
  return {
    collectionId,
    ...heads,
    page: { after, ...(since === '' ? {} : { since: parseHeads(since.split(':')) }) },
  }
}

function pageText(cursor: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(cursor, 'base64url'))
  } catch {
    throw tokenRefused()
  }
}

function parseHeads(numbers: readonly string[]): Heads {
  const [baseRevision, baseStamp, ownRevision, ownStamp] = numbers.map((digits) => {
    const number = /^\d{1,19}$/.test(digits) ? BigInt(digits) : -1n
    if (number < 0n || number > BIGGEST) throw tokenRefused()
    return number
  })
  if (ownStamp === undefined || baseRevision === undefined || baseStamp === undefined || ownRevision === undefined) {
    throw tokenRefused()
  }
  return { base: { revision: baseRevision, stamp: baseStamp }, own: { revision: ownRevision, stamp: ownStamp } }
}

/** A stream as read for checking a token against it. */
export interface StreamState extends Head {
  readonly floor: Head
  /** The stamp that the journal records at the revision asked for, if it does. */
  readonly stampThere?: bigint
}

/** Whether the stream was ever at `claimed`, and remembers everything since. */
export function remembers(stream: StreamState, claimed: Head): boolean {
  if (claimed.revision > stream.revision || claimed.revision < stream.floor.revision) return false
  if (claimed.revision === stream.revision) return claimed.stamp === stream.stamp
  if (claimed.revision === stream.floor.revision) return claimed.stamp === stream.floor.stamp
  return claimed.stamp === stream.stampThere
}

/** What a journal row is about: a card of the collection, or one of a person's books. */
export type ChangeKind = 'card' | 'book'

/** One change, to be recorded when the transaction ends. */
export interface Change {
  readonly streamId: Id
  /** The resource name. */
  readonly member: string
  readonly kind: ChangeKind
  /** Set where only those who are or were in the team may hear of it. */
  readonly teamId?: Id
}
