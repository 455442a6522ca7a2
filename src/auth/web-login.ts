import { createHmac, timingSafeEqual } from 'node:crypto'
import { decodeJwt, jwtVerify } from 'jose'
import * as oidc from 'openid-client'
import { DomainError, type SignInClaims, type SignInRefusal, type SignInService } from '#domain'
import { IssuerKeys } from './issuer-keys.ts'
import type { Issuer, SignInIssuer } from './issuers.ts'
import type { SecretKey } from './secret-key.ts'
import type { WebSessionService } from './web-sessions.ts'

export const FLOW_SECONDS = 600
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const TOLERANCE_SECONDS = 5

type Offered = Issuer & { readonly signIn: SignInIssuer }

/** What is kept in the browser between going to the issuer and coming back. */
interface Flow {
  readonly issuer: string
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  /** Milliseconds since 1970. */
  readonly until: number
}

export type LoginResult =
  | { readonly session: string }
  | { readonly refused: SignInRefusal | 'failed'; readonly issuer?: string; readonly organizationId?: string }

/** Signing in at the configured issuers: OpenID Connect, authorization code with PKCE. */
export class WebLogin {
  readonly #issuers: ReadonlyMap<string, { readonly issuer: Offered; readonly keys: IssuerKeys }>
  readonly #discovered = new Map<string, Promise<oidc.Configuration>>()
  readonly #signIn: SignInService
  readonly #sessions: WebSessionService
  readonly #key: SecretKey
  readonly #callback: string

  constructor(
    issuers: readonly Issuer[],
    signIn: SignInService,
    sessions: WebSessionService,
    key: SecretKey,
    publicUrl: string,
  ) {
    const offered = issuers.filter((issuer): issuer is Offered => issuer.signIn !== undefined)
    this.#issuers = new Map(offered.map((issuer) => [issuer.issuer, { issuer, keys: new IssuerKeys(issuer) }]))
    this.#signIn = signIn
    this.#sessions = sessions
    this.#key = key
    this.#callback = `${publicUrl}/login/callback`
  }

  get issuers(): readonly string[] {
    return [...this.#issuers.keys()]
  }

  /** Where to send the browser, and what it is to bring back. @throws DomainError `not-found`, `unavailable` */
  async begin(name: string): Promise<{ readonly url: string; readonly flow: string }> {
    const offered = this.#issuers.get(name)
    if (!offered) throw new DomainError('not-found', 'Nobody signs in there')
    const configuration = await this.#configuration(offered.issuer)
    const [state, nonce, verifier] = [oidc.randomState(), oidc.randomNonce(), oidc.randomPKCECodeVerifier()]
    const url = oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: this.#callback,
      response_type: 'code',
      scope: offered.issuer.signIn.scopes,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    })
    const until = Date.now() + FLOW_SECONDS * 1_000
    return { url: url.href, flow: this.#seal({ issuer: name, state, nonce, verifier, until }) }
  }

