import t from 'tap'
import { AUDIENCE, startIssuer } from '../support/issuer.ts'
import { type Dict, ENTERPRISE, problem, ScimClient, startScim } from '../support/scim.ts'

const version = ({ meta }: Dict) => (meta as Dict).version // every resource has it

t.test('RFC 7644 §3.11: /Me', async (t) => {
  const issuer = await startIssuer(t)
  const scim = await startScim(t, { ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: AUDIENCE }]) })
  const admin = await scim.connect('Me')
  const managed = {
    emails: [{ value: 'ann@me.example', type: 'work', primary: true }],
    phoneNumbers: [{ value: '+43 1', type: 'work' }],
    displayName: 'Ann Managed',
    name: { givenName: 'Ann', familyName: 'Managed' },
    title: 'Engineer',
    [ENTERPRISE]: { department: 'Lab' },
  }
  const id = await admin.user('ann@me.example', managed)
  await admin.user('bob@me.example', { emails: [{ value: 'bob@me.example' }] })
  await admin.group('Team', [id])
  await scim.kith.identities.link(await scim.kith.users.get(id), { issuer: issuer.url, sub: 'ann' })
  const me = new ScimClient(scim.url, await issuer.token({ sub: 'ann', client_id: 'an-app' }))
  const bob = await scim.device('bob@me.example')
  const card = await scim.cardOf('ann@me.example')
  const seen = async () => (await bob.get(card, { accept: 'text/vcard; version=4.0' })).text.replace(/\r\n /g, '')
  const put = async (change: (now: Dict) => object, headers = {}) =>
    me.ask('PUT', '/Me', change((await me.get('/Me')).json), headers)
  const isManaged = (t: Asserts, answer: Awaited<ReturnType<typeof me.get>>, label: string) => {
    t.equal(`${answer.status} ${answer.json.scimType}`, '400 mutability', `${label}: ${answer.text}`)
    t.equal(problem(answer), undefined, label)
  }

  await t.test('it is read as a user, at the address of the user', async (t) => {
    const { status, json, headers } = await me.get('/Me')
    t.equal(status, 200)
    t.match(json, { id, userName: 'ann@me.example', displayName: 'Ann Managed', groups: [{ display: 'Team' }] })
    t.match(json.meta, {
      location: `${admin.url}/scim/v2/Users/${id}`.replace(admin.url, scim.config.publicUrl),
      resourceType: 'User',
    })
    t.equal(headers.location, (json.meta as Dict).location)
    t.equal((await me.get('/Me', { 'if-none-match': String(headers.etag) })).status, 304)
    t.strictSame(Object.keys((await me.get('/Me?attributes=title')).json).sort(), ['id', 'schemas', 'title'])
  })

  await t.test('what is added lands in the own layer, and on the card that colleagues see', async (t) => {
    const before = await admin.get(`/Users/${id}`)
    const answer = await me.patch('/Me', [
      { op: 'add', path: 'phoneNumbers', value: [{ value: '+43 664 7', type: 'mobile' }] },
      { op: 'add', path: 'nickName', value: 'Annie' },
      { op: 'add', path: 'profileUrl', value: 'https://ann.example/' },
    ])
    t.equal(answer.status, 200, answer.text)
    t.match(answer.json, {
      nickName: 'Annie',
      phoneNumbers: [{ value: '+43 1' }, { value: '+43 664 7', type: 'mobile' }],
    })
    t.match(await seen(), /^TEL;TYPE=cell:\+43 664 7\r$/m)
    t.match(await seen(), /^NICKNAME:Annie\r$/m)
    t.match(await seen(), /^TEL;TYPE=work:\+43 1\r$/m)
    t.strictSame((await admin.get(`/Users/${id}`)).json, before.json, 'what is managed is as it was')
    t.equal((await admin.search('/Users', { filter: 'phoneNumbers.value co "664"' })).json.totalResults, 0)
  })

  await t.test('under what the organization changes later', async (t) => {
    await admin.patch(`/Users/${id}`, [
      { op: 'replace', path: 'title', value: 'Chief' },
      { op: 'replace', path: 'phoneNumbers[type eq "work"].value', value: '+43 2' },
    ])
    const { json } = await me.get('/Me')
    t.match(json, { title: 'Chief', nickName: 'Annie', phoneNumbers: [{ value: '+43 2' }, { value: '+43 664 7' }] })
    t.match(await seen(), /^TITLE:Chief\r$/m)
    t.match(await seen(), /^TEL;TYPE=cell:\+43 664 7\r$/m)
  })

  await t.test('what is managed: 400 mutability, and nothing changes', async (t) => {
    const before = await me.get('/Me')
    const text = await seen()
    for (const [path, value] of [
      ['userName', 'x'],
      ['externalId', 'x'],
      ['active', false],
      ['roles', [{ value: 'admin' }]],
      ['entitlements', [{ value: 'x' }]],
      ['title', 'Boss'],
      ['displayName', 'Other'],
      ['name.familyName', 'Other'],
      ['userType', 'x'],
      [`${ENTERPRISE}:department`, 'Other'],
      [`${ENTERPRISE}:employeeNumber`, '1'],
      [`${ENTERPRISE}:manager`, { value: id }],
      ['emails[type eq "work"].value', 'x@me.example'],
      ['phoneNumbers[type eq "work"].value', '0'],
      ['phoneNumbers', [{ value: '0' }]],
      ['x509Certificates', [{ value: 'AAAA' }]],
      ['id', 'x'],
      ['groups', []],
      ['meta.version', 'x'],
    ] as const) {
      isManaged(t, await me.patch('/Me', [{ op: 'replace', path, value }]), path)
      const both = [
        { op: 'add', path: 'nickName', value: 'half' },
        { op: 'replace', path, value },
      ]
      isManaged(t, await me.patch('/Me', both), `with another, ${path}`)
    }
    for (const path of [
      'title',
      'emails',
      'phoneNumbers',
      'displayName',
      'name',
      'emails[type eq "work"]',
      `${ENTERPRISE}:department`,
    ]) {
      isManaged(t, await me.patch('/Me', [{ op: 'remove', path }]), `remove ${path}`)
    }
    for (const change of [
      { title: 'Boss' },
      { userName: 'x@me.example' },
      { roles: [{ value: 'x' }] },
      { active: false },
      { [ENTERPRISE]: { department: 'x' } },
    ]) {
      isManaged(t, await put((now) => ({ ...now, ...change })), `PUT ${JSON.stringify(change)}`)
    }
    t.strictSame((await me.get('/Me')).json, before.json)
    t.equal(await seen(), text)
  })

  await t.test('language, locale and time zone are kept, and told to the organization', async (t) => {
    const value = { preferredLanguage: 'de-AT', locale: 'de-AT', timezone: 'Europe/Vienna' }
    t.match((await me.patch('/Me', [{ op: 'replace', value }])).json, value)
    t.match((await admin.get(`/Users/${id}`)).json, value)
    t.equal((await admin.search('/Users', { filter: 'timezone eq "Europe/Vienna"' })).json.totalResults, 1)
    await me.patch('/Me', [{ op: 'remove', path: 'timezone' }])
    t.equal((await admin.get(`/Users/${id}`)).json.timezone, undefined)
  })

  await t.test('versions: If-Match, and what changes nothing', async (t) => {
    const { json, headers } = await me.get('/Me')
    const add = [{ op: 'add', path: 'nickName', value: 'Ninni' }]
    t.equal((await me.patch('/Me', add, { 'if-match': 'W/"old"' })).status, 412)
    t.equal((await me.get('/Me')).headers.etag, headers.etag)
    const changed = await me.patch('/Me', add, { 'if-match': String(headers.etag) })
    t.equal(changed.status, 200)
    t.not(version(changed.json), version(json))
    t.equal(version((await me.patch('/Me', add)).json), version(changed.json), 'there already')
    const same = await put((now) => now)
    t.strictSame(same.json, changed.json, 'what was read, put back')
  })

  await t.test('what is one’s own is taken away: by PATCH, and by a PUT that does not say it', async (t) => {
    const gone = await me.patch('/Me', [{ op: 'remove', path: 'phoneNumbers[type eq "mobile"]' }])
    t.equal(gone.status, 200, gone.text)
    t.notMatch(await seen(), /664/)
    const bare = await put(({ schemas, userName }) => ({ schemas, userName }))
    t.equal(bare.status, 200, bare.text)
    t.equal(bare.json.nickName, undefined)
    t.match(bare.json, { title: 'Chief', displayName: 'Ann Managed', phoneNumbers: [{ value: '+43 2' }] })
    t.notMatch(await seen(), /NICKNAME|ann\.example/)
  })

  await t.test('lines that values would inject are none on the card', async (t) => {
    const evil = 'x\r\nX-EVIL:1\nEND:VCARD\u2028X-EVIL:2'
    const value = {
      nickName: evil,
      profileUrl: `https://x/${evil}`,
      ims: undefined,
      photos: [{ value: `https://x/${evil}` }],
      addresses: [{ formatted: evil, type: 'home' }],
      phoneNumbers: [{ value: evil }],
    }
    const { status } = await me.patch('/Me', [{ op: 'add', value }])
    t.ok(status === 200 || status === 400, `${status}`)
    const { text } = await bob.get(card)
    const lines = text.replace(/\r\n /g, '').split('\r\n')
    t.strictSame(
      lines.filter((line) => /^X-EVIL|[\r\n\u2028]/.test(line)),
      [],
    )
    t.equal(text.split(/^END:VCARD\r$/m).length, 2)
    await put(({ schemas, userName }) => ({ schemas, userName }))
  })

  await t.test('only /Me, only these methods, and no one else’s', async (t) => {
    for (const [method, path] of [
      ['GET', '/Users'],
      ['GET', `/Users/${id}`],
      ['POST', '/Bulk'],
      ['GET', '/Me/x'],
      ['POST', '/.search'],
      ['GET', ''],
      ['PATCH', `/Users/${id}`],
    ] as const) {
      const answer = await me.ask(method, path, method === 'GET' ? undefined : {})
      t.equal(answer.status, 403, `${method} ${path}`)
      t.equal(problem(answer), undefined, path)
    }
    for (const method of ['POST', 'DELETE']) {
      const answer = await me.ask(method, '/Me', method === 'POST' ? {} : undefined)
      t.equal(`${answer.status} ${answer.headers.allow}`, '405 GET, PUT, PATCH')
    }
    t.equal((await admin.get('/Me')).status, 404)
    t.equal((await me.get('/Schemas')).status, 200, 'what is discovered is for every token')
    for (const key of ['__proto__', 'constructor']) {
      t.equal((await me.patch('/Me', [{ op: 'add', path: key, value: 'x' }])).json.scimType, 'invalidPath')
    }
  })

  await t.test(
    'an e-mail that SCIM changes never links another subject; a deactivated user is out within a second',
    async (t) => {
      const eve = await admin.user('eve@me.example', { emails: [{ value: 'eve@me.example' }] })
      await admin.patch(`/Users/${eve}`, [
        { op: 'replace', path: 'emails', value: [{ value: 'ann@me.example', primary: true }] },
      ])
      const stranger = new ScimClient(
        scim.url,
        await issuer.token({ sub: 'stranger', email: 'ann@me.example', client_id: 'an-app' }),
      )
      t.equal((await stranger.get('/Me')).status, 401)
      t.equal((await me.get('/Me')).json.id, id)
      await admin.patch(`/Users/${id}`, [{ op: 'Replace', path: 'active', value: 'False' }])
      const end = Date.now() + 1_000
      while ((await me.get('/Me')).status !== 401) if (Date.now() > end) throw new Error('still in after a second')
      t.pass('out')
      await admin.patch(`/Users/${id}`, [{ op: 'Replace', path: 'active', value: 'True' }])
    },
  )

  await t.test('parallel changes: each is there', async (t) => {
    const fresh = new ScimClient(scim.url, await issuer.token({ sub: 'ann', client_id: 'another-app' }))
    const adds = Array.from({ length: 15 }, (_, at) =>
      fresh.patch('/Me', [{ op: 'add', path: 'emails', value: [{ value: `a${at}@x.example`, type: 'home' }] }]),
    )
    const all = await Promise.all(adds)
    t.strictSame(new Set(all.map(({ status }) => status)), new Set([200]))
    t.equal(((await fresh.get('/Me')).json.emails as unknown[]).length, 16)
  })
})

interface Asserts {
  equal(found: unknown, wanted: unknown, label: string): unknown
}
