import pg from 'pg'
import t from 'tap'
import { changesNothing, prop, propstats, refused, vcard } from '../support/dav.ts'
import { rows, startKith } from '../support/kith.ts'

const running = await startKith(t)
const { organization, device, database } = running
const organizationId = await organization('Space Odyssey', 'spaceodyssey.com', ['David Bowman', 'Ryan Stone'])
const david = await device('david.bowman@spaceodyssey.com')
const ryan = await device('ryan.stone@spaceodyssey.com')
const NAMESPACES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:I="http://inf-it.com/ns/ab/"'
const BOOK = '<D:resourcetype><D:collection/><C:addressbook/></D:resourcetype>'
const at = (name: string) => `${david.home}${name}/`
const mkcol = (path: string, props?: string, headers = {}) =>
  david.ask('MKCOL', path, {
    headers: { ...(props === undefined ? {} : { 'content-type': 'application/xml' }), ...headers },
    ...(props === undefined
      ? {}
      : { body: `<D:mkcol ${NAMESPACES}><D:set><D:prop>${props}</D:prop></D:set></D:mkcol>` }),
  })
const patch = (path: string, inner: string, headers = {}) =>
  david.ask('PROPPATCH', path, { headers, body: `<D:propertyupdate ${NAMESPACES}>${inner}</D:propertyupdate>` })
const put = (path: string, body: string) => david.ask('PUT', path, { headers: { 'content-type': 'text/vcard' }, body })
const status = async (path: string) => (await david.propfind(path, '0', '<D:propname/>')).status
async function homeSync(token = '', extra = '') {
  const inner = `<D:sync-token>${token}</D:sync-token><D:sync-level>1</D:sync-level>${extra}<D:prop><D:displayname/></D:prop>`
  const answer = await david.report(david.home, 'D:sync-collection', inner, { depth: '0' })
  const all = rows(answer.text)
  return {
    answer,
    books: all.filter(({ xml }) => xml.includes('<D:propstat>')).map(({ href }) => href),
    gone: all.filter(({ status }) => status === 404).map(({ href }) => href),
    more: all.filter(({ status }) => status === 507).map(({ href }) => href),
    token: /<\/D:response>\s*<D:sync-token>(.*?)<\/D:sync-token>/s.exec(answer.text)?.[1] ?? bare(answer.text),
  }
}
const bare = (text: string): string => /<D:sync-token>(.*?)<\/D:sync-token>/.exec(text)?.[1] ?? ''

t.test('RFC 5689 §3: a book is made with all that is said of it', async (t) => {
  const made = await mkcol(
    at('friends'),
    `${BOOK}<D:displayname>My friends</D:displayname><C:addressbook-description>Of old</C:addressbook-description>
     <I:addressbook-color>#ff0000ff</I:addressbook-color><x:dead xmlns:x="urn:x">kept</x:dead>`,
  )
  t.equal(made.status, 201)
  t.match(made.headers['cache-control'], 'no-cache')
  const asked = `<D:prop><D:resourcetype/><D:displayname/><C:addressbook-description/>
    <I:addressbook-color xmlns:I="http://inf-it.com/ns/ab/"/><x:dead xmlns:x="urn:x"/></D:prop>`
  const [row] = rows((await david.propfind(at('friends'), '0', asked)).text)
  t.strictSame(row && propstats(row).map(({ status }) => status), [200])
  t.equal(prop(row, 'D:resourcetype'), '<D:collection/><C:addressbook/>')
  t.equal(prop(row, 'D:displayname'), 'My friends')
  t.equal(prop(row, 'C:addressbook-description'), 'Of old')
  t.match(row?.xml, '#ff0000ff')
  t.match(row?.xml, />kept</)
  t.equal((await mkcol(at('plain'))).status, 201, 'RFC 4918 §9.3: without a body')
  t.equal((await put(`${at('plain')}a.vcf`, vcard(['UID:a', 'FN:A']))).status, 201, 'it is an address book')
  const [first] = rows((await david.propfind(david.home, '1', '<D:prop><D:resourcetype/></D:prop>')).text).slice(1)
  t.equal(first?.href, david.people, 'the merged book is the first')
})

