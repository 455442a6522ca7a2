// khard (Debian's), a terminal's address book over the files that vdirsyncer keeps, on two devices of David's.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Device } from './device.mjs'
import { judge, Reader, run, serveDemo, uidOf, unfold } from './support.mjs'

const RYAN = /^EMAIL[^:]*:ryan\.stone@spaceodyssey\.com$/m
const PRIVATE = /^EMAIL;TYPE=HOME:ryan@stone\.com$/im
const HAL = /^FN:HAL 9000$/m

/** khard over every folder that the device keeps. */
class Terminal extends Device {
  #input = 0

  khard(books, ...args) {
    const config = join(this.root, 'khard.conf')
    const sections = books.map((book) => `[[${book}]]\npath = ${join(this.contacts, book)}\n`).join('')
    writeFileSync(
      config,
      `[addressbooks]\n${sections}[general]\neditor = /bin/false\nmerge_editor = /bin/false\n[contact table]\ndisplay = formatted_name\n[vcard]\npreferred_version = 3.0\n`,
    )
    const env = { PATH: '/usr/bin:/bin', HOME: this.root, LC_ALL: 'C.UTF-8' }
    return run('/usr/bin/khard', ['-c', config, ...args], { env, input: 'y\n'.repeat(9) })
  }

  async ask(...args) {
    return (await this.khard(['people'], ...args)).stdout
  }

  /** A command that reads a contact's template, which is YAML, from a file. */
  async write(template, ...args) {
    this.#input += 1
    const file = join(this.root, `template-${this.#input}.yaml`)
    writeFileSync(file, template)
    return await this.ask(...args.map((arg) => (arg === '{}' ? file : arg)))
  }
}

