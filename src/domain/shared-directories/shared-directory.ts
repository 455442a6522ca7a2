import type { Id } from '../actor.ts'
import { DomainError } from '../errors.ts'

/** A directory as one of those reads it who may. */
export interface SharedDirectory {
  readonly id: Id
  /** Of the organization that publishes it. */
  readonly organizationId: Id
  readonly publisher: string
  readonly name: string
  readonly description?: string
  /** Whether the reader's organization is subscribed. */
  readonly subscribed: boolean
  /** Whether the reader administers it, or edits its entries. */
  readonly administers: boolean
  readonly manages: boolean
  readonly createdAt: Date
}

export interface DirectoryChange {
  readonly name?: string
  /** null takes it away. */
  readonly description?: string | null
}

/** A contact of a directory, as those read it who edit it. */
export interface Entry {
  readonly id: Id
  readonly name: string
  readonly etag: string
  /** A 4.0 card. */
  readonly text: string
}

/** An offer as the publisher reads it: whether anybody has the domain is not told. */
export interface Offer {
  readonly id: Id
  readonly domain: string
  readonly accepted: boolean
  readonly createdAt: Date
}

/** An offer as an organization reads it that has the domain. */
export interface OfferReceived {
  readonly id: Id
  readonly domain: string
  readonly directoryId: Id
  /** The publisher's. */
  readonly organizationId: Id
  readonly publisher: string
  readonly name: string
  readonly description?: string
  readonly createdAt: Date
}

export interface Subscription {
  readonly id: Id
  readonly directoryId: Id
  readonly publisherId: Id
  readonly publisher: string
  readonly name: string
  readonly description?: string
  readonly createdAt: Date
}

/** Who accepted, as the publisher reads it. */
export interface Subscriber {
  readonly organizationId: Id
  readonly name: string
  readonly domains: readonly string[]
  readonly createdAt: Date
}

/** @throws DomainError `invalid-data` */
export function assertDirectory({ name, description }: DirectoryChange): void {
  const problems = [
    ...(name !== undefined && (name.trim() === '' || name.length > 200)
      ? [{ field: 'name', problem: 'has 1 to 200 characters' }]
      : []),
    ...(description && description.length > 2_000
      ? [{ field: 'description', problem: 'has at most 2000 characters' }]
      : []),
  ]
  if (problems.length > 0) throw new DomainError('invalid-data', 'Some fields cannot be so', { problems })
}
