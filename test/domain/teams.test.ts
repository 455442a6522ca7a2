import t, { type Test } from 'tap'
import type { Role, Team, User } from '#domain'
import { testDatabase } from '../support/databases.ts'
import { actorOf, openWorld, type World } from '../support/services.ts'

/** An organization of six, on a database of its own. */
async function start(t: Test) {
  const database = await testDatabase()
  const world = await openWorld(database.url, { people: 6, followed: 0 })
  t.teardown(async () => {
    await world.close()
    await database.drop()
  })
  const [ann, ben, cat, dan, eve, fay] = world.people as [User, User, User, User, User, User] // as many as asked for
  return { world, ann, ben, cat, dan, eve, fay }
}

/** Who is in the team, in the order of joining: their number, their role, and whether they are away. */
async function roles({ teams, people }: World, team: Team): Promise<string[]> {
  const members = await teams.members(team)
  return members.map(
    ({ userId, role, isActive }) =>
      `${people.findIndex(({ id }) => id === userId)} ${role}${isActive ? '' : ' (away)'}`,
  )
}

async function sees({ addressBooks }: World, user: User, name: string): Promise<boolean> {
  return (await addressBooks.card(actorOf(user), user.peopleId, name, 'none')) !== undefined
}

const refusal = (result: PromiseSettledResult<unknown>): string | undefined =>
  result.status === 'rejected' ? String((result.reason as { code?: string }).code ?? result.reason) : undefined

/** How many succeeded, and the codes of those that did not. */
async function race(work: readonly Promise<unknown>[]): Promise<{ won: number; codes: (string | undefined)[] }> {
  const results = await Promise.allSettled(work)
  const lost = results.filter(({ status }) => status === 'rejected')
  return { won: results.length - lost.length, codes: [...new Set(lost.map(refusal))] }
}

t.test('the creator is the owner; an inactive or unknown person makes and joins nothing', async (t) => {
  const { world, ann, ben } = await start(t)
  const team = await world.teams.create(' Project X ', ann)
  t.equal(team.name, 'Project X')
  t.strictSame(await roles(world, team), ['0 owner'])
  await world.users.setActive(ben, false)
  await t.rejects(world.teams.create('Y', ben), { code: 'user-inactive' })
  await t.rejects(world.teams.add(team, ben, 'member'), { code: 'user-inactive' })
  await world.users.delete(ben)
  await t.rejects(world.teams.create('Y', ben), { code: 'not-found' })
  await t.rejects(world.teams.add(team, ben, 'member'), { code: 'not-found' })
  await t.rejects(world.teams.create(' ', ann), { code: 'invalid-data' })
  await t.rejects(world.teams.create('x'.repeat(257), ann), { code: 'invalid-data' })
})

t.test('the last owner cannot leave or become something else', async (t) => {
  const { world, ann, ben, cat } = await start(t)
  const team = await world.teams.create('Project X', ann)
  await world.teams.add(team, ben, 'administrator')
  await t.rejects(world.teams.remove(team, ann), { code: 'last-owner' })
  await t.rejects(world.teams.add(team, ann, 'member'), { code: 'last-owner' })
  await world.teams.add(team, cat, 'owner')
  await world.users.setActive(cat, false)
  t.strictSame(await roles(world, team), ['0 owner', '1 administrator', '2 owner (away)'])
  await t.rejects(world.teams.remove(team, ann), { code: 'last-owner' }, 'an owner who is away does not count')
  await world.users.setActive(cat, true)
  await world.teams.remove(team, ann)
  t.strictSame(await roles(world, team), ['1 administrator', '2 owner'])
  await t.rejects(world.teams.remove(team, ann), { code: 'not-found' })
})

