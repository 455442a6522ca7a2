import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import type { Actor, Entry } from '#domain'
import { changesNothing, condition, vcard, withLines } from '../support/dav.ts'
import { type Device, rows, startKith } from '../support/kith.ts'

const running = await startKith(t)
const { kith } = running
let scenes = 0

async function actor(email: string): Promise<Actor> {
  const { organizationId, id, peopleId } = await kith.users.get(email)
  return { organizationId, userId: id, peopleId }
}

/** Pub publishes a directory with two entries; Sub, with Ann and Bob, is subscribed to it. */
async function scene() {
  scenes += 1
  const [pub, sub] = [`pub${scenes}.example`, `sub${scenes}.example`]
  const publisherId = await running.organization(`Pub ${scenes}`, pub, ['Pam', 'Max'])
  const subscriberId = await running.organization(`Sub ${scenes}`, sub, ['Sue', 'Ann', 'Bob'])
  for (const email of [`pam@${pub}`, `sue@${sub}`])
    await kith.users.update(await kith.users.get(email), { isStaff: true })
  const pam = await actor(`pam@${pub}`)
  const sue = await actor(`sue@${sub}`)
  const { id } = await kith.sharedDirectories.create(pam, { name: 'Suppliers', description: 'Who sells what' })
  const add = (full_name: string, more: object = {}) => kith.directoryEntries.create(pam, id, { full_name, ...more })
  const hal = await add('Hal Nine', { phones: [{ type: 'Work', value: '+43 1 9000' }] })
  const ivy = await add('Ivy Ten')
  const subscribe = async () => {
    await kith.subscriptions.offer(pam, id, sub)
    const [offer] = await kith.subscriptions.received(sue)
    await kith.subscriptions.accept(sue, offer?.id ?? '')
  }
  await subscribe()
  const book = `directory-${id}`
  const ann = await running.device(`ann@${sub}`)
  const bob = await running.device(`bob@${sub}`)
  const edit = (entry: Entry, data: object) => kith.directoryEntries.amend(pam, id, entry.id, { ...data })
  return { pub, sub, publisherId, subscriberId, pam, sue, id, book, hal, ivy, add, edit, subscribe, ann, bob }
}
const PATCH = `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>Mine</D:displayname></D:prop></D:set></D:propertyupdate>`
type Scene = Awaited<ReturnType<typeof scene>>

const rule = (title: string, body: (t: Test, scene: Scene) => Promise<void>) =>
  t.test(title, async (t) => await body(t, await scene()))

const homeBooks = async (device: Device): Promise<(string | undefined)[]> => {
  const { text } = await device.propfind(device.home, '1', '<D:prop><D:displayname/></D:prop>')
  return rows(text).map(({ href }) => href)
}
const text = async (device: Device, name: string) => (await device.get(name)).text

rule(
  'A directory is a book of its own for everybody of a subscribed organization, and of the publisher',
  async (t, s) => {
    const shared = s.ann.in(s.book)
    t.same(await homeBooks(s.ann), [s.ann.home, s.ann.people, shared.people])
    const { text: said } = await s.ann.propfind(
      shared.people,
      '0',
      '<D:prop><D:displayname/><C:addressbook-description/><D:resourcetype/><D:current-user-privilege-set/></D:prop>',
    )
    t.match(said, /<D:displayname>Suppliers</)
    t.match(said, /Who sells what/)
    t.match(said, /<C:addressbook\/>/)
    t.match(said, /<D:write-content\/>/)
    t.notMatch(said, /<D:bind\/>/)
    const names = [s.hal.name, s.ivy.name].sort().map((name) => shared.people + name)
    t.same([...(await shared.list()).keys()].sort(), names)
    t.same([...(await shared.sync()).changed.keys()].sort(), names)
    t.match(await text(shared, s.hal.name), /FN:Hal Nine/)
    const multiget = await s.ann.report(
      shared.people,
      'C:addressbook-multiget',
      `<D:prop><D:getetag/><C:address-data/></D:prop>${names.map((href) => `<D:href>${href}</D:href>`).join('')}<D:href>${shared.people}no.vcf</D:href>`,
    )
    t.same(
      rows(multiget.text).map(({ status }) => status),
      [200, 200, 404],
    )
    const query = await s.ann.report(
      shared.people,
      'C:addressbook-query',
      `<D:prop><D:getetag/></D:prop><C:filter><C:prop-filter name="FN"><C:text-match>hal nine</C:text-match></C:prop-filter></C:filter>`,
    )
    t.same(
      rows(query.text).map(({ href }) => href),
      [shared.people + s.hal.name],
    )
    t.match((await s.ann.ask('GET', shared.people)).text, /FN:Ivy Ten/)
    t.equal((await s.ann.list()).has(s.ann.people + s.hal.name), false, 'and is not in people')
    const max = await running.device(`max@${s.pub}`)
    t.equal((await max.in(s.book).list()).size, 2)
  },
)

