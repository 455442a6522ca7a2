import t from 'tap'
import { Browser } from '../support/browser.ts'
import { Contract } from '../support/contract.ts'
import { startKith } from '../support/kith.ts'
import { App, type Dict } from '../support/rest.ts'
import { startSignIn } from '../support/sign-in.ts'

const DAVID = 'david.bowman@spaceodyssey.com'
const RYAN = 'ryan.stone@spaceodyssey.com'
const ZOE = 'zoe.lind@spaceodyssey.com'
const FRANK = 'frank.poole@spaceodyssey.com'
const NOTE = 'Likes radishes'

t.test('the seed scene: David and Ryan, from the first sign-in to what their phones show', async (t) => {
  const { port, provider, environment, signIn } = await startSignIn(t)
  const { kith, url, organization, device } = await startKith(t, undefined, { ...environment, PORT: String(port) })
  await organization('Space Odyssey', 'spaceodyssey.com', ['Ryan Stone', 'Zoe Lind'])
  const contract = await Contract.of(url)
  /** Signs somebody in, as people do, and gives them an application with an access token of the same issuer. */
  const comeIn = async (email: string, name: string): Promise<App> => {
    const sub = name.toLowerCase()
    const { status } = await signIn(new Browser(), sub, { email, email_verified: true, name })
    t.equal(status, 303, `${name} is let in`)
    return new App(url, await provider.accessToken(sub), contract)
  }
  const me = async (app: App) => (await app.get('/me')).json
  const find = async (app: App, q: string): Promise<Dict | undefined> => (await app.get(`/contacts?q=${q}`)).items[0]

  await t.rejects(kith.users.get(DAVID), { code: 'not-found' })
  const david = await comeIn(DAVID, 'David Bowman')
  const ryan = await comeIn(RYAN, 'Ryan Stone')
  const zoe = await comeIn(ZOE, 'Zoe Lind')
  const phone = await device(DAVID)
  const ryansPhone = await device(RYAN)
  const zoesPhone = await device(ZOE)
  const { id: davidsId, profile_id: profile } = await me(david)
  const { id: ryansId, profile_id: ryansProfile } = await me(ryan)
  const ryansCard = `${ryansProfile}.vcf`

  await t.test('David signs in for the first time and has a profile, which his colleagues see', async (t) => {
    t.match(await me(david), { email: DAVID, full_name: 'David Bowman', organization: { name: 'Space Odyssey' } })
    t.match(await find(david, 'bowman'), { id: profile, kind: 'profile', is_me: true })
    t.match(await find(ryan, 'bowman'), { id: profile, kind: 'profile', is_me: false })
    t.match((await ryansPhone.get(`${profile}.vcf`)).text, /^FN:David Bowman\r$/m)
  })

  await t.test('he fills it, in an application and on his phone, and each colleague reads both', async (t) => {
    const phones = [{ type: 'Mobile', value: '+1 555 0100' }]
    t.equal((await david.patch(`/contacts/${profile}`, { data: { phones } })).status, 200)
    const { text, headers } = await phone.get(`${profile}.vcf`)
    t.match(text, /\+1 555 0100/)
    const titled = text.replace('END:VCARD', 'NOTE:Commander of Discovery\r\nEND:VCARD')
    t.equal((await phone.put(`${profile}.vcf`, titled, { 'if-match': headers.etag })).status, 204)
    const filled = { data: { phones, notes: 'Commander of Discovery' } }
    t.match((await david.get(`/contacts/${profile}`)).json, filled)
    t.match((await ryan.get(`/contacts/${profile}`)).json, filled)
    t.match((await ryansPhone.get(`${profile}.vcf`)).text, /Commander of Discovery/)
    t.match(await find(ryan, '5550100'), { id: profile }, 'found by the digits of his phone')
  })

  await t.test('he overrides Ryan: he sees both e-mails, and nobody else hears of it', async (t) => {
    const tokens = [(await phone.sync()).token, (await zoesPhone.sync()).token, (await ryansPhone.sync()).token]
    const home = { type: 'Home', value: 'ryan@stone.com' }
    const work = { type: 'Work', value: RYAN }
    const laid = await david.post('/contacts', { override: ryansProfile, data: { emails: [home], notes: NOTE } })
    t.equal(laid.status, 201)
    t.match(laid.json, { id: ryansProfile, kind: 'override', data: { emails: [work, home] }, base: { emails: [work] } })
    const { text } = await phone.get(ryansCard)
    for (const value of [home.value, RYAN, NOTE]) t.ok(text.includes(value), value)
    t.strictSame([...(await phone.sync(tokens[0])).changed.keys()], [phone.people + ryansCard])
    for (const [at, other] of [zoesPhone, ryansPhone].entries()) {
      t.notMatch((await other.get(ryansCard)).text, /ryan@stone\.com|radishes/)
      t.strictSame([...(await other.sync(tokens[at + 1])).changed.keys()], [], 'other phones are not woken')
    }
    for (const other of [zoe, ryan]) {
      t.match((await other.get(`/contacts/${ryansProfile}`)).json, { kind: 'profile', data: { emails: [work] } })
      t.equal(await find(other, 'ryan@stone'), undefined)
      t.equal(await find(other, 'radishes'), undefined)
    }
  })

  await t.test('he keeps Julie, who is no colleague: she is in his book alone', async (t) => {
    const emails = [{ type: 'Home', value: 'julie@powell.example' }]
    const julie = await david.post('/contacts', { data: { full_name: 'Julie Powell', emails } })
    t.match(julie.json, { kind: 'personal', is_me: false })
    const card = String(julie.json.href).slice(phone.people.length)
    t.match((await phone.get(card)).text, /FN:Julie Powell/)
    t.equal((await ryan.get(`/contacts/${julie.json.id}`)).status, 404)
    t.equal(await find(ryan, 'julie'), undefined)
    t.equal((await ryansPhone.get(card)).status, 404)
  })

  const made = await david.post('/teams', { name: 'Project X' })
  const team = `/teams/${made.json.id}`
  const teamsCard = `${made.json.id}.vcf`
  const onCard = async (on: typeof phone) =>
    [...(await on.get(teamsCard)).text.matchAll(/MEMBER:urn:uuid:([\w-]+)/g)].map(([, uid]) => uid).sort()

  await t.test('he makes Project X and Ryan its administrator: a group on both their phones', async (t) => {
    t.match(made.json, { name: 'Project X', role: 'owner', member_count: 1 })
    t.match((await phone.get(teamsCard)).text, /^FN:Project X\r$/m)
    t.strictSame(await onCard(phone), [profile])
    t.equal((await ryansPhone.get(teamsCard)).status, 404, 'of people who are in it')
    const { token } = await ryansPhone.sync()
    const added = await david.post(`${team}/members`, { user_id: ryansId, role: 'administrator' })
    t.match(added, { status: 201, json: { role: 'administrator' } })
    t.strictSame(
      [...(await ryansPhone.sync(token)).changed.keys()].sort(),
      [teamsCard, ryansCard].map((name) => ryansPhone.people + name).sort(),
    )
    for (const one of [phone, ryansPhone]) t.strictSame(await onCard(one), [profile, ryansProfile].sort())
    t.equal((await zoesPhone.get(teamsCard)).status, 404)
    t.equal((await zoe.get(team)).status, 404)
  })

  await t.test('Ryan invites Frank by e-mail, who signs in for the first time and is a member', async (t) => {
    const invited = await ryan.post(`${team}/invitations`, { email: FRANK.toUpperCase() })
    t.match(invited, { status: 201, json: { role: 'member', invited_by: ryansId } })
    t.match((await ryan.get(`${team}/invitations`)).items, [{ id: invited.json.id }])
    const { token } = await phone.sync()
    const frank = await comeIn(FRANK, 'Frank Poole')
    t.match((await frank.get('/teams')).items, [{ name: 'Project X', role: 'member' }])
    t.strictSame((await ryan.get(`${team}/invitations`)).items, [])
    const { profile_id: franksProfile } = await me(frank)
    const news = await phone.sync(token)
    t.strictSame(
      [...news.changed.keys()].sort(),
      [teamsCard, `${franksProfile}.vcf`].map((name) => phone.people + name).sort(),
      'he and the group come to David’s phone',
    )
    t.strictSame(await onCard(ryansPhone), [profile, ryansProfile, franksProfile].sort())
    t.equal((await frank.post(`${team}/invitations`, { email: ZOE })).status, 403, 'a member invites nobody')
  })

  await t.test('only an owner makes an owner, and the last one cannot leave', async (t) => {
    const owner = { role: 'owner' }
    t.match(await ryan.patch(`${team}/members/${ryansId}`, owner), { status: 403, code: 'need-privileges' })
    t.match(await ryan.patch(`${team}/members/${davidsId}`, { role: 'member' }), { status: 403 })
    const asOwner = { email: 'new@spaceodyssey.com', ...owner }
    t.match(await ryan.post(`${team}/invitations`, asOwner), { status: 403, code: 'need-privileges' })
    t.match(await ryan.post(`${team}/transfer`, { user_id: ryansId }), { status: 403 })
    t.match(await david.post(`${team}/leave`), { status: 409, code: 'last-owner' })
    t.match((await david.get(team)).json, { role: 'owner', member_count: 3 })
    t.match(await david.patch(`${team}/members/${ryansId}`, owner), { status: 200, json: owner })
    t.equal((await david.post(`${team}/leave`)).status, 204, 'he is not the last any more')
    t.match(await ryan.post(`${team}/leave`), { status: 409, code: 'last-owner' })
    t.equal((await phone.get(teamsCard)).status, 404)
    t.ok((await onCard(ryansPhone)).includes(ryansProfile as string)) // an id by its schema
  })
})
