import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest, RawServerDefault } from 'fastify'
import type {
  Actor,
  AddressBooks,
  BookService,
  ColleagueService,
  ConnectorWork,
  ContactBatch,
  ContactDataService,
  ContactFeed,
  ContactImport,
  DirectoryEntryService,
  HistoryService,
  HookService,
  InvitationService,
  JoinRequestService,
  OrganizationWork,
  OwnProfileService,
  SharedDirectoryService,
  SubscriptionService,
  TeamWork,
} from '#domain'
import { ProblemDetails } from './schemas.ts'

export interface Services {
  readonly contactData: ContactDataService
  readonly addressBooks: AddressBooks
  readonly books: BookService
  readonly contactFeed: ContactFeed
  readonly contactBatch: ContactBatch
  readonly contactImport: ContactImport
  readonly history: HistoryService
  readonly ownProfile: OwnProfileService
  readonly sharedDirectories: SharedDirectoryService
  readonly directoryEntries: DirectoryEntryService
  readonly subscriptions: SubscriptionService
  readonly teamWork: TeamWork
  readonly joinRequests: JoinRequestService
  readonly invitations: InvitationService
  readonly colleagues: ColleagueService
  readonly organizationWork: OrganizationWork
  readonly connectorWork: ConnectorWork
  readonly hooks: HookService
  /** Where a card is in CardDAV. */
  readonly cardHref: (actor: Actor, book: string, name: string) => string
}

export interface Context extends Services {
  /** Who was let in. */
  readonly actorOf: (request: FastifyRequest) => Actor
}

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

const DESCRIPTIONS = {
  400: 'The request cannot be read',
  401: 'No token that is valid',
  403: 'The token is no person’s',
  404: 'Nothing is here, or not for you',
  410: 'This token is not valid here (any more): list anew, without one',
  409: 'Something of the kind is there already',
  412: 'It is not what If-Match says',
  413: 'Too large',
  415: 'Not JSON',
  422: 'Some fields cannot be so: errors names them',
  423: 'A device has locked it',
  429: 'Too many requests: Retry-After says when to go on',
  503: 'Too busy just now: Retry-After says when to try again',
} as const

const RETRY = { 'Retry-After': { type: 'integer', description: 'In seconds' } }
const HEADERS = { 401: { 'WWW-Authenticate': { type: 'string', description: 'Bearer' } }, 429: RETRY, 503: RETRY }

/** The refusals that a route may answer with, beside those that every route may. */
export const refusals = (...statuses: readonly (keyof typeof DESCRIPTIONS)[]) =>
  Object.fromEntries(
    [...new Set([401, 403, ...statuses, 429, 503] as const)].map((status) => [
      status,
      {
        description: DESCRIPTIONS[status],
        ...(status in HEADERS ? { headers: HEADERS[status as keyof typeof HEADERS] } : {}), // it is one of them
        content: { 'application/problem+json': { schema: ProblemDetails } },
      },
    ]),
  )

export const json = (description: string, schema: object) => ({
  description,
  headers: { ETag: { type: 'string', description: 'Names this state' } },
  content: { 'application/json': { schema } },
})
export const empty = (description: string) => ({ description, type: 'null' })

/** RFC 9110 §13.1 */
export const IfMatch = { 'if-match': { type: 'string', description: 'The ETag of what you read: else 412' } }
export const IfNoneMatch = { 'if-none-match': { type: 'string', description: 'An ETag that you have: then 304' } }
export const headers = (...sets: readonly object[]) => ({ type: 'object', properties: Object.assign({}, ...sets) })
