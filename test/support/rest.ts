import type { Test } from 'tap'
import { Contract } from './contract.ts'
import type { TestDatabase } from './databases.ts'
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

const TYPE = 'application/problem+json; charset=utf-8'

/** Somebody's application, with an access token of theirs; without one, nobody's. */
export class App {
  readonly url: string
  readonly token: string | undefined
  readonly contract: Contract
  constructor(url: string, token: string | undefined, contract: Contract) {
    this.url = url
    this.token = token
    this.contract = contract
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
    this.contract.judge(method, path, answer)
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
  readonly contract: Contract
  /** An application of the user with that e-mail, who signed in that long ago; of nobody without one. */
  app(email?: string, secondsAgo?: number): Promise<App>
  /** Likewise of an identity provider's client. */
  connector(organizationId: string): Promise<App>
}

/** A server that believes an issuer's tokens. */
export async function startRest(
  t: Test,
  environment: Readonly<Record<string, string>> = {},
  on?: TestDatabase,
): Promise<RunningRest> {
  const issuer = await startIssuer(t)
  const running = await startKith(t, on, {
    ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: AUDIENCE }]),
    API_RATE_LIMIT: '0', // tests ask faster than people
    ...environment,
  })
  const { kith, url } = running
  const contract = await Contract.of(url)
  return {
    ...running,
    contract,
    app: async (email, secondsAgo = 0) => {
      if (email === undefined) return new App(url, undefined, contract)
      const user = await kith.users.get(email)
      await kith.identities.link(user, { issuer: issuer.url, sub: email })
      const auth_time = Math.floor(Date.now() / 1_000) - secondsAgo
      return new App(url, await issuer.token({ sub: email, client_id: 'an-app', auth_time }), contract)
    },
    connector: async (organizationId) => {
      const connector = await kith.connectors.obtain(organizationId)
      await kith.connectors.bind(connector, issuer.url, 'the-client', true)
      return new App(url, await issuer.token(), contract)
    },
  }
}

/** 20 at once. */
export const twenty = <Result>(make: (at: number) => Promise<Result>): Promise<Result[]> =>
  Promise.all(Array.from({ length: 20 }, (_, at) => make(at)))
/** How often each answer was given. */
export const tally = (answers: readonly RestAnswer[]): Dict => {
  const count: Record<string, number> = {}
  for (const { status, code } of answers) {
    const came = code === undefined ? `${status}` : `${status} ${code}`
    count[came] = (count[came] ?? 0) + 1
  }
  return count
}
