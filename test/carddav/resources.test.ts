import { randomBytes } from 'node:crypto'
import t from 'tap'
import { changesNothing, condition, julie, prop, propstats, refused, vcard, withLines } from '../support/dav.ts'
import { ask, rows, startKith } from '../support/kith.ts'

const running = await startKith(t)
const { kith, url, organization, device, cardOf } = running
const organizationId = await organization('Space Odyssey', 'spaceodyssey.com', ['David Bowman', 'Ryan Stone'])
const david = await device('david.bowman@spaceodyssey.com')
const { id: davidId } = await kith.users.get('david.bowman@spaceodyssey.com')
const ryan = await cardOf('ryan.stone@spaceodyssey.com')
const COLLECTIONS = ['/dav/', '/dav/principals/', `/dav/principals/${davidId}/`, david.home, david.people]

t.test('RFC 6764 §5: /.well-known/carddav leads every method to the context path, without credentials', async (t) => {
  for (const method of ['GET', 'HEAD', 'PROPFIND', 'OPTIONS', 'POST', 'PUT', 'REPORT', 'PROPPATCH']) {
    const { status, headers } = await ask(url, method, '/.well-known/carddav', { headers: { host: 'evil.example' } })
    t.strictSame([status, headers.location], [301, '/dav/'], method)
  }
  for (const path of ['/', '/principals/']) {
    const { status, headers } = await ask(url, 'PROPFIND', path, { headers: { depth: '0' } })
    t.strictSame([status, headers.location], [301, '/dav/'], path)
  }
})

t.test('RFC 7617 §2: whoever is not known is challenged', async (t) => {
  for (const method of [
    'GET',
    'HEAD',
    'PROPFIND',
    'OPTIONS',
    'PUT',
    'DELETE',
    'REPORT',
    'PROPPATCH',
    'MKCOL',
    'LOCK',
  ]) {
    const { status, headers } = await ask(url, method, david.people + ryan, { headers: { depth: '0' } })
    t.equal(status, 401, method)
    t.match(headers['www-authenticate'], /^Basic realm="[^"]+", charset="UTF-8"$/)
  }
})

t.test('RFC 5397 §3, RFC 6352 §7.1.1: from the root to the principal, the home and the people book', async (t) => {
  const asked = '<D:prop><D:current-user-principal/></D:prop>'
  for (const path of ['/dav', ...COLLECTIONS]) {
    const [row] = rows((await david.propfind(path, '0', asked)).text)
    t.equal(prop(row, 'D:current-user-principal'), `<D:href>/dav/principals/${davidId}/</D:href>`, path)
  }
  const home = await david.propfind(`/dav/principals/${davidId}/`, '0', '<D:prop><C:addressbook-home-set/></D:prop>')
  t.equal(prop(rows(home.text)[0], 'C:addressbook-home-set'), `<D:href>${david.home}</D:href>`)
  const books = rows((await david.propfind(david.home, '1', '<D:prop><D:resourcetype/></D:prop>')).text)
  t.strictSame(books.map(({ href }) => href).slice(0, 2), [david.home, david.people], 'people comes first')
  t.equal(prop(books[1], 'D:resourcetype'), '<D:collection/><C:addressbook/>')
})

t.test('RFC 4918 §9.1: PROPFIND of named properties', async (t) => {
  const asked = '<D:prop><x:unknown xmlns:x="urn:x"/><D:getetag/><none xmlns=""/><D:resourcetype/></D:prop>'
  const answer = await david.propfind(david.people, '1', asked)
  t.equal(answer.status, 207)
  t.match(answer.headers['content-type'], /^application\/xml/)
  const all = rows(answer.text)
  t.strictSame(all.map(({ href }) => href).sort(), [david.people, ...(await david.list()).keys()].sort())
  const card = all.find(({ href }) => href.endsWith(ryan))
  const [found, missing] = card ? propstats(card) : []
  t.strictSame([found?.status, [...(found?.props.keys() ?? [])].sort()], [200, ['D:getetag', 'D:resourcetype']])
  t.strictSame([missing?.status, [...(missing?.props.keys() ?? [])].sort()], [404, ['X:unknown', 'none']])
  const [book] = rows((await david.propfind(david.people, '0', '<D:prop><D:getetag/></D:prop>')).text)
  t.strictSame(book && propstats(book).map(({ status }) => status), [404])
  t.equal((await david.propfind(`${david.home}none/`, '0', '<D:allprop/>')).status, 404)
  t.equal((await david.propfind(`${david.people}none.vcf`, '0', '<D:allprop/>')).status, 404)
})

