// Evolution-Data-Server (Debian's), which Evolution, GNOME Contacts and GNOME's phone shell sync with, as David's desktop.
import { spawn } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { judge, killGroup, Reader, serveDemo, uidOf, unfold, until } from './support.mjs'

const RYAN = /^EMAIL[^:]*:ryan\.stone@spaceodyssey\.com$/m
const PRIVATE = /^EMAIL;[^:]*TYPE=HOME[^:]*:ryan@stone\.com$/im
const HAL = /^FN:HAL 9000$/m
const SERVICES = ['Sources5', 'AddressBook10', 'UserPrompter0']

/** A session of its own: a message bus that starts Evolution's services alone, and directories that nobody else uses. */
async function startEvolution(it) {
  const root = join(it.directory, 'desktop')
  const at = (name) => {
    mkdirSync(join(root, name), { recursive: true, mode: 0o700 })
    return join(root, name)
  }
  for (const service of SERVICES) {
    const file = `org.gnome.evolution.dataserver.${service}.service`
    symlinkSync(join('/usr/share/dbus-1/services', file), join(at('services'), file))
  }
  const config = join(root, 'bus.conf')
  writeFileSync(
    config,
    `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir=${at('bus')}</listen>
  <auth>EXTERNAL</auth>
  <servicedir>${at('services')}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`,
  )
  const child = spawn(
    '/usr/bin/dbus-run-session',
    ['--config-file', config, '--', '/usr/bin/python3', join(import.meta.dirname, 'evolution.py')],
    {
      env: {
        PATH: '/usr/bin:/bin',
        LANG: 'C.UTF-8',
        HOME: at('home'),
        XDG_CONFIG_HOME: at('config'),
        XDG_DATA_HOME: at('data'),
        XDG_CACHE_HOME: at('cache'),
        XDG_RUNTIME_DIR: at('run'),
        GSETTINGS_BACKEND: 'memory',
        GIO_USE_VFS: 'local',
      },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true, // a group of its own, with the bus and what the bus starts
    },
  )
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (piece) => {
    log += piece
  })
  child.stdin.on('error', () => {}) // told by the missing answer
  it.atEnd(async () => {
    child.stdin.end()
    try {
      await until('the session ends', () => child.exitCode !== null, { seconds: 10 })
    } finally {
      await killGroup(child.pid)
    }
  })
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return async (...command) => {
    child.stdin.write(`${JSON.stringify(command)}\n`)
    const { value, done } = await answers.next()
    if (done) throw new Error(`Evolution's session ended:\n${log}`)
    const { result, error } = JSON.parse(value)
    if (error) throw new Error(`${error}\n${log}`)
    return result
  }
}

