import t from 'tap'
import { changesNothing, condition, vcard } from '../support/dav.ts'
import { startKith } from '../support/kith.ts'

const running = await startKith(t)
const { kith, organization, device, cardOf } = running
const organizationId = await organization('Space Odyssey', 'spaceodyssey.com', [
  'David Bowman',
  'Ryan Stone',
  'Frank Poole',
  'Elena Orlova',
])
await organization('Elsewhere', 'elsewhere.com', ['Eve'])
const mail = (name: string) => `${name}@spaceodyssey.com`
const [owner, administrator, member, outsider] = [
  mail('david.bowman'),
  mail('ryan.stone'),
  mail('frank.poole'),
  mail('elena.orlova'),
]
const user = (email: string) => kith.users.get(email)
const profile = async (email: string) => (await user(email)).profileId
const david = await device(owner)
const ryan = await device(administrator)
const frank = await device(member)

let number = 0
/** A team of its own for each rule: David owns it, Ryan administers it, Frank is in it. */
async function newTeam() {
  number += 1
  const team = await kith.teams.create(`Project ${number}`, await user(owner))
  await kith.teams.add(team, await user(administrator), 'administrator')
  await kith.teams.add(team, await user(member), 'member')
  const name = `${team.id}.vcf`
  const read = async (who = david) => {
    const { headers, text } = await who.get(name)
    return { etag: headers.etag ?? '', text }
  }
  const roles = async () =>
    Object.fromEntries((await kith.teams.members(team)).map(({ email, role }) => [email.split('.')[0], role]))
  return { team, name, read, roles }
}

const without = (text: string, uid: string) =>
  text.replace(new RegExp(`^(X-ADDRESSBOOKSERVER-)?MEMBER:urn:uuid:${uid}\r\n`, 'm'), '')
const adding = (text: string, line: string) => text.replace('END:VCARD', `${line}\r\nEND:VCARD`)

t.test('whoever administers a team edits its members on its card, in either version', async (t) => {
  for (const [version, property] of [
    ['3.0', 'X-ADDRESSBOOKSERVER-MEMBER'],
    ['4.0', 'MEMBER'],
  ] as const) {
    const { name, roles } = await newTeam()
    const { headers, text } = await ryan.get(name, { accept: `text/vcard; version=${version}` })
    const uid = (await profile(outsider)).toUpperCase()
    const sent = adding(without(text, await profile(member)), `${property}:urn:uuid:${uid}`)
    const answer = await ryan.put(name, sent, { 'if-match': headers.etag })
    t.strictSame([answer.status, answer.headers.etag], [204, undefined], 'no ETag: read it again')
    t.strictSame(await roles(), { david: 'owner', ryan: 'administrator', elena: 'member' }, version)
  }
})

t.test('FN renames the team; other changes are dropped; the same card again changes nothing', async (t) => {
  const { team, name, read, roles } = await newTeam()
  const before = await read()
  const sent = adding(before.text.replace(/^FN:.*$/m, 'FN:Jupiter\\, Mission'), 'NOTE:dropped')
  t.equal((await david.put(name, sent, { 'if-match': before.etag })).status, 204)
  const after = await read()
  t.match(after.text, /^FN:Jupiter\\, Mission\r$/m)
  t.notMatch(after.text, /NOTE/)
  t.equal((await kith.teams.get(team.id)).name, 'Jupiter, Mission')
  t.strictSame(await roles(), { david: 'owner', ryan: 'administrator', frank: 'member' })
  await changesNothing(t, running, organizationId, async () => {
    const same = await david.put(name, after.text, { 'if-match': after.etag })
    t.strictSame([same.status, same.headers.etag], [204, after.etag])
    const noName = await david.put(name, after.text.replace(/^FN:.*$/m, 'FN: '), { 'if-match': after.etag })
    t.equal(noName.status, 403)
    const plain = after.text.replace(/^X-ADDRESSBOOKSERVER.*\r\n/gm, '')
    t.equal((await david.put(name, plain, { 'if-match': after.etag })).status, 204, 'a client that knows no groups')
    t.strictSame(await roles(), { david: 'owner', ryan: 'administrator', frank: 'member' }, 'removes nobody')
  })
})

