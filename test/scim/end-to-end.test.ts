import pg from 'pg'
import t from 'tap'
import { condition, withLines } from '../support/dav.ts'
import { ask, type Device, startKith } from '../support/kith.ts'

const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group'
const TEAM = 'urn:ietf:params:scim:schemas:extension:kith:2.0:Group'
const SECOND = 1_000

const running = await startKith(t)
const { kith, organization, device, database } = running
/** Another process over the same database; only the first one drops it. */
const other = await startKith(t, { ...database, drop: async () => {} })
const journal = new pg.Client({ connectionString: database.url })
await journal.connect()
t.teardown(() => journal.end())

let scenes = 0

/** An organization with David, Zoe and an identity provider, for each rule. */
async function scene() {
  scenes += 1
  const domain = `odyssey${scenes}.com`
  const organizationId = await organization(`Odyssey ${scenes}`, domain, ['David', 'Zoe'])
  const { text: token } = await kith.scimTokens.create(await kith.connectors.obtain(organizationId))
  const scim = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' }
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await ask(running.url, method, `/scim/v2${path}`, { headers, ...sent })
    return { ...answer, json: answer.text === '' ? undefined : JSON.parse(answer.text) }
  }
  const patch = (path: string, ...Operations: object[]) => scim('PATCH', path, { schemas: [PATCH_OP], Operations })
  /** Somebody the identity provider makes; with the href of their card on that device. */
  const hire = async (name: string, more: object = {}) => {
    const userName = `${name.toLowerCase()}@${domain}`
    const emails = [{ type: 'work', primary: true, value: userName }]
    const { status, json } = await scim('POST', '/Users', {
      schemas: [USER],
      userName,
      emails,
      displayName: name,
      ...more,
    })
    if (status !== 201) throw new Error(`${name} was not created: ${JSON.stringify(json)}`)
    const user = await kith.users.get(json.id)
    return { ...user, card: `${user.profileId}.vcf`, path: `/Users/${user.id}` }
  }
  const david = await kith.users.get(`david@${domain}`)
  const zoe = await kith.users.get(`zoe@${domain}`)
  return { organizationId, scim, patch, hire, david, zoe, phone: await device(david.email), domain }
}

const text = async (phone: Device, card: string) => (await phone.get(card)).text
const members = (card: string) =>
  [...card.matchAll(/^X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:(.*)\r$/gm)].map(([, uid]) => uid).sort()
const rowsOf = async (organizationId: string): Promise<string[]> => {
  const { rows } = await journal.query<{ member: string }>(
    'select member from journal where organization_id = $1 order by stream_id, revision, member',
    [organizationId],
  )
  return rows.map(({ member }) => member)
}

t.test('whom an identity provider creates is on every phone at its next sync', async (t) => {
  const { hire, phone } = await scene()
  const { token } = await phone.sync()
  const ryan = await hire('Ryan', {
    name: { givenName: 'Ryan', familyName: 'Stone', honorificPrefix: 'Dr' },
    title: 'Mission Specialist',
    phoneNumbers: [{ type: 'work', value: '+1 555 0100' }],
    addresses: [{ type: 'work', locality: 'Houston', postalCode: '77058' }],
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'Payload' },
  })
  const { changed, gone } = await phone.sync(token)
  t.strictSame([[...changed.keys()], gone], [[phone.people + ryan.card], []])
  const card = await text(phone, ryan.card)
  for (const line of [
    /^FN:Ryan\r$/m,
    /^N:Stone;Ryan;;Dr;\r$/m,
    /^TITLE:Mission Specialist\r$/m,
    /^TEL;[^:]*WORK[^:]*:\+1 555 0100\r$/im,
    /^ADR.*:;;;Houston;;77058;/m,
    /^ORG:.*Payload\r$/m,
    /^EMAIL.*:ryan@/m,
  ])
    t.match(card, line)
})

