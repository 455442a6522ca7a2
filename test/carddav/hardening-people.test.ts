import t, { type Test } from 'tap'
import { changesNothing, prop, refused, vcard } from '../support/dav.ts'
import { type Device, rows, startKith } from '../support/kith.ts'

const running = await startKith(t)
const { kith, organization, device, cardOf } = running
const organizationId = await organization('Space Odyssey', 'spaceodyssey.com', ['David', 'Ryan', 'Zoe'])
const elsewhereId = await organization('Elsewhere', 'elsewhere.com', ['Eve'])
const david = await device('david@spaceodyssey.com')
const ryan = await device('ryan@spaceodyssey.com')
const eve = await device('eve@elsewhere.com')
const ryans = await cardOf('ryan@spaceodyssey.com')
const eves = await cardOf('eve@elsewhere.com')
const LOCKINFO =
  '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>'
await ryan.put('secret.vcf', vcard(['UID:secret', 'FN:Secret']))
await eve.put('secret.vcf', vcard(['UID:secret', 'FN:Secret']))

const untouched = async (t: Test, work: () => Promise<unknown>) => {
  await changesNothing(t, running, elsewhereId, () => changesNothing(t, running, organizationId, work))
}

/** Each method with all that it needs to succeed on one's own. */
const requests = (destination: string): [string, Record<string, string>, string?][] => [
  ['GET', {}],
  ['HEAD', {}],
  ['PUT', { 'content-type': 'text/vcard' }, vcard(['UID:mine', 'FN:Mine'])],
  ['POST', { 'content-type': 'text/vcard' }, vcard(['UID:mine', 'FN:Mine'])],
  ['DELETE', {}],
  ['PROPFIND', { depth: '0' }],
  ['PROPFIND', { depth: '1' }, '<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>'],
  [
    'PROPPATCH',
    {},
    '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x xmlns="urn:x">1</x></D:prop></D:set></D:propertyupdate>',
  ],
  [
    'REPORT',
    { depth: '1' },
    '<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level><D:prop/></D:sync-collection>',
  ],
  [
    'REPORT',
    { depth: '1' },
    '<C:addressbook-query xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:D="DAV:"><D:prop/></C:addressbook-query>',
  ],
  ['MKCOL', {}],
  ['COPY', { destination }],
  ['MOVE', { destination }],
  ['LOCK', { depth: 'infinity' }, LOCKINFO],
  ['UNLOCK', { 'lock-token': '<urn:uuid:11111111-1111-4111-8111-111111111111>' }],
]

const methodsOf = (path: string): ReadonlySet<string> =>
  new Set(
    path.endsWith('people/')
      ? 'GET HEAD POST DELETE PROPFIND PROPPATCH REPORT MKCOL COPY MOVE LOCK UNLOCK'.split(' ')
      : path.endsWith('.vcf')
        ? 'GET HEAD PUT DELETE PROPFIND PROPPATCH COPY MOVE LOCK UNLOCK'.split(' ')
        : 'PROPFIND PROPPATCH REPORT'.split(' '),
  )

for (const [whose, other, card] of [
  ['A colleague’s', ryan, ryans],
  ['Another organization’s', eve, eves],
] as [string, Device, string][]) {
  t.test(`${whose} home, book and cards are 404 to every method, there or not`, async (t) => {
    await untouched(t, async () => {
      for (const path of [
        other.home,
        other.people,
        `${other.people}secret.vcf`,
        other.people + card,
        `${other.people}none.vcf`,
      ]) {
        for (const [method, headers, body] of requests(`${david.people}x.vcf`)) {
          if (!methodsOf(path).has(method)) continue
          const answer = await david.ask(method, path, { headers, ...(body ? { body } : {}) })
          refused(t, answer, 404, undefined, `${method} ${path}`)
          t.notMatch(answer.text, 'Secret')
        }
      }
    })
    for (const [method, headers, body] of requests(`${david.people}x.vcf`)) {
      const ask = (name: string) => david.ask(method, other.people + name, { headers, ...(body ? { body } : {}) })
      const [there, none] = [await ask('secret.vcf'), await ask('none.vcf')]
      const told = ({ status, text, headers }: typeof there) => [status, text, { ...headers, date: '' }]
      t.strictSame(told(there), told(none), `${method} tells nothing of what is there`)
    }
  })
}

