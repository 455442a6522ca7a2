import t from 'tap'
import type { Actor, Id, Team, TeamView, User } from '#domain'
import { testDatabase } from '../support/databases.ts'
import { actorOf, openWorld } from '../support/services.ts'

const database = await testDatabase()
const world = await openWorld(database.url, { people: 24, followed: 0 })
t.teardown(async () => {
  await world.close()
  await database.drop()
})
const { organizationId, users, teams, teamWork, joinRequests } = world
const [ann, ben, cat, dan] = world.people as [User, User, User, User] // as many as asked for
const [actor, actorOfBen, actorOfCat] = [actorOf(ann), actorOf(ben), actorOf(cat)]

const newTeam = async (name = 'Project X') => (await teamWork.create(actor, { name })).team
const move = (by: Actor, teamId: Id, parentId: Id | undefined) =>
  teamWork.change(by, teamId, { parentId: parentId ?? null })
const roles = async (team: Team) =>
  (await teams.members(team)).map(({ email, role }) => `${email.split('@')[0]} ${role}`)
const owned = async (team: Team) =>
  (await teams.members(team)).some(({ role, isActive }) => role === 'owner' && isActive)
const settled = async (work: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(work)).map((result) =>
    result.status === 'fulfilled' ? '✔' : (result.reason as { code?: string }).code,
  )

t.test('a team says what it is for; what cannot be is refused, and a wrong revision', async (t) => {
  const { team } = await teamWork.create(actor, { name: ' Project X ', description: ' To Jupiter ', isOpen: true })
  t.match(await teams.get(team.id), { name: 'Project X', description: 'To Jupiter', isOpen: true, revision: 1 })
  t.equal(team.revision, 1)
  const first = ({ team: { revision } }: TeamView) => revision === 1
  const { team: changed } = await teamWork.change(actor, team.id, { description: '' }, first)
  t.strictSame([changed.description, changed.revision], [undefined, 2])
  t.strictSame(await teams.get(team.id), changed)
  t.equal((await teamWork.change(actor, team.id, { name: 'Project X' })).team.revision, 2, 'without a difference')
  const stale = await settled([
    teamWork.change(actor, team.id, { name: 'Y' }, first),
    teamWork.change(actor, team.id, { parentId: null }, first),
    teamWork.delete(actor, team.id, first),
    teamWork.leave(actor, team.id, first),
  ])
  t.strictSame([...new Set(stale)], ['precondition-failed'])
  for (const words of [{ name: '' }, { name: 'a\0b' }, { description: 'x'.repeat(4_097) }, { description: '\0' }])
    await t.rejects(teamWork.change(actor, team.id, words), { code: 'invalid-data' })
  await t.rejects(teamWork.create(actor, {}), { code: 'invalid-data' })
})

t.test('shared equipment owns no team', async (t) => {
  const device = await users.create(organizationId, { name: 'HAL', email: 'hal@spaceodyssey.com' })
  await world.database.pool.query('update "user" set is_device = true where id = $1', [device.id])
  await t.rejects(teamWork.create(actorOf(device), { name: 'Y' }), { code: 'need-privileges' })
  const team = await newTeam()
  await teamWork.add(actor, team.id, device.id)
  await t.rejects(teamWork.setRole(actor, team.id, device.id, 'owner'), { code: 'need-privileges' })
  await t.rejects(teamWork.transfer(actor, team.id, device.id), { code: 'need-privileges' })
  t.equal((await teams.members(team)).length, 2)
})

t.test('members are active people of the organization, and each once', async (t) => {
  const team = await newTeam()
  const { id } = await world.organizations.create({ name: 'Explorer', domains: ['explorer.example'] })
  const ryan = await users.create(id, { name: 'Ryan Stone', email: 'ryan@explorer.example' })
  await t.rejects(teamWork.add(actor, team.id, ryan.id), { code: 'not-found' })
  await t.rejects(teamWork.setRole(actor, team.id, ben.id, 'member'), { code: 'not-found' })
  await teamWork.add(actor, team.id, ben.id)
  await t.rejects(teamWork.add(actor, team.id, ben.id), { code: 'already-exists' })
  await users.setActive(dan, false)
  await t.rejects(teamWork.add(actor, team.id, dan.id), { code: 'user-inactive' })
  await users.setActive(ben, false)
  await t.rejects(teamWork.setRole(actor, team.id, ben.id, 'owner'), { code: 'user-inactive' })
  await t.rejects(teamWork.transfer(actor, team.id, ben.id), { code: 'user-inactive' })
  await teamWork.remove(actor, team.id, ben.id)
  for (const user of [ben, dan]) await users.setActive(user, true)
})

