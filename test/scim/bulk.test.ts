import t from 'tap'
import { type Dict, ENTERPRISE, MESSAGES, type ScimAnswer, startScim } from '../support/scim.ts'

const done = ({ json }: ScimAnswer) => json.Operations as readonly Dict[] // of a BulkResponse
const statuses = (answer: ScimAnswer) => done(answer).map(({ status }) => status)
const idOf = (operation: Dict | undefined) => String(operation?.location).split('/').at(-1)
const user = (bulkId: string, more: object = {}) => ({
  method: 'POST',
  path: '/Users',
  bulkId,
  data: { userName: bulkId, ...more },
})
const group = (bulkId: string, members: readonly string[]) => ({
  method: 'POST',
  path: '/Groups',
  bulkId,
  data: { displayName: bulkId, members: members.map((one) => ({ value: `bulkId:${one}` })) },
})
const manager = (bulkId: string) => ({ [ENTERPRISE]: { manager: { value: `bulkId:${bulkId}` } } })

t.test('RFC 7644 §3.7: bulk', async (t) => {
  const scim = await startScim(t)
  const client = await scim.connect('Bulk')
  const total = async (path = '/Users') => (await client.get(`${path}?count=0`)).json.totalResults

  await t.test(
    'references go forward and backward, through values and paths; answers are in the order asked',
    async (t) => {
      const answer = await client.bulk([
        group('g', ['b', 'a']),
        user('a', manager('b')),
        user('b'),
        {
          method: 'PATCH',
          path: '/Users/bulkId:b',
          data: { Operations: [{ op: 'add', path: 'title', value: 'boss' }] },
        },
        {
          method: 'PATCH',
          path: '/Groups/bulkId:g',
          data: { Operations: [{ op: 'remove', path: 'members[value eq "bulkId:a"]' }] },
        },
      ])
      t.equal(answer.status, 200)
      t.strictSame(answer.json.schemas, [`${MESSAGES}:BulkResponse`])
      t.strictSame(statuses(answer), ['201', '201', '201', '200', '204'])
      const [g, a, b] = done(answer)
      t.strictSame(
        done(answer).map(({ bulkId }) => bulkId),
        ['g', 'a', 'b', undefined, undefined],
      )
      t.match((await client.get(`/Groups/${idOf(g)}`)).json, { members: [{ value: idOf(b) }] })
      t.match((await client.get(`/Users/${idOf(a)}`)).json, { [ENTERPRISE]: { manager: { value: idOf(b) } } })
      const boss = await client.get(`/Users/${idOf(b)}`)
      t.equal(boss.json.title, 'boss')
      t.equal(done(answer)[3]?.version, boss.headers.etag)
    },
  )

  await t.test('§3.7.1: a circle of references is closed', async (t) => {
    const answer = await client.bulk([user('c1', manager('c2')), user('c2', manager('c3')), user('c3', manager('c1'))])
    t.strictSame(statuses(answer), ['201', '201', '201'])
    const [one, two, three] = done(answer).map(idOf)
    for (const [from, to] of [
      [one, two],
      [two, three],
      [three, one],
    ]) {
      t.match((await client.get(`/Users/${from}`)).json, { [ENTERPRISE]: { manager: { value: to } } })
    }
    const self = await client.bulk([user('self', manager('self'))])
    t.match((await client.get(`/Users/${idOf(done(self)[0])}`)).json, {
      [ENTERPRISE]: { manager: { value: idOf(done(self)[0]) } },
    })
  })

  await t.test('an operation fails alone, and with it those that refer to it; others go on', async (t) => {
    const before = Number(await total())
    const answer = await client.bulk([
      group('broken', ['bad', 'fine']),
      user('bad', { emails: 7, active: 'perhaps' }),
      user('fine'),
      group('whole', ['fine']),
      user('nobody', manager('unknown')),
      { method: 'DELETE', path: '/Users/00000000-0000-4000-8000-000000000000' },
      { method: 'PUT', path: '/Users', data: {} },
      { method: 'GET', path: '/Users' },
      { method: 'POST', path: '/Me', data: {} },
      { method: 'POST', path: '/Users' },
      { method: 'POST', path: '/Users/../Groups', data: { displayName: 'x' } },
      { method: 'POST', path: '/Users', data: 'text' },
    ])
    t.strictSame(statuses(answer), ['409', '400', '201', '201', '400', '404', '400', '400', '400', '400', '400', '400'])
    for (const one of done(answer).filter(({ status }) => Number(status) >= 400)) {
      t.match(one.response, { schemas: [`${MESSAGES}:Error`], status: one.status })
    }
    t.equal(await total(), before + 1)
    t.equal((await client.get('/Groups?filter=displayName+eq+"broken"')).json.totalResults, 0)
  })

  await t.test('each operation is whole or absent: a version that is old, a member who is none', async (t) => {
    const id = await client.user('versioned')
    const fresh = [{ op: 'add', path: 'title', value: 'x' }]
    const wrong = [...fresh, { op: 'add', path: 'nothing', value: 'x' }]
    const answer = await client.bulk([
      { method: 'PATCH', path: `/Users/${id}`, version: 'W/"7"', data: { Operations: fresh } },
      { method: 'PATCH', path: `/Users/${id}`, data: { Operations: wrong } },
      {
        method: 'POST',
        path: '/Groups',
        bulkId: 'g',
        data: { displayName: 'half', members: [{ value: id }, { value: 'x' }] },
      },
      { method: 'PATCH', path: `/Users/${id}`, version: 'W/"1"', data: { Operations: fresh } },
      { method: 'DELETE', path: `/Users/${id}`, version: 'W/"1"' },
    ])
    t.strictSame(statuses(answer), ['412', '400', '400', '200', '412'])
    t.match((await client.get(`/Users/${id}`)).json, { title: 'x', meta: { version: 'W/"2"' } })
    t.equal((await client.get('/Groups?filter=displayName+eq+"half"')).json.totalResults, 0)
  })

  await t.test('failOnErrors: it stops after so many, and does what comes after not at all', async (t) => {
    const list = [user('f1'), user('f1'), user('f2'), user('f2'), user('f3')].map(({ bulkId, ...one }) => ({
      ...one,
      bulkId: bulkId + Math.random(),
    }))
    const operations = list.map((one, at) => ({ ...one, data: { userName: ['f1', 'f1', 'f2', 'f2', 'f3'][at] } }))
    const answer = await client.bulk(operations, { failOnErrors: 2 })
    t.strictSame(statuses(answer), ['201', '409', '201', '409'])
    t.equal((await client.get('/Users?filter=userName+eq+"f3"')).json.totalResults, 0)
    for (const failOnErrors of ['x', -1, 1.5, {}]) t.equal((await client.bulk([], { failOnErrors })).status, 400)
  })

  await t.test('too much, or nonsense: 413 or 400, and nothing is done', async (t) => {
    const before = await total()
    const many = Array.from({ length: 1_001 }, (_, at) => user(`many ${at}`))
    t.equal((await client.bulk(many)).status, 413)
    const config = (await client.get('/ServiceProviderConfig')).json.bulk as {
      maxOperations: number
      maxPayloadSize: number
    }
    t.equal(config.maxOperations, 1_000)
    const large = await client
      .bulk([user('large', { title: 'x'.repeat(config.maxPayloadSize) })])
      .catch(() => undefined)
    t.ok(large === undefined || large.status === 413, 'refused, or closed while it was sent')
    for (const body of [{}, { Operations: {} }, { Operations: [7] }, { Operations: [user('d'), user('d')] }, []]) {
      t.match((await client.post('/Bulk', body)).json, { status: '400', scimType: 'invalidSyntax' })
    }
    t.equal((await client.get('/Bulk')).status, 405)
    t.equal(await total(), before)
  })

  await t.test('a bulkId is no pattern, no name of an object and no other text', async (t) => {
    for (const bulkId of ['$&', '.*', '__proto__', 'constructor', 'a b', 'ä', '']) {
      const answer = await client.bulk([
        { ...user('x'), bulkId, data: { userName: `id ${bulkId}`, title: 'see bulkId:x, or not' } },
      ])
      t.equal(statuses(answer)[0], '201', bulkId)
      t.equal((await client.get(`/Users/${idOf(done(answer)[0])}`)).json.title, 'see bulkId:x, or not')
    }
    t.equal(({} as Dict).userName, undefined)
  })

  await t.test('1,000 that each refer to the one before are done in order', async (t) => {
    const chain = Array.from({ length: 1_000 }, (_, at) =>
      user(`chain ${at}`, at < 999 ? manager(`chain ${at + 1}`.replace(' ', '')) : {}),
    )
    const answer = await client.bulk(chain.map((one) => ({ ...one, bulkId: one.bulkId.replace(' ', '') })))
    t.strictSame(new Set(statuses(answer)), new Set(['201']))
    t.equal(done(answer).length, 1_000)
  })
})
