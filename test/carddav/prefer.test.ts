import t from 'tap'
import { changesNothing, prop, propstats, refused, vcard, withLines } from '../support/dav.ts'
import { rows, startKith } from '../support/kith.ts'

const running = await startKith(t)
const { organization, device, cardOf } = running
const organizationId = await organization('Space Odyssey', 'spaceodyssey.com', ['David Bowman', 'Ryan Stone'])
const david = await device('david.bowman@spaceodyssey.com')
const other = await device('ryan.stone@spaceodyssey.com')
const ryan = await cardOf('ryan.stone@spaceodyssey.com')
const { home, people } = david
const MINIMAL = { prefer: 'return=minimal' }
const REPRESENTATION = { prefer: 'return=representation' }
const NAMESPACES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"'
const PROPS = '<D:prop><D:getetag/><D:displayname/><x:none xmlns:x="urn:x"/></D:prop>'
const propfind = (path: string, depth: string, headers: Record<string, string>, inner = PROPS) =>
  david.ask('PROPFIND', path, {
    headers: { depth, ...headers },
    body: `<D:propfind ${NAMESPACES}>${inner}</D:propfind>`,
  })

t.test('RFC 8144 §2.1: a minimal multistatus says nothing of what is not there', async (t) => {
  await david.put('a.vcf', vcard(['UID:a', 'FN:A']))
  const query = `${PROPS}<C:filter><C:prop-filter name="FN"/></C:filter>`
  const multiget = `${PROPS}<D:href>${people}a.vcf</D:href><D:href>${people}none.vcf</D:href>`
  const sync = `<D:sync-token/><D:sync-level>1</D:sync-level>${PROPS}`
  const asks = [
    (headers: Record<string, string>) => propfind(people, '1', headers),
    (headers: Record<string, string>) => david.report(people, 'C:addressbook-query', query, headers),
    (headers: Record<string, string>) => david.report(people, 'C:addressbook-multiget', multiget, headers),
    (headers: Record<string, string>) => david.report(people, 'D:sync-collection', sync, headers),
  ]
  for (const [i, one] of asks.entries()) {
    const whole = await one({})
    const minimal = await one(MINIMAL)
    t.strictSame([whole.status, minimal.status], [207, 207])
    t.equal(whole.headers['preference-applied'], undefined)
    t.equal(minimal.headers['preference-applied'], 'return=minimal')
    const found = (text: string) =>
      rows(text).map((row) => [row.href, prop(row, 'D:getetag') ?? prop(row, 'D:displayname')])
    t.strictSame(found(minimal.text), found(whole.text), `${i}: what is there is the same, and every row`)
    t.match(whole.text, ' 404 ')
    for (const row of rows(minimal.text)) t.notMatch(row.xml, /<D:propstat>(?!.*?200 OK)/s)
    t.equal(
      rows(minimal.text).some(({ href, status }) => href.endsWith('none.vcf') && status === 404),
      i === 2,
    )
  }
  const nothing = await propfind(people, '0', MINIMAL, '<D:prop><x:none xmlns:x="urn:x"/></D:prop>')
  const [row] = rows(nothing.text)
  t.strictSame(row && [row.href, propstats(row)], [people, [{ status: 200, props: new Map() }]], 'an empty prop')
})

t.test('RFC 8144 §2.2, §2.3: a minimal PROPPATCH and MKCOL have no body', async (t) => {
  const patch = (inner: string) =>
    david.ask('PROPPATCH', people, {
      headers: MINIMAL,
      body: `<D:propertyupdate ${NAMESPACES}><D:set><D:prop>${inner}</D:prop></D:set></D:propertyupdate>`,
    })
  const done = await patch('<D:displayname>Mine</D:displayname>')
  t.strictSame([done.status, done.headers['preference-applied'], done.body.length], [200, 'return=minimal', 0])
  const mixed = await patch('<D:displayname>No</D:displayname><D:getetag>x</D:getetag>')
  t.equal(mixed.status, 207, 'a refusal is told in full')
  t.match(mixed.text, 'cannot-modify-protected-property')
  const mkcol = (name: string, inner: string) =>
    david.ask('MKCOL', `${home}${name}/`, {
      headers: { ...MINIMAL, 'content-type': 'application/xml' },
      body: `<D:mkcol ${NAMESPACES}><D:set><D:prop>${inner}</D:prop></D:set></D:mkcol>`,
    })
  const book = '<D:resourcetype><D:collection/><C:addressbook/></D:resourcetype>'
  const made = await mkcol('made', book)
  t.strictSame([made.status, made.headers['preference-applied'], made.body.length], [201, 'return=minimal', 0])
  const failed = await mkcol('failed', `${book}<D:getetag>x</D:getetag>`)
  t.equal(failed.status, 424)
  t.match(failed.text, 'cannot-modify-protected-property')
})