t.test('RFC 5689 §3, RFC 4918 §9.3: what is not made', async (t) => {
  await changesNothing(t, running, organizationId, async () => {
    for (const types of [
      '<D:resourcetype><D:collection/></D:resourcetype>',
      '<D:resourcetype><C:addressbook/></D:resourcetype>',
      '<D:resourcetype/>',
      '<D:resourcetype><D:collection/><x:calendar xmlns:x="urn:x"/></D:resourcetype>',
      '<D:resourcetype><D:collection/><C:addressbook/><x:more xmlns:x="urn:x"/></D:resourcetype>',
    ]) {
      const answer = await mkcol(at('no'), `${types}<D:displayname>No</D:displayname>`)
      t.equal(answer.status, 403, types)
      const [first, rest] = propstats({ xml: answer.text })
      t.match(answer.text, /<D:mkcol-response/)
      t.strictSame([first?.status, first?.condition], [403, 'D:valid-resourcetype'])
      t.strictSame([rest?.status, [...(rest?.props.keys() ?? [])]], [424, ['D:displayname']])
    }
    const wrong = await mkcol(at('no'), `${BOOK}<D:displayname>No</D:displayname><D:getetag>x</D:getetag>`)
    t.equal(wrong.status, 424)
    const [first, ...rest] = propstats({ xml: wrong.text })
    t.equal(rest.length, 1, 'one propstat a status')
    t.strictSame([first?.status, first?.condition], [403, 'D:cannot-modify-protected-property'])
    t.strictSame(first && [...first.props.keys()], ['D:getetag'], 'a live property of another kind is no dead one here')
    t.ok(rest.every(({ status }) => status === 424))
    t.strictSame(rest.flatMap(({ props }) => [...props.keys()]).sort(), ['D:displayname', 'D:resourcetype'])
    for (const path of [at('friends'), david.people]) {
      refused(t, await mkcol(path, BOOK), 405, 'D:resource-must-be-null', path)
    }
    t.equal((await mkcol(`${ryan.home}mine/`, BOOK)).status, 404, "another's home")
    for (const path of ['/dav/', '/dav/books/', david.home, `${at('friends')}inside`, `${at('friends')}inside/`]) {
      t.ok([403, 404, 405].includes((await mkcol(path, BOOK)).status), path)
    }
    t.equal((await mkcol(at('no'), BOOK, { 'content-type': 'text/plain' })).status, 415)
    t.equal((await david.ask('MKCOL', at('no'), { body: '<D:mkcol xmlns:D="DAV:">' })).status, 400, 'no XML')
    t.equal((await david.ask('MKCOL', at('no'), { body: '<D:other xmlns:D="DAV:"/>' })).status, 400)
    t.equal((await mkcol(at('x'.repeat(256)), BOOK)).status, 403, 'a name of 256 bytes')
    const red = await mkcol(at('no'), `${BOOK}<I:addressbook-color>red</I:addressbook-color>`)
    t.strictSame([red.status, propstats({ xml: red.text }).map(({ status }) => status)], [424, [403, 424]])
  })
  t.equal(await status(at('no')), 404)
})

t.test('RFC 4918 §9.2: PROPPATCH of what a book says of itself', async (t) => {
  const done = await patch(
    at('friends'),
    `<D:set><D:prop><C:addressbook-description>New</C:addressbook-description><x:dead xmlns:x="urn:x">more</x:dead></D:prop></D:set>
     <D:remove><D:prop><I:addressbook-color/></D:prop></D:remove>`,
  )
  t.strictSame([done.status, propstats({ xml: done.text }).map(({ status }) => status)], [207, [200]])
  const asked = `<D:prop><C:addressbook-description/><I:addressbook-color xmlns:I="http://inf-it.com/ns/ab/"/></D:prop>`
  const [row] = rows((await david.propfind(at('friends'), '0', asked)).text)
  t.equal(prop(row, 'C:addressbook-description'), 'New')
  t.strictSame(row && propstats(row).map(({ status }) => status), [200, 404], 'the color is gone')
})

t.test('RFC 4918 §9.6: DELETE of a book takes its cards, whose versions are kept', async (t) => {
  await mkcol(at('gone'), BOOK)
  for (const name of ['one', 'two']) await put(`${at('gone')}${name}.vcf`, vcard([`UID:${name}`, `FN:${name}`]))
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  t.teardown(() => client.end())
  const versions = async () =>
    (await client.query("select name from card_version where name in ('one.vcf', 'two.vcf') order by name")).rows.map(
      ({ name }) => name,
    )
  t.strictSame(await versions(), [])
  t.equal((await david.ask('DELETE', at('gone'))).status, 204)
  t.equal(await status(at('gone')), 404)
  t.equal((await david.ask('GET', `${at('gone')}one.vcf`)).status, 404)
  t.strictSame(await versions(), ['one.vcf', 'two.vcf'])
  t.equal((await david.ask('DELETE', at('gone'))).status, 404)
  t.equal((await mkcol(at('gone'), BOOK)).status, 201, 'the name is free')
  t.equal((await david.ask('GET', `${at('gone')}one.vcf`)).status, 404, 'and the new book is empty')
  t.equal((await david.ask('DELETE', at('gone'))).status, 204)
  await changesNothing(t, running, organizationId, async () => {
    refused(t, await david.ask('DELETE', david.people), 403, 'D:need-privileges')
    t.equal((await ryan.ask('DELETE', at('friends'))).status, 404, "another's")
    refused(t, await david.ask('DELETE', david.home), 403, 'D:need-privileges')
  })
})

