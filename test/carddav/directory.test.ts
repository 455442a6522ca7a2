import t from 'tap'
import { changesNothing, condition, prop, propstats, refused, vcard, withLines } from '../support/dav.ts'
import { ask, rows, startKith } from '../support/kith.ts'

const running = await startKith(t)
const { kith, url, organization, device, cardOf } = running
const organizationId = await organization('Space Odyssey', 'spaceodyssey.com', [
  'David Bowman',
  'Ryan Stone',
  'Zoë Ångström',
])
const elsewhere = await organization('Elsewhere', 'elsewhere.com', ['Eve Stone'])
const david = await device('david.bowman@spaceodyssey.com')
const eve = await device('eve.stone@elsewhere.com')
const ryan = await cardOf('ryan.stone@spaceodyssey.com')
const zoe = await cardOf('zoë.ångström@spaceodyssey.com')
const eves = await cardOf('eve.stone@elsewhere.com')
const DIRECTORY = `/dav/directories/${organizationId}/`
const ADDRESS_DATA = '<D:prop><D:getetag/><C:address-data/></D:prop>'
await kith.users.setScope(await kith.users.get('david.bowman@spaceodyssey.com'), 'none')

const match = (text: string, property = 'FN', attributes = ''): string =>
  `<C:prop-filter name="${property}"><C:text-match ${attributes}>${text}</C:text-match></C:prop-filter>`
const query = (filter: string, limit = '', test = 'anyof') =>
  david.report(DIRECTORY, 'C:addressbook-query', `${ADDRESS_DATA}<C:filter test="${test}">${filter}</C:filter>${limit}`)
const found = async (filter: string, limit = '', test = 'anyof') =>
  rows((await query(filter, limit, test)).text).map(({ href }) => href)

t.test('draft-daboo-carddav-directory-gateway-02 §3, §4: the directory is found, and says what it is', async (t) => {
  const gateway = await david.propfind(david.home, '0', '<D:prop><C:directory-gateway/></D:prop>')
  t.equal(prop(rows(gateway.text)[0], 'C:directory-gateway'), `<D:href>${DIRECTORY}</D:href>`)
  const inner = '<D:prop><D:resourcetype/><D:displayname/><D:supported-report-set/><D:sync-token/></D:prop>'
  const all = rows((await david.propfind('/dav/directories/', '1', inner)).text)
  t.strictSame(
    all.map(({ href }) => href),
    ['/dav/directories/', DIRECTORY],
  )
  const [, one] = all
  t.equal(prop(one, 'D:resourcetype'), '<D:collection/><C:addressbook/><C:directory/>')
  t.equal(prop(one, 'D:displayname'), 'Space Odyssey')
  t.notMatch(prop(one, 'D:supported-report-set'), 'sync-collection')
  t.strictSame(one && propstats(one).map(({ status }) => status), [200, 404], 'it has no sync token')
})

t.test('GET, HEAD and multiget answer the card that colleagues share, whatever my book shows', async (t) => {
  t.notOk((await david.list()).has(david.people + ryan), 'my book does not show it')
  const answer = await david.ask('GET', DIRECTORY + ryan)
  t.equal(answer.status, 200)
  t.match(answer.text, 'FN:Ryan Stone')
  const four = await david.ask('GET', DIRECTORY + ryan, { headers: { accept: 'text/vcard; version=4.0' } })
  t.match(four.text, 'VERSION:4.0')
  t.not(four.headers.etag, answer.headers.etag)
  const head = await david.ask('HEAD', DIRECTORY + ryan)
  t.strictSame([head.status, head.headers.etag, head.text], [200, answer.headers.etag, ''])
  const same = await david.ask('GET', DIRECTORY + ryan, { headers: { 'if-none-match': answer.headers.etag } })
  t.equal(same.status, 304)
  const hrefs = [DIRECTORY + ryan, DIRECTORY + eves, `${DIRECTORY}none.vcf`, david.people + ryan]
  const inner = ADDRESS_DATA + hrefs.map((href) => `<D:href>${href}</D:href>`).join('')
  const got = rows((await david.report(DIRECTORY, 'C:addressbook-multiget', inner)).text)
  t.strictSame(
    new Map(got.map(({ href, status }) => [href, status])),
    new Map(hrefs.map((href, at) => [href, at === 0 ? 200 : 404])),
  )
  const [first] = got.filter(({ href }) => href === DIRECTORY + ryan)
  t.strictSame([first?.card, first?.etag], [answer.text, answer.headers.etag])
  const [row] = rows(
    (await david.propfind(DIRECTORY + ryan, '0', '<D:prop><D:getetag/><D:owner/><D:supportedlock/></D:prop>')).text,
  )
  t.strictSame(row && propstats(row).map(({ status, props }) => [status, props.size]), [
    [200, 1],
    [404, 2],
  ])
})

