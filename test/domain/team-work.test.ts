import t from 'tap'
import type { Actor, Role, Team, User } from '#domain'
import { testDatabase } from '../support/databases.ts'
import { actorOf, openWorld } from '../support/services.ts'

const database = await testDatabase()
const world = await openWorld(database.url, { people: 12, followed: 0 })
t.teardown(async () => {
  await world.close()
  await database.drop()
})
const { teams, teamWork, joinRequests, invitations } = world
const [member, administrator, owner, outsider, deactivated, coOwner, deputy, target, newcomer, asker] =
  world.people as [User, User, User, User, User, User, User, User, User, User] // as many as asked for
const elsewhere = await world.organizations.create({ name: 'Explorer', domains: ['explorer.example'] })
const stranger = await world.users.create(elsewhere.id, { name: 'Ryan Stone', email: 'ryan@explorer.example' })
await world.users.setActive(deactivated, false)

const CAST = { member, administrator, owner, outsider, stranger, deactivated }

/** A team of everybody: the deactivated one was an owner. */
async function newTeam(name = 'Project X'): Promise<Team> {
  const team = await teams.create(name, owner)
  for (const [user, role] of [
    [coOwner, 'owner'],
    [administrator, 'administrator'],
    [deputy, 'administrator'],
    [member, 'member'],
    [target, 'member'],
  ] satisfies [User, Role][])
    await teams.add(team, user, role)
  await world.store.teams.join(team.organizationId, team.id, [deactivated.id], 'owner')
  await teamWork.change(actorOf(owner), team.id, { isOpen: true })
  await joinRequests.ask(actorOf(asker), team.id)
  return teams.get(team.id)
}

let guests = 0
const guest = () => `guest.${++guests}@example.org`
const invited = async (team: Team, role: Role): Promise<string> => {
  const made = await invitations.invite(actorOf(owner), team.id, { email: guest(), role })
  return 'invitation' in made ? made.invitation.id : ''
}
const set = (user: User, role: Role) => (actor: Actor, team: Team) => teamWork.setRole(actor, team.id, user.id, role)
const remove = (user: User) => (actor: Actor, team: Team) => teamWork.remove(actor, team.id, user.id)
const invite = (role: Role) => (actor: Actor, team: Team) =>
  invitations.invite(actor, team.id, { email: guest(), role })

const ACTIONS: Readonly<Record<string, (actor: Actor, team: Team) => Promise<unknown>>> = {
  'read it': (actor, team) => teamWork.read(actor, team.id),
  'read its members': (actor, team) => teamWork.members(actor, team.id, undefined, 10),
  'read a member': (actor, team) => teamWork.member(actor, team.id, target.id),
  rename: (actor, team) => teamWork.change(actor, team.id, { name: 'Project Y' }),
  describe: (actor, team) => teamWork.change(actor, team.id, { description: 'To Jupiter' }),
  'close to requests': (actor, team) => teamWork.change(actor, team.id, { isOpen: false }),
  'add a member': (actor, team) => teamWork.add(actor, team.id, newcomer.id),
  'remove a member': remove(target),
  'remove an administrator': remove(deputy),
  'remove an owner': remove(coOwner),
  'make an administrator': set(target, 'administrator'),
  'unmake an administrator': set(deputy, 'member'),
  'make an owner': set(target, 'owner'),
  'unmake an owner': set(coOwner, 'member'),
  'make an owner administrator': set(coOwner, 'administrator'),
  leave: (actor, team) => teamWork.leave(actor, team.id),
  'transfer ownership': (actor, team) => teamWork.transfer(actor, team.id, target.id),
  delete: (actor, team) => teamWork.delete(actor, team.id),
  'set the parent': async (actor, team) => teamWork.change(actor, team.id, { parentId: (await newTeam('Parent')).id }),
  'clear the parent': async (actor, team) => {
    await teamWork.change(actorOf(owner), team.id, { parentId: (await newTeam('Parent')).id })
    await teamWork.change(actor, team.id, { parentId: null })
  },
  'list invitations': (actor, team) => invitations.list(actor, team.id, '', 10),
  'invite a member': invite('member'),
  'invite an administrator': invite('administrator'),
  'invite an owner': invite('owner'),
  'send an invitation again': async (actor, team) =>
    invitations.resend(actor, team.id, await invited(team, 'administrator')),
  'send an owner’s invitation again': async (actor, team) =>
    invitations.resend(actor, team.id, await invited(team, 'owner')),
  'revoke an invitation': async (actor, team) => invitations.revoke(actor, team.id, await invited(team, 'owner')),
  'list requests': (actor, team) => joinRequests.list(actor, team.id, undefined, 10),
  'approve a request': (actor, team) => joinRequests.approve(actor, team.id, asker.id),
  'refuse a request': (actor, team) => joinRequests.refuse(actor, team.id, asker.id),
  'ask to join': (actor, team) => joinRequests.ask(actor, team.id),
  'withdraw a request': (actor, team) => joinRequests.withdraw(actor, team.id),
}

