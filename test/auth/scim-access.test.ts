import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { AUDIENCE, startIssuer } from '../support/issuer.ts'
import { ask, startKith } from '../support/kith.ts'

t.test('who is let at SCIM, and at what of it', async (t) => {
  const issuer = await startIssuer(t)
  const running = await startKith(t, undefined, {
    ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: AUDIENCE }]),
  })
  const { kith, url } = running
  const organizationId = await running.organization('One', 'one.example', ['Ann'])
  await running.organization('Two', 'two.example', ['Bob'])
  const connector = await kith.connectors.obtain(organizationId)
  const ann = await kith.users.get('ann@one.example')
  const get = async (path: string, authorization: string | undefined, method = 'GET', body?: object) => {
    const headers = { authorization, 'content-type': 'application/scim+json' }
    return await ask(url, method, `/scim/v2${path}`, { headers, ...(body ? { body: JSON.stringify(body) } : {}) })
  }
  const person = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'new@one.example' }

  await t.test('RFC 6750 §3: no token, or a wrong one: 401 with WWW-Authenticate and the Error schema', async (t) => {
    const { text } = await kith.scimTokens.create(connector)
    const { username, password } = await kith.appPasswords.create(ann, 'phone')
    const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
    for (const authorization of [undefined, basic, 'Bearer x', `Bearer ${text}x`, `Bearer ${password}`]) {
      for (const path of ['/Users', '/Me', '/ServiceProviderConfig', '/nowhere']) {
        const { status, headers, text: body } = await get(path, authorization)
        t.equal(status, 401)
        t.match(headers['www-authenticate'], /^Bearer /)
        t.equal(/error="invalid_token"/.test(headers['www-authenticate'] ?? ''), authorization !== undefined)
        t.match(JSON.parse(body), { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: '401' })
      }
    }
    t.equal((await get(`/Users?access_token=${text}`, undefined)).status, 401, 'no token in an address')
    const carddav = { headers: { authorization: `Bearer ${text}`, depth: '0' } }
    t.equal((await ask(url, 'PROPFIND', '/dav/', carddav)).status, 401, 'and none of these opens CardDAV')
  })

  await t.test("a connector's token: its own organization, never /Me; one that reads, only reads", async (t) => {
    const { text } = await kith.scimTokens.create(connector)
    const { text: reader } = await kith.scimTokens.create(connector, { mayWrite: false })
    for (const token of [text, reader, await boundToken()]) {
      const { status, text: body } = await get('/Users', `Bearer ${token}`)
      t.equal(status, 200)
      t.match(JSON.parse(body), { totalResults: 1, Resources: [{ id: ann.id }] })
      t.equal((await get('/Me', `Bearer ${token}`)).status, 404)
    }
    t.equal((await get('/Users', `Bearer ${reader}`, 'POST', person)).status, 403)
    const made = await get('/Users', `Bearer ${text}`, 'POST', person)
    t.equal(made.status, 201)
    const { id } = JSON.parse(made.text) as { id: string }
    t.equal((await get(`/Users/${id}`, `Bearer ${reader}`, 'DELETE')).status, 403)
    t.equal((await get(`/Users/${id}`, `Bearer ${text}`, 'DELETE')).status, 204)
  })

  async function boundToken(): Promise<string> {
    const bound = await kith.connectors.clients()
    if (bound.length === 0) await kith.connectors.bind(connector, issuer.url, 'the-client', true)
    return await issuer.token()
  }

  await t.test("an ordinary user's token opens /Me alone: 403 elsewhere, 401 once deactivated", async (t) => {
    await kith.identities.link(ann, { issuer: issuer.url, sub: 'ann' })
    const token = `Bearer ${await issuer.token({ sub: 'ann', client_id: 'an-app' })}`
    const me = await get('/Me', token)
    t.equal(me.status, 200)
    t.match(JSON.parse(me.text), { id: ann.id })
    for (const path of ['/Users', `/Users/${ann.id}`, '/Groups', '/Bulk']) {
      t.equal((await get(path, token)).status, 403, path)
    }
    t.equal((await get('/Users', token, 'POST', person)).status, 403)
    const { text } = await kith.scimTokens.create(connector)
    const change = {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'replace', path: 'active', value: false }],
    }
    t.equal((await get(`/Users/${ann.id}`, `Bearer ${text}`, 'PATCH', change)).status, 200)
    await sleep(510)
    t.equal((await get('/Me', token)).status, 401)
  })

  await t.test('keys that cannot be had: 503 with Retry-After', async (t) => {
    const away = await startIssuer(t)
    const other = await startKith(t, undefined, {
      ISSUERS: JSON.stringify([{ issuer: away.url, audience: AUDIENCE }]),
    })
    away.isDown = true
    const { status, headers } = await ask(other.url, 'GET', '/scim/v2/Users', {
      headers: { authorization: `Bearer ${await away.token()}` },
    })
    t.equal(status, 503)
    t.match(headers['retry-after'], /^\d+$/)
  })
})