t.test('RFC 6352 §8.6: a search of the directory', async (t) => {
  t.strictSame(await found(match('STONE')), [DIRECTORY + ryan], 'another organization’s are not found')
  t.strictSame(await found(match('ångström')), [DIRECTORY + zoe])
  t.strictSame(await found(match('ry')), [DIRECTORY + ryan], 'two characters are enough')
  t.strictSame(await found(match('ryan.stone@', 'EMAIL')), [DIRECTORY + ryan])
  t.strictSame((await found(match('stone') + match('ström'))).sort(), [DIRECTORY + ryan, DIRECTORY + zoe].sort())
  t.strictSame(await found(match('stone') + match('x'), '', 'allof'), [], 'one of them is long enough')
  t.match((await query(match('stone'))).text, 'FN:Ryan Stone')
  await david.put(ryan, withLines((await david.ask('GET', DIRECTORY + ryan)).text, 'NOTE:Mine alone'))
  t.strictSame(await found(match('Mine alone', 'NOTE')), [], 'my layer is in my book')
  t.notMatch((await david.ask('GET', DIRECTORY + ryan)).text, 'Mine alone')
  t.match((await david.get(ryan)).text, 'NOTE:Mine alone', 'which is where a PUT to the same name goes')
})

t.test('draft-daboo-carddav-directory-gateway-02 §6: what would list the directory is refused', async (t) => {
  const limits = 'D:number-of-matches-within-limits'
  refused(t, await david.propfind(DIRECTORY, '1', '<D:allprop/>'), 403, limits)
  refused(t, await david.propfind(DIRECTORY, 'infinity', '<D:allprop/>'), 403, 'D:propfind-finite-depth')
  const defined = '<C:prop-filter name="FN"/>'
  const parameter =
    '<C:prop-filter name="EMAIL"><C:param-filter name="TYPE"><C:text-match>work</C:text-match></C:param-filter></C:prop-filter>'
  for (const filter of [
    '',
    defined,
    parameter,
    match('x'),
    match(''),
    match('  '),
    match('stone', 'FN', 'negate-condition="yes"'),
    match('stone') + match('x'),
    match('stone') + defined,
    match('stone', 'PHOTO'),
    '<C:prop-filter name="NOTE"><C:is-not-defined/></C:prop-filter>',
  ]) {
    refused(t, await query(filter), 403, limits, filter)
  }
  refused(t, await david.report(DIRECTORY, 'C:addressbook-query', ADDRESS_DATA), 403, limits, 'no filter')
  refused(t, await david.report(DIRECTORY, 'D:sync-collection', '<D:sync-token/>'), 403, 'D:supported-report')
  t.equal((await david.ask('GET', DIRECTORY)).status, 405)
  const owned = await david.report(
    '/dav/',
    'D:principal-match',
    '<D:principal-property><D:owner/></D:principal-property>',
    { depth: '0' },
  )
  t.notMatch(owned.text, DIRECTORY)
})

t.test('RFC 6352 §8.6.2: a hundred cards are told, and that there are more', async (t) => {
  await kith.users.createMany(
    organizationId,
    Array.from({ length: 101 }, (_, at) => ({ name: `Clone ${at}`, email: `clone${at}@spaceodyssey.com` })),
  )
  const told = rows((await query(match('clone'))).text)
  t.equal(told.filter(({ card }) => card?.includes('Clone')).length, 100)
  t.strictSame(
    told.filter(({ status }) => status === 507).map(({ href }) => href),
    [DIRECTORY],
  )
  const five = rows((await query(match('clone'), '<C:limit><C:nresults>5</C:nresults></C:limit>')).text)
  t.strictSame([five.length, five.at(-1)?.status], [6, 507])
  const more = rows((await query(match('clone'), '<C:limit><C:nresults>500</C:nresults></C:limit>')).text)
  t.equal(more.length, 101)
})