rule('An organization that is not subscribed finds nothing, by any method', async (t, s) => {
  await running.organization(`Other ${scenes}`, `other${scenes}.example`, ['Eve'])
  const eve = await running.device(`eve@other${scenes}.example`)
  const other = eve.in(s.book)
  t.same(await homeBooks(eve), [eve.home, eve.people])
  const card = vcard([`UID:${s.hal.id}`, 'FN:Eve'])
  const nowhere = eve.in(`directory-${randomUUID()}`)
  for (const method of ['PROPFIND', 'REPORT', 'GET', 'DELETE', 'PROPPATCH', 'LOCK', 'COPY', 'MOVE']) {
    const headers = { depth: '0', destination: `${eve.people}x.vcf` }
    for (const name of ['', s.hal.name]) {
      const there = await eve.ask(method, other.people + name, { headers })
      const absent = await eve.ask(method, nowhere.people + name, { headers })
      t.ok(there.status >= 400, `${method} ${there.status}`)
      t.same([there.status, there.text], [absent.status, absent.text], `${method} as of what never was`)
      t.equal((await eve.ask(method, s.ann.in(s.book).people + name, { headers })).status, 404, `${method}: Ann’s`)
    }
  }
  t.equal((await other.put(s.hal.name, card)).status, 409, 'there is no such book')
  t.equal((await eve.put(s.hal.name, card)).status, 201, 'another organization’s names never count')
})

rule('What I change about an entry is mine alone, and survives edits of the entry', async (t, s) => {
  const shared = s.ann.in(s.book)
  const base = await text(shared, s.hal.name)
  const { token } = await shared.sync()
  const put = await shared.put(s.hal.name, withLines(base, 'NOTE:private'), { 'if-match': '*' })
  t.equal(put.status, 204)
  const bobs = s.bob.in(s.book)
  t.equal(await text(bobs, s.hal.name), base)
  const news = await shared.sync(token)
  t.same([...news.changed.keys()], [shared.people + s.hal.name])
  await s.edit(s.hal, { phones: [{ type: 'Work', value: '+43 1 9001' }] })
  const mine = await text(shared, s.hal.name)
  t.match(mine, /NOTE:private/)
  t.match(mine, /9001/)
  t.match(mine, new RegExp(`UID:(urn:uuid:)?${s.hal.id}`), 'the UID stays')
  t.notMatch(await text(bobs, s.hal.name), /private/)
  const asPublished = await kith.directoryEntries.get(s.pam, s.id, s.hal.id)
  t.notMatch(asPublished.text, /private/)
  t.same([...(await shared.sync(news.token)).changed.keys()], [shared.people + s.hal.name])
  t.equal((await shared.delete(s.hal.name)).status, 204, 'taken back')
  t.equal(await text(shared, s.hal.name), await text(bobs, s.hal.name))
  t.equal((await shared.delete(s.hal.name)).status, 204, 'hidden')
  t.equal((await shared.get(s.hal.name)).status, 404)
  t.equal((await bobs.get(s.hal.name)).status, 200)
  t.same([...(await shared.list()).keys()], [shared.people + s.ivy.name])
  await kith.contacts.unhide(await actor(`ann@${s.sub}`), s.hal.id)
  t.equal((await shared.get(s.hal.name)).status, 200)
})

rule('An edit of an entry is one journal row, whoever laid something over it', async (t, s) => {
  const bases = [s.ann.in(s.book), s.bob.in(s.book)]
  for (const one of bases) await one.put(s.hal.name, withLines(await text(one, s.hal.name), 'NOTE:x'))
  const before = await kith.store.collections.status(s.publisherId)
  const own = await kith.store.collections.status(s.subscriberId)
  await s.edit(s.hal, { notes: 'news' })
  t.equal((await kith.store.collections.status(s.publisherId)).journalRows, before.journalRows + 1)
  t.equal((await kith.store.collections.status(s.subscriberId)).journalRows, own.journalRows)
  await changesNothing(t, running, s.publisherId, async () => {
    await s.edit(s.hal, { notes: 'news' })
  })
})

