import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import { openGate } from '../faults/gate.ts'
import { testDatabase } from '../support/databases.ts'
import { ask } from '../support/kith.ts'
import { type App, type RunningRest, startRest } from '../support/rest.ts'

const NOTHING = '00000000-0000-4000-8000-000000000000'

/** Asks each operation that documents the status; of what is there nowhere. */
async function askEach(
  { contract }: RunningRest,
  app: App,
  status: number,
  { body, headers, search = '' }: { body?: string; headers?: Readonly<Record<string, string>>; search?: string } = {},
): Promise<string[]> {
  const wrong: string[] = []
  for (const { method, path, operation } of contract.operations()) {
    if (!(status in operation.responses) || (body !== undefined && !operation.requestBody)) continue
    const [type = 'application/json'] = Object.keys(operation.requestBody?.content ?? {})
    const sent = body ?? (operation.requestBody ? '{}' : undefined)
    const address = `${path.replaceAll(/\{\w+\}/g, NOTHING)}${search}`
    const answer = await app.ask(method, address, sent, { ...(sent ? { 'content-type': type } : {}), ...headers })
    if (answer.status !== status) wrong.push(`${method} ${path} ${answer.status}`)
  }
  return wrong
}

t.test('every route refuses alike', async (t) => {
  const running = await startRest(t)
  const one = await running.organization('One', 'one.example', ['Ann'])
  const ann = await running.app('ann@one.example')
  await t.test('nobody, and who is no person', async (t) => {
    t.strictSame(await askEach(running, await running.app(), 401), [])
    t.strictSame(await askEach(running, await running.connector(one), 403), [])
    const nobody = await running.app()
    for (const path of ['/nothing', '/', '/teams/x/y/z']) {
      t.equal((await nobody.get(path)).status, 401, `${path}: what is here is told to nobody`)
      t.equal((await ann.get(path)).status, 404, path)
    }
  })
  await t.test('bodies of another type, or too large', async (t) => {
    t.strictSame(await askEach(running, ann, 415, { body: 'x', headers: { 'content-type': 'text/plain' } }), [])
    t.strictSame(await askEach(running, ann, 413, { body: ' '.repeat(16 * 1024 * 1024 + 1) }), [])
  })
  await t.test('what cannot be read, or is not known', async (t) => {
    const wrong: string[] = []
    for (const { method, path, operation } of running.contract.operations()) {
      const address = path.replaceAll(/\{\w+\}/g, NOTHING)
      const queried = operation.parameters?.some((one) => one.in === 'query')
      const isJson = operation.requestBody?.content['application/json'] !== undefined
      const expect = async (status: number, place: string, body?: string) => {
        if (!(status in operation.responses)) wrong.push(`${method} ${path} documents no ${status}`)
        else if ((await ann.ask(method, place, body)).status !== status) wrong.push(`${method} ${path}: no ${status}`)
      }
      if (queried) await expect(400, `${address}?unheard-of=1`, isJson ? '{}' : undefined)
      if (isJson) await expect(400, address, '{')
      if (operation.parameters?.some(({ name }) => name === 'limit')) await expect(400, `${address}?limit=true`)
      if (isJson) await expect(422, address, '{"unheard_of": 1}')
    }
    t.strictSame(wrong, [])
  })
  await t.test('RFC 9110 §15.5.6 and §10.2.1: other methods with those that are right', async (t) => {
    for (const { path } of running.contract.operations()) {
      for (const method of ['TRACE', 'OPTIONS', 'PROPFIND']) {
        const answer = await ann.ask(method, path.replaceAll(/\{\w+\}/g, NOTHING))
        t.equal(answer.status, 405, `${method} ${path}`)
        t.match(answer.headers.allow, /[A-Z]/)
      }
    }
  })
})

