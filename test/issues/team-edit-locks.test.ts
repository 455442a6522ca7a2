import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import { condition } from '../support/dav.ts'
import { startKith } from '../support/kith.ts'

const { kith, organization, device, database } = await startKith(t)
await organization('Space Odyssey', 'spaceodyssey.com', ['David', 'Ryan', 'Zoe'])
const [david, ryan, zoe] = await Promise.all(
  ['david', 'ryan', 'zoe'].map((name) => kith.users.get(`${name}@spaceodyssey.com`)),
)
if (!david || !ryan || !zoe) throw new TypeError('there are people')
const phone = await device('david@spaceodyssey.com')
const zoes = await device('zoe@spaceodyssey.com')
const without = (text: string, ...ids: readonly string[]) =>
  ids.reduce((card, id) => card.replace(`X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:${id}\r\n`, ''), text)

t.test('who is to leave is locked before the team, as a deactivation locks them: neither deadlocks', async (t) => {
  const team = await kith.teams.create('Project X', david)
  await kith.teams.add(team, ryan, 'member')
  const { headers, text } = await phone.get(`${team.id}.vcf`)
  const blocker = new pg.Client(database.url)
  await blocker.connect()
  t.teardown(() => blocker.end())
  await blocker.query('begin')
  await blocker.query('select from "user" where id = $1 for update', [ryan.id])
  const edit = phone.put(`${team.id}.vcf`, without(text, ryan.profileId), { 'if-match': headers.etag })
  await sleep(300) // it has come to the lock that it has to wait for
  await t.resolves(blocker.query('select from team where id = $1 for update nowait', [team.id]))
  await blocker.query('rollback')
  t.equal((await edit).status, 204)
  t.equal((await kith.teams.members(team)).length, 1)
})

t.test('an owner is left, whatever is done to a team’s card and its people at once', async (t) => {
  for (let attempt = 0; attempt < 15; attempt += 1) {
    const team = await kith.teams.create(`Two owners ${attempt}`, david)
    await kith.teams.add(team, zoe, 'owner')
    await kith.teams.add(team, ryan, 'member')
    const name = `${team.id}.vcf`
    const { headers, text } = await phone.get(name)
    const match = { 'if-match': headers.etag }
    const meanwhile = [
      attempt % 3 === 0 ? kith.users.setActive(ryan, false) : undefined,
      attempt % 3 === 1 ? kith.teams.add(team, david, 'member').catch(() => undefined) : undefined,
    ]
    const answers = await Promise.all([
      phone.put(name, without(text, zoe.profileId, ryan.profileId), match),
      zoes.put(name, without(text, david.profileId), match),
    ])
    await Promise.all(meanwhile)
    const told = answers.map((answer) => `${answer.status} ${condition(answer) ?? ''}`.trim())
    t.ok(answers.filter(({ status }) => status === 204).length <= 1, `at most one is in time: ${told.join(', ')}`)
    t.notOk(told.some((answer) => !/^(204|404|412|403 D:need-privileges)$/.test(answer)))
    const members = await kith.teams.members(team)
    t.ok(members.some(({ role, isActive }) => role === 'owner' && isActive))
    t.equal((await kith.teams.get(team.id)).memberCount, members.length)
    await kith.users.setActive(ryan, true)
  }
})