await judge('evolution', async (it) => {
  const server = await serveDemo(it)
  const evolution = await startEvolution(it)
  const asDavid = new Reader(server, server.david)
  const asRyan = new Reader(server, server.ryan)
  const matching = (contacts, pattern) => contacts.find(({ vcard }) => pattern.test(unfold(vcard)))
  /** What the desktop shows once it shows what it should. */
  const shown = async (what, right) => {
    await evolution('refresh')
    return await until(what, async () => {
      const contacts = await evolution('contacts')
      return right(contacts) && contacts
    }).catch(async (error) => {
      it.fail(what, error.message)
      return await evolution('contacts')
    })
  }

  const books = await evolution('account', `${server.url}/`, server.david.username, server.david.password)
  it.equal(
    books,
    [{ name: 'People', backend: 'carddav', path: await asDavid.people() }],
    'an account with the bare address finds one address book, and can write it',
  )
  const first = await shown('every card is there', (contacts) => contacts.length >= 34)
  it.equal(first.length, 34, 'David’s desktop gets 32 people, Julie and Project X')
  it.equal(
    first.map(({ vcard }) => /^FN:(.*)$/m.exec(unfold(vcard))?.[1]?.trim()).sort(),
    [...(await asDavid.cards()).values()].map((card) => /^FN:(.*)$/m.exec(unfold(card))?.[1]?.trim()).sort(),
    'with their names, in every script',
  )
  it.ok(matching(first, /^FN:Julie Powell/m), 'Julie is among them')

  const before = await asDavid.find(RYAN)
  const base = await asRyan.find(RYAN)
  const token = (await asRyan.sync()).token
  const ryan = matching(first, /ryan\.stone@spaceodyssey\.com/)
  it.equal(ryan.uid, uidOf(before.card), 'a contact keeps its UID')
  it.ok(await evolution('add_email', ryan.uid, 'ryan@stone.com'), 'David adds a private address to Ryan')
  const after = await asDavid.find(RYAN)
  it.match(unfold(after.card), PRIVATE, 'David’s other devices have it')
  it.equal(after.href, before.href, 'at the same address')
  const photo = (card) => /^PHOTO[^:]*:(.*?)\r?$/m.exec(unfold(card))?.[1]
  it.ok(photo(before.card) && photo(after.card) === photo(before.card), 'with the same photo')
  it.equal(await asRyan.find(RYAN), base, 'Ryan’s own card is unchanged')
  it.equal((await asRyan.sync(token)).hrefs, [], 'and he hears nothing of it')

  await server.kith('user', 'update', 'ryan.stone@spaceodyssey.com', '--phone', '+1 555 0142')
  const updated = await shown('the new phone is there', (contacts) => matching(contacts, /^TEL[^:]*:\+1 555 0142/m))
  const merged = matching(updated, /ryan\.stone@spaceodyssey\.com/)?.vcard ?? ''
  it.match(unfold(merged), /^TEL[^:]*:\+1 555 0142/m, 'Ryan’s new work phone reaches the desktop')
  it.match(unfold(merged), /^EMAIL[^:]*:ryan@stone\.com/m, 'beside the private address')
  it.notMatch(unfold(merged), /\+1 713 555 0102/, 'in place of the old one')
  it.equal(updated.length, 34, 'no contact was doubled')

  await server.kith(
    ...['user', 'create', '--organization', 'Space Odyssey', '--email', 'frank.poole@spaceodyssey.com'],
    ...['--name', 'Frank Poole'],
  )
  await server.kith('user', 'deactivate', 'zoe.lindqvist@spaceodyssey.com')
  const changed = await shown(
    'the new user is there and the deactivated one is gone',
    (contacts) => matching(contacts, /^FN:Frank Poole/m) && !matching(contacts, /zoe\.lindqvist@/),
  )
  it.ok(matching(changed, /^FN:Frank Poole/m), 'a new user appears')
  it.ok(!matching(changed, /zoe\.lindqvist@/), 'a deactivated one disappears')

  const uid = await evolution(
    'add',
    'BEGIN:VCARD\r\nVERSION:3.0\r\nFN:HAL 9000\r\nN:9000;HAL;;;\r\nEMAIL;TYPE=OTHER:hal@discovery.example\r\nX-MOOD:calm\r\nEND:VCARD\r\n',
  )
  const hal = await asDavid.find(HAL)
  it.match(
    unfold(hal?.card ?? ''),
    /^EMAIL[^:]*:hal@discovery\.example\r?$/m,
    'a new contact reaches the other devices',
  )
  it.match(unfold(hal?.card ?? ''), /^X-MOOD:calm\r?$/m, 'with what nobody knows')
  it.equal(uidOf(hal?.card ?? ''), uid, 'with the UID that Evolution gave it')
  it.ok(!(await asRyan.find(HAL)), 'and nobody else')
  it.equal((await shown('it is there', (contacts) => contacts.length === 35)).length, 35, 'it stays after a refresh')
  it.ok(await evolution('remove', uid), 'David removes it')
  it.ok(!(await asDavid.find(HAL)), 'and it is gone everywhere')

  it.ok(await evolution('remove', ryan.uid), 'David removes the overridden card')
  const reset = await shown('the base is back', (contacts) => {
    const card = matching(contacts, /ryan\.stone@spaceodyssey\.com/)
    return card && !/ryan@stone\.com/.test(card.vcard)
  })
  it.match(
    unfold(matching(reset, /ryan\.stone@spaceodyssey\.com/)?.vcard ?? ''),
    /^TEL[^:]*:\+1 555 0142/m,
    'and has the base again',
  )
  it.equal((await asDavid.find(RYAN))?.card, (await asRyan.find(RYAN)).card, 'which is what Ryan has')
})
