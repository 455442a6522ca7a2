import t from 'tap'
import { startRest } from '../support/rest.ts'

t.test('a NUL in any text of a request is refused by the field’s name, and never reaches the database', async (t) => {
  const { kith, organization, app } = await startRest(t)
  await organization('One', 'one.example', ['Ann'])
  await kith.users.update(await kith.users.get('ann@one.example'), { isStaff: true })
  const ann = await app('ann@one.example')
  const hook = { name: 'App', url: 'https://app.example/\0', format: 'standard-webhooks' }
  for (const [path, body, field] of [
    ['/directories', { name: 'a\0b' }, 'name'],
    ['/directories', { name: 'a', description: '\0' }, 'description'],
    ['/teams', { name: '\0' }, 'name'],
    ['/organization/connectors', { name: 'a\0' }, 'name'],
    ['/organization/hooks', hook, 'url'],
    ['/contacts', { data: { full_name: 'a\0' } }, 'data.full_name'],
  ] as const) {
    const refused = await ann.post(path, body)
    t.equal(refused.status, 422, path)
    t.strictSame(refused.fields, [field], path)
  }
  for (const path of ['/contacts?q=%00', '/users?q=a%00', '/contacts/export?book=%00', '/contacts/changes?since=%00']) {
    t.equal((await ann.get(path)).status, 400, path)
  }
  t.equal((await ann.get('/directories')).items.length, 0, 'nothing was made')
})
