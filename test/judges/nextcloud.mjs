// @nextcloud/cdav-library (npm's), with which Nextcloud's Contacts speaks CardDAV, as David's browser.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { end, judge, NODE, Reader, run, serveDemo, uidOf, unfold, withLine } from './support.mjs'

const PACKAGES = ['@nextcloud/cdav-library@2.2.0', 'jsdom@26.1.0']
const RYAN = /^EMAIL[^:]*:ryan\.stone@spaceodyssey\.com$/m
const PRIVATE = /^EMAIL;TYPE=HOME:ryan@stone\.com$/im
const HAL = /^FN:HAL 9000$/m

/** The library is under the AGPL, so it is installed for this run alone, and runs outside of Kith. */
async function startClient(it) {
  const folder = join(it.directory, 'client')
  await run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', ...PACKAGES], {
    seconds: 180,
  })
  const child = spawn(NODE, [join(import.meta.dirname, 'nextcloud-client.mjs'), folder], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (piece) => {
    log += piece
  })
  child.stdin.on('error', () => {}) // told by the missing answer
  it.atEnd(() => end(child))
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  /** What the library answers; an error has the status that the server gave. */
  return async (...command) => {
    child.stdin.write(`${JSON.stringify(command)}\n`)
    const { value, done } = await answers.next()
    if (done) throw new Error(`the client ended:\n${log}`)
    const { result, error } = JSON.parse(value)
    if (error) throw Object.assign(new Error(`${command[0]}: ${error.text}`), { status: error.status })
    return result
  }
}