t.test('transferring makes the other owner and oneself administrator', async (t) => {
  const team = await newTeam()
  await teamWork.add(actor, team.id, ben.id)
  await t.rejects(teamWork.transfer(actor, team.id, ann.id), { code: 'invalid-data' })
  await t.rejects(teamWork.transfer(actor, team.id, cat.id), { code: 'not-found' })
  await teamWork.transfer(actor, team.id, ben.id)
  t.strictSame(await roles(team), ['person.0 administrator', 'person.1 owner'])
  t.match(await teamWork.mine(actorOfBen, '', undefined, 10), [{ team: { id: team.id }, role: 'owner' }])
})

t.test('the last owner neither leaves nor becomes something else; of 20 owners at once, one stays', async (t) => {
  const alone = await newTeam()
  await teamWork.add(actor, alone.id, ben.id)
  t.strictSame(
    await settled([
      teamWork.leave(actor, alone.id),
      teamWork.setRole(actor, alone.id, ann.id, 'administrator'),
      teamWork.remove(actor, alone.id, ann.id),
    ]),
    ['last-owner', 'last-owner', 'last-owner'],
  )
  const twenty = world.people.slice(0, 20)
  for (const act of [
    (user: User, team: Team) => teamWork.leave(actorOf(user), team.id),
    (user: User, team: Team) => teamWork.setRole(actorOf(user), team.id, user.id, 'member'),
    (user: User, team: Team) => teamWork.remove(actorOf(user), team.id, user.id),
  ]) {
    const team = await newTeam()
    for (const user of twenty.slice(1)) await teams.add(team, user, 'owner')
    const came = await settled(twenty.map((user) => act(user, team)))
    t.strictSame(came.sort(), ['last-owner', ...Array(19).fill('✔')])
    t.ok(await owned(team))
  }
  const team = await newTeam()
  for (const user of twenty.slice(1)) await teams.add(team, user, 'owner')
  await settled([
    ...twenty.slice(0, 10).map((user) => teamWork.leave(actorOf(user), team.id)),
    ...twenty.slice(10).map((user) => users.setActive(user, false)),
  ])
  t.ok((await owned(team)) || (await teams.get(team.id)).isSuspended, 'half of them leave, half are deactivated')
  for (const user of twenty.slice(10)) await users.setActive(user, true)
  t.ok(await owned(team))
})

t.test('a parent gives no rights and no membership, and is shown to who is in it', async (t) => {
  const [child, parent] = [await newTeam('Child'), await newTeam('Parent')]
  await teamWork.add(actor, child.id, ben.id)
  await teamWork.add(actor, parent.id, cat.id)
  await move(actor, child.id, parent.id)
  t.equal((await teamWork.read(actor, child.id)).team.parentId, parent.id)
  t.equal((await teamWork.read(actorOfBen, child.id)).team.parentId, undefined)
  await t.rejects(teamWork.read(actorOfBen, parent.id), { code: 'not-found' })
  await t.rejects(teamWork.read(actorOfCat, child.id), { code: 'not-found' })
  await teamWork.setRole(actor, child.id, ben.id, 'administrator')
  const other = await newTeam('Other')
  await t.rejects(move(actorOfBen, child.id, other.id), { code: 'not-found' })
  await teamWork.add(actor, other.id, ben.id)
  await t.rejects(move(actorOfBen, child.id, other.id), { code: 'need-privileges' })
  await teamWork.delete(actor, parent.id)
  t.equal((await teamWork.read(actor, child.id)).team.parentId, undefined, 'deleting it lifts its children')
  await t.rejects(move(actor, child.id, parent.id), { code: 'not-found' })
})

