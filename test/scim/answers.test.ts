import t from 'tap'
import { type Dict, GROUP, MESSAGES, startScim, USER } from '../support/scim.ts'

const { connect, kith, device } = await startScim(t)
const scim = await connect('Answers')
const { meta } = (await scim.get(`/Users/${await scim.user('first')}`)).json as { meta: { location: string } } // RFC 7643 §3.1
const base = meta.location.replace(/\/Users\/.*/, '')
const TEAM = 'urn:ietf:params:scim:schemas:extension:kith:2.0:Group'

t.test('RFC 9110 §9.3.2: HEAD answers as GET does, without its body', async (t) => {
  const id = await scim.user('head')
  for (const path of [`/Users/${id}`, '/Users?count=1', '/Schemas', '/Users/nobody']) {
    const [got, head] = [await scim.get(path), await scim.ask('HEAD', path)]
    t.equal(head.status, got.status, path)
    t.equal(head.text, '')
    for (const name of ['content-type', 'etag', 'location']) t.equal(head.headers[name], got.headers[name], name)
  }
})

t.test(
  'RFC 7644 §3.5.2: a PATCH of a group has no body, but the type, version and place of what it is about',
  async (t) => {
    const path = `/Groups/${await scim.group('Patched')}`
    const patched = await scim.patch(path, [{ op: 'replace', path: 'displayName', value: 'Anew' }])
    t.equal(patched.status, 204)
    t.equal(patched.text, '')
    const got = await scim.get(path)
    for (const name of ['content-type', 'etag', 'location']) t.equal(patched.headers[name], got.headers[name], name)
    const asked = await scim.patch(`${path}?attributes=displayName`, [
      { op: 'replace', path: 'displayName', value: 'Asked' },
    ])
    t.equal(asked.status, 200)
    t.equal(asked.json.displayName, 'Asked')
    t.equal((await scim.ask('DELETE', path)).headers['content-type'], undefined, 'nothing is told of what is gone')
  },
)

t.test(
  'RFC 7644 §3.7: each operation of a bulk request tells its address, unless it is a POST that fails',
  async (t) => {
    const [one, two] = [await scim.user('one'), await scim.user('two')]
    const { json } = await scim.bulk([
      { method: 'DELETE', path: `/Users/${one}` },
      { method: 'DELETE', path: `${base}/Users/${one}` },
      { method: 'PUT', path: `/Users/${two}`, data: { schemas: [USER], userName: 'changed' } },
      {
        method: 'PATCH',
        path: `Users/${two}`,
        data: { schemas: [`${MESSAGES}:PatchOp`], Operations: [{ op: 'remove' }] },
      },
      { method: 'POST', path: '/Users', bulkId: 'three', data: { schemas: [USER], userName: 'CHANGED' } },
    ])
    const told = (json.Operations as readonly Dict[]).map(({ status, location }) => [status, location]) // RFC 7644 §3.7
    t.strictSame(told, [
      ['204', `${base}/Users/${one}`],
      ['404', `${base}/Users/${one}`],
      ['200', `${base}/Users/${two}`],
      ['400', `${base}/Users/${two}`],
      ['409', undefined],
    ])
  },
)

t.test('RFC 7644 §3.9: Entra ID asks for emails[…], which is all of the attribute', async (t) => {
  const emails = [{ type: 'work', value: 'a@answers.example' }]
  const path = `/Users/${await scim.user('asked', { emails, title: 'Pilot' })}`
  const { status, json } = await scim.get(`${path}?attributes=${encodeURIComponent('emails[type eq "home"]')}`)
  t.equal(status, 200)
  t.strictSame([json.emails, json.title], [emails, undefined])
  const { json: rest } = await scim.get(`${path}?excludedAttributes=${encodeURIComponent('emails[type eq "home"]')}`)
  t.strictSame([rest.emails, rest.title], [undefined, 'Pilot'])
  const refused = await scim.get(`/Users?sortBy=${encodeURIComponent('emails[type eq "work"]')}`)
  t.equal(refused.json.scimType, 'invalidValue', 'it is nothing to sort by')
})

