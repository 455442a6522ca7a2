import t from 'tap'
import { vcard } from '../support/dav.ts'
import { startKith } from '../support/kith.ts'

const { kith, organization, device, cardOf } = await startKith(t)
await organization('Space Odyssey', 'spaceodyssey.com', ['David Bowman', 'Ryan Stone'])
const david = await device('david.bowman@spaceodyssey.com')
const ryansPhone = await device('ryan.stone@spaceodyssey.com')
const ryan = await cardOf('ryan.stone@spaceodyssey.com')
const own = await cardOf('david.bowman@spaceodyssey.com')
const user = await kith.users.get('david.bowman@spaceodyssey.com')
const actorOf = ({ organizationId, id, peopleId }: typeof user) => ({ organizationId, userId: id, peopleId })
const actor = actorOf(user)
const kinds = async (card?: string) => (await kith.history.list(actor, card)).map(({ kind, name }) => [kind, name])
const newest = async (card: string) => (await kith.history.list(actor, card))[0]?.id ?? ''
const told = async (token: string) =>
  [...(await david.sync(token)).changed.keys()].map((href) => href.replace(david.people, ''))

t.test('a card of my own that was replaced or deleted comes back byte for byte, and that can be undone', async (t) => {
  const first = vcard(['UID:julie', 'FN:Julie Powell', 'X-ODD;a=b: kept '])
  const second = vcard(['UID:julie', 'FN:Julie'])
  await david.put('julie.vcf', first)
  await david.put('julie.vcf', second)
  t.strictSame(await kinds('julie.vcf'), [['personal', 'julie.vcf']])
  await david.delete('julie.vcf')
  t.strictSame(await kinds('julie.vcf'), [
    ['personal', 'julie.vcf'],
    ['personal', 'julie.vcf'],
  ])
  const { token } = await david.sync()
  const versions = await kith.history.list(actor, 'julie.vcf')
  await kith.history.restore(actor, versions[1]?.id ?? '')
  t.equal((await david.get('julie.vcf')).text, first)
  t.strictSame(await told(token), ['julie.vcf'], 'devices hear of it')
  await kith.history.restore(actor, versions[0]?.id ?? '')
  t.equal((await david.get('julie.vcf')).text, second)
  await kith.history.restore(actor, await newest('julie.vcf'))
  t.equal((await david.get('julie.vcf')).text, first, 'what was there before the restore is a version too')
})

t.test('a card whose book is gone comes back in people; one whose UID is taken does not', async (t) => {
  const book = `${david.home}friends/`
  t.equal((await david.ask('MKCOL', book)).status, 201)
  const card = vcard(['UID:friend', 'FN:Friend'])
  t.equal(
    (await david.ask('PUT', `${book}friend.vcf`, { headers: { 'content-type': 'text/vcard' }, body: card })).status,
    201,
  )
  t.equal((await david.ask('DELETE', book)).status, 204)
  const version = await newest('friend.vcf')
  await kith.history.restore(actor, version)
  t.equal((await david.get('friend.vcf')).text, card)
  await david.delete('friend.vcf')
  await david.put('other.vcf', vcard(['UID:friend', 'FN:Somebody else']))
  await t.rejects(kith.history.restore(actor, version), { code: 'uid-conflict' })
})

t.test('what I had changed about a colleague is laid over their card as it is now', async (t) => {
  const base = (await david.get(ryan)).text
  const mine = base.replace('END:VCARD', 'EMAIL;TYPE=HOME:ryan@stone.com\r\nEND:VCARD')
  await david.put(ryan, mine)
  await david.delete(ryan)
  t.strictSame(await kinds(ryan), [['override', ryan]])
  await kith.users.update(await kith.users.get('ryan.stone@spaceodyssey.com'), { workPhone: '+1 555 0100' })
  const { token } = await david.sync()
  await kith.history.restore(actor, await newest(ryan))
  const seen = (await david.get(ryan)).text
  t.match(seen, /ryan@stone\.com/)
  t.match(seen, /555 0100/)
  t.notMatch((await ryansPhone.get(ryan)).text, /ryan@stone\.com/, 'nobody else sees it')
  t.strictSame(await told(token), [ryan])
})

t.test(
  'what I had added to my own profile comes back; what others manage about it is no version of mine',
  async (t) => {
    const base = (await david.get(own)).text
    await david.put(own, base.replace('END:VCARD', 'NOTE:ask me about chess\r\nEND:VCARD'))
    await kith.users.update(user, { title: 'Commander' })
    const now = (await david.get(own)).text
    await david.put(own, now.replace(/^NOTE:.*\r\n/m, ''))
    t.notMatch((await david.get(own)).text, /chess/)
    t.strictSame(await kinds(own), [
      ['profile', own],
      ['profile', own],
    ])
    await kith.history.restore(actor, await newest(own))
    t.match((await david.get(own)).text, /chess/)
    t.match((await david.get(own)).text, /Commander/)
  },
)

t.test('a version is its owner’s alone', async (t) => {
  const ryans = actorOf(await kith.users.get('ryan.stone@spaceodyssey.com'))
  const id = await newest('julie.vcf')
  await t.rejects(kith.history.restore(ryans, id), { code: 'not-found' })
  await t.rejects(kith.history.restore(actor, 'none'), { code: 'not-found' })
  t.notOk((await kith.history.list(ryans)).some((version) => version.id === id))
})