t.test('RFC 3744 §7.1.1: nobody writes in the directory, and another organization’s is not there', async (t) => {
  const card = vcard(['UID:new', 'FN:New'])
  const destination = `${DIRECTORY}new.vcf`
  await david.put('own.vcf', vcard(['UID:own', 'FN:Own']))
  await changesNothing(t, running, organizationId, async () => {
    for (const path of ['/dav/directories/', DIRECTORY, DIRECTORY + ryan, destination]) {
      for (const method of ['PUT', 'DELETE', 'PROPPATCH', 'POST', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK']) {
        const headers = { 'content-type': 'text/vcard', destination: `${david.people}x.vcf` }
        const answer = await david.ask(method, path, { headers, body: card })
        refused(t, answer, 403, 'D:need-privileges', `${method} ${path}`)
        t.match(answer.text, `<D:resource><D:href>${path}</D:href><D:privilege><D:`)
      }
    }
    for (const method of ['COPY', 'MOVE']) {
      const answer = await david.ask(method, `${david.people}own.vcf`, { headers: { destination } })
      refused(t, answer, 403, 'D:need-privileges', `${method} into it`)
    }
    for (const path of [`/dav/directories/${elsewhere}/`, `/dav/directories/${elsewhere}/${eves}`, DIRECTORY + eves]) {
      for (const method of ['PROPFIND', 'GET', 'PUT', 'DELETE', 'REPORT', 'COPY']) {
        const mine = path.startsWith(DIRECTORY)
        if (mine && (method === 'PUT' || method === 'DELETE' || method === 'COPY')) continue
        const body = method === 'REPORT' ? '<C:addressbook-query xmlns:C="urn:ietf:params:xml:ns:carddav"/>' : undefined
        const answer = await david.ask(method, path, {
          headers: { depth: '0', destination },
          ...(body ? { body } : {}),
        })
        t.equal(answer.status, 404, `${method} ${path}`)
        t.equal(condition(answer), undefined)
      }
    }
    const into = { destination: `/dav/directories/${elsewhere}/x.vcf` }
    t.equal((await david.ask('COPY', `${david.people}own.vcf`, { headers: into })).status, 404)
  })
  t.equal((await eve.ask('GET', DIRECTORY + ryan)).status, 404)
  t.equal((await ask(url, 'GET', DIRECTORY + ryan)).status, 401)
  for (const [path, allowed] of [
    [DIRECTORY, 'PROPFIND, REPORT, OPTIONS'],
    [DIRECTORY + ryan, 'PROPFIND, REPORT, GET, HEAD, OPTIONS'],
  ] as const) {
    t.equal((await david.ask('OPTIONS', path)).headers.allow, allowed)
  }
})

t.test('Who is deactivated is not in the directory', async (t) => {
  const user = await kith.users.get('ryan.stone@spaceodyssey.com')
  await kith.users.setActive(user, false)
  t.equal((await david.ask('GET', DIRECTORY + ryan)).status, 404)
  t.strictSame(await found(match('stone')), [])
  await kith.users.setActive(user, true)
  t.equal((await david.ask('GET', DIRECTORY + ryan)).status, 200)
  t.strictSame(await found(match('stone')), [DIRECTORY + ryan])
})

t.test('RFC 6352 §8: the reports about cards are answered by one card, too', async (t) => {
  const path = `${david.people}own.vcf`
  const filter = (text: string) => `${ADDRESS_DATA}<C:filter>${match(text)}</C:filter>`
  const hrefs = async (root: string, inner: string, on = path) =>
    rows((await david.report(on, root, inner, { depth: '0' })).text).map(({ href, status }) => [href, status])
  t.strictSame(await hrefs('C:addressbook-query', filter('own')), [[path, 200]])
  t.strictSame(await hrefs('C:addressbook-query', filter('other')), [])
  t.strictSame(await hrefs('C:addressbook-query', filter('ryan'), DIRECTORY + ryan), [[DIRECTORY + ryan, 200]])
  t.strictSame(await hrefs('C:addressbook-multiget', ADDRESS_DATA), [[path, 200]])
  const inner = `${ADDRESS_DATA}<D:href>${path}</D:href><D:href>${david.people}${ryan}</D:href>`
  t.strictSame(
    (await hrefs('C:addressbook-multiget', inner)).sort(),
    [
      [`${david.people}${ryan}`, 404],
      [path, 200],
    ].sort(),
  )
})