t.test(
  'RFC 7643 §4.1.1: active is always there: made true, never taken away, and left as it is by a PUT',
  async (t) => {
    const path = `/Users/${await scim.user('active')}`
    t.equal((await scim.get(path)).json.active, true)
    for (const operation of [
      { op: 'remove', path: 'active' },
      { op: 'replace', path: 'active', value: null },
    ]) {
      t.equal((await scim.patch(path, [operation])).status, 400, operation.op)
      t.equal((await scim.get(path)).json.active, true)
    }
    await scim.patch(path, [{ op: 'replace', path: 'active', value: false }])
    const { status, json } = await scim.ask('PUT', path, { schemas: [USER], userName: 'active' })
    t.strictSame([status, json.active], [200, false])
  },
)

t.test('the description of a group is a note on its card, and no device changes it', async (t) => {
  const email = 'ann@answers.example'
  await kith.users.createMany(scim.organizationId, [{ name: 'Ann', email }])
  const phone = await device(email)
  const { id: ann } = await kith.users.get(email)
  const description = 'Who flies; \\and, who\nlands'
  const body = { schemas: [GROUP, TEAM], displayName: 'Crew', members: [{ value: ann }], [TEAM]: { description } }
  const path = `/Groups/${await scim.made('/Groups', body)}`
  const card = async () => {
    const names = [...(await phone.list()).keys()].filter((href) => href.includes(path.slice(8)))
    return names[0] ? (await phone.get(String(names[0].split('/').at(-1)))).text : ''
  }
  t.match((await scim.get(path)).json[TEAM], { description })
  t.ok((await card()).includes('NOTE:Who flies\\; \\\\and\\, who\\nlands\r\n'), 'escaped as vCards have it')
  const before = await phone.list()
  await scim.patch(path, [{ op: 'replace', path: `${TEAM}:description`, value: 'Others' }])
  t.ok((await card()).includes('NOTE:Others\r\n'))
  const changed = [...(await phone.list())].filter(([href, etag]) => before.get(href) !== etag)
  t.equal(changed.length, 1, 'one card changed')
  const found = await scim.get(`/Groups?filter=${encodeURIComponent(`${TEAM}:description co "OTHER"`)}`)
  t.equal(found.json.totalResults, 1)
  await scim.ask('PUT', path, { schemas: [GROUP], displayName: 'Crew', members: [{ value: ann }] })
  t.notMatch(await card(), /^NOTE/m, 'left out of a PUT, it is gone')
})

t.test(
  'RFC 7643 §2.3.6: binary values are base64, in either alphabet, with or without padding; nothing else',
  async (t) => {
    const path = `/Users/${await scim.user('certified')}`
    const certified = (value: unknown) =>
      scim.patch(path, [{ op: 'replace', path: 'x509Certificates', value: [{ value }] }])
    for (const value of ['AAEC', 'AAECAw==', 'AAECAw', '-_-_', '+/+/', 'AA\nEC']) {
      const { status, json } = await certified(value)
      t.strictSame([status, json.x509Certificates], [200, [{ value: value.replace('\n', '') }]], value)
    }
    for (const value of ['x', 'AAECA', 'AAECAw=', 'AA=C', '},{', 'AA*C', true, 12]) {
      const { status, json } = await certified(value)
      t.strictSame([status, json.scimType], [400, 'invalidValue'], String(value))
    }
    t.strictSame((await scim.get(path)).json.x509Certificates, [{ value: 'AAEC' }], 'what is refused changes nothing')
  },
)

t.test(
  'a strict connector forgives nothing but that an extension repeats its schema, as scim2-models has it',
  async (t) => {
    const strict = await connect('Strict')
    await kith.connectors.update(await kith.connectors.obtain(strict.organizationId), { isStrict: true })
    const path = `/Groups/${await strict.group('Strict')}`
    const said = (more: object) => [{ op: 'add', path: TEAM, value: { description: 'Said', ...more } }]
    t.equal((await strict.patch(path, said({ schemas: [TEAM] }))).status, 204)
    t.match((await strict.get(path)).json[TEAM], { description: 'Said' })
    t.equal((await strict.patch(path, said({ described: true }))).json.scimType, 'invalidPath')
  },
)
