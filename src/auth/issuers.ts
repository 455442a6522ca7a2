import { asId, type Id, type IssuerPolicy } from '#domain'

/** Signatures by a key pair: whoever can check one cannot make one. */
export const SIGNATURES = [
  'RS256',
  'PS256',
  'ES256',
  'EdDSA',
  'RS384',
  'RS512',
  'PS384',
  'PS512',
  'ES384',
  'ES512',
  'Ed25519',
] as const

/** Whose access tokens are believed, or who signs people in on the web. */
export interface Issuer {
  /** As it is in the token, to the character. */
  readonly issuer: string
  /** What access tokens are for: us. Absent: none of its tokens open SCIM. */
  readonly audience?: string
  /** Where the keys are; absent: where the issuer's metadata says. */
  readonly jwksUri?: string
  /** What a token must be good for at SCIM. */
  readonly scope: string
  /** What a person's token must be good for at the JSON API. */
  readonly apiScope: string
  readonly algorithms: readonly string[]
  /** Absent: nobody signs in there. */
  readonly signIn?: SignInIssuer
}

/** How people sign in at an issuer, as OpenID Connect has it. */
export interface SignInIssuer extends IssuerPolicy {
  readonly clientId: string
  /** Absent: a public client. */
  readonly clientSecret?: string
  /** The claim that holds an organization's registration id. */
  readonly registrationIdClaim?: string
  /** Asked for, with spaces between. */
  readonly scopes: string
}

export const ISSUERS_EXPECTED =
  'a JSON array of {"issuer": "https://…"} with an "audience" (then "jwksUri", "scope", "apiScope" and "algorithms" of key pairs, where wanted), or with a "clientId" and "organizations" (an array of ids, or "*"; then "clientSecret", "registrationIdClaim", "subStable" and "scopes", where wanted), or with both'

const SIGN_IN_FIELDS = ['clientId', 'clientSecret', 'organizations', 'registrationIdClaim', 'subStable', 'scopes']
const FIELDS = ['issuer', 'audience', 'jwksUri', 'scope', 'apiScope', 'algorithms', ...SIGN_IN_FIELDS]

/** The setting, or undefined where it cannot be. */
export function readIssuers(text: string): readonly Issuer[] | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!Array.isArray(parsed)) return undefined
  const issuers = parsed.map(readIssuer).filter((one) => one !== undefined)
  const names = new Set(issuers.map(({ issuer }) => issuer))
  return issuers.length === parsed.length && names.size === parsed.length ? issuers : undefined
}

function readIssuer(value: unknown): Issuer | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  if (Object.keys(value).some((key) => !FIELDS.includes(key))) return undefined
  const members = value as Readonly<Record<string, unknown>> // an object
  const { issuer, audience, jwksUri, scope = 'scim', apiScope = 'kith', algorithms = SIGNATURES } = members
  if (!isAddress(issuer) || /[?#]/.test(issuer) || !isWord(scope) || !isWord(apiScope)) return undefined
  if (audience !== undefined && !isWord(audience)) return undefined
  if (jwksUri !== undefined && !isAddress(jwksUri)) return undefined
  if (!Array.isArray(algorithms) || algorithms.length === 0) return undefined
  if (!algorithms.every((one) => SIGNATURES.some((known) => known === one))) return undefined
  const signIn = readSignIn(members)
  if (signIn === undefined || (signIn === 'none' && audience === undefined)) return undefined
  return {
    issuer,
    ...(audience === undefined ? {} : { audience }),
    ...(jwksUri === undefined ? {} : { jwksUri }),
    scope,
    apiScope,
    algorithms,
    ...(signIn === 'none' ? {} : { signIn }),
  }
}

function readSignIn(value: Readonly<Record<string, unknown>>): SignInIssuer | 'none' | undefined {
  const { clientId, clientSecret, organizations, registrationIdClaim, subStable = true } = value
  const { scopes = 'openid email profile' } = value
  if (clientId === undefined) return SIGN_IN_FIELDS.some((field) => field in value) ? undefined : 'none'
  const isText = (text: unknown): text is string | undefined =>
    text === undefined || (typeof text === 'string' && text !== '')
  if (!isWord(clientId) || !isText(clientSecret) || !isText(registrationIdClaim)) return undefined
  if (typeof subStable !== 'boolean' || typeof scopes !== 'string') return undefined
  if (!scopes.split(' ').includes('openid')) return undefined
  const ids = organizations === '*' ? '*' : readIds(organizations)
  if (ids === undefined) return undefined
  return {
    clientId,
    ...(clientSecret === undefined ? {} : { clientSecret }),
    organizations: ids,
    ...(registrationIdClaim === undefined ? {} : { registrationIdClaim }),
    subStable,
    scopes,
  }
}

function readIds(value: unknown): readonly Id[] | undefined {
  if (!Array.isArray(value)) return undefined
  const ids = value.map((one) => (typeof one === 'string' ? asId(one) : undefined)).filter((one) => one !== undefined)
  return ids.length === value.length ? ids : undefined
}

const isWord = (value: unknown): value is string => typeof value === 'string' && /^\S+$/.test(value)

const isAddress = (value: unknown): value is string =>
  isWord(value) && /^https?:\/\//.test(value) && URL.canParse(value) && new URL(value).username === ''