t.test('no team is above itself, whatever is moved at once; 32 are above each other at most', async (t) => {
  const line: Team[] = []
  for (let level = 0; level < 32; level += 1) {
    line.push(await newTeam(`Level ${level}`))
    if (level > 0) await move(actor, line[level]?.id ?? '', line[level - 1]?.id)
  }
  const [top, bottom, extra] = [line[0]?.id ?? '', line[31]?.id ?? '', await newTeam('Extra')]
  await t.rejects(move(actor, top, top), { code: 'parent-cycle' })
  await t.rejects(move(actor, top, bottom), { code: 'parent-cycle' })
  await t.rejects(move(actor, extra.id, bottom), { code: 'too-deep' })
  await t.rejects(move(actor, top, extra.id), { code: 'too-deep' })
  await move(actor, extra.id, top)
  const ring = await Promise.all(Array.from({ length: 20 }, (_, at) => newTeam(`Ring ${at}`)))
  const came = await settled(ring.map(({ id }, at) => move(actor, id, ring[(at + 1) % 20]?.id)))
  t.strictSame(came.sort(), ['parent-cycle', ...Array(19).fill('✔')])
  const [a, b] = [await newTeam('A'), await newTeam('B')]
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const moved = await settled([move(actor, a.id, b.id), move(actor, b.id, a.id)])
    t.strictSame(moved.sort(), ['parent-cycle', '✔'])
    for (const { id } of [a, b]) await move(actor, id, undefined)
  }
})

t.test('colleagues see the teams that are open to requests, and no others; who is let in is a member', async (t) => {
  const eve = await users.create(organizationId, { name: 'Eve', email: 'eve@spaceodyssey.com' })
  const asker = actorOf(eve)
  await settled((await joinRequests.open(asker, undefined, 100)).map(({ id }) => teamWork.delete(actor, id)))
  const [closed, first, second] = [await newTeam('Closed'), await newTeam('Open'), await newTeam('Open')]
  for (const { id } of [first, second]) await teamWork.change(actor, id, { isOpen: true, description: 'Come' })
  const page = await joinRequests.open(asker, undefined, 1)
  const rest = await joinRequests.open(asker, page[0], 10)
  t.strictSame(
    [...page, ...rest].map(({ id }) => id),
    [first.id, second.id].sort(),
  )
  t.match(page[0], { description: 'Come', memberCount: 1, askedAt: null })
  t.strictSame(await joinRequests.open(actor, undefined, 10), [], 'not those one is in')
  await t.rejects(joinRequests.ask(asker, closed.id), { code: 'not-found' })
  await joinRequests.ask(asker, first.id)
  t.equal((await joinRequests.ask(asker, first.id)).created, false)
  t.match(await joinRequests.list(actor, first.id, undefined, 10), [{ userId: eve.id, email: eve.email }])
  await joinRequests.withdraw(asker, first.id)
  t.strictSame(await joinRequests.list(actor, first.id, undefined, 10), [])
  await t.rejects(joinRequests.approve(actor, first.id, eve.id), { code: 'not-found' })
  await joinRequests.ask(asker, first.id)
  await joinRequests.refuse(actor, first.id, eve.id)
  await joinRequests.ask(asker, first.id)
  const answers = await settled(Array.from({ length: 20 }, () => joinRequests.approve(actor, first.id, eve.id)))
  t.strictSame(answers.sort(), [...Array(19).fill('not-found'), '✔'])
  t.strictSame(await roles(first), ['person.0 owner', 'eve member'])
  await joinRequests.ask(asker, second.id)
  await teamWork.add(actor, second.id, eve.id)
  t.strictSame(await joinRequests.list(actor, second.id, undefined, 10), [], 'who joins by another way asks no more')
  t.strictSame(await joinRequests.open(asker, undefined, 10), [])
})

t.test('a phone hears of a team that is joined, renamed and left', async (t) => {
  const team = await newTeam('Project X')
  const { peopleId } = ben
  const heard = async (since: Parameters<typeof world.addressBooks.changes>[2]) => {
    const { members } = await world.addressBooks.changes(actorOfBen, peopleId, since, 'none')
    const names: string[] = []
    for await (const page of members)
      for (const { name, view } of page) if (name === `${team.id}.vcf`) names.push(view ? 'is there' : 'is gone')
    return names
  }
  const token = () => world.addressBooks.token(actorOfBen, peopleId)
  const before = await token()
  await teamWork.add(actor, team.id, ben.id)
  t.strictSame(await heard(before), ['is there'])
  const joined = await token()
  t.strictSame(await heard(joined), [])
  await teamWork.change(actor, team.id, { name: 'Project Y' })
  t.strictSame(await heard(joined), ['is there'])
  const renamed = await token()
  await teamWork.leave(actorOfBen, team.id)
  t.strictSame(await heard(renamed), ['is gone'])
})
