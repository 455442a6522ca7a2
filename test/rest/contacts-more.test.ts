import pg from 'pg'
import t from 'tap'
import { vcard } from '../support/dav.ts'
import { startRest } from '../support/rest.ts'

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
)
const JPEG = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(40, 7)])

t.test('photos, history, what I hid, imports and exports', async (t) => {
  const running = await startRest(t)
  const { kith } = running
  await running.organization('One', 'one.example', ['Ann', 'Bob', 'Cid'])
  const ann = await running.app('ann@one.example')
  const bob = await running.app('bob@one.example')
  const phone = await running.device('ann@one.example')
  const bobsId = (await running.cardOf('bob@one.example')).slice(0, 36)
  const annsId = (await running.cardOf('ann@one.example')).slice(0, 36)
  const put = (id: unknown, bytes: Uint8Array, type: string, headers = {}) =>
    ann.ask('PUT', `/contacts/${id}/photo`, bytes, { 'content-type': type, ...headers })

  await t.test('a photo of a contact of mine goes in and comes out byte for byte, on my phone too', async (t) => {
    const made = await ann.post('/contacts', { data: { full_name: 'Julie' } })
    const { id, href } = made.json
    const kept = (await phone.ask('GET', String(href))).text.replace('END:VCARD', 'X-MINE:1\r\nEND:VCARD')
    await phone.ask('PUT', String(href), { headers: { 'content-type': 'text/vcard' }, body: kept })
    t.equal((await ann.get(`/contacts/${id}/photo`)).code, 'no-photo')
    t.equal((await ann.delete(`/contacts/${id}/photo`)).code, 'no-photo')
    const first = await put(id, PNG, 'image/png')
    t.equal(first.status, 201)
    const read = await ann.get(`/contacts/${id}/photo`)
    t.strictSame(read.body, PNG)
    t.match(read.headers, {
      etag: first.headers.etag,
      'content-type': 'image/png',
      'x-content-type-options': 'nosniff',
      'content-disposition': 'inline; filename="photo.png"',
      'content-security-policy': /sandbox/,
    })
    t.equal((await ann.get(`/contacts/${id}/photo`, { 'if-none-match': read.headers.etag })).status, 304)
    t.match((await phone.ask('GET', String(href))).text, /PHOTO;ENCODING=b;TYPE=PNG:/)
    t.match((await phone.ask('GET', String(href))).text, /X-MINE:1/)
    t.equal((await put(id, JPEG, 'image/jpeg', { 'if-match': '"stale"' })).status, 412)
    t.equal((await put(id, JPEG, 'image/jpeg', { 'if-match': read.headers.etag })).status, 204)
    t.strictSame((await ann.get(`/contacts/${id}/photo`)).body, JPEG)
    t.equal((await ann.delete(`/contacts/${id}/photo`, { 'if-match': read.headers.etag })).status, 412)
    t.equal((await bob.get(`/contacts/${id}/photo`)).status, 404)
    t.equal((await ann.delete(`/contacts/${id}/photo`)).status, 204)
    t.equal((await ann.get(`/contacts/${id}/photo`)).code, 'no-photo')
  })

  await t.test(
    'a photo is what its first bytes say: anything else is refused, or served as a file to save',
    async (t) => {
      const { id } = (await ann.post('/contacts', { data: { full_name: 'Odd' } })).json
      t.equal((await put(id, JPEG, 'image/png')).code, 'invalid-photo')
      t.equal((await put(id, Buffer.alloc(0), 'image/png')).status, 422)
      t.equal((await put(id, Buffer.from('<svg onload="x"/>'), 'image/svg+xml')).status, 415)
      t.equal((await put(id, PNG, 'application/json')).status, 415)
      t.equal((await ann.ask('POST', '/contacts', PNG, { 'content-type': 'image/png' })).status, 415)
      t.equal((await put(id, Buffer.concat([PNG, Buffer.alloc(9 * 1024 * 1024)]), 'image/png')).code, 'card-too-large')
      t.equal((await put(id, Buffer.concat([PNG, Buffer.alloc(17 * 1024 * 1024)]), 'image/png')).status, 413)
      const html = Buffer.from('<script>alert(1)</script>')
      await ann.patch(`/contacts/${id}`, { data: { photo: `data:image/png;base64,${html.toString('base64')}` } })
      const read = await ann.get(`/contacts/${id}/photo`)
      t.strictSame(read.body, html)
      t.equal(read.headers['content-type'], 'application/octet-stream')
      t.match(read.headers['content-disposition'], /^attachment/)
      await ann.patch(`/contacts/${id}`, { data: { photo: 'https://pictures.example/a.png' } })
      t.equal((await ann.get(`/contacts/${id}/photo`)).code, 'photo-is-link')
    },
  )

  await t.test(
    'a photo over a colleague is mine alone; one on my profile is seen by all, unless it is managed',
    async (t) => {
      t.equal((await put(bobsId, PNG, 'image/png')).status, 201)
      t.match((await ann.get(`/contacts/${bobsId}`)).json, { kind: 'override', layer: { set: { PHOTO: Array } } })
      t.equal((await bob.get(`/contacts/${bobsId}/photo`)).code, 'no-photo')
      t.equal((await ann.delete(`/contacts/${bobsId}/photo`)).status, 204)
      t.match((await ann.get(`/contacts/${bobsId}`)).json, { kind: 'profile' })
      t.equal((await put(annsId, PNG, 'image/png')).status, 201)
      t.strictSame((await bob.get(`/contacts/${annsId}/photo`)).body, PNG)
      t.equal((await ann.delete(`/contacts/${annsId}/photo`)).status, 204)
      const photo = `data:image/jpeg;base64,${JPEG.toString('base64')}`
      await kith.users.update(await kith.users.get('ann@one.example'), { photo })
      t.strictSame((await ann.get(`/contacts/${annsId}/photo`)).body, JPEG)
      t.equal((await put(annsId, PNG, 'image/png')).code, 'managed-value')
      t.equal((await ann.delete(`/contacts/${annsId}/photo`)).code, 'managed-value')
    },
  )

  await t.test('what I replaced and deleted is told, the newest first, and comes back under the same id', async (t) => {
    const { id, href } = (await ann.post('/contacts', { data: { full_name: 'Julie Powell' } })).json
    const odd = (await phone.ask('GET', String(href))).text.replace('END:VCARD', 'X-ODD;a=b: kept \r\nEND:VCARD')
    await phone.ask('PUT', String(href), { headers: { 'content-type': 'text/vcard' }, body: odd })
    await ann.patch(`/contacts/${id}`, { data: { full_name: 'Julie' } })
    t.equal((await ann.delete(`/contacts/${id}`)).status, 204)
    const { items } = await ann.get(`/contacts/${id}/history`)
    const named = { contact_id: id, kind: 'personal', book: 'people' }
    t.match(items, [
      { ...named, full_name: 'Julie' },
      { ...named, full_name: 'Julie Powell' },
      { ...named, full_name: 'Julie Powell' },
    ])
    const paged: unknown[] = []
    for (let cursor = ''; ; ) {
      const page = await ann.get(`/contacts/${id}/history?limit=1${cursor}`)
      paged.push(...page.items)
      if (page.json.next === null) break
      cursor = `&cursor=${page.json.next}`
    }
    t.strictSame(paged, items, 'page by page the same')
    t.strictSame((await ann.get('/history?limit=3')).items, items)
    t.match((await ann.get(`/history/${items[1]?.id}`)).json, { data: { full_name: 'Julie Powell' } })
    const back = await ann.post(`/history/${items[1]?.id}/restore`)
    t.match(back.json, { restored_as: 'card', contact: { id, data: { full_name: 'Julie Powell' } } })
    t.equal(back.headers.etag, (await ann.get(`/contacts/${id}`)).headers.etag)
    t.equal((await phone.ask('GET', String(href))).text, odd, 'byte for byte')
    for (const other of [bob, await running.app('cid@one.example')]) {
      t.equal((await other.get(`/history/${items[1]?.id}`)).status, 404)
      t.equal((await other.post(`/history/${items[1]?.id}/restore`)).status, 404)
      t.equal((await other.get(`/contacts/${id}/history`)).status, 404)
    }
    t.equal((await ann.post('/history/none/restore')).status, 404)
    t.strictSame((await ann.get('/history?cursor=x')).fields, ['cursor'])
    await ann.delete(`/contacts/${id}`)
    const uid = /UID:(.*)/.exec(odd)?.[1] ?? ''
    await phone.put('other.vcf', odd.replace(/^FN:.*$/m, 'FN:Somebody else'))
    t.ok(uid)
    t.equal((await ann.post(`/history/${items[1]?.id}/restore`)).code, 'uid-conflict')
  })

  await t.test('what I had changed about a colleague comes back over their card as it is now', async (t) => {
    await ann.post('/contacts', { override: bobsId, data: { notes: 'Likes tea' } })
    await ann.delete(`/contacts/${bobsId}`)
    await kith.users.update(await kith.users.get('bob@one.example'), { workPhone: '+1 555 0100' })
    const [version] = (await ann.get(`/contacts/${bobsId}/history`)).items
    t.match(version, { contact_id: bobsId, kind: 'override', full_name: 'Bob' })
    t.match((await ann.get(`/history/${version?.id}`)).json, {
      data: { notes: 'Likes tea' },
      layer: { add: [[/^NOTE/]] },
    })
    const back = await ann.post(`/history/${version?.id}/restore`)
    t.match(back.json, {
      restored_as: 'layer',
      contact: { id: bobsId, kind: 'override', data: { notes: 'Likes tea', phones: [{ value: '+1 555 0100' }] } },
    })
    t.match((await ann.get(`/contacts/${annsId}/history`)).items, [{ kind: 'profile' }])
    t.equal((await ann.get('/contacts/00000000-0000-4000-8000-000000000000/history')).status, 404)
  })

  await t.test('what I hid is listed until I have it back, teams too', async (t) => {
    const cid = await running.app('cid@one.example')
    t.strictSame((await cid.get('/contacts/hidden')).json, { items: [], next: null })
    const user = await kith.users.get('cid@one.example')
    const team = await kith.teams.create('Project X', user)
    const cids = await running.device('cid@one.example')
    t.equal((await cids.delete(`${team.id}.vcf`)).status, 204)
    await cid.delete(`/contacts/${bobsId}`)
    const all = [
      { id: bobsId, kind: 'profile', is_me: false, full_name: 'Bob' },
      { id: team.id, kind: 'team', is_me: false, full_name: 'Project X' },
    ].sort((one, other) => (one.id < other.id ? -1 : 1))
    t.strictSame((await cid.get('/contacts/hidden')).items, all)
    const first = await cid.get('/contacts/hidden?limit=1')
    const rest = await cid.get(`/contacts/hidden?limit=1&cursor=${first.json.next}`)
    t.strictSame([...first.items, ...rest.items], all)
    t.equal(rest.json.next, null)
    t.equal((await cid.get('/contacts/hidden?cursor=x')).code, 'bad-cursor')
    t.strictSame((await ann.get('/contacts/hidden')).items, [], 'nobody else’s')
    t.equal((await cid.post(`/contacts/${team.id}/unhide`)).status, 204)
    t.equal((await cids.get(`${team.id}.vcf`)).status, 200)
    t.equal((await cid.post(`/contacts/${bobsId}/unhide`)).status, 200)
    t.strictSame((await cid.get('/contacts/hidden')).items, [])
  })

  await t.test('a page of large cards ends early, and the next goes on: lists and changes', async (t) => {
    const eli = 'eli@two.example'
    await running.organization('Two', 'two.example', ['Eli'])
    const app = await running.app(eli)
    const device = await running.device(eli)
    const note = 'x'.repeat(3 * 1024 * 1024)
    for (const name of ['a', 'b', 'c', 'd']) {
      await device.put(`${name}.vcf`, vcard([`UID:${name}`, `FN:Large ${name}`, `NOTE:${note}`]))
    }
    for (const query of ['/contacts?', '/contacts?q=large&']) {
      const all: unknown[] = []
      let pages = 0
      for (let cursor = ''; ; pages += 1) {
        const page = await app.get(`${query}${cursor}`)
        all.push(...page.items.map(({ id }) => id))
        if (page.json.next === null) break
        cursor = `cursor=${page.json.next}`
      }
      t.equal(new Set(all).size, query.includes('q=') ? 4 : 5)
      t.equal(all.length, new Set(all).size)
      t.ok(pages >= 1)
    }
    const hrefs: unknown[] = []
    let more = 0
    for (let since = ''; ; more += 1) {
      const page = await app.get(`/contacts/changes${since}`)
      hrefs.push(...page.items.map(({ href }) => href))
      if (page.json.more === false) break
      since = `?since=${page.json.token}`
    }
    t.equal(new Set(hrefs).size, 5)
    t.ok(more >= 1)
  })

  await t.test('a word that thousands match: the best of the first by id, the others by id, each once', async (t) => {
    const id = await running.organization('Three', 'three.example', ['Fay'])
    const app = await running.app('fay@three.example')
    const model = (await app.post('/contacts', { data: { full_name: 'Model' } })).json
    const database = new pg.Client({ connectionString: running.database.url })
    await database.connect()
    const add = (ids: string, name: string, from: number, to: number) =>
      database.query(
        `insert into contact (organization_id, id, kind, owner_id, book_id, name, uid, version, text, etag, search)
         select organization_id, n.id, kind, owner_id, book_id, n.id || '.vcf', n.id, version, replace(text, 'Model', n.name), etag,
           E'\\nfn\\t' || lower(n.name) || E'\\norg\\tcommon works\\n'
         from contact, lateral (select (${ids})::uuid as id, ${name} as name from generate_series($3::int, $4::int) i) n
         where organization_id = $1 and contact.id = $2`,
        [id, model.id, from, to],
      )
    const numbered = (first: string) => `'${first}0000000-0000-4000-8000-' || lpad(i::text, 12, '0')`
    await add(numbered('1'), `'Person ' || i % 7`, 1, 3_050)
    await add(numbered('2'), `'Uncommon'`, 1, 1)
    await add(numbered('0'), `'A Common'`, 1, 1)
    await add(numbered('0'), `'Common Z'`, 2, 2)
    await database.end()
    const all: { id: unknown; name: unknown }[] = []
    for (let cursor = ''; ; ) {
      const page = await app.get(`/contacts?q=common${cursor}`)
      all.push(...page.items.map(({ id, data }) => ({ id, name: (data as { full_name: string }).full_name }))) // as documented
      if (page.json.next === null) break
      cursor = `&cursor=${page.json.next}`
    }
    t.equal(all.length, 3_053)
    t.equal(new Set(all.map(({ id }) => id)).size, 3_053)
    t.strictSame(
      all.slice(0, 3).map(({ name }) => name),
      ['Common Z', 'A Common', 'Person 0'],
    )
    const others = all.slice(3_000).map(({ id }) => String(id))
    t.strictSame(others, [...others].sort(), 'unranked')
    t.equal(all.at(-1)?.name, 'Uncommon')
    t.match((await app.get('/contacts?q=uncommon')).items, [{ data: { full_name: 'Uncommon' } }])
  })
})
