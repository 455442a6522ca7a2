import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { App } from '../support/rest.ts'
import { startRest } from '../support/rest.ts'

t.test('shared directories by the JSON API', async (t) => {
  const running = await startRest(t)
  const { kith } = running
  const subId = await (async () => {
    await running.organization('Pub', 'pub.example', ['Pam', 'Max', 'Tim'])
    return await running.organization('Sub', 'sub.example', ['Sue', 'Ann'])
  })()
  await running.organization('Other', 'other.example', ['Eve'])
  for (const email of ['pam@pub.example', 'sue@sub.example', 'eve@other.example']) {
    await kith.users.update(await kith.users.get(email), { isStaff: true })
  }
  const [pam, max, tim, sue, ann, eve] = (await Promise.all(
    ['pam@pub', 'max@pub', 'tim@pub', 'sue@sub', 'ann@sub', 'eve@other'].map((one) => running.app(`${one}.example`)),
  )) as [App, App, App, App, App, App] // six of six
  const idOf = async (email: string) => (await kith.users.get(email)).id

  t.equal((await max.post('/directories', { name: 'X' })).status, 403, 'administrators make directories')
  t.match((await pam.post('/directories', { name: '', more: 1 })).fields, ['more', 'name'])
  const made = await pam.post('/directories', { name: 'Suppliers', description: 'Who sells what' })
  t.equal(made.status, 201)
  const { id } = made.json
  const at = `/directories/${id}`
  t.equal(made.headers.location, `/api/v1${at}`)
  t.match(made.json, { subscribed: true, book: `directory-${id}`, abilities: { administer: true, edit_entries: true } })

  await t.test('managers edit entries; others of the organization see them, and may not', async (t) => {
    t.match((await max.get('/directories')).items, [{ id, abilities: { administer: false, edit_entries: false } }])
    t.equal((await max.post(`${at}/entries`, { data: { full_name: 'X' } })).status, 403)
    const maxId = await idOf('max@pub.example')
    t.equal((await max.ask('PUT', `${at}/managers/${maxId}`)).status, 403)
    t.equal((await max.get(`${at}/managers`)).status, 403)
    t.equal((await pam.ask('PUT', `${at}/managers/${await idOf('ann@sub.example')}`)).status, 404, 'no colleague')
    t.equal((await pam.ask('PUT', `${at}/managers/${maxId}`)).status, 204)
    t.match((await max.get(`${at}/managers`)).items, [{ name: 'Max' }, { name: 'Pam' }])
    const hal = await max.post(`${at}/entries`, { data: { full_name: 'Hal', notes: 'n' } })
    t.equal(hal.status, 201)
    const path = `${at}/entries/${hal.json.id}`
    t.equal(hal.headers.location, `/api/v1${path}`)
    t.match((await tim.get(path)).json, { data: { full_name: 'Hal' } })
    t.equal((await tim.get(path, { 'if-none-match': hal.headers.etag })).status, 304)
    t.equal((await tim.patch(path, { data: { notes: 'x' } })).status, 403)
    t.equal((await max.patch(path, { data: { notes: 'x' } }, { 'if-match': '"old"' })).status, 412)
    t.match((await max.patch(path, { data: { emails: [{ type: 'X', value: 'h@x.at' }] } })).fields, [
      'data.emails[0].type',
    ])
    const patched = await max.patch(path, { data: { notes: null } }, { 'if-match': hal.headers.etag })
    t.equal(patched.status, 200)
    t.notOk('notes' in (patched.json.data as object), 'merged') // an object by its schema
    t.equal((await pam.delete(`${at}/managers/${maxId}`)).status, 204)
    t.equal((await max.patch(path, { data: { notes: 'x' } })).status, 403, 'no manager any more')
    t.equal((await pam.delete(`${at}/managers/${maxId}`)).status, 404)
    t.equal((await pam.delete(path, { 'if-match': hal.headers.etag })).status, 412)
    t.equal((await pam.delete(path, { 'if-match': patched.headers.etag })).status, 204)
    t.equal((await pam.get(path)).status, 404)
  })

  for (const name of ['Ada', 'Bea', 'Cyd']) await pam.post(`${at}/entries`, { data: { full_name: `${name} Sells` } })
  await t.test('entries are read in pages, and found', async (t) => {
    const first = await pam.get(`${at}/entries?limit=2`)
    const second = await pam.get(`${at}/entries?limit=2&cursor=${first.json.next}`)
    t.same([first.items.length, second.items.length, second.json.next], [2, 1, null])
    t.match((await pam.get(`${at}/entries?q=bea`)).items, [{ data: { full_name: 'Bea Sells' } }])
    t.equal((await pam.get(`${at}/entries?cursor=x`)).status, 400)
  })

  await t.test('to whom it is not offered, nothing is there: 404 everywhere, nothing written', async (t) => {
    const entry = (await pam.get(`${at}/entries`)).items[0]?.id
    const data = { full_name: 'X' }
    for (const [method, path, body] of [
      ['GET', at],
      ['PATCH', at, { name: 'X' }],
      ['DELETE', at],
      ['GET', `${at}/managers`],
      ['PUT', `${at}/managers/${randomUUID()}`],
      ['DELETE', `${at}/managers/${randomUUID()}`],
      ['GET', `${at}/entries`],
      ['POST', `${at}/entries`, { data }],
      ['GET', `${at}/entries/${entry}`],
      ['PATCH', `${at}/entries/${entry}`, { data }],
      ['DELETE', `${at}/entries/${entry}`],
      ['GET', `${at}/offers`],
      ['POST', `${at}/offers`, { domain: 'other.example' }],
      ['DELETE', `${at}/offers/${randomUUID()}`],
      ['GET', `${at}/subscribers`],
      ['DELETE', `${at}/subscribers/${subId}`],
      ['GET', `/contacts/${entry}`],
      ['PATCH', `/contacts/${entry}`, { data }],
      ['POST', '/contacts', { override: entry, data }],
      ['DELETE', `/organization/subscriptions/${id}`],
    ] as const) {
      t.equal((await eve.ask(method, path, body)).status, 404, `${method} ${path}`)
    }
    t.same((await eve.get('/directories')).items, [])
  })

  await t.test('an offer is answered alike, whether anybody has the domain, and what becomes of it', async (t) => {
    const answers = await Promise.all(
      ['sub.example', 'nobody.example'].map((domain) => pam.post(`${at}/offers`, { domain })),
    )
    const [known, unknown] = answers.map(({ status, json, headers }) => ({
      status,
      headers: Object.keys(headers).sort(),
      json: { ...json, id: '', domain: '', created_at: '' },
    }))
    t.same(known, unknown)
    t.match(known, { status: 201, json: { accepted: false } })
    t.equal((await pam.post(`${at}/offers`, { domain: 'SUB.example' })).status, 200, 'once a domain')
    t.equal((await pam.post(`${at}/offers`, { domain: 'gmail.com' })).status, 422)
    t.equal((await max.post(`${at}/offers`, { domain: 'x.example' })).status, 403)
    t.same((await pam.get(`${at}/subscribers`)).items, [])

    t.equal((await ann.get('/organization/offers')).status, 403, 'administrators answer')
    t.same((await eve.get('/organization/offers')).items, [])
    const [offer] = (await sue.get('/organization/offers')).items
    t.match(offer, { domain: 'sub.example', publisher: 'Pub', directory: { id, name: 'Suppliers' } })
    t.equal((await eve.post(`/organization/offers/${offer?.id}/accept`)).status, 404)
    t.equal((await ann.post(`/organization/offers/${offer?.id}/accept`)).status, 403)
    t.equal((await sue.post(`/organization/offers/${offer?.id}/decline`)).status, 204)
    t.same((await sue.get('/organization/offers')).items, [])
    t.match((await pam.get(`${at}/offers`)).items, [{ accepted: false }, { accepted: false }], 'which nobody is told')
    t.equal((await pam.delete(`${at}/offers/${offer?.id}`)).status, 204)
    await pam.post(`${at}/offers`, { domain: 'sub.example' })
    const [again] = (await sue.get('/organization/offers')).items
    const races = await Promise.all(
      Array.from({ length: 20 }, () => sue.post(`/organization/offers/${again?.id}/accept`)),
    )
    t.equal(races.filter(({ status }) => status === 200).length, 1, 'one of 20 accepts')
    t.match((await pam.get(`${at}/subscribers`)).items, [{ id: subId, name: 'Sub', domains: ['sub.example'] }])
    t.match((await pam.get(`${at}/offers`)).items, [{ accepted: false }, { domain: 'sub.example', accepted: true }])

    const late = await pam.post(`${at}/offers`, { domain: 'late.example' })
    t.equal(late.status, 201)
    await kith.organizations.create({ name: 'Late', domains: ['late.example'] })
    const { id: lateId } = (await kith.store.organizations.find({ name: 'Late' }))[0] ?? { id: '' }
    t.match(await kith.store.subscriptions.received(lateId), [{ domain: 'late.example' }], 'of a domain claimed later')
  })

  await t.test('subscribers read and change entries for themselves; what is theirs nobody else sees', async (t) => {
    t.match((await ann.get('/directories')).items, [
      { id, subscribed: true, abilities: { administer: false, edit_entries: false } },
    ])
    for (const path of ['offers', 'subscribers', 'managers']) {
      t.equal((await sue.get(`${at}/${path}`)).status, 403, `${path}: subscribers do not see each other`)
    }
    const [bea] = (await ann.get('/contacts?q=bea')).items
    t.match(bea, { kind: 'entry', is_me: false, book: `directory-${id}`, data: { full_name: 'Bea Sells' } })
    t.equal((await ann.get('/contacts?limit=200')).items.length, 5)
    const emails = [{ type: 'Home', value: 'bea@private.example' }]
    const laid = await ann.post('/contacts', { override: bea?.id, data: { emails } })
    t.equal(laid.status, 201)
    t.match(laid.json, { id: bea?.id, kind: 'override', book: `directory-${id}`, data: { emails } })
    t.match((await ann.get('/contacts?q=bea@private')).items, [{ id: bea?.id }])
    t.same((await sue.get('/contacts?q=bea@private')).items, [])
    t.notMatch((await pam.get(`${at}/entries/${bea?.id}`)).text, 'private')
    await pam.patch(`${at}/entries/${bea?.id}`, { data: { short_name: 'B' } })
    t.match((await ann.get(`/contacts/${bea?.id}`)).json, { data: { emails, short_name: 'B' } })

    const [ada] = (await ann.get('/contacts?q=ada')).items
    t.equal((await ann.delete(`/contacts/${ada?.id}`)).status, 204)
    t.equal((await ann.get(`/contacts/${ada?.id}`)).status, 404, 'hidden')
    t.match((await ann.get('/contacts/hidden')).items, [{ id: ada?.id, kind: 'entry', full_name: 'Ada Sells' }])
    const changes = await ann.get(`/contacts/changes?book=directory-${id}`)
    t.match(changes.text, /"kind":"entry"/)
    t.equal((await ann.post(`/contacts/${ada?.id}/unhide`)).status, 200)
    const feed = (token: unknown) =>
      ann.get(`/contacts/changes?book=directory-${id}&since=${encodeURIComponent(String(token))}`)
    const back = await feed(changes.json.token)
    t.match(back.items, [{ deleted: false, contact: { id: ada?.id, kind: 'entry', book: `directory-${id}` } }])
    await pam.patch(`${at}/entries/${ada?.id}`, { data: { short_name: 'A' } })
    const told = await feed(back.json.token)
    t.equal(told.items.length, 1, 'what the manager changed')
    t.match(told.items, [{ deleted: false, contact: { id: ada?.id, kind: 'entry', data: { short_name: 'A' } } }])
    t.same((await feed(told.json.token)).items, [])
    t.equal((await sue.get(`/contacts/changes?book=directory-${id}&since=${told.json.token}`)).status, 410, 'not hers')
    const file = await ann.get(`/contacts/export?book=directory-${id}`)
    t.equal(file.text.match(/^BEGIN:VCARD/gm)?.length, 3, 'a directory is exported, as one sees it')
    t.match(file.text, 'bea@private.example')
    t.equal((await eve.get(`/contacts/export?book=directory-${id}`)).status, 404)

    t.equal((await ann.delete(`/organization/subscriptions/${id}`)).status, 403)
    t.match((await sue.get('/organization/subscriptions')).items, [{ id, publisher: { name: 'Pub' } }])
    t.equal((await sue.delete(`/organization/subscriptions/${id}`)).status, 204)
    t.equal((await ann.get(at)).status, 404)
    const [kept] = (await ann.get('/contacts?q=bea@private')).items
    t.match(kept, { kind: 'personal', book: 'people', data: { emails, short_name: 'B' } }, 'what one changed stays')
    t.same((await pam.get(`${at}/subscribers`)).items, [])
  })

  await t.test('it is renamed and deleted by administrators, and kept from the own people', async (t) => {
    const now = await pam.get(at)
    t.equal((await max.patch(at, { name: 'X' })).status, 403)
    t.equal((await pam.patch(at, { name: 'X' }, { 'if-match': '"old"' })).status, 412)
    const renamed = await pam.patch(at, { name: 'Sellers', description: null }, { 'if-match': now.headers.etag })
    t.match(renamed.json, { name: 'Sellers', description: null })
    t.match((await max.get(at)).json, { name: 'Sellers' })
    t.match((await pam.patch(at, { own_people: false })).json, { subscribed: false, book: null })
    t.equal((await max.get(at)).status, 404, 'which is then nothing of theirs')
    t.match((await pam.patch(at, { own_people: true })).json, { subscribed: true })
    t.equal((await pam.delete(at, { 'if-match': now.headers.etag })).status, 412)
    t.equal((await pam.delete(at)).status, 204)
    for (const one of [pam, max]) t.equal((await one.get(at)).status, 404)
  })
})
