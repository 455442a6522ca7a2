import type { Test } from 'tap'
import { AUDIENCE, startIssuer } from './issuer.ts'
import { type Answer, type Asking, ask, type Running, startKith } from './kith.ts'

/** A JSON object as a test reads it. */
export type Dict = Readonly<Record<string, unknown>>

export interface RestAnswer extends Answer {
  readonly json: Dict
  /** The code of a problem. */
  readonly code: unknown
  /** The fields that a problem names. */
  readonly fields: readonly string[]
  /** The items of a page. */
  readonly items: readonly Dict[]
}

/** An answer of the API, by its path as the document has it, and what was documented of it. */
export interface Seen {
  readonly method: string
  readonly path: string
  readonly status: number
}

const TYPE = 'application/problem+json; charset=utf-8'

/** Somebody's application, with an access token of theirs; without one, nobody's. */
export class App {
  readonly url: string
  readonly token: string | undefined
  readonly seen: Seen[]
  constructor(url: string, token: string | undefined, seen: Seen[]) {
    this.url = url
    this.token = token
    this.seen = seen
  }

  /** `path` is what comes after /api/v1. */
  async ask(method: string, path: string, body?: unknown, headers: Asking['headers'] = {}): Promise<RestAnswer> {
    const sent = body === undefined || typeof body === 'string' || body instanceof Uint8Array
    const text = sent ? body : JSON.stringify(body)
    const answer = await ask(this.url, method, `/api/v1${path}`, {
      headers: {
        authorization: this.token === undefined ? undefined : `Bearer ${this.token}`,
        ...(text === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(text === undefined ? {} : { body: text }),
    })
    this.seen.push({ method, path: path.replace(/\?.*/, ''), status: answer.status })
    const isJson = answer.headers['content-type']?.includes('json') && answer.text !== ''
    const json = (isJson ? JSON.parse(answer.text) : {}) as Dict // the tests look at what is in it
    if (answer.status >= 400 && method !== 'HEAD') assertProblem(answer, json)
    const errors = (json.errors ?? []) as { field: string }[] // likewise
    const items = (json.items ?? []) as Dict[] // likewise
    return { ...answer, json, code: json.code, fields: errors.map(({ field }) => field), items }
  }

  get = (path: string, headers: Asking['headers'] = {}) => this.ask('GET', path, undefined, headers)
  post = (path: string, body?: unknown) => this.ask('POST', path, body)
  patch = (path: string, body: unknown, headers: Asking['headers'] = {}) => this.ask('PATCH', path, body, headers)
  delete = (path: string, headers: Asking['headers'] = {}) => this.ask('DELETE', path, undefined, headers)
}

/** RFC 9457 §3: what every refusal is. */
function assertProblem({ status, headers, text }: Answer, json: Dict): void {
  const right =
    headers['content-type'] === TYPE &&
    json.status === status &&
    [json.title, json.code, json.detail].every((one) => typeof one === 'string' && one !== '') &&
    !/\bat .+\.ts:\d+|node_modules|\bselect\b.+\bfrom\b|violates|pg_/i.test(text)
  if (!right) throw new Error(`no problem details: ${status} ${headers['content-type']} ${text}`)
}

export interface RunningRest extends Running {
  /** An application of the user with that e-mail; of nobody without one. */
  app(email?: string): Promise<App>
  /** Likewise of an identity provider's client. */
  connector(organizationId: string): Promise<App>
  /** Every answer so far. */
  readonly seen: readonly Seen[]
}

/** A server that believes an issuer's tokens. */
export async function startRest(t: Test): Promise<RunningRest> {
  const issuer = await startIssuer(t)
  const seen: Seen[] = []
  const running = await startKith(t, undefined, {
    ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: AUDIENCE }]),
  })
  const { kith, url } = running
  return {
    ...running,
    seen,
    app: async (email) => {
      if (email === undefined) return new App(url, undefined, seen)
      const user = await kith.users.get(email)
      await kith.identities.link(user, { issuer: issuer.url, sub: email })
      return new App(url, await issuer.token({ sub: email, client_id: 'an-app' }), seen)
    },
    connector: async (organizationId) => {
      const connector = await kith.connectors.obtain(organizationId)
      await kith.connectors.bind(connector, issuer.url, 'the-client', true)
      return new App(url, await issuer.token(), seen)
    },
  }
}
