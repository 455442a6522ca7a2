import t from 'tap'
import { changesNothing, hrefIn, prop, refused, vcard, withLines } from '../support/dav.ts'
import { rows, startKith } from '../support/kith.ts'

const running = await startKith(t)
const { organization, device, cardOf, url } = running
const organizationId = await organization('Space Odyssey', 'spaceodyssey.com', ['David Bowman', 'Ryan Stone'])
const david = await device('david.bowman@spaceodyssey.com')
const other = await device('ryan.stone@spaceodyssey.com')
const ryan = await cardOf('ryan.stone@spaceodyssey.com')
const home = david.home
const friends = `${home}friends/`
await david.ask('MKCOL', friends)
type Headers = Record<string, string>
const transfer = (method: 'COPY' | 'MOVE', path: string, destination: string, headers: Headers = {}) =>
  david.ask(method, path, { headers: { destination, ...headers } })
const put = (path: string, body: string) => david.ask('PUT', path, { headers: { 'content-type': 'text/vcard' }, body })
const card = (uid: string) => vcard([`UID:${uid}`, `FN:Card ${uid}`, 'item1.TEL:1', 'item1.X-ABLabel:x'])
const patch = (path: string, value: string) =>
  david.ask('PROPPATCH', path, {
    body: `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x:dead xmlns:x="urn:x">${value}</x:dead></D:prop></D:set></D:propertyupdate>`,
  })
const dead = async (path: string) => {
  const [row] = rows((await david.propfind(path, '0', '<D:prop><x:dead xmlns:x="urn:x"/></D:prop>')).text)
  return /dead[^>/]*>([^<]*)<\//.exec(row?.xml ?? '')?.[1]
}

t.test('RFC 4918 §9.8: COPY of a card into another book', async (t) => {
  const { etag } = (await david.put('a.vcf', card('a'))).headers
  await patch(`${david.people}a.vcf`, 'mine')
  const copied = await transfer('COPY', `${david.people}a.vcf`, `${friends}a.vcf`)
  t.strictSame([copied.status, copied.headers.location, copied.headers.etag], [201, `${friends}a.vcf`, etag])
  const got = await david.ask('GET', `${friends}a.vcf`)
  t.strictSame([got.text, got.headers.etag], [card('a'), etag], 'byte for byte')
  t.equal((await david.get('a.vcf')).text, card('a'), 'the first one stays')
  t.equal(await dead(`${friends}a.vcf`), 'mine', 'with its dead properties')
  await patch(`${friends}a.vcf`, 'changed')
  t.equal(await dead(`${david.people}a.vcf`), 'mine', 'which are its own')
  await david.put('a.vcf', withLines(card('a'), 'NOTE:2'))
  await changesNothing(t, running, organizationId, async () => {
    const kept = await transfer('COPY', `${david.people}a.vcf`, `${friends}a.vcf`, { overwrite: 'F' })
    t.equal(kept.status, 412)
  })
  const again = await transfer('COPY', `${david.people}a.vcf`, `${friends}a.vcf`)
  t.equal(again.status, 204, 'Overwrite is T unless it says otherwise')
  t.match((await david.ask('GET', `${friends}a.vcf`)).text, 'NOTE:2')
  t.equal(await dead(`${friends}a.vcf`), 'mine')
  const { host } = new URL(url)
  t.equal((await transfer('COPY', `${david.people}a.vcf`, `http://${host}${friends}a.vcf`)).status, 204, 'absolute')
})

t.test('RFC 4918 §9.8.5, §9.9.4: where nothing goes', async (t) => {
  await put(`${friends}b.vcf`, card('b'))
  const cases: [string, string, number, string?][] = [
    ['another host', 'http://elsewhere.example/dav/x.vcf', 502],
    ["another's home", `${other.people}b.vcf`, 404],
    ['no book', `${home}none/b.vcf`, 409, 'D:parent-resource-must-exist'],
    ['the same place', `${friends}b.vcf`, 403],
    ['no name', friends, 403],
    ['no path', 'b.vcf', 400],
    ['a name with a slash', `${friends}b%2Fc.vcf`, 404],
    ['a name with a control', `${friends}b%0A.vcf`, 404],
    ['a name of 256 bytes', `${friends}${'x'.repeat(252)}.vcf`, 403],
    ['a principal', '/dav/principals/', 403],
  ]
  await changesNothing(t, running, organizationId, async () => {
    for (const method of ['COPY', 'MOVE'] as const) {
      for (const [what, destination, status, element] of cases) {
        const answer = await transfer(method, `${friends}b.vcf`, destination)
        refused(t, answer, status, element, `${method}: ${what}`)
      }
      t.equal((await david.ask(method, `${friends}b.vcf`)).status, 400, 'no Destination')
      t.equal((await transfer(method, `${friends}none.vcf`, `${friends}c.vcf`)).status, 404)
      t.equal((await transfer(method, `${friends}b.vcf`, `${friends}c.vcf`, { overwrite: 'X' })).status, 400)
      for (const headers of [{ 'if-match': '"x"' }, { 'if-none-match': '*' }, { if: '(["x"])' }]) {
        const answer = await transfer(method, `${friends}b.vcf`, `${david.people}b.vcf`, headers as unknown as Headers)
        t.equal(answer.status, 412, `${method} ${JSON.stringify(headers)}`)
      }
      t.equal(
        (await other.ask(method, `${friends}b.vcf`, { headers: { destination: `${other.people}b.vcf` } })).status,
        404,
      )
    }
    const within = await transfer('COPY', `${friends}b.vcf`, `${friends}c.vcf`)
    refused(t, within, 403, 'C:no-uid-conflict', 'a copy in the same book')
    t.equal(hrefIn(within), `${friends}b.vcf`)
  })
  const { etag } = (await david.ask('GET', `${friends}b.vcf`)).headers
  const matched = await transfer('COPY', `${friends}b.vcf`, `${david.people}b.vcf`, { 'if-match': etag ?? '' })
  t.equal(matched.status, 201)
})

