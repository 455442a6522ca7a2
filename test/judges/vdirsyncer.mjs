// vdirsyncer (Debian's) on two devices of David's, one of Ryan's and one of Zoë's.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Device } from './device.mjs'
import { judge, Reader, refusedAfter, serveDemo, uidOf, unfold, withLine } from './support.mjs'

const RYAN = /^EMAIL[^:]*:ryan\.stone@spaceodyssey\.com$/m
const PRIVATE = /^EMAIL;TYPE=HOME:ryan@stone\.com$/im
const NEW_PHONE = /^TEL[^:]*:\+1 555 0142$/m
const JULIE = /^FN:Julie Powell$/m
const ZOE = 'zoe.lindqvist@spaceodyssey.com'

await judge('vdirsyncer', async (it) => {
  const server = await serveDemo(it)
  const zoe = await server.kith('app-password', 'create', '--user', ZOE, '--label', 'laptop')
  const one = new Device(it, 'david-1', server, server.david)
  const two = new Device(it, 'david-2', server, server.david)
  const ryans = new Device(it, 'ryan', server, server.ryan)
  const zoes = new Device(it, 'zoe', server, zoe)
  const all = [one, two, ryans, zoes]
  const others = [ryans, zoes]
  const syncAll = async (devices = all) => {
    for (const device of devices) await device.sync()
  }

  for (const device of all) await device.discover()
  await syncAll()
  it.equal(one.files().length, 34, "David's device gets 32 people, Julie and Project X")
  it.equal(two.files().length, 34, 'so does his second')
  it.equal(ryans.files().length, 33, 'Ryan gets 32 people and Project X')
  it.equal(zoes.files().length, 33, 'so does Zoë, of the same team')
  it.match(one.read(/^(X-ADDRESSBOOKSERVER-KIND|KIND):group$/im), /^FN:Project X$/m, 'the team is a group card')
  it.ok(one.find(JULIE), 'Julie is on David’s device')
  for (const device of others) it.ok(!device.find(JULIE), `Julie is not on ${device.root.split('/').at(-1)}'s`)
  await syncAll()
  it.equal(one.files().length, 34, 'a second sync changes nothing')

  // David adds a private address to Ryan's card.
  const asDavid = new Reader(server, server.david)
  const asRyan = new Reader(server, server.ryan)
  const before = await asDavid.find(RYAN)
  const base = await asRyan.find(RYAN)
  const onDevice = one.find(RYAN)
  it.equal(onDevice.card, before.card, 'the file is the served card, byte for byte')
  it.match(onDevice.card, /^PHOTO/m, 'with its photo')
  writeFileSync(onDevice.path, withLine(onDevice.card, 'EMAIL;TYPE=HOME:ryan@stone.com'))
  await syncAll()
  const overridden = await asDavid.find(RYAN)
  it.match(unfold(overridden.card), PRIVATE, 'the server has the private address for David')
  it.equal(overridden.href, before.href, 'at the same address')
  it.equal(uidOf(overridden.card), uidOf(before.card), 'with the same UID')
  it.equal(await asRyan.find(RYAN), base, "Ryan's own card is unchanged")
  it.match(two.read(RYAN), PRIVATE, "David's second device has it")
  it.equal(two.find(RYAN).name, onDevice.name, 'in the same file')
  for (const device of others) it.notMatch(device.read(RYAN), /ryan@stone\.com/, 'nobody else has it')
  await syncAll()
  it.match(one.read(RYAN), PRIVATE, 'the first device keeps it')
  it.match(one.read(RYAN), /^PHOTO/m, 'and the photo')
  it.equal(one.files().length, 34, 'no card was doubled')
  it.equal(one.find(RYAN).card, two.find(RYAN).card, 'both devices have the same card')

  // Ryan gets a new phone at work.
  await server.kith('user', 'update', 'ryan.stone@spaceodyssey.com', '--phone', '+1 555 0142')
  await syncAll()
  for (const device of all) it.match(device.read(RYAN), NEW_PHONE, 'every device has the new phone')
  for (const device of [one, two]) it.match(device.read(RYAN), PRIVATE, "David's still have the private address")
  for (const device of others) it.notMatch(device.read(RYAN), /ryan@stone\.com/, "nobody else's has it")
  it.notMatch(one.read(RYAN), /\+1 713 555 0102/, 'the old phone is gone')

  // Somebody new, and somebody gone.
  await server.kith(
    ...['user', 'create', '--organization', 'Space Odyssey', '--email', 'frank.poole@spaceodyssey.com'],
    ...['--name', 'Frank Poole', '--phone', '+1 202 555 0190'],
  )
  await syncAll()
  for (const device of all) it.match(device.read(/^FN:Frank Poole$/m), /\+1 202 555 0190/, 'the new user is everywhere')
  it.equal(one.files().length, 35, 'one card more')
  const zoesPattern = /^EMAIL[^:]*:zoe\.lindqvist@spaceodyssey\.com$/m
  it.ok(one.find(zoesPattern), 'Zoë is there')
  await server.kith('user', 'deactivate', ZOE)
  const after = await refusedAfter(new Reader(server, zoe), 1000)
  it.ok(after !== undefined, 'a deactivated user is refused within a second')
  await syncAll([one, two, ryans])
  for (const device of [one, two, ryans]) it.ok(!device.find(zoesPattern), 'a deactivated user disappears')
  const refused = await zoes.vdirsyncer('sync', { anyStatus: true })
  it.ok(refused.code !== 0, 'and their own device cannot sync')
  it.match(refused.stdout + refused.stderr, /401|unauthorized/i, 'which it says')

  // David deletes the overridden card: the base is back.
  rmSync(one.find(RYAN).path)
  await one.sync()
  await syncAll([one, two, ryans])
  const again = await asDavid.find(RYAN)
  it.equal(again.href, before.href, 'the base is at the same address')
  for (const device of [one, two]) {
    it.equal(device.find(RYAN)?.card, again.card, 'deleting the overridden card shows the base again')
    it.notMatch(device.read(RYAN), /ryan@stone\.com/, 'without the private address')
    it.match(device.read(RYAN), NEW_PHONE, 'with the new phone')
  }
  it.match(ryans.read(RYAN), NEW_PHONE, 'Ryan still has his card')

  // A contact of David's own: every byte travels.
  const own = [
    'BEGIN:VCARD',
    'VERSION:3.0',
    'UID:8c2f6a34-hal',
    'FN:HAL 9000',
    'N:9000;HAL;;;',
    'item1.EMAIL;type=INTERNET:hal@discovery.example',
    'item1.X-ABLabel:_$!<Other>!$_',
    'X-SOCIALPROFILE;type=mastodon;x-user=hal:https://social.example/@hal',
    'NOTE:Ich fürchte\\, Dave 😀 – das kann ich nicht tun. “I’m afraid I can’t do ',
    ' that”\\; ∞',
    'x-unknown;X-P="a;b,c":kept',
    'END:VCARD',
    '',
  ].join('\r\n')
  writeFileSync(join(one.folder, 'hal.vcf'), own)
  await syncAll([one, two, ryans])
  it.equal(two.find(/^FN:HAL 9000$/m)?.card, own, 'a new contact is on the second device, byte for byte')
  it.equal((await asDavid.find(/^FN:HAL 9000$/m))?.card, own, 'and on the server')
  it.ok(!ryans.find(/^FN:HAL 9000$/m), 'and on nobody else’s device')
  const changed = withLine(own, 'TEL;type=CELL:+1 202 555 0191')
  writeFileSync(two.find(/^FN:HAL 9000$/m).path, changed)
  await syncAll([two, one])
  it.equal(one.find(/^FN:HAL 9000$/m)?.card, changed, 'an edit there comes back, byte for byte')
  rmSync(one.find(/^FN:HAL 9000$/m).path)
  await syncAll([one, two])
  it.ok(!two.find(/^FN:HAL 9000$/m), 'deleted on one device, it goes from the other')
  it.equal((await asDavid.cards()).size, 34, 'the server ends with 32 people, Julie and Project X')
})
