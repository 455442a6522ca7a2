import { randomUUID } from 'node:crypto'
import type { Id } from '#domain'
import type { Answer } from '../context.ts'
import type { Reading } from './condition.ts'
import {
  assertSchema,
  BULK_REQUEST,
  BULK_RESPONSE,
  badRequest,
  errorBody,
  isObject,
  type Json,
  type JsonObject,
  member,
  ScimError,
} from './messages.ts'

/** One operation of a bulk request (RFC 7644 §3.7), with the references in it resolved. */
export interface BulkOperation {
  readonly method: string
  /** Such as `/Users/ID`. */
  readonly path: string
  readonly version?: string
  readonly data: JsonObject | undefined
  /** The id that what it makes gets. */
  readonly newId?: Id
}

interface Planned {
  readonly method: string
  readonly path: string
  readonly version: string | undefined
  readonly data: Json | undefined
  readonly bulkId: string | undefined
  /** The id that what it makes gets: so those that refer to it can be written before and after it. */
  readonly newId?: Id
  /** The places of the operations that it refers to. */
  readonly needs: readonly number[]
  readonly unknown: string | undefined
}

const METHODS: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])
const REFERENCE = /bulkId:([^"'\]\s/]+)/g

/** Does one operation; @throws what it refuses */
export type Perform = (operation: BulkOperation) => Promise<Answer>
export type Refused = (error: unknown) => ScimError | undefined

/**
 * The BulkResponse to a BulkRequest. Each operation is wholly applied or not at all; one that refers to another by its
 * bulkId comes after it, wherever it is written, and fails with it. @throws ScimError
 */
export async function bulk(
  body: JsonObject,
  perform: Perform,
  refused: Refused,
  { maxOperations, strict, base }: { readonly maxOperations: number } & Reading,
): Promise<object> {
  assertSchema(body, BULK_REQUEST, strict)
  const given = member(body, 'Operations')
  if (!Array.isArray(given)) throw badRequest('invalidSyntax', '"Operations" has to be a list')
  if (given.length > maxOperations) {
    throw new ScimError(413, `There are ${given.length} operations: send at most ${maxOperations} at once`)
  }
  const limit = failOnErrors(member(body, 'failOnErrors'))
  const planned = plan(given)
  const results = new Map<number, object>()
  const failed = new Set<number>()
  for (const at of inOrder(planned)) {
    if (limit > 0 && failed.size >= limit) break
    const operation = planned[at]
    if (!operation) continue
    const broken = operation.needs.find((need) => failed.has(need))
    const { result, ok } = await performed(
      operation,
      broken === undefined ? undefined : planned[broken],
      perform,
      refused,
      base,
    )
    results.set(at, result)
    if (!ok) failed.add(at)
  }
  const Operations = [...results].sort(([one], [other]) => one - other).map(([, result]) => result)
  return { schemas: [BULK_RESPONSE], Operations }
}

function failOnErrors(given: Json | undefined): number {
  if (given === undefined || given === null) return 0
  if (typeof given !== 'number' || !Number.isSafeInteger(given) || given < 0) {
    throw badRequest('invalidSyntax', '"failOnErrors" has to be a whole number')
  }
  return given
}

function plan(given: readonly Json[]): Planned[] {
  const texts = given.map((one, at) => {
    if (!isObject(one)) throw badRequest('invalidSyntax', `Operations[${at}] has to be an object`)
    const text = (name: string) => {
      const value = member(one, name)
      return typeof value === 'string' ? value : undefined
    }
    return {
      method: text('method')?.toUpperCase() ?? '',
      path: text('path') ?? '',
      version: text('version'),
      data: member(one, 'data'),
      bulkId: text('bulkId'),
    }
  })
  const makers = new Map<string, { at: number; id: Id }>()
  for (const [at, { bulkId, method }] of texts.entries()) {
    if (bulkId === undefined || method !== 'POST') continue
    if (makers.has(bulkId)) throw badRequest('invalidSyntax', `The bulkId "${bulkId}" is given twice`)
    makers.set(bulkId, { at, id: randomUUID() })
  }
  return texts.map((one, at) => {
    const needs = new Set<number>()
    let unknown: string | undefined
    const resolved = (text: string): string =>
      text.replace(REFERENCE, (whole, bulkId: string) => {
        const maker = makers.get(bulkId)
        if (!maker) unknown ??= bulkId
        else if (maker.at !== at) needs.add(maker.at)
        return maker?.id ?? whole
      })
    const path = resolved(one.path)
    const data = deep(one.data, resolved)
    const own = one.bulkId === undefined || one.method !== 'POST' ? undefined : makers.get(one.bulkId)
    return { ...one, path, data, needs: [...needs], unknown, ...(own ? { newId: own.id } : {}) }
  })
}

/** The value with each text that refers to a bulkId replaced: references are whole texts, or in a path or address. */
function deep(value: Json | undefined, resolved: (text: string) => string): Json | undefined {
  if (typeof value === 'string') return /(?:^|[/"])bulkId:/.test(value) ? resolved(value) : value
  if (Array.isArray(value)) return value.map((one) => deep(one, resolved) ?? null)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, deep(one, resolved)]))
}

/** Each after those that it refers to, else as they are written; of a circle, one begins. */
function inOrder(planned: readonly Planned[]): number[] {
  const order: number[] = []
  const seen = new Set<number>()
  for (const first of planned.keys()) {
    const stack = [{ at: first, next: 0 }]
    if (seen.has(first)) continue
    seen.add(first)
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const need = planned[top.at]?.needs[top.next]
      top.next += 1
      if (need === undefined) {
        order.push(top.at)
        stack.pop()
      } else if (!seen.has(need)) {
        seen.add(need)
        stack.push({ at: need, next: 0 })
      }
    }
  }
  return order
}

/** RFC 7644 §3.7: where the resource is, as a whole address. */
const address = (path: string, base: string): string =>
  path.startsWith(base) ? path : `${base}/${path.replace(/^\/+/, '')}`

async function performed(
  { method, path, version, data, bulkId, newId, unknown }: Planned,
  broken: Planned | undefined,
  perform: Perform,
  refused: Refused,
  base: string,
): Promise<{ result: object; ok: boolean }> {
  const head = { method, ...(bulkId === undefined ? {} : { bulkId }) }
  try {
    if (!METHODS.has(method))
      throw badRequest('invalidSyntax', `An operation has the method POST, PUT, PATCH or DELETE`)
    if (unknown !== undefined) throw badRequest('invalidValue', `No operation makes "bulkId:${unknown}"`)
    if (broken) throw new ScimError(409, `It refers to "bulkId:${broken.bulkId}", which was not made`, 'invalidValue')
    if (data !== undefined && data !== null && !isObject(data))
      throw badRequest('invalidSyntax', '"data" has to be an object')
    const { status, location, etag } = await perform({
      method,
      path,
      data: data ?? undefined,
      ...(version === undefined ? {} : { version }),
      ...(newId === undefined ? {} : { newId }),
    })
    const where = location ?? (method === 'DELETE' ? address(path, base) : undefined)
    return {
      ok: true,
      result: {
        ...(where === undefined ? {} : { location: where }),
        ...head,
        ...(etag === undefined ? {} : { version: etag }),
        status: String(status),
      },
    }
  } catch (error) {
    const refusal = refused(error)
    if (!refusal) throw error
    return {
      ok: false,
      result: {
        ...head,
        ...(method === 'POST' ? {} : { location: address(path, base) }),
        status: String(refusal.status),
        response: errorBody(refusal),
      },
    }
  }
}
