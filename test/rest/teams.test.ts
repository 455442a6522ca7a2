import pg from 'pg'
import t from 'tap'
import type { Role, User } from '#domain'
import { type App, type Dict, type RestAnswer, startRest, tally, twenty } from '../support/rest.ts'

const running = await startRest(t)
const { kith, organization } = running
const NAMES = ['Ann', 'Ben', 'Cat', 'Dan', 'Eve']
const organizationId = await organization('Space Odyssey', 'spaceodyssey.com', NAMES)
await organization('Explorer', 'explorer.example', ['Ryan'])
const userOf = (name: string): Promise<User> => kith.users.get(`${name.toLowerCase()}@spaceodyssey.com`)
const [userAnn, userBen, userCat, userDan, userEve] = (await Promise.all(NAMES.map(userOf))) as [
  User,
  User,
  User,
  User,
  User,
] // as many as named
const [ann, ben, cat, eve] = (await Promise.all(
  ['ann', 'ben', 'cat', 'eve'].map((name) => running.app(`${name}@spaceodyssey.com`)),
)) as [App, App, App, App] // likewise

const newTeam = async (body: object = {}, roles: readonly (readonly [User, Role])[] = []): Promise<string> => {
  const { status, json } = await ann.post('/teams', { name: 'Project X', ...body })
  if (status !== 201) throw new Error(`no team: ${status}`)
  for (const [{ id }, role] of roles) await ann.post(`/teams/${json.id}/members`, { user_id: id, role })
  return String(json.id)
}
/** All items of a list, by pages of `limit`, and how many those were. */
async function all(app: App, path: string, limit: number): Promise<{ items: Dict[]; pages: number }> {
  const items: Dict[] = []
  for (let pages = 1, cursor = ''; ; pages += 1) {
    const page = await app.get(`${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor}`)
    items.push(...page.items)
    if (page.json.next === null) return { items, pages }
    cursor = `&cursor=${page.json.next}`
  }
}

t.test('whoever makes a team owns it; what is said of it is told back', async (t) => {
  const made = await ann.post('/teams', { name: ' Project X ', description: ' To Jupiter ', is_open: true })
  t.equal(made.status, 201)
  t.match(made.json, {
    name: 'Project X',
    description: 'To Jupiter',
    is_open: true,
    is_synced: false,
    parent_id: null,
    member_count: 1,
    role: 'owner',
    abilities: { delete: true, owners: true },
  })
  const path = `/teams/${made.json.id}`
  t.equal(made.headers.location, `/api/v1${path}`)
  const read = await ann.get(path)
  t.strictSame([read.json, read.headers.etag], [made.json, made.headers.etag])
  const changed = await ann.patch(path, { name: 'Project Y', description: null, is_open: false })
  t.match(changed.json, { name: 'Project Y', description: null, is_open: false })
  t.not(changed.headers.etag, read.headers.etag)
  const same = await ann.patch(path, { name: 'Project Y', description: '' })
  t.equal(same.headers.etag, changed.headers.etag, 'without a difference nothing is written')
  t.match((await ann.get(`${path}/members`)).items, [
    { user_id: userAnn.id, name: 'Ann', role: 'owner', is_active: true },
  ])
})

