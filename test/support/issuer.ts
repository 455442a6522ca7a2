import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import type { Test } from 'tap'

export const AUDIENCE = 'https://kith.example/scim/v2'

export interface IssuerKey {
  readonly kid: string
  readonly privateKey: CryptoKeyOf
  readonly jwk: JWK
}

export type Claims = Readonly<Record<string, unknown>>

type CryptoKeyOf = Awaited<ReturnType<typeof generateKeyPair>>['privateKey']

export async function makeKey(kid: string, alg = 'RS256', { withAlg = true } = {}): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid, use: 'sig', ...(withAlg ? { alg } : {}) }
  return { kid, privateKey, jwk }
}

/** An issuer of access tokens on loopback. What it serves may be changed while it runs. */
export interface FakeIssuer {
  readonly url: string
  keys: IssuerKey[]
  isDown: boolean
  /** Overrides members of its metadata. */
  metadata: Record<string, unknown>
  /** How often its keys were fetched. */
  readonly fetches: () => number
  /** How often anything was asked of it that is neither metadata nor keys. */
  readonly strays: () => number
  /** The claims of a right token. */
  claims(): JWTPayload
  /** A right token but for what is said; undefined takes a member out. */
  token(claims?: Claims, header?: Record<string, unknown>, key?: IssuerKey): Promise<string>
}

export async function startIssuer(t: Test, place: 'openid' | 'oauth' = 'openid'): Promise<FakeIssuer> {
  let fetches = 0
  let strays = 0
  const server = createServer((request, response) => {
    const metadata =
      place === 'openid' ? '/.well-known/openid-configuration' : '/.well-known/oauth-authorization-server'
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    if (request.url === '/keys') fetches += 1
    if (issuer.isDown) return answer(500, {})
    if (request.url === '/keys') return answer(200, { keys: issuer.keys.map(({ jwk }) => jwk) })
    if (request.url === metadata) {
      return answer(200, { issuer: issuer.url, jwks_uri: `${issuer.url}/keys`, ...issuer.metadata })
    }
    if (!request.url?.startsWith('/.well-known/')) strays += 1
    answer(404, {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => server.close(resolve).closeAllConnections()))
  const now = () => Math.floor(Date.now() / 1_000)
  const issuer: FakeIssuer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // it listens on TCP
    keys: [await makeKey('first')],
    isDown: false,
    metadata: {},
    fetches: () => fetches,
    strays: () => strays,
    claims: () => ({
      iss: issuer.url,
      aud: AUDIENCE,
      sub: 'the-client',
      client_id: 'the-client',
      scope: 'openid scim kith',
      iat: now(),
      exp: now() + 300,
    }),
    token: async (claims = {}, header = {}, key = issuer.keys[0]) => {
      if (!key) throw new Error('the issuer has no key')
      const payload = Object.fromEntries(
        Object.entries({ ...issuer.claims(), ...claims }).filter(([, value]) => value !== undefined),
      )
      const protectedHeader = { alg: key.jwk.alg ?? 'RS256', kid: key.kid, typ: 'at+jwt', ...header }
      return await new SignJWT(payload)
        .setProtectedHeader(
          Object.fromEntries(
            Object.entries(protectedHeader).filter(([, value]) => value !== undefined),
          ) as typeof protectedHeader,
        ) // some taken out
        .sign(key.privateKey)
    },
  }
  return issuer
}

/** What makes a right token of an issuer wrong, wherever it is shown: claims and header. */
export function wrongTokens(url: string, foreignUrl: string): readonly (readonly [string, Claims, Claims])[] {
  const past = Math.floor(Date.now() / 1_000) - 60
  return [
    ['aud missing', { aud: undefined }, {}],
    ['another aud', { aud: 'https://kith.example' }, {}],
    ['exp missing', { exp: undefined }, {}],
    ['exp past', { exp: past }, {}],
    ['exp no number', { exp: 'tomorrow' }, {}],
    ['not yet', { nbf: past + 600 }, {}],
    ['iss missing', { iss: undefined }, {}],
    ['another issuer', { iss: foreignUrl }, {}],
    ['nearly the issuer', { iss: `${url}/` }, {}],
    ['an ID token: nonce', { nonce: 'x' }, { typ: 'JWT' }],
    ['an ID token: at_hash', { at_hash: 'x' }, { typ: 'JWT' }],
    ['an ID token: no scope', { scope: undefined }, { typ: 'JWT' }],
    ['an ID token with roles', { scope: undefined, roles: ['scim', 'kith'] }, { typ: 'JWT' }],
    ['a logout token', {}, { typ: 'logout+jwt' }],
    ['a DPoP proof', {}, { typ: 'dpop+jwt' }],
    ['scope no text', { scope: { scim: true, kith: true } }, {}],
    ['crit that is not understood', {}, { crit: ['x'], x: 1 }],
  ]
}