t.test('RFC 4918 §9.9: MOVE gives a book another address, and everything in it with it', async (t) => {
  await mkcol(at('from'), `${BOOK}<D:displayname>Moving</D:displayname><x:dead xmlns:x="urn:x">kept</x:dead>`)
  const { etag } = (await put(`${at('from')}m.vcf`, vcard(['UID:m', 'FN:M']))).headers
  await mkcol(at('there'), BOOK)
  const move = (path: string, destination: string, headers = {}) =>
    david.ask('MOVE', path, { headers: { destination, ...headers } })
  await changesNothing(t, running, organizationId, async () => {
    t.equal((await move(at('from'), at('there'), { overwrite: 'F' })).status, 412)
    t.equal((await move(at('from'), at('from'))).status, 403, 'the same place')
    t.equal((await move(at('from'), `${ryan.home}mine/`)).status, 404)
    t.equal((await move(at('from'), '/dav/principals/')).status, 403)
    t.equal((await move(at('from'), at('new'), { depth: '0' })).status, 400)
    t.equal((await move(at('none'), at('new'))).status, 404)
    refused(t, await move(david.people, at('new')), 403, 'D:need-privileges')
    refused(t, await move(at('from'), david.people), 403, 'D:need-privileges', 'onto the merged book')
    t.equal((await david.ask('COPY', at('from'), { headers: { destination: at('new') } })).status, 403)
  })
  const moved = await move(at('from'), at('to'))
  t.strictSame([moved.status, moved.headers.location], [201, at('to')])
  t.equal(await status(at('from')), 404)
  const card = await david.ask('GET', `${at('to')}m.vcf`)
  t.strictSame([card.status, card.headers.etag], [200, etag])
  const asked = '<D:prop><D:displayname/><x:dead xmlns:x="urn:x"/></D:prop>'
  const [row] = rows((await david.propfind(at('to'), '0', asked)).text)
  t.strictSame([prop(row, 'D:displayname'), row && propstats(row).length], ['Moving', 1], 'with what is said of it')
  t.equal((await move(at('to'), at('there'))).status, 204, 'over another one')
  t.equal((await david.ask('GET', `${at('there')}m.vcf`)).status, 200)
  t.equal((await david.ask('DELETE', at('there'))).status, 204)
})

t.test('RFC 6578 §3: what changed in a home', async (t) => {
  const first = await homeSync()
  t.equal(first.answer.status, 207)
  t.strictSame(first.books, [david.people, at('friends'), at('plain')].sort())
  t.strictSame([first.gone, first.more], [[], []])
  t.strictSame((await homeSync(first.token)).books, [], 'nothing since')
  await mkcol(at('s1'), BOOK)
  await mkcol(at('s2'), BOOK)
  const second = await homeSync(first.token)
  t.strictSame([second.books, second.gone], [[at('s1'), at('s2')], []])
  await patch(at('s1'), '<D:set><D:prop><D:displayname>Renamed</D:displayname></D:prop></D:set>')
  await david.ask('MOVE', at('s2'), { headers: { destination: at('s3') } })
  await mkcol(at('brief'), BOOK)
  await david.ask('DELETE', at('brief'))
  const third = await homeSync(second.token)
  t.strictSame([third.books, third.gone.filter((href) => href !== at('brief'))], [[at('s1'), at('s3')], [at('s2')]])
  const all = new Set<string>()
  let { token, more } = { token: second.token, more: [''] }
  for (let pages = 0; more.length > 0 && pages < 9; pages++) {
    const page = await homeSync(token, '<D:limit><D:nresults>1</D:nresults></D:limit>')
    for (const href of [...page.books, ...page.gone]) all.add(href)
    t.ok(page.books.length + page.gone.length <= 1)
    ;({ token, more } = page)
    if (more.length > 0) t.strictSame(more, [david.home], 'RFC 6578 §3.6')
  }
  t.strictSame([...all].sort(), [...third.books, ...third.gone].sort(), 'page by page the same')
  t.equal(token, third.token)
  const book = await david.sync()
  const own = (
    await ryan.report(ryan.home, 'D:sync-collection', '<D:sync-token/><D:sync-level>1</D:sync-level><D:prop/>')
  ).text
  for (const foreign of [book.token, bare(own), 'urn:x', 'nonsense']) {
    refused(t, (await homeSync(foreign)).answer, 403, 'D:valid-sync-token', foreign)
  }
})

t.test('A book is exported as one stream of all its cards', async (t) => {
  await mkcol(at('export'), BOOK)
  const cards = Array.from({ length: 450 }, (_, i) => vcard([`UID:e${i}`, `FN:Export ${i}`]))
  for (const [i, card] of cards.entries()) await put(`${at('export')}${String(i).padStart(3, '0')}.vcf`, card)
  const got = await david.ask('GET', at('export'))
  t.equal(got.status, 200)
  t.match(got.headers['content-type'], /^text\/vcard/)
  t.equal(got.text, cards.join(''), 'more than a page, byte for byte')
  const head = await david.ask('HEAD', at('export'))
  t.strictSame([head.status, head.body.length, head.headers['content-type']], [200, 0, got.headers['content-type']])
  const people = (await david.ask('GET', david.people)).text
  t.match(people, 'FN:Ryan Stone')
  t.match((await david.ask('GET', at('export'), { headers: { accept: 'text/vcard;version=4.0' } })).text, 'VERSION:4.0')
  t.equal((await ryan.ask('GET', at('export'))).status, 404)
})
