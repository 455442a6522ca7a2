import { isDeepStrictEqual } from 'node:util'
import { type Answer, at, Failure, listAt, shown, textAt, told } from './answer.ts'
import type { Client } from './client.ts'
import type { State } from './state.ts'

/** What a server may leave out, as its discovery tells. `User.title` and the like: an attribute of that type. */
export type Need =
  | 'patch'
  | 'bulk'
  | 'filter'
  | 'sort'
  | 'etag'
  | 'index'
  | 'cursor'
  | 'groups'
  | 'enterprise'
  | `${'User' | 'Group'}.${string}`

/** One thing that a SCIM server is to do. */
export interface Check {
  /** `RFC 7644 §3.4.2.2`: where it is said. */
  readonly section: string
  readonly title: string
  /** Not supported where the server says that it does not have one of these. */
  readonly needs?: readonly Need[]
  /** It makes and changes nothing, and needs nothing that was made. */
  readonly reads?: true
  /** @throws Failure, NotSupported */
  readonly run: (client: Client, state: State) => Promise<void>
}

export const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error'
export const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'
export const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
export const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group'
export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

/** Several checks of one section. */
export const under = (section: string, ...checks: readonly Omit<Check, 'section'>[]): Check[] =>
  checks.map((check) => ({ section, ...check }))

export function status(answer: Answer, ...expected: readonly number[]): void {
  if (!expected.includes(answer.status)) throw new Failure(expected.join(' or '), told(answer), answer.sent)
}

export function same(answer: Answer, what: string, got: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(got, expected)) {
    throw new Failure(`${what} ${shown(expected)}`, shown(got), answer.sent)
  }
}

export function holds(answer: Answer, condition: boolean, expected: string, got: unknown): void {
  if (!condition) throw new Failure(expected, shown(got), answer.sent)
}

/** RFC 7644 §3.12: a refusal as the standard has it, with one of these scimTypes where there is to be one. */
export function refusal(answer: Answer, statuses: readonly number[], ...scimTypes: readonly string[]): void {
  status(answer, ...statuses)
  holds(answer, listAt(answer.json, 'schemas').includes(ERROR), `a body of ${ERROR}`, answer.json ?? answer.text)
  holds(
    answer,
    String(at(answer.json, 'status')) === String(answer.status),
    `"status" ${answer.status} in the body`,
    at(answer.json, 'status'),
  )
  const scimType = textAt(answer.json, 'scimType')
  if (answer.status === 400 && scimTypes.length > 0) {
    holds(answer, scimTypes.includes(scimType), `scimType ${scimTypes.join(' or ')}`, scimType || told(answer))
  }
}

/** The resources of a list; their number is checked against what the list says of itself. */
export function resources(answer: Answer): readonly unknown[] {
  status(answer, 200)
  holds(answer, listAt(answer.json, 'schemas').includes(LIST), `a body of ${LIST}`, answer.json ?? answer.text)
  const found = listAt(answer.json, 'Resources')
  const { totalResults, itemsPerPage } = answer.json as { totalResults?: unknown; itemsPerPage?: unknown } // an object, just seen
  holds(
    answer,
    totalResults === undefined || (Number.isSafeInteger(totalResults) && Number(totalResults) >= found.length),
    'a "totalResults" that counts them',
    totalResults,
  )
  if (itemsPerPage !== undefined) same(answer, 'itemsPerPage', itemsPerPage, found.length)
  return found
}

/** @param path `/Users` and the like, or `/Users/…` */
export const withQuery = (path: string, parameters: Readonly<Record<string, string | number>>): string => {
  const words = Object.entries(parameters).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  return words.length === 0 ? path : `${path}?${words.join('&')}`
}