t.test(
  'an owner who is deactivated or deleted is followed by the longest-standing administrator, else member',
  async (t) => {
    const { world, ann, ben, cat, dan, eve } = await start(t)
    const team = await world.teams.create('Project X', ann)
    for (const [user, role] of [
      [ben, 'member'],
      [cat, 'administrator'],
      [dan, 'administrator'],
      [eve, 'member'],
    ] satisfies [User, Role][])
      await world.teams.add(team, user, role)
    await world.users.setActive(ann, false)
    t.strictSame(
      await roles(world, team),
      ['0 owner (away)', '1 member', '2 owner', '3 administrator', '4 member'],
      'whoever was away keeps the role',
    )
    await world.users.delete(cat)
    t.strictSame(await roles(world, team), ['0 owner (away)', '1 member', '3 owner', '4 member'])
    await world.users.setActive(dan, false)
    t.strictSame(await roles(world, team), ['0 owner (away)', '1 owner', '3 owner (away)', '4 member'])
    await world.users.setActive(ann, true)
    t.strictSame(await roles(world, team), ['0 owner', '1 owner', '3 owner (away)', '4 member'], 'and has it on return')
  },
)

t.test(
  'a team of nobody active is suspended, and comes back with the first who does: with an active owner',
  async (t) => {
    const { world, ann, ben, cat } = await start(t)
    const team = await world.teams.create('Project X', ann)
    const card = `${team.id}.vcf`
    await world.teams.add(team, ben, 'member')
    await world.users.setActive(ben, false)
    await world.users.setActive(ann, false)
    t.ok((await world.teams.get(team.id)).isSuspended)
    t.notOk(await sees(world, ann, card))
    await world.users.setActive(ben, true)
    t.notOk((await world.teams.get(team.id)).isSuspended)
    t.strictSame(await roles(world, team), ['0 owner (away)', '1 owner'])
    t.ok(await sees(world, ben, card))
    await world.users.setActive(ben, false)
    await world.teams.add(team, cat, 'member')
    t.notOk((await world.teams.get(team.id)).isSuspended, 'or with somebody new')
    t.strictSame(await roles(world, team), ['0 owner (away)', '1 owner (away)', '2 owner'])
  },
)

t.test('deleting the last owner deletes a team of nobody active; a member who is deleted does not', async (t) => {
  const { world, ann, ben, cat } = await start(t)
  const team = await world.teams.create('Project X', ann)
  await world.teams.add(team, ben, 'member')
  await world.teams.add(team, cat, 'member')
  for (const user of [ben, cat, ann]) await world.users.setActive(user, false)
  await world.users.delete(cat)
  t.ok((await world.teams.get(team.id)).isSuspended)
  await world.users.delete(ann)
  await t.rejects(world.teams.get(team.id), { code: 'not-found' })
})

t.test('deleting a team ends what it showed: its card, and colleagues seen through it alone', async (t) => {
  const { world, ann, ben, cat } = await start(t)
  const team = await world.teams.create('Project X', ann)
  await world.teams.add(team, ben, 'member')
  await world.users.setScope(ben, 'teams')
  const annsCard = `${ann.profileId}.vcf`
  t.strictSame([await sees(world, ben, annsCard), await sees(world, ben, `${cat.profileId}.vcf`)], [true, false])
  const token = await world.addressBooks.token(actorOf(ben), ben.peopleId)
  const outsider = await world.addressBooks.token(actorOf(cat), cat.peopleId)
  await world.teams.delete(team)
  t.notOk(await sees(world, ben, annsCard))
  const told = await world.addressBooks.changes(actorOf(ben), ben.peopleId, token, 'none')
  const gone: string[] = []
  for await (const members of told.members) gone.push(...members.filter(({ view }) => !view).map(({ name }) => name))
  t.strictSame(gone.sort(), [annsCard, `${team.id}.vcf`].sort())
  const others = await world.addressBooks.changes(actorOf(cat), cat.peopleId, outsider, 'none')
  for await (const members of others.members) t.fail(`an outsider hears of ${members.length}`)
  await t.rejects(world.contacts.put(actorOf(ben), ben.peopleId, `${team.id}.vcf`, Buffer.from(personal('x'))), {
    code: 'not-found', // its name stays reserved
  })
  await t.rejects(world.teams.delete(team), { code: 'not-found' })
  await t.rejects(world.teams.add(team, cat, 'member'), { code: 'not-found' })
})