t.test('RFC 4918 §9.1: PROPFIND of allprop, include, propname, and of nothing', async (t) => {
  const names = async (inner: string, path = david.people) =>
    [
      ...(propstats(rows((await david.propfind(path, '0', inner)).text)[0] ?? { xml: '' })[0]?.props.keys() ?? []),
    ].sort()
  const all = await names('<D:allprop/>')
  t.strictSame(all, ['D:creationdate', 'D:displayname', 'D:lockdiscovery', 'D:resourcetype', 'D:supportedlock'])
  t.strictSame(await names('<D:allprop/><D:include><D:sync-token/><CS:getctag/></D:include>'), [
    ...['CS:getctag', ...all, 'D:sync-token'],
  ])
  const known = await names('<D:propname/>')
  for (const one of [...all, 'C:max-resource-size', 'D:current-user-privilege-set', 'D:supported-report-set']) {
    t.ok(known.includes(one), one)
  }
  const nameless = rows((await david.propfind(david.people, '0', '<D:propname/>')).text)[0]
  t.ok(nameless && [...(propstats(nameless)[0]?.props.values() ?? [])].every((value) => value === ''))
  const empty = await david.ask('PROPFIND', david.people, { headers: { depth: '0' } })
  t.strictSame([...(propstats(rows(empty.text)[0] ?? { xml: '' })[0]?.props.keys() ?? [])].sort(), all)
  t.strictSame(await names('<D:allprop/>', david.people + ryan), [
    ...[
      'D:getcontentlength',
      'D:getcontenttype',
      'D:getetag',
      'D:getlastmodified',
      'D:lockdiscovery',
      'D:resourcetype',
      'D:supportedlock',
    ],
  ])
})

t.test('RFC 4918 §9.1: Depth', async (t) => {
  for (const depth of ['infinity', undefined]) {
    for (const path of COLLECTIONS) {
      const answer = await david.ask('PROPFIND', path, { headers: { depth } })
      refused(t, answer, 403, 'D:propfind-finite-depth', `${depth} on ${path}`)
    }
    t.equal(
      (await david.ask('PROPFIND', david.people + ryan, { headers: { depth } })).status,
      207,
      'a card has no inside',
    )
  }
  t.equal((await david.propfind(david.people, '2', '<D:allprop/>')).status, 400)
  t.equal(rows((await david.propfind(david.people, '0', '<D:allprop/>')).text).length, 1)
  t.equal(rows((await david.propfind('/dav/', '1', '<D:allprop/>')).text).length, 4)
})

t.test('RFC 6352 §10.4: address-data in PROPFIND, as some clients ask', async (t) => {
  const answer = await david.propfind(david.people, '1', '<D:prop><D:getetag/><C:address-data/></D:prop>')
  const row = rows(answer.text).find(({ href }) => href.endsWith(ryan))
  t.equal(row?.card, (await david.get(ryan)).text)
  const four = '<D:prop><C:address-data content-type="text/vcard" version="4.0"/></D:prop>'
  const [card] = rows((await david.propfind(david.people + ryan, '0', four)).text)
  t.equal(card?.card, (await david.get(ryan, { accept: 'text/vcard; version=4.0' })).text)
  const five = '<D:prop><C:address-data content-type="text/vcard" version="5.0"/></D:prop>'
  refused(t, await david.propfind(david.people, '1', five), 403, 'C:supported-address-data')
})

