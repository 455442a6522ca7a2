import t from 'tap'
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
})
