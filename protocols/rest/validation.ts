import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import type { FastifySchemaCompiler } from 'fastify'
import { type FieldProblem, Problem } from './problems.ts'

/** An error of TypeBox, which is one of JSON Schema (a JSON pointer to what is wrong). */
interface SchemaError {
  readonly instancePath?: string
  readonly message?: string
  readonly params?: {
    readonly requiredProperties?: readonly string[]
    readonly additionalProperties?: readonly string[]
  }
}

/** A body that is a file: what it holds is checked by its route. */
export const FILE = { type: 'string', contentEncoding: 'binary' } as const

/** Of `data` each field is checked by the domain; headers are read where they are used. */
export const validator: FastifySchemaCompiler<never> = (route) => {
  const schema: { readonly properties?: Readonly<Record<string, unknown>>; readonly contentEncoding?: string } =
    route.schema
  if (route.httpPart === 'headers' || schema.contentEncoding === FILE.contentEncoding) return () => true
  const { properties = {} } = schema
  const checked = 'data' in properties ? { ...schema, properties: { ...properties, data: {} } } : schema
  const check = TypeBoxValidatorCompiler({ ...route, httpPart: 'body', schema: checked as never }) // any schema will do
  return route.httpPart === 'body' ? check : (texts: Texts) => check(read(texts, properties))
}

type Texts = Readonly<Record<string, unknown>>

/** Texts of an address that are to be numbers or truths, if they are any: TypeBox would have `limit=true` be 1. */
const read = (texts: Texts, properties: Texts): Texts =>
  Object.fromEntries(
    Object.entries(texts).map(([name, text]) => {
      const { type } = (properties[name] ?? {}) as { type?: string } // a JSON Schema
      if (type === 'integer' && /^-?\d{1,15}$/.test(String(text))) return [name, Number(text)]
      if (type === 'boolean' && (text === 'true' || text === 'false')) return [name, text === 'true']
      return [name, text]
    }),
  )

/** What a request is answered with whose parts are not as its route's schemas say. */
export function wrong(errors: readonly SchemaError[], part: string): Problem {
  const found = errors.flatMap(({ instancePath = '', message = '', params = {} }): FieldProblem[] => {
    const at = fieldOf(instancePath)
    const under = (names: readonly string[], problem: string) =>
      names.map((name) => ({ field: at === '' ? name : `${at}.${name}`, problem }))
    if (params.requiredProperties) return under(params.requiredProperties, 'is required')
    if (params.additionalProperties) return under(params.additionalProperties, 'is not known')
    return message === 'schema is false' ? [] : [{ field: at === '' ? part : at, problem: message }] // told by name too
  })
  const one = new Map(found.map((error) => [`${error.field} ${error.problem}`, error]))
  const body = part === 'body'
  return new Problem(body ? 422 : 400, body ? 'invalid-data' : 'bad-request', 'Some fields cannot be so', {
    errors: [...one.values()],
  })
}

/** `/data/emails/0/type` as `data.emails[0].type`. */
const fieldOf = (pointer: string): string =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : path === '' ? part : `${path}.${part}`), '')
