import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { commandLine, type Row } from '../support/command-line.ts'
import { testDatabase } from '../support/databases.ts'

t.test('the command line: who may come to SCIM', async (t) => {
  const database = await testDatabase()
  t.teardown(() => database.drop())
  const env = { DATA_DIR: mkdtempSync(join(tmpdir(), 'kith-cli-')), PUBLIC_URL: 'https://kith.example' }
  const { kith, json, refused } = commandLine(t, { ...env, DATABASE_URL: database.url })
  await json('organization', 'create', '--name', 'O', '--domain', 'o.example')
  const person = ['user', 'create', '--organization', 'O', '--name', 'X', '--email']
  const ann = await json<Row>(...person, 'ann@o.example')
  await json(...person, 'bob@else.example')

  const create = ['scim-token', 'create', '--organization', 'O']
  const token = await json<Row>(...create, '--label', 'Entra', '--expires', '2099-01-31', '--staff-role', 'Admin')
  t.match(token, { url: 'https://kith.example/scim/v2', connector: 'default', expires: '2099-01-31T00:00:00.000Z' })
  t.match(token.token, /^kith_[\w-]{129}$/)
  const reader = await json<Row>(...create, '--connector', 'Okta', '--read-only', '--expires', '90d', '--strict')
  t.match(reader, { connector: 'Okta', expires: String })
  const listed = await kith('scim-token', 'list', '--organization', 'O', '--json')
  t.match(JSON.parse(listed.out), [
    { id: token.id, label: 'Entra', connector: 'default', readOnly: false, revokedAt: null },
    { id: reader.id, label: 'Okta', connector: 'Okta', readOnly: true, lastUsedAt: null },
  ])
  t.notOk(listed.out.includes(String(token.token)), 'a token is shown once')
  const next = await json<Row>('scim-token', 'rotate', String(token.id), '--overlap', '1h')
  t.match(next, { connector: 'default', token: /^kith_/ })
  t.not(next.token, token.token)
  await json('scim-token', 'rotate', String(next.id), '--overlap', '0')
  t.match(await json('scim-token', 'revoke', String(token.id)), { revoked: true })
  const ended = (await json<Row[]>('scim-token', 'list')).filter(({ revokedAt }) => revokedAt !== null)
  t.strictSame(ended.map(({ id }) => id).sort(), [token.id, next.id].sort())
  t.match(await json('connector', 'list'), [
    { name: 'Okta', strict: true, staffRole: null },
    { name: 'default', strict: false, staffRole: 'Admin' },
  ])
  const update = ['connector', 'update', '--organization', 'O']
  t.match(await json(...update, 'Okta', '--no-strict', '--staff-role', 'Boss'), { strict: false, staffRole: 'Boss' })
  t.match(await json(...update, 'default', '--staff-role', ''), { staffRole: null })
  const client = ['--issuer', 'https://id.example', '--client-id', 'c']
  const bound = { issuer: 'https://id.example', clientId: 'c', connector: 'Okta', readOnly: true }
  t.match(
    await json('scim-client', 'bind', ...client, '--organization', 'O', '--connector', 'Okta', '--read-only'),
    bound,
  )
  t.match(await json('scim-client', 'list'), [bound])
  t.match(await json('scim-client', 'unbind', ...client), { bound: false })
  t.strictSame(await json('scim-client', 'list'), [])
  const identity = ['--issuer', 'https://id.example', '--sub', 's']
  t.match(await json('user', 'link', 'ann@o.example', ...identity), { id: ann.id, sub: 's' })
  const taken = await kith('user', 'link', 'bob@else.example', ...identity)
  t.strictSame([taken.status, taken.out], [1, ''])
  t.match(await json('user', 'unlink', 'ann@o.example', ...identity), { id: ann.id, linked: false })
  t.match((await kith('user', 'link', 'bob@else.example', ...identity)).out, /ISSUERS/, 'what is still to be done')

  for (const [args, word] of [
    [[...create, '--expires', 'tomorrow'], /--expires/],
    [[...create, '--expires', '2027-13-01'], /--expires/],
    [[...create, '--expires', '2020-01-01'], /passed/],
    [[...create, '--connector', ' '], /connector/],
    [['scim-token', 'rotate', String(token.id)], /in force/],
    [['scim-token', 'rotate', String(reader.id), '--overlap', '5'], /--overlap/],
    [['scim-token', 'revoke', 'x'], /in force/],
    [['connector', 'update', 'None', '--organization', 'O'], /connector "None"/],
    [['scim-client', 'unbind', ...client], /bound/],
    [['user', 'unlink', 'ann@o.example', ...identity], /linked/],
  ] as const) {
    await refused(args, word)
  }
})