t.test('RFC 6352 §6.2, RFC 6578 §4, RFC 3253 §3.1.5: what clients look up of a book', async (t) => {
  const inner = `<D:prop><C:supported-address-data/><C:max-resource-size/><C:supported-collation-set/>
    <D:supported-report-set/><D:sync-token/><CS:getctag/><D:owner/><D:current-user-privilege-set/></D:prop>`
  const [row] = rows((await david.propfind(david.people, '0', inner)).text)
  t.strictSame(row && propstats(row).map(({ status }) => status), [200])
  t.match(prop(row, 'C:supported-address-data'), /content-type="text\/vcard" version="3\.0".*version="4\.0"/)
  t.match(prop(row, 'C:max-resource-size'), /^\d+$/)
  for (const name of ['i;ascii-casemap', 'i;unicode-casemap']) {
    t.match(prop(row, 'C:supported-collation-set'), `<C:supported-collation>${name}</C:supported-collation>`)
  }
  for (const name of ['C:addressbook-query', 'C:addressbook-multiget', 'D:sync-collection']) {
    t.match(
      prop(row, 'D:supported-report-set'),
      `<D:supported-report><D:report><${name}/></D:report></D:supported-report>`,
    )
  }
  t.equal(prop(row, 'D:sync-token'), prop(row, 'CS:getctag'))
  t.equal(prop(row, 'D:owner'), `<D:href>/dav/principals/${davidId}/</D:href>`)
  t.match(prop(row, 'D:current-user-privilege-set'), '<D:privilege><D:bind/></D:privilege>')
})

t.test('RFC 4918 §9.2: PROPPATCH sets all properties or none', async (t) => {
  const patch = (inner: string, path = david.people) =>
    david.ask('PROPPATCH', path, {
      body: `<D:propertyupdate xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">${inner}</D:propertyupdate>`,
    })
  const set = (props: string) => `<D:set><D:prop>${props}</D:prop></D:set>`
  const name = async () =>
    prop(rows((await david.propfind(david.people, '0', '<D:prop><D:displayname/></D:prop>')).text)[0], 'D:displayname')
  const done = await patch(set('<D:displayname>Everybody &amp; me</D:displayname>'))
  t.equal(done.status, 207)
  t.strictSame(
    propstats(rows(done.text)[0] ?? { xml: '' }).map(({ status }) => status),
    [200],
  )
  t.equal(await name(), 'Everybody &amp; me')

  await changesNothing(t, running, organizationId, async () => {
    const mixed = await patch(set('<D:displayname>No</D:displayname><D:resourcetype>x</D:resourcetype><D:sync-token/>'))
    t.equal(mixed.status, 207)
    const [protectedOnes, others] = propstats(rows(mixed.text)[0] ?? { xml: '' })
    t.strictSame([protectedOnes?.status, protectedOnes?.condition], [403, 'D:cannot-modify-protected-property'])
    t.ok(protectedOnes?.props.has('D:sync-token'))
    t.strictSame([others?.status, [...(others?.props.keys() ?? [])]], [424, ['D:displayname']])
    const unknown = await patch(
      `${set('<x:a xmlns:x="urn:x">1</x:a>')}${set('<D:displayname>No</D:displayname>')}`,
      `/dav/principals/${davidId}/`,
    )
    t.strictSame(
      propstats(rows(unknown.text)[0] ?? { xml: '' }).map(({ status, condition }) => [status, condition]),
      [
        [403, 'D:cannot-modify-protected-property'],
        [403, undefined],
      ],
      'a property that is not kept is no protected one',
    )
    t.equal(await name(), 'Everybody &amp; me')
    for (const path of [david.home, `/dav/principals/${davidId}/`]) {
      const answer = await patch(set('<D:displayname>No</D:displayname>'), path)
      t.strictSame([answer.status, propstats(rows(answer.text)[0] ?? { xml: '' })[0]?.status], [207, 403], path)
    }
    t.equal((await patch(set('<D:displayname>No</D:displayname>'), `${david.people}none.vcf`)).status, 404)
    t.equal((await patch('')).status, 400)
    t.equal((await patch('<D:set/>')).status, 400)
    const gone = await patch('<D:remove><D:prop><x:never xmlns:x="urn:x"/></D:prop></D:remove>')
    t.strictSame(
      propstats(rows(gone.text)[0] ?? { xml: '' }).map(({ status }) => status),
      [200],
      'RFC 4918 §14.23: removing a property that is not there is no error',
    )
  })
})

