import { setTimeout as wait } from 'node:timers/promises'
import { type Answer, at, NoAnswer, type Sent, shown, textAt } from './answer.ts'

const TIMEOUT_MS = 10_000
/** How often, and how long at most, a request waits where the server says that there were too many. */
const RETRIES = 4
const MAX_WAIT_S = 15
const TLS = /^ERR_(SSL|TLS)|CERT|^UNABLE_TO_|^HOSTNAME_/
const MAX_BODY = 32 * 1024 * 1024

export interface Asking {
  readonly body?: unknown
  /** The body as it is sent, where it is no JSON. */
  readonly raw?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Another token, or none at all: `null`. */
  readonly token?: string | null
}

/** Talks to one SCIM server, and remembers what it made there. */
export class Client {
  readonly base: string
  readonly #token: string
  readonly #stop: AbortSignal
  /** `/Users/1` and the like: what was made and is not deleted yet, oldest first. */
  readonly made = new Set<string>()
  /** Requests in a row that got no answer. */
  silent = 0

  /** @param base the address of the server, without a slash at its end */
  constructor(base: string, token: string, stop: AbortSignal) {
    this.base = base
    this.#token = token
    this.#stop = stop
  }

  get isStopped(): boolean {
    return this.#stop.aborted
  }

  /** The same server, asked even after a stop: to clear up. */
  lasting(): Client {
    const other = new Client(this.base, this.#token, new AbortController().signal)
    for (const path of this.made) other.made.add(path)
    return other
  }

  get = (path: string, asking: Asking = {}) => this.ask('GET', path, asking)
  post = (path: string, body: unknown, asking: Asking = {}) => this.ask('POST', path, { ...asking, body })
  put = (path: string, body: unknown, asking: Asking = {}) => this.ask('PUT', path, { ...asking, body })
  delete = (path: string, asking: Asking = {}) => this.ask('DELETE', path, asking)
  patch = (path: string, operations: readonly object[], asking: Asking = {}) =>
    this.ask('PATCH', path, {
      ...asking,
      body: { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: operations },
    })

  /** @param path from the base, a query string included. @throws NoAnswer */
  async ask(
    method: string,
    path: string,
    { body, raw, headers = {}, token = this.#token }: Asking = {},
  ): Promise<Answer> {
    const content = raw ?? (body === undefined ? undefined : JSON.stringify(body))
    const type = content === undefined ? {} : { 'content-type': 'application/scim+json' }
    const other = token === null || token === this.#token ? {} : { authorization: `Bearer ${token}` } // no secret
    const sent: Sent = {
      method,
      url: this.base + path,
      headers: { accept: 'application/scim+json', ...type, ...headers, ...other },
      bears: token === this.#token,
      ...(content === undefined ? {} : { body: content }),
    }
    for (let tried = 0; ; tried += 1) {
      const answer = await this.#once(sent, token)
      if (answer.status !== 429 || tried === RETRIES) {
        this.#remember(method, path, answer)
        return answer
      }
      const seconds = Number(answer.headers.get('retry-after') ?? 1)
      await wait(1_000 * Math.min(MAX_WAIT_S, Math.max(1, seconds || 1)), undefined, { signal: this.#stop })
    }
  }

  async #once(sent: Sent, token: string | null): Promise<Answer> {
    const { method, url, headers, body } = sent
    try {
      const response = await fetch(url, {
        method,
        redirect: 'manual',
        signal: AbortSignal.any([this.#stop, AbortSignal.timeout(TIMEOUT_MS)]),
        headers: { ...headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
        ...(body === undefined ? {} : { body }),
      })
      const text = await textOf(response)
      this.silent = 0
      return { sent, status: response.status, headers: response.headers, text, json: parsed(text) }
    } catch (error) {
      if (!this.#stop.aborted) this.silent += 1
      throw new NoAnswer('an answer', reason(error), sent)
    }
  }

  #remember(method: string, path: string, { status, json }: Answer): void {
    const [place = ''] = path.split('?', 1)
    if (method === 'DELETE' && (status < 300 || status === 404)) this.made.delete(place)
    if (method !== 'POST' || status >= 300) return
    if (place === '/Users' || place === '/Groups') this.#made(`${place}/`, textAt(json, 'id'))
    const operations = place === '/Bulk' ? at(json, 'Operations') : undefined
    if (!Array.isArray(operations)) return
    for (const one of operations) {
      const [, kind = '', id = ''] = /\/(Users|Groups)\/([^/?#]+)$/.exec(textAt(one, 'location')) ?? []
      if (/^post$/i.test(textAt(one, 'method'))) this.#made(`/${kind}/`, decoded(id))
      if (/^delete$/i.test(textAt(one, 'method')) && /^2/.test(String(at(one, 'status')))) {
        this.made.delete(`/${kind}/${encodeURIComponent(decoded(id))}`)
      }
    }
  }

  #made(place: string, id: string): void {
    if (id !== '') this.made.add(place + encodeURIComponent(id))
  }
}

async function textOf(response: Response): Promise<string> {
  const length = Number(response.headers.get('content-length') ?? 0)
  if (length > MAX_BODY) throw new Error(`an answer of ${length} bytes`)
  return await response.text()
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Why there was no answer, as a person may be told it. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return shown(error)
  if (error.name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1_000} seconds`
  if (error.name === 'AbortError') return 'a stop'
  const { cause } = error
  if (!(cause instanceof Error)) return error.message
  const { code = '' } = cause as Error & { code?: string } // Node's errors have one
  if (TLS.test(code)) return `no TLS (${code}): is it served over https, with a certificate that this machine trusts?`
  const [line = ''] = cause.message.split('\n', 1)
  return line === '' ? code : line.includes(code) ? line : `${line} (${code})`
}
