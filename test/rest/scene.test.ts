import t from 'tap'
import { startRest } from '../support/rest.ts'

t.test('the scene: David overrides Ryan, keeps Julie, and his phone sees what his application did', async (t) => {
  const running = await startRest(t)
  const { kith, organization, device, app, cardOf } = running
  await organization('Space Odyssey', 'spaceodyssey.com', ['David Bowman', 'Ryan Stone', 'Zoe Lind'])
  const david = await app('david.bowman@spaceodyssey.com')
  const zoe = await app('zoe.lind@spaceodyssey.com')
  const phone = await device('david.bowman@spaceodyssey.com')
  const name = await cardOf('ryan.stone@spaceodyssey.com')
  const { token } = await phone.sync()

  const { items } = await david.get('/contacts?q=ryan')
  t.equal(items.length, 1)
  const [ryan] = items
  t.match(ryan, { kind: 'profile', is_me: false, data: { full_name: 'Ryan Stone' } })
  t.equal(`${ryan?.id}.vcf`, name, 'the id is that of the card')
  t.equal(ryan?.href, `${phone.people}${name}`)

  const emails = [{ type: 'Home', value: 'ryan@stone.com' }]
  const added = await david.post('/contacts', { override: ryan?.id, data: { emails } })
  t.equal(added.status, 201)
  t.equal(added.headers.location, `/api/v1/contacts/${ryan?.id}`)
  const both = [{ type: 'Work', value: 'ryan.stone@spaceodyssey.com' }, ...emails]
  t.match(added.json, { id: ryan?.id, kind: 'override', data: { emails: both }, base: { emails: [both[0]] } })
  t.match(added.json.layer, { add: [[/EMAIL.*:ryan@stone\.com/]], remove: [], unset: [] }, 'what is mine')
  t.strictSame((await david.get(`/contacts/${ryan?.id}`)).json, added.json)
  t.match((await david.get('/contacts?q=ryan@stone')).items, [{ id: ryan?.id }], 'and is found by it')
  t.match((await zoe.get('/contacts?q=ryan@stone')).items, [], 'by nobody else')

  const { text } = await phone.get(name)
  t.match(text, /ryan\.stone@spaceodyssey\.com/)
  t.match(text, /ryan@stone\.com/)
  const news = await phone.sync(token)
  t.strictSame([...news.changed.keys()], [phone.people + name], 'his phone hears of it')
  const seenByZoe = await zoe.get(`/contacts/${ryan?.id}`)
  t.match(seenByZoe.json, { kind: 'profile', data: { emails: [both[0]] } })
  t.notMatch(seenByZoe.text, 'ryan@stone.com')

  await kith.users.update(await kith.users.get('ryan.stone@spaceodyssey.com'), { workPhone: '+1 555 0199' })
  const now = await david.get(`/contacts/${ryan?.id}`)
  t.match(
    now.json,
    { data: { emails: both, phones: [{ type: 'Work', value: '+1 555 0199' }] } },
    'an update comes through',
  )
  t.not(now.headers.etag, added.headers.etag)
  t.match((await david.get('/contacts?q=5550199')).items, [{ id: ryan?.id }], 'found by digits')

  const more = await david.post('/contacts', { override: ryan?.id, data: { notes: 'Likes radishes', emails } })
  t.equal(more.status, 200)
  t.match(more.json, { data: { emails: both, notes: 'Likes radishes' } })
  t.match((await david.get('/contacts?q=radishes')).items, [{ id: ryan?.id }], 'found by my own notes')

  const julie = await david.post('/contacts', {
    data: { full_name: 'Julie Powell', emails: [{ type: 'Home', value: 'j@p.com' }] },
  })
  t.equal(julie.status, 201)
  t.match(julie.json, { kind: 'personal', data: { full_name: 'Julie Powell' }, base: undefined, layer: undefined })
  const href = String(julie.json.href)
  t.match((await phone.ask('GET', href)).text, /FN:Julie Powell/)
  t.equal(
    (
      await phone.ask('PUT', href, {
        headers: { 'content-type': 'text/vcard' },
        body: (await phone.ask('GET', href)).text.replace('END:VCARD', 'X-MINE:1\r\nEND:VCARD'),
      })
    ).status,
    204,
  )
  const changed = await david.patch(`/contacts/${julie.json.id}`, { data: { short_name: 'Jules', emails: null } })
  t.match(changed.json, { data: { full_name: 'Julie Powell', short_name: 'Jules', emails: undefined } })
  t.match((await phone.ask('GET', href)).text, /X-MINE:1/, 'what the API does not know survives')
  t.equal((await zoe.get(`/contacts/${julie.json.id}`)).status, 404)

  t.equal((await david.delete(`/contacts/${ryan?.id}`)).status, 204)
  t.match(
    (await david.get(`/contacts/${ryan?.id}`)).json,
    { kind: 'profile', data: { emails: [both[0]] } },
    'the base again',
  )
  t.equal((await david.delete(`/contacts/${ryan?.id}`)).status, 204)
  t.equal((await david.get(`/contacts/${ryan?.id}`)).status, 404, 'hidden')
  t.equal((await phone.get(name)).status, 404)
  t.match((await david.get('/contacts?q=ryan')).items, [])
  t.equal((await david.post('/contacts', { override: ryan?.id, data: { notes: 'x' } })).status, 404)
  t.equal((await david.post(`/contacts/${ryan?.id}/unhide`)).status, 200)
  t.equal((await phone.get(name)).status, 200)
  t.equal((await david.delete(`/contacts/${julie.json.id}`)).status, 204)
  t.equal((await phone.ask('GET', href)).status, 404)
})