t.test('RFC 9457: what cannot be so names its field', async (t) => {
  const id = await newTeam()
  const wrong: readonly (readonly [string, string, object, number, readonly string[]])[] = [
    ['POST', '/teams', {}, 422, ['name']],
    ['POST', '/teams', { name: ' ' }, 422, ['name']],
    ['POST', '/teams', { name: 'x'.repeat(257) }, 422, ['name']],
    ['POST', '/teams', { name: 'a\0b' }, 422, ['name']],
    ['POST', '/teams', { name: 'x', y: 1 }, 422, ['y']],
    ['POST', '/teams', { name: 'x', description: '\0' }, 422, ['description']],
    ['PATCH', `/teams/${id}`, { name: '' }, 422, ['name']],
    ['PATCH', `/teams/${id}`, { description: 'x'.repeat(4_097) }, 422, ['description']],
    ['PATCH', `/teams/${id}`, { is_open: 'yes' }, 422, ['is_open']],
    ['PATCH', `/teams/${id}`, { parent_id: 'x' }, 422, ['parent_id']],
    ['POST', `/teams/${id}/members`, { role: 'member' }, 422, ['user_id']],
    ['POST', `/teams/${id}/members`, { user_id: userBen.id, role: 'king' }, 422, ['role']],
    ['PATCH', `/teams/${id}/members/${userAnn.id}`, {}, 422, ['role']],
    ['POST', `/teams/${id}/invitations`, { email: 'nobody' }, 422, ['email']],
    ['POST', `/teams/${id}/transfer`, { user_id: userAnn.id }, 422, ['user_id']],
  ]
  for (const [method, path, body, status, fields] of wrong) {
    const refused = await ann.ask(method, path, body)
    const named = [...new Set(refused.fields)]
    t.strictSame([refused.status, refused.code, named], [status, 'invalid-data', fields], JSON.stringify(body))
  }
  for (const query of ['limit=0', 'limit=201', 'cursor=x', 'q=%00', `cursor=${btoa('["1","x"]')}`, 'x=1']) {
    const refused = await ann.get(`/teams?${query}`)
    t.equal(refused.status, 400, query)
    t.strictSame(refused.fields, [query.split('=')[0]])
  }
  const timeless = btoa(JSON.stringify(['yesterday', id]))
  t.equal((await ann.get(`/teams/${id}/members?cursor=${timeless}`)).code, 'bad-cursor')
  for (const path of ['/teams/x', '/teams/x/members', `/teams/${id}/members/x`, `/teams/${id}/invitations/x`])
    t.equal((await ann.get(path)).status, 404, path)
})

t.test('RFC 9110 §13: every state has an ETag; what is no longer as it was read is not changed', async (t) => {
  const id = await newTeam({ is_open: true }, [[userBen, 'administrator']])
  await cat.ask('PUT', `/teams/${id}/join-request`)
  const { json: invitation } = await ann.post(`/teams/${id}/invitations`, { email: 'guest@example.org' })
  const team = `/teams/${id}`
  const [members, invitations, requests] = [`${team}/members`, `${team}/invitations`, `${team}/join-requests`]
  const one = `${members}/${userBen.id}`
  const invited = `${invitations}/${invitation.id}`
  const request = `${requests}/${userCat.id}`
  for (const path of ['/teams', team, members, one, invitations, invited, requests, request]) {
    const { headers } = await ann.get(path)
    t.equal((await ann.get(path, { 'if-none-match': headers.etag })).status, 304, path)
    t.equal((await ann.ask('HEAD', path)).headers.etag, headers.etag)
  }
  const own = await cat.get(`${team}/join-request`)
  t.equal((await cat.get(`${team}/join-request`, { 'if-none-match': own.headers.etag })).status, 304)
  t.equal(
    (await cat.get('/teams/joinable', { 'if-none-match': (await cat.get('/teams/joinable')).headers.etag })).status,
    304,
  )

  const stale = { 'if-match': '"stale"' }
  const heir = { user_id: userBen.id }
  const refused = [
    await ann.patch(team, { name: 'Y' }, stale),
    await ann.patch(team, { parent_id: null }, stale),
    await ann.delete(team, stale),
    await ann.ask('POST', `${team}/transfer`, heir, stale),
    await ben.ask('POST', `${team}/leave`, undefined, stale),
    await ann.patch(one, { role: 'owner' }, stale),
    await ann.delete(one, stale),
    await ann.ask('POST', `${invited}/resend`, undefined, stale),
    await ann.delete(invited, stale),
    await ann.ask('POST', `${request}/approve`, undefined, stale),
    await ann.ask('POST', `${request}/decline`, undefined, stale),
    await cat.delete(`${team}/join-request`, stale),
    await cat.ask('PUT', `${team}/join-request`, undefined, stale),
    await eve.ask('PUT', `${team}/join-request`, undefined, stale),
  ]
  t.strictSame(tally(refused), { '412 precondition-failed': refused.length })
  t.equal((await eve.get(`${team}/join-request`)).status, 404, 'nor was a request made')

  const ofBen = (await ben.get(team)).headers.etag
  const { etag } = (await ann.get(one)).headers
  t.equal((await ann.patch(one, { role: 'member' }, { 'if-match': etag })).status, 200)
  t.not((await ben.get(team)).headers.etag, ofBen, 'what I may do there is part of what I read')
  t.equal((await ann.delete(one, { 'if-match': etag })).status, 412)
  const first = (await ann.get(invited)).headers.etag
  const again = await ann.ask('POST', `${invited}/resend`, undefined, { 'if-match': first })
  t.equal(again.status, 200)
  t.equal((await ann.delete(invited, { 'if-match': first })).status, 412)
  t.equal((await ann.delete(invited, { 'if-match': again.headers.etag })).status, 204)
  t.equal((await ann.ask('POST', `${request}/approve`, undefined, { 'if-match': own.headers.etag })).status, 200)

  const read = (await ann.get(team)).headers.etag
  const renamed = await twenty((at) => ann.patch(team, { name: `Project ${at}` }, { 'if-match': read }))
  t.strictSame(tally(renamed), { 200: 1, '412 precondition-failed': 19 }, 'of 20 who read the same, one changes it')
  const now = (await ann.get(one)).headers.etag
  const raised = await twenty(() => ann.patch(one, { role: 'administrator' }, { 'if-match': now }))
  t.strictSame(tally(raised), { 200: 1, '412 precondition-failed': 19 })
})

