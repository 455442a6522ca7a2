import { decodeJwt, type JWTPayload, jwtVerify } from 'jose'
import { type Bearer, DomainError, type Store } from '#domain'
import { Believed } from './believed.ts'
import { IssuerKeys, type KeyTimes } from './issuer-keys.ts'
import type { Issuer } from './issuers.ts'

const MAX_LENGTH = 16_384
/** By how much an issuer's clock may differ from ours. */
const TOLERANCE_SECONDS = 5

/** What a token is shown for. */
export type Use = 'scim' | 'api'

interface Known {
  readonly bearer: Bearer
  /** What its issuer's tokens must be good for, and what this one is good for. */
  readonly needed: Readonly<Record<Use, string>>
  readonly scopes: readonly unknown[]
}

/** Access tokens (RFC 9068, and what issuers made before it) of the issuers that the operator configured. */
export class IssuerTokens {
  readonly #store: Store
  readonly #issuers: ReadonlyMap<string, { readonly issuer: Issuer; readonly keys: IssuerKeys }>
  readonly #believed = new Believed<Known>()

  constructor(store: Store, issuers: readonly Issuer[], times?: Partial<KeyTimes>) {
    this.#store = store
    this.#issuers = new Map(issuers.map((issuer) => [issuer.issuer, { issuer, keys: new IssuerKeys(issuer, times) }]))
  }

  /**
   * Whom a token lets in: the connector that its client is bound to, or else the user whom its subject is. Of one that is
   * right but not good for that, the scope that it lacks.
   *
   * @throws DomainError `unavailable`: the issuer's keys, or the database, cannot be had
   */
  async verify(text: string, use: Use): Promise<Bearer | { readonly missingScope: string } | undefined> {
    if (text.length > MAX_LENGTH) return undefined
    const known = await this.#believed.verify(text, () => this.#known(text))
    return known && (known.scopes.includes(known.needed[use]) ? known.bearer : { missingScope: known.needed[use] })
  }

  async #known(text: string): Promise<Known | undefined> {
    const payload = await this.#payload(text)
    const issuer = this.#issuers.get(payload?.iss ?? '')?.issuer
    const bearer = payload && (await this.#bearer(payload))
    if (!bearer || !issuer) return undefined
    return { bearer, needed: { scim: issuer.scope, api: issuer.apiScope }, scopes: scopes(payload) }
  }

  /** Of a token that is right in all that it says. */
  async #payload(text: string): Promise<JWTPayload | undefined> {
    try {
      const known = this.#issuers.get(decodeJwt(text).iss ?? '')
      if (!known) return undefined
      const { issuer, keys } = known
      if (issuer.audience === undefined) return undefined
      const { payload, protectedHeader } = await jwtVerify(text, (header, token) => keys.find(header, token), {
        algorithms: [...issuer.algorithms],
        issuer: issuer.issuer,
        audience: issuer.audience,
        requiredClaims: ['iss', 'aud', 'exp'],
        clockTolerance: TOLERANCE_SECONDS,
      })
      return isAccessToken(payload, protectedHeader.typ) && scopes(payload).length > 0 ? payload : undefined
    } catch (error) {
      if (error instanceof DomainError) throw error
      return undefined // whatever is wrong with it, or with the key that it names
    }
  }

  async #bearer(payload: JWTPayload): Promise<Bearer | undefined> {
    const { iss: issuer = '', sub } = payload
    const clientId = [payload.client_id, payload.azp, payload.appid].find((one) => typeof one === 'string')
    if (typeof clientId === 'string' && isStorable(clientId) && !isSignedIn(payload)) {
      const client = await this.#store.connectors.client(issuer, clientId)
      if (client) {
        const { connector, mayWrite } = client
        return { kind: 'connector', key: `client ${issuer} ${clientId}`, connector, mayWrite }
      }
    }
    if (typeof sub !== 'string' || !isStorable(sub)) return undefined
    const actor = await this.#store.identities.actor({ issuer, sub })
    if (!actor) return undefined
    const signedInAt = timeOf(payload.auth_time)
    return { kind: 'user', key: `user ${actor.userId}`, actor: { ...actor, ...(signedInAt ? { signedInAt } : {}) } }
  }
}

const isStorable = (text: string): boolean => text !== '' && !text.includes('\0')

/**
 * RFC 9068 §2.1 and §4: an access token says so, or is a plain JWT as many issuers still make them; an ID token, which the
 * browser has seen, bears marks that an access token does not.
 */
function isAccessToken(payload: JWTPayload, typ: string | undefined): boolean {
  const type = typ?.toLowerCase().replace(/^application\//, '')
  return (type === undefined || type === 'at+jwt' || type === 'jwt') && !ID_TOKEN.some((claim) => claim in payload)
}

const ID_TOKEN = ['nonce', 'at_hash', 'c_hash', 's_hash']

/** `scope` (RFC 9068 §2.2.3), `scp` of Entra and Okta, and the roles of an app at Entra, whose own tokens have no scope. */
function scopes(payload: JWTPayload): readonly unknown[] {
  const { scope, scp, roles, idtyp, azpacr, appidacr } = payload
  const said = scope ?? scp
  if (said !== undefined) return typeof said === 'string' ? said.split(' ') : Array.isArray(said) ? said : []
  // 1 and 2: the app has shown a secret or a certificate, which no ID token tells
  const isApp = idtyp === 'app' || (idtyp === undefined && /^[12]$/.test(String(azpacr ?? appidacr)))
  return isApp && Array.isArray(roles) ? roles : []
}

/** RFC 9068 §2.2.1; a time to come tells nothing. */
function timeOf(seconds: unknown): Date | undefined {
  const isPast = typeof seconds === 'number' && seconds > 0 && seconds <= Date.now() / 1_000 + TOLERANCE_SECONDS
  return isPast ? new Date(seconds * 1_000) : undefined
}

/** RFC 9068 §2.2.1: what tells that somebody signed in; then the client acts for them, and not for itself. */
const isSignedIn = (payload: JWTPayload): boolean => ['auth_time', 'amr', 'sid'].some((claim) => claim in payload)
