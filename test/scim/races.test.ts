import t from 'tap'
import { type Dict, type ScimAnswer, startScim, USER } from '../support/scim.ts'

const counted = (answers: readonly ScimAnswer[]): object => {
  const found: Record<string, number> = {}
  for (const { status } of answers) found[status] = (found[status] ?? 0) + 1
  return found
}
const title = (value: string) => [{ op: 'replace', path: 'title', value }]
const add = (value: string | undefined) => [{ op: 'add', path: 'members', value: [{ value }] }]

t.test('races over SCIM', async (t) => {
  const scim = await startScim(t)
  const client = await scim.connect('Races')
  const ids: string[] = []
  for (let at = 0; at < 20; at += 1) ids.push(await client.user(`racer ${at}`))

  await t.test('200 parallel creates of one userName: one 201, 199 × 409 uniqueness, one user', async (t) => {
    const spelled = (at: number) => ['Straße ﬁ@x', 'straße fi@X', 'STRAßE FI@x'][at % 3]
    const all = Array.from({ length: 200 }, (_, at) =>
      client.post('/Users', { schemas: [USER], userName: spelled(at) }),
    )
    const answers = await Promise.all(all)
    t.strictSame(counted(answers), { 201: 1, 409: 199 })
    for (const { status, json } of answers) if (status === 409) t.match(json, { scimType: 'uniqueness', status: '409' })
    const { json } = await client.search('/Users', { filter: 'userName sw "STRA"' })
    t.equal(json.totalResults, 1)
    t.equal((await scim.kith.organizations.list()).length, 1)
  })

  await t.test('40 parallel PATCHes with one If-Match: one wins, the others 412', async (t) => {
    const id = await client.user('fought over')
    const { etag } = (await client.get(`/Users/${id}`)).headers
    const of = (at: number) => client.patch(`/Users/${id}`, title(`title ${at}`), { 'if-match': etag })
    const answers = await Promise.all(Array.from({ length: 40 }, (_, at) => of(at)))
    t.strictSame(counted(answers), { 200: 1, 412: 39 })
    const winner = answers.find(({ status }) => status === 200)
    const { json, headers } = await client.get(`/Users/${id}`)
    t.equal(json.title, winner?.json.title)
    t.equal(headers.etag, winner?.headers.etag)
  })

  await t.test('parallel PATCHes of different attributes: none is lost', async (t) => {
    const id = await client.user('shared')
    const names = ['title', 'nickName', 'displayName', 'userType', 'locale', 'timezone', 'externalId', 'department']
    const phones = Array.from({ length: 12 }, (_, at) => ({
      op: 'add',
      path: 'phoneNumbers',
      value: [{ value: `${at}` }],
    }))
    const edits = [...names.map((path) => ({ op: 'add', path, value: path })), ...phones]
    const answers = await Promise.all(edits.map((one) => client.patch(`/Users/${id}`, [one])))
    t.strictSame(counted(answers), { 200: edits.length })
    const { json } = await client.get(`/Users/${id}`)
    t.equal((json.phoneNumbers as unknown[]).length, 12)
    t.match(json, { title: 'title', nickName: 'nickName', externalId: 'externalId' })
    t.equal((json.meta as Dict).version, `W/"${edits.length + 1}"`, 'a version each')
  })

  await t.test('parallel adds and removals of members of one group: all are done, and counted right', async (t) => {
    const leaving = ids.slice(0, 5)
    const id = await client.group('raced', leaving)
    const joins = ids.slice(5).map((one) => client.patch(`/Groups/${id}`, add(one)))
    const again = ids.slice(10).map((one) => client.patch(`/Groups/${id}`, add(one)))
    const gone = leaving.map((one) =>
      client.patch(`/Groups/${id}`, [{ op: 'remove', path: `members[value eq "${one}"]` }]),
    )
    t.strictSame(counted(await Promise.all([...joins, ...again, ...gone])), { 204: 30 })
    const { json } = await client.get(`/Groups/${id}`)
    const members = (json.members as Dict[]).map(({ value }) => value)
    t.strictSame([...members].sort(), ids.slice(5).sort())
    const found = await scim.kith.store.directory.team(client.organizationId, id)
    t.equal(found?.memberCount, members.length)
    for (const one of leaving) t.equal((await client.get(`/Users/${one}`)).json.groups, undefined)
  })

  await t.test(
    'parallel PUTs of one group, of deletions of its members and of the group: whole states only',
    async (t) => {
      const id = await client.group('stormy', ids.slice(0, 3))
      const mortal = [await client.user('mortal 1'), await client.user('mortal 2')]
      const body = (list: readonly string[]) => ({ displayName: 'stormy', members: list.map((value) => ({ value })) })
      const puts = Array.from({ length: 12 }, (_, at) =>
        client.ask('PUT', `/Groups/${id}`, body([...(at % 2 === 0 ? ids.slice(0, 4) : ids.slice(4, 8)), ...mortal])),
      )
      const deletions = mortal.map((one) => client.ask('DELETE', `/Users/${one}`))
      const answers = await Promise.all([...puts, ...deletions])
      for (const { status, json } of answers)
        t.ok([200, 204].includes(status) || json.scimType === 'invalidValue', `${status}`)
      t.strictSame(counted(await Promise.all(deletions)), { 204: 2 })
      const { json } = await client.get(`/Groups/${id}`)
      const members = (json.members as Dict[]).map(({ value }) => String(value)).sort()
      const whole = [ids.slice(0, 3), ids.slice(0, 4), ids.slice(4, 8)].map((list) => [...list].sort().join())
      t.ok(whole.includes(members.join()), members.join())
      t.equal((await scim.kith.store.directory.team(client.organizationId, id))?.memberCount, members.length)
      const removals = await Promise.all(Array.from({ length: 5 }, () => client.ask('DELETE', `/Groups/${id}`)))
      t.strictSame(counted(removals), { 204: 1, 404: 4 })
    },
  )

  await t.test('a user is deleted while others change it: 404 for these, and nothing is left', async (t) => {
    const id = await client.user('going')
    const edits = Array.from({ length: 10 }, (_, at) => client.patch(`/Users/${id}`, title(`${at}`)))
    const answers = await Promise.all([
      ...edits,
      client.ask('DELETE', `/Users/${id}`),
      client.ask('DELETE', `/Users/${id}`),
    ])
    for (const { status } of answers) t.ok([200, 204, 404].includes(status), `${status}`)
    t.equal(answers.filter(({ status }) => status === 204).length, 1)
    t.equal((await client.get(`/Users/${id}`)).status, 404)
    const again = await client.user('going')
    t.not(again, id, 'a userName that comes back is somebody new')
  })
})