t.test(
  'a phone number that the identity provider changes is seen under an override, and is one journal row',
  async (t) => {
    const { hire, patch, phone, organizationId } = await scene()
    const ryan = await hire('Ryan', { phoneNumbers: [{ type: 'work', value: '+1 555 0100' }] })
    const own = withLines(await text(phone, ryan.card), 'TEL;TYPE=HOME:+1 555 0777', 'NOTE:likes chess')
    t.equal((await phone.put(ryan.card, own)).status, 204)
    const { token } = await phone.sync()
    const before = await rowsOf(organizationId)
    const work = { op: 'replace', path: 'phoneNumbers[type eq "work"].value', value: '+1 555 0199' }
    t.equal((await patch(ryan.path, work)).status, 200)
    t.strictSame((await rowsOf(organizationId)).length - before.length, 1)
    t.equal((await patch(ryan.path, work)).status, 200, 'the same again')
    t.strictSame((await rowsOf(organizationId)).length - before.length, 1, 'is no row')
    const { changed } = await phone.sync(token)
    t.strictSame([...changed.keys()], [phone.people + ryan.card])
    const card = await text(phone, ryan.card)
    t.match(card, '+1 555 0199')
    t.notMatch(card, '+1 555 0100')
    t.match(card, '+1 555 0777')
    t.match(card, 'NOTE:likes chess')
    t.notMatch(await text(await device(ryan.email), ryan.card), /0777|chess/, 'nobody else sees the layer')
  },
)

