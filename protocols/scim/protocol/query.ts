import { hash } from 'node:crypto'
import { type AttributeOrder, asId, type Position } from '#domain'
import { subAttribute } from '../schema/attribute.ts'
import { type Name, type ResourceType, resolve } from '../schema/resource-type.ts'
import { parsedFilter } from './condition.ts'
import { type Filter, FilterSyntaxError, type Path, parsePath } from './filter.ts'
import {
  assertSchema,
  badRequest,
  type Json,
  type JsonObject,
  member,
  type ScimError,
  SEARCH_REQUEST,
} from './messages.ts'

export const DEFAULT_PAGE = 100
export const MAX_PAGE = 1_000

/** Where a page of a list is: by the number of its first resource (from 1), or by a cursor (RFC 9865). */
export type Place = { readonly startIndex: number } | { readonly cursor: Cursor | undefined }

/** Where the page before ended. */
export interface Cursor extends Position {
  /** Which of the lists that are searched one after the other. */
  readonly list: number
  /** How many there are, as the first page counted them. */
  readonly total: number
}

/** RFC 7644 §3.4.2, §3.4.3 */
export interface Query {
  readonly filter?: Filter
  readonly sortBy?: Name
  readonly descending: boolean
  readonly place: Place
  readonly count: number
  readonly attributes: readonly Name[]
  readonly excludedAttributes: readonly Name[]
  /** Tells queries apart: a cursor is of one. */
  readonly fingerprint: string
}

type Parameters = (name: string) => Json | undefined

/** Of a query string, or of a search request; names are in any case, an empty value is none. */
export function queryOf(parameters: Parameters): Query {
  const filter = text(parameters, 'filter')
  const sortBy = text(parameters, 'sortBy')
  const sortOrder = text(parameters, 'sortOrder')?.toLowerCase() ?? 'ascending'
  if (sortOrder !== 'ascending' && sortOrder !== 'descending') {
    throw badRequest('invalidValue', '"sortOrder" is ascending or descending')
  }
  const cursor = parameters('cursor')
  const asked = JSON.stringify([filter ?? '', sortBy?.toLowerCase() ?? '', sortOrder])
  const fingerprint = hash('sha256', asked, 'base64url').slice(0, 12)
  const count = integer(parameters, 'count', cursor === undefined ? 'invalidValue' : 'invalidCount') ?? DEFAULT_PAGE
  return {
    ...(filter === undefined ? {} : { filter: parsedFilter(filter) }),
    ...(sortBy === undefined ? {} : { sortBy: parsedName(sortBy) }),
    descending: sortOrder === 'descending',
    place:
      cursor === undefined
        ? { startIndex: Math.max(1, integer(parameters, 'startIndex', 'invalidValue') ?? 1) }
        : { cursor: cursorOf(cursor, fingerprint) },
    count: Math.min(Math.max(0, count), MAX_PAGE),
    ...selected(parameters),
    fingerprint,
  }
}

/** What a client wants to see. */
export const selected = (parameters: Parameters): Pick<Query, 'attributes' | 'excludedAttributes'> => ({
  attributes: names(parameters('attributes')),
  excludedAttributes: names(parameters('excludedAttributes')),
})

/** The parameters of a query string. */
export function inUrl(search: string): Parameters {
  const found = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(search)) {
    if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), value)
  }
  return (name) => found.get(name.toLowerCase())
}

/** The parameters of a search request. @throws ScimError */
export function inBody(body: JsonObject, strict: boolean): Parameters {
  assertSchema(body, SEARCH_REQUEST, strict)
  return (name) => member(body, name) ?? undefined
}

function text(parameters: Parameters, name: string): string | undefined {
  const value = parameters(name)
  if (value === undefined || value === '') return undefined
  if (typeof value !== 'string') throw badRequest('invalidValue', `"${name}" has to be a text`)
  return value
}

function integer(parameters: Parameters, name: string, scimType: 'invalidValue' | 'invalidCount'): number | undefined {
  const value = parameters(name)
  if (value === undefined || value === '') return undefined
  const number = typeof value === 'string' && /^\s*[+-]?\d{1,15}\s*$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) {
    throw badRequest(scimType, `"${name}" has to be a whole number`)
  }
  return number
}

/**
 * RFC 7644 §3.9: names with commas between; of a search request a list. Entra ID's tests ask for `emails[type eq "work"]`:
 * that is all of the attribute.
 */
function names(value: Json | undefined): Name[] {
  const list = typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value : []
  return list.flatMap((one: Json) => {
    const name = typeof one === 'string' ? one.trim() : ''
    return name === '' ? [] : [parsedPath(name).attribute]
  })
}

function parsedName(text: string): Name {
  const { attribute, filter } = parsedPath(text)
  if (!filter) return attribute
  throw notName(text)
}

function parsedPath(text: string): Path {
  try {
    return parsePath(text)
  } catch (error) {
    if (error instanceof FilterSyntaxError) throw notName(text)
    throw error
  }
}

const notName = (text: string): ScimError => badRequest('invalidValue', `"${text}" is no name of an attribute`)

/** What a list of that type is ordered by; undefined for a type that does not have it. @throws ScimError `invalidValue` */
export function orderOf(
  { sortBy, descending }: Query,
  type: ResourceType,
  strict: boolean,
): AttributeOrder | undefined {
  if (!sortBy) return undefined
  const target = resolve(type, sortBy, strict)
  if (!target || 'extension' in target)
    throw badRequest('invalidValue', `A ${type.name} is not sorted by "${sortBy.name}"`)
  const { attribute, sub } = target
  if (attribute.type !== 'complex') {
    return { path: [attribute.name], descending, caseExact: attribute.caseExact }
  }
  // addresses of resources are ordered as their ids are
  const part = sub?.name === '$ref' ? undefined : sub
  const leaf = part ?? subAttribute(attribute, 'value') ?? subAttribute(attribute, 'formatted')
  if (!leaf) throw badRequest('invalidValue', `Say which part of "${attribute.name}" to sort by`)
  const { caseExact } = leaf
  if (attribute.multiValued) return { path: [attribute.name], part: leaf.name, descending, caseExact }
  return { path: [attribute.name, leaf.name], descending, caseExact }
}

export const cursorText = ({ list, total, id, key }: Cursor, fingerprint: string): string =>
  Buffer.from(JSON.stringify([fingerprint, list, total, id, key])).toString('base64url')

/** RFC 9865 §2: an empty cursor asks for the first page. @throws ScimError `invalidCursor` */
function cursorOf(given: Json, fingerprint: string): Cursor | undefined {
  if (given === '') return undefined
  const invalid = badRequest('invalidCursor', 'This cursor is of no list, or of another one: start again without it')
  if (typeof given !== 'string' || given.length > 8_192) throw invalid
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(given, 'base64url').toString('utf8'))
  } catch {
    throw invalid
  }
  if (!Array.isArray(parts)) throw invalid
  const [print, list, total, id, key] = parts as unknown[] // looked at one by one
  if (print !== fingerprint || (list !== 0 && list !== 1) || !Number.isSafeInteger(total)) throw invalid
  if (typeof id !== 'string' || asId(id) !== id) throw invalid
  if (key !== null && (typeof key !== 'string' || key.includes('\0') || !key.isWellFormed())) throw invalid
  return { list, total: Number(total), id, key }
}
