import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify'
import type { Once } from '#domain'
import { type Context, refusals } from './context.ts'
import { Problem } from './problems.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether an Idempotency-Key is heeded; unless said, by each POST that has a 201. */
    readonly idempotent?: boolean
    /** Members of the body that are shown once: a repeat's has none of them. */
    readonly secrets?: readonly string[]
  }
}

/** What a handler answers with, kept back until that it is done is certain. */
class HeldReply {
  status = 200
  readonly sent: Record<string, string> = {}
  body: string | undefined
  code(status: number): this {
    this.status = status
    return this
  }
  header(name: string, value: string): this {
    this.sent[name.toLowerCase()] = value
    return this
  }
  type(type: string): this {
    return this.header('content-type', type)
  }
  send(body?: string): this {
    this.body = body
    return this
  }
}

interface Kept {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** draft-ietf-httpapi-idempotency-key-header-07 §2.1: a String of RFC 8941; we take its characters alone too. */
export function idempotencyKey({ headers }: FastifyRequest): string | undefined {
  const header = headers['idempotency-key']
  if (header === undefined) return undefined
  const text = String(header).trim()
  const key = /^"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"$/.test(text)
    ? text.slice(1, -1).replace(/\\(.)/g, '$1')
    : text
  const right = /^[\x20-\x7e]{1,255}$/.test(key) && (key !== text || !/["\\,\s]/.test(key))
  if (right) return key
  throw new Problem(400, 'bad-request', 'An Idempotency-Key has 1 to 255 characters of ASCII', {
    errors: [{ field: 'idempotency-key', problem: 'is no String of 1 to 255 characters' }],
  })
}

/** Names a request: the same again is the same text. */
function fingerprint({ method, url, headers, body }: FastifyRequest): string {
  const content = body instanceof Uint8Array ? body : (JSON.stringify(body) ?? '')
  const about = [method, url, headers['content-type'], headers['if-match']].map((one) => one ?? '').join('\n')
  return createHash('sha256').update(`${about}\n`).update(content).digest('base64url')
}

/** Has every route of the scope that creates something heed an Idempotency-Key, and say so in the document. */
export function idempotent(scope: FastifyInstance, once: Once, actorOf: Context['actorOf']): void {
  scope.addHook('onRoute', (route) => {
    const schema = (route.schema ?? {}) as { headers?: { properties?: object }; response?: Record<string, object> } // JSON Schemas
    const { idempotent: wanted = '201' in (schema.response ?? {}), secrets = [] } = route.config ?? {}
    if (route.method !== 'POST' || !wanted) return
    route.schema = {
      ...route.schema,
      headers: { type: 'object', properties: { ...schema.headers?.properties, ...KEY } },
      response: { ...refusals(400, 409, 422), ...Object.fromEntries(answers(schema.response ?? {}, secrets)) },
    }
    route.handler = onceOnly(once, actorOf, route.handler, secrets)
  })
}

const KEY = {
  'idempotency-key': {
    type: 'string',
    maxLength: 512,
    pattern: String.raw`^("([ !#-\[\]-~]|\\["\\])+"|[!#-+\--\[\]-~]+)$`,
    description: 'Any text of yours: for a day, a repeat of the request with it does nothing and is answered alike',
  },
}

function onceOnly(
  once: Once,
  actorOf: Context['actorOf'],
  handler: RouteHandlerMethod,
  secrets: readonly string[],
): RouteHandlerMethod {
  return async function (request, reply) {
    const key = idempotencyKey(request)
    if (key === undefined) return await handler.call(this, request, reply)
    const work = async (): Promise<Kept> => {
      const held = new HeldReply()
      await handler.call(this, request, held as unknown as FastifyReply) // all that handlers use of it
      return { status: held.status, headers: held.sent, ...(held.body === undefined ? {} : { body: held.body }) }
    }
    const kept = (answer: Kept): string => JSON.stringify({ ...answer, ...withoutSecrets(answer.body, secrets) })
    const outcome = await once.run(actorOf(request), key, fingerprint(request), work, kept)
    if (outcome.kind === 'done') return send(reply, outcome.answer)
    if (outcome.kind === 'repeated') {
      return send(reply.header('idempotency-replayed', 'true'), JSON.parse(outcome.kept) as Kept) // as kept above
    }
    if (outcome.kind === 'reused') {
      throw new Problem(
        422,
        'idempotency-key-reused',
        'This Idempotency-Key was given to another request: take a new one',
      )
    }
    throw new Problem(409, 'idempotency-in-progress', 'The first request with this Idempotency-Key is not done yet', {
      headers: { 'retry-after': '1' },
    })
  }
}

const send = (reply: FastifyReply, { status, headers, body }: Kept): FastifyReply =>
  reply.code(status).headers(headers).send(body)

function withoutSecrets(body: string | undefined, secrets: readonly string[]): { body?: string } {
  if (body === undefined || secrets.length === 0) return {}
  const members = Object.entries(JSON.parse(body) as object).filter(([name]) => !secrets.includes(name)) // our own JSON
  return { body: JSON.stringify(Object.fromEntries(members)) }
}

const SECRET = /^(secret|token|password)$/

interface Members {
  readonly properties?: object
  readonly required?: readonly string[]
}
interface Described {
  readonly headers?: object
  readonly content?: Readonly<Record<string, { readonly schema: Members }>>
}

/** What is answered, of which a repeat lacks the secrets. */
function answers(responses: Readonly<Record<string, Described>>, secrets: readonly string[]): [string, object][] {
  return Object.entries(responses).map(([status, response]) => {
    if (!status.startsWith('2')) return [status, response]
    const content = Object.entries(response.content ?? {}).map(([type, { schema }]) => {
      const told = Object.keys(schema.properties ?? {}).find((name) => SECRET.test(name) && !secrets.includes(name))
      if (told !== undefined) throw new TypeError(`"${told}" would be kept for repeats: name it in config.secrets`)
      const required = schema.required?.filter((name) => !secrets.includes(name))
      return [type, { schema: { ...schema, ...(required ? { required } : {}) } }]
    })
    return [status, { ...response, ...(response.content ? { content: Object.fromEntries(content) } : {}) }]
  })
}
