import t from 'tap'
import { prop, propstats, refused, vcard } from '../support/dav.ts'
import { type Device, rows, startKith } from '../support/kith.ts'

const running = await startKith(t)
const { kith, organization, device, cardOf } = running
const organizationId = await organization('Space Odyssey', 'spaceodyssey.com', [
  'David Bowman',
  'Ryan Stone',
  'Zoë Ångström',
])
await organization('Elsewhere', 'elsewhere.com', ['Eve Stone'])
const david = await device('david.bowman@spaceodyssey.com')
const ryanUser = await kith.users.get('ryan.stone@spaceodyssey.com')
const davidUser = await kith.users.get('david.bowman@spaceodyssey.com')
const eve = await kith.users.get('eve.stone@elsewhere.com')
const ryan = await cardOf('ryan.stone@spaceodyssey.com')
const principal = (id: string): string => `/dav/principals/${id}/`
const mine = principal(davidUser.id)
const href = (path: string): string => `<D:href>${path}</D:href>`
const DIRECTORY = `/dav/directories/${organizationId}/`
const ZERO = { depth: '0' }

const row = async (path: string, names: string, by: Device = david) =>
  rows((await by.propfind(path, '0', `<D:prop>${names}</D:prop>`)).text)[0]

const privilegesIn = (xml: string | undefined): string[] =>
  [...(xml ?? '').matchAll(/<D:privilege><D:([\w-]+)\/>/g)].map(([, name = '']) => name)

const READ = ['read', 'read-acl', 'read-current-user-privilege-set']
const WRITE = ['write', 'write-properties', 'write-content', 'bind', 'unbind']
const ALL = ['all', ...READ, ...WRITE]

t.test('RFC 3744 §4, RFC 6352 §7.1: what my principal says', async (t) => {
  const one = await row(
    mine,
    `<D:displayname/><D:resourcetype/><D:alternate-URI-set/><D:principal-URL/><D:group-member-set/><D:group-membership/>
     <C:addressbook-home-set/><C:principal-address/><C:directory-gateway/><CS:email-address-set/><D:resource-id/>`,
  )
  t.equal(prop(one, 'D:displayname'), 'David Bowman')
  t.equal(prop(one, 'D:resourcetype'), '<D:collection/><D:principal/>')
  t.equal(prop(one, 'D:alternate-URI-set'), href('mailto:david.bowman@spaceodyssey.com'))
  t.equal(prop(one, 'D:principal-URL'), href(mine))
  t.equal(prop(one, 'D:group-member-set'), '')
  t.equal(prop(one, 'D:group-membership'), '')
  t.equal(prop(one, 'C:addressbook-home-set'), href(david.home))
  t.equal(prop(one, 'C:principal-address'), href(david.people + (await cardOf('david.bowman@spaceodyssey.com'))))
  t.equal(prop(one, 'C:directory-gateway'), href(DIRECTORY))
  t.match(prop(one, 'CS:email-address-set'), '>david.bowman@spaceodyssey.com<')
  t.equal(prop(one, 'D:resource-id'), href(`urn:uuid:${davidUser.id}`))
})

t.test('A colleague’s principal tells a colleague five properties, and answers nothing but PROPFIND', async (t) => {
  const told = '<D:displayname/><D:resourcetype/><D:principal-URL/><C:principal-address/><CS:email-address-set/>'
  const path = principal(ryanUser.id)
  const kept = '<D:acl/><C:addressbook-home-set/><D:current-user-privilege-set/><D:alternate-URI-set/><D:owner/>'
  const [there, absent] = propstats((await row(path, told + kept)) ?? { xml: '' })
  t.strictSame([there?.status, there?.props.size, absent?.status, absent?.props.size], [200, 5, 404, 5])
  t.equal(there?.props.get('D:displayname'), 'Ryan Stone')
  t.equal(there?.props.get('C:principal-address'), href(david.people + ryan))
  t.match(there?.props.get('CS:email-address-set'), '>ryan.stone@spaceodyssey.com<')
  const names = rows((await david.propfind(path, '0', '<D:propname/>')).text)[0]
  t.equal(names && propstats(names)[0]?.props.size, 5)
  for (const method of [
    'GET',
    'PUT',
    'DELETE',
    'PROPPATCH',
    'REPORT',
    'MKCOL',
    'COPY',
    'MOVE',
    'LOCK',
    'POST',
    'ACL',
  ]) {
    t.equal((await david.ask(method, path)).status, 404, method)
  }
  for (const gone of [`/dav/addressbooks/${ryanUser.id}/`, principal(eve.id), principal(organizationId)]) {
    t.equal((await david.propfind(gone, '0', `<D:prop>${told}</D:prop>`)).status, 404, gone)
  }
})

