import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyRequest } from 'fastify'
import { generateKeyPair } from 'jose'
import pg from 'pg'
import t, { type Test } from 'tap'
import { sessionAuthentication } from '../../src/http/web-session.ts'
import { Browser } from '../support/browser.ts'
import { testDatabase } from '../support/databases.ts'
import { startKith } from '../support/kith.ts'
import { startSignIn } from '../support/sign-in.ts'

/** Half a second of belief, and some. */
const BELIEVED_MS = 700
const LANDING = '/api/docs'

async function start(t: Test) {
  const database = await testDatabase()
  const { port, ...signingIn } = await startSignIn(t)
  const { environment, kithUrl } = signingIn
  const running = await startKith(t, database, { ...environment, PORT: String(port) })
  const other = await startKith(t, database, environment)
  await running.organization('Space Odyssey', 'spaceodyssey.com', ['Ryan Stone'])
  /** Whose session it is, as each process sees it. */
  const secretOf = (browser: Browser) => browser.cookies.get(new URL(kithUrl).host)?.get('kith')
  const who = async (browser: Browser, on = running) => {
    const authenticate = sessionAuthentication(on.kith.webSessions, kithUrl)
    const cookie = `other=1; kith=${secretOf(browser) ?? ''}`
    const actor = await authenticate({ headers: { cookie } } as FastifyRequest) // all that it looks at
    return actor === 'unauthorized' ? undefined : actor.userId
  }
  return { ...signingIn, running, other, who, secretOf, database }
}

const DAVID = { email: 'david.bowman@spaceodyssey.com', email_verified: true, name: 'David Bowman' }

