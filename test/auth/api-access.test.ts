import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyRequest } from 'fastify'
import { exportSPKI, importJWK, UnsecuredJWT } from 'jose'
import t, { type Test } from 'tap'
import { assertRecent } from '#domain'
import { apiAuthentication } from '../../src/http/authenticate.ts'
import { AUDIENCE, startIssuer, wrongTokens } from '../support/issuer.ts'
import { type Asking, ask, startKith } from '../support/kith.ts'

const PUBLIC_URL = 'https://kith.example'
const OWN = { 'sec-fetch-site': 'same-origin', origin: PUBLIC_URL }

/** A server that is reached over https, and an issuer whose "ann" is Ann. */
async function start(t: Test) {
  const issuer = await startIssuer(t)
  const issuers = [{ issuer: issuer.url, audience: AUDIENCE }]
  const running = await startKith(t, undefined, { PUBLIC_URL, ISSUERS: JSON.stringify(issuers) })
  const { kith, url } = running
  const organizationId = await running.organization('One', 'one.example', ['Ann', 'Bob'])
  const ann = await kith.users.get('ann@one.example')
  await kith.identities.link(ann, { issuer: issuer.url, sub: 'ann' })
  /** Of the API: what comes of a request with these headers. */
  const api = async (method: string, path: string, headers: Asking['headers'], body?: object) => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const answer = await ask(url, method, `/api/v1${path}`, { headers: { ...type, ...headers }, ...sent })
    const { code, id } = (method === 'HEAD' ? {} : JSON.parse(answer.text || '{}')) as { code?: string; id?: string } // ours
    return { ...answer, code, id }
  }
  return { ...running, issuer, organizationId, ann, api, gate: apiAuthentication(kith, PUBLIC_URL) }
}