t.test('RFC 6352 §7.1.2: a card that my book does not show is named in the directory', async (t) => {
  const zoe = await device('zoë.ångström@spaceodyssey.com')
  await kith.users.setScope(await kith.users.get('zoë.ångström@spaceodyssey.com'), 'none')
  t.equal(
    prop(await row(principal(ryanUser.id), '<C:principal-address/>', zoe), 'C:principal-address'),
    href(DIRECTORY + ryan),
  )
  t.equal((await zoe.ask('GET', DIRECTORY + ryan)).status, 200)
})

t.test('A principal goes with its user’s activity', async (t) => {
  await kith.users.create(organizationId, { name: 'Frank Poole', email: 'frank@spaceodyssey.com' })
  const frank = await kith.users.get('frank@spaceodyssey.com')
  const status = async () => (await david.propfind(principal(frank.id), '0', '<D:allprop/>')).status
  t.equal(await status(), 207)
  await kith.users.setActive(frank, false)
  t.equal(await status(), 404)
  t.strictSame(await search('Frank'), [])
  await kith.users.setActive(frank, true)
  t.strictSame(await search('Frank'), [principal(frank.id)])
  await kith.users.delete(frank)
  t.equal(await status(), 404)
})

t.test(
  'RFC 3744 §3.12, §5.3, §5.4: every privilege that holds is listed, and is one of the supported ones',
  async (t) => {
    await david.put('own.vcf', vcard(['UID:own', 'FN:Own']))
    const owner = await kith.users.get('ryan.stone@spaceodyssey.com')
    const team = await kith.teams.create('Crew', owner)
    await kith.teams.add(team, davidUser, 'member')
    const ryans = await device('ryan.stone@spaceodyssey.com')
    const of = async (path: string, by = david) => {
      const one = await row(path, '<D:current-user-privilege-set/><D:supported-privilege-set/>', by)
      const held = privilegesIn(prop(one, 'D:current-user-privilege-set'))
      const supported = privilegesIn(prop(one, 'D:supported-privilege-set'))
      t.ok(
        held.every((name) => supported.includes(name)),
        path,
      )
      return held
    }
    for (const path of [david.home, david.people, `${david.people}own.vcf`, david.people + ryan]) {
      t.strictSame(await of(path), ALL, path)
    }
    const crew = `${team.id}.vcf`
    t.strictSame(await of(david.people + crew), [...READ, 'write-properties'], 'a member’s')
    t.strictSame(await of(ryans.people + crew, ryans), ALL, 'its owner’s')
    for (const path of [
      '/dav/',
      '/dav/principals/',
      '/dav/addressbooks/',
      '/dav/directories/',
      DIRECTORY,
      DIRECTORY + ryan,
      mine,
    ]) {
      t.strictSame(await of(path), READ, path)
    }
  },
)

t.test(
  'RFC 3744 §5.1, §5.5, §5.6, §5.7, §5.8, §8.1: the access that is told is the access that there is',
  async (t) => {
    const names = '<D:acl/><D:acl-restrictions/><D:inherited-acl-set/><D:principal-collection-set/><D:owner/>'
    const book = await row(david.people, names)
    const ace = (who: string, what: string) =>
      `<D:ace><D:principal>${who}</D:principal><D:grant><D:privilege><D:${what}/></D:privilege></D:grant><D:protected/></D:ace>`
    t.equal(prop(book, 'D:acl'), ace(href(mine), 'all'))
    t.equal(prop(book, 'D:acl-restrictions'), '<D:grant-only/><D:no-invert/>')
    t.equal(prop(book, 'D:inherited-acl-set'), '')
    t.equal(prop(book, 'D:principal-collection-set'), href('/dav/principals/'))
    t.equal(prop(book, 'D:owner'), href(mine))
    t.equal(prop(await row('/dav/', names), 'D:acl'), ace('<D:authenticated/>', 'read'))
    t.equal(prop(await row(DIRECTORY, names), 'D:acl'), ace(href(mine), 'read'))
    t.equal(prop(await row(DIRECTORY, names), 'D:owner'), undefined)
    refused(t, await david.ask('ACL', david.people, { body: '<D:acl xmlns:D="DAV:"/>' }), 405)
  },
)

