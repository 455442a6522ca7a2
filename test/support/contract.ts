import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Compile, type Validator } from 'typebox/schema'
import { type Answer, ask } from './kith.ts'

interface Documented {
  readonly headers?: Readonly<Record<string, { readonly required?: boolean }>>
  readonly content?: Readonly<Record<string, { readonly schema: object }>>
}
interface Operation {
  readonly operationId: string
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> }
  readonly responses: Readonly<Record<string, Documented>>
}
type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>

/** Where a run of the suite gathers which documented answers were given: see tools/test.mjs. */
const SEEN = process.env.KITH_TEST_SEEN

/** What the served OpenAPI document promises; an answer that is not so is an error in the test that got it. */
export class Contract {
  readonly #paths: Paths
  readonly #validators = new Map<object, Validator>()
  readonly #noted = new Set<string>()
  private constructor(paths: Paths) {
    this.#paths = paths
    const all = Object.values(paths).flatMap((operations) => Object.values(operations))
    for (const { operationId, responses } of all) {
      for (const status of Object.keys(responses)) this.#note('documented', `${operationId} ${status}`)
    }
  }

  static async of(url: string): Promise<Contract> {
    const { text } = await ask(url, 'GET', '/api/v1/openapi.json')
    const { paths } = JSON.parse(text) as { paths: Paths } // an OpenAPI document, which is checked as such elsewhere
    return new Contract(paths)
  }

  /** Every operation, with its path below /api/v1. */
  operations(): { readonly method: string; readonly path: string; readonly operation: Operation }[] {
    return Object.entries(this.#paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]) => {
        return { method: method.toUpperCase(), path: path.replace('/api/v1', ''), operation }
      }),
    )
  }

  /** @param path as it was asked for, below /api/v1 @throws where the answer is not as documented */
  judge(method: string, path: string, answer: Answer): void {
    if (/%(?![0-9a-f]{2})/i.test(path)) return // no address at all
    const operations = this.#at(`/api/v1${path.replace(/\?.*/s, '')}`)
    const operation = operations?.[method === 'HEAD' ? 'get' : method.toLowerCase()]
    const others = operations ? 405 : 404
    const problem = operation ? this.#problem(operation, method, answer) : isOneOf(answer, [401, 403, 429, 503, others])
    if (problem === undefined) return
    const { status, text } = answer
    throw new Error(`${method} ${path} ${status} ${operation?.operationId}: ${problem}\n${text.slice(0, 2_000)}`)
  }

  #problem(
    { operationId, responses }: Operation,
    method: string,
    { status, headers, text }: Answer,
  ): string | undefined {
    const documented = responses[status]
    if (!documented) return 'is not documented'
    this.#note('seen', `${operationId} ${status}`)
    const lacks = Object.entries(documented.headers ?? {}).filter(
      ([name, { required }]) => required && headers[name.toLowerCase()] === undefined,
    )
    if (lacks.length > 0) return `lacks ${lacks.map(([name]) => name)}`
    if (method === 'HEAD' || !documented.content) return text === '' ? undefined : 'should be empty'
    const type = headers['content-type']?.split(';')[0] ?? 'of none'
    const schema = documented.content[type]?.schema
    if (!schema) return `its type is ${type}`
    if (!type.endsWith('json')) return undefined
    const [right, errors] = this.#validator(schema).Errors(JSON.parse(text))
    return right ? undefined : `is not as its schema says: ${JSON.stringify(errors)}`
  }

  /** A path without a parameter goes first. */
  #at(path: string): Readonly<Record<string, Operation>> | undefined {
    const templates = Object.keys(this.#paths).sort((a, b) => a.split('{').length - b.split('{').length)
    const found = templates.find((one) => new RegExp(`^${one.replace(/\{\w+\}/g, '[^/]+')}$`).test(path))
    return found === undefined ? undefined : this.#paths[found]
  }

  #validator(schema: object): Validator {
    const made = this.#validators.get(schema) ?? Compile(schema)
    this.#validators.set(schema, made)
    return made
  }

  #note(what: 'documented' | 'seen', line: string): void {
    if (SEEN === undefined || this.#noted.has(`${what} ${line}`)) return
    this.#noted.add(`${what} ${line}`)
    mkdirSync(SEEN, { recursive: true })
    appendFileSync(join(SEEN, `${what}-${process.pid}`), `${line}\n`)
  }
}

const isOneOf = ({ status }: Answer, statuses: readonly number[]): string | undefined =>
  statuses.includes(status) ? undefined : 'is no operation of the document'