t.test('no team is above itself, whatever 20 move at once; deleting one lifts those under it', async (t) => {
  const ring = await twenty((at) => newTeam({ name: `Ring ${at}` }))
  const moved = await twenty((at) => ann.patch(`/teams/${ring[at]}`, { parent_id: ring[(at + 1) % 20] }))
  t.strictSame(tally(moved), { 200: 19, '409 parent-cycle': 1 })
  const parents = new Map<string, unknown>()
  for (const id of ring) parents.set(id, (await ann.get(`/teams/${id}`)).json.parent_id)
  t.equal([...parents.values()].filter((parent) => parent === null).length, 1)
  const self = await ann.patch(`/teams/${ring[0]}`, { parent_id: ring[0] })
  t.strictSame([self.status, self.code], [409, 'parent-cycle'])
  const [middle] = [...parents].filter(([, parent]) => parent !== null)
  await ann.delete(`/teams/${middle?.[1]}`)
  t.equal((await ann.get(`/teams/${middle?.[0]}`)).json.parent_id, null)

  const line = [await newTeam({ name: 'Top' })]
  for (let level = 1; level < 32; level += 1) {
    const id = await newTeam({ name: `Level ${level}` })
    await ann.patch(`/teams/${id}`, { parent_id: line.at(-1) })
    line.push(id)
  }
  const deep = await ann.patch(`/teams/${await newTeam()}`, { parent_id: line.at(-1), name: 'Deep' })
  t.strictSame([deep.status, deep.code], [422, 'too-deep'])
  t.strictSame((await ann.get('/teams?q=deep')).items, [], 'a change that is refused in part changes nothing')
  const [child, parent] = [await newTeam({}, [[userBen, 'administrator']]), await newTeam()]
  await ann.patch(`/teams/${child}`, { parent_id: parent })
  t.equal((await ben.get(`/teams/${child}`)).json.parent_id, null, 'a parent is shown to who is in it')
  t.equal((await ben.get(`/teams/${parent}`)).status, 404, 'and makes nobody a member')
})

