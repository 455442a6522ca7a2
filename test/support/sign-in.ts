import { createServer } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { Provider } from 'oidc-provider'
import type { Test } from 'tap'
import type { Browser } from './browser.ts'
import { AUDIENCE } from './issuer.ts'
import { freePort } from './ports.ts'

/** oidc-provider on loopback, whose development pages sign in whatever is typed as a name. */
async function startProvider(t: Test, kithUrl: string) {
  const url = `http://127.0.0.1:${await freePort()}`
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const claims: { current: Record<string, unknown> } = { current: {} }
  const provider = new Provider(url, {
    clients: [
      {
        client_id: 'kith',
        client_secret: 'a secret of the client',
        redirect_uris: [`${kithUrl}/login/callback`],
        backchannel_logout_uri: `${kithUrl}/backchannel-logout`,
        backchannel_logout_session_required: true,
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'k', alg: 'RS256', use: 'sig' }] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'given_name', 'family_name'] },
    findAccount: (_: unknown, sub: string) => ({ accountId: sub, claims: () => ({ sub, ...claims.current }) }),
    features: { backchannelLogout: { enabled: true }, devInteractions: { enabled: true } },
    cookies: { keys: ['cookies of a test'] },
  })
  const server = createServer(provider.callback()).listen(Number(new URL(url).port), '127.0.0.1')
  t.teardown(() => new Promise((resolve) => server.close(resolve).closeAllConnections()))
  /** A logout token that is right but for what is said. */
  const logoutToken = async (more: Record<string, unknown>, key = privateKey) => {
    const now = Math.floor(Date.now() / 1_000)
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
    const all = { iss: url, aud: 'kith', iat: now, exp: now + 120, jti: 'j', events, ...more }
    const payload = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
    return await new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid: 'k', typ: 'logout+jwt' }).sign(key)
  }
  /** An access token of somebody who signed in. */
  const accessToken = async (sub: string) =>
    await new SignJWT({ client_id: 'an-app', scope: 'openid scim kith' })
      .setProtectedHeader({ alg: 'RS256', kid: 'k', typ: 'at+jwt' })
      .setIssuer(url)
      .setAudience(AUDIENCE)
      .setSubject(sub)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey)
  return { url, claims, logoutToken, accessToken }
}

/** An issuer that people sign in with: what Kith on that port is told of it, and the way through its pages. */
export async function startSignIn(t: Test) {
  const port = await freePort()
  const kithUrl = `http://127.0.0.1:${port}`
  const provider = await startProvider(t, kithUrl)
  const issuer = {
    issuer: provider.url,
    audience: AUDIENCE,
    clientId: 'kith',
    clientSecret: 'a secret of the client',
    organizations: '*',
  }
  const environment = { PUBLIC_URL: kithUrl, ISSUERS: JSON.stringify([issuer]) }
  const isCallback = (next: string) => next.startsWith(`${kithUrl}/login/callback`)
  /** Up to the callback, which is not asked. */
  const comeBack = async (browser: Browser, sub: string, claims: Record<string, unknown>): Promise<string> => {
    provider.claims.current = claims
    const login = await browser.follow(`${kithUrl}/login`, (next) => !isCallback(next))
    if (login.stopped) return login.stopped
    let { response } = login
    for (let step = 0; step < 4; step += 1) {
      const text = await response.text()
      const [, action = ''] = /action="([^"]+)"/.exec(text) ?? []
      const prompt = /name="prompt" value="(\w+)"/.exec(text)?.[1] ?? ''
      const form = { prompt, ...(prompt === 'login' ? { login: sub, password: 'any' } : {}) }
      const sent = await browser.post(new URL(action, provider.url).href, form)
      const next = new URL(sent.headers.get('location') ?? '', provider.url).href
      const followed = await browser.follow(next, (one) => !isCallback(one))
      if (followed.stopped) return followed.stopped
      response = followed.response
    }
    throw new Error('the provider asks on and on')
  }
  const signIn = async (browser: Browser, sub: string, claims: Record<string, unknown>) =>
    await browser.ask(await comeBack(browser, sub, claims))
  return { port, kithUrl, provider, environment, comeBack, signIn }
}