rule('A token tells of entries made, edited and deleted, of layers and of hides, each once', async (t, s) => {
  const shared = s.ann.in(s.book)
  const start = await shared.sync()
  const joe = await s.add('Joe Eleven')
  await shared.delete(s.ivy.name)
  await kith.directoryEntries.remove(s.pam, s.id, s.hal.id)
  const first = await shared.sync(start.token, '<D:limit><D:nresults>1</D:nresults></D:limit>')
  t.equal(first.more, true)
  const rest = await shared.sync(first.token)
  const changed = [...first.changed.keys(), ...rest.changed.keys()]
  t.same(changed, [shared.people + joe.name])
  t.same([...first.gone, ...rest.gone].sort(), [s.ivy, s.hal].map(({ name }) => shared.people + name).sort())
  const empty = await shared.sync(rest.token)
  t.equal(empty.changed.size + empty.gone.length, 0)
  t.equal(empty.token, rest.token)
  t.equal(condition((await shared.sync(start.token.replace(/:\d+:\d+$/, ':0:1'))).answer), 'D:valid-sync-token')
  t.equal(condition((await s.bob.in(s.book).sync(start.token)).answer), 'D:valid-sync-token', 'another’s')
})

rule('The book stays as it is: what it is, and who is in it, its managers say', async (t, s) => {
  const shared = s.ann.in(s.book)
  const card = vcard(['UID:new', 'FN:New'])
  await changesNothing(t, running, s.subscriberId, async () => {
    for (const [method, path, asked] of [
      ['DELETE', shared.people, {}],
      ['MOVE', shared.people, { headers: { destination: `${s.ann.home}mine/` } }],
      ['PROPPATCH', shared.people, { body: PATCH, headers: { 'content-type': 'application/xml' } }],
      ['PUT', `${shared.people}new.vcf`, { body: card, headers: { 'content-type': 'text/vcard' } }],
      ['PUT', `${shared.people}${randomUUID()}.vcf`, { body: card, headers: { 'content-type': 'text/vcard' } }],
      ['POST', shared.people, { body: card, headers: { 'content-type': 'text/vcard' } }],
      ['MOVE', shared.people + s.hal.name, { headers: { destination: `${s.ann.people}x.vcf` } }],
    ] as const) {
      const { status, text } = await s.ann.ask(method, path, asked)
      t.equal(status, 403, method)
      t.equal(condition({ text }), 'D:need-privileges', method)
    }
    t.equal((await s.ann.ask('MKCOL', shared.people)).status, 405)
    t.equal((await s.ann.ask('MKCOL', `${s.ann.home}directory-${randomUUID()}/`)).status, 403, 'no book is called so')
  })
  await s.ann.put('own.vcf', vcard(['UID:own', 'FN:Own']))
  const move = await s.ann.ask('MOVE', `${s.ann.people}own.vcf`, {
    headers: { destination: `${shared.people}own.vcf` },
  })
  t.equal(move.status, 403)
  const copy = await s.ann.ask('COPY', shared.people + s.hal.name, {
    headers: { destination: `${s.ann.people}hal.vcf` },
  })
  t.equal(copy.status, 201, 'a card of one’s own is made of it')
  t.match(await text(s.ann, 'hal.vcf'), /FN:Hal Nine/)
})

rule('Names and UIDs of entries are reserved, those that are gone too', async (t, s) => {
  const shared = s.ann.in(s.book)
  await kith.directoryEntries.remove(s.pam, s.id, s.hal.id)
  const gone = vcard([`UID:${s.hal.id}`, 'FN:Hal'])
  await changesNothing(t, running, s.subscriberId, async () => {
    t.equal((await shared.put(s.hal.name, gone)).status, 404)
    t.equal((await s.ann.put(s.hal.name, vcard(['UID:x', 'FN:X']))).status, 404, 'in people')
    t.equal((await s.ann.put('x.vcf', gone)).status, 404, 'its UID')
    const other = vcard([`UID:${randomUUID()}`, 'FN:Ivy'])
    t.equal(condition(await shared.put(s.ivy.name, other)), 'C:no-uid-conflict', 'a card keeps its UID')
  })
})