t.test(
  'invitations hold once per e-mail, tell no link, and become one membership, whoever comes at once',
  async (t) => {
    const id = await newTeam({}, [[userBen, 'administrator']])
    const path = `/teams/${id}/invitations`
    const email = 'Guest@spaceodyssey.com'
    const invited = await twenty(() => ann.post(path, { email, role: 'administrator' }))
    t.strictSame(tally(invited), { 201: 1, '409 already-exists': 19 })
    const made = invited.find(({ status }) => status === 201)
    const { json } = await ben.get(`${path}/${made?.json.id}`)
    t.strictSame(json, made?.json)
    t.equal(made?.headers.location, `/api/v1${path}/${json.id}`)
    t.strictSame(Object.keys(json).sort(), [
      'created_at',
      'email',
      'expires_at',
      'id',
      'invited_by',
      'letter',
      'role',
      'sent_at',
    ])
    const again = await ben.post(`${path}/${json.id}/resend`)
    t.strictSame(Object.keys(again.json).sort(), Object.keys(json).sort())
    t.equal((await ben.get(`/teams/${await newTeam({}, [[userBen, 'owner']])}/invitations/${json.id}`)).status, 404)
    const created = await Promise.allSettled(
      Array.from({ length: 20 }, (_, at) =>
        kith.users.provision(organizationId, {
          userName: `guest ${at}`,
          isActive: true,
          attributes: { emails: [{ value: email.toLowerCase() }] },
        }),
      ),
    )
    t.ok(created.every(({ status }) => status === 'fulfilled'))
    const { items } = await ann.get(`/teams/${id}/members`)
    t.strictSame(
      items.map(({ role }) => role),
      ['owner', 'administrator', 'administrator'],
      'one of them is in, as invited',
    )
    t.strictSame((await ann.get(path)).items, [])
    t.equal((await ann.get(`/teams/${id}`)).json.member_count, 3)
    const twice = await ann.post(path, { email })
    t.strictSame([twice.status, twice.code], [409, 'ambiguous'])

    const cameBy = 'late@else.example'
    const late = await ann.post(path, { email: cameBy })
    const newcomer = await kith.users.create(organizationId, { name: 'Late', email: cameBy })
    const joined = await ann.post(`${path}/${late.json.id}/resend`)
    t.match([joined.status, joined.json], [200, { user_id: newcomer.id, name: 'Late', role: 'member' }])
    const present = await ann.post(path, { email: cameBy })
    t.strictSame([present.status, present.code], [409, 'already-exists'])
    const added = await ann.post(path, { email: userCat.email.toUpperCase(), role: 'owner' })
    t.match([added.status, added.json], [200, { user_id: userCat.id, role: 'owner' }], 'a colleague is added at once')
  },
)

t.test('who is deactivated, is another organization’s or shared equipment', async (t) => {
  const id = await newTeam({ is_open: true })
  const ryan = await kith.users.get('ryan@explorer.example')
  await kith.users.setActive(userDan, false)
  const device = await kith.users.create(organizationId, { name: 'HAL', email: 'hal@spaceodyssey.com' })
  const database = new pg.Client({ connectionString: running.database.url })
  await database.connect()
  await database.query('update "user" set is_device = true where id = $1', [device.id])
  await database.end()
  const hal = await running.app(device.email)
  const cases: readonly (readonly [RestAnswer, number, string])[] = [
    [await ann.post(`/teams/${id}/members`, { user_id: ryan.id }), 404, 'not-found'],
    [await ann.post(`/teams/${id}/members`, { user_id: userDan.id }), 422, 'user-inactive'],
    [await ann.post(`/teams/${id}/invitations`, { email: userDan.email }), 422, 'user-inactive'],
    [await ann.post(`/teams/${id}/invitations`, { email: ryan.email }), 201, 'undefined'],
    [await ann.post(`/teams/${id}/members`, { user_id: device.id, role: 'owner' }), 403, 'need-privileges'],
    [await ann.post(`/teams/${id}/members`, { user_id: device.id }), 201, 'undefined'],
    [await ann.post(`/teams/${id}/members`, { user_id: device.id }), 409, 'already-exists'],
    [await ann.post(`/teams/${id}/transfer`, { user_id: device.id }), 403, 'need-privileges'],
    [await hal.post('/teams', { name: 'Discovery' }), 403, 'need-privileges'],
  ]
  for (const [{ status, code }, ...expected] of cases) t.strictSame([status, String(code)], expected)
  await kith.users.setActive(userDan, true)
})

