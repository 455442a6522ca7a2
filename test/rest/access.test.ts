import t from 'tap'
import { ask } from '../support/kith.ts'
import { startRest } from '../support/rest.ts'

t.test('the JSON API', async (t) => {
  const running = await startRest(t)
  await running.organization('One', 'one.example', ['Ann', 'Bob', 'Zoë Lind'])
  await running.organization('Two', 'two.example', ['Eve'])
  const ann = await running.app('ann@one.example')
  const bob = await running.app('bob@one.example')
  const eve = await running.app('eve@two.example')
  const { id } = (await ann.post('/contacts', { data: { full_name: 'Julie' } })).json
  const bobsCard = (await running.cardOf('bob@one.example')).slice(0, 36)

  await t.test('a card of somebody else, or of another organization, is as if it did not exist', async (t) => {
    const data = { notes: 'x' }
    const routes: readonly (readonly [string, string, object?])[] = [
      ['GET', `/contacts/${id}`],
      ['GET', `/contacts/${id}/vcard`],
      ['PATCH', `/contacts/${id}`, { data }],
      ['DELETE', `/contacts/${id}`],
      ['POST', `/contacts/${id}/hide`],
      ['POST', `/contacts/${id}/unhide`],
      ['GET', `/contacts/${id}/photo`],
      ['DELETE', `/contacts/${id}/photo`],
      ['GET', `/contacts/${id}/history`],
      ['POST', '/contacts', { override: id, data }],
    ]
    for (const [method, path, body] of routes) {
      t.equal((await eve.ask(method, path, body)).status, 404, `${method} ${path}: another organization`)
      t.equal((await bob.ask(method, path, body)).status, 404, `${method} ${path}: somebody else`)
      const colleague = await eve.ask(
        method,
        path.replace(String(id), bobsCard),
        body && { ...body, ...('override' in body ? { override: bobsCard } : {}) },
      )
      t.equal(colleague.status, 404, `${method} ${path}: a colleague of another organization`)
    }
    t.match((await ann.get(`/contacts/${id}`)).json, { data: { full_name: 'Julie', notes: undefined } }, 'as it was')
    t.match((await eve.get('/contacts')).items, [{ is_me: true }])
    t.equal((await eve.get('/contacts')).items.length, 1)
  })

  await t.test('RFC 9110 §13: conditions, and §15.5: what is refused', async (t) => {
    for (const path of [
      '/me',
      '/contacts',
      '/contacts/hidden',
      '/history',
      `/contacts/${id}`,
      `/contacts/${id}/vcard`,
    ]) {
      const read = await ann.get(path)
      t.equal(read.status, 200, path)
      t.match(read.headers['cache-control'], /private/)
      t.equal((await ann.get(path, { 'if-none-match': read.headers.etag })).status, 304, path)
      const head = await ann.ask('HEAD', path)
      t.equal(head.headers.etag, read.headers.etag)
      t.equal(head.text, '')
      const wrong = await ann.ask('PUT', path)
      t.equal(wrong.status, 405)
      t.match(wrong.headers.allow, /\bGET\b/)
    }
    const stale = { 'if-match': '"stale"' }
    t.equal((await ann.patch(`/contacts/${id}`, { data: { notes: 'x' } }, stale)).status, 412)
    t.equal((await ann.delete(`/contacts/${id}`, stale)).status, 412)
    t.equal((await ann.patch('/me', { language: 'de' }, stale)).status, 412)
    const { etag } = (await ann.get(`/contacts/${id}`)).headers
    t.equal((await ann.patch(`/contacts/${id}`, { data: { notes: 'x' } }, { 'if-match': etag })).status, 200)
    t.equal((await ann.patch(`/contacts/${id}`, { data: {} }, { 'if-match': etag })).status, 412)
    t.equal((await ann.get('/nothing')).status, 404)
    t.equal((await ann.get('/contacts/no-id')).status, 404)
    t.equal((await ann.get('/contacts/%zz')).status, 400)
    t.equal((await ann.post('/contacts', '{')).status, 400)
    t.equal((await ann.ask('POST', '/contacts', 'x', { 'content-type': 'text/plain' })).status, 415)
    t.equal(
      (await ann.post('/contacts', { data: { full_name: 'x', notes: 'x'.repeat(17 * 1024 * 1024) } })).status,
      413,
    )
  })

  await t.test('RFC 9457: what cannot be so names its field', async (t) => {
    const wrong: readonly (readonly [object, readonly string[]])[] = [
      [{}, ['data']],
      [{ data: {} }, ['data.full_name']],
      [{ data: { full_name: 'x', emails: [{ type: 'x', value: 'a@b.c' }] } }, ['data.emails[0].type']],
      [{ data: { full_name: 'x', y: 1 } }, ['data.y']],
      [{ data: 4 }, ['data']],
      [{ data: { full_name: 'x' }, y: 1 }, ['y']],
      [{ override: 'x', data: {} }, ['override']],
      [{ override: id, data: {} }, ['override']],
    ]
    for (const [body, fields] of wrong) {
      const refused = await ann.post('/contacts', body)
      t.equal(refused.status, 422, JSON.stringify(body))
      t.strictSame(refused.fields, fields)
    }
    t.strictSame((await ann.patch(`/contacts/${id}`, { data: { full_name: null } })).fields, ['data.full_name'])
    t.strictSame((await ann.patch('/me', { timezone: 'Mars/Base' })).fields, ['timezone'])
    t.strictSame((await ann.get('/contacts?limit=0')).fields, ['limit'])
    t.strictSame((await ann.get('/contacts?cursor=x')).fields, ['cursor'])
    const me = (await ann.get('/me')).json
    t.equal((await ann.patch(`/contacts/${me.profile_id}`, { data: { full_name: 'Queen Ann' } })).code, 'managed-value')
    t.match((await ann.patch('/me', { language: 'de', timezone: 'Europe/Vienna' })).json, {
      language: 'de',
      timezone: 'Europe/Vienna',
    })
    t.match((await ann.patch('/me', { language: null })).json, { language: null, timezone: 'Europe/Vienna' })
  })

  await t.test(
    'search passes over case and accents, ranks names first, and pages go on where they ended',
    async (t) => {
      t.match((await ann.get('/contacts?q=ZOE%20lind')).items, [{ data: { full_name: 'Zoë Lind' } }])
      for (const name of ['Carl Zoeller', 'Amazoe', 'Xi']) {
        await ann.post('/contacts', {
          data: { full_name: name, organizations: name === 'Xi' ? [{ name: 'Zoe Ltd' }] : [] },
        })
      }
      const all: unknown[] = []
      for (let cursor = ''; ; ) {
        const page = await ann.get(`/contacts?q=zoe&limit=1${cursor}`)
        all.push(...page.items.map(({ data }) => (data as { full_name: string }).full_name)) // as documented
        if (page.json.next === null) break
        cursor = `&cursor=${page.json.next}`
      }
      t.strictSame(all, ['Zoë Lind', 'Carl Zoeller', 'Amazoe', 'Xi'])
      const first = await ann.get('/contacts?limit=4')
      const rest = await ann.get(`/contacts?limit=4&cursor=${first.json.next}`)
      const ids = [...first.items, ...rest.items].map((item) => item.id)
      t.equal(new Set(ids).size, 7, 'three colleagues, four of her own, each once')
      t.equal(ids.length, 7)
      t.equal(rest.json.next, null)
    },
  )

  await t.test('the document can be read by programs and by people', async (t) => {
    const { text } = await ask(running.url, 'GET', '/api/v1/openapi.json')
    const { openapi, paths } = JSON.parse(text) as {
      openapi: string
      paths: object
    } // OpenAPI 3.1
    t.equal(openapi, '3.1.0')
    const page = await ask(running.url, 'GET', '/api/docs')
    t.match(page.headers['content-security-policy'], /default-src 'none'/)
    t.notMatch(page.text, /<script/)
    for (const path of Object.keys(paths)) t.ok(page.text.includes(path))
  })
})