t.test('what a device has locked is changed by nobody else', async (t) => {
  const running = await startRest(t)
  await running.organization('One', 'one.example', ['Ann', 'Bob', 'Cid'])
  const ann = await running.app('ann@one.example')
  const phone = await running.device('ann@one.example')
  const bob = (await running.cardOf('bob@one.example')).slice(0, 36)
  const cid = (await running.cardOf('cid@one.example')).slice(0, 36)
  const data = { notes: 'x' }
  const { id } = (await ann.post('/contacts', { data: { full_name: 'Julie' } })).json
  await ann.patch(`/contacts/${id}`, { data })
  const version = (await ann.get(`/contacts/${id}/history`)).items[0]?.id
  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
    'base64',
  )
  const photo = { 'content-type': 'image/png' }
  t.equal((await ann.ask('PUT', `/contacts/${id}/photo`, png, photo)).status, 201)
  await ann.patch(`/contacts/${bob}`, { data })
  t.equal((await ann.ask('POST', `/contacts/${cid}/hide`, undefined, { 'if-match': '"stale"' })).status, 412)
  t.equal((await ann.ask('POST', '/contacts', { override: cid, data }, { 'if-match': '"stale"' })).status, 412)
  const body = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>'
  t.equal((await phone.ask('LOCK', phone.people, { body, headers: { depth: 'infinity' } })).status, 200)

  const creation = { op: 'create', data: { full_name: 'Tom' } }
  const writes: readonly (readonly [string, string, unknown?, object?])[] = [
    ['POST', '/contacts', { data: { full_name: 'Tom' } }],
    ['POST', '/contacts', { override: bob, data }],
    ['POST', '/contacts/batch', { atomic: true, operations: [creation] }],
    ['PATCH', `/contacts/${id}`, { data: { notes: 'y' } }],
    ['DELETE', `/contacts/${id}`],
    ['DELETE', `/contacts/${bob}`],
    ['POST', `/contacts/${bob}/hide`],
    ['PUT', `/contacts/${id}/photo`, Buffer.concat([png, Buffer.from(' ')]), photo],
    ['DELETE', `/contacts/${id}/photo`],
    ['POST', `/history/${version}/restore`],
  ]
  for (const [method, path, sent, headers] of writes) {
    const answer = await ann.ask(method, path, sent, { ...headers })
    t.equal(answer.status, 423, `${method} ${path}`)
    t.equal(answer.code, 'locked')
  }
  const each = await ann.post('/contacts/batch', { operations: [creation] })
  t.match(each.json, { results: [{ status: 423 }] })
  const unknown = { op: 'remove', id: NOTHING }
  t.equal((await ann.post('/contacts/batch', { atomic: true, operations: [unknown] })).status, 404)
})

t.test('an invitation is not sent again where it is unclear who is meant', async (t) => {
  const running = await startRest(t)
  const one = await running.organization('One', 'one.example', ['Ann', 'Bob', 'Cid'])
  const ann = await running.app('ann@one.example')
  const { id } = (await ann.post('/teams', { name: 'Team' })).json
  const { users } = running.kith
  const invited = await ann.post(`/teams/${id}/invitations`, { email: 'guest@else.example' })
  const resend = `/teams/${id}/invitations/${invited.json.id}/resend`
  const database = new pg.Client({ connectionString: running.database.url })
  await database.connect()
  for (const name of ['bob', 'cid']) await users.setActive(await users.get(`${name}@one.example`), false)
  await database.query(
    `update "user" set email = 'guest@else.example', email_key = 'guest@else.example'
     where organization_id = $1 and email_key <> 'ann@one.example'`,
    [one],
  )
  t.equal((await ann.post(resend)).code, 'user-inactive')
  await database.query('update "user" set is_active = true where organization_id = $1', [one])
  t.equal((await ann.post(resend)).code, 'ambiguous')
  await database.end()
})

t.test('draft-ietf-httpapi-ratelimit-headers: each person has so many requests', async (t) => {
  const running = await startRest(t, { API_RATE_LIMIT: '1' })
  await running.organization('One', 'one.example', ['Ann', 'Bob'])
  const ann = await running.app('ann@one.example')
  const bob = await running.app('bob@one.example')
  for (let left = 9; left >= 0; left -= 1) {
    const { status, headers } = await ann.get('/me')
    t.equal(status, 200)
    t.equal(headers['ratelimit-policy'], '"person";q=10;w=10')
    t.match(headers.ratelimit, new RegExp(`^"person";r=${left};t=\\d+$`))
  }
  const { status, code, headers } = await ann.get('/me')
  t.equal(status, 429)
  t.equal(code, 'too-many-requests')
  t.match(headers['retry-after'], /^([1-9]|10)$/)
  t.strictSame(await askEach(running, ann, 429), [])
  t.equal((await bob.get('/me')).status, 200, 'somebody else')
})

t.test('without the database every route says when to come again', async (t) => {
  const database = await testDatabase()
  const url = new URL(database.url)
  const gate = await openGate(Number(url.port))
  t.teardown(() => gate.close())
  url.port = String(gate.port)
  const running = await startRest(t, {}, { ...database, url: url.href })
  await running.organization('One', 'one.example', ['Ann'])
  const ann = await running.app('ann@one.example')
  t.equal((await ann.get('/me')).status, 200)
  const open = gate.target
  gate.target = undefined
  gate.cut()
  await sleep(600) // so long is somebody believed who was let in
  t.strictSame(await askEach(running, ann, 503), [])
  const { headers } = await ann.get('/me')
  t.match(headers['retry-after'], /^\d+$/)
  t.equal((await ask(running.url, 'GET', '/api/v1/openapi.json')).status, 200)
  gate.target = open
  t.equal((await ann.get('/me')).status, 200)
})
