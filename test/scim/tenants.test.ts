import t from 'tap'
import { changesNothing } from '../support/dav.ts'
import { type Dict, ENTERPRISE, GROUP, MESSAGES, type ScimClient, startScim, USER } from '../support/scim.ts'

t.test('organizations', async (t) => {
  const scim = await startScim(t)
  const mine = await scim.connect('Mine')
  const theirs = await scim.connect('Theirs')
  const me = await mine.user('me@mine.example', { externalId: 'shared', title: 'mine', displayName: 'Me' })
  const myGroup = await mine.group('mine', [me])
  const them = await theirs.user('them@theirs.example', { externalId: 'shared', title: 'secret title' })
  const boss = await theirs.user('boss@theirs.example', { displayName: 'Secret Boss' })
  const theirGroup = await theirs.group('secret group', [them])
  const url = `${mine.url}/scim/v2`
  const untouched = (t: Parameters<typeof changesNothing>[0], work: () => Promise<unknown>) =>
    changesNothing(t, scim, theirs.organizationId, work)

  await t.test("another organization's id in a path: 404, as an id that nobody has", async (t) => {
    const nobody = '00000000-0000-4000-8000-000000000000'
    await untouched(t, async () => {
      for (const [kind, id, body] of [
        ['Users', them, { schemas: [USER], userName: 'stolen' }],
        ['Groups', theirGroup, { schemas: [GROUP], displayName: 'stolen', members: [{ value: me }] }],
      ] as const) {
        const patch = {
          schemas: [`${MESSAGES}:PatchOp`],
          Operations: [{ op: 'replace', path: 'displayName', value: 'stolen' }],
        }
        for (const [method, sent] of [
          ['GET', undefined],
          ['PUT', body],
          ['PATCH', patch],
          ['DELETE', undefined],
        ] as const) {
          const [got, other] = [
            await mine.ask(method, `/${kind}/${id}`, sent),
            await mine.ask(method, `/${kind}/${nobody}`, sent),
          ]
          t.equal(got.status, 404, `${method} ${kind}`)
          t.equal(got.text.replaceAll(id, ''), other.text.replaceAll(nobody, ''), 'it tells nothing')
        }
      }
      const answer = await mine.bulk([
        { method: 'DELETE', path: `/Users/${them}` },
        { method: 'DELETE', path: `/Groups/${theirGroup}` },
        { method: 'PUT', path: `/Users/${them}`, data: { userName: 'stolen' } },
      ])
      t.strictSame(
        (answer.json.Operations as Dict[]).map(({ status }) => status),
        ['404', '404', '404'],
      )
    })
    t.equal((await theirs.get(`/Users/${them}`)).json.title, 'secret title')
  })

  await t.test('as a member or in a filter on members: 400 invalidValue, or nobody; never counted', async (t) => {
    const forms = [
      { value: them },
      { $ref: `${url}/Users/${them}` },
      { value: them, $ref: `${url}/Users/${me}`, type: 'User' },
    ]
    await untouched(t, async () => {
      for (const one of forms) {
        const label = JSON.stringify(one)
        const post = await mine.post('/Groups', {
          schemas: [GROUP],
          displayName: 'made',
          members: [{ value: me }, one],
        })
        t.match(post.json, { status: '400', scimType: 'invalidValue' }, `POST ${label}`)
        const put = await mine.ask('PUT', `/Groups/${myGroup}`, {
          schemas: [GROUP],
          displayName: 'mine',
          members: [one],
        })
        t.match(put.json, { status: '400', scimType: 'invalidValue' }, `PUT ${label}`)
        const patch = await mine.patch(`/Groups/${myGroup}`, [{ op: 'add', path: 'members', value: [one] }])
        t.match(patch.json, { status: '400', scimType: 'invalidValue' }, `PATCH ${label}`)
      }
      t.equal(
        (await mine.patch(`/Groups/${myGroup}`, [{ op: 'remove', path: `members[value eq "${them}"]` }])).status,
        204,
      )
    })
    t.match((await mine.get(`/Groups/${myGroup}`)).json, { displayName: 'mine', members: [{ value: me }] })
    t.equal((await mine.get('/Groups')).json.totalResults, 1, 'nothing was made')
  })

  await t.test('as a manager: their name is not told', async (t) => {
    const id = await mine.user('managed', { [ENTERPRISE]: { manager: { value: boss } } })
    const { text } = await mine.get(`/Users/${id}`)
    t.notMatch(text, /Secret/)
    t.equal(
      (await mine.search('/Users', { filter: `${ENTERPRISE}:manager.displayName co "Secret"` })).json.totalResults,
      0,
    )
    const sorted = await mine.search('/Users', { sortBy: `${ENTERPRISE}:manager.displayName`, cursor: '', count: 1 })
    t.notMatch(Buffer.from(String(sorted.json.nextCursor), 'base64url').toString(), /secret/i, 'not by a cursor either')
    await mine.ask('DELETE', `/Users/${id}`)
  })

  await t.test('in lists, filters, sorting, cursors and totals: only my own', async (t) => {
    const filters = [
      'title pr',
      `id eq "${them}" or id eq "${me}"`,
      'externalId eq "shared"',
      'not (userName eq "nobody")',
      'userName co "@"',
      `groups.value eq "${theirGroup}" or id pr`,
      'active eq true or active eq false',
      `meta.location eq "${url}/Users/${them}" or title pr`,
    ]
    for (const filter of filters) {
      for (const more of [{}, { cursor: '' }, { sortBy: 'title' }, { count: 0 }]) {
        const { json, resources } = await mine.search('/Users', { filter, ...more })
        t.equal(json.totalResults, 1, filter)
        t.ok(
          resources.every(({ id }) => id === me),
          filter,
        )
      }
    }
    t.equal((await mine.get('')).json.totalResults, 2)
    t.equal(
      (await mine.search('/Groups', { filter: `members.value eq "${them}" or members.display pr` })).json.totalResults,
      1,
    )
    t.equal((await mine.search('/Users', { filter: `groups.value eq "${theirGroup}"` })).json.totalResults, 0)
    const first = await theirs.search('/Users', { cursor: '', count: 1 })
    const { resources } = await mine.search('/Users', { cursor: first.json.nextCursor, count: 1 })
    t.ok(
      resources.every(({ id }) => id === me),
      'a cursor of theirs shows nobody of theirs',
    )
  })

  await t.test('what is not assignable: id, meta, groups, schemas, an organization; roles grant nothing', async (t) => {
    const id = await mine.user('assigned', {
      id: them,
      meta: { version: 'W/"99"', created: '2000-01-01T00:00:00Z' },
      groups: [{ value: myGroup }],
      organizationId: theirs.organizationId,
      isStaff: true,
      roles: [{ value: 'admin' }, { value: 'staff' }],
    })
    t.not(id, them)
    const { json } = await mine.get(`/Users/${id}`)
    t.match(json, { meta: { version: 'W/"1"' } })
    t.equal(json.groups, undefined)
    t.equal(json.organizationId, undefined)
    const user = await scim.kith.users.get(id)
    t.match(user, { organizationId: mine.organizationId, isStaff: false })
    for (const [path, value] of [
      ['id', them],
      ['meta.created', '2000-01-01T00:00:00Z'],
      ['meta', {}],
      ['groups', [{ value: myGroup }]],
      ['schemas', ['x']],
    ] as const) {
      for (const op of ['add', 'replace', 'remove']) {
        const answer = await mine.patch(`/Users/${id}`, [{ op, path, ...(op === 'remove' ? {} : { value }) }])
        t.match(answer.json, { status: '400', scimType: 'mutability' }, `${op} ${path}`)
      }
    }
    const again = await mine.get(`/Users/${id}`)
    t.strictSame(again.json, json)
    await mine.ask('DELETE', `/Users/${id}`)
  })

  await t.test('an externalId, a userName or an address is no id', async (t) => {
    const lookalike = '11111111-1111-4111-8111-111111111111'
    const id = await mine.user(lookalike, { externalId: me })
    for (const one of [
      lookalike,
      'shared',
      'me@mine.example',
      me.toUpperCase(),
      `{${me}}`,
      me.replaceAll('-', ''),
      `${me}%00`,
      `${me}%20`,
    ]) {
      t.equal((await mine.get(`/Users/${one}`)).status, 404, one)
    }
    t.equal((await mine.get(`/Users/${me}`)).json.title, 'mine')
    await mine.ask('DELETE', `/Users/${id}`)
  })

  await t.test('a userName that comes back is a new id: no group, no card, no device of the one before', async (t) => {
    const userName = 'again@mine.example'
    const id = await mine.user(userName, { emails: [{ value: userName }] })
    const phone = await scim.device(userName)
    await mine.patch(`/Groups/${myGroup}`, [{ op: 'add', path: 'members', value: [{ value: id }] }])
    t.equal((await phone.propfind(phone.people, '0', '<D:prop><D:displayname/></D:prop>')).status, 207)
    const { profileId } = await scim.kith.users.get(id)
    await mine.ask('DELETE', `/Users/${id}`)
    const again = await mine.user(userName, { emails: [{ value: userName }] })
    t.not(again, id)
    t.not((await scim.kith.users.get(again)).profileId, profileId)
    t.equal((await mine.get(`/Users/${again}`)).json.groups, undefined)
    t.match((await mine.get(`/Groups/${myGroup}`)).json.members, [{ value: me }])
    await within(
      1_000,
      async () => (await phone.propfind(phone.people, '0', '<D:prop><D:displayname/></D:prop>')).status === 401,
    )
    t.pass('the device is out')
  })

  await t.test('a read-only token reads, and every write is 403 that changes nothing', async (t) => {
    const reader = await scim.connect('Mine', { mayWrite: false })
    await changesNothing(t, scim, mine.organizationId, async () => {
      for (const path of ['/Users', `/Users/${me}`, '/Groups', '', '/Schemas'])
        t.equal((await reader.get(path)).status, 200, path)
      t.equal((await reader.search('/Users', {})).status, 200)
      await refusedWrites(t, reader, me, myGroup)
    })
  })
})

async function within(milliseconds: number, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + milliseconds
  while (!(await holds())) if (Date.now() > end) throw new Error(`not within ${milliseconds} ms`)
}

async function refusedWrites(
  t: { equal(found: unknown, wanted: unknown, label: string): unknown },
  client: ScimClient,
  user: string,
  group: string,
) {
  const op = { Operations: [{ op: 'replace', path: 'displayName', value: 'x' }] }
  for (const [method, path, body] of [
    ['POST', '/Users', { userName: 'x' }],
    ['PUT', `/Users/${user}`, { userName: 'x' }],
    ['PATCH', `/Users/${user}`, op],
    ['DELETE', `/Users/${user}`, undefined],
    ['POST', '/Groups', { displayName: 'x' }],
    ['PATCH', `/Groups/${group}`, op],
    ['DELETE', `/Groups/${group}`, undefined],
    ['POST', '/Bulk', { Operations: [{ method: 'DELETE', path: `/Users/${user}` }] }],
  ] as const) {
    const { status, json } = await client.ask(method, path, body)
    t.equal(`${status} ${json.status}`, '403 403', `${method} ${path}`)
  }
}
