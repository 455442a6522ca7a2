import fc from 'fast-check'
import t from 'tap'
import { vcard } from '../support/dav.ts'
import { type App, type Dict, startRest } from '../support/rest.ts'

/** What an application holds of a book, by href. */
type Replica = Map<string, unknown>

/** Applies what changed, page by page; the token to go on with. */
async function follow(
  app: App,
  replica: Replica,
  since: string,
  { limit = 100, book = 'people' } = {},
): Promise<string> {
  for (let token = since; ; ) {
    const { status, json, items } = await app.get(
      `/contacts/changes?book=${book}&limit=${limit}${token === '' ? '' : `&since=${encodeURIComponent(token)}`}`,
    )
    if (status !== 200) throw new Error(`${status} ${json.code}`)
    for (const { href, deleted, contact } of items) {
      if (deleted) replica.delete(String(href))
      else replica.set(String(href), contact)
    }
    token = String(json.token)
    if (json.more === false) return token
  }
}

async function listing(app: App, book = 'people'): Promise<Replica> {
  const all: Dict[] = []
  for (let cursor = ''; ; ) {
    const { json, items } = await app.get(`/contacts?limit=200${cursor}`)
    all.push(...items)
    if (json.next === null) break
    cursor = `&cursor=${json.next}`
  }
  return new Map(all.filter((one) => one.book === book).map((one) => [String(one.href), one]))
}

const sorted = (replica: Replica) => [...replica].sort(([one], [other]) => (one < other ? -1 : 1))

