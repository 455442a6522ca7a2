import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { ScimTokens } from '../../src/auth/scim-tokens.ts'
import { SecretKey } from '../../src/auth/secret-key.ts'
import { openKith } from '../../src/composition.ts'
import { bearerGate } from '../support/bearer.ts'
import { startKith } from '../support/kith.ts'

const HOUR_MS = 3_600_000

t.test('tokens of connectors', async (t) => {
  const running = await startKith(t)
  const { kith, config } = running
  const organizationId = await running.organization('One', 'one.example', ['Ann'])
  const otherId = await running.organization('Two', 'two.example', ['Bob'])
  const connector = await kith.connectors.obtain(organizationId)
  const gate = await bearerGate(t, kith.scimTokens, kith.issuerTokens)
  const second = await openKith(config)
  t.teardown(() => second.close())
  const secondGate = await bearerGate(t, second.scimTokens, second.issuerTokens)
  const everywhere = (token: string) => Promise.all([gate.with(token), secondGate.with(token)])
  const statuses = async (token: string) => (await everywhere(token)).map(({ status }) => status)

  await t.test('a token lets its connector in, and nothing else does', async (t) => {
    const { text, token } = await kith.scimTokens.create(connector)
    const { status, bearer } = await gate.with(text)
    t.equal(status, 200)
    t.strictSame(bearer, { kind: 'connector', key: `token ${token.id}`, connector, mayWrite: true })
    t.equal((await gate.sent(`bearer  ${text}`)).status, 200, 'the scheme is in any case')
    const swapped = text.slice(0, 60) + (text[60] === 'A' ? 'B' : 'A') + text.slice(61)
    const last = text.slice(0, -1) + (text.endsWith('A') ? 'E' : 'A')
    for (const wrong of [swapped, last, `${text}A`, text.slice(1), text.toUpperCase(), `${text}=`, 'x', 'kith_']) {
      t.equal((await gate.with(wrong)).status, 401, wrong.slice(0, 8))
    }
    const basic = Buffer.from(`${token.id}:${text}`).toString('base64')
    for (const header of [undefined, '', 'Bearer', 'Bearer ', text, `Basic ${basic}`, `Bearer ${text} x`]) {
      t.equal((await gate.sent(header)).status, 401, String(header).slice(0, 8))
    }
  })

  await t.test('Tokens: only a keyed hash of 256 random bits is stored', async (t) => {
    const { text, token } = await kith.scimTokens.create(connector)
    const again = await kith.scimTokens.create(connector)
    t.ok(Buffer.from(text.slice(5, 91), 'base64url').byteLength >= 64)
    t.not(text.slice(48, 91), again.text.slice(48, 91))
    const rows = await running.kith.store.apiTokens.list(organizationId)
    t.notMatch(JSON.stringify(rows), text.slice(48))
    t.equal(await kith.store.apiTokens.inForce(organizationId, token.id, text), undefined, 'it is no hash')
    t.equal(await kith.store.apiTokens.inForce(otherId, token.id), undefined, 'it is looked up within its organization')
  })

  await t.test('a token that may read only says so', async (t) => {
    const { text } = await kith.scimTokens.create(connector, { mayWrite: false })
    t.match((await gate.with(text)).bearer, { kind: 'connector', mayWrite: false })
  })

  await t.test('revoked: refused on every process within 500 ms', async (t) => {
    const { text, token } = await kith.scimTokens.create(connector)
    t.strictSame(await statuses(text), [200, 200])
    await kith.scimTokens.revoke(token.id)
    await sleep(510)
    t.strictSame(await statuses(text), [401, 401])
    await t.rejects(kith.scimTokens.revoke(token.id), { code: 'not-found' })
    await t.rejects(kith.scimTokens.revoke('x'), { code: 'not-found' })
    await t.rejects(kith.scimTokens.rotate(token.id), { code: 'not-found' })
  })

  await t.test('expired: refused on every process within 500 ms', async (t) => {
    const { text } = await kith.scimTokens.create(connector, { expiresAt: new Date(Date.now() + 700) })
    t.strictSame(await statuses(text), [200, 200])
    await sleep(1_210)
    t.strictSame(await statuses(text), [401, 401])
    await t.rejects(kith.scimTokens.create(connector, { expiresAt: new Date(Date.now() - 1) }), {
      code: 'invalid-data',
    })
  })

  await t.test('of an inactive organization: refused within 500 ms, and in again', async (t) => {
    const { text } = await kith.scimTokens.create(connector)
    t.strictSame(await statuses(text), [200, 200])
    await kith.organizations.setActive(organizationId, false)
    await sleep(510)
    t.strictSame(await statuses(text), [401, 401])
    await kith.organizations.setActive(organizationId, true)
    t.strictSame(await statuses(text), [200, 200])
  })

  await t.test('what a connector is changed to is seen within 500 ms', async (t) => {
    const other = await kith.connectors.obtain(organizationId, 'Other')
    const { text } = await kith.scimTokens.create(other)
    t.match((await gate.with(text)).bearer, { connector: { name: 'Other', isStrict: false } })
    await kith.connectors.update(other, { isStrict: true, staffRole: 'Admin' })
    await sleep(510)
    t.match((await gate.with(text)).bearer, { connector: { isStrict: true, staffRole: 'Admin' } })
  })

  await t.test('rotation: both go for the overlap, then the new one alone', async (t) => {
    const lifetime = 48 * HOUR_MS
    const old = await kith.scimTokens.create(connector, { mayWrite: false, expiresAt: new Date(Date.now() + lifetime) })
    t.equal((await gate.with(old.text)).status, 200)
    const next = await kith.scimTokens.rotate(old.token.id, 1)
    t.strictSame(await statuses(old.text), [200, 200])
    t.match((await gate.with(next.text)).bearer, { connector: { id: connector.id }, mayWrite: false })
    const left = (next.token.expiresAt?.getTime() ?? 0) - Date.now()
    t.ok(Math.abs(left - lifetime) < 60_000, 'it lives as long as the old one was meant to')
    await sleep(1_510)
    t.strictSame(await statuses(old.text), [401, 401])
    t.strictSame(await statuses(next.text), [200, 200])
    const at = await kith.scimTokens.rotate(next.token.id, 0)
    await sleep(510)
    t.strictSame(await statuses(next.text), [401, 401])
    t.strictSame(await statuses(at.text), [200, 200])
    const day = await kith.scimTokens.rotate(at.token.id)
    const listed = (await kith.scimTokens.list(organizationId)).find(({ id }) => id === at.token.id)
    t.ok(Math.abs((listed?.revokedAt?.getTime() ?? 0) - Date.now() - 24 * HOUR_MS) < 60_000, 'a day unless told')
    await kith.scimTokens.revoke(at.token.id)
    await sleep(510)
    t.strictSame(await statuses(at.text), [401, 401], 'one in its overlap can be revoked')
    t.strictSame(await statuses(day.text), [200, 200])
  })

  await t.test(
    '200 requests with one token are one look-up, and its use is written once in five minutes',
    async (t) => {
      const { text, token } = await kith.scimTokens.create(connector)
      const { apiTokens } = kith.store
      let asked = 0
      let written = 0
      const counted = new Proxy(apiTokens, {
        get: (target, name) => {
          if (name === 'inForce') asked += 1
          if (name === 'used') written += 1
          const member: unknown = Reflect.get(target, name)
          return typeof member === 'function' ? member.bind(target) : member
        },
      })
      const tokens = new ScimTokens({ ...kith.store, apiTokens: counted }, new SecretKey(config.secretKey ?? ''))
      const all = await Promise.all(Array.from({ length: 200 }, () => tokens.verify(text)))
      t.ok(all.every((one) => one?.kind === 'connector'))
      t.strictSame([asked, written], [1, 1])
      await sleep(510)
      t.ok(await tokens.verify(text))
      t.strictSame([asked, written], [2, 1])
      t.equal(await tokens.verify(`${text.slice(0, -1)}${text.endsWith('A') ? 'E' : 'A'}`), undefined)
      t.equal(asked, 2, 'what we did not sign asks nothing of the database')
      const used = (await kith.scimTokens.list(organizationId)).find(({ id }) => id === token.id)?.lastUsedAt
      t.ok(used && Date.now() - used.getTime() < 60_000)
    },
  )

  await t.test('by another SECRET_KEY a token is none', async (t) => {
    const { text } = await kith.scimTokens.create(connector)
    t.equal(
      await new ScimTokens(kith.store, new SecretKey('another key of many characters, a long one')).verify(text),
      undefined,
    )
  })
})
