// Thunderbird (Debian's), without a window, as David's desktop; Ryan's book is in it too, as a second account.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Marionette } from './marionette.mjs'
import { end, judge, killGroup, Reader, serveDemo, uidOf, unfold, until } from './support.mjs'
import { Inside } from './thunderbird-inside.mjs'

const RYAN = /^EMAIL[^:]*:ryan\.stone@spaceodyssey\.com$/m
const PRIVATE = /^EMAIL;[^:]*TYPE="?HOME"?[^:]*:ryan@stone\.com$/im
const HAL = /^FN:HAL 9000$/m
const ZOE = 'zoe.lindqvist@spaceodyssey.com'
// One white pixel.
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAWk1v8QAAAABJRU5ErkJggg=='

// Whatever is not on this machine is asked of a proxy that is not there: nothing leaves it, not even a look-up of a name.
const PREFERENCES = {
  'marionette.port': 0, // any free one
  'network.proxy.type': 1,
  'network.proxy.http': '127.0.0.1',
  'network.proxy.http_port': 9,
  'network.proxy.ssl': '127.0.0.1',
  'network.proxy.ssl_port': 9,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'network.dns.disablePrefetch': true,
  'app.update.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.enabled': false,
  'mailnews.start_page.enabled': false,
  'mail.provider.suppress_dialog_on_startup': true,
  'mail.spotlight.firstRunDone': true,
  'app.donation.eoy.version.viewed': 999,
}

/** A Thunderbird with a profile of its own, and the means to have it do what `Inside` can. */
async function startThunderbird(it) {
  const home = join(it.directory, 'home')
  const profile = join(home, 'profile')
  mkdirSync(profile, { recursive: true, mode: 0o700 })
  const lines = Object.entries(PREFERENCES).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  )
  writeFileSync(join(profile, 'user.js'), lines.join(''))
  const child = spawn(
    '/usr/bin/thunderbird',
    ['--headless', '--no-remote', '--profile', profile, '--marionette', '--remote-allow-system-access'],
    {
      env: { PATH: '/usr/bin:/bin', HOME: home, LANG: 'C.UTF-8', MOZ_CRASHREPORTER_DISABLE: '1' },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true, // a group of its own, with the processes that it starts
    },
  )
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (piece) => {
    log += piece
  })
  it.atEnd(async () => {
    try {
      await end(child)
    } finally {
      await killGroup(child.pid)
    }
  })
  const portFile = join(profile, 'MarionetteActivePort')
  const port = await until(
    'Thunderbird listens',
    () => {
      if (child.exitCode !== null) throw new Error(`Thunderbird ended:\n${log}`)
      return existsSync(portFile) && Number(readFileSync(portFile, 'utf8'))
    },
    { seconds: 60 },
  )
  const marionette = await Marionette.connect(port)
  it.atEnd(async () => marionette.close())
  return (command, ...args) =>
    marionette.execute(`return await new (${Inside})()[arguments[0]](...arguments[1])`, [command, args])
}

