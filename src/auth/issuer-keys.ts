import { createLocalJWKSet, errors, type FlattenedJWSInput, type JSONWebKeySet, type JWSHeaderParameters } from 'jose'
import { DomainError } from '#domain'
import type { Issuer } from './issuers.ts'

export interface KeyTimes {
  /** How long keys are believed; after half of it they are fetched anew, beside the requests. */
  readonly believedMs: number
  /** How often, at most, a key that is not among them has them fetched. */
  readonly coolDownMs: number
  /** How often, at most, they are asked for while the issuer does not answer. */
  readonly retryMs: number
  readonly timeoutMs: number
}

const TIMES: KeyTimes = { believedMs: 600_000, coolDownMs: 30_000, retryMs: 2_000, timeoutMs: 5_000 }

type KeySet = ReturnType<typeof createLocalJWKSet>

/** The public keys of an issuer, as last fetched. What a token's header says of keys (jku, x5u, jwk) is not looked at. */
export class IssuerKeys {
  readonly #issuer: Issuer
  readonly #times: KeyTimes
  #keys: KeySet | undefined
  #jwksUri: string | undefined
  #fetchedAt = Number.NEGATIVE_INFINITY
  #failedAt = Number.NEGATIVE_INFINITY
  #unknownAt = Number.NEGATIVE_INFINITY
  #fetching: Promise<KeySet> | undefined

  constructor(issuer: Issuer, times: Partial<KeyTimes> = {}) {
    this.#issuer = issuer
    this.#times = { ...TIMES, ...times }
  }

  /**
   * The key that signed the token, it says.
   *
   * @throws JWKSNoMatchingKey, DomainError `unavailable` where the issuer's keys cannot be had
   */
  async find(header: JWSHeaderParameters, token: FlattenedJWSInput): ReturnType<KeySet> {
    const keys = await this.#current()
    try {
      return await keys(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      return await (await this.#newer(keys, error))(header, token)
    }
  }

  /** Keys newer than those, or `otherwise` is thrown. */
  async #newer(than: KeySet, otherwise: Error): Promise<KeySet> {
    if (this.#fetching) return await this.#fetching
    if (this.#keys && this.#keys !== than) return this.#keys
    const now = performance.now()
    if (now - this.#unknownAt >= this.#times.coolDownMs) {
      this.#unknownAt = now
      return await this.#fetch()
    }
    if (this.#failedAt > this.#fetchedAt) throw this.#unavailable() // it may be one that we could not fetch
    throw otherwise
  }

  async #current(): Promise<KeySet> {
    const { believedMs } = this.#times
    const age = performance.now() - this.#fetchedAt
    if (!this.#keys || age > believedMs) return await this.#fetch()
    if (age > believedMs / 2) this.#fetch().catch(() => undefined) // there is time left
    return this.#keys
  }

  async #fetch(): Promise<KeySet> {
    if (this.#fetching) return await this.#fetching
    if (performance.now() - this.#failedAt < this.#times.retryMs) throw this.#unavailable()
    this.#fetching = this.#load().finally(() => {
      this.#fetching = undefined
    })
    return await this.#fetching
  }

  async #load(): Promise<KeySet> {
    try {
      this.#jwksUri ??= this.#issuer.jwksUri ?? (await this.#discover())
      // RFC 7517 §5; createLocalJWKSet checks its shape
      this.#keys = createLocalJWKSet((await this.#get(this.#jwksUri)) as unknown as JSONWebKeySet)
      this.#fetchedAt = performance.now()
      return this.#keys
    } catch {
      this.#failedAt = performance.now()
      this.#jwksUri = undefined
      throw this.#unavailable()
    }
  }

  /** OpenID Connect Discovery §4, else RFC 8414 §3: the metadata must be the issuer's own (§3.3). */
  async #discover(): Promise<string> {
    const { issuer } = this.#issuer
    const { origin, pathname } = new URL(issuer)
    const places = [
      `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
      `${origin}/.well-known/oauth-authorization-server${pathname.replace(/\/$/, '')}`,
    ]
    for (const place of places) {
      const metadata = await this.#get(place).catch(() => undefined)
      const uri = metadata?.issuer === issuer ? metadata.jwks_uri : undefined
      if (typeof uri === 'string' && (uri.startsWith('https:') || issuer.startsWith('http:'))) return uri
    }
    throw new Error('no metadata')
  }

  async #get(address: string): Promise<Readonly<Record<string, unknown>>> {
    const signal = AbortSignal.timeout(this.#times.timeoutMs)
    const response = await fetch(address, { headers: { accept: 'application/json' }, redirect: 'error', signal })
    const body: unknown = await response.json()
    if (!response.ok || typeof body !== 'object' || body === null)
      throw new Error(`${address} answers ${response.status}`)
    return body as Readonly<Record<string, unknown>> // an object
  }

  #unavailable = (): DomainError =>
    new DomainError('unavailable', `The keys of ${this.#issuer.issuer} cannot be fetched: try again in a few seconds`)
}
