import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t, { type Test } from 'tap'
import { Browser } from '../support/browser.ts'
import { commandLine } from '../support/command-line.ts'
import { testDatabase } from '../support/databases.ts'
import { makeKey } from '../support/issuer.ts'
import { freePort } from '../support/ports.ts'
import { type SignInIssuer, startSignInIssuer } from '../support/sign-in-issuer.ts'

const PUBLIC_URL = 'https://kith.example'
const SESSION = '__Host-kith'
const FLOW = '__Host-kith-login'
const OWN = { origin: PUBLIC_URL }
const DAVID = { email: 'david.bowman@spaceodyssey.com', email_verified: true }
/** Half a second of belief, and some. */
const BELIEVED_MS = 700

/** A server of its own process, reached over https, with two issuers; everything that it logs. */
async function start(t: Test) {
  const [database, port, one, other] = await Promise.all([
    testDatabase(),
    freePort(),
    startSignInIssuer(t),
    startSignInIssuer(t),
  ])
  const directory = mkdtempSync(join(tmpdir(), 'kith-sign-in-'))
  const issuers = [one, other].map(({ issuer }) => ({ issuer: issuer.url, clientId: 'kith', organizations: '*' }))
  const environment = {
    DATABASE_URL: database.url,
    DATA_DIR: directory,
    PORT: String(port),
    PUBLIC_URL,
    ISSUERS: JSON.stringify(issuers),
    LOG_LEVEL: 'trace',
  }
  const { json } = commandLine(t, environment)
  await json('organization', 'create', '--name', 'Space Odyssey', '--domain', 'spaceodyssey.com')
  await json('user', 'create', '--organization', 'Space Odyssey', '--name', 'Ryan', '--email', 'ryan@spaceodyssey.com')
  const server = spawn(process.execPath, ['src/cli.ts', 'serve'], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const log: string[] = []
  server.stdout.setEncoding('utf8').on('data', (text: string) => log.push(text))
  await once(server.stdout, 'data') // it tells when it listens
  t.teardown(async () => {
    server.kill('SIGTERM')
    await once(server, 'exit')
    rmSync(directory, { recursive: true, force: true })
    await database.drop()
  })
  const url = `http://127.0.0.1:${port}`
  /** Goes to the issuer; what comes is where the browser was sent. */
  const begin = async (browser: Browser, { issuer }: SignInIssuer) => {
    const answer = await browser.ask(`${url}/login?issuer=${encodeURIComponent(issuer.url)}`)
    t.equal(answer.status, 302)
    return { answer, sent: new URL(answer.headers.get('location') ?? '').searchParams }
  }
  /** Comes back from the issuer, which signs in whoever it says. */
  const finish = (browser: Browser, query: Readonly<Record<string, string>>) =>
    browser.ask(`${url}/login/callback?${new URLSearchParams({ code: 'a-code', ...query })}`)
  /** All of it, with what is said of the ID token and of the query. */
  const signIn = async (at: SignInIssuer, says: object = {}, query: object = {}, browser = new Browser()) => {
    const { sent } = await begin(browser, at)
    at.says = { ...DAVID, nonce: sent.get('nonce'), ...says }
    const right = { state: sent.get('state') ?? '', iss: at.issuer.url }
    const given = Object.entries({ ...right, ...query }).filter(([, value]) => value !== undefined)
    return await finish(browser, Object.fromEntries(given))
  }
  const jar = (browser: Browser) => browser.cookies.get(new URL(url).host)
  const me = async (browser: Browser) => (await browser.ask(`${url}/api/v1/me`)).status
  return { url, one, other, log, json, begin, finish, signIn, jar, me, database }
}

t.test('signing in over https at one of two issuers', async (t) => {
  const { url, one, other, log, json, begin, signIn, jar, me, database } = await start(t)

  await t.test('the page of choice names every issuer, and others are not found', async (t) => {
    const answer = await new Browser().ask(`${url}/login`)
    t.equal(answer.status, 200)
    const text = await answer.text()
    const links = [...text.matchAll(/href="([^"]+)"/g)].map(([, href]) => href)
    t.strictSame(
      links,
      [one, other].map(({ issuer }) => `/login?issuer=${encodeURIComponent(issuer.url)}`),
    )
    t.match(answer.headers.get('content-security-policy'), /default-src 'none'/)
    const unknown = await new Browser().ask(`${url}/login?issuer=https://evil.example`)
    t.equal(unknown.status, 404)
    t.equal(unknown.headers.get('set-cookie'), null)
  })

  await t.test('RFC 6265bis §4.1.3.2: cookies bear __Host-, Secure and no domain', async (t) => {
    const browser = new Browser()
    const { answer, sent } = await begin(browser, one)
    t.match(
      answer.headers.get('set-cookie'),
      /^__Host-kith-login=[^;]+; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
    )
    t.equal(sent.get('redirect_uri'), `${PUBLIC_URL}/login/callback`)
    t.equal(sent.get('code_challenge_method'), 'S256')
    const done = await signIn(one, {}, {}, browser)
    t.equal(done.status, 303)
    const [session, cleared] = done.headers.getSetCookie()
    t.match(session, /^__Host-kith=[^;]+; Path=\/; HttpOnly; SameSite=Lax; Secure$/)
    t.match(cleared, /^__Host-kith-login=; Max-Age=0; Path=\/; HttpOnly; SameSite=Lax; Secure$/)
    t.equal(await me(browser), 200)
    const before = jar(browser)?.get(SESSION)
    await signIn(one, {}, {}, browser)
    const fixed = new Browser()
    fixed.cookies.set(new URL(url).host, new Map([[SESSION, before ?? '']]))
    await sleep(BELIEVED_MS)
    t.equal(await me(fixed), 401, 'a new sign-in ends the session before it')
    const out = await browser.post(`${url}/logout`, {}, OWN)
    t.match(out.headers.get('set-cookie'), /^__Host-kith=; Max-Age=0; .*; Secure$/)
  })

  await t.test('OIDC Core §3.1.3.7: an ID token that is not for this sign-in lets nobody in', async (t) => {
    const past = Math.floor(Date.now() / 1_000) - 3_600
    for (const [name, says] of [
      ['another nonce', { nonce: 'another' }],
      ['no nonce', { nonce: undefined }],
      ['another audience', { aud: 'else' }],
      ['expired', { exp: past, iat: past - 300 }],
      ['no exp', { exp: undefined }],
      ['no sub', { sub: undefined }],
      ['another issuer', { iss: other.issuer.url }],
      ['for another client too, which asked for it', { aud: ['kith', 'else'], azp: 'else' }],
    ] as const) {
      const browser = new Browser()
      const exchanges = one.exchanges.length
      t.equal((await signIn(one, says, {}, browser)).status, 403, name)
      t.equal(one.exchanges.length, exchanges + 1, 'after the code was exchanged')
      t.equal(jar(browser)?.get(SESSION), undefined, name)
    }
    one.key = await makeKey('first')
    t.equal((await signIn(one)).status, 403, 'signed by another')
    one.key = undefined
    t.equal((await signIn(one)).status, 303, 'which the right one is not')
  })

  await t.test('RFC 9207 §2.4: an answer of another issuer is refused before its code goes anywhere', async (t) => {
    const exchanges = [one.exchanges.length, other.exchanges.length]
    for (const iss of [other.issuer.url, `${one.issuer.url}/`, '', undefined]) {
      t.equal((await signIn(one, {}, { iss })).status, 403, `iss ${iss}`)
    }
    t.strictSame([one.exchanges.length, other.exchanges.length], exchanges)
    one.tokensOf = other.issuer
    t.equal((await signIn(one)).status, 403, 'an ID token of the other issuer')
    one.tokensOf = undefined
    t.equal((await signIn(other, { sub: 'dave' })).status, 303, 'which signs in for itself')
    const browser = new Browser()
    const { sent } = await begin(browser, one)
    const [body = '', mac = ''] = jar(browser)?.get(FLOW)?.split('.') ?? []
    const flow = JSON.parse(Buffer.from(body, 'base64url').toString())
    const forged = Buffer.from(JSON.stringify({ ...flow, issuer: other.issuer.url })).toString('base64url')
    jar(browser)?.set(FLOW, `${forged}.${mac}`)
    const query = new URLSearchParams({ code: 'c', state: sent.get('state') ?? '', iss: other.issuer.url })
    t.equal((await browser.ask(`${url}/login/callback?${query}`)).status, 403, 'a flow that was altered')
  })

  await t.test('a session ends 7 days after it began, whatever its use', async (t) => {
    const browser = new Browser()
    await signIn(one, {}, {}, browser)
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    const { rows } = await client.query(
      'select extract(epoch from max(expires_at - created_at))::int as seconds from web_session',
    )
    t.strictSame(rows, [{ seconds: 7 * 86_400 }])
    t.equal(await me(browser), 200)
    await client.query(`update web_session set expires_at = now() - interval '1 second', last_used_at = now()`)
    await client.end()
    await sleep(BELIEVED_MS)
    t.equal(await me(browser), 401)
  })

  await t.test('who is refused stands in the log: why, by whose word, and not who it was', async (t) => {
    const entries = () =>
      log
        .join('')
        .split('\n')
        .filter((line) => line.startsWith('{') && line.includes('sign-in was refused'))
        .map((line) => JSON.parse(line))
    const before = entries().length
    for (const [says, refused] of [
      [{ sub: 'x', email: 'x@elsewhere.example' }, 'unknown-organization'],
      [{ sub: 'x', email: 'x@spaceodyssey.com', email_verified: false }, 'nothing-verified'],
      [{ nonce: 'another' }, 'failed'],
    ] as const) {
      t.equal((await signIn(one, says)).status, 403)
      await sleep(50)
      t.match(entries().at(-1), { level: 40, refused, issuer: one.issuer.url })
    }
    t.equal(entries().length, before + 3)
    t.notMatch(log.join(''), /x@elsewhere|a-code|an-access-token/)
  })

  await t.test('login-link: a link signs in once, by POST, and is in no log', async (t) => {
    const made = await json<{ user: string; url: string }>('login-link', '--user', 'ryan@spaceodyssey.com')
    const [, code = ''] = /^https:\/\/kith\.example\/login\/link#(kithl_[\w-]+)$/.exec(made.url) ?? []
    t.not(code, '')
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    const { rows } = await client.query(
      'select extract(epoch from expires_at - now())::int as seconds, * from login_link',
    )
    await client.end()
    t.ok(rows.length === 1 && rows[0].seconds > 590 && rows[0].seconds <= 600, 'within ten minutes')
    t.notOk(JSON.stringify(rows).includes(code), 'only a hash is kept')
    const browser = new Browser()
    const shown = await browser.ask(`${url}/login/link`)
    t.match(await shown.text(), /<form method="post"/)
    t.equal(jar(browser)?.get(SESSION), undefined, 'looking at it signs nobody in')
    const all = await Promise.all(
      Array.from({ length: 20 }, () => new Browser().post(`${url}/login/link`, { code }, OWN)),
    )
    const winners = all.filter(({ status }) => status === 303)
    t.strictSame([winners.length, all.filter(({ status }) => status === 403).length], [1, 19])
    const secret = /__Host-kith=([^;]+)/.exec(winners[0]?.headers.get('set-cookie') ?? '')?.[1] ?? ''
    const answer = await fetch(`${url}/api/v1/me`, { headers: { cookie: `${SESSION}=${secret}` } })
    t.equal(((await answer.json()) as { id?: string }).id, made.user)
    await sleep(50)
    t.notOk(
      [code, secret].some((one) => log.join('').includes(one)),
      'in no log',
    )
  })

  await t.test('RFC 9110 §15.5.6: wrong methods are told the right ones', async (t) => {
    for (const [path, allow] of [
      ['/login', 'GET'],
      ['/login/callback', 'GET'],
      ['/login/link', 'GET, POST'],
      ['/login/link.js', 'GET'],
      ['/logout', 'POST'],
      ['/backchannel-logout', 'POST'],
    ] as const) {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((one) => !allow.includes(one))) {
        const answer = await fetch(`${url}${path}`, { method, redirect: 'manual' })
        t.strictSame([answer.status, answer.headers.get('allow')], [405, allow], `${method} ${path}`)
      }
    }
  })
})