t.test('lists go on where they ended, whatever comes and goes meanwhile', async (t) => {
  const id = await newTeam({ name: 'Many', is_open: true })
  const people = await kith.users.createMany(
    organizationId,
    Array.from({ length: 40 }, (_, at) => ({ name: `Many ${at}`, email: `many.${at}@spaceodyssey.com` })),
  )
  const half = people.slice(0, 20).map((one) => one.id)
  for (const one of half) t.equal((await ann.post(`/teams/${id}/members`, { user_id: one })).status, 201)
  const members = await all(ann, `/teams/${id}/members`, 7)
  t.strictSame(members.items.map((one) => one.user_id).sort(), [userAnn.id, ...half].sort())
  t.equal(members.pages, 3)
  t.equal(members.items[0]?.user_id, userAnn.id, 'the longest-standing first')
  const page = await ann.get(`/teams/${id}/members?limit=5`)
  const gone = [page.items[4]?.user_id, page.items[0]?.user_id === userAnn.id ? page.items[1]?.user_id : undefined]
  for (const one of gone) await ann.delete(`/teams/${id}/members/${one}`)
  await ann.post(`/teams/${id}/members`, { user_id: userBen.id })
  const rest = await ann.get(`/teams/${id}/members?limit=200&cursor=${page.json.next}`)
  const seen = [...page.items, ...rest.items].map((one) => one.user_id)
  t.strictSame([...new Set(seen)].sort(), [userAnn.id, ...half, userBen.id].sort())
  t.equal(seen.length, 22)

  await Promise.all(people.slice(20).map((user) => kith.store.joinRequests.insert(organizationId, id, user.id)))
  const requests = await all(ann, `/teams/${id}/join-requests`, 7)
  t.equal(requests.pages, 3)
  t.equal(new Set(requests.items.map((one) => one.user_id)).size, 20)
  const times = requests.items.map((one) => String(one.asked_at))
  t.strictSame(times, [...times].sort(), 'the oldest first')
  await Promise.all(people.map((_, at) => ann.post(`/teams/${id}/invitations`, { email: `Guest.${at}@else.example` })))
  const invitations = await all(ann, `/teams/${id}/invitations`, 13)
  t.equal(invitations.pages, 4)
  t.equal(new Set(invitations.items.map(({ email }) => email)).size, 40)

  for (let at = 0; at < 9; at += 1) await newTeam({ name: at < 5 ? 'Same' : `Same ${at}`, is_open: true })
  const mine = await all(ann, '/teams?q=SAME', 2)
  t.strictSame([mine.items.length, mine.pages], [9, 5])
  t.equal(new Set(mine.items.map((one) => one.id)).size, 9)
  const open = await all(eve, '/teams/joinable', 2)
  const names = open.items.map(({ name }) => String(name))
  t.equal(names.filter((name) => name.startsWith('Same')).length, 9)
  t.equal(new Set(open.items.map((one) => one.id)).size, names.length)
  const jupiter = await newTeam({ name: 'Équipe JÚPITER' })
  for (const q of ['equipe', 'ÉQUIPE j', 'jupiter']) {
    t.match((await ann.get(`/teams?q=${encodeURIComponent(q)}`)).items, [{ id: jupiter }], q)
  }
  t.strictSame((await ben.get('/teams?q=equipe')).items, [], 'of those that one is in')
  t.strictSame((await ben.get('/teams?q=%25')).items, [], 'a sign of a pattern is a sign')
})