t.test('RFC 7240 §4.2, RFC 8144 §3: PUT answers with the card', async (t) => {
  const card = vcard(['UID:p', 'FN:P'])
  const created = await david.put('p.vcf', card, REPRESENTATION)
  t.strictSame([created.status, created.text], [201, card])
  t.equal(created.headers['preference-applied'], 'return=representation')
  t.match(created.headers['content-type'], /^text\/vcard/)
  t.equal(created.headers.etag, (await david.get('p.vcf')).headers.etag)
  t.equal(
    created.headers['content-location'],
    `${people}p.vcf`,
    'RFC 9110 §8.7: it says what this is a representation of',
  )
  const changed = await david.put('p.vcf', withLines(card, 'NOTE:1'), REPRESENTATION)
  t.strictSame([changed.status, changed.text], [200, withLines(card, 'NOTE:1')])
  await changesNothing(t, running, organizationId, async () => {
    for (const headers of [{ 'if-match': created.headers.etag }, { 'if-none-match': '*' }]) {
      const failed = await david.put('p.vcf', card, { ...REPRESENTATION, ...headers })
      t.strictSame([failed.status, failed.text], [412, withLines(card, 'NOTE:1')], 'RFC 8144 §3.2: what is there now')
      t.equal(failed.headers.etag, changed.headers.etag)
      t.equal(failed.headers['preference-applied'], 'return=representation')
      const plain = await david.put('p.vcf', card, headers)
      t.strictSame([plain.status, plain.headers.etag], [412, undefined])
    }
    t.equal((await david.put('none.vcf', card, { ...REPRESENTATION, 'if-match': '*' })).status, 412, 'nothing is there')
  })
  const seen = (await david.get(ryan)).text
  const merged = await david.put(ryan, withLines(seen, 'NOTE:mine'), REPRESENTATION)
  const got = await david.get(ryan)
  t.strictSame([merged.status, merged.text, merged.headers.etag], [200, got.text, got.headers.etag], 'as it is served')
  const nameless = await david.put('u.vcf', vcard(['FN:U']), REPRESENTATION)
  t.match(nameless.text, /^UID:/m, 'with the UID that was made')
})

t.test('RFC 8144 §4 (depth-noroot): a listing without the collection itself', async (t) => {
  const all = rows((await propfind(people, '1', {})).text).map(({ href }) => href)
  const without = await propfind(people, '1', { prefer: 'depth-noroot' })
  t.strictSame(
    rows(without.text).map(({ href }) => href),
    all.filter((href) => href !== people),
  )
  t.equal(without.headers['preference-applied'], 'depth-noroot')
  const both = await propfind(home, '1', { prefer: 'return=minimal, depth-noroot' })
  t.equal(both.headers['preference-applied'], 'return=minimal, depth-noroot')
  t.notOk(rows(both.text).some(({ href }) => href === home))
  const zero = await propfind(people, '0', { prefer: 'depth-noroot' })
  t.strictSame([rows(zero.text).length, zero.headers['preference-applied']], [1, undefined], 'not at Depth 0')
})

t.test('RFC 5995 §3: POST adds a card under a name of ours', async (t) => {
  const [row] = rows((await propfind(people, '0', {}, '<D:prop><D:add-member/></D:prop>')).text)
  const href = /<D:href>(.*?)<\/D:href>/.exec(prop(row, 'D:add-member') ?? '')?.[1] ?? ''
  t.ok(href)
  const post = (body: string | Uint8Array, headers: Record<string, string | undefined> = {}) =>
    david.ask('POST', href, { headers: { 'content-type': 'text/vcard', ...headers }, body })
  const card = vcard(['UID:posted', 'FN:Posted'])
  const posted = await post(card)
  t.equal(posted.status, 201)
  const { location = '', etag } = posted.headers
  t.ok(location.startsWith(people) && location.endsWith('.vcf'))
  const got = await david.ask('GET', location)
  t.strictSame([got.status, got.text, got.headers.etag], [200, card, etag])
  const whole = await post(vcard(['UID:posted2', 'FN:Posted']), REPRESENTATION)
  t.strictSame([whole.status, whole.headers['content-location']], [201, whole.headers.location])
  await changesNothing(t, running, organizationId, async () => {
    const conflict = await post(card)
    refused(t, conflict, 403, 'C:no-uid-conflict')
    t.match(conflict.text, `<D:href>${location}</D:href>`)
    refused(t, await post('no card'), 403, 'C:valid-address-data')
    refused(t, await post(vcard(['UID:o', 'FN:O'], '2.1')), 403, 'C:supported-address-data')
    refused(t, await post(card, { 'content-type': 'text/plain' }), 403, 'C:supported-address-data')
    refused(t, await post(vcard(['UID:h', `NOTE:${'x'.repeat(10 * 1024 * 1024)}`])), 403, 'C:max-resource-size')
    t.equal((await other.ask('POST', href, { headers: { 'content-type': 'text/vcard' }, body: card })).status, 404)
    t.equal(
      (await david.ask('POST', `${home}none/`, { headers: { 'content-type': 'text/vcard' }, body: card })).status,
      404,
    )
  })
})