  /** What comes of the issuer's answer, whose query it is. @throws DomainError `unavailable` */
  async finish(query: string, sealed: string): Promise<LoginResult> {
    const flow = this.#open(sealed)
    const offered = flow && this.#issuers.get(flow.issuer)
    if (!offered) return { refused: 'failed' }
    const { issuer } = offered
    const configuration = await this.#configuration(issuer)
    let claims: SignInClaims
    let sid: unknown
    try {
      const tokens = await oidc.authorizationCodeGrant(configuration, new URL(`${this.#callback}?${query}`), {
        pkceCodeVerifier: flow.verifier,
        expectedState: flow.state,
        expectedNonce: flow.nonce,
        idTokenExpected: true,
      })
      const said = tokens.claims()
      if (!said) return { refused: 'failed', issuer: issuer.issuer }
      const { userinfo_endpoint } = configuration.serverMetadata()
      const more =
        said.email === undefined && userinfo_endpoint !== undefined
          ? await oidc.fetchUserInfo(configuration, tokens.access_token, said.sub)
          : {}
      claims = claimsOf({ ...more, ...said }, issuer, said.sub)
      sid = said.sid
    } catch (error) {
      if (isAway(error)) throw unavailable(issuer.issuer)
      return { refused: 'failed', issuer: issuer.issuer } // whatever is wrong with it
    }
    const result = await this.#signIn.signIn(claims, issuer.signIn)
    if ('refused' in result) return { ...result, issuer: issuer.issuer }
    const by = { issuer: issuer.issuer, sub: claims.sub, ...(typeof sid === 'string' ? { sid } : {}) }
    return { session: await this.#sessions.create(result.user, by) }
  }

  /**
   * OpenID Connect Back-Channel Logout 1.0 §2.6: ends the sessions of a logout token that is right. Those made after it
   * stay, so that it does nothing when it comes again.
   *
   * @throws DomainError `unavailable`
   */
  async logout(token: string): Promise<boolean> {
    try {
      const offered = this.#issuers.get(decodeJwt(token).iss ?? '')
      if (!offered) return false
      const { issuer, keys } = offered
      const { payload, protectedHeader } = await jwtVerify(token, (header, input) => keys.find(header, input), {
        algorithms: [...issuer.algorithms],
        issuer: issuer.issuer,
        audience: issuer.signIn.clientId,
        requiredClaims: ['iss', 'aud', 'iat', 'exp', 'jti', 'events'],
        clockTolerance: TOLERANCE_SECONDS,
      })
      const { sub, sid, iat = 0, events } = payload
      const typ = protectedHeader.typ?.toLowerCase().replace(/^application\//, '') ?? 'jwt'
      if (!['logout+jwt', 'jwt'].includes(typ) || 'nonce' in payload || !isLogout(events)) return false
      if ((sid !== undefined && typeof sid !== 'string') || (sub === undefined && sid === undefined)) return false
      const madeBefore = new Date((iat + TOLERANCE_SECONDS) * 1_000)
      const of = { ...(sub === undefined ? {} : { sub }), ...(typeof sid === 'string' ? { sid } : {}) }
      await this.#sessions.endAt({ issuer: issuer.issuer, ...of, madeBefore })
      return true
    } catch (error) {
      if (error instanceof DomainError) throw error
      return false // whatever is wrong with it, or with the key that it names
    }
  }

  /** The issuer's metadata, fetched once; where it cannot be had, asked for again the next time. */
  async #configuration(issuer: Offered): Promise<oidc.Configuration> {
    const { clientId, clientSecret } = issuer.signIn
    const known = this.#discovered.get(issuer.issuer)
    if (known) return await known
    const insecure = issuer.issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : []
    const authentication = clientSecret === undefined ? oidc.None() : undefined
    const asked = oidc
      .discovery(new URL(issuer.issuer), clientId, clientSecret, authentication, {
        execute: [...insecure, oidc.enableNonRepudiationChecks],
        timeout: 5,
      })
      .catch(() => {
        this.#discovered.delete(issuer.issuer)
        throw unavailable(issuer.issuer)
      })
    this.#discovered.set(issuer.issuer, asked)
    return await asked
  }

  #mac = (body: string): Buffer => createHmac('sha256', this.#key.hash('sign-in flow')).update(body).digest()

  #seal(flow: Flow): string {
    const body = Buffer.from(JSON.stringify(flow)).toString('base64url')
    return `${body}.${this.#mac(body).toString('base64url')}`
  }

  #open(sealed: string): Flow | undefined {
    const [body = '', mac = ''] = sealed.split('.')
    const [expected, given] = [this.#mac(body), Buffer.from(mac, 'base64url')]
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
    const flow = JSON.parse(Buffer.from(body, 'base64url').toString()) as Flow // ours, by its signature
    return flow.until > Date.now() ? flow : undefined
  }
}

const isLogout = (events: unknown): boolean => {
  const event = typeof events === 'object' && events !== null ? Reflect.get(events, LOGOUT_EVENT) : undefined
  return typeof event === 'object' && event !== null
}

const unavailable = (issuer: string): DomainError =>
  new DomainError('unavailable', `${issuer} cannot be reached: try again in a few seconds`)

/** Neither an answer of the issuer nor a check that failed: the network. */
const isAway = (error: unknown): boolean =>
  error instanceof Error &&
  (error.name === 'TimeoutError' || (error instanceof TypeError && error.message === 'fetch failed'))

function claimsOf(all: Readonly<Record<string, unknown>>, { issuer, signIn }: Offered, sub: string): SignInClaims {
  const text = (claim: string | undefined) => {
    const value = claim === undefined ? undefined : all[claim]
    return typeof value === 'string' && !value.includes('\0') ? value : undefined
  }
  const entries = {
    email: text('email'),
    name: text('name'),
    givenName: text('given_name'),
    middleName: text('middle_name'),
    familyName: text('family_name'),
    locale: text('locale'),
    registrationId: text(signIn.registrationIdClaim),
  }
  const said = Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined))
  return { issuer, sub, emailVerified: all.email_verified === true, ...said }
}