t.test('RFC 6352 §6.1: OPTIONS says addressbook; RFC 9110 §15.5.6: 405 comes with Allow', async (t) => {
  for (const path of [david.home, david.people, david.people + ryan]) {
    const { status, headers } = await david.ask('OPTIONS', path)
    t.ok(status === 200 || status === 204)
    t.ok(String(headers.dav).split(/, */).includes('addressbook'))
    t.match(headers.allow, /PROPFIND/)
    t.equal(/\bPUT\b/.test(headers.allow ?? ''), path.endsWith('.vcf'), `Allow is about ${path}`)
  }
  await changesNothing(t, running, organizationId, async () => {
    for (const method of ['MKCOL', 'ACL', 'POST', 'PATCH', 'TRACE']) {
      const { status, headers } = await david.ask(method, david.people + ryan)
      t.equal(status, 405, method)
      t.match(headers.allow, /OPTIONS/)
      t.notOk(headers.allow?.split(', ').includes(method))
    }
    const answer = await david.ask('PUT', david.people, { body: julie })
    t.equal(answer.status, 405, 'PUT of a book')
    t.notOk(answer.headers.allow?.split(', ').includes('PUT'))
    for (const method of ['GET', 'POST'])
      t.equal((await david.ask(method, david.home)).status, 405, `${method} of a home`)
    t.equal((await david.ask('DELETE', david.people)).status, 403, 'the merged book stays')
  })
})