t.test('colleagues ask to join a team that is open, and are answered', async (t) => {
  const [id, closed] = [await newTeam({ name: 'Open', is_open: true }), await newTeam({ name: 'Closed' })]
  const [mine, requests] = [`/teams/${id}/join-request`, `/teams/${id}/join-requests`]
  const asked = await twenty(() => eve.ask('PUT', mine))
  t.strictSame(tally(asked), { 200: 19, 201: 1 })
  t.equal((await eve.ask('PUT', `/teams/${closed}/join-request`)).status, 404)
  const [own] = (await eve.get('/teams/joinable?limit=200')).items.filter((one) => one.id === id)
  t.match(own, { name: 'Open', member_count: 1, asked_at: asked[0]?.json.asked_at })
  t.match((await ann.get(requests)).items, [{ user_id: userEve.id, name: 'Eve', email: userEve.email }])
  t.equal((await eve.get(requests)).status, 404)
  t.equal((await eve.delete(mine)).status, 204)
  t.equal((await eve.delete(mine)).status, 404)
  t.equal((await ann.post(`${requests}/${userEve.id}/approve`)).status, 404)
  await eve.ask('PUT', mine)
  t.equal((await ann.post(`${requests}/${userEve.id}/decline`)).status, 204)
  await eve.ask('PUT', mine)
  const answers = await twenty(() => ann.post(`${requests}/${userEve.id}/approve`))
  t.strictSame(tally(answers), { 200: 1, '404 not-found': 19 })
  t.match(answers.find(({ status }) => status === 200)?.json, { user_id: userEve.id, role: 'member' })
  t.match((await eve.get('/teams?q=open')).items, [{ id, role: 'member' }])
})

t.test('each change of members is on the group card at once, and in the book of whoever comes and goes', async (t) => {
  const phone = await running.device(userAnn.email)
  const hers = await running.device(userEve.email)
  const id = await newTeam({ name: 'On phones', is_open: true })
  const card = `${id}.vcf`
  const onCard = async () => (await phone.get(card)).text.includes(`urn:uuid:${userEve.profileId}`)
  const inBook = async () => (await hers.list()).has(hers.people + card)
  const ways: Readonly<Record<string, readonly [come: () => Promise<unknown>, go: () => Promise<unknown>]>> = {
    'added, removed': [
      () => ann.post(`/teams/${id}/members`, { user_id: userEve.id }),
      () => ann.delete(`/teams/${id}/members/${userEve.id}`),
    ],
    'invited, leaves': [
      () => ann.post(`/teams/${id}/invitations`, { email: userEve.email }),
      () => eve.post(`/teams/${id}/leave`),
    ],
    'asks and is let in, is taken off the card': [
      async () => {
        await eve.ask('PUT', `/teams/${id}/join-request`)
        await ann.post(`/teams/${id}/join-requests/${userEve.id}/approve`)
      },
      async () => {
        const { text, headers } = await phone.get(card)
        const without = text.replace(new RegExp(`^.*MEMBER.*urn:uuid:${userEve.profileId}\\r\\n`, 'm'), '')
        await phone.put(card, without, { 'if-match': headers.etag })
      },
    ],
  }
  for (const [how, [come, go]] of Object.entries(ways)) {
    const { token } = await phone.sync()
    t.strictSame([await onCard(), await inBook()], [false, false], how)
    await come()
    t.strictSame([await onCard(), await inBook()], [true, true], how)
    t.ok((await phone.sync(token)).changed.has(phone.people + card), how)
    t.equal((await ann.get(`/teams/${id}/members/${userEve.id}`)).status, 200)
    await go()
    t.equal((await ann.get(`/teams/${id}/members/${userEve.id}`)).status, 404)
  }
  t.strictSame([await onCard(), await inBook()], [false, false])
  await ann.patch(`/teams/${id}`, { name: 'Renamed', description: 'To Jupiter' })
  t.match((await phone.get(card)).text, /FN:Renamed\r\n/)
  await ann.delete(`/teams/${id}`)
  t.equal((await phone.get(card)).status, 404)
})
