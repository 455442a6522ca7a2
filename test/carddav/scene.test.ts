import t from 'tap'
import { type Device, startKith } from '../support/kith.ts'

t.test('the main job: one edit reaches every phone, and what is mine stays mine', async (t) => {
  const { kith, organization, device, cardOf } = await startKith(t)
  const organizationId = await organization('Space Odyssey', 'spaceodyssey.com', [
    'David Bowman',
    'Ryan Stone',
    'Zoe Lind',
  ])
  const david = await device('david.bowman@spaceodyssey.com')
  const second = await device('david.bowman@spaceodyssey.com')
  const ryan = await device('ryan.stone@spaceodyssey.com')
  const zoe = await device('zoe.lind@spaceodyssey.com')
  const name = await cardOf('ryan.stone@spaceodyssey.com')
  const all: Device[] = [david, second, ryan, zoe]
  const tokens = new Map<Device, string>()
  for (const one of all) tokens.set(one, (await one.sync()).token)
  /** How many members each device hears of at its next sync. */
  const news = async () => {
    const counts: number[] = []
    for (const one of all) {
      const { changed, gone, token } = await one.sync(tokens.get(one))
      tokens.set(one, token)
      counts.push(changed.size + gone.length)
    }
    return counts
  }
  const card = async (one: Device) => (await one.get(name)).text

  const original = await card(david)
  const edited = original.replace('END:VCARD', 'EMAIL;TYPE=HOME:ryan@stone.com\r\nEND:VCARD')
  const { headers } = await david.get(name)
  const put = await david.put(name, edited, { 'if-match': headers.etag })
  t.equal(put.status, 204)
  t.equal(put.headers.etag !== undefined, (await card(david)) === edited, 'an ETag only if the merged card is as sent')
  t.match(await card(david), /EMAIL;TYPE=HOME:ryan@stone\.com/i)
  t.equal(await card(second), await card(david), 'the second device sees it')
  t.equal(await card(ryan), original, "Ryan's own card is unchanged")
  t.equal(await card(zoe), original, 'nobody else sees it')
  t.strictSame(await news(), [1, 1, 0, 0])

  await kith.users.update(await kith.users.get('ryan.stone@spaceodyssey.com'), { workPhone: '+1 555 0199' })
  const merged = await card(david)
  t.match(merged, /TEL;TYPE=work:\+1 555 0199/i, 'the new work phone')
  t.match(merged, /ryan@stone\.com/, 'beside the private address')
  t.match(await card(zoe), /\+1 555 0199/)
  t.strictSame(await news(), [1, 1, 1, 1])
  t.equal((await kith.store.collections.status(organizationId)).revision, '2', 'one edit, one row')

  const julie = 'BEGIN:VCARD\r\nVERSION:3.0\r\nUID:julie\r\nFN:Julie Powell\r\nN:Powell;Julie;;;\r\nEND:VCARD\r\n'
  const created = await david.put('julie.vcf', julie, { 'if-none-match': '*' })
  t.equal(created.status, 201)
  t.ok(created.headers.etag)
  t.equal((await second.get('julie.vcf')).text, julie)
  t.equal((await ryan.get('julie.vcf')).status, 404)
  t.strictSame(await news(), [1, 1, 0, 0])

  await kith.users.create(organizationId, { name: 'New Hire', email: 'new@spaceodyssey.com' })
  t.strictSame(await news(), [1, 1, 1, 1])
  await kith.users.setActive(await kith.users.get('zoe.lind@spaceodyssey.com'), false)
  await new Promise((resolve) => setTimeout(resolve, 600))
  t.equal((await zoe.get(name)).status, 401, 'a deactivated user is refused within a second')
  const gone = await david.sync(tokens.get(david))
  t.strictSame(gone.gone, [david.people + (await cardOf('zoe.lind@spaceodyssey.com'))])

  t.equal((await david.delete(name)).status, 204)
  t.equal(await card(david), await card(ryan), 'DELETE of the overridden card shows the base again')
  t.notMatch(await card(david), /ryan@stone\.com/)
})
