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

/** Whose access tokens are believed. */
export interface Issuer {
  /** As it is in the token, to the character. */
  readonly issuer: string
  /** What the tokens are for: us. */
  readonly audience: string
  /** Where the keys are; absent: where the issuer's metadata says. */
  readonly jwksUri?: string
  /** What the token must be good for. */
  readonly scope: string
  readonly algorithms: readonly string[]
}

export const ISSUERS_EXPECTED =
  'a JSON array of {"issuer": "https://…", "audience": "…"}, with "jwksUri", "scope" and "algorithms" (of key pairs) where wanted'

const FIELDS = ['issuer', 'audience', 'jwksUri', 'scope', 'algorithms']

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
  const { issuer, audience, jwksUri, scope = 'scim', algorithms = SIGNATURES } = value as Record<string, unknown> // an object
  if (!isAddress(issuer) || /[?#]/.test(issuer) || !isWord(audience) || !isWord(scope)) return undefined
  if (jwksUri !== undefined && !isAddress(jwksUri)) return undefined
  if (!Array.isArray(algorithms) || algorithms.length === 0) return undefined
  if (!algorithms.every((one) => SIGNATURES.some((known) => known === one))) return undefined
  return { issuer, audience, ...(jwksUri === undefined ? {} : { jwksUri }), scope, algorithms }
}

const isWord = (value: unknown): value is string => typeof value === 'string' && /^\S+$/.test(value)

const isAddress = (value: unknown): value is string =>
  isWord(value) && /^https?:\/\//.test(value) && URL.canParse(value) && new URL(value).username === ''