const MATRIX = `
  action                           | member          | administrator   | owner          | outsider  | stranger  | deactivated
  read it                          | ✔               | ✔               | ✔              | not-found | not-found | user-inactive
  read its members                 | ✔               | ✔               | ✔              | not-found | not-found | user-inactive
  read a member                    | ✔               | ✔               | ✔              | not-found | not-found | user-inactive
  rename                           | need-privileges | ✔               | ✔              | not-found | not-found | user-inactive
  describe                         | need-privileges | ✔               | ✔              | not-found | not-found | user-inactive
  close to requests                | need-privileges | ✔               | ✔              | not-found | not-found | user-inactive
  add a member                     | need-privileges | ✔               | ✔              | not-found | not-found | user-inactive
  remove a member                  | need-privileges | ✔               | ✔              | not-found | not-found | user-inactive
  remove an administrator          | need-privileges | ✔               | ✔              | not-found | not-found | user-inactive
  remove an owner                  | need-privileges | need-privileges | ✔              | not-found | not-found | user-inactive
  make an administrator            | need-privileges | ✔               | ✔              | not-found | not-found | user-inactive
  unmake an administrator          | need-privileges | ✔               | ✔              | not-found | not-found | user-inactive
  make an owner                    | need-privileges | need-privileges | ✔              | not-found | not-found | user-inactive
  unmake an owner                  | need-privileges | need-privileges | ✔              | not-found | not-found | user-inactive
  make an owner administrator      | need-privileges | need-privileges | ✔              | not-found | not-found | user-inactive
  leave                            | ✔               | ✔               | ✔              | not-found | not-found | user-inactive
  transfer ownership               | need-privileges | need-privileges | ✔              | not-found | not-found | user-inactive
  delete                           | need-privileges | need-privileges | ✔              | not-found | not-found | user-inactive
  set the parent                   | need-privileges | ✔               | ✔              | not-found | not-found | user-inactive
  clear the parent                 | need-privileges | ✔               | ✔              | not-found | not-found | user-inactive
  list invitations                 | need-privileges | ✔               | ✔              | not-found | not-found | user-inactive
  invite a member                  | need-privileges | ✔               | ✔              | not-found | not-found | user-inactive
  invite an administrator          | need-privileges | ✔               | ✔              | not-found | not-found | user-inactive
  invite an owner                  | need-privileges | need-privileges | ✔              | not-found | not-found | user-inactive
  send an invitation again         | need-privileges | ✔               | ✔              | not-found | not-found | user-inactive
  send an owner’s invitation again | need-privileges | need-privileges | ✔              | not-found | not-found | user-inactive
  revoke an invitation             | need-privileges | ✔               | ✔              | not-found | not-found | user-inactive
  list requests                    | need-privileges | ✔               | ✔              | not-found | not-found | user-inactive
  approve a request                | need-privileges | ✔               | ✔              | not-found | not-found | user-inactive
  refuse a request                 | need-privileges | ✔               | ✔              | not-found | not-found | user-inactive
  ask to join                      | already-exists  | already-exists  | already-exists | ✔         | not-found | user-inactive
  withdraw a request               | not-found       | not-found       | not-found      | not-found | not-found | user-inactive`

const cells = (line: string) => line.split('|').map((cell) => cell.trim())
const [head = '', ...lines] = MATRIX.trim().split('\n')
const actors = cells(head).slice(1) as (keyof typeof CAST)[] // the table's own head

/** What it came to: ✔, or the code it was refused with. */
const outcome = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => '✔',
    (error: { code?: string }) => error.code ?? String(error),
  )

t.test('the role matrix: who may do what in a team', async (t) => {
  t.strictSame(lines.map((line) => cells(line)[0]).sort(), Object.keys(ACTIONS).sort(), 'every action has its row')
  for (const line of lines) {
    const [action = '', ...expected] = cells(line)
    const found: string[] = []
    for (const who of actors) {
      const team = await newTeam()
      const before = await teams.members(team)
      const came = await outcome(ACTIONS[action]?.(actorOf(CAST[who]), team) ?? Promise.reject(new Error(action)))
      found.push(came)
      if (came !== '✔') t.strictSame(await teams.members(team), before, `${action}: ${who} changes nothing`)
    }
    t.strictSame(found, expected, action)
  }
})

t.test('a team that an identity provider keeps is changed by nobody else, and read by its members', async (t) => {
  const team = await teams.provision(world.organizationId, {
    name: 'Synced',
    members: new Set([member.id, target.id]),
  })
  const actions = Object.entries(ACTIONS).filter(([name]) => !/read|list|invitation|request|parent|^ask/.test(name))
  for (const [name, act] of actions) {
    t.equal(await outcome(act(actorOf(member), team)), 'need-privileges', name)
    t.equal(await outcome(act(actorOf(outsider), team)), 'not-found', `${name}, by an outsider`)
  }
  const mine = await newTeam()
  const both = await teams.get(team.id)
  t.equal(await outcome(teamWork.change(actorOf(member), both.id, { parentId: null })), 'need-privileges')
  t.equal(await outcome(teamWork.change(actorOf(owner), mine.id, { parentId: both.id })), 'not-found')
  t.equal(await outcome(joinRequests.ask(actorOf(outsider), both.id)), 'not-found', 'it is never open to requests')
  t.equal((await teamWork.members(actorOf(member), both.id, undefined, 10)).length, 2)
})