t.test('the change feed', async (t) => {
  const running = await startRest(t)
  const { kith } = running
  const NAMES = ['Ann', 'Bob', 'Cid', 'Dee', 'Eli', 'Fay', 'Gus', 'Hal']
  await running.organization('One', 'one.example', NAMES)
  const ann = await running.app('ann@one.example')
  const bob = await running.app('bob@one.example')
  const phone = await running.device('ann@one.example')
  const user = (name: string) => kith.users.get(`${name.toLowerCase()}@one.example`)
  const cards = await Promise.all(NAMES.map(async (name) => (await user(name)).profileId))
  const ask = (since: unknown) => ann.get(`/contacts/changes?since=${encodeURIComponent(String(since))}`)

  await t.test('without a token all that is listed; with one what is different, as it is now', async (t) => {
    const first = await ann.get('/contacts/changes')
    t.equal(first.status, 200)
    t.match(first.json, { more: false, token: String })
    t.equal(first.items.length, NAMES.length)
    t.ok(first.items.every(({ deleted }) => deleted === false))
    t.match(
      first.items.find(({ href }) => String(href).includes(String(cards[0]))),
      { contact: { is_me: true } },
    )
    t.strictSame((await ask(first.json.token)).json, { items: [], token: first.json.token, more: false })
    const made = await ann.post('/contacts', { data: { full_name: 'Julie' } })
    await ann.post('/contacts', { override: cards[1], data: { notes: 'x' } })
    await ann.delete(`/contacts/${cards[2]}`)
    const news = await ask(first.json.token)
    const { data, id, kind, is_me, book, href } = made.json
    const told = new Map(news.items.map((one) => [one.href, one]))
    t.strictSame(told.get(href), { href, deleted: false, contact: { id, kind, is_me, book, href, data } })
    t.match(told.get(`${phone.people}${cards[1]}.vcf`), {
      contact: { id: cards[1], kind: 'override', data: { notes: 'x' } },
    })
    t.strictSame(told.get(`${phone.people}${cards[2]}.vcf`), { href: `${phone.people}${cards[2]}.vcf`, deleted: true })
    t.equal(told.size, 3)
    await ann.delete(`/contacts/${id}`)
    t.match((await ask(news.json.token)).items, [{ href, deleted: true }])
    t.equal(
      (await ann.get('/contacts/changes', { 'if-none-match': (await ann.get('/contacts/changes')).headers.etag }))
        .status,
      304,
    )
  })

  await t.test('RFC 6578: a token of REPORT sync-collection works here, and the other way round', async (t) => {
    const device = await phone.sync()
    const app = await ann.get('/contacts/changes')
    t.equal(app.json.token, device.token)
    await ann.post('/contacts', { override: cards[3], data: { notes: 'y' } })
    const href = `${phone.people}${cards[3]}.vcf`
    t.match((await ask(device.token)).items, [{ href, deleted: false }])
    t.strictSame([...(await phone.sync(String(app.json.token))).changed.keys()], [href])
    const page = await phone.sync('', '<D:limit><D:nresults>3</D:nresults></D:limit>')
    t.ok(page.more)
    const rest = await ask(page.token)
    t.equal(rest.json.more, false)
    const both = [...page.changed.keys(), ...rest.items.map((one) => String(one.href))]
    t.strictSame(both.sort(), [...(await phone.list()).keys()].sort(), 'a page token too')
  })

  await t.test('a token that is none, of another book or of somebody else, is refused with 410', async (t) => {
    const { token } = (await bob.get('/contacts/changes')).json
    for (const since of ['x', 'urn:kith:sync:1:', token, `${(await ann.get('/contacts/changes')).json.token}:x`]) {
      const refused = await ask(since)
      t.equal(refused.status, 410, String(since))
      t.equal(refused.code, 'token-refused')
    }
    const newer = String((await ann.get('/contacts/changes')).json.token).replace(
      /:(\d+):\d+$/,
      (_, revision) => `:${Number(revision) + 1}:5`,
    )
    t.equal((await ask(newer)).status, 410)
    t.equal((await ann.get('/contacts/changes?book=none')).status, 404)
    t.equal((await ann.get('/contacts/changes?book=%00')).status, 400)
    t.strictSame((await ann.get('/contacts/changes?limit=0')).fields, ['limit'])
    t.strictSame((await ann.get('/contacts/changes?x=1')).fields, ['x'])
  })

  await t.test('a book of one’s own has a feed too', async (t) => {
    const friends = `${phone.home}friends/`
    t.equal((await phone.ask('MKCOL', friends)).status, 201)
    const replica: Replica = new Map()
    const token = await follow(ann, replica, '', { book: 'friends' })
    t.equal(replica.size, 0)
    const headers = { 'content-type': 'text/vcard' }
    for (const name of ['a', 'b', 'c']) {
      await phone.ask('PUT', `${friends}${name}.vcf`, { headers, body: vcard([`UID:${name}`, `FN:${name}`]) })
    }
    const next = await follow(ann, replica, token, { book: 'friends', limit: 1 })
    t.strictSame(sorted(replica), sorted(await listing(ann, 'friends')))
    t.equal(replica.size, 3)
    await phone.ask('DELETE', `${friends}b.vcf`)
    await follow(ann, replica, next, { book: 'friends' })
    t.strictSame(sorted(replica), sorted(await listing(ann, 'friends')))
    t.equal((await ask(next)).status, 410, 'and tokens of its own')
  })

  await t.test('whatever is edited, by whatever route, a replica that follows equals the listing', async (t) => {
    const replica: Replica = new Map()
    let token = ''
    const person = fc.integer({ min: 1, max: NAMES.length - 1 })
    const text = fc.string({ minLength: 1, maxLength: 8 }).map((one) => `x${one.replaceAll(/[^a-z]/g, '')}`)
    const contact = async (at: number): Promise<unknown> =>
      [...(await listing(ann)).values()].map((one) => (one as Dict).id)[at]
    const edit = fc.oneof(
      fc.tuple(fc.constant('create' as const), person, text),
      fc.tuple(fc.constant('change' as const), fc.integer({ min: 0, max: 15 }), text),
      fc.tuple(fc.constant('remove' as const), fc.integer({ min: 0, max: 15 }), text),
      fc.tuple(fc.constant('unhide' as const), person, text),
      fc.tuple(fc.constant('update' as const), person, text),
      fc.tuple(fc.constant('toggle' as const), person, text),
      fc.tuple(fc.constant('phone' as const), person, text),
    )
    type Edit = (at: number, text: string) => Promise<unknown>
    const edits: Readonly<Record<'create' | 'change' | 'remove' | 'unhide' | 'update' | 'toggle' | 'phone', Edit>> = {
      create: (_, full_name) => ann.post('/contacts', { data: { full_name } }),
      change: async (at, notes) => ann.patch(`/contacts/${await contact(at)}`, { data: { notes } }),
      remove: async (at) => ann.delete(`/contacts/${await contact(at)}`),
      unhide: (at) => ann.post(`/contacts/${cards[at]}/unhide`),
      update: async (at, title) => kith.users.update(await user(NAMES[at] ?? ''), { title }),
      toggle: async (at) => {
        const one = await user(NAMES[at] ?? '')
        await kith.users.setActive(one, !one.isActive)
      },
      phone: (at, name) => phone.put(`${name}.vcf`, vcard([`UID:${name}`, `FN:${name} ${at}`])),
    }
    await fc.assert(
      fc.asyncProperty(
        fc.array(edit, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 9 }),
        async (all, limit) => {
          for (const [what, at, said] of all) await edits[what](at, said)
          token = await follow(ann, replica, token, { limit })
          const now = await listing(ann)
          t.strictSame(sorted(replica), sorted(now), JSON.stringify(all))
        },
      ),
      { numRuns: 25, endOnFailure: true },
    )
    const anew: Replica = new Map()
    await follow(ann, anew, '', { limit: 3 })
    t.strictSame(sorted(anew), sorted(replica), 'and equals one that starts anew')
  })
})
