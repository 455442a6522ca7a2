import { lookup as dnsLookup, type LookupAddress } from 'node:dns'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { bareHost, type Exceptions, isExcepted, isPublic, NO_EXCEPTIONS } from './addresses.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

export interface Sending {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export interface FetchOptions {
  readonly exceptions?: Exceptions
  /** Milliseconds for the whole of it. */
  readonly time?: number
  /** The most bytes of an answer. */
  readonly size?: number
  /** Another one, in tests. */
  readonly resolve?: (host: string, done: (error: Error | null, addresses: readonly LookupAddress[]) => void) => void
  /** Certificates that are believed beside the usual ones, in tests. */
  readonly ca?: string
}

/** A request that was not made, or has no answer: the message says to its administrator why. */
export class FetchFailure extends Error {}

const TIME_MS = 15_000
const SIZE = 256 * 1024
/** Where something else than a web server listens, though above 1023 (the Fetch standard, "bad port"). */
const BAD_PORTS = new Set([1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6679, 6697, 10080])

/**
 * Requests to addresses that people of an organization name. They never reach a private one unless the operator lists it:
 * the address is judged that is connected to, whatever a name says at another time, and no redirect is followed.
 */
export class GuardedFetch {
  readonly #options: FetchOptions
  readonly #exceptions: Exceptions
  constructor(options: FetchOptions = {}) {
    this.#options = options
    this.#exceptions = options.exceptions ?? NO_EXCEPTIONS
  }

  /** Why that URL is never reached, as far as it says itself. */
  problemOf(text: string): string | undefined {
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (!url || !/^https?:$/.test(url.protocol) || text.length > 2_000) return 'is no https:// address'
    if (url.username !== '' || url.password !== '') return 'has a user name or password in it'
    if (url.hash !== '') return 'has a fragment'
    const host = bareHost(url)
    const listed = this.#exceptions.hosts.has(host) || isExcepted(this.#exceptions, host)
    if (listed) return undefined
    if (url.protocol !== 'https:') return 'is not https://'
    if (isIP(host) !== 0 && !isPublic(host)) return 'is a private or reserved address'
    if (/(^|\.)(localhost|local|internal|home\.arpa)$/.test(host)) return 'is a host of this machine or its network'
    const port = Number(url.port || 443)
    if ((port < 1_024 && port !== 443) || BAD_PORTS.has(port)) return 'has a port that hooks are not sent to'
    return undefined
  }

  /** @throws FetchFailure */
  async fetch(text: string, sending: Sending): Promise<Answer> {
    const problem = this.problemOf(text)
    if (problem) throw new FetchFailure(`The address ${problem}`)
    const url = new URL(text)
    const time = this.#options.time ?? TIME_MS
    return await new Promise<Answer>((resolve, reject) => {
      const request = this.#open(url, sending)
      const fail = (error: Error) => {
        clearTimeout(timer)
        request.destroy()
        reject(error instanceof FetchFailure ? error : new FetchFailure(`No answer: ${error.message}`))
      }
      const timer = setTimeout(() => fail(new FetchFailure(`No answer within ${time / 1_000} s`)), time)
      request.on('error', fail)
      request.on('response', (response) => {
        read(response, this.#options.size ?? SIZE).then((answer) => {
          clearTimeout(timer)
          resolve(answer)
        }, fail)
      })
      request.end(sending.body)
    })
  }

  #open(url: URL, { method, headers, body }: Sending): ClientRequest {
    const { ca } = this.#options
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const options = {
      method,
      headers: { 'user-agent': 'Kith-Hooks/1', accept: '*/*', ...headers, ...length },
      agent: false as const, // a connection of its own: none is used again that was judged for another name
      lookup: this.#lookup,
      maxHeaderSize: 16 * 1024,
      ...(ca === undefined ? {} : { ca }),
    }
    return url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options)
  }

  /** What is connected to is chosen of these alone. Literal addresses are not looked up: `problemOf` has judged them. */
  readonly #lookup: LookupFunction = (host, { all }, done) => {
    const listed = this.#exceptions.hosts.has(host.toLowerCase().replace(/\.$/, ''))
    const resolve = this.#options.resolve ?? ((name, found) => dnsLookup(name, { all: true, order: 'verbatim' }, found))
    resolve(host, (error, addresses) => {
      if (error) return done(error, [])
      const refused = addresses.find(
        ({ address }) => !listed && !isPublic(address) && !isExcepted(this.#exceptions, address),
      )
      const [first] = addresses
      if (refused) return done(new FetchFailure(`"${host}" is a private or reserved address: ${refused.address}`), [])
      if (!first) return done(new FetchFailure(`"${host}" has no address`), [])
      return all ? done(null, [...addresses]) : done(null, first.address, first.family)
    })
  }
}

async function read(response: IncomingMessage, most: number): Promise<Answer> {
  const { statusCode: status = 0, headers } = response
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > most) throw new FetchFailure(`The answer (${status}) has more than ${most} bytes`)
    chunks.push(chunk)
  }
  return { status, headers, text: Buffer.concat(chunks).toString() }
}
