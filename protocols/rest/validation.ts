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

type Compiled = ReturnType<FastifySchemaCompiler<never>>

/** A body that is a file: what it holds is checked by its route. */
export const FILE = { type: 'string', contentEncoding: 'binary' } as const

/** Of `data` each field is checked by the domain; headers are read where they are used. */
export const validator: FastifySchemaCompiler<never> = (route) => {
  const schema: { readonly properties?: Readonly<Record<string, unknown>>; readonly contentEncoding?: string } =
    route.schema
  if (route.httpPart === 'headers' || schema.contentEncoding === FILE.contentEncoding) return () => true
  const { properties = {} } = schema
  const checked = 'data' in properties ? { ...schema, properties: { ...properties, data: {} } } : schema
  const compiled = TypeBoxValidatorCompiler({ ...route, httpPart: 'body', schema: checked as never }) // any schema will do
  const check = compiled as Validate // that is what it answers
  if (route.httpPart === 'body') return withoutNul(check) as Compiled
  const checkTexts = (texts: Texts) => check(read(texts, properties))
  return (route.httpPart === 'querystring' ? withoutNul(checkTexts) : checkTexts) as Compiled // `wrong` reads its errors
}

type Validate = (value: Texts) => { readonly error?: unknown; readonly value?: unknown }

/**
 * No text that the database keeps has a NUL; of `data` the domain says so, which names each field. What is wrong by its
 * schema is not looked at: it may be nested without end.
 */
const withoutNul =
  (check: Validate): Validate =>
  (value) => {
    const result = check(value)
    const instancePath = result.error ? undefined : nulIn(value, '')
    return instancePath === undefined ? result : { error: [{ instancePath, message: 'has a NUL' }] }
  }

/** Where there is one, as a JSON pointer; a field whose name has one is the field itself. */
function nulIn(value: unknown, at: string): string | undefined {
  if (typeof value === 'string') return value.includes('\0') ? at : undefined
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, inner] of Object.entries(value)) {
    if (name === 'data') continue
    const found = name.includes('\0') ? at : nulIn(inner, `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`)
    if (found !== undefined) return found
  }
  return undefined
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
