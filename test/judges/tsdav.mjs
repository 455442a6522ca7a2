// tsdav (npm's) as two devices of David's and one of Ryan's.
import { createDAVClient, DAVNamespaceShort } from 'tsdav'
import { judge, Reader, refusedAfter, serveDemo, uidOf, unfold, withLine } from './support.mjs'

const RYAN = /^EMAIL[^:]*:ryan\.stone@spaceodyssey\.com$/m
const PRIVATE = /^EMAIL;TYPE=HOME:ryan@stone\.com$/im

/** A client and what it holds of the book. */
class Device {
  static async of(server, { username, password }) {
    const device = new Device()
    device.client = await createDAVClient({
      serverUrl: server.url,
      credentials: { username, password },
      authMethod: 'Basic',
      defaultAccountType: 'carddav',
    })
    device.account = await device.client.createAccount({
      account: { serverUrl: server.url, accountType: 'carddav' },
      loadCollections: true,
    })
    const [book] = device.account.addressBooks
    device.book = { ...book, objects: await device.client.fetchVCards({ addressBook: book }) }
    return device
  }

  /** What tsdav's sync finds since the last one. */
  async sync(method = 'webdav') {
    const { client, book } = this
    const { objects, ...known } = book
    const found = await client.smartCollectionSync({
      collection: {
        ...known,
        objects,
        objectMultiGet: client.addressBookMultiGet,
        fetchObjects: ({ collection }) => client.fetchVCards({ addressBook: collection }),
      },
      method,
      detailedResult: true,
    })
    const { created, updated, deleted } = found.objects
    const gone = new Set([...deleted, ...updated].map(({ url }) => url))
    this.book = {
      ...book,
      syncToken: found.syncToken ?? book.syncToken,
      ctag: found.ctag ?? book.ctag,
      objects: [...objects.filter(({ url }) => !gone.has(url)), ...updated, ...created],
    }
    return { created: created.length, updated: updated.length, deleted: deleted.length }
  }

  find(pattern) {
    return this.book.objects.find(({ data }) => pattern.test(unfold(data)))
  }
  read(pattern) {
    return unfold(this.find(pattern)?.data ?? '')
  }
}

/** tsdav's XML parser takes the last line's end away. */
const trimmed = (card) => card.trim()

const NOTHING = { created: 0, updated: 0, deleted: 0 }
const CREATED = { ...NOTHING, created: 1 }
const UPDATED = { ...NOTHING, updated: 1 }
const DELETED = { ...NOTHING, deleted: 1 }