t.test('RFC 5842 §3.1: a book keeps its id when it moves', async (t) => {
  const id = async (name: string) => prop(await row(david.home + name, '<D:resource-id/>'), 'D:resource-id')
  t.equal((await david.ask('MKCOL', `${david.home}one/`)).status, 201)
  const before = await id('one/')
  t.match(before, /^<D:href>urn:uuid:[0-9a-f-]{36}<\/D:href>$/)
  await david.ask('MOVE', `${david.home}one/`, { headers: { destination: `${david.home}two/` } })
  t.equal(await id('two/'), before)
  t.not(await id('people/'), before)
  await david.ask('DELETE', `${david.home}two/`)
})

t.test('RFC 4331 §4: quota-used-bytes is the size of one’s own cards', async (t) => {
  const used = async () => Number(prop(await row(david.home, '<D:quota-used-bytes/>'), 'D:quota-used-bytes'))
  const before = await used()
  const card = vcard(['UID:weight', 'FN:Weight', 'NOTE:é'])
  await david.put('weight.vcf', card)
  t.equal(await used(), before + Buffer.byteLength(card))
  await david.delete('weight.vcf')
  t.equal(await used(), before)
  const one = await row(david.home, '<D:quota-available-bytes/>')
  t.equal(one && propstats(one)[0]?.status, 404, 'there is no limit')
})

t.test('RFC 3253 §3.8: expand-property follows hrefs, level by level', async (t) => {
  const property = (name: string, inside = '', namespace = '') =>
    `<D:property name="${name}"${namespace ? ` namespace="${namespace}"` : ''}>${inside}</D:property>`
  const CARDDAV = 'urn:ietf:params:xml:ns:carddav'
  const nested = property(
    'current-user-principal',
    property('displayname') + property('principal-address', property('getetag') + property('owner'), CARDDAV),
  )
  const expand = (path: string, inner: string, headers = ZERO) =>
    david.report(path, 'D:expand-property', inner, headers)
  for (const path of ['/dav/', david.people, david.people + ryan, DIRECTORY, DIRECTORY + ryan]) {
    const { status, text } = await expand(path, nested)
    t.equal(status, 207, path)
    t.match(text, `<D:current-user-principal><D:response>${href(mine)}`, path)
    t.match(text, '<D:displayname>David Bowman</D:displayname>')
    t.match(text, /<C:principal-address><D:response>.*<D:getetag>"[^"]+"<\/D:getetag>/s)
  }
  const own = await expand(mine, property('alternate-URI-set', property('displayname')) + property('principal-URL'))
  t.match(own.text, `<D:alternate-URI-set>${href('mailto:david.bowman@spaceodyssey.com')}`, 'no resource of ours')
  t.match(own.text, `<D:principal-URL>${href(mine)}</D:principal-URL>`, 'nothing is asked of it')
  const card = await expand(david.people + ryan, property('address-data', '', CARDDAV))
  t.match(card.text, /<C:address-data>BEGIN:VCARD/)
  const deep = (levels: number): string => property('current-user-principal', levels > 1 ? deep(levels - 1) : '')
  t.equal((await expand('/dav/', deep(8))).status, 207)
  refused(t, await expand('/dav/', deep(9)), 403, 'D:number-of-matches-within-limits')
  const wide = (levels: number): string =>
    levels === 0
      ? property('displayname')
      : ['current-user-principal', 'principal-URL', 'acl'].map((name) => property(name, wide(levels - 1))).join('')
  refused(t, await expand(mine, wide(7)), 403, 'D:number-of-matches-within-limits', '3^7 resources')
  refused(t, await expand('/dav/', property('a&gt;&lt;evil/&gt;')), 400)
  refused(t, await expand('/dav/', property('displayname'), { depth: '1' }), 400)
})