rule('What lies over an entry that is deleted becomes a card of one’s own, where it was', async (t, s) => {
  const shared = s.ann.in(s.book)
  await shared.put(s.hal.name, withLines(await text(shared, s.hal.name), 'NOTE:mine'))
  const seen = await shared.get(s.hal.name)
  const { token } = await shared.sync()
  await kith.directoryEntries.remove(s.pam, s.id, s.hal.id)
  const now = await shared.get(s.hal.name)
  t.equal(now.text, seen.text)
  t.equal(now.headers.etag, seen.headers.etag)
  t.equal((await s.bob.in(s.book).get(s.hal.name)).status, 404)
  t.same([...(await shared.sync(token)).changed.keys()], [shared.people + s.hal.name])
  t.equal((await shared.put(s.hal.name, seen.text.replace('mine', 'still mine'))).status, 204)
  await kith.subscriptions.withdraw(s.pam, s.id, s.subscriberId)
  t.match(await text(s.ann, s.hal.name), /still mine/, 'and goes to people with the book')
})

const home = async (device: Device, token: string) => {
  const inner = `<D:sync-token>${token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:resourcetype/></D:prop>`
  const answer = await device.report(device.home, 'D:sync-collection', inner, { depth: '0' })
  const all = rows(answer.text)
  return {
    there: all.filter(({ status }) => status === 200).map(({ href }) => href),
    gone: all.filter(({ status }) => status === 404).map(({ href }) => href),
    token: /<D:sync-token>(.*?)<\/D:sync-token>/.exec(answer.text)?.[1] ?? '',
  }
}

rule('A directory that is withdrawn goes; what one changed stays, byte for byte, in people', async (t, s) => {
  const shared = s.ann.in(s.book)
  await shared.put(s.hal.name, withLines(await text(shared, s.hal.name), 'NOTE:mine'))
  await s.bob.in(s.book).delete(s.hal.name)
  const [seen, seen4] = [
    await shared.get(s.hal.name),
    await shared.get(s.hal.name, { accept: 'text/vcard;version=4.0' }),
  ]
  const people = await s.ann.sync()
  const { token } = await shared.sync()
  const start = await home(s.ann, '')
  await kith.subscriptions.withdraw(s.pam, s.id, s.subscriberId)
  const now = await s.ann.get(s.hal.name)
  t.equal(now.text, seen.text)
  t.equal(now.headers.etag, seen.headers.etag)
  t.equal((await s.ann.get(s.hal.name, { accept: 'text/vcard;version=4.0' })).text, seen4.text)
  t.same([...(await s.ann.sync(people.token)).changed.keys()], [s.ann.people + s.hal.name])
  t.equal((await s.ann.get(s.ivy.name)).status, 404, 'what nobody changed is gone')
  t.equal((await shared.sync(token)).answer.status, 404)
  t.equal((await shared.get(s.hal.name)).status, 404)
  const news = await home(s.ann, start.token)
  t.same([news.there, news.gone], [[], [shared.people]], 'the phone hears that the book went')
  t.same(await homeBooks(s.ann), [s.ann.home, s.ann.people])
  t.equal(
    (await running.device(`max@${s.pub}`)).in(s.book) &&
      (await (await running.device(`max@${s.pub}`)).in(s.book).list()).size,
    2,
  )

  await s.subscribe()
  const back = await home(s.ann, news.token)
  t.same([back.there, back.gone], [[shared.people], []])
  t.equal(condition((await shared.sync(token)).answer), 'D:valid-sync-token', 'tokens of the gone book are refused')
  t.equal((await s.bob.in(s.book).get(s.hal.name)).status, 200, 'what was hidden in it is not')
  await shared.put(s.hal.name, withLines(await text(shared, s.hal.name), 'NOTE:again'))
  await kith.sharedDirectories.delete(s.pam, s.id)
  const all = (await s.ann.ask('GET', s.ann.people)).text
  t.match(all, /NOTE:mine/)
  t.match(all, /NOTE:again/, 'its name and UID were taken: it has others')
})

rule('A PUT at the time of the withdrawal is a card of one’s own, or refused: never lost', async (t, s) => {
  const shared = s.ann.in(s.book)
  const made = await Promise.all(Array.from({ length: 20 }, (_, at) => s.add(`Entry ${at}`)))
  const bodies = await Promise.all(
    made.map(async ({ name }) => withLines(await text(shared, name), `NOTE:layer of ${name}`)),
  )
  const puts = made.map(({ name }, at) => shared.put(name, bodies[at] ?? ''))
  const [answers] = await Promise.all([Promise.all(puts), kith.subscriptions.withdraw(s.pam, s.id, s.subscriberId)])
  t.equal(answers.length, 20)
  for (const [at, { name }] of made.entries()) {
    const status = answers[at]?.status ?? 0
    const kept = await s.ann.get(name)
    t.ok([204, 404, 409].includes(status), `${status}`)
    if (status === 204) t.match(kept.text, `NOTE:layer of ${name}`)
    else t.equal(kept.status, 404)
  }
})