t.test('who may come to the JSON API', async (t) => {
  const { kith, url, issuer, organizationId, ann, api, gate } = await start(t)
  const secret = await kith.webSessions.create(ann)
  const cookie = `theme=dark; __Host-kith=${secret}`
  const bearer = async (claims: object = {}, header = {}) =>
    `Bearer ${await issuer.token({ sub: 'ann', client_id: 'an-app', ...claims }, header)}`

  await t.test('a session reads', async (t) => {
    const read = await api('GET', '/me', { cookie })
    t.equal(read.status, 200)
    t.equal(read.headers.vary, 'Authorization, Cookie')
    t.match(read.headers['cache-control'], /private/)
    t.equal((await api('HEAD', '/me', { cookie })).status, 200)
    t.equal(
      (await api('GET', '/me', { cookie, ...{ 'sec-fetch-site': 'cross-site' } })).status,
      200,
      'a link elsewhere',
    )
    for (const wrong of [`kith=${secret}`, `__Host-kith=${secret}x`, '__Host-kith=', `x__Host-kith=${secret}`]) {
      const refused = await api('GET', '/me', { cookie: wrong })
      t.equal(refused.status, 401, wrong.slice(0, 20))
      t.equal(refused.headers['www-authenticate'], 'Bearer realm="Kith"')
    }
  })

  await t.test('a session changes something from a page of ours alone', async (t) => {
    const foreign: readonly Asking['headers'][] = [
      {},
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: `${PUBLIC_URL}.evil.example` },
      { origin: 'http://kith.example' },
      { origin: PUBLIC_URL, 'sec-fetch-site': 'cross-site' },
      { origin: PUBLIC_URL, 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
      { referer: `${PUBLIC_URL}/` },
    ]
    const data = { full_name: 'Julie' }
    for (const headers of foreign) {
      const name = JSON.stringify(headers)
      for (const [method, path, body] of [
        ['POST', '/contacts', { data }],
        ['PATCH', '/me', {}],
        ['DELETE', '/contacts/00000000-0000-4000-8000-000000000000', undefined],
        ['PUT', '/me', {}],
      ] as const) {
        const refused = await api(method, path, { cookie, ...headers }, body)
        t.strictSame([refused.status, refused.code], [403, 'cross-site'], `${method} ${name}`)
      }
    }
    t.equal(JSON.parse((await api('GET', '/contacts?q=julie', { cookie })).text).items.length, 0)
    for (const headers of [OWN, { origin: PUBLIC_URL }, { 'sec-fetch-site': 'same-origin' }]) {
      const made = await api('POST', '/contacts', { cookie, ...headers }, { data })
      t.equal(made.status, 201, JSON.stringify(headers))
      t.equal((await api('DELETE', `/contacts/${made.id}`, { cookie, ...headers })).status, 204)
    }
    const other = await api('POST', '/contacts', { authorization: await bearer() }, { data })
    t.equal(other.status, 201, 'a token proves that itself')
  })

  await t.test('an Authorization header decides, whatever the cookie', async (t) => {
    for (const authorization of ['Bearer x', 'Basic YTpi', 'Bearer', '']) {
      const refused = await api('GET', '/me', { cookie, authorization })
      t.equal(refused.status, 401, authorization)
      t.equal(refused.headers['www-authenticate'], 'Bearer realm="Kith", error="invalid_token"')
    }
  })

  await t.test('a session opens nothing else', async (t) => {
    for (const [method, path] of [
      ['GET', '/scim/v2/Me'],
      ['GET', '/scim/v2/Users'],
      ['PROPFIND', '/dav/'],
    ] as const) {
      t.equal((await ask(url, method, path, { headers: { cookie, ...OWN } })).status, 401, path)
    }
  })

  await t.test('RFC 6750 §3.1: a token without the scope of the API is refused, and told which', async (t) => {
    for (const scope of ['openid scim', 'openid kith2', 'KITH', 'openid']) {
      const refused = await api('GET', '/me', { authorization: await bearer({ scope }) })
      t.strictSame([refused.status, refused.code], [403, 'insufficient-scope'], scope)
      t.equal(refused.headers['www-authenticate'], 'Bearer realm="Kith", error="insufficient_scope", scope="kith"')
    }
    t.equal((await api('GET', '/me', { authorization: await bearer({ scope: 'kith' }) })).status, 200)
    const strange = await api('GET', '/me', { authorization: await bearer({ scope: 'scim', sub: 'nobody' }) })
    t.equal(strange.status, 401, 'of nobody')
  })

  await t.test('Tokens: 401 for every one that is wrong', async (t) => {
    const foreign = await startIssuer(t)
    const told = async (authorization: string, name: string) => {
      const refused = await api('GET', '/me', { authorization })
      t.equal(refused.status, 401, name)
      t.match(refused.headers['www-authenticate'], /error="invalid_token"/, name)
    }
    for (const [name, claims, header] of wrongTokens(issuer.url, foreign.url)) {
      const token = await bearer(claims, header).catch(() => undefined)
      if (token === undefined) t.ok(header.crit, `${name} cannot be made`)
      else await told(token, name)
    }
    const claims = { ...issuer.claims(), sub: 'ann', client_id: 'an-app' }
    await told(`Bearer ${new UnsecuredJWT(claims).encode()}`, 'alg none')
    const publicKey = await importJWK(issuer.keys[0]?.jwk ?? {}, 'RS256', { extractable: true })
    if (publicKey instanceof Uint8Array) return t.fail('it is a key pair')
    const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const text = `${encoded({ alg: 'HS256', kid: 'first', typ: 'at+jwt' })}.${encoded(claims)}`
    const hmac = createHmac('sha256', await exportSPKI(publicKey))
    await told(`Bearer ${text}.${hmac.update(text).digest('base64url')}`, 'HS256 with the public key')
    for (const kid of ['unknown', '../../etc/passwd', "x' or '1'='1", '__proto__']) {
      await told(await bearer({}, { kid }), kid)
    }
    const others = { sub: 'ann', client_id: 'an-app', iss: issuer.url }
    for (const header of [{}, { jwk: foreign.keys[0]?.jwk }, { jku: `${foreign.url}/keys` }]) {
      await told(`Bearer ${await foreign.token(others, header)}`, `another's key ${Object.keys(header)}`)
    }
    await told(`Bearer ${await foreign.token({ sub: 'ann', client_id: 'an-app' })}`, 'an issuer that is not configured')
    t.strictSame([foreign.fetches(), foreign.strays()], [0, 0], 'nothing is asked of a stranger')
    t.equal((await api('GET', '/me', { authorization: await bearer() })).status, 200, 'which the right one is not')
  })

  await t.test('an identity provider is no person', async (t) => {
    await kith.connectors.bind(await kith.connectors.obtain(organizationId), issuer.url, 'the-client', true)
    const authorization = `Bearer ${await issuer.token()}`
    t.strictSame((await api('GET', '/me', { authorization, cookie })).code, 'no-person')
  })

  await t.test('what outlives a session takes a sign-in of the last 15 minutes', async (t) => {
    const signedInAt = async (headers: object) => {
      const found = await gate({ method: 'GET', headers } as FastifyRequest) // all that it looks at
      if (typeof found !== 'object' || !('actor' in found)) throw new Error('nobody is let in')
      return found.actor.signedInAt
    }
    const now = Math.floor(Date.now() / 1_000)
    const isRecent = async (headers: object) => assertRecent(await signedInAt(headers))
    await t.resolves(isRecent({ cookie }), 'a session that began just now')
    await t.resolves(isRecent({ authorization: await bearer({ auth_time: now - 840 }) }))
    for (const auth_time of [now - 960, now + 600, undefined, String(now), -1]) {
      const old = isRecent({ authorization: await bearer({ auth_time }) })
      await t.rejects(old, { code: 'login-too-old' }, `auth_time ${auth_time}`)
    }
    await kith.users.update(ann, { isStaff: true })
    const connector = await kith.connectors.obtain(organizationId)
    const path = `/organization/connectors/${connector.id}/tokens`
    const issue = (headers: Asking['headers']) => api('POST', path, headers, {})
    const old = await issue({ authorization: await bearer({ auth_time: now - 960 }) })
    t.strictSame([old.status, old.code], [403, 'login-too-old'])
    t.equal((await api('GET', path, { authorization: await bearer({ auth_time: now - 960 }) })).status, 200)
    t.equal((await issue({ authorization: await bearer({ auth_time: now - 10 }) })).status, 201)
    t.equal((await issue({ cookie, ...OWN })).status, 201)
  })

  await t.test('a session ends within half a second with its user', async (t) => {
    await kith.users.setActive(ann, false)
    await sleep(510)
    t.equal((await api('GET', '/me', { cookie })).status, 401)
    await kith.users.setActive(ann, true)
    t.equal((await api('GET', '/me', { cookie })).status, 200)
    await kith.webSessions.end(secret)
    await sleep(510)
    t.equal((await api('GET', '/me', { cookie })).status, 401)
  })
})