const personal = (uid: string): string =>
  `BEGIN:VCARD\r\nVERSION:3.0\r\nUID:${uid}\r\nFN:Julie Powell\r\nN:Powell;Julie;;;\r\nEND:VCARD\r\n`

t.test('members are users of the team’s organization: anybody else answers as if they did not exist', async (t) => {
  const { world, ann } = await start(t)
  const team = await world.teams.create('Project X', ann)
  const { id } = await world.organizations.create({ name: 'Explorer', domains: ['explorer.example'] })
  const ryan = await world.users.create(id, { name: 'Ryan Stone', email: 'ryan@explorer.example' })
  await t.rejects(world.teams.add(team, ryan, 'member'), { code: 'not-found' })
  await t.rejects(world.teams.get(team.id, id), { code: 'not-found' })
  await t.rejects(world.teams.remove(team, ryan), { code: 'not-found' })
  t.strictSame(await world.teams.list(id), [])
  t.notOk(await sees(world, ryan, `${team.id}.vcf`))
  t.notOk(await sees(world, ryan, `${ann.profileId}.vcf`))
  await t.rejects(
    world.contacts.delete(actorOf(ryan), ryan.peopleId, `${ann.profileId}.vcf`),
    { code: 'not-found' },
    'nor can it be hidden',
  )
})

t.test('at least one active owner is left, whatever runs at once', async (t) => {
  const { world, ann, ben, cat, dan } = await start(t)
  const isOwned = async (team: Team) =>
    (await world.teams.members(team)).some(({ role, isActive }) => role === 'owner' && isActive)
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const team = await world.teams.create(`Two owners ${attempt}`, ann)
    await world.teams.add(team, ben, 'owner')
    await world.teams.add(team, cat, 'member')
    const removed = await race([world.teams.remove(team, ann), world.teams.remove(team, ben)])
    t.strictSame(removed, { won: 1, codes: ['last-owner'] })
    t.ok(await isOwned(team))
    for (const user of [ann, ben]) await world.teams.add(team, user, 'owner')
    const demoted = await race([ann, ben].map((user) => world.teams.add(team, user, 'member')))
    t.strictSame(demoted, { won: 1, codes: ['last-owner'] })
    for (const user of [ann, ben]) await world.teams.add(team, user, 'owner')
    await race([
      world.users.setActive(ann, false),
      world.teams.remove(team, ben),
      world.users.setActive(dan, attempt % 2 === 0),
    ])
    t.ok(await isOwned(team), 'one is deactivated, the other leaves')
    await race([ben, cat].map((user) => world.users.setActive(user, false)))
    t.ok((await isOwned(team)) || (await world.teams.get(team.id)).isSuspended, 'all are deactivated')
    await Promise.all([ann, ben, cat].map((user) => world.users.setActive(user, true)))
    t.ok(await isOwned(team))
  }
})

t.test('a team that is deleted, or left, while its member is deactivated or deleted is no obstacle', async (t) => {
  const { world, ann, ben } = await start(t)
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const going = await world.users.create(ann.organizationId, { name: 'Going', email: `going.${attempt}@x.example` })
    const [deleted, left] = [await world.teams.create('Deleted', ann), await world.teams.create('Left', ann)]
    for (const team of [deleted, left]) await world.teams.add(team, going, 'member')
    const { codes } = await race([
      world.teams.delete(deleted),
      world.teams.remove(left, going).catch(() => undefined), // the user may be gone first
      attempt % 2 === 0 ? world.users.setActive(going, false) : world.users.delete(going),
      world.users.setActive(ben, attempt % 4 < 2),
    ])
    t.strictSame(codes, [])
    const after = await world.teams.get(left.id)
    t.equal(after.memberCount, (await world.teams.members(after)).length)
  }
})
