import t from 'tap'
import { Clock, delivererOf, verify, webhookReceiver } from '../support/receivers.ts'
import { startRest } from '../support/rest.ts'

t.test('hooks over the JSON API', async (t) => {
  const running = await startRest(t, { OUTGOING_ALLOW: '127.0.0.1' })
  const { kith } = running
  const one = await running.organization('One', 'one.example', ['Ann', 'Own', 'Adm', 'Mem', 'Out', 'Gone'])
  const two = await running.organization('Two', 'two.example', ['Eve'])
  for (const name of ['ann@one.example', 'eve@two.example']) {
    await kith.users.update(await kith.users.get(name), { isStaff: true })
  }
  const user = (name: string) => kith.users.get(`${name}@one.example`)
  const team = await kith.teams.create('Project X', await user('own'))
  await kith.teams.add(team, await user('adm'), 'administrator')
  for (const name of ['mem', 'gone']) await kith.teams.add(team, await user(name), 'member')
  const apps = {
    nobody: await running.app(),
    eve: await running.app('eve@two.example'),
    out: await running.app('out@one.example'),
    mem: await running.app('mem@one.example'),
    adm: await running.app('adm@one.example'),
    own: await running.app('own@one.example'),
    ann: await running.app('ann@one.example'),
    gone: await running.app('gone@one.example'),
    connector: await running.connector(one),
  }
  await kith.users.setActive(await user('gone'), false)
  const receiver = await webhookReceiver(t)
  const said = { name: 'App', url: receiver.url, format: 'standard-webhooks' }
  const mine = `/teams/${team.id}/hooks`
  const ours = '/organization/hooks'

  await t.test('every route × (nobody, a connector, others, member, administrator, owner, deactivated)', async (t) => {
    const made = async (path: string) =>
      `${path}/${(await (path === ours ? apps.ann : apps.own).post(path, said)).json.id}`
    const routes = [
      ['GET', ''],
      ['POST', '', said],
      ['GET', '/x'],
      ['PATCH', '/x', { name: 'Other' }],
      ['POST', '/x/test'],
      ['POST', '/x/resync'],
      ['POST', '/x/resume'],
      ['POST', '/x/rotate-secret'],
      ['DELETE', '/x'],
    ] as const
    const who = { nobody: 401, gone: 401, connector: 403 }
    const expected = {
      ours: { ...who, out: 403, mem: 403, adm: 403, own: 403 },
      mine: { ...who, eve: 404, out: 404, ann: 404, mem: 403 },
    }
    for (const path of [ours, mine] as const) {
      const hook = await made(path)
      for (const [method, rest, body] of routes) {
        const address = rest.startsWith('/x') ? `${hook}${rest.slice(2)}` : path
        for (const [name, status] of Object.entries<number>(path === ours ? expected.ours : expected.mine)) {
          const answer = await apps[name as keyof typeof apps].ask(method, address, body) // one of them
          t.equal(answer.status, status, `${method} ${address}: ${name}`)
        }
        if (rest !== '')
          t.equal((await apps.eve.ask(method, address, body)).status, 404, `${method} ${address}: another's`)
      }
      const right = path === ours ? [apps.ann] : [apps.adm, apps.own]
      for (const app of right) {
        const own = await made(path)
        for (const [method, rest, body] of routes) {
          const { status } = await app.ask(method, rest === '' ? path : `${own}${rest.slice(2)}`, body)
          t.ok(status < 300, `${method} ${path}${rest}`)
        }
        t.equal((await app.get(own)).status, 404, 'deleted')
      }
      const elsewhere = hook.replace(path, path === ours ? mine : ours)
      t.equal((await (path === ours ? apps.own : apps.ann).get(elsewhere)).status, 404, 'a hook is its owner’s alone')
    }
    t.equal(
      (await kith.store.hooks.list(two, undefined, undefined, 10)).length,
      0,
      'nothing of it came to the other organization',
    )
  })

  await t.test('a hook is made, changed, tried, told, and shows how it fares; its secret is shown once', async (t) => {
    const created = await apps.ann.post(ours, said)
    t.equal(created.status, 201)
    const { secret = '', id } = created.json as { secret?: string; id: string } // as documented
    const path = `${ours}/${id}`
    t.equal(created.headers.location, `/api/v1${path}`)
    t.match(created.json, { state: 'active', behind: 0, last_attempt: null, next_attempt_at: null })
    const read = await apps.ann.get(path)
    t.notOk(read.text.includes(secret.slice(6)))
    t.notOk((await apps.ann.get(ours)).text.includes('whsec_'))
    t.equal((await apps.ann.get(path, { 'if-none-match': read.headers.etag })).status, 304)

    t.match((await apps.ann.post(`${path}/test`)).json, { status: 204, error: null })
    t.match(verify(secret, receiver.taken.at(-1) as never), { type: 'hook.test' })
    receiver.answer = () => 503
    t.match((await apps.ann.post(`${path}/test`)).json, { status: 503, error: /503/ })

    await kith.teams.add(team, await user('out'), 'member')
    await delivererOf(running, new Clock()).deliver({ organizationId: one, id })
    const failed = await apps.ann.get(path)
    t.match(failed.json, { state: 'retrying', behind: 1, last_attempt: { status: 503 }, last_success_at: null })
    t.match(failed.json.next_attempt_at, /^\d{4}-/)
    const renamed = await apps.ann.patch(path, { name: 'Other' }, { 'if-match': read.headers.etag })
    t.equal(renamed.status, 200, 'how it fares is no change of it')
    t.equal((await apps.ann.patch(path, { name: 'Third' }, { 'if-match': read.headers.etag })).status, 412)
    t.equal((await apps.ann.delete(path, { 'if-match': read.headers.etag })).status, 412)
    const again = await apps.ann.patch(path, { name: 'Other' })
    t.equal(again.headers.etag, renamed.headers.etag, 'without a difference nothing is written')
    receiver.answer = () => 200
    t.match((await apps.ann.post(`${path}/resync`)).json, { state: 'resyncing' })
    receiver.taken.length = 0
    await delivererOf(running, new Clock()).deliver({ organizationId: one, id })
    t.strictSame(
      receiver.taken.map(({ type }) => type),
      ['resync.started', 'resync.users', 'resync.team', 'resync.finished'],
    )
    t.match((await apps.ann.get(path)).json, { state: 'active', behind: 0, last_attempt: { status: 200, error: null } })
  })

  await t.test(
    'events that a hook has not heard of are forgotten after 30 days: it needs a resync, and says so',
    async (t) => {
      const { id } = (await apps.ann.post(ours, said)).json as { id: string } // as documented
      await kith.teams.remove(team, await user('out'))
      await kith.store.hooks.prune(new Date(Date.now() - 1_000 * 60))
      t.match((await apps.ann.get(`${ours}/${id}`)).json, { state: 'active', behind: 1 })
      await kith.store.hooks.prune(new Date(Date.now() + 1_000 * 60))
      t.match((await apps.ann.get(`${ours}/${id}`)).json, { state: 'needs-resync', behind: 0, reason: /forgotten/ })
      t.match((await apps.ann.post(`${ours}/${id}/resume`)).json, { state: 'needs-resync' })
      t.match((await apps.ann.post(`${ours}/${id}/resync`)).json, { state: 'resyncing' })
      await delivererOf(running, new Clock()).deliver({ organizationId: one, id })
      t.match((await apps.ann.get(`${ours}/${id}`)).json, { state: 'active', reason: null })
    },
  )

  await t.test('RFC 9457: what cannot be so names its field', async (t) => {
    const wrong = [
      [{}, ['name', 'url', 'format']],
      [{ ...said, x: 1 }, ['x']],
      [{ ...said, name: ' ' }, ['name']],
      [{ ...said, url: 'http://127.0.0.2/' }, ['url']],
      [{ ...said, url: 'https://10.0.0.1/' }, ['url']],
      [{ ...said, url: 'https://[::ffff:169.254.169.254]/' }, ['url']],
      [{ ...said, url: 'file:///etc/passwd' }, ['url']],
      [{ ...said, format: 'soap' }, ['format']],
      [{ ...said, format: 'scim', token: 'x', url: `${receiver.url}?x=1` }, ['url']],
      [{ ...said, token: 'x' }, ['token']],
      [{ ...said, format: 'scim' }, ['token']],
      [{ ...said, format: 'scim', token: 'a b' }, ['token']],
    ] as const
    for (const [body, fields] of wrong) {
      const refused = await apps.ann.post(ours, body)
      t.equal(refused.status, 422, JSON.stringify(body))
      t.strictSame(refused.fields, fields)
    }
    const made = await apps.ann.post(ours, { ...said, format: 'scim', token: 'the-token' })
    const path = `${ours}/${made.json.id}`
    t.match(made.json, { state: 'resyncing', secret: undefined }, 'a scim server is sent all there is first')
    t.strictSame((await apps.ann.patch(path, { url: 'https://other.example/' })).fields, ['token'])
    t.equal((await apps.ann.patch(path, { url: 'https://other.example/', token: 'another' })).status, 200)
    t.strictSame((await apps.ann.post(`${path}/rotate-secret`)).fields, ['format'])
    t.notOk((await apps.ann.get(path)).text.includes('another'))
    t.strictSame((await apps.ann.get(`${ours}?cursor=x`)).fields, ['cursor'])
    t.strictSame((await apps.ann.get(`${ours}?limit=0`)).fields, ['limit'])
    t.equal((await apps.ann.get(`${ours}/no-id`)).status, 404)
    t.equal((await apps.ann.get('/teams/no-id/hooks')).status, 404)
    t.equal((await apps.ann.post(ours, '{')).status, 400)
    t.equal((await apps.ann.ask('POST', ours, 'x', { 'content-type': 'text/plain' })).status, 415)
    const first = await apps.ann.get(`${ours}?limit=1`)
    const second = await apps.ann.get(`${ours}?limit=1&cursor=${first.json.next}`)
    t.equal(second.items.length, 1)
    t.not(first.items[0]?.id, second.items[0]?.id)
    for (let status = 201; status === 201; ) {
      status = (await apps.own.post(mine, said)).status
      if (status !== 201) t.equal(status, 413, 'a team has 20 at most')
    }
    t.equal((await apps.own.get(mine)).items.length, 20)
  })
})