t.test('RFC 4918 §9.9: MOVE keeps UID, ETag and bytes; both hrefs are told', async (t) => {
  const { etag } = (await david.put('m.vcf', card('m'))).headers
  await patch(`${david.people}m.vcf`, 'mine')
  const { token } = await david.sync()
  const moved = await transfer('MOVE', `${david.people}m.vcf`, `${david.people}n.vcf`)
  t.strictSame([moved.status, moved.headers.etag], [201, etag])
  t.equal((await david.get('m.vcf')).status, 404)
  const got = await david.get('n.vcf')
  t.strictSame([got.text, got.headers.etag], [card('m'), etag])
  t.equal(await dead(`${david.people}n.vcf`), 'mine')
  const told = await david.sync(token)
  t.strictSame([[...told.changed], told.gone], [[[`${david.people}n.vcf`, etag]], [`${david.people}m.vcf`]])
  t.equal((await transfer('MOVE', `${david.people}n.vcf`, `${friends}n.vcf`, { overwrite: 'F' })).status, 201, 'across')
  t.equal((await david.ask('GET', `${friends}n.vcf`)).headers.etag, etag)
  t.strictSame((await david.sync(told.token)).gone, [`${david.people}n.vcf`])
  await david.put('m.vcf', card('m'))
  t.equal(await dead(`${david.people}m.vcf`), undefined, 'a new card at the old place has none')
  await changesNothing(t, running, organizationId, async () => {
    const conflict = await transfer('MOVE', `${david.people}m.vcf`, `${friends}other.vcf`)
    refused(t, conflict, 403, 'C:no-uid-conflict')
    t.equal(hrefIn(conflict), `${friends}n.vcf`)
    t.equal((await transfer('MOVE', `${david.people}m.vcf`, `${friends}n.vcf`, { overwrite: 'F' })).status, 412)
    refused(
      t,
      await transfer('MOVE', `${david.people}m.vcf`, `${friends}b.vcf`),
      403,
      'C:no-uid-conflict',
      'onto another',
    )
  })
  t.equal((await transfer('MOVE', `${david.people}m.vcf`, `${friends}n.vcf`)).status, 204, 'onto the same card')
  t.equal((await david.get('m.vcf')).status, 404)
})

t.test("A colleague's card is copied as I see it, and stays where it is", async (t) => {
  const mine = withLines((await david.get(ryan)).text, 'NOTE:My own')
  t.equal((await david.put(ryan, mine)).status, 204)
  const seen = (await david.get(ryan)).text
  t.match(seen, 'NOTE:My own')
  const copied = await transfer('COPY', david.people + ryan, `${friends}ryan.vcf`)
  t.equal(copied.status, 201)
  t.equal((await david.ask('GET', `${friends}ryan.vcf`)).text, seen, 'with my override, and the same UID')
  t.equal((await other.get(ryan)).text.includes('My own'), false)
  await changesNothing(t, running, organizationId, async () => {
    refused(t, await transfer('MOVE', david.people + ryan, `${friends}r.vcf`), 403, 'D:need-privileges')
    const within = await transfer('COPY', david.people + ryan, `${david.people}r.vcf`)
    refused(t, within, 403, 'C:no-uid-conflict')
    t.equal(hrefIn(within), david.people + ryan)
  })
  t.equal((await put(`${friends}ryan.vcf`, withLines(seen, 'ROLE:Friend'))).status, 204, 'it is a personal card')
  t.equal((await david.get(ryan)).text, seen)
  t.equal((await david.ask('DELETE', `${friends}ryan.vcf`)).status, 204)
  t.equal((await david.get(ryan)).status, 200)
})

t.test("Onto a colleague's href COPY and MOVE act as PUT", async (t) => {
  const edited = withLines((await david.get(ryan)).text, 'TITLE:Captain')
  for (const method of ['COPY', 'MOVE'] as const) {
    t.equal((await put(`${friends}edited.vcf`, edited.replace('Captain', method))).status, 201)
    const { token } = await david.sync()
    const done = await transfer(method, `${friends}edited.vcf`, david.people + ryan)
    t.equal(done.status, 204, method)
    t.match((await david.get(ryan)).text, `TITLE:${method}`)
    t.strictSame([...(await david.sync(token)).changed.keys()], [david.people + ryan])
    t.equal((await david.ask('GET', `${friends}edited.vcf`)).status, method === 'COPY' ? 200 : 404)
    await david.ask('DELETE', `${friends}edited.vcf`)
    t.notMatch((await other.get(ryan)).text, 'TITLE')
  }
  await put(`${friends}b2.vcf`, card('b2'))
  await changesNothing(t, running, organizationId, async () => {
    for (const method of ['COPY', 'MOVE'] as const) {
      refused(t, await transfer(method, `${friends}b2.vcf`, david.people + ryan), 403, 'C:no-uid-conflict', method)
    }
  })
  const [row] = rows((await david.propfind(`${friends}b2.vcf`, '0', '<D:prop><D:getetag/></D:prop>')).text)
  t.ok(prop(row, 'D:getetag'))
})
