import t from 'tap'
import { startRest } from '../support/rest.ts'

t.test('many writes in one request', async (t) => {
  const running = await startRest(t)
  await running.organization('One', 'one.example', ['Ann', 'Bob', 'Cid'])
  await running.organization('Two', 'two.example', ['Eve'])
  const ann = await running.app('ann@one.example')
  const id = async (email: string) => (await running.cardOf(email)).slice(0, 36)
  const bobs = await id('bob@one.example')
  const cids = await id('cid@one.example')
  const eves = await id('eve@two.example')
  const names = async () =>
    (await ann.get('/contacts')).items.map(({ data }) => (data as { full_name: string }).full_name) // as documented

  await t.test('each is answered by itself, in order, as its own route answers', async (t) => {
    const stale = '"stale"'
    const answer = await ann.post('/contacts/batch', {
      operations: [
        { op: 'create', key: 'a', data: { full_name: 'Julie' } },
        { op: 'create', data: { full_name: '' } },
        { op: 'override', id: bobs, data: { notes: 'Tea' } },
        { op: 'override', id: eves, data: { notes: 'Tea' } },
        { op: 'change', id: bobs, if_match: stale, data: { notes: 'x' } },
        { op: 'hide', id: cids },
        { op: 'unhide', id: cids },
        { op: 'remove', id: bobs },
        { op: 'create', id: bobs, data: { full_name: 'x' } },
        { op: 'remove', data: {} },
      ],
    })
    t.equal(answer.status, 200)
    t.match(answer.json.results, [
      { key: 'a', status: 201, id: String, etag: String },
      { status: 422, problem: { errors: [{ field: 'data.full_name' }] } },
      { status: 201, id: bobs },
      { status: 404 },
      { status: 412, problem: { code: 'precondition-failed' } },
      { status: 204 },
      { status: 200, id: cids },
      { status: 204 },
      { status: 422, problem: { errors: [{ field: 'id' }] } },
      { status: 422, problem: { errors: [{ field: 'data' }, { field: 'id' }] } },
    ])
    const [{ id: julie, etag }] = answer.json.results as [{ id: string; etag: string }] // as documented
    t.equal((await ann.get(`/contacts/${julie}`)).headers.etag, etag)
    t.match((await ann.get(`/contacts/${bobs}`)).json, { kind: 'profile' })
  })

  await t.test('atomic: all or none, and the first refusal names its operation', async (t) => {
    const before = (await names()).sort()
    const refused = await ann.post('/contacts/batch', {
      atomic: true,
      operations: [
        { op: 'create', data: { full_name: 'Gone' } },
        { op: 'override', id: bobs, data: { notes: 'Gone' } },
        { op: 'create', data: { full_name: 'x', emails: [{ type: 'Odd', value: 'a@b' }] } },
      ],
    })
    t.equal(refused.status, 422)
    t.strictSame(refused.fields, ['operations[2].data.emails[0].type'])
    t.strictSame((await names()).sort(), before)
    const stale = await ann.post('/contacts/batch', {
      atomic: true,
      operations: [
        { op: 'create', data: { full_name: 'Gone' } },
        { op: 'remove', id: bobs, if_match: '"stale"' },
      ],
    })
    t.equal(stale.status, 412)
    t.strictSame(stale.fields, ['operations[1]'])
    const done = await ann.post('/contacts/batch', {
      atomic: true,
      operations: [
        { op: 'create', data: { full_name: 'Kept' } },
        { op: 'override', id: bobs, data: { notes: 'Kept' } },
      ],
    })
    t.match(done.json.results, [{ status: 201 }, { status: 201, id: bobs }])
    t.strictSame((await names()).sort(), [...before, 'Kept'].sort())
  })

  await t.test('a thousand at most, and what is no operation is named', async (t) => {
    const one = { op: 'create', data: { full_name: 'x' } }
    t.equal((await ann.post('/contacts/batch', { operations: Array(1_001).fill(one) })).status, 422)
    t.strictSame((await ann.post('/contacts/batch', { operations: [{ op: 'burn' }] })).fields, ['operations[0].op'])
  })

  await t.test('a card is hidden with the layer over it; one’s own contact is not hidden but deleted', async (t) => {
    t.equal((await ann.post(`/contacts/${bobs}/hide`)).status, 204)
    t.equal((await ann.get(`/contacts/${bobs}`)).status, 404)
    t.equal((await ann.post(`/contacts/${bobs}/hide`)).status, 404)
    t.match((await ann.post(`/contacts/${bobs}/unhide`)).json, { kind: 'profile' })
    const own = await ann.post('/contacts', { data: { full_name: 'Own' } })
    t.strictSame((await ann.post(`/contacts/${own.json.id}/hide`)).fields, ['id'])
  })

  await t.test('an override is laid over a colleague one sees, and over nothing else', async (t) => {
    const own = await ann.post('/contacts', { data: { full_name: 'Own' } })
    const me = await id('ann@one.example')
    for (const override of [own.json.id, me]) {
      t.strictSame((await ann.post('/contacts', { override, data: { notes: 'x' } })).fields, ['override'])
    }
    t.equal((await ann.post('/contacts', { override: eves, data: { notes: 'x' } })).status, 404)
    await ann.post(`/contacts/${bobs}/hide`)
    t.equal((await ann.post('/contacts', { override: bobs, data: { notes: 'x' } })).status, 404)
    await ann.post(`/contacts/${bobs}/unhide`)
  })

  await t.test('of 20 overrides at once one makes the layer, and no addition is lost', async (t) => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        ann.post('/contacts', { override: cids, data: { emails: [{ type: 'Home', value: `cid${at}@home.example` }] } }),
      ),
    )
    const stored = answers.filter(({ status }) => status === 200 || status === 201)
    t.ok(answers.every(({ status }) => [200, 201, 503].includes(status)))
    t.ok(stored.length >= 1)
    const seen = (await ann.get(`/contacts/${cids}`)).json
    const emails = ((seen.data as { emails: { value: string }[] }).emails ?? []).map(({ value }) => value) // as documented
    answers.forEach(({ status }, at) => {
      t.equal(emails.includes(`cid${at}@home.example`), status !== 503, `${at}: ${status}`)
    })
    const { items } = await ann.get('/contacts?limit=200')
    t.equal(items.filter((one) => one.id === cids).length, 1, 'one layer')
  })

  await t.test(
    'notes are searched where they are mine: on my cards, my profile and in my layers, not the base’s',
    async (t) => {
      const bob = await running.app('bob@one.example')
      await bob.patch(`/contacts/${bobs}`, { data: { notes: 'Keeps zebras' } })
      t.match((await bob.get('/contacts?q=zebras')).items, [{ id: bobs }], 'my own profile')
      t.strictSame((await ann.get('/contacts?q=zebras')).items, [])
      await ann.post('/contacts', { override: bobs, data: { short_name: 'Bobby' } })
      t.match((await ann.get(`/contacts/${bobs}`)).json, { kind: 'override', data: { notes: 'Keeps zebras' } })
      t.strictSame((await ann.get('/contacts?q=zebras')).items, [], 'the base’s, under my layer')
      await ann.post('/contacts', { override: bobs, data: { notes: 'Plays the Ocarína' } })
      t.match((await ann.get('/contacts?q=OCARINA')).items, [{ id: bobs }], 'my layer’s')
      t.strictSame((await bob.get('/contacts?q=ocarina')).items, [])
      await ann.post('/contacts', { data: { full_name: 'Xi', notes: 'Has a yak' } })
      t.match((await ann.get('/contacts?q=yak')).items, [{ data: { full_name: 'Xi' } }])
    },
  )

  await t.test('my book as a file: cards as they are kept, or a table in which nothing is a formula', async (t) => {
    const cid = await running.app('cid@one.example')
    await cid.post('/contacts', { data: { full_name: '=1+1', notes: '@a "b"\r\nc' } })
    const cards = await cid.get('/contacts/export')
    t.equal(cards.text.match(/^BEGIN:VCARD\r$/gm)?.length, 4)
    t.match(cards.headers['content-disposition'], /attachment/)
    t.notMatch((await cid.get('/contacts/export?version=4.0')).text, /VERSION:3.0/)
    const { text } = await cid.get('/contacts/export?format=csv')
    t.match(text, /^\ufeff"full_name",/)
    t.match(text, /^"'=1\+1",.*,"'@a ""b""\n?\r?\n?c"\r$/ms)
    t.equal((await cid.get('/contacts/export?format=xml')).status, 400)
  })
})
