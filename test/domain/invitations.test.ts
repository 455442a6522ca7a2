import t from 'tap'
import type { Invited, Role, Team, User } from '#domain'
import { testDatabase } from '../support/databases.ts'
import { actorOf, openWorld } from '../support/services.ts'

const database = await testDatabase()
const world = await openWorld(database.url, { people: 4, followed: 0 })
t.teardown(async () => {
  await world.close()
  await database.drop()
})
const { organizationId, users, teams, teamWork, invitations, letters } = world
const [ann, ben, cat, dan] = world.people as [User, User, User, User] // as many as asked for

const newTeam = async (): Promise<Team> => {
  const team = await teams.create('Project X', ann)
  await teams.add(team, ben, 'administrator')
  return team
}
const invite = (team: Team, email: string, role: Role = 'member', by = ann) =>
  invitations.invite(actorOf(by), team.id, { email, role })
/** As the worker writes it. */
const letterOf = async (invited: Invited) => {
  if (!('invitation' in invited)) throw new Error('they were added at once')
  const letter = await letters.write(organizationId, invited.invitation.id)
  if (!letter) throw new Error('there is no letter')
  return letter
}
const create = (email: string, organization = organizationId) => users.create(organization, { name: 'New', email })
const roleOf = async (team: Team, user: User) =>
  (await teams.members(team)).find(({ userId }) => userId === user.id)?.role
const listed = async (team: Team) => (await invitations.list(actorOf(ann), team.id, '', 100)).map(({ email }) => email)
const expire = (team: Team) =>
  world.database.pool.query("update invitation set expires_at = now() - interval '1 second' where team_id = $1", [
    team.id,
  ])

let number = 0
const fresh = (domain = 'spaceodyssey.com') => `new.${++number}@${domain}`

t.test('an invitation holds for seven days, and says to whom to write', async (t) => {
  const team = await newTeam()
  const email = fresh()
  const letter = await letterOf(await invite(team, ` ${email} `, 'administrator', ben))
  t.match(letter, {
    teamName: 'Project X',
    organizationName: 'Space Odyssey',
    inviterName: 'Person 1',
    role: 'administrator',
    invitation: { email, letter: 'waiting' },
  })
  const { createdAt, expiresAt } = letter.invitation
  t.equal(Math.round((expiresAt.getTime() - createdAt.getTime()) / 3_600_000), 7 * 24)
  t.match(await letters.ofLink(letter.token), { teamName: 'Project X', role: 'administrator' })
  t.equal(await letters.ofLink(`${letter.token.slice(0, -1)}_`), undefined)
  const { rows } = await world.database.pool.query('select row_to_json(i)::text as row from invitation i')
  t.notOk(JSON.stringify(rows).includes(letter.token), 'the link’s secret is not kept')
  for (const wrong of ['', 'nobody', 'a b@c.example', 'a\0@c.example'])
    await t.rejects(invite(team, wrong), { code: 'invalid-data' }, wrong)
})

t.test('once per e-mail and team, whatever its case; an expired one is replaced', async (t) => {
  const team = await newTeam()
  const email = fresh()
  await invite(team, email)
  await t.rejects(invite(team, email.toUpperCase()), { code: 'already-exists' })
  await invite(await newTeam(), email)
  await expire(team)
  await invite(team, email.toUpperCase(), 'owner')
  t.strictSame(await listed(team), [email.toUpperCase()])
  t.equal(await roleOf(team, await create(email)), 'owner')
})

t.test('whoever is active in the organization is added at once; who is deactivated is refused', async (t) => {
  const team = await newTeam()
  t.match(await invite(team, cat.email.toUpperCase(), 'owner'), { added: { userId: cat.id } })
  t.equal(await roleOf(team, cat), 'owner')
  await t.rejects(invite(team, cat.email), { code: 'already-exists' })
  await users.setActive(dan, false)
  await t.rejects(invite(team, dan.email), { code: 'user-inactive' })
  await users.setActive(dan, true)
  await t.rejects(invite(team, dan.email, 'owner', ben), { code: 'need-privileges' })
  t.equal(await roleOf(team, dan), undefined)
  const email = fresh()
  for (const userName of ['twin a', 'twin b'])
    await users.provision(organizationId, { userName, isActive: true, attributes: { emails: [{ value: email }] } })
  await t.rejects(invite(team, email), { code: 'ambiguous' })
})

t.test('any creation of the user turns invitations into memberships with the roles they say', async (t) => {
  const [first, second, revoked, expired] = [await newTeam(), await newTeam(), await newTeam(), await newTeam()]
  for (const { email, make } of [
    { email: fresh(), make: (email: string) => create(email.toUpperCase()) },
    {
      email: fresh(),
      make: (email: string) =>
        users.provision(organizationId, { userName: email.toUpperCase(), isActive: true, attributes: {} }),
    },
  ]) {
    await invite(first, email, 'administrator')
    await invite(second, email, 'owner')
    const { invitation } = await letterOf(await invite(revoked, email))
    await invitations.revoke(actorOf(ben), revoked.id, invitation.id)
    const { token } = await letterOf(await invite(expired, email))
    await expire(expired)
    const user = await make(email)
    const roles = [first, second, revoked, expired].map((team) => roleOf(team, user))
    t.strictSame(await Promise.all(roles), ['administrator', 'owner', undefined, undefined])
    t.strictSame([await listed(first), await listed(revoked)], [[], []], 'it is used up')
    t.equal(await letters.ofLink(token), undefined)
  }
  t.equal((await teams.get(first.id)).memberCount, 4)
})