t.test('RFC 3744 §9.2: acl-principal-prop-set', async (t) => {
  const ask = (path: string) =>
    david.report(path, 'D:acl-principal-prop-set', '<D:prop><D:displayname/></D:prop>', ZERO)
  for (const path of [david.home, david.people, david.people + ryan, DIRECTORY]) {
    const found = rows((await ask(path)).text)
    t.strictSame(
      found.map((one) => [one.href, prop(one, 'D:displayname')]),
      [[mine, 'David Bowman']],
      path,
    )
  }
  t.strictSame(rows((await ask('/dav/')).text), [], 'authenticated is no principal')
})

t.test('RFC 3744 §9.3: principal-match', async (t) => {
  const ask = (path: string, inner: string, headers = ZERO) => david.report(path, 'D:principal-match', inner, headers)
  const self = '<D:self/><D:prop><D:displayname/></D:prop>'
  for (const path of ['/dav/', '/dav/principals/']) {
    const found = rows((await ask(path, self)).text)
    t.strictSame(
      found.map((one) => [one.href, prop(one, 'D:displayname')]),
      [[mine, 'David Bowman']],
      path,
    )
  }
  t.strictSame(rows((await ask(david.people, self)).text), [])
  const owned = async (path: string) =>
    rows((await ask(path, '<D:principal-property><D:owner/></D:principal-property>')).text).map((one) => one.href)
  t.strictSame((await owned(david.people)).sort(), [...(await david.list()).keys()].sort())
  t.strictSame((await owned('/dav/')).sort(), [david.home, david.people, ...(await david.list()).keys()].sort())
  const cards = rows(
    (
      await ask(
        david.people,
        '<D:principal-property><D:owner/></D:principal-property><D:prop><C:address-data/></D:prop>',
      )
    ).text,
  )
  t.equal(cards.find((one) => one.href.endsWith(ryan))?.card, (await david.get(ryan)).text)
  refused(t, await ask(david.people, self, { depth: '1' }), 400)
  refused(t, await ask(david.people, ''), 400)
  refused(t, await ask(david.people + ryan, self), 403, 'D:supported-report')
})

const searching = (name: string, text: string): string =>
  `<D:property-search><D:prop><${name} xmlns:CS="http://calendarserver.org/ns/"/></D:prop><D:match>${text}</D:match></D:property-search>`
const ask = (inner: string, path = '/dav/principals/', attributes = '', headers = ZERO) =>
  david.ask('REPORT', path, {
    headers,
    body: `<D:principal-property-search xmlns:D="DAV:"${attributes}>${inner}</D:principal-property-search>`,
  })
async function search(text: string): Promise<string[]> {
  return rows((await ask(searching('D:displayname', text))).text).map((one) => one.href)
}