t.test('RFC 9110 §13: conditions on GET and HEAD', async (t) => {
  const first = await david.get(ryan)
  const { etag = '', 'last-modified': modified = '' } = first.headers
  t.match(etag, /^"[^"]+"$/, 'strong')
  t.match(first.headers['content-type'], /^text\/vcard; ?charset=utf-8/)
  t.equal(first.headers['content-disposition'], 'attachment')
  t.equal(first.headers.vary, 'Accept')
  const head = await david.ask('HEAD', david.people + ryan)
  t.strictSame(
    [head.status, head.headers.etag, head.headers['content-length'], head.body.length],
    [200, etag, String(first.body.length), 0],
  )
  const later = new Date(Date.parse(modified) + 5_000).toUTCString()
  const earlier = new Date(Date.parse(modified) - 5_000).toUTCString()
  const cases: [Record<string, string>, number][] = [
    [{ 'if-none-match': etag }, 304],
    [{ 'if-none-match': `W/${etag}` }, 304],
    [{ 'if-none-match': `"x", ${etag}` }, 304],
    [{ 'if-none-match': '*' }, 304],
    [{ 'if-none-match': '"x"' }, 200],
    [{ 'if-none-match': etag.replace(/"$/, '.4"') }, 200],
    [{ 'if-none-match': '"x"', 'if-modified-since': later }, 200],
    [{ 'if-modified-since': modified }, 304],
    [{ 'if-modified-since': later }, 304],
    [{ 'if-modified-since': earlier }, 200],
    [{ 'if-modified-since': 'yesterday' }, 200],
    [{ 'if-match': etag }, 200],
    [{ 'if-match': '*' }, 200],
    [{ 'if-match': etag.replace(/"$/, '.4"') }, 200],
    [{ 'if-match': `W/${etag}` }, 412],
    [{ 'if-match': '"x"' }, 412],
    [{ 'if-match': '' }, 412],
    [{ 'if-unmodified-since': earlier }, 412],
    [{ 'if-unmodified-since': modified }, 200],
    [{ 'if-unmodified-since': earlier, 'if-match': etag }, 200],
  ]
  for (const [headers, status] of cases) {
    const answer = await david.get(ryan, headers)
    t.equal(answer.status, status, JSON.stringify(headers))
    if (status === 304) {
      t.equal(answer.headers.etag, etag)
      t.equal(answer.body.length, 0)
    }
  }
})

t.test('RFC 6352 §5.1.1: the version that Accept names, with a tag of its own', async (t) => {
  const plain = (await david.get(ryan)).headers.etag ?? ''
  const variant = plain.replace(/"$/, '.4"')
  for (const accept of ['*/*', 'text/vcard', 'text/vcard;version=3.0', 'text/vcard; version="3.0"']) {
    const answer = await david.get(ryan, { accept })
    t.match(answer.text, /^BEGIN:VCARD\r\nVERSION:3\.0/, accept)
    t.equal(answer.headers.etag, plain)
  }
  const davx5 = 'text/vcard;version=4.0, text/vcard;charset=UTF-8;q=0.8, text/x-vcard'
  for (const accept of ['text/vcard;version=4.0', 'text/vcard; charset=utf-8; version="4.0"', davx5]) {
    const answer = await david.get(ryan, { accept })
    t.match(answer.text, /^BEGIN:VCARD\r\nVERSION:4\.0/, accept)
    t.equal(answer.headers.etag, variant)
    t.equal((await david.get(ryan, { accept, 'if-none-match': variant })).status, 304)
    t.equal(
      (await david.get(ryan, { accept, 'if-none-match': plain })).status,
      200,
      'another rendering is not the same',
    )
  }
  const four = vcard(['UID:four', 'FN:Four', 'GENDER:F'], '4.0')
  const { etag } = (await david.put('four.vcf', four)).headers
  t.equal((await david.get('four.vcf')).text, four, 'as stored')
  t.equal((await david.get('four.vcf', { accept: 'text/vcard;version=4.0' })).headers.etag, etag)
  const three = await david.get('four.vcf', { accept: 'text/vcard;version=3.0' })
  t.match(three.text, /VERSION:3\.0/)
  t.equal(three.headers.etag, etag?.replace(/"$/, '.3"'))
  t.equal(
    (await david.delete('four.vcf', { 'if-match': three.headers.etag })).status,
    204,
    'any suffix is the same card',
  )
})

t.test('RFC 9110 §13: conditions on PUT and DELETE', async (t) => {
  const changed = withLines(julie, 'NOTE:2')
  const created = await david.put('c.vcf', julie, { 'if-none-match': '*' })
  const { etag = '' } = created.headers
  t.equal(created.status, 201)
  t.match(etag, /^"[^"]+"$/)
  t.equal((await david.get('c.vcf')).headers.etag, etag)
  const since = (await david.get('c.vcf')).headers['last-modified'] ?? ''
  const before = new Date(Date.parse(since) - 10_000).toUTCString()
  const refusedOnes: Record<string, string>[] = [
    { 'if-none-match': '*' },
    { 'if-none-match': etag },
    { 'if-match': '"x"' },
    { 'if-match': `W/${etag}` },
    { 'if-unmodified-since': before },
  ]
  await changesNothing(t, running, organizationId, async () => {
    for (const headers of refusedOnes) {
      t.equal((await david.put('c.vcf', changed, headers)).status, 412, `PUT ${JSON.stringify(headers)}`)
      t.equal((await david.delete('c.vcf', headers)).status, 412, `DELETE ${JSON.stringify(headers)}`)
    }
    for (const headers of [{ 'if-match': '*' }, { 'if-match': etag }]) {
      t.equal((await david.put('none.vcf', vcard(['UID:n', 'FN:N']), headers)).status, 412, 'there is no such card')
      t.equal((await david.delete('none.vcf', headers)).status, 412)
    }
    t.equal((await david.delete('none.vcf')).status, 404)
    t.equal((await david.put('c.vcf', julie, { 'content-range': 'bytes 0-9/10' })).status, 400, 'RFC 9110 §14.5')
  })
  t.equal((await david.get('c.vcf')).text, julie)
  t.equal((await david.put('c.vcf', changed, { 'if-match': etag.replace(/"$/, '.4"') })).status, 204)
  t.equal((await david.put('c.vcf', julie, { 'if-match': '*' })).status, 204)
  const again = await david.put('c.vcf', changed, { 'if-unmodified-since': new Date(Date.now() + 5_000).toUTCString() })
  t.equal(again.status, 204)
  t.equal((await david.delete('c.vcf', { 'if-match': again.headers.etag })).status, 204)
  t.equal((await david.get('c.vcf')).status, 404)
})

t.test('An identical PUT keeps the ETag and writes no journal row', async (t) => {
  const first = await david.put('same.vcf', julie)
  await changesNothing(t, running, organizationId, async () => {
    const second = await david.put('same.vcf', julie)
    t.strictSame([second.status, second.headers.etag], [204, first.headers.etag])
  })
  await david.delete('same.vcf')
  const mine = withLines((await david.get(ryan)).text, 'NOTE:mine')
  t.equal((await david.put(ryan, mine)).status, 204)
  const { etag } = (await david.get(ryan)).headers
  await changesNothing(t, running, organizationId, async () => {
    t.equal((await david.put(ryan, mine)).status, 204)
    t.equal((await david.put(ryan, mine, { 'if-match': etag })).status, 204)
  })
  t.equal((await david.get(ryan)).headers.etag, etag)
  await david.delete(ryan)
})

t.test('A card without a UID gets one, and the answer no ETag', async (t) => {
  const created = await david.put('bare.vcf', vcard(['FN:Bare']))
  t.strictSame([created.status, created.headers.etag], [201, undefined])
  const { text } = await david.get('bare.vcf')
  const uid = /^UID:(.+)$/m.exec(text)?.[1]?.trim()
  t.ok(uid)
  const changed = await david.put('bare.vcf', vcard(['FN:Barer']))
  t.strictSame([changed.status, changed.headers.etag], [204, undefined])
  t.match((await david.get('bare.vcf')).text, `UID:${uid}\r\n`, 'it keeps it')
  await david.delete('bare.vcf')
})

t.test('A name is any UTF-8 up to 255 bytes, and comes back as it is', async (t) => {
  const names = [
    'a b.vcf',
    'Zoë 😀.vcf',
    '100%.vcf',
    "it's (1);x=y,z&+@:$!*.vcf",
    '#?.vcf',
    '\u00e9e\u0301.vcf',
    '...',
    '%2F',
  ]
  const longest = [`${'x'.repeat(251)}.vcf`, `${'é'.repeat(125)}.vcf`]
  for (const name of [...names, ...longest]) {
    const put = await david.put(name, vcard([`UID:${Buffer.from(name).toString('hex').slice(-200)}`, 'FN:N']))
    t.equal(put.status, 201, name)
    const href = [...(await david.list()).keys()].find((one) => decodeURIComponent(one) === david.people + name)
    t.ok(href, 'it is listed')
    t.equal((await david.ask('GET', href ?? '')).status, 200, 'at the href of the listing')
    t.equal((await david.ask('DELETE', href ?? '')).status, 204)
  }
  await changesNothing(t, running, organizationId, async () => {
    t.equal((await david.put(`${'é'.repeat(126)}.vcf`, vcard(['UID:l', 'FN:L']))).status, 403, '256 bytes')
    for (const raw of [
      'a%2Fb.vcf',
      '..',
      '.',
      '%2e%2e',
      '%2E',
      'a%00.vcf',
      '%00',
      'a%0Ab',
      '%7F',
      '%ff.vcf',
      '%zz.vcf',
      'a//b',
      '/',
    ]) {
      const put = await david.ask('PUT', david.people + raw, { body: vcard(['UID:b', 'FN:B']) })
      t.ok([400, 404, 405].includes(put.status), `${raw} → ${put.status}`)
    }
  })
})

t.test('RFC 6352 §6.3.2.1: preconditions of PUT', async (t) => {
  await david.put('one.vcf', vcard(['UID:one', 'FN:One']))
  await changesNothing(t, running, organizationId, async () => {
    const conflict = await david.put('two.vcf', vcard(['UID:one', 'FN:Two']))
    refused(t, conflict, 403, 'C:no-uid-conflict')
    t.match(conflict.text, `<D:href>${david.people}one.vcf</D:href>`)
    const changed = await david.put('one.vcf', vcard(['UID:two', 'FN:One']))
    refused(t, changed, 403, 'C:no-uid-conflict', 'a changed UID')
    const bad: [string, string | Uint8Array, string][] = [
      ['no card', 'hello', 'C:valid-address-data'],
      ['nothing', '', 'C:valid-address-data'],
      ['two cards', `${vcard(['UID:a', 'FN:A'])}${vcard(['UID:b', 'FN:B'])}`, 'C:valid-address-data'],
      ['no end', 'BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A\r\n', 'C:valid-address-data'],
      ['a calendar', 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n', 'C:valid-address-data'],
      ['a NUL', vcard(['UID:n', 'FN:A\0B']), 'C:valid-address-data'],
      ['Latin-1', Buffer.from(vcard(['UID:l', 'FN:Zo\xeb']), 'latin1'), 'C:valid-address-data'],
      ['UTF-16', Buffer.from(vcard(['UID:u', 'FN:U']), 'utf16le'), 'C:valid-address-data'],
      ['an endless UID', vcard([`UID:${randomBytes(4_000).toString('hex')}`, 'FN:U']), 'C:valid-address-data'],
      ['version 2.1', vcard(['UID:t', 'FN:T'], '2.1'), 'C:supported-address-data'],
    ]
    for (const [what, body, element] of bad) refused(t, await david.put('bad.vcf', body), 403, element, what)
    for (const type of ['text/plain', 'text/calendar', 'application/json']) {
      const answer = await david.put('bad.vcf', julie, { 'content-type': type })
      refused(t, answer, 403, 'C:supported-address-data', type)
    }
    const huge = await david.put('huge.vcf', vcard(['UID:h', `NOTE:${'x'.repeat(10 * 1024 * 1024)}`]))
    refused(t, huge, 403, 'C:max-resource-size')
  })
  t.equal((await david.put('typeless.vcf', vcard(['UID:typeless', 'FN:T']), { 'content-type': undefined })).status, 201)
  t.equal(condition(await david.get('none.vcf')), undefined)
})

t.test('RFC 4918 §9.6.1: DELETE of a book takes what is in it, whatever Depth says', async (t) => {
  for (const depth of ['0', 'infinity', undefined]) {
    const book = `${david.home}gone-${depth}/`
    const headers = depth === undefined ? {} : { depth }
    t.equal((await david.ask('MKCOL', book)).status, 201)
    t.equal((await david.ask('PUT', `${book}one.vcf`, { body: vcard(['UID:one', 'FN:One']) })).status, 201)
    t.equal((await david.ask('DELETE', book, { headers })).status, 204, `Depth: ${depth}`)
    t.equal((await david.ask('GET', `${book}one.vcf`)).status, 404)
  }
})

t.test('RFC 9110 §13.1.4: what the date was held against is what is replaced, whoever else writes', async (t) => {
  const since = { 'if-unmodified-since': new Date(Date.now() + 60_000).toUTCString() }
  await david.put('raced.vcf', vcard(['UID:raced', 'FN:0']))
  const puts = Array.from({ length: 20 }, (_, at) =>
    david.put('raced.vcf', vcard(['UID:raced', `FN:${at + 1}`]), since),
  )
  const statuses = (await Promise.all(puts)).map(({ status }) => status)
  t.ok(statuses.includes(204) && statuses.includes(412), statuses.join(' '))
  t.ok(statuses.every((status) => status === 204 || status === 412))
  t.equal((await david.delete('raced.vcf', since)).status, 204)
  const shown = (await david.get(ryan)).text
  t.equal((await david.put(ryan, withLines(shown, 'NOTE:mine'), since)).status, 204, 'over a colleague’s card')
  t.equal((await david.delete(ryan, since)).status, 204)
})
