const MESSAGES = 'urn:ietf:params:scim:api:messages:2.0'
export const ERROR = `${MESSAGES}:Error`
export const LIST_RESPONSE = `${MESSAGES}:ListResponse`
export const SEARCH_REQUEST = `${MESSAGES}:SearchRequest`
export const PATCH_OP = `${MESSAGES}:PatchOp`
export const BULK_REQUEST = `${MESSAGES}:BulkRequest`
export const BULK_RESPONSE = `${MESSAGES}:BulkResponse`
/** In the templates of OneLogin, of its connector for SCIM 2.0 too. */
const SCIM_1 = 'urn:scim:schemas:core:1.0'

/** RFC 7644 §3.12, and RFC 9865 §2.1 for the cursors. */
export type ScimType =
  | 'invalidFilter'
  | 'tooMany'
  | 'uniqueness'
  | 'mutability'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue'
  | 'sensitive'
  | 'invalidCursor'
  | 'invalidCount'

/** A request that is refused: `message` tells a person what to do. */
export class ScimError extends Error {
  readonly status: number
  readonly scimType?: ScimType
  /** Of a method that is not served: those that are. */
  readonly allow?: string
  constructor(status: number, message: string, scimType?: ScimType, allow?: string) {
    super(message)
    this.status = status
    if (scimType) this.scimType = scimType
    if (allow) this.allow = allow
  }
}

export const badRequest = (scimType: ScimType, message: string): ScimError => new ScimError(400, message, scimType)

/** RFC 7644 §3.12: the status is a string. */
export const errorBody = ({ status, scimType, message }: ScimError): object => ({
  schemas: [ERROR],
  status: String(status),
  ...(scimType ? { scimType } : {}),
  detail: message,
})

/** A JSON value as it came. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json | undefined
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What every object has by birth: nothing that a client sends may be called so. */
const BORN: ReadonlySet<string> = new Set([...Object.getOwnPropertyNames(Object.prototype), 'prototype'])
export const isBorn = (key: string): boolean => BORN.has(key)
const MAX_DEPTH = 32

function assertText(value: string): void {
  if (!value.isWellFormed() || value.includes('\0')) {
    throw badRequest('invalidValue', 'A text holds a NUL or half of a surrogate pair: leave it out')
  }
}

function assertHarmless(value: unknown, depth: number): void {
  if (depth > MAX_DEPTH) throw badRequest('invalidSyntax', `The body is nested more than ${MAX_DEPTH} deep`)
  if (typeof value === 'string') assertText(value)
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (const item of value) assertHarmless(item, depth + 1)
    return
  }
  for (const key of Object.keys(value)) {
    if (isBorn(key)) throw badRequest('invalidPath', `"${key}" is no attribute`)
    assertText(key)
    assertHarmless((value as JsonObject)[key], depth + 1) // it is an object and no list
  }
}

/** The JSON object that a body holds. @throws ScimError `invalidSyntax` */
export function parseBody(body: Uint8Array | undefined): JsonObject {
  if (!body || body.byteLength === 0) throw badRequest('invalidSyntax', 'The request has no body: send a JSON object')
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (error) {
    throw badRequest('invalidSyntax', `The body is no JSON: ${error instanceof Error ? error.message : error}`)
  }
  assertHarmless(value, 0)
  if (!isObject(value)) throw badRequest('invalidSyntax', 'The body has to be a JSON object')
  return value
}

/** The member of that name, in any case of its letters. */
export function member(body: JsonObject, name: string): Json | undefined {
  if (Object.hasOwn(body, name)) return body[name]
  const lower = name.toLowerCase()
  const key = Object.keys(body).find((one) => one.toLowerCase() === lower)
  return key === undefined ? undefined : body[key]
}

/** RFC 7643 §3.1: a body tells its schemas; lenient where it does not, or tells that of SCIM 1.1: some clients do so. */
export function assertSchema(body: JsonObject, id: string, strict: boolean): void {
  const schemas = member(body, 'schemas')
  if (schemas === undefined && !strict) return
  const known = [id.toLowerCase(), ...(strict ? [] : [SCIM_1])]
  const named =
    Array.isArray(schemas) && schemas.some((one) => typeof one === 'string' && known.includes(one.toLowerCase()))
  if (!named) throw badRequest('invalidSyntax', `"schemas" has to hold "${id}"`)
}