t.test('the role stays as invited, whatever has become of whoever invited', async (t) => {
  const team = await newTeam()
  const email = fresh()
  await teams.add(team, cat, 'owner')
  await invite(team, email, 'owner', cat)
  await teams.remove(team, cat)
  t.equal(await roleOf(team, await create(email)), 'owner')
  const other = fresh()
  const leaver = await create(fresh())
  await teams.add(team, leaver, 'administrator')
  await invite(team, other, 'member', leaver)
  await users.delete(leaver)
  t.equal(await roleOf(team, await create(other)), 'member')
})

t.test('an e-mail that only the organization vouches for counts in its own domains', async (t) => {
  const team = await newTeam()
  const email = fresh('else.example')
  const letter = await letterOf(await invite(team, email))
  const user = await create(email)
  t.equal(await roleOf(team, user), undefined)
  t.match(await invitations.resend(actorOf(ann), team.id, letter.invitation.id), { added: { userId: user.id } })
  t.strictSame([await roleOf(team, user), await listed(team)], ['member', []])
})

t.test('another organization’s users neither use an invitation nor are added', async (t) => {
  const team = await newTeam()
  const explorer = await world.organizations.create({ name: 'Explorer', domains: ['explorer.example'] })
  const ryan = await create('ryan@explorer.example', explorer.id)
  await letterOf(await invite(team, ryan.email))
  const email = fresh('explorer.example')
  await invite(team, email)
  await create(email, explorer.id)
  t.equal((await teams.members(team)).length, 2)
  t.strictSame(await listed(team), [email, ryan.email].sort())
})

t.test('sent again it holds for seven days from then, by a new link alone', async (t) => {
  const team = await newTeam()
  const email = fresh()
  const first = await letterOf(await invite(team, email))
  await expire(team)
  t.equal(await letters.ofLink(first.token), undefined)
  const again = await letterOf(await invitations.resend(actorOf(ben), team.id, first.invitation.id))
  t.ok(again.invitation.expiresAt.getTime() > Date.now() + 6.9 * 86_400_000)
  t.equal(await letters.ofLink(first.token), undefined)
  t.match(await letters.ofLink(again.token), { teamName: 'Project X' })
  const other = await newTeam()
  const wrong = [actorOf(ann), other.id, first.invitation.id] as const
  await t.rejects(invitations.resend(...wrong), { code: 'not-found' }, 'of another team')
  await t.rejects(invitations.revoke(...wrong), { code: 'not-found' })
  t.match(await letters.ofLink(again.token), { teamName: 'Project X' }, 'which changes nothing')
  await teams.delete(team)
  t.equal(await letters.ofLink(again.token), undefined)
  await create(email)
})

t.test('who joins by another way is no longer invited', async (t) => {
  const team = await newTeam()
  const email = fresh('else.example')
  await invite(team, email, 'owner')
  await teamWork.add(actorOf(ben), team.id, (await create(email)).id)
  t.strictSame(await listed(team), [])
})

t.test('20 at once: one invitation, one membership, and none is lost', async (t) => {
  const code = (result: PromiseSettledResult<unknown>) =>
    result.status === 'fulfilled' ? '✔' : (result.reason as { code?: string }).code
  const twenty = <Result>(make: (at: number) => Promise<Result>) =>
    Promise.allSettled(Array.from({ length: 20 }, (_, at) => make(at)))
  const team = await newTeam()
  const email = fresh()
  const invited = await twenty(() => invite(team, email))
  t.strictSame(invited.map(code).sort(), [...Array(19).fill('already-exists'), '✔'])
  const created = await twenty((at) =>
    users.provision(organizationId, {
      userName: `many ${at}`,
      isActive: true,
      attributes: { emails: [{ value: email }] },
    }),
  )
  t.strictSame([...new Set(created.map(code))], ['✔'])
  t.equal((await teams.members(team)).length, 3, 'one of them is in')
  const emails = Array.from({ length: 20 }, () => fresh())
  await Promise.all(emails.flatMap((one) => [invite(team, one), create(one)]))
  const members = (await teams.members(team)).map((one) => one.email)
  t.strictSame(
    emails.filter((one) => !members.includes(one)),
    [],
    'invited and created at the same time',
  )
  t.strictSame(await listed(team), [])
})

t.test(
  'a letter is the same each time it is written, tells what became of it, and is not sent after that',
  async (t) => {
    const team = await newTeam()
    const invited = await invite(team, fresh())
    const first = await letterOf(invited)
    t.equal((await letterOf(invited)).token, first.token)
    const { id } = first.invitation
    const state = async () => (await invitations.find(actorOf(ann), team.id, id)).letter
    await letters.settle(first, 'failed')
    t.equal(await state(), 'failed')
    await invitations.resend(actorOf(ann), team.id, id)
    t.equal(await letters.ofLink(first.token), undefined, 'at once')
    await letters.settle(first, 'sent')
    t.equal(await state(), 'waiting', 'that was the earlier one')
    const again = await letters.write(organizationId, id)
    t.not(again?.token, first.token)
    if (again) await letters.settle(again, 'sent')
    t.match(await invitations.find(actorOf(ann), team.id, id), { letter: 'sent', sentAt: Date })
    t.equal(await letters.write(organizationId, id), undefined)
    t.match(await letters.ofLink(again?.token ?? ''), { teamName: 'Project X' })
  },
)