t.test('RFC 3744 §9.4: principal-property-search', async (t) => {
  const zoe = principal((await kith.users.get('zoë.ångström@spaceodyssey.com')).id)
  const stone = principal(ryanUser.id)
  t.strictSame(await search('sTONE'), [stone], 'another organization’s are not found')
  t.strictSame(await search('ångSTRÖM'), [zoe])
  t.strictSame(await search('spaceodyssey'), [], 'the e-mail is no name')
  t.strictSame(await search('%'), [])
  const hrefs = async (inner: string, path?: string, attributes?: string) =>
    rows((await ask(inner, path, attributes)).text)
      .map((one) => one.href)
      .sort()
  t.strictSame(await hrefs(searching('CS:email-address-set', 'RYAN.stone@')), [stone])
  t.strictSame(await hrefs(searching('CS:email-address-set', 'Ångström@')), [zoe])
  const both = searching('D:displayname', 'bowman') + searching('CS:email-address-set', 'ryan')
  t.strictSame(await hrefs(both), [], 'all are meant, by default')
  t.strictSame(await hrefs(both, undefined, ' test="anyof"'), [mine, stone].sort())
  t.strictSame(await hrefs(searching('D:displayname', 'stone') + searching('D:getetag', 'x')), [])
  t.strictSame(
    await hrefs(searching('D:displayname', 'stone') + searching('D:getetag', 'x'), undefined, ' test="anyof"'),
    [stone],
  )
  const apply = '<D:apply-to-principal-collection-set/>'
  t.strictSame(await hrefs(searching('D:displayname', 'stone'), '/dav/'), [stone])
  t.strictSame(await hrefs(searching('D:displayname', 'stone'), david.home), [])
  t.strictSame(await hrefs(searching('D:displayname', 'stone') + apply, david.home), [stone])
  const asked =
    '<D:prop><D:displayname/><C:principal-address xmlns:C="urn:ietf:params:xml:ns:carddav"/><D:acl/></D:prop>'
  const [one] = rows((await ask(searching('D:displayname', 'stone') + asked)).text)
  t.strictSame(
    [prop(one, 'D:displayname'), prop(one, 'C:principal-address')],
    ['Ryan Stone', href(david.people + ryan)],
  )
  t.strictSame(one && propstats(one).map(({ status }) => status), [200, 404])
  refused(t, await ask(''), 400)
  refused(t, await ask(searching('D:displayname', 'x'), undefined, ' test="none"'), 400)
  refused(t, await ask(searching('D:displayname', 'x'), undefined, '', { depth: '1' }), 400)
  refused(t, await ask(searching('D:displayname', 'x'), david.people + ryan), 403, 'D:supported-report')
})

t.test('RFC 3744 §9.4 number-of-matches-within-limits: a hundred are told, and that there are more', async (t) => {
  await kith.users.createMany(
    organizationId,
    Array.from({ length: 101 }, (_, at) => ({ name: `Clone ${at}`, email: `clone${at}@spaceodyssey.com` })),
  )
  const found = rows((await ask(searching('D:displayname', 'clone'))).text)
  t.equal(found.filter(({ status }) => status === 200).length, 100)
  t.strictSame(
    found.filter(({ status }) => status === 507).map((one) => one.href),
    ['/dav/principals/'],
  )
  t.equal(rows((await ask(searching('D:displayname', 'clone 99'))).text).length, 1)
})

t.test('RFC 3744 §9.5: principal-search-property-set', async (t) => {
  const answer = await david.report('/dav/principals/', 'D:principal-search-property-set', '', ZERO)
  t.equal(answer.status, 200)
  const names = [
    ...answer.text.matchAll(
      /<D:principal-search-property><D:prop><([\w:-]+)\/><\/D:prop><D:description xml:lang="en">/g,
    ),
  ]
  t.strictSame(
    names.map(([, name]) => name),
    ['D:displayname', 'CS:email-address-set'],
  )
  refused(t, await david.report(david.home, 'D:principal-search-property-set', '', ZERO), 403, 'D:supported-report')
})

t.test('RFC 3253 §3.1.5: supported-report-set tells what is answered, everywhere', async (t) => {
  const reports = async (path: string) =>
    [
      ...(prop(await row(path, '<D:supported-report-set/>'), 'D:supported-report-set') ?? '').matchAll(
        /<D:report><([\w:-]+)\/>/g,
      ),
    ].map(([, name = '']) => name)
  const every = ['D:expand-property', 'D:acl-principal-prop-set']
  const paths = ['/dav/', '/dav/principals/', '/dav/addressbooks/', '/dav/directories/', mine, david.home, david.people]
  for (const path of [...paths, david.people + ryan, DIRECTORY, DIRECTORY + ryan]) {
    const told = await reports(path)
    t.ok(
      every.every((name) => told.includes(name)),
      path,
    )
    for (const name of ['C:addressbook-query', 'C:addressbook-multiget', 'D:sync-collection', 'D:principal-match']) {
      const answer = await david.report(path, name, '', ZERO)
      t.equal(/supported-report\b/.test(answer.text), !told.includes(name), `${name} on ${path}`)
    }
  }
  t.ok((await reports(david.people + ryan)).includes('C:addressbook-query'), 'RFC 6352 §8')
})
