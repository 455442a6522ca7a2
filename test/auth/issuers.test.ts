import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { exportSPKI, importJWK, UnsecuredJWT } from 'jose'
import t, { type Test } from 'tap'
import { IssuerTokens } from '../../src/auth/issuer-tokens.ts'
import { readIssuers } from '../../src/auth/issuers.ts'
import { bearerGate } from '../support/bearer.ts'
import { AUDIENCE, type Claims, makeKey, startIssuer, wrongTokens } from '../support/issuer.ts'
import { type Running, startKith } from '../support/kith.ts'

const COOL_DOWN_MS = 2_000
const TIMES = { coolDownMs: COOL_DOWN_MS, retryMs: 100, timeoutMs: 1_000 }

/** An issuer whose client comes as the connector of an organization, and who lets in. */
async function scene(t: Test, { kith }: Running, organizationId: string, times = {}, more: object = {}) {
  const issuer = await startIssuer(t)
  const connector = await kith.connectors.obtain(organizationId)
  await kith.connectors.bind(connector, issuer.url, 'the-client', true)
  const issuers = readIssuers(JSON.stringify([{ issuer: issuer.url, audience: AUDIENCE, ...more }]))
  t.ok(issuers, 'the setting is right')
  const tokens = new IssuerTokens(kith.store, issuers ?? [], { ...TIMES, ...times })
  const gate = await bearerGate(t, kith.scimTokens, tokens)
  return { issuer, connector, gate }
}

