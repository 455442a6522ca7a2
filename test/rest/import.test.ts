import t from 'tap'
import { type App, startRest, twenty } from '../support/rest.ts'

const card = (uid: string, ...lines: string[]) =>
  ['BEGIN:VCARD', 'VERSION:3.0', `UID:${uid}`, 'FN:X', 'N:X;;;;', ...lines, 'END:VCARD', ''].join('\r\n')
const send = (app: App, file: string | Uint8Array, query = '') =>
  app.ask('POST', `/contacts/import${query}`, file, { 'content-type': 'text/vcard' })

t.test('importing a file of vCards', async (t) => {
  const running = await startRest(t, { API_RATE_LIMIT: '0' })
  const { kith } = running
  await running.organization('One', 'one.example', ['Ann', 'Bob', 'Cid', 'Dee'])
  await running.organization('Two', 'two.example', ['Eve'])
  const [ann, cid, dee] = (await Promise.all(
    ['ann', 'cid', 'dee'].map((name) => running.app(`${name}@one.example`)),
  )) as [App, App, App] // three of three
  const own = async (app: App) => (await app.get('/contacts?limit=200')).items.filter(({ kind }) => kind === 'personal')
  const results = (json: Readonly<Record<string, unknown>>) => json.results as Record<string, unknown>[] // by its schema

  await t.test('each card has its own result, with its number, line and UID', async (t) => {
    const bob = (await kith.users.get('bob@one.example')).profileId
    const file = [
      card('one'),
      'BEGIN:VCARD\r\nVERSION:2.1\r\nUID:old\r\nno colon\r\nEND:VCARD\r\n',
      'BEGIN:VCARD\r\nVERSION:9\r\nUID:nine\r\nFN:X\r\nEND:VCARD\r\n',
      card(`urn:uuid:${bob}`, 'TEL:1'),
      'junk\r\n',
      'BEGIN:VCARD\r\nVERSION:2.1\r\nFN:Old\r\nEND:VCARD\r\n',
      card('one', 'TEL:2'),
      card('two\\, three'),
      card('u'.repeat(999)),
    ].join('')
    const { status, json } = await send(ann, file)
    t.equal(status, 200)
    t.match(json, { created: 4, updated: 1, same: 0, failed: 3 })
    t.match(results(json), [
      { card: 1, line: 1, uid: 'one', outcome: 'created' },
      { card: 2, line: 7, uid: 'old', outcome: 'failed', problem: { status: 422, code: 'invalid-card' } },
      { card: 3, line: 12, uid: 'nine', outcome: 'failed', problem: { status: 422, code: 'unsupported-card' } },
      { card: 4, line: 17, outcome: 'failed', problem: { status: 409, code: 'uid-conflict' } },
      { card: 5, line: 25, uid: /^urn:uuid:/, outcome: 'created' },
      { card: 6, line: 29, uid: 'one', outcome: 'updated' },
      { card: 7, line: 36, outcome: 'created' },
      { card: 8, outcome: 'created', uid: undefined },
    ])
    t.equal((await own(ann)).length, 4)
    t.notMatch(await ann.get(`/contacts/${bob}`), { json: { kind: 'override' } }, 'a colleague’s card is as it was')
    const again = await send(ann, file)
    t.match(again.json, { created: 0, failed: 3 }, 'again: nothing is there twice, a card without a UID neither')
    t.equal((await own(ann)).length, 4)
    const whole = card('one', 'TEL:2')
    t.match((await send(ann, whole)).json, { same: 1, failed: 0 })
    const { token } = (await ann.get('/contacts/changes')).json
    await send(ann, whole)
    const since = `/contacts/changes?since=${encodeURIComponent(String(token))}`
    t.strictSame((await ann.get(since)).items, [], 'what is the same is not written')
  })

  await t.test('of 1,000 cards with a bad one the others are there; others are served meanwhile', async (t) => {
    const file = Array.from({ length: 1_000 }, (_, at) => card(`n${at}`).replace('FN', at === 499 ? '?' : 'FN')).join(
      '',
    )
    let finished = false
    const imported = send(cid, file).then((answer) => {
      finished = true
      return answer
    })
    let served = 0
    while (!finished) {
      const { status } = await dee.get('/me')
      if (status !== 200) t.fail(`${status}`)
      if (!finished) served += 1
    }
    const { json } = await imported
    t.match(json, { created: 999, failed: 1 })
    t.match(
      results(json).filter(({ outcome }) => outcome === 'failed'),
      [{ card: 500, line: 499 * 6 + 1, uid: /^n499/ }],
    )
    t.ok(served > 10, `${served} requests`)
    t.match((await send(cid, file)).json, { created: 0, updated: 0, same: 999, failed: 1 })
  })

  await t.test('20 imports of one file at once: each card is there once', async (t) => {
    const file = card('a') + card('b') + 'BEGIN:VCARD\r\nVERSION:3.0\r\nFN:No UID\r\nEND:VCARD\r\n'
    const answers = await twenty(() => send(dee, file))
    t.ok(answers.every(({ status, json }) => status === 200 && json.failed === 0))
    t.equal(
      answers.reduce((sum, { json }) => sum + Number(json.created), 0),
      3,
    )
    t.equal((await own(dee)).length, 3)
  })

  await t.test('another book, none, a directory, no cards, too many, another media type', async (t) => {
    const user = await kith.users.get('dee@one.example')
    const actor = { organizationId: user.organizationId, userId: user.id, peopleId: user.peopleId }
    await kith.books.create(actor, 'friends', {})
    t.match((await send(dee, card('f'), '?book=friends')).json, { created: 1 })
    t.match(await own(dee), [{}, {}, {}, {}])
    t.equal((await own(dee)).filter(({ book }) => book === 'friends').length, 1)
    const file = await dee.get('/contacts/export?book=friends')
    t.equal(file.text, card('f'), 'and that book is exported')
    t.match((await dee.get('/contacts/export?book=friends&format=csv')).text, /X/)
    t.equal((await dee.get('/contacts/export?book=no')).status, 404)
    t.equal((await send(dee, card('f'), '?book=no')).code, 'not-found')
    t.equal((await send(cid, card('f'), '?book=friends')).code, 'not-found', 'another’s')
    t.equal((await send(dee, 'x')).code, 'invalid-card')
    t.equal((await send(dee, 'BEGIN:VCARD\n'.repeat(10_001))).code, 'too-much')
    t.equal((await send(dee, Buffer.alloc(17 * 1024 * 1024, 'x'))).status, 413)
    t.equal((await dee.post('/contacts/import', {})).status, 415)
  })
})
