import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import { ask, startKith } from '../support/kith.ts'
import { startRest } from '../support/rest.ts'

t.test('the organization over the JSON API', async (t) => {
  const running = await startRest(t)
  const { kith } = running
  const names = Array.from({ length: 20 }, (_, at) => `Boss ${at}`)
  const one = await running.organization('One', 'one.example', ['Ann', 'Bob', 'Zoë Lind', ...names])
  await running.organization('Two', 'two.example', ['Eve'])
  const user = (name: string) => kith.users.get(`${name}@one.example`)
  await kith.users.update(await user('ann'), { isStaff: true })
  await kith.users.update(await kith.users.get('eve@two.example'), { isStaff: true })
  const ann = await running.app('ann@one.example')
  const bob = await running.app('bob@one.example')
  const eve = await running.app('eve@two.example')
  const nobody = await running.app()
  const bobsId = (await user('bob')).id

  await t.test('every route × (nobody, an administrator of another organization, a member)', async (t) => {
    const administrators = `/organization/administrators/${bobsId}`
    const routes: readonly (readonly [string, string, number, number, object?])[] = [
      ['GET', '/users', 200, 200],
      ['GET', `/users/${bobsId}`, 404, 200],
      ['GET', '/organization', 200, 200],
      ['PATCH', '/organization', 200, 403, {}],
      ['GET', '/organization/administrators', 200, 403],
      ['GET', administrators, 404, 403],
      ['PUT', administrators, 404, 403],
      ['DELETE', administrators, 404, 403],
    ]
    for (const [method, path, other, member, body] of routes) {
      t.equal((await nobody.ask(method, path, body)).status, 401, `${method} ${path}: nobody`)
      t.equal((await eve.ask(method, path, body)).status, other, `${method} ${path}: another organization`)
      t.equal((await bob.ask(method, path, body)).status, member, `${method} ${path}: a member`)
    }
    t.equal((await eve.get('/users')).items.length, 1)
    t.strictSame((await eve.get('/organization/administrators')).items.length, 1)
    t.match((await bob.get('/organization')).json, { id: one, policies: undefined, registration_ids: undefined })
  })

  await t.test('users are found by parts of their names, in any case and without accents', async (t) => {
    t.match((await bob.get('/users?q=ZOE')).items, [{ full_name: 'Zoë Lind', is_staff: false }])
    t.match((await bob.get('/users?q=ann%40one')).items, [{ full_name: 'Ann', is_staff: true }])
    const all: unknown[] = []
    for (let cursor = ''; ; ) {
      const page = await bob.get(`/users?limit=7${cursor}`)
      all.push(...page.items.map(({ id }) => id))
      if (typeof page.json.next !== 'string') break
      cursor = `&cursor=${page.json.next}`
    }
    t.equal(new Set(all).size, 23)
    t.equal(all.length, 23)
    const ranked = await bob.get('/users?q=boss&limit=3')
    const rest = await bob.get(`/users?q=boss&limit=200&cursor=${ranked.json.next}`)
    t.equal(ranked.items.length + rest.items.length, 20)
    await kith.organizations.setScope(one, 'none')
    t.match((await bob.get('/users')).items, [{ id: bobsId }], 'as far as the scope reaches')
    t.equal((await bob.get('/users?q=zoe')).items.length, 0)
    t.equal((await bob.get(`/users/${(await user('ann')).id}`)).status, 404)
    t.equal((await ann.get('/users')).items.length, 23, 'administrators see everybody')
    await kith.organizations.setScope(one, 'teams')
    t.equal((await bob.get('/users')).items.length, 1)
    await kith.organizations.setScope(one, 'everyone')
  })

  await t.test('policies: who makes teams, and which fields of a profile people edit', async (t) => {
    const { headers } = await ann.get('/organization')
    const policies = { team_creation: 'administrators', editable_profile_fields: ['phones'] }
    t.equal((await ann.patch('/organization', { policies }, { 'if-match': '"stale"' })).status, 412)
    const saved = await ann.patch('/organization', { policies }, { 'if-match': headers.etag })
    t.match(saved.json, { policies: { ...policies, directory_scope: 'everyone' } })
    t.equal((await ann.get('/organization')).headers.etag, saved.headers.etag)
    const wrong = await ann.patch('/organization', { policies: { editable_profile_fields: ['phones', 'x'] } })
    t.equal(wrong.status, 422)
    t.strictSame(wrong.fields, ['policies.editable_profile_fields[1]'])
    const me = (await bob.get('/me')).json
    t.match(me.abilities, { create_teams: false, editable_profile_fields: ['phones'] })
    const actor = { organizationId: one, userId: bobsId, peopleId: (await user('bob')).peopleId }
    await t.rejects(kith.teamWork.create(actor, { name: 'x' }), { code: 'need-privileges' })
    const profile = `/contacts/${me.profile_id}`
    const refused = await bob.patch(profile, { data: { notes: 'x', phones: [{ type: 'Home', value: '1' }] } })
    t.equal(refused.code, 'managed-value')
    t.strictSame(refused.fields, ['data.notes'])
    t.equal((await bob.patch(profile, { data: { phones: [{ type: 'Home', value: '1' }] } })).status, 200)
    const phone = await running.device('bob@one.example')
    const card = await running.cardOf('bob@one.example')
    const { text } = await phone.get(card)
    const put = await phone.put(card, text.replace('END:VCARD', 'NOTE:mine\r\nTEL;TYPE=cell:7\r\nEND:VCARD'))
    t.equal(put.status, 204)
    t.equal(put.headers.etag, undefined)
    t.match((await phone.get(card)).text, /^TEL;TYPE=cell:7\r$/im)
    t.notMatch((await phone.get(card)).text, /NOTE:/)
    await ann.patch('/organization', { policies: { editable_profile_fields: ['notes'] } })
    t.equal((await phone.put(card, text)).status, 204, 'without the phones')
    t.match((await phone.get(card)).text, /^TEL;TYPE=cell:7\r$/im, 'what somebody has stays')
    await ann.patch('/organization', { policies: { team_creation: 'everyone', editable_profile_fields: null } })
    t.match((await bob.get('/me')).json.abilities, { create_teams: true, editable_profile_fields: null })
  })

  await t.test('administrators name each other; 20 who go at once leave one', async (t) => {
    const path = (id: string) => `/organization/administrators/${id}`
    const annsId = (await user('ann')).id
    const last = await ann.delete(path(annsId))
    t.equal(`${last.status} ${last.code}`, '409 last-administrator')
    const zoe = await user('zoë.lind')
    await kith.users.setActive(zoe, false)
    t.equal((await ann.ask('PUT', path(zoe.id))).code, 'user-inactive')
    const bosses = await Promise.all(names.map((_, at) => user(`boss.${at}`)))
    for (const { id } of bosses) t.equal((await ann.ask('PUT', path(id))).status, 200)
    t.equal((await ann.get('/organization/administrators?limit=200')).items.length, 21)
    const apps = await Promise.all(bosses.map(({ email }) => running.app(email)))
    t.equal((await apps[0]?.delete(path(annsId)))?.status, 204, 'from somebody else')
    const answers = await Promise.all(apps.map((app, at) => app.delete(path(bosses[at]?.id ?? ''))))
    t.equal(answers.filter(({ status }) => status === 204).length, 19)
    t.equal(answers.filter(({ code }) => code === 'last-administrator').length, 1)
  })

  await t.test('connectors: a token opens SCIM until it is deleted, on every server', async (t) => {
    const second = await startKith(t, { ...running.database, drop: async () => undefined })
    const statuses = (token: string) =>
      Promise.all(
        [running.url, second.url].map(async (url) => {
          const answer = await ask(url, 'GET', '/scim/v2/Users', { headers: { authorization: `Bearer ${token}` } })
          return answer.status
        }),
      )
    const at = '/organization/connectors'
    const boss = await running.app((await kith.store.users.administrators(one, undefined, 1))[0]?.email)
    const made = await boss.post(at, { name: ' Okta ', staff_role: 'Admin' })
    t.match(made.json, { name: 'Okta', is_strict: false, staff_role: 'Admin' })
    const path = `${at}/${made.json.id}`
    t.equal(made.headers.location, `/api/v1${path}`)
    t.equal((await boss.post(at, { name: 'Okta' })).code, 'already-exists')
    t.strictSame((await boss.post(at, { name: 'a\u0007' })).fields, ['name'])
    t.strictSame((await boss.patch(path, { staff_role: ' ' })).fields, ['staff_role'])
    t.equal((await boss.patch(path, { name: 'x' }, { 'if-match': '"stale"' })).status, 412)
    t.match((await boss.patch(path, { is_strict: true, staff_role: null })).json, { is_strict: true, staff_role: null })
    const other = await boss.post(at, { name: 'Entra' })
    t.equal((await boss.patch(`${at}/${other.json.id}`, { name: 'Okta' })).code, 'already-exists')
    const page = await boss.get(`${at}?limit=1`)
    const rest = await boss.get(`${at}?limit=1&cursor=${page.json.next}`)
    t.match([page.items, rest.items, rest.json.next], [[{ name: 'Entra' }], [{ name: 'Okta' }], null])

    const idle = await running.app((await kith.store.users.administrators(one, undefined, 1))[0]?.email, 16 * 60)
    t.equal((await idle.get(`${path}/tokens`)).status, 200)
    const late = await idle.post(`${path}/tokens`, {})
    t.equal(`${late.status} ${late.code}`, '403 login-too-old')
    const issued = await boss.post(`${path}/tokens`, { expires_in_days: 1 })
    t.equal(issued.status, 201)
    t.equal(issued.headers['cache-control'], 'no-store')
    const token = String(issued.json.token)
    t.strictSame(await statuses(token), [200, 200])
    t.match((await boss.get(`${path}/tokens`)).items, [{ id: issued.json.id, label: 'Okta', token: undefined }])
    t.strictSame((await boss.post(`${path}/tokens`, { label: '' })).fields, ['label'])
    const mine = `${path}/tokens/${issued.json.id}`
    t.equal((await boss.get(`${at}/${other.json.id}/tokens/${issued.json.id}`)).status, 404, "another connector's")
    t.equal((await boss.delete(mine, { 'if-match': '"stale"' })).status, 412)
    t.equal((await boss.delete(mine)).status, 204)
    await sleep(510)
    t.strictSame(await statuses(token), [401, 401])
    t.equal((await boss.delete(mine)).status, 404)

    const reading = await boss.post(`${path}/tokens`, { may_write: false })
    const write = await ask(running.url, 'POST', '/scim/v2/Users', {
      headers: { authorization: `Bearer ${reading.json.token}`, 'content-type': 'application/scim+json' },
      body: '{}',
    })
    t.equal(write.status, 403)
    t.strictSame(await statuses(String(reading.json.token)), [200, 200])
    for (const [method, where] of [
      ['GET', path],
      ['PATCH', path],
      ['DELETE', path],
      ['GET', `${path}/tokens`],
      ['POST', `${path}/tokens`],
      ['GET', `${path}/tokens/${reading.json.id}`],
      ['DELETE', `${path}/tokens/${reading.json.id}`],
    ] as const) {
      const body = /^P/.test(method) ? {} : undefined
      t.equal((await eve.ask(method, where, body)).status, 404, `${method} ${where}: another organization`)
    }
    t.equal((await boss.delete(path)).status, 204)
    await sleep(510)
    t.strictSame(await statuses(String(reading.json.token)), [401, 401])
    t.equal((await boss.get(path)).status, 404)
  })

  await t.test('shared equipment administers nothing', async (t) => {
    const device = await kith.users.create(one, { name: 'Phone', email: 'phone@one.example' })
    const client = new pg.Client({ connectionString: running.database.url })
    await client.connect()
    await client.query('update "user" set is_device = true where organization_id = $1 and id = $2', [one, device.id])
    await client.end()
    const boss = await running.app((await kith.store.users.administrators(one, undefined, 1))[0]?.email)
    const refused = await boss.ask('PUT', `/organization/administrators/${device.id}`)
    t.equal(refused.status, 422)
    t.strictSame(refused.fields, ['user_id'])
  })
})