/** How long each process goes on letting the device in. */
async function refusedAfter({ authorization, people }: Device): Promise<number[]> {
  const start = performance.now()
  return await Promise.all(
    [running.url, other.url].map(async (url) => {
      for (;;) {
        const { status } = await ask(url, 'PROPFIND', people, { headers: { authorization, depth: '0' } })
        if (status === 401) return performance.now() - start
        if (performance.now() - start > 5 * SECOND) return Number.POSITIVE_INFINITY
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }),
  )
}

t.test('somebody deactivated is let in nowhere within a second, and is in no book at its next sync', async (t) => {
  const { hire, patch, phone, scim } = await scene()
  const ryan = await hire('Ryan', { phoneNumbers: [{ type: 'work', value: '+1 555 0100' }] })
  const ryans = await device(ryan.email)
  for (const url of [running.url, other.url]) {
    const { status } = await ask(url, 'PROPFIND', ryans.people, {
      headers: { authorization: ryans.authorization, depth: '0' },
    })
    t.equal(status, 207, 'both processes know the password')
  }
  t.equal((await phone.put(ryan.card, withLines(await text(phone, ryan.card), 'NOTE:mine'))).status, 204)
  const { token } = await phone.sync()

  t.equal((await patch(ryan.path, { op: 'replace', path: 'active', value: false })).status, 200)
  for (const milliseconds of await refusedAfter(ryans)) t.ok(milliseconds < SECOND, `${milliseconds} ms`)
  const left = await phone.sync(token)
  t.strictSame([[...left.changed.keys()], left.gone], [[], [phone.people + ryan.card]])
  t.equal((await phone.get(ryan.card)).status, 404)
  t.strictSame((await scim('GET', ryan.path)).json.active, false, 'SCIM still reads them')

  t.equal((await patch(ryan.path, { op: 'replace', path: 'active', value: true })).status, 200)
  const back = await phone.sync(left.token)
  t.strictSame([[...back.changed.keys()], back.gone], [[phone.people + ryan.card], []], 'the same href')
  const card = await text(phone, ryan.card)
  t.match(card, 'NOTE:mine', 'and the layer over it')
  t.match(card, '+1 555 0100')
  await new Promise((resolve) => setTimeout(resolve, 600)) // what is believed of a password is asked again by then
  t.equal((await ryans.get(ryan.card)).status, 200, 'the same password')
})

t.test('what colleagues laid over the card of somebody who is deleted stays theirs', async (t) => {
  const { hire, scim, phone, zoe } = await scene()
  const ryan = await hire('Ryan', { phoneNumbers: [{ type: 'work', value: '+1 555 0100' }] })
  const zoes = await device(zoe.email)
  t.equal((await phone.put(ryan.card, withLines(await text(phone, ryan.card), 'NOTE:mine'))).status, 204)
  const [davids, hers] = [await phone.sync(), await zoes.sync()]
  t.equal((await scim('DELETE', ryan.path)).status, 204)

  const left = await zoes.sync(hers.token)
  t.strictSame([[...left.changed.keys()], left.gone], [[], [zoes.people + ryan.card]])
  const kept = await phone.sync(davids.token)
  t.strictSame(kept.gone, [])
  const card = await text(phone, ryan.card)
  t.match(card, 'NOTE:mine')
  t.match(card, '+1 555 0100', 'frozen at what David saw')
  t.match(card, `UID:${ryan.profileId}`)
  t.equal((await phone.delete(ryan.card)).status, 204, 'and his to delete')
  t.equal((await phone.get(ryan.card)).status, 404)

  const namesake = await hire('Ryan')
  t.not(namesake.id, ryan.id)
  t.not(namesake.card, ryan.card)
  t.notMatch(await text(phone, namesake.card), /NOTE:mine|0100/, 'somebody else inherits nothing')
})

t.test('members who are added over SCIM are on the group card, which no device edits', async (t) => {
  const { hire, scim, patch, phone, david, zoe, domain } = await scene()
  const ryan = await hire('Ryan')
  const { json: group } = await scim('POST', '/Groups', { schemas: [GROUP], displayName: 'Project X' })
  const card = `${group.id}.vcf`
  const path = `/Groups/${group.id}`
  const before = await phone.sync()
  t.equal((await phone.get(card)).status, 404, 'David is not in it yet')
  const add = (...ids: readonly string[]) =>
    patch(path, { op: 'add', path: 'members', value: ids.map((value) => ({ value })) })
  t.equal((await add(david.id, ryan.id)).status, 204)
  const joined = await phone.sync(before.token)
  t.ok(joined.changed.has(phone.people + card), 'the group card comes')
  t.match(await text(phone, card), /^FN:Project X\r$/m)
  t.strictSame(members(await text(phone, card)), [david.profileId, ryan.profileId].sort())
  t.equal((await (await device(zoe.email)).get(card)).status, 404, 'Zoe is not in it')

  t.equal((await add(zoe.id)).status, 204)
  const more = await phone.sync(joined.token)
  t.ok(more.changed.has(phone.people + card))
  t.strictSame(members(await text(phone, card)), [david.profileId, ryan.profileId, zoe.profileId].sort())

  const { headers, text: now } = await phone.get(card)
  const renamed = await phone.put(card, now.replace('FN:Project X', 'FN:Mine'), { 'if-match': headers.etag })
  t.strictSame([renamed.status, condition(renamed)], [403, 'D:need-privileges'])
  const emptied = now.replace(/^X-ADDRESSBOOKSERVER-MEMBER.*\r\n/m, '')
  t.equal((await phone.put(card, emptied, { 'if-match': headers.etag })).status, 403)
  t.equal((await scim('GET', path)).json.displayName, 'Project X')
  t.strictSame((await scim('GET', path)).json.members.length, 3)
  t.strictSame((await scim('GET', `${path}?attributes=${TEAM}:synced`)).json[TEAM], { synced: true })

  t.equal((await patch(path, { op: 'remove', path: `members[value eq "${david.id}"]` })).status, 204)
  const gone = await phone.sync(more.token)
  t.ok(gone.gone.includes(phone.people + card), 'and goes from whoever leaves')
  t.equal((await kith.users.get(`david@${domain}`)).isActive, true)
})

t.test('what an identity provider does to a group and its members is on the group card at the next sync', async (t) => {
  const { hire, scim, patch, phone, david } = await scene()
  const ryan = await hire('Ryan')
  const { json: group } = await scim('POST', '/Groups', {
    schemas: [GROUP],
    displayName: 'Project X',
    members: [{ value: david.id }, { value: ryan.id }],
  })
  const [card, path] = [`${group.id}.vcf`, `/Groups/${group.id}`]
  const href = phone.people + card
  let { token } = await phone.sync()
  const next = async () => {
    const synced = await phone.sync(token)
    token = synced.token
    return synced
  }
  t.strictSame(members(await text(phone, card)), [david.profileId, ryan.profileId].sort(), 'made with them')

  t.equal((await patch(path, { op: 'replace', path: 'displayName', value: 'Project Y' })).status, 204)
  t.strictSame([...(await next()).changed.keys()], [href])
  t.match(await text(phone, card), /^FN:Project Y\r$/m)

  t.equal((await patch(ryan.path, { op: 'replace', path: 'active', value: false })).status, 200)
  const left = await next()
  t.strictSame([[...left.changed.keys()], left.gone], [[href], [phone.people + ryan.card]])
  t.strictSame(members(await text(phone, card)), [david.profileId], 'whoever is deactivated is not on it')
  t.equal((await patch(ryan.path, { op: 'replace', path: 'active', value: true })).status, 200)
  t.strictSame([...(await next()).changed.keys()].sort(), [href, phone.people + ryan.card].sort())
  t.strictSame(members(await text(phone, card)), [david.profileId, ryan.profileId].sort(), 'and is again')

  t.equal((await scim('DELETE', ryan.path)).status, 204)
  t.strictSame([...(await next()).changed.keys()], [href])
  t.strictSame(members(await text(phone, card)), [david.profileId])

  t.equal((await scim('DELETE', path)).status, 204)
  t.strictSame((await next()).gone, [href])
  t.equal((await phone.get(card)).status, 404)
})

t.test('over SCIM too, a team that people made keeps an owner: else 400 mutability, and nothing changes', async (t) => {
  const { hire, scim, patch, david, zoe } = await scene()
  const ryan = await hire('Ryan')
  const team = await kith.teams.create('Project X', david)
  await kith.teams.add(team, zoe, 'member')
  await kith.teams.add(team, await kith.users.get(ryan.id), 'administrator')
  const path = `/Groups/${team.id}`
  const roles = async () =>
    Object.fromEntries((await kith.teams.members(team)).map(({ userId, role }) => [userId, role]))
  const before = await roles()
  t.strictSame((await scim('GET', `${path}?attributes=${TEAM}:synced`)).json[TEAM].synced, false)
  const removals: readonly (readonly [string, () => ReturnType<typeof scim>])[] = [
    ['PATCH by a filter', () => patch(path, { op: 'remove', path: `members[value eq "${david.id}"]` })],
    ['PATCH by a value', () => patch(path, { op: 'remove', path: 'members', value: [{ value: david.id }] })],
    ['PATCH of all', () => patch(path, { op: 'replace', path: 'members', value: [{ value: zoe.id }] })],
    ['PUT', () => scim('PUT', path, { schemas: [GROUP], displayName: 'Project Y', members: [{ value: zoe.id }] })],
    ['PUT of nobody', () => scim('PUT', path, { schemas: [GROUP], displayName: 'Project Y' })],
  ]
  for (const [title, remove] of removals) {
    const { status, json } = await remove()
    t.strictSame([status, json?.scimType], [400, 'mutability'], title)
    t.strictSame(await roles(), before, title)
  }
  t.equal((await kith.teams.get(team.id)).name, 'Project X')

  const shown = async () =>
    Object.fromEntries(
      ((await scim('GET', path)).json[TEAM].roles as { value: string; role: string }[]).map((one) => [
        one.value,
        one.role,
      ]),
    )
  t.strictSame(await shown(), { [david.id]: 'owner', [ryan.id]: 'administrator' })
  t.equal((await patch(`/Users/${david.id}`, { op: 'replace', path: 'active', value: false })).status, 200)
  t.strictSame((await shown())[ryan.id], 'owner', 'the administrator inherits it')
  t.equal((await patch(path, { op: 'remove', path: `members[value eq "${ryan.id}"]` })).json?.scimType, 'mutability')
  t.equal((await patch(`/Users/${david.id}`, { op: 'replace', path: 'active', value: true })).status, 200)
  t.strictSame(await shown(), { [david.id]: 'owner', [ryan.id]: 'owner' }, 'an owner who returns keeps the role')
  t.equal((await patch(path, { op: 'remove', path: `members[value eq "${ryan.id}"]` })).status, 204)
  t.equal((await scim('DELETE', `/Users/${david.id}`)).status, 204)
  t.strictSame(await shown(), { [zoe.id]: 'owner' }, 'deletion too leaves it to the next one')
})
