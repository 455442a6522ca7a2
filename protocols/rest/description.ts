type Writable = { [name: string]: unknown }
/** The parts of an OpenAPI 3.1 document that something is added to. */
interface Operation {
  readonly operationId?: string
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
  readonly responses: Readonly<Record<string, Response>>
}
interface Response {
  headers?: Writable
  links?: Writable
  content?: Readonly<Record<string, { readonly schema?: { readonly properties?: object } }>>
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

const header = (type: string, text: string) => ({ schema: { type }, description: text })
const LIMITS = {
  'RateLimit-Policy': header('string', 'How many requests (q) a person may make in how many seconds (w)'),
  RateLimit: header('string', 'How many are left (r), until how many seconds from now (t)'),
}
const REPLAYED = { 'Idempotency-Replayed': header('string', 'true where this is the answer to an earlier request') }

/** RFC 9110 §15.3.5, §15.4.5 */
const EMPTY: ReadonlySet<string> = new Set(['204', '304'])

/** What holds for every route and so is said of each by itself: headers, and what is made leading to what can be done. */
export function described(swagger: object): Document {
  const document = JSON.parse(JSON.stringify(swagger)) as Document // as @fastify/swagger makes it
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const operation of Object.values(operations)) {
      const keyed = operation.parameters?.some(({ name }) => name === 'idempotency-key')
      for (const [status, response] of Object.entries(operation.responses)) {
        const own = Object.entries(response.headers ?? {}).map(([name, one]) => [
          name,
          { ...(one as object), required: true },
        ])
        const limits = status === '401' ? {} : LIMITS // nobody is no person
        const replayed = keyed && status.startsWith('2') ? REPLAYED : {}
        if (EMPTY.has(status)) delete response.content
        response.headers = { ...Object.fromEntries(own), ...limits, ...replayed }
      }
      const made = operation.responses['201']
      const links = made && linksTo(document, path, made)
      if (links && Object.keys(links).length > 0) made.links = links
    }
  }
  return document
}

/** What was made at a path is under it, by a member of the body. */
function linksTo({ paths }: Document, path: string, { content = {} }: Response): Writable {
  const members = Object.keys(content['application/json']?.schema?.properties ?? {})
  const under = Object.entries(paths).flatMap(([other, operations]) => {
    const [, parameter] = other.startsWith(`${path}/`) ? (/^\{(\w+)\}$/.exec(other.slice(path.length + 1)) ?? []) : []
    const member = parameter === undefined || members.includes(parameter) ? parameter : 'id'
    if (parameter === undefined || member === undefined || !members.includes(member)) return []
    const outer = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => [name, `$request.path.${name}`])
    const parameters = Object.fromEntries([...outer, [parameter, `$response.body#/${member}`]])
    return Object.values(operations).flatMap(({ operationId }) =>
      operationId === undefined ? [] : [[operationId, { operationId, parameters }] as const],
    )
  })
  return Object.fromEntries(under)
}