t.test('access tokens of issuers', async (t) => {
  const running = await startKith(t)
  const { kith } = running
  const organizationId = await running.organization('One', 'one.example', ['Ann', 'Bob'])

  await t.test('RFC 9068: one that is right lets its client in as the connector it is bound to', async (t) => {
    const { issuer, connector, gate } = await scene(t, running, organizationId)
    const { status, bearer } = await gate.with(await issuer.token())
    t.equal(status, 200)
    t.strictSame(bearer, { kind: 'connector', key: `client ${issuer.url} the-client`, connector, mayWrite: true })
    const right: readonly (readonly [string, Claims, Claims])[] = [
      ['RFC 9068 typ with its prefix', {}, { typ: 'application/at+jwt' }],
      ['a plain JWT', {}, { typ: 'JWT' }],
      ['without typ (Okta)', {}, { typ: undefined }],
      ['several audiences', { aud: ['other', AUDIENCE] }, {}],
      ['azp (Keycloak)', { client_id: undefined, azp: 'the-client' }, {}],
      ['appid (Entra v1)', { client_id: undefined, appid: 'the-client' }, {}],
      ['scp as text (Entra)', { scope: undefined, scp: 'user.read scim' }, {}],
      ['scp as an array (Okta)', { scope: undefined, scp: ['scim'] }, {}],
      ['roles of an app (Entra)', { scope: undefined, roles: ['scim'], azpacr: '1' }, {}],
      ['roles of an app by its kind (Entra)', { scope: undefined, roles: ['scim'], idtyp: 'app' }, {}],
    ]
    for (const [name, claims, header] of right) {
      t.match((await gate.with(await issuer.token(claims, header))).bearer, { kind: 'connector' }, name)
    }
    t.equal(issuer.fetches(), 1, 'keys are fetched once')
  })

  await t.test('Tokens: 401 for every one that is wrong', async (t) => {
    const { issuer, gate } = await scene(t, running, organizationId)
    const [key] = issuer.keys
    if (!key) return t.fail('the issuer has a key')
    const foreign = await startIssuer(t)
    const wrong: readonly (readonly [string, Claims, Claims])[] = [
      ...wrongTokens(issuer.url, foreign.url),
      ['another scope', { scope: 'openid scim2' }, {}],
      ['a client that is not bound', { client_id: 'another' }, {}],
      ['a client of another case', { client_id: 'The-Client' }, {}],
      ['no client, and a sub that is nobody', { client_id: undefined }, {}],
      ['no client, no sub', { client_id: undefined, sub: undefined }, {}],
      ['NUL in the client', { client_id: 'the-client\0' }, {}],
    ]
    for (const [name, claims, header] of wrong) {
      const token = await issuer.token(claims, header).catch(() => undefined)
      if (token === undefined) t.ok(header.crit, `${name} cannot be made`)
      else t.equal((await gate.with(token)).status, 401, name)
    }
    t.equal((await gate.with(await issuer.token())).status, 200, 'which the right one is not')
    const [head = '', body = '', signature = ''] = (await issuer.token()).split('.')
    const altered = Buffer.from(JSON.stringify({ ...issuer.claims(), client_id: 'other' })).toString('base64url')
    for (const token of [
      `${head}.${altered}.${signature}`,
      `${head}.${body}.`,
      `${head}.${body}`,
      `${head}.${body}.${'A'.repeat(17_000)}`,
    ]) {
      t.equal((await gate.with(token)).status, 401)
    }
    t.equal((await gate.with(await foreign.token({ iss: issuer.url }, { kid: key.kid }))).status, 401, "another's key")
    t.equal((await gate.with(await foreign.token())).status, 401, 'an issuer that is not configured')
    t.equal(foreign.fetches(), 0, 'and nothing is asked of it')
  })

  await t.test('Tokens: alg none, HS256 with a public key, a JWK without alg', async (t) => {
    const { issuer, gate } = await scene(t, running, organizationId)
    const first = await makeKey('first', 'RS256', { withAlg: false })
    const curve = await makeKey('curve', 'ES256', { withAlg: false })
    issuer.keys = [first, curve]
    t.equal((await gate.with(new UnsecuredJWT(issuer.claims()).encode())).status, 401)
    const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const publicKey = await importJWK(first.jwk, 'RS256', { extractable: true })
    if (publicKey instanceof Uint8Array) return t.fail('it is a key pair')
    const pem = await exportSPKI(publicKey)
    for (const alg of ['HS256', 'HS512', 'none', 'NONE', 'hs256', 'dir']) {
      for (const secret of [pem, `${pem}\n`, JSON.stringify(first.jwk), first.jwk.n ?? '', '']) {
        const text = `${encoded({ alg, kid: 'first', typ: 'at+jwt' })}.${encoded(issuer.claims())}`
        const hmac = createHmac(alg.endsWith('512') ? 'sha512' : 'sha256', secret)
          .update(text)
          .digest('base64url')
        t.equal((await gate.with(`${text}.${hmac}`)).status, 401, alg)
      }
    }
    t.equal((await gate.with(await issuer.token({}, {}, first))).status, 200, 'one without alg is good for its kind')
    t.equal((await gate.with(await issuer.token({}, { alg: 'ES256' }, curve))).status, 200)
    const crossed = (await issuer.token({}, {}, first)).split('.')
    crossed[0] = encoded({ alg: 'RS256', kid: 'curve', typ: 'at+jwt' })
    t.equal((await gate.with(crossed.join('.'))).status, 401, 'and for no other')
  })

  await t.test('Tokens: the algorithms of the setting, and no others', async (t) => {
    const { issuer, gate } = await scene(t, running, organizationId, {}, { algorithms: ['ES256'] })
    const curve = await makeKey('curve', 'ES256')
    issuer.keys.push(curve)
    t.equal((await gate.with(await issuer.token())).status, 401)
    t.equal((await gate.with(await issuer.token({}, {}, curve))).status, 200)
  })

  await t.test('Tokens: an unknown, traversing or SQL-bearing kid has keys fetched once a cool-down', async (t) => {
    const { issuer, gate } = await scene(t, running, organizationId)
    const other = await makeKey('first')
    t.equal((await gate.with(await issuer.token())).status, 200)
    const kids = ['unknown', '../../etc/passwd', "x' or '1'='1", '__proto__', '', 'a'.repeat(5_000), undefined]
    for (const kid of kids) {
      t.equal((await gate.with(await issuer.token({}, { kid }, other))).status, 401, String(kid).slice(0, 20))
    }
    await Promise.all(
      Array.from({ length: 50 }, async (_, at) => {
        t.equal((await gate.with(await issuer.token({}, { kid: `unknown ${at}` }))).status, 401)
      }),
    )
    t.equal(issuer.fetches(), 2, 'at first, and for the first unknown kid')
    await sleep(COOL_DOWN_MS + 50)
    t.equal((await gate.with(await issuer.token({}, { kid: 'unknown' }))).status, 401)
    t.equal(issuer.fetches(), 3)
  })

  await t.test('Tokens: jku, x5u and jwk of a header are not looked at', async (t) => {
    const { issuer, gate } = await scene(t, running, organizationId)
    const own = await makeKey('own')
    const evil = await startIssuer(t)
    evil.keys = [own]
    for (const header of [{ jku: `${evil.url}/keys` }, { x5u: `${evil.url}/keys` }, { jwk: own.jwk }]) {
      t.equal((await gate.with(await issuer.token({}, header, own))).status, 401)
      t.equal((await gate.with(await issuer.token({}, { ...header, kid: 'first' }, own))).status, 401)
      t.equal((await gate.with(await issuer.token({}, header))).status, 200, 'nor do they harm')
    }
    t.strictSame([evil.fetches(), evil.strays()], [0, 0])
  })

  await t.test('Tokens: key rotation overlaps without a 401', async (t) => {
    const { issuer, gate } = await scene(t, running, organizationId)
    const before = await issuer.token()
    t.equal((await gate.with(before)).status, 200)
    const next = await makeKey('next')
    issuer.keys.push(next)
    const all = await Promise.all([
      ...Array.from({ length: 10 }, async (_, at) => await gate.with(await issuer.token({ jti: `${at}` }, {}, next))),
      gate.with(before),
    ])
    t.ok(all.every(({ status }) => status === 200))
    t.equal(issuer.fetches(), 2)
  })

  await t.test('Tokens: JWKS down: cached keys for their time, then 503', async (t) => {
    const { issuer, gate } = await scene(t, running, organizationId, { believedMs: 3_000, retryMs: 1_000 })
    t.equal((await gate.with(await issuer.token())).status, 200)
    issuer.isDown = true
    await sleep(1_800)
    const fetches = issuer.fetches()
    for (const jti of ['a', 'b', 'c']) t.equal((await gate.with(await issuer.token({ jti }))).status, 200)
    await sleep(1_600)
    for (const jti of ['d', 'e', 'f']) t.equal((await gate.with(await issuer.token({ jti }))).status, 503)
    t.ok(issuer.fetches() - fetches <= 2, 'it is not asked for each')
    t.equal((await gate.with('x.y.z')).status, 401, 'what needs no key is told')
    issuer.isDown = false
    await sleep(1_050)
    t.equal((await gate.with(await issuer.token())).status, 200)
    t.equal((await gate.with(await issuer.token({ exp: 1 }))).status, 401)
  })

  await t.test('Tokens: keys that were never had: 503, and not asked for each', async (t) => {
    const { issuer, gate } = await scene(t, running, organizationId, { retryMs: 60_000 })
    issuer.isDown = true
    for (const jti of ['a', 'b', 'c']) t.equal((await gate.with(await issuer.token({ jti }))).status, 503)
    t.equal(issuer.fetches(), 0, 'it has no metadata')
  })

  await t.test("RFC 8414 §3.3: metadata of another issuer is not believed; the setting's address is", async (t) => {
    const { issuer, gate } = await scene(t, running, organizationId, { retryMs: 0 })
    issuer.metadata = { issuer: 'https://other.example' }
    t.equal((await gate.with(await issuer.token())).status, 503)
    issuer.metadata = {}
    t.equal((await gate.with(await issuer.token())).status, 200)
    const oauth = await startIssuer(t, 'oauth')
    await kith.connectors.bind(await kith.connectors.obtain(organizationId), oauth.url, 'the-client', false)
    const direct = await startIssuer(t)
    direct.metadata = { issuer: 'https://other.example' }
    await kith.connectors.bind(await kith.connectors.obtain(organizationId), direct.url, 'the-client', true)
    const issuers = [
      { issuer: oauth.url, audience: AUDIENCE },
      { issuer: direct.url, audience: AUDIENCE, jwksUri: `${direct.url}/keys` },
    ]
    const both = new IssuerTokens(kith.store, readIssuers(JSON.stringify(issuers)) ?? [])
    t.match(await both.verify(await oauth.token(), 'scim'), { kind: 'connector', mayWrite: false })
    t.match(await both.verify(await direct.token(), 'scim'), { kind: 'connector', mayWrite: true })
  })

  await t.test('a client: bound to one connector, ended within 500 ms', async (t) => {
    const { issuer, connector, gate } = await scene(t, running, organizationId)
    const otherId = await running.organization('Two', 'two.example', [])
    const other = await kith.connectors.obtain(otherId)
    await t.rejects(kith.connectors.bind(other, issuer.url, 'the-client', true), { code: 'already-exists' })
    const token = await issuer.token()
    t.match((await gate.with(token)).bearer, { connector: { organizationId, id: connector.id } })
    await kith.organizations.setActive(organizationId, false)
    await sleep(510)
    t.equal((await gate.with(token)).status, 401)
    await kith.organizations.setActive(organizationId, true)
    t.equal((await gate.with(token)).status, 200)
    await kith.connectors.unbind(issuer.url, 'the-client')
    await sleep(510)
    t.equal((await gate.with(token)).status, 401)
    await t.rejects(kith.connectors.unbind(issuer.url, 'the-client'), { code: 'not-found' })
    await kith.connectors.bind(other, issuer.url, 'the-client', false)
    t.match((await gate.with(token)).bearer, { connector: { organizationId: otherId }, mayWrite: false })
  })

  await t.test('a user: whom the sub is linked to, active, and by no e-mail', async (t) => {
    const { issuer, gate } = await scene(t, running, organizationId)
    const [ann, bob] = [await kith.users.get('ann@one.example'), await kith.users.get('bob@one.example')]
    const claims = { sub: 'ann-at-issuer', client_id: 'an-app', email: 'ann@one.example', email_verified: true }
    const token = await issuer.token(claims)
    t.equal((await gate.with(token)).status, 401, 'an e-mail links nobody')
    const identity = { issuer: issuer.url, sub: 'ann-at-issuer' }
    await kith.identities.link(ann, identity)
    await kith.identities.link(ann, identity)
    await t.rejects(kith.identities.link(bob, identity), { code: 'already-exists' })
    const { status, bearer } = await gate.with(token)
    t.equal(status, 200)
    const actor = { organizationId, userId: ann.id, peopleId: ann.peopleId }
    t.strictSame(bearer, { kind: 'user', key: `user ${ann.id}`, actor })
    await kith.users.update(bob, { email: 'ann-at-issuer@one.example' })
    t.match((await gate.with(await issuer.token({ ...claims, jti: '1' }))).bearer, { actor })

    await kith.users.setActive(ann, false)
    await sleep(510)
    t.equal((await gate.with(token)).status, 401)
    await kith.users.setActive(ann, true)
    t.equal((await gate.with(token)).status, 200)
    await t.rejects(kith.identities.unlink(bob, identity), { code: 'not-found' })
    await kith.identities.unlink(ann, identity)
    await sleep(510)
    t.equal((await gate.with(token)).status, 401)

    await kith.identities.link(ann, identity)
    for (const mark of [{ auth_time: 1 }, { amr: ['pwd'] }, { sid: 'x' }]) {
      const signedIn = { ...claims, client_id: 'the-client', ...mark }
      t.match((await gate.with(await issuer.token(signedIn))).bearer, { kind: 'user' }, 'of a bound client, for a user')
      t.equal((await gate.with(await issuer.token({ ...signedIn, sub: 'nobody' }))).status, 401)
    }
    await kith.users.delete(ann)
    await sleep(510)
    t.equal((await gate.with(token)).status, 401)
    const again = await kith.users.create(organizationId, { name: 'Ann', email: 'ann@one.example' })
    t.not(again.id, ann.id)
    t.equal((await gate.with(token)).status, 401, 'who is made anew inherits nothing')
  })

  await t.test('200 requests with one token are one look-up', async (t) => {
    const { issuer, gate } = await scene(t, running, organizationId)
    const token = await issuer.token()
    const all = await Promise.all(Array.from({ length: 200 }, () => gate.with(token)))
    t.ok(all.every(({ status }) => status === 200))
    t.equal(issuer.fetches(), 1)
  })
})

t.test('the setting ISSUERS: what cannot be is refused', async (t) => {
  const right = { issuer: 'https://id.example', audience: 'kith' }
  t.match(readIssuers(JSON.stringify([right])), [{ ...right, scope: 'scim' }])
  t.strictSame(readIssuers('[]'), [])
  for (const wrong of [
    'x',
    '{}',
    'null',
    '[null]',
    '[[]]',
    ...[
      { issuer: undefined },
      { issuer: 'id.example' },
      { issuer: 'ftp://id.example' },
      { issuer: 'https://id.example?x' },
      { issuer: 'https://u@id.example' },
      { audience: undefined },
      { audience: '' },
      { jwksUri: 'keys' },
      { scope: 'a b' },
      { algorithms: [] },
      { algorithms: ['HS256'] },
      { algorithms: ['RS256', 'none'] },
      { algorithms: 'RS256' },
      { client: 'x' },
    ].map((change) => JSON.stringify([{ ...right, ...change }])),
    JSON.stringify([right, right]),
  ]) {
    t.equal(readIssuers(wrong), undefined, wrong)
  }
})