await judge('tsdav', async (it) => {
  const server = await serveDemo(it)
  const zoe = await server.kith(
    ...['app-password', 'create', '--user', 'zoe.lindqvist@spaceodyssey.com', '--label', 'tablet'],
  )
  const one = await Device.of(server, server.david)
  const two = await Device.of(server, server.david)
  const ryans = await Device.of(server, server.ryan)
  const asRyan = new Reader(server, server.ryan)

  it.match(one.account.principalUrl, /\/dav\/principals\/[^/]+\/$/, 'the principal is found')
  it.match(one.account.homeUrl, /\/dav\/addressbooks\/[^/]+\/$/, 'the home is found')
  it.match(one.book.url, /\/people\/$/, 'the first book is the merged one')
  it.ok(one.book.displayName && one.book.ctag && one.book.syncToken, 'it has a name, a ctag and a token')
  const books = await one.client.fetchAddressBooks()
  it.equal(books[0].url, one.book.url, 'fetchAddressBooks lists it first')
  it.ok(books[0].reports.includes('syncCollection'), 'it tells that it syncs', JSON.stringify(books[0].reports))
  it.equal(one.book.objects.length, 34, 'David gets 32 people, Julie and Project X')
  it.equal(ryans.book.objects.length, 33, 'Ryan gets 32 people and Project X')
  it.ok(one.find(/^FN:Julie Powell$/m) && !ryans.find(/^FN:Julie Powell$/m), "Julie is David's alone")
  it.equal(await one.sync(), NOTHING, 'nothing is new')

  const before = one.find(RYAN)
  const base = await asRyan.find(RYAN)
  const edited = withLine(before.data, 'EMAIL;TYPE=HOME:ryan@stone.com')
  const updated = await one.client.updateVCard({ vCard: { ...before, data: edited } })
  it.equal(updated.status, 204, 'updateVCard adds the private address')
  it.equal(await two.sync(), UPDATED, 'one card changes on the second device')
  it.match(two.read(RYAN), PRIVATE, 'which is this')
  it.equal(two.find(RYAN).url, before.url, 'at the same address')
  it.equal(uidOf(two.find(RYAN).data), uidOf(before.data), 'with the same UID')
  it.equal(await ryans.sync(), NOTHING, 'Ryan hears nothing')
  it.equal(await asRyan.find(RYAN), base, 'and his own card is unchanged')
  const stale = await two.client.updateVCard({ vCard: { ...before, data: edited } })
  it.equal(stale.status, 412, 'an old ETag is refused')

  await server.kith('user', 'update', 'ryan.stone@spaceodyssey.com', '--phone', '+1 555 0142')
  it.equal(await two.sync(), UPDATED, 'a new work phone is one card')
  it.match(two.read(RYAN), /^TEL[^:]*:\+1 555 0142$/m, 'David sees it')
  it.match(two.read(RYAN), PRIVATE, 'beside the private address')
  it.equal(await ryans.sync(), UPDATED, 'Ryan hears of it too')
  it.notMatch(ryans.read(RYAN), /ryan@stone\.com/, 'without the private address')

  const own =
    'BEGIN:VCARD\r\nVERSION:3.0\r\nUID:hal-9000\r\nFN:HAL 9000\r\nN:9000;HAL;;;\r\nNOTE:daisy\\, daisy\r\nEND:VCARD\r\n'
  const put = await one.client.createVCard({ addressBook: one.book, vCardString: own, filename: 'hal 9000.vcf' })
  it.equal(put.status, 201, 'createVCard makes a personal contact')
  it.ok(put.headers.get('etag'), 'with an ETag')
  it.equal(await two.sync(), CREATED, 'it is new on the second device')
  it.equal(two.find(/^FN:HAL 9000$/m)?.data, trimmed(own), 'byte for byte')
  it.equal(await ryans.sync(), NOTHING, 'and on no other')
  const again = await one.client.createVCard({ addressBook: one.book, vCardString: own, filename: 'hal 9000.vcf' })
  it.equal(again.status, 412, 'it is made once')
  const removed = await two.client.deleteVCard({ vCard: two.find(/^FN:HAL 9000$/m) })
  it.equal(removed.status, 204, 'deleteVCard')
  it.equal(await two.sync(), DELETED, 'takes it away again')

  await server.kith(
    ...['user', 'create', '--organization', 'Space Odyssey', '--email', 'frank.poole@spaceodyssey.com'],
    ...['--name', 'Frank Poole'],
  )
  it.equal(await ryans.sync(), CREATED, 'a new user is one card')
  await server.kith('user', 'deactivate', 'zoe.lindqvist@spaceodyssey.com')
  const after = await refusedAfter(new Reader(server, zoe), 1000)
  it.ok(after !== undefined, 'a deactivated user is refused within a second')
  const { deleted, updated: group } = await ryans.sync()
  it.equal({ deleted, group }, { deleted: 1, group: 1 }, 'their card goes, and the group card of their team changes')

  await two.sync()
  const reset = await two.client.deleteVCard({ vCard: two.find(RYAN) })
  it.equal(reset.status, 204, 'deleting the overridden card')
  it.equal(await two.sync(), UPDATED, 'changes it')
  it.equal(two.find(RYAN).data, trimmed((await asRyan.find(RYAN)).card), 'to what Ryan himself has')

  it.equal(await one.sync('basic'), { created: 1, updated: 2, deleted: 1 }, 'the sync by ctag finds all of it at once')
  it.equal(one.book.objects.length, 34, 'David ends with 32 people, Julie and Project X')
  const held = one.book.objects.map(({ url, data }) => [new URL(url).pathname, data])
  const served = [...(await new Reader(server, server.david).cards())].map(([href, card]) => [href, trimmed(card)])
  it.equal(new Map(held.sort()), new Map(served.sort()), 'and holds every card as it is served')

  // A book of David's own.
  const { client } = one
  const asDavid = new Reader(server, server.david)
  const url = new URL('../friends/', one.book.url).href
  const [made] = await client.makeCollection({
    url,
    props: {
      resourcetype: { [`${DAVNamespaceShort.DAV}:collection`]: {}, [`${DAVNamespaceShort.CARDDAV}:addressbook`]: {} },
      [`${DAVNamespaceShort.DAV}:displayname`]: 'Freunde & Familie',
    },
  })
  it.equal(made.status, 201, 'makeCollection makes a book')
  const found = (await client.fetchAddressBooks()).map((book) => ({ url: book.url, name: book.displayName }))
  it.equal(found.slice(1), [{ url, name: 'Freunde & Familie' }], 'which is listed after the merged one, with its name')
  it.equal((await ryans.client.fetchAddressBooks()).length, 1, 'and not to Ryan')
  const friends = (await client.fetchAddressBooks()).find((book) => book.url === url)
  const filled = await client.createVCard({ addressBook: friends, vCardString: own, filename: 'hal.vcf' })
  it.equal(filled.status, 201, 'createVCard puts a contact into it')
  const [card] = await client.fetchVCards({ addressBook: friends })
  it.equal(card.data, trimmed(own), 'where it is byte for byte')
  const changed = await client.isCollectionDirty({ collection: friends })
  it.equal(changed.isDirty, true, 'the book’s ctag tells that it changed')
  it.equal(await two.sync(), NOTHING, 'while the merged book did not')
  it.equal((await asDavid.ask('GET', card.url)).text, own, 'another client reads it there')
  const query = (filters) =>
    client.addressBookQuery({
      url,
      props: { [`${DAVNamespaceShort.DAV}:getetag`]: {}, [`${DAVNamespaceShort.CARDDAV}:address-data`]: {} },
      filters,
      depth: '1',
    })
  const matching = (text) => ({
    'prop-filter': {
      _attributes: { name: 'FN' },
      'text-match': { _attributes: { 'match-type': 'contains' }, _text: text },
    },
  })
  it.equal(
    (await query(matching('hal'))).map(({ status }) => status),
    [207],
    'addressBookQuery finds it by its name',
  )
  it.equal(
    (await query(matching('frank'))).filter(({ href }) => href),
    [],
    'and by no other',
  )
  const gone = await client.deleteObject({ url })
  it.equal(gone.status, 204, 'deleteObject takes the book away')
  it.equal((await client.fetchAddressBooks()).length, 1, 'it is listed no more')
  it.equal((await asDavid.ask('GET', card.url)).status, 404, 'nor is what was in it')
})
