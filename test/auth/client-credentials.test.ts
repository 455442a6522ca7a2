import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { SecretKey } from '../../src/auth/secret-key.ts'
import { TokenText } from '../../src/auth/token-text.ts'
import { bearerGate } from '../support/bearer.ts'
import { ask, startKith } from '../support/kith.ts'

const FORM = 'application/x-www-form-urlencoded'

t.test('RFC 6749 §4.4 Client Credentials Grant', async (t) => {
  const running = await startKith(t)
  const { kith, url } = running
  const organizationId = await running.organization('One', 'one.example', ['Ann'])
  const connector = await kith.connectors.obtain(organizationId)
  const gate = await bearerGate(t, kith.scimTokens, kith.issuerTokens)
  const { text, token } = await kith.scimTokens.create(connector)
  const reader = await kith.scimTokens.create(connector, { mayWrite: false })
  const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

  const post = async (form: Record<string, string> | string, headers: Record<string, string> = {}) => {
    const body = typeof form === 'string' ? form : String(new URLSearchParams(form))
    const answer = await ask(url, 'POST', '/oauth/token', { headers: { 'content-type': FORM, ...headers }, body })
    return { ...answer, json: JSON.parse(answer.text) as Record<string, string | number> }
  }
  const credentials = { grant_type: 'client_credentials', client_id: token.id, client_secret: text }
  const readerCredentials = { ...credentials, client_id: reader.token.id, client_secret: reader.text }

  await t.test('RFC 6749 §5.1 Successful Response: by the body or by Basic', async (t) => {
    const answers = [
      await post(credentials),
      await post({ grant_type: 'client_credentials' }, { authorization: basic(token.id, text) }),
      await post({ grant_type: 'client_credentials', client_id: token.id }, { authorization: basic(token.id, text) }),
      await post(credentials, { 'content-type': `${FORM}; charset=UTF-8` }),
    ]
    for (const { status, headers, json } of answers) {
      t.equal(status, 200)
      t.equal(headers['cache-control'], 'no-store')
      t.match(headers['content-type'], /^application\/json/)
      t.match(json, { token_type: 'Bearer', expires_in: 3600, scope: 'scim.read scim.write' })
      t.notMatch(json, { refresh_token: String }, '§4.4.3')
      const { status: let_in, bearer } = await gate.with(String(json.access_token))
      t.equal(let_in, 200)
      t.strictSame(bearer, { kind: 'connector', key: `token ${token.id}`, connector, mayWrite: true })
    }
  })

  await t.test('RFC 6749 §3.3 Access Token Scope: narrowed, never widened', async (t) => {
    for (const [asked, scope, mayWrite] of [
      ['scim.read', 'scim.read', false],
      ['scim.write', 'scim.read scim.write', true],
      ['scim.write scim.read', 'scim.read scim.write', true],
      ['', 'scim.read scim.write', true],
    ] as const) {
      const { json } = await post({ ...credentials, scope: asked })
      t.equal(json.scope, scope)
      t.match((await gate.with(String(json.access_token))).bearer, { mayWrite })
    }
    const { json } = await post(readerCredentials)
    t.equal(json.scope, 'scim.read')
    t.match((await gate.with(String(json.access_token))).bearer, { mayWrite: false })
    for (const [form, scope] of [
      [credentials, 'admin'],
      [credentials, 'scim.read openid'],
      [readerCredentials, 'scim.write'],
    ] as const) {
      const refused = await post({ ...form, scope })
      t.strictSame([refused.status, refused.json.error], [400, 'invalid_scope'])
    }
  })

  await t.test('RFC 6749 §5.2 Error Response', async (t) => {
    const { client_id, client_secret } = credentials
    const twice = `grant_type=client_credentials&client_id=${client_id}&client_id=${client_id}&client_secret=${client_secret}`
    const { json: access } = await post(credentials)
    for (const [error, form, headers] of [
      ['invalid_request', '', {}],
      ['invalid_request', { client_id, client_secret }, {}],
      ['invalid_request', twice, {}],
      ['invalid_request', credentials, { authorization: basic(token.id, text) }],
      [
        'invalid_request',
        { ...credentials, client_id: reader.token.id, client_secret: '' },
        { authorization: basic(token.id, text) },
      ],
      ['invalid_request', JSON.stringify(credentials), { 'content-type': 'application/json' }],
      ['invalid_request', 'x', { 'content-type': 'text/plain' }],
      ['unsupported_grant_type', { ...credentials, grant_type: 'password' }, {}],
      ['unsupported_grant_type', { ...credentials, grant_type: 'refresh_token' }, {}],
      ['invalid_client', { grant_type: 'client_credentials' }, {}],
      ['invalid_client', { grant_type: 'client_credentials', client_id }, {}],
      ['invalid_client', { ...credentials, client_id: reader.token.id }, {}],
      ['invalid_client', { ...credentials, client_id: "x' or 1=1" }, {}],
      ['invalid_client', { ...credentials, client_secret: 'x' }, {}],
      ['invalid_client', { ...credentials, client_secret: String(access.access_token) }, {}],
      ['invalid_client', { grant_type: 'client_credentials' }, { authorization: basic(token.id, reader.text) }],
    ] as const) {
      const answer = await post(form, headers)
      t.strictSame(
        [answer.status, answer.json.error],
        [error === 'invalid_client' ? 401 : 400, error],
        JSON.stringify(form).slice(0, 60),
      )
      t.equal(answer.headers['cache-control'], 'no-store')
      t.equal(answer.headers['www-authenticate'] !== undefined, error === 'invalid_client')
      t.notMatch(answer.text, text)
    }
    const { status, headers } = await ask(url, 'GET', `/oauth/token?client_id=${client_id}`)
    t.strictSame([status, headers.allow], [405, 'POST'])
    t.equal((await post(`${new URLSearchParams(credentials)}&x=${'x'.repeat(20_000)}`)).status, 413)
  })

  await t.test('an access token is signed, expires, and ends with the token it came from', async (t) => {
    const short = await kith.scimTokens.create(connector, { expiresAt: new Date(Date.now() + 1_000) })
    const asked = await post({ ...credentials, client_id: short.token.id, client_secret: short.text })
    t.ok(Number(asked.json.expires_in) <= 2, 'it never outlives its token')
    const { json } = await post(credentials)
    const access = String(json.access_token)
    for (const wrong of [
      `${access.slice(0, 55)}AAA${access.slice(58)}`,
      access.replace('kitha_', 'kith_'),
      `${access}A`,
      `${access.slice(0, -1)}${access.endsWith('A') ? 'E' : 'A'}`,
    ]) {
      t.equal((await gate.with(wrong)).status, 401)
    }
    const texts = new TokenText(new SecretKey(running.config.secretKey ?? ''))
    const expiring = (seconds: number) =>
      texts.makeAccess({
        organizationId,
        id: token.id,
        mayWrite: true,
        expiresAt: Math.floor(Date.now() / 1_000) + seconds,
      })
    t.equal((await gate.with(expiring(10))).status, 200)
    t.equal((await gate.with(expiring(0))).status, 401)
    t.equal((await gate.with(access)).status, 200)
    await kith.scimTokens.revoke(token.id)
    await sleep(1_510)
    t.equal((await gate.with(access)).status, 401)
    t.equal((await gate.with(String(asked.json.access_token))).status, 401)
    t.equal((await post(credentials)).json.error, 'invalid_client')
  })
})
