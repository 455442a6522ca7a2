import t from 'tap'
import { ask, type Running, startKith } from '../support/kith.ts'
import type { Values } from './http-file.ts'
import { clientsWith, replay, type Stage } from './replay.ts'

const running = await startKith(t)

/** An organization that an identity provider is to fill: with two connectors, one of them strict. */
async function openOrganization({ kith, url, config }: Running, provider: string): Promise<Stage> {
  const { id } = await kith.organizations.create({ name: provider, domains: [`${provider}.example`] })
  const other = await kith.organizations.create({ name: `${provider} elsewhere`, domains: [] })
  const stranger = await kith.users.create(other.id, { email: `mole@elsewhere.${provider}.example`, name: 'A Mole' })
  const lenient = await kith.connectors.obtain(id, provider)
  const strict = await kith.connectors.update(await kith.connectors.obtain(id, `strict ${provider}`), {
    isStrict: true,
  })
  const bearer = async (connector: typeof lenient, mayWrite = true) =>
    `Bearer ${(await kith.scimTokens.create(connector, { mayWrite })).text}`
  const revoked = await kith.scimTokens.create(lenient)
  await kith.scimTokens.revoke(revoked.token.id)
  const values: Values = new Map([
    ['url', url],
    ['base', `${config.publicUrl}/scim/v2`],
    ['authorization', await bearer(lenient)],
    ['strict', await bearer(strict)],
    ['readOnly', await bearer(lenient, false)],
    ['revoked', `Bearer ${revoked.text}`],
    ['stranger', stranger.id],
  ])
  const hire = (count: number) =>
    kith.users.createMany(
      id,
      Array.from({ length: count }, (_, at) => ({ name: `Hire ${at}`, email: `hire${at}@${provider}.example` })),
    )
  const events: Stage['events'] = {
    'ten people are hired': () => hire(10),
    '210 people are hired': async () => {
      const crowd = await hire(210)
      values.set('crowd', crowd.map((one) => `{"value":"${one.id}"}`).join(','))
    },
  }
  return { url, values, events }
}

for (const provider of clientsWith('.scim')) {
  t.test(`${provider}: the life of a tenant`, async (t) => {
    await replay(t, provider, '.scim', await openOrganization(running, provider))
  })
}

t.test(
  'Entra ID may send 25 requests a second; past the set limit it is told how many whole seconds to wait',
  async (t) => {
    const limited = await startKith(t, undefined, { SCIM_RATE_LIMIT: '25' })
    const { values } = await openOrganization(limited, 'limited')
    const get = (authorization: string) =>
      ask(limited.url, 'GET', '/scim/v2/Users?count=1', { headers: { authorization } })
    const busy = values.get('authorization') ?? ''
    const send = (count: number) => Promise.all(Array.from({ length: count }, () => get(busy)))
    for (let second = 0; second < 10; second += 1) {
      t.strictSame(new Set((await send(25)).map(({ status }) => status)), new Set([200]))
    }
    const [refused] = await send(1)
    t.equal(refused?.status, 429)
    t.match(refused?.headers['retry-after'], /^[1-9]\d*$/)
    t.match(JSON.parse(refused?.text ?? ''), {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: '429',
    })
    t.equal((await get(values.get('readOnly') ?? '')).status, 200, 'another token has a limit of its own')
  },
)