t.test('what is not allowed refuses the whole, and nothing changes', async (t) => {
  const { name, read, roles } = await newTeam()
  const { etag, text } = await read()
  const added = async (email: string) => `X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:${await profile(email)}`
  const more = adding(text, await added(outsider))
  const foreign = adding(
    text,
    `X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:${(await kith.users.get('eve@elsewhere.com')).profileId}`,
  )
  await changesNothing(t, running, organizationId, async () => {
    t.equal((await david.put(name, more)).status, 412, 'without If-Match')
    t.equal((await david.put(name, more, { 'if-match': '*' })).status, 412)
    t.equal((await david.put(name, more, { 'if-match': '"old"' })).status, 412)
    const asMember = await frank.put(name, more, { 'if-match': etag })
    t.strictSame([asMember.status, condition(asMember)], [403, 'D:need-privileges'])
    const unowned = await ryan.put(name, adding(without(text, await profile(owner)), await added(outsider)), {
      'if-match': etag,
    })
    t.strictSame([unowned.status, condition(unowned)], [403, 'D:need-privileges'], 'an owner is removed by an owner')
    const last = await david.put(name, without(text, await profile(owner)), { 'if-match': etag })
    t.strictSame([last.status, condition(last)], [403, 'D:need-privileges'], 'the last owner stays')
    for (const unknown of [
      foreign,
      adding(text, 'X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:julie'),
      adding(text, 'X-ADDRESSBOOKSERVER-MEMBER:mailto:a@b.c'),
    ]) {
      const answer = await david.put(name, unknown, { 'if-match': etag })
      t.strictSame([answer.status, condition(answer)], [403, 'C:valid-address-data'])
    }
    const other = await david.put(name, text.replace(/^UID:.*$/m, 'UID:other'), { 'if-match': etag })
    t.strictSame([other.status, condition(other)], [403, 'C:no-uid-conflict'])
    const elena = await device(outsider)
    t.equal((await elena.put(name, more, { 'if-match': etag })).status, 404, 'nobody else knows of it')
  })
  t.strictSame(await roles(), { david: 'owner', ryan: 'administrator', frank: 'member' })
  const privileges = '<D:prop><D:current-user-privilege-set/></D:prop>'
  t.match((await david.propfind(david.people + name, '0', privileges)).text, /D:write-content/)
  t.notMatch((await frank.propfind(frank.people + name, '0', privileges)).text, /D:write-content/)
})

t.test('two devices edit one team at once: one of them has to read it again', async (t) => {
  const { name, read, roles } = await newTeam()
  const { etag, text } = await read()
  const line = `X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:${await profile(outsider)}`
  const answers = await Promise.all([
    david.put(name, adding(text, line), { 'if-match': etag }),
    ryan.put(name, without(text, await profile(member)), { 'if-match': etag }),
  ])
  t.strictSame(answers.map(({ status }) => status).sort(), [204, 412])
  t.equal(Object.keys(await roles()).length, answers[0].status === 204 ? 4 : 2)
})

t.test('a personal group is a card like any other: its bytes, and in the other version', async (t) => {
  const uid = await profile(member)
  const apple = vcard([
    'UID:crew',
    'FN:Crew',
    'N:Crew;;;;',
    'X-ADDRESSBOOKSERVER-KIND:group',
    `X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:${uid}`,
    'X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:nobody',
  ])
  t.equal((await david.put('crew.vcf', apple)).status, 201)
  await kith.users.update(await user(member), { title: 'Pilot' })
  t.equal((await david.get('crew.vcf')).text, apple)
  const four = (await david.get('crew.vcf', { accept: 'text/vcard; version=4.0' })).text
  t.match(four, /^KIND:group\r$/m)
  t.match(four, new RegExp(`^MEMBER:urn:uuid:${uid}\r$`, 'm'))
  const modern = vcard(
    ['UID:crew4', 'FN:Crew', 'KIND:group', `MEMBER:urn:uuid:${await cardOf(owner).then((card) => card.slice(0, -4))}`],
    '4.0',
  )
  t.equal((await david.put('crew4.vcf', modern)).status, 201)
  t.equal((await david.get('crew4.vcf')).text, modern)
  t.match((await david.get('crew4.vcf', { accept: 'text/vcard; version=3.0' })).text, /^X-ADDRESSBOOKSERVER-MEMBER:/m)
})