t.test('Another organization’s ids inside a path, a query, a multiget or a token are ignored or 404', async (t) => {
  await untouched(t, async () => {
    const answer = await david.get(eves)
    refused(t, answer, 404, undefined, 'her card’s name in my book')
    const multiget = [david.people + eves, eve.people + eves, `${eve.people}secret.vcf`]
    const told = await david.report(
      david.people,
      'C:addressbook-multiget',
      `<D:prop><D:getetag/><C:address-data/></D:prop>${multiget.map((href) => `<D:href>${href}</D:href>`).join('')}`,
    )
    t.strictSame(
      rows(told.text).map(({ status }) => status),
      [404, 404, 404],
    )
    const query = await david.report(
      david.people,
      'C:addressbook-query',
      '<D:prop><C:address-data/></D:prop><C:filter><C:prop-filter name="FN"><C:text-match>Eve</C:text-match></C:prop-filter></C:filter>',
    )
    t.strictSame(rows(query.text), [])
    const { token } = await eve.sync()
    refused(t, (await david.sync(token)).answer, 403, 'D:valid-sync-token', 'her token')
    const ids = token.split(':')
    const mine = (await david.sync()).token.split(':')
    const mixed = [...ids.slice(0, 4), mine[4], ...ids.slice(5)].join(':')
    refused(t, (await david.sync(mixed)).answer, 403, 'D:valid-sync-token', 'her revisions under my collection')
  })
  t.equal((await david.list()).size, 3, 'no count has her')
})

t.test('A team that I am not in shows in no listing, sync, multiget, query, GET or MEMBER line', async (t) => {
  const [ryanUser, zoeUser, davidUser] = [
    await kith.users.get('ryan@spaceodyssey.com'),
    await kith.users.get('zoe@spaceodyssey.com'),
    await kith.users.get('david@spaceodyssey.com'),
  ]
  const { token } = await david.sync()
  const hidden = await kith.teams.create('Hidden plans', ryanUser)
  await kith.teams.add(hidden, zoeUser, 'member')
  const shared = await kith.teams.create('Shared', ryanUser)
  await kith.teams.add(shared, davidUser, 'member')
  const name = `${hidden.id}.vcf`
  t.equal((await ryan.get(name)).status, 200, 'its owner has its card')
  await untouched(t, async () => {
    t.notOk((await david.list()).has(david.people + name), 'listing')
    const { changed, gone } = await david.sync(token)
    t.notOk(changed.has(david.people + name) || gone.includes(david.people + name), 'sync')
    const all = await david.report(david.people, 'C:addressbook-query', '<D:prop><C:address-data/></D:prop>')
    t.notMatch(all.text, /Hidden plans/, 'query')
    t.notMatch(all.text, hidden.id, 'no MEMBER line')
    t.notMatch((await david.ask('GET', david.people)).text, /Hidden plans/, 'export')
    const asked = await david.report(
      david.people,
      'C:addressbook-multiget',
      `<D:prop/><D:href>${david.people}${name}</D:href>`,
    )
    t.equal(rows(asked.text)[0]?.status, 404, 'multiget')
    for (const [method, headers, body] of requests(`${david.home}x/x.vcf`)) {
      if (method === 'PUT' || !methodsOf(name).has(method)) continue
      const { status } = await david.ask(method, david.people + name, { headers, ...(body ? { body } : {}) })
      const none = await david.ask(method, `${david.people}33333333-3333-4333-8333-333333333333.vcf`, {
        headers,
        ...(body ? { body } : {}),
      })
      t.equal(status, none.status, `${method} is as of a card that is not there`)
    }
  })
  const listed = await david.propfind(`${david.people}${shared.id}.vcf`, '0', '<D:prop><C:address-data/></D:prop>')
  t.match(prop(rows(listed.text)[0], 'C:address-data'), 'Shared', 'the one that I am in shows')
})

t.test('A deactivated user is refused within a second, by every process', async (t) => {
  const second = await startKith(t, { ...running.database, drop: async () => undefined })
  const zoe = await device('zoe@spaceodyssey.com')
  const there = { ...zoe, url: second.url }
  const asks = async () => [
    (await zoe.ask('PROPFIND', zoe.people, { headers: { depth: '0' } })).status,
    (await zoe.ask.call(there, 'PROPFIND', zoe.people, { headers: { depth: '0' } })).status,
  ]
  t.strictSame(await asks(), [207, 207])
  await kith.users.setActive(await kith.users.get('zoe@spaceodyssey.com'), false)
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  t.strictSame(await asks(), [401, 401])
})