await judge('nextcloud', async (it) => {
  const server = await serveDemo(it)
  const client = await startClient(it)
  const asDavid = new Reader(server, server.david)
  const asRyan = new Reader(server, server.ryan)
  /** The status by which the server refuses it, or 'done'. */
  const refused = (...command) =>
    client(...command).then(
      () => 'done',
      (error) => error.status ?? error.message,
    )
  const matching = (cards, pattern) => cards.find(({ data }) => pattern.test(unfold(data)))
  const names = (cards) => cards.map(({ data }) => /^FN[^:]*:(.*?)\r?$/m.exec(unfold(data))?.[1]).sort()
  const served = async (reader, href) => {
    const { status, text } = await reader.ask('GET', href)
    return status === 200 ? text : status
  }

  const account = await client('connect', `${server.url}/dav/`, asDavid.authorization)
  const people = await asDavid.people()
  const homeUrl = people.replace(/people\/$/, '')
  it.match(account.principal, /^\/dav\/principals\/[^/]+\/$/, 'connect finds the principal')
  it.equal(account.homes, [homeUrl], 'and the one home')
  it.ok(account.features.includes('addressbook'), 'and that address books are served', account.features.join())
  const listed = await client('books')
  it.equal(
    listed.map(({ url, name, can }) => ({ url, name, can })),
    [{ url: people, name: 'People', can: true }],
    'the merged book is the first, and writable',
  )

  // Listing with the cards' data, by PROPFIND.
  const all = await client('cards', people)
  const cards = await asDavid.cards()
  it.equal(
    new Map(all.map(({ url, data }) => [url, data]).sort()),
    new Map([...cards].sort()),
    'findAllVCards shows every card as it is served',
  )
  it.equal(all.length, 34, 'which are 32 people, Julie and Project X')
  it.ok(
    all.every(({ etag }) => /^"[^"]+"$/.test(etag)),
    'each with a strong ETag',
  )

  // Queries.
  const everyone = await client('query', people, null)
  it.equal(everyone.map(({ url }) => url).sort(), [...cards.keys()].sort(), 'a query without a filter finds all')
  const simple = await client('simple', people, ['EMAIL', 'UID', 'FN', 'N'])
  it.equal(names(simple), names(all), 'chosen properties of every card')
  it.ok(
    simple.every(({ data, partial }) => partial && !/^(PHOTO|TEL|ORG)/m.test(data) && uidOf(data)),
    'and no other, as a part',
  )
  const queried = async (...args) => names(await client('query', people, ...args))
  const wanted = { properties: ['FN', 'UID'] }
  const test = (test) => ({ ...wanted, test })
  it.equal(
    await queried([['EMAIL', 'ryan.stone@', 'starts-with']], wanted),
    ['Dr Ryan Stone'],
    'by an e-mail’s beginning',
  )
  it.equal(await queried([['FN', 'JULIE', 'contains']], wanted), ['Julie Powell'], 'whatever the case')
  it.equal(await queried([['FN', 'Julie Powell', 'equals']], wanted), ['Julie Powell'], 'by a whole name')
  it.equal(await queried([['FN', 'julie', 'equals']], wanted), [], 'but not by half of it')
  const two = [
    ['FN', 'Julie', 'contains'],
    ['EMAIL', 'ryan.stone@spaceodyssey.com', 'equals'],
  ]
  it.equal(await queried(two, test('anyof')), ['Dr Ryan Stone', 'Julie Powell'], 'by either of two')
  it.equal(await queried(two, test('allof')), [], 'by both of two')
  const others = await queried([['FN', 'Julie', 'contains', true]], wanted)
  it.equal([others.length, others.includes('Julie Powell')], [33, false], 'by what it is not')
  const some = await client('query', people, null, { ...wanted, limit: 5 })
  it.equal(some.length, 5, 'no more than asked for')

  // An override.
  const before = await asDavid.find(RYAN)
  const base = await asRyan.find(RYAN)
  const { token } = await asRyan.sync()
  const ryan = matching(all, RYAN)
  await client('updateCard', ryan.url, withLine(ryan.data, 'EMAIL;TYPE=HOME:ryan@stone.com'))
  const after = await asDavid.find(RYAN)
  it.match(unfold(after.card), PRIVATE, 'update gives Ryan a private address')
  it.equal([after.href, uidOf(after.card)], [before.href, uidOf(before.card)], 'at the same address, with the same UID')
  it.equal(await asRyan.find(RYAN), base, 'Ryan’s own card is unchanged')
  it.equal((await asRyan.sync(token)).hrefs, [], 'and he hears nothing')
  const fresh = await client('fetchCard', ryan.url)
  it.equal(fresh.data, after.card, 'fetched again, the card is as it is served')
  await server.kith('user', 'update', 'ryan.stone@spaceodyssey.com', '--phone', '+1 555 0142')
  it.equal(
    await refused('updateCard', ryan.url, withLine(fresh.data, 'NICKNAME:Ry')),
    412,
    'an update of what changed meanwhile is refused',
  )
  const [newer] = await client('multiget', people, [ryan.url])
  it.match(unfold(newer.data), /^TEL[^:]*:\+1 555 0142$/m, 'multiget has the new phone')
  it.match(unfold(newer.data), PRIVATE, 'beside the private address')

  // A book of David's own.
  const ryansBooks = async () =>
    (await asRyan.ask('PROPFIND', (await asRyan.people()).replace(/people\/$/, ''), { headers: { depth: '1' } })).text
  const booksOfRyan = await ryansBooks()
  const book = await client('createBook', 'Old Friends')
  it.equal(book.name, 'Old Friends', 'a book is made, with its name')
  it.match(book.url, /\/old-friends\/$/, 'at the address that the library chose')
  it.ok(book.can && book.rename && book.token, 'David may do all in it, and it has a token')
  it.equal(
    (await client('books')).map(({ name }) => name),
    ['People', 'Old Friends'],
    'it is listed after the merged one',
  )
  it.equal(await client('cards', book.url), [], 'and is empty')
  await client('renameBook', book.url, 'Freunde & Familie', 'von früher <3')
  const renamed = (await client('books')).find(({ url }) => url === book.url)
  it.equal([renamed.name, renamed.description], ['Freunde & Familie', 'von früher <3'], 'it is renamed, and described')
  const properties = await asDavid.ask('PROPFIND', book.url, { headers: { depth: '0' } })
  it.match(properties.text, /<D:displayname[^>]*>Freunde &amp; Familie<\/D:displayname>/, 'so other clients see it')
  it.equal(await ryansBooks(), booksOfRyan, 'Ryan sees no new book')
  it.equal((await asRyan.ask('PROPFIND', book.url, { headers: { depth: '0' } })).status, 404, 'nor can he open it')

  // Contacts of David's own: made, changed, copied, moved and deleted.
  const own =
    'BEGIN:VCARD\r\nVERSION:3.0\r\nUID:hal-9000\r\nFN:HAL 9000\r\nN:9000;HAL;;;\r\nX-MOOD:calm\r\nNOTE:Ich fürchte\\, Dave 😀\r\nEND:VCARD\r\n'
  const hal = await client('createCard', people, own)
  it.ok(hal.url.startsWith(people) && hal.etag, 'a contact is made in the merged book')
  it.equal(await served(asDavid, hal.url), own, 'another client reads it byte for byte')
  it.ok(!(await asRyan.find(HAL)), 'and nobody else')
  const edited = withLine(own, 'TEL;TYPE=CELL:+1 202 555 0191')
  const put = await client('updateCard', hal.url, edited)
  it.equal(await served(asDavid, hal.url), edited, 'its edit is there byte for byte')
  it.ok(put.etag && put.etag !== hal.etag, 'with a new ETag')

  const fileName = hal.url.split('/').at(-1)
  const copy = await client('copyCard', hal.url, book.url)
  it.equal(copy.url, `${book.url}${fileName}`, 'it is copied into the other book')
  it.equal(
    [await served(asDavid, hal.url), await served(asDavid, copy.url)],
    [edited, edited],
    'where it is the same, while the first stays',
  )
  it.equal(await refused('copyCard', hal.url, book.url), 412, 'a copy does not overwrite one that is there')
  const changed = withLine(edited, 'NICKNAME:Hal')
  await client('fetchCard', copy.url)
  await client('updateCard', copy.url, changed)
  it.equal(await served(asDavid, hal.url), edited, 'a change of the copy leaves the first as it was')
  await client('deleteCard', hal.url)
  it.equal(await served(asDavid, hal.url), 404, 'the first is deleted')
  const moved = await client('moveCard', copy.url, people)
  it.equal(moved.url, hal.url, 'the copy is moved to its place')
  it.equal(await served(asDavid, copy.url), 404, 'and is gone from where it was')
  it.equal(await served(asDavid, moved.url), changed, 'byte for byte')
  it.equal(await client('cards', book.url), [], 'the other book is empty again')

  const copied = await client('copyCard', ryan.url, book.url)
  const kept = await served(asDavid, copied.url)
  it.match(unfold(kept), PRIVATE, 'a copy of Ryan’s card has what David sees')
  it.equal(uidOf(kept), uidOf(base.card), 'with the same UID')
  it.equal(await refused('moveCard', ryan.url, book.url), 403, 'a colleague’s card is not moved away')
  await server.kith('user', 'update', 'ryan.stone@spaceodyssey.com', '--phone', '+1 555 0143')
  it.equal(await served(asDavid, copied.url), kept, 'the copy is David’s own: work changes it no more')
  it.match(unfold(await served(asDavid, ryan.url)), /^TEL[^:]*:\+1 555 0143\r?$/m, 'while the card itself follows')

  // The whole book as a file, then the end of it.
  const exported = await asDavid.ask('GET', book.url)
  it.equal(
    [exported.status, exported.text.match(/^BEGIN:VCARD/gm)?.length],
    [200, 1],
    'GET of the book has its one card',
  )
  await client('moveCard', moved.url, book.url)
  const both = await client('cards', book.url)
  it.equal(names(both), ['Dr Ryan Stone', 'HAL 9000'], 'the book has what was copied and moved into it')
  await client('deleteBook', book.url)
  it.equal(
    (await client('books')).map(({ url }) => url),
    [people],
    'the book is deleted',
  )
  for (const { url } of both) it.equal(await served(asDavid, url), 404, 'with what was in it')
  it.match(unfold((await asDavid.find(RYAN)).card), PRIVATE, 'the merged book still has Ryan, and his private address')
  await client('fetchCard', ryan.url)
  await client('deleteCard', ryan.url)
  it.equal((await asDavid.find(RYAN))?.card, (await asRyan.find(RYAN)).card, 'deleting that shows the base again')
  it.equal((await client('cards', people)).length, 34, 'the merged book ends with 32 people, Julie and Project X')
})
