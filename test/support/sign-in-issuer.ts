import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { type Claims, type FakeIssuer, type IssuerKey, startIssuer } from './issuer.ts'

/** An issuer at which somebody signs in: it asks nothing and says what it is told to. */
export interface SignInIssuer {
  readonly issuer: FakeIssuer
  /** What its ID tokens say beside what is right; undefined takes a member out. */
  says: Claims
  /** What signs them; undefined: its own key. */
  key: IssuerKey | undefined
  /** Whose tokens it gives out; undefined: its own. */
  tokensOf: FakeIssuer | undefined
  /** The forms that codes were exchanged with. */
  readonly exchanges: URLSearchParams[]
}

export async function startSignInIssuer(t: Test): Promise<SignInIssuer> {
  const issuer = await startIssuer(t)
  const op: SignInIssuer = { issuer, says: {}, key: undefined, tokensOf: undefined, exchanges: [] }
  const server = createServer(async (request, response) => {
    const form = new URLSearchParams((await Array.fromAsync(request)).join(''))
    op.exchanges.push(form)
    const right = { aud: 'kith', scope: undefined, client_id: undefined, sub: 'david' }
    const idToken = await (op.tokensOf ?? issuer).token({ ...right, ...op.says }, { typ: 'JWT' }, op.key)
    const body = { access_token: 'an-access-token', token_type: 'Bearer', id_token: idToken }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => server.close(resolve).closeAllConnections()))
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // it listens on TCP
  issuer.metadata = {
    authorization_endpoint: `${address}/authorize`,
    token_endpoint: `${address}/token`,
    response_types_supported: ['code'],
    id_token_signing_alg_values_supported: ['RS256'],
    authorization_response_iss_parameter_supported: true,
  }
  return op
}