await judge('khard', async (it) => {
  const server = await serveDemo(it)
  const one = new Terminal(it, 'david-1', server, server.david)
  const two = new Terminal(it, 'david-2', server, server.david)
  const ryans = new Terminal(it, 'ryan', server, server.ryan)
  const all = [one, two, ryans]
  const asDavid = new Reader(server, server.david)
  const asRyan = new Reader(server, server.ryan)
  const syncAll = async (devices = all) => {
    for (const device of devices) await device.sync()
  }
  const lines = (text) => text.trim().split('\n')
  const photoOf = (card) => /^PHOTO[^:]*:(.*?)\r?$/m.exec(unfold(card))?.[1]
  for (const device of all) await device.discover()
  await syncAll()

  // Reading.
  const nameOf = (card) => /^FN[^:]*:(.*?)\r?$/m.exec(unfold(card))?.[1].replace(/\\(.)/g, '$1')
  const rows = lines(await one.ask('list', '--parsable'))
  const served = [...(await asDavid.cards()).values()]
  it.equal(
    rows.map((row) => row.split('\t').slice(0, 2).join(' ')).sort(),
    served.map((card) => `${uidOf(card)} ${nameOf(card)}`).sort(),
    'list shows every contact and team, with its UID',
  )
  it.equal(rows.length, 34, 'which are 32 people, Julie and Project X')
  it.equal(lines(await ryans.ask('list', '--parsable')).length, 33, 'Ryan’s shows Julie not')
  const base = await asRyan.find(RYAN)
  const ryan = uidOf(base.card)
  const shown = await one.ask('show', '--format=pretty', `uid:${ryan}`)
  it.match(shown, /ryan\.stone@spaceodyssey\.com/, 'show has the e-mail address')
  it.match(shown, /\+1 713 555 0102/, 'and the phone')
  const birthdays = await one.ask('birthdays', '--parsable')
  it.equal(
    lines(birthdays).filter(Boolean).length,
    served.filter((card) => /^BDAY/m.test(card)).length,
    'every birthday is listed',
  )

  const group = await asDavid.find(/^FN:Project X\r?$/m)
  const kept = () => one.find(/^FN:Project X\r?$/m)?.card

  // Editing a colleague: only David's layer changes.
  const before = await asDavid.find(RYAN)
  const { token } = await asRyan.sync()
  const edit = async (device, uid, pattern, replacement) => {
    const template = await device.ask('show', '--format=yaml', `uid:${uid}`)
    if (!pattern.test(template)) throw new Error(`${pattern} is not in ${template}`)
    await device.write(template.replace(pattern, replacement), 'edit', '-i', '{}', `uid:${uid}`)
  }
  await edit(one, ryan, /^Email *:.*$/m, '$&\n    home : ryan@stone.com')
  await syncAll()
  const after = await asDavid.find(RYAN)
  it.match(unfold(after.card), PRIVATE, 'edit gives Ryan a private address')
  it.equal([after.href, uidOf(after.card)], [before.href, uidOf(before.card)], 'at the same address, with the same UID')
  it.ok(photoOf(before.card) && photoOf(after.card) === photoOf(before.card), 'with the same photo')
  it.equal(await asRyan.find(RYAN), base, 'Ryan’s own card is unchanged')
  it.equal((await asRyan.sync(token)).hrefs, [], 'and he hears nothing')
  it.match(await two.ask('email', '--parsable', 'stone'), /^ryan@stone\.com\t/m, 'the second device finds it')
  it.match(await two.ask('email', '--parsable', 'stone'), /^ryan\.stone@spaceodyssey\.com\t/m, 'beside the one at work')
  it.notMatch(await ryans.ask('email', '--parsable', 'stone'), /ryan@stone\.com/, 'Ryan’s does not')
  await server.kith('user', 'update', 'ryan.stone@spaceodyssey.com', '--phone', '+1 555 0142')
  await syncAll()
  const phones = await one.ask('phone', '--parsable', 'stone')
  it.match(phones, /^\+1 555 0142\t/m, 'a new work phone arrives')
  it.notMatch(phones, /\+1 713 555 0102/, 'in place of the old one')
  it.match(await one.ask('email', '--parsable', 'stone'), /^ryan@stone\.com\t/m, 'beside the private address')

  // A contact of David's own.
  const made = [
    'First name: HAL',
    'Last name: 9000',
    'Email:\n  home: hal@discovery.example',
    'Birthday: 1992-01-12',
    'Note: "Ich fürchte, Dave 😀; das kann ich nicht tun"',
    'Nickname: Hal',
    '',
  ].join('\n')
  await one.write(made, 'new', '-a', 'people', '-i', '{}')
  await syncAll()
  const hal = await asDavid.find(HAL)
  it.match(unfold(hal?.card ?? ''), /^EMAIL[^:]*:hal@discovery\.example\r?$/m, 'a new contact is on the server')
  it.match(unfold(hal?.card ?? ''), /^NOTE:Ich fürchte\\, Dave 😀\\; das kann ich nicht tun\r?$/m, 'with its note')
  it.equal(one.find(HAL)?.card, hal?.card, 'as khard wrote it, byte for byte')
  it.equal(two.find(HAL)?.card, hal?.card, 'and so it is on the second device')
  it.ok(!ryans.find(HAL) && !(await asRyan.find(HAL)), 'and nobody else’s')
  const uid = uidOf(hal.card)
  await edit(two, uid, /^Nickname *:.*$/m, 'Nickname: HAL, the ship')
  await syncAll([two, one])
  it.match(await one.ask('show', `uid:${uid}`), /HAL, the ship/, 'what the second device edits, the first shows')
  it.match(unfold((await asDavid.find(HAL)).card), /^NICKNAME:HAL\\, the ship\r?$/m, 'and the server has')

  // A second book, and copies and moves between the two.
  const friends = (await asDavid.people()).replace(/people\/$/, 'friends/')
  const body =
    '<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:set><D:prop><D:resourcetype><D:collection/><C:addressbook/></D:resourcetype><D:displayname>Friends</D:displayname></D:prop></D:set></D:mkcol>'
  it.equal((await asDavid.ask('MKCOL', friends, { body })).status, 201, 'David makes a second book')
  const BOOKS = ['people', 'friends']
  const both = [one, two]
  for (const device of both) {
    await device.discover()
    await device.sync()
  }
  const abooks = (await two.khard(BOOKS, 'addressbooks')).stdout
  it.equal(lines(abooks).sort(), ['friends', 'people'], 'both books are on his devices')
  const inFriends = async (reader) => {
    const { status, text } = await reader.ask('GET', friends)
    return status === 200 ? [...unfold(text).matchAll(/^FN:(.*?)\r?$/gm)].map(([, name]) => name).sort() : status
  }
  await one.khard(BOOKS, 'copy', '-a', 'people', '-A', 'friends', `uid:${ryan}`)
  await one.khard(BOOKS, 'move', '-a', 'people', '-A', 'friends', `uid:${uid}`)
  await syncAll(both)
  it.equal(await inFriends(asDavid), ['Dr Ryan Stone', 'HAL 9000'], 'a copy and a move arrive in the other book')
  it.ok(!(await asDavid.find(HAL)), 'what was moved is gone from the first')
  it.match(unfold((await asDavid.find(RYAN)).card), PRIVATE, 'what was copied is not')
  it.equal(await inFriends(asRyan), 404, 'which Ryan cannot see')
  const friendsOfTwo = lines((await two.khard(BOOKS, 'list', '-a', 'friends', '--parsable')).stdout)
  it.equal(
    friendsOfTwo.map((row) => row.split('\t')[1]).sort(),
    ['Dr Ryan Stone', 'HAL 9000'],
    'the second device lists them in the other book',
  )
  await two.khard(BOOKS, 'remove', '--force', '-a', 'friends', `uid:${uid}`)
  await syncAll([two, one])
  it.equal(await inFriends(asDavid), ['Dr Ryan Stone'], 'remove takes one away on the server')
  it.equal(
    lines((await one.khard(BOOKS, 'list', '-a', 'friends', '--parsable')).stdout).length,
    1,
    'and on the first device',
  )

  // Removing the overridden colleague shows the base again.
  await one.ask('remove', '--force', `uid:${ryan}`)
  await one.sync()
  await syncAll()
  it.equal(
    (await asDavid.find(RYAN))?.card,
    (await asRyan.find(RYAN)).card,
    'removing the overridden card shows the base',
  )
  for (const device of both) {
    it.notMatch(await device.ask('email', '--parsable', 'stone'), /ryan@stone\.com/, 'without the private address')
    it.match(await device.ask('phone', '--parsable', 'stone'), /^\+1 555 0142\t/m, 'with the new phone')
    it.equal(lines(await device.ask('list', '--parsable')).length, 34, 'among 32 people, Julie and Project X')
  }
  it.equal(
    [kept(), await asDavid.find(/^FN:Project X\r?$/m)],
    [group.card, group],
    'the team is untouched by all of it',
  )
})