await judge('thunderbird', async (it) => {
  const server = await serveDemo(it)
  const thunderbird = await startThunderbird(it)
  const asDavid = new Reader(server, server.david)
  const asRyan = new Reader(server, server.ryan)
  const contacts = (book = 'David') => thunderbird('contacts', book)
  const synced = async (book = 'David') => {
    await thunderbird('sync', book)
    return await contacts(book)
  }
  const withEmail = (list, email) => list.find(({ emails }) => emails.includes(email))
  const named = (list, name) => list.find((contact) => contact.name === name)
  const onServer = async (reader, pattern) => unfold((await reader.find(pattern))?.card ?? '')
  const photoOf = (card) => /^PHOTO[^:]*:(?:data:[^,]*,)?(.*?)\r?$/m.exec(unfold(card))?.[1]

  // Both accounts are found by the server's well-known address.
  const address = `${server.url}/.well-known/carddav`
  const added = await thunderbird('addBook', 'David', server.david.username, server.david.password, address)
  it.equal(added.found[0]?.path, await asDavid.people(), 'an account finds the merged book first')
  it.equal(added.found[0]?.name, 'People', 'by its name')
  it.equal(added.readOnly, false, 'and can write it')
  const ryans = await thunderbird('addBook', 'Ryan', server.ryan.username, server.ryan.password, address)
  it.equal(ryans.found[0]?.path, await asRyan.people(), 'a second account beside it finds its own')

  const first = await contacts()
  it.equal(first.length, 34, 'David’s desktop gets 32 people, Julie and Project X')
  it.equal((await contacts('Ryan')).length, 33, 'Ryan’s gets 32 people and Project X')
  const served = await asDavid.cards()
  const nameOf = (card) => /^FN[^:]*:(.*?)\r?$/m.exec(unfold(card))?.[1].replace(/\\(.)/g, '$1')
  it.equal(
    first.map(({ name }) => name).sort(),
    [...served.values()].map(nameOf).sort(),
    'with their names, in every script',
  )
  it.equal(
    new Map(first.map(({ href, uid }) => [href, uid]).sort()),
    new Map([...served].map(([href, card]) => [href, uidOf(card)]).sort()),
    'at the addresses and with the UIDs that the server has',
  )
  const emailsOf = (card) =>
    [...unfold(card).matchAll(/^(?:[\w-]+\.)?EMAIL[^:]*:(.*?)\r?$/gim)].map(([, email]) => email)
  it.equal(
    first.flatMap(({ emails }) => emails).sort(),
    [...served.values()].flatMap(emailsOf).sort(),
    'with every e-mail address',
  )
  it.equal(
    first.filter(({ photo }) => photo.startsWith('data:image/')).length,
    [...served.values()].filter((card) => photoOf(card)).length,
    'with every photo',
  )
  const group = named(first, 'Project X')
  it.match(group?.vcard ?? '', /^(X-ADDRESSBOOKSERVER-)?KIND:group\r$/im, 'the team is a contact there')
  it.ok(named(first, 'Julie Powell') && !named(await contacts('Ryan'), 'Julie Powell'), 'Julie is David’s alone')
  it.match(
    (await thunderbird('complete', 'ryan.st')).join(),
    /ryan\.stone@spaceodyssey\.com/,
    'the composer offers Ryan',
  )
  const again = await synced()
  it.equal(again, first, 'a sync changes nothing')

  // David gives Ryan a private address.
  const before = await asDavid.find(RYAN)
  const base = await asRyan.find(RYAN)
  const ryansBook = await contacts('Ryan')
  const { token } = await asRyan.sync()
  const ryan = withEmail(first, 'ryan.stone@spaceodyssey.com')
  await thunderbird('edit', 'David', ryan.uid, [['email', { type: 'home' }, 'text', 'ryan@stone.com']])
  await until('the edit is on the server', async () => PRIVATE.test(await onServer(asDavid, RYAN)))
  const after = await asDavid.find(RYAN)
  it.match(unfold(after.card), PRIVATE, 'David’s other devices have it')
  it.equal(after.href, before.href, 'at the same address')
  it.equal(uidOf(after.card), uidOf(before.card), 'with the same UID')
  it.ok(photoOf(before.card) && photoOf(after.card) === photoOf(before.card), 'with the same photo')
  it.equal(await asRyan.find(RYAN), base, 'Ryan’s own card is unchanged')
  it.equal((await asRyan.sync(token)).hrefs, [], 'he hears nothing of it')
  it.equal(await synced('Ryan'), ryansBook, 'and his Thunderbird shows nothing new')

  // What changes at work reaches both, beside the private address.
  await server.kith('user', 'update', 'ryan.stone@spaceodyssey.com', '--phone', '+1 555 0142')
  const updated = await synced()
  const merged = withEmail(updated, 'ryan.stone@spaceodyssey.com')
  it.match(merged.phones.join(), /\+1 555 0142/, 'Ryan’s new work phone reaches the desktop')
  it.notMatch(merged.phones.join(), /\+1 713 555 0102/, 'in place of the old one')
  it.ok(merged.emails.includes('ryan@stone.com'), 'beside the private address')
  it.equal(merged.uid, ryan.uid, 'on the same contact')
  it.equal(merged.photo, ryan.photo, 'with the same photo')
  it.equal(updated.length, 34, 'no contact was doubled')
  const forRyan = withEmail(await synced('Ryan'), 'ryan.stone@spaceodyssey.com')
  it.match(forRyan.phones.join(), /\+1 555 0142/, 'Ryan gets it too')
  it.equal(forRyan.emails, ['ryan.stone@spaceodyssey.com'], 'without the private address')

  // Somebody new, and somebody gone.
  await server.kith(
    ...['user', 'create', '--organization', 'Space Odyssey', '--email', 'frank.poole@spaceodyssey.com'],
    ...['--name', 'Frank Poole'],
  )
  await server.kith('user', 'deactivate', ZOE)
  for (const book of ['David', 'Ryan']) {
    const changed = await synced(book)
    it.ok(named(changed, 'Frank Poole'), `a new user appears (${book})`)
    it.ok(!withEmail(changed, ZOE), `a deactivated one disappears (${book})`)
  }

  // A contact of David's own, with a photo.
  const uid = await thunderbird('add', 'David', [
    ['fn', {}, 'text', 'HAL 9000'],
    ['n', {}, 'text', ['9000', 'HAL', '', '', '']],
    ['email', { type: 'work' }, 'text', 'hal@discovery.example'],
    ['bday', {}, 'date', '--0112'],
    ['photo', {}, 'uri', `data:image/png;base64,${PIXEL}`],
    ['x-mood', {}, 'unknown', 'calm'],
    ['note', {}, 'text', 'Ich fürchte, Dave 😀; das\nkann ich nicht tun'],
  ])
  await until('the new contact is on the server', () => asDavid.find(HAL))
  const hal = await asDavid.find(HAL)
  it.equal(uidOf(hal.card), uid, 'a new contact is on the server, with the UID that Thunderbird gave it')
  it.match(unfold(hal.card), /^EMAIL[^:]*:hal@discovery\.example\r?$/m, 'with its e-mail address')
  it.match(unfold(hal.card), /^NOTE:Ich fürchte\\, Dave 😀\\?; das\\nkann ich nicht tun\r?$/m, 'with its note')
  it.match(unfold(hal.card), /^X-MOOD[^:]*:calm\r?$/im, 'with what nobody knows')
  it.equal(photoOf(hal.card), PIXEL, 'with its photo')
  it.ok(!(await asRyan.find(HAL)), 'and on nobody else’s')
  const held = named(await synced(), 'HAL 9000')
  it.equal(
    { ...held, vcard: '', phones: [] },
    {
      uid,
      href: hal.href,
      name: 'HAL 9000',
      emails: ['hal@discovery.example'],
      phones: [],
      photo: `data:image/png;base64,${PIXEL}`,
      isMailList: false,
      vcard: '',
    },
    'Thunderbird still shows it as it was made',
  )
  const version4 = async () =>
    unfold((await asDavid.ask('GET', hal.href, { headers: { accept: 'text/vcard;version=4.0' } })).text)
  it.match(await version4(), /^BDAY[^:]*:--0112\r?$/m, 'its birthday has no year')
  await thunderbird('edit', 'David', uid, [['tel', { type: 'cell' }, 'text', '+1 202 555 0191']])
  await until('the next edit is on the server', async () =>
    /^TEL[^:]*:\+1 202 555 0191/m.test(await onServer(asDavid, HAL)),
  )
  it.match(await version4(), /^BDAY[^:]*:--0112\r?$/m, 'nor after the next edit')
  it.equal(photoOf((await asDavid.find(HAL)).card), PIXEL, 'which leaves the photo as it was')

  // Another device edits it.
  const headers = { 'content-type': 'text/vcard' }
  const stored = await asDavid.ask('GET', hal.href)
  const put = await asDavid.ask('PUT', hal.href, {
    body: stored.text.replace(/hal@discovery\.example/, 'hal@jupiter.example'),
    headers: { ...headers, 'if-match': stored.headers.get('etag') },
  })
  it.equal(put.status, 204, 'another device changes it')
  it.equal(named(await synced(), 'HAL 9000').emails, ['hal@jupiter.example'], 'and Thunderbird shows that')

  // A token that the server does not know: 400, and a new listing.
  const kept = await synced()
  await thunderbird('setToken', 'David', 'https://example.org/sync/not-yours')
  await server.kith('user', 'update', 'ryan.stone@spaceodyssey.com', '--phone', '+1 555 0143')
  const listed = await synced()
  const without = (list) => list.filter((contact) => contact.uid !== ryan.uid)
  it.equal(without(listed), without(kept), 'after a refused token nothing is lost or doubled')
  const anew = withEmail(listed, 'ryan.stone@spaceodyssey.com')
  it.match(anew.phones.join(), /\+1 555 0143/, 'what changed meanwhile is there')
  it.ok(anew.emails.includes('ryan@stone.com'), 'and so is the private address')
  it.equal(await thunderbird('token', 'David'), (await asDavid.sync()).token, 'and the token is the current one')

  // Deletions, from either side.
  await thunderbird('remove', 'David', uid)
  await until('the contact is gone from the server', async () => !(await asDavid.find(HAL)))
  it.ok(!(await asDavid.find(HAL)), 'a contact deleted in Thunderbird is gone everywhere')
  const julie = await asDavid.find(/^FN:Julie Powell$/m)
  it.equal((await asDavid.ask('DELETE', julie.href)).status, 204, 'another device deletes Julie')
  const fewer = await synced()
  it.ok(!named(fewer, 'Julie Powell') && !named(fewer, 'HAL 9000'), 'and Thunderbird shows neither')
  await thunderbird('remove', 'David', ryan.uid)
  await until('the override is gone from the server', async () => !PRIVATE.test(await onServer(asDavid, RYAN)))
  it.equal(
    (await asDavid.find(RYAN))?.card,
    (await asRyan.find(RYAN)).card,
    'deleting the overridden card leaves the base',
  )
  const reset = withEmail(await synced(), 'ryan.stone@spaceodyssey.com')
  it.equal(reset?.emails, ['ryan.stone@spaceodyssey.com'], 'which Thunderbird shows again')
  it.equal([reset?.href, reset?.uid], [before.href, ryan.uid], 'at its address, with its UID')
  const last = await contacts()
  it.equal(named(last, 'Project X')?.uid, group.uid, 'the group card is still there')
  it.equal(
    new Map(last.map(({ href, uid }) => [href, uid]).sort()),
    new Map([...(await asDavid.cards())].map(([href, card]) => [href, uidOf(card)]).sort()),
    'at the end Thunderbird has exactly what the server has',
  )
})