t.test('signing in on the web', async (t) => {
  const { running, other, provider, kithUrl, comeBack, signIn, who, secretOf, database } = await start(t)
  const { users, webSessions } = running.kith

  await t.test('OIDC Core §3.1: the first login makes the user, later ones find them', async (t) => {
    const browser = new Browser()
    const answer = await signIn(browser, 'david', DAVID)
    t.equal(answer.status, 303)
    t.equal(answer.headers.get('location'), LANDING)
    t.match(answer.headers.get('set-cookie'), /^kith=[^;]+; Path=\/; HttpOnly; SameSite=Lax(,|$)/)
    const { id } = await users.get(DAVID.email)
    t.equal(await who(browser), id)
    t.equal(await who(browser, other), id, 'on every process')
    const again = new Browser()
    await signIn(again, 'david', DAVID)
    t.equal(await who(again), id)
    t.not(secretOf(again), secretOf(browser))
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    const { rows } = await client.query('select * from web_session')
    t.notOk(JSON.stringify(rows).includes(secretOf(browser) ?? ''), 'only a hash is kept')
    await client.query(`update web_session set last_used_at = now() - interval '13 hours' where sub = 'david'`)
    await client.end()
    await sleep(BELIEVED_MS)
    t.equal(await who(browser), undefined, 'idle for too long')
  })

  await t.test('a callback that is wrong lets nobody in', async (t) => {
    const refused = async (browser: Browser, url: string, name: string) => {
      const answer = await browser.ask(url)
      t.equal(answer.status, 403, name)
      t.notMatch(await answer.text(), /<script|at .*:\d+:\d+/, name)
      t.equal(secretOf(browser), undefined, name)
    }
    const wrongState = new Browser()
    const url = new URL(await comeBack(wrongState, 'david', DAVID))
    url.searchParams.set('state', 'another')
    await refused(wrongState, url.href, 'another state')
    const stranger = new Browser()
    await refused(stranger, await comeBack(new Browser(), 'david', DAVID), 'in another browser')
    // two flows of one browser: the second's state with the first's code, whose token has the first's nonce
    const mixed = new Browser()
    const first = new URL(await comeBack(mixed, 'david', DAVID))
    const second = new URL(await comeBack(mixed, 'david', DAVID))
    second.searchParams.set('code', first.searchParams.get('code') ?? '')
    await refused(mixed, second.href, 'another flow’s code')
    const replaying = new Browser()
    const callback = await comeBack(replaying, 'david', DAVID)
    const jar = new Map(replaying.cookies.get(new URL(kithUrl).host))
    t.equal((await replaying.ask(callback)).status, 303)
    replaying.cookies.set(new URL(kithUrl).host, jar)
    await refused(replaying, callback, 'a code that is replayed')
    const error = new Browser()
    await error.ask(`${kithUrl}/login`)
    await refused(error, `${kithUrl}/login/callback?error=access_denied&error_description=<script>`, 'an error')
  })

  await t.test('who may not come in is told so', async (t) => {
    for (const [sub, claims] of [
      ['u1', { email: 'x@spaceodyssey.com', email_verified: false }],
      ['u2', { email: 'x@spaceodyssey.com', email_verified: 'true' }],
      ['u3', { email: 'x@elsewhere.example', email_verified: true }],
    ] as const) {
      const browser = new Browser()
      t.equal((await signIn(browser, sub, claims)).status, 403, sub)
      t.equal(await who(browser), undefined)
    }
    await t.rejects(users.get('x@spaceodyssey.com'), { code: 'not-found' })
  })

  await t.test('a session ends with its user within a second, on another process too', async (t) => {
    const browser = new Browser()
    await signIn(browser, 'hal', { email: 'hal@spaceodyssey.com', email_verified: true })
    const user = await users.get('hal@spaceodyssey.com')
    t.equal(await who(browser, other), user.id)
    await users.setActive(user, false)
    await sleep(BELIEVED_MS)
    t.equal(await who(browser, other), undefined)
    t.equal((await signIn(new Browser(), 'hal', { email: user.email, email_verified: true })).status, 403)
  })

  await t.test('POST /logout ends the session, from a page of ours alone', async (t) => {
    const browser = new Browser()
    await signIn(browser, 'frank', { email: 'frank@spaceodyssey.com', email_verified: true })
    const secret = secretOf(browser) ?? ''
    t.equal((await browser.post(`${kithUrl}/logout`, {}, { origin: 'https://evil.example' })).status, 403)
    t.equal((await browser.post(`${kithUrl}/logout`, {}, { 'sec-fetch-site': 'cross-site' })).status, 403)
    t.equal((await browser.ask(`${kithUrl}/logout`)).status, 405, 'never by GET')
    t.ok(await webSessions.verify(secret))
    t.equal((await browser.post(`${kithUrl}/logout`, {})).status, 200)
    await sleep(BELIEVED_MS)
    t.equal(await webSessions.verify(secret), undefined)
  })

  await t.test('Back-Channel Logout 1.0 §2.6: a right logout token ends the sessions of its sub', async (t) => {
    const browser = new Browser()
    await signIn(browser, 'bill', { email: 'bill@spaceodyssey.com', email_verified: true })
    const send = async (token: string) =>
      (await new Browser().post(`${kithUrl}/backchannel-logout`, { logout_token: token })).status
    const { privateKey } = await generateKeyPair('RS256')
    const past = Math.floor(Date.now() / 1_000) - 600
    const wrong: readonly [string, string][] = [
      ['no token', 'x'],
      ['a nonce', await provider.logoutToken({ sub: 'bill', nonce: 'n' })],
      ['no events', await provider.logoutToken({ sub: 'bill', events: undefined })],
      ['another event', await provider.logoutToken({ sub: 'bill', events: { x: {} } })],
      ['neither sub nor sid', await provider.logoutToken({})],
      ['another audience', await provider.logoutToken({ sub: 'bill', aud: 'else' })],
      ['another issuer', await provider.logoutToken({ sub: 'bill', iss: 'https://else.example' })],
      ['expired', await provider.logoutToken({ sub: 'bill', exp: past })],
      ['no exp', await provider.logoutToken({ sub: 'bill', exp: undefined })],
      ['no jti', await provider.logoutToken({ sub: 'bill', jti: undefined })],
      ['another key', await provider.logoutToken({ sub: 'bill' }, privateKey)],
    ]
    for (const [name, token] of wrong) t.equal(await send(token), 400, name)
    t.equal(await send(await provider.logoutToken({ sub: 'another' })), 200, 'of somebody else')
    t.equal(await send(await provider.logoutToken({ sub: 'bill', sid: 'another' })), 200, 'of another session')
    t.equal(await send(await provider.logoutToken({ sub: 'bill', iat: past })), 200, 'of before the session')
    await sleep(BELIEVED_MS)
    t.ok(await who(browser, other))
    t.equal(await send(await provider.logoutToken({ sub: 'bill' })), 200)
    await sleep(BELIEVED_MS)
    t.equal(await who(browser, other), undefined)
  })

  await t.test('a link signs in once, by POST, within ten minutes', async (t) => {
    const ryan = await users.get('ryan.stone@spaceodyssey.com')
    const code = await webSessions.createLink(ryan)
    const browser = new Browser()
    const use = (text: string, headers = {}) => browser.post(`${kithUrl}/login/link`, { code: text }, headers)
    const shown = await browser.ask(`${kithUrl}/login/link?code=${code}`)
    t.equal(shown.status, 200)
    t.notOk((await shown.text()).includes(code))
    t.equal(secretOf(browser), undefined, 'looking at it signs nobody in')
    t.equal((await use(code, { origin: 'https://evil.example' })).status, 403, 'from another site')
    t.equal((await use(`${code.slice(0, -1)}_`)).status, 403, 'nearly the code')
    t.equal((await use(code)).status, 303)
    t.equal(await who(browser), ryan.id)
    t.equal((await use(code)).status, 403, 'used twice')
    const late = await webSessions.createLink(ryan)
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    await client.query(`update login_link set expires_at = now() - interval '1 second'`)
    await client.end()
    t.equal((await use(late)).status, 403, 'expired')
    await users.setActive(ryan, false)
    await t.rejects(webSessions.createLink({ ...ryan, isActive: false }), { code: 'user-inactive' })
  })
})
