import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { Role, Team, User } from '#domain'
import { type App, type RestAnswer, startRest, tally, twenty } from '../support/rest.ts'

const running = await startRest(t)
const { kith, organization } = running
const NAMES = ['Member', 'Administrator', 'Owner', 'Outsider', 'Deactivated', 'Co', 'Deputy', 'Target', 'New', 'Asker']
const organizationId = await organization('Space Odyssey', 'spaceodyssey.com', NAMES)
await organization('Explorer', 'explorer.example', ['Ryan'])
const person = (name: string): Promise<User> => kith.users.get(`${name.toLowerCase()}@spaceodyssey.com`)
const [member, administrator, owner, , deactivated, co, deputy, target, newcomer, asker] = (await Promise.all(
  NAMES.map(person),
)) as [User, User, User, User, User, User, User, User, User, User] // as many as named
const app = (name: string): Promise<App> => running.app(`${name}@spaceodyssey.com`)
const ACTORS = {
  nobody: await running.app(),
  elsewhere: await running.app('ryan@explorer.example'),
  outsider: await app('outsider'),
  deactivated: await app('deactivated'),
  member: await app('member'),
  administrator: await app('administrator'),
  owner: await app('owner'),
}
const apps: Readonly<Record<string, App>> = ACTORS
await kith.users.setActive(deactivated, false)
const ofAsker = await app('asker')

/** A team with everybody in it, and what is about to be answered there. */
interface Scene {
  readonly id: string
  readonly invitation: string
  readonly invitedOwner: string
}

let guests = 0
const guest = () => `guest.${++guests}@example.org`

async function filled(name: string): Promise<Team> {
  const team = await kith.teams.create(name, owner)
  for (const [user, role] of [
    [co, 'owner'],
    [administrator, 'administrator'],
    [deputy, 'administrator'],
    [member, 'member'],
    [target, 'member'],
  ] satisfies [User, Role][])
    await kith.teams.add(team, user, role)
  await kith.store.teams.join(organizationId, team.id, [deactivated.id], 'owner')
  return team
}
const [above, another] = [await filled('Above'), await filled('Another')]

async function newScene(): Promise<Scene> {
  const { id } = await filled('Project X')
  await ACTORS.owner.patch(`/teams/${id}`, { is_open: true, parent_id: above.id })
  await ofAsker.ask('PUT', `/teams/${id}/join-request`)
  const invite = async (role: Role) =>
    String((await ACTORS.owner.post(`/teams/${id}/invitations`, { email: guest(), role })).json.id)
  return { id, invitation: await invite('administrator'), invitedOwner: await invite('owner') }
}

type Act = (app: App, scene: Scene) => Promise<RestAnswer>
const get =
  (path: string): Act =>
  (app, { id }) =>
    app.get(`/teams/${id}${path}`)
const change =
  (body: object): Act =>
  (app, { id }) =>
    app.patch(`/teams/${id}`, body)
const add =
  (role: Role): Act =>
  (app, { id }) =>
    app.post(`/teams/${id}/members`, { user_id: newcomer.id, role })
const remove =
  ({ id: user }: User): Act =>
  (app, { id }) =>
    app.delete(`/teams/${id}/members/${user}`)
const set =
  ({ id: user }: User, role: Role): Act =>
  (app, { id }) =>
    app.patch(`/teams/${id}/members/${user}`, { role })
const invite =
  (role: Role, email = guest): Act =>
  (app, { id }) =>
    app.post(`/teams/${id}/invitations`, { email: email(), role })
const answer =
  (how: string): Act =>
  (app, { id }) =>
    app.post(`/teams/${id}/join-requests/${asker.id}/${how}`)

const ACTIONS: Readonly<Record<string, Act>> = {
  'read it': get(''),
  'read its members': get('/members'),
  'read a member': get(`/members/${target.id}`),
  rename: change({ name: 'Project Y' }),
  'read its hooks': (app, { id }) => app.get(`/teams/${id}/hooks`),
  describe: change({ description: 'To Jupiter' }),
  'close it to requests': change({ is_open: false }),
  'put it under another': change({ parent_id: another.id }),
  'lift it out': change({ parent_id: null }),
  'add a member': add('member'),
  'add an administrator': add('administrator'),
  'add an owner': add('owner'),
  'remove a member': remove(target),
  'remove an administrator': remove(deputy),
  'remove an owner': remove(co),
  'make an administrator': set(target, 'administrator'),
  'unmake an administrator': set(deputy, 'member'),
  'make an owner': set(target, 'owner'),
  'make oneself owner': async (app, { id }) => {
    const user = Object.entries(ACTORS).find(([, one]) => one === app)?.[0]
    const { id: myself } = { member, administrator, owner }[user ?? ''] ?? target
    return app.patch(`/teams/${id}/members/${myself}`, { role: 'owner' })
  },
  'unmake an owner': set(co, 'administrator'),
  'read invitations': get('/invitations'),
  'read an invitation': (app, { id, invitation }) => app.get(`/teams/${id}/invitations/${invitation}`),
  'invite a member': invite('member'),
  'invite an administrator': invite('administrator'),
  'invite an owner': invite('owner'),
  'invite a colleague': invite('member', () => newcomer.email),
  'invite a colleague as owner': invite('owner', () => newcomer.email),
  'invite again': (app, { id, invitation }) => app.post(`/teams/${id}/invitations/${invitation}/resend`),
  'invite an owner again': (app, { id, invitedOwner }) => app.post(`/teams/${id}/invitations/${invitedOwner}/resend`),
  'revoke an invitation': (app, { id, invitation }) => app.delete(`/teams/${id}/invitations/${invitation}`),
  'read requests': get('/join-requests'),
  'read a request': get(`/join-requests/${asker.id}`),
  'approve a request': answer('approve'),
  'decline a request': answer('decline'),
  'ask to join': (app, { id }) => app.ask('PUT', `/teams/${id}/join-request`),
  'read one’s own request': get('/join-request'),
  'withdraw it': (app, { id }) => app.delete(`/teams/${id}/join-request`),
  leave: (app, { id }) => app.post(`/teams/${id}/leave`),
  transfer: (app, { id }) => app.post(`/teams/${id}/transfer`, { user_id: target.id }),
  delete: (app, { id }) => app.delete(`/teams/${id}`),
}

/** As docs of the domain have it. A team that people made, and one that an identity provider keeps with members alone. */
const MATRIX = `
  action                      | nobody | elsewhere | outsider | deactivated | member | administrator | owner | member of a synced team
  read it                     | 401    | 404       | 404      | 401         | 200    | 200           | 200   | 200
  read its members            | 401    | 404       | 404      | 401         | 200    | 200           | 200   | 200
  read a member               | 401    | 404       | 404      | 401         | 200    | 200           | 200   | 200
  rename                      | 401    | 404       | 404      | 401         | 403    | 200           | 200   | 403
  read its hooks              | 401    | 404       | 404      | 401         | 403    | 200           | 200   | 403
  describe                    | 401    | 404       | 404      | 401         | 403    | 200           | 200   | 403
  close it to requests        | 401    | 404       | 404      | 401         | 403    | 200           | 200   | 403
  put it under another        | 401    | 404       | 404      | 401         | 403    | 200           | 200   | 403
  lift it out                 | 401    | 404       | 404      | 401         | 403    | 200           | 200   | 403
  add a member                | 401    | 404       | 404      | 401         | 403    | 201           | 201   | 403
  add an administrator        | 401    | 404       | 404      | 401         | 403    | 201           | 201   | 403
  add an owner                | 401    | 404       | 404      | 401         | 403    | 403           | 201   | 403
  remove a member             | 401    | 404       | 404      | 401         | 403    | 204           | 204   | 403
  remove an administrator     | 401    | 404       | 404      | 401         | 403    | 204           | 204   | 403
  remove an owner             | 401    | 404       | 404      | 401         | 403    | 403           | 204   | 403
  make an administrator       | 401    | 404       | 404      | 401         | 403    | 200           | 200   | 403
  unmake an administrator     | 401    | 404       | 404      | 401         | 403    | 200           | 200   | 403
  make an owner               | 401    | 404       | 404      | 401         | 403    | 403           | 200   | 403
  make oneself owner          | 401    | 404       | 404      | 401         | 403    | 403           | 200   | 403
  unmake an owner             | 401    | 404       | 404      | 401         | 403    | 403           | 200   | 403
  read invitations            | 401    | 404       | 404      | 401         | 403    | 200           | 200   | 403
  read an invitation          | 401    | 404       | 404      | 401         | 403    | 200           | 200   | 403
  invite a member             | 401    | 404       | 404      | 401         | 403    | 201           | 201   | 403
  invite an administrator     | 401    | 404       | 404      | 401         | 403    | 201           | 201   | 403
  invite an owner             | 401    | 404       | 404      | 401         | 403    | 403           | 201   | 403
  invite a colleague          | 401    | 404       | 404      | 401         | 403    | 200           | 200   | 403
  invite a colleague as owner | 401    | 404       | 404      | 401         | 403    | 403           | 200   | 403
  invite again                | 401    | 404       | 404      | 401         | 403    | 200           | 200   | 403
  invite an owner again       | 401    | 404       | 404      | 401         | 403    | 403           | 200   | 403
  revoke an invitation        | 401    | 404       | 404      | 401         | 403    | 204           | 204   | 403
  read requests               | 401    | 404       | 404      | 401         | 403    | 200           | 200   | 403
  read a request              | 401    | 404       | 404      | 401         | 403    | 200           | 200   | 403
  approve a request           | 401    | 404       | 404      | 401         | 403    | 200           | 200   | 403
  decline a request           | 401    | 404       | 404      | 401         | 403    | 204           | 204   | 403
  ask to join                 | 401    | 404       | 201      | 401         | 409    | 409           | 409   | 409
  read one’s own request      | 401    | 404       | 404      | 401         | 404    | 404           | 404   | 404
  withdraw it                 | 401    | 404       | 404      | 401         | 404    | 404           | 404   | 404
  leave                       | 401    | 404       | 404      | 401         | 204    | 204           | 204   | 403
  transfer                    | 401    | 404       | 404      | 401         | 403    | 403           | 200   | 403
  delete                      | 401    | 404       | 404      | 401         | 403    | 403           | 204   | 403`

const CODES: Readonly<Record<number, string>> = {
  401: 'unauthorized',
  403: 'need-privileges',
  404: 'not-found',
  409: 'already-exists',
}
const cells = (line: string) => line.split('|').map((cell) => cell.trim())
const [head = '', ...lines] = MATRIX.trim().split('\n')
const columns = cells(head).slice(1, -1)

/** All that anybody could change of it. */
const stateOf = async ({ id }: Scene): Promise<string> => {
  const parts = ['', '/members', '/invitations', '/join-requests'].map((path) =>
    ACTORS.owner.get(`/teams/${id}${path}`),
  )
  return (await Promise.all(parts)).map(({ text }) => text).join('\n')
}

t.test('the role matrix: who may do what in a team, and whoever may not changes nothing', async (t) => {
  t.strictSame(lines.map((line) => cells(line)[0]).sort(), Object.keys(ACTIONS).sort(), 'every action has its row')
  let scene = await newScene()
  let before = await stateOf(scene)
  for (const line of lines) {
    const [action = '', ...expected] = cells(line)
    const act = ACTIONS[action]
    const found: string[] = []
    for (const who of columns) {
      const actor = apps[who]
      if (!act || !actor) throw new Error(`nobody is ${who}, or nothing is ${action}`)
      const { status, code } = await act(actor, scene)
      found.push(String(status))
      if (status >= 400) {
        t.equal(code, CODES[status], `${action}: ${who}`)
        if ((await stateOf(scene)) !== before) t.fail(`${action}: ${who} changes something`)
      } else if (!action.startsWith('read')) {
        scene = await newScene()
        before = await stateOf(scene)
      }
    }
    t.strictSame(found, expected.slice(0, -1), action)
  }
})

t.test('a team that an identity provider keeps is read by its members, and changed over SCIM alone', async (t) => {
  const members = [member, target, deactivated]
  const { id } = await kith.teams.provision(organizationId, {
    name: 'Synced',
    members: new Set(members.map((one) => one.id)),
  })
  const scene = { id, invitation: randomUUID(), invitedOwner: randomUUID() }
  const state = async () => {
    const read = ['', '/members'].map((path) => ACTORS.member.get(`/teams/${id}${path}`))
    return (await Promise.all(read)).map(({ text }) => text).join()
  }
  const before = await state()
  const nothing = ['change', 'delete', 'hooks', 'invite', 'leave', 'members', 'owners', 'requests', 'transfer']
  const { abilities } = (await ACTORS.member.get(`/teams/${id}`)).json
  t.strictSame(abilities, Object.fromEntries(nothing.map((deed) => [deed, false])))
  for (const line of lines) {
    const [action = ''] = cells(line)
    const act = ACTIONS[action]
    for (const [who, status] of [
      ['nobody', '401'],
      ['elsewhere', '404'],
      ['outsider', '404'],
      ['deactivated', '401'],
      ['member', cells(line).at(-1)],
    ] as const) {
      const answer = await act?.(ACTORS[who], scene)
      t.equal(String(answer?.status), status, `${action}: ${who}`)
      if (answer && answer.status >= 400) t.equal(answer.code, CODES[answer.status], `${action}: ${who}`)
    }
  }
  t.equal(await state(), before)
  const { id: mine } = await filled('Below')
  const under = await ACTORS.owner.patch(`/teams/${mine}`, { parent_id: id })
  t.equal(under.status, 404, 'nor is a team put under one that one is not in')
})

t.test('nobody grants a role above their own, by any route', async (t) => {
  const { id, invitedOwner } = await newScene()
  const owners = async () =>
    (await ACTORS.owner.get(`/teams/${id}/members`)).items
      .filter(({ role }) => role === 'owner')
      .map((one) => one.email)
  const before = await owners()
  const email = guest()
  for (const who of ['member', 'administrator'] as const) {
    const grants = [
      ACTORS[who].post(`/teams/${id}/members`, { user_id: newcomer.id, role: 'owner' }),
      ACTORS[who].patch(`/teams/${id}/members/${target.id}`, { role: 'owner' }),
      ACTORS[who].patch(`/teams/${id}/members/${{ member, administrator }[who].id}`, { role: 'owner' }),
      ACTORS[who].post(`/teams/${id}/invitations`, { email, role: 'owner' }),
      ACTORS[who].post(`/teams/${id}/invitations`, { email: newcomer.email, role: 'owner' }),
      ACTORS[who].post(`/teams/${id}/invitations/${invitedOwner}/resend`),
      ACTORS[who].post(`/teams/${id}/transfer`, { user_id: target.id }),
    ]
    for (const { status, code } of await Promise.all(grants)) t.strictSame([status, code], [403, 'need-privileges'])
  }
  await kith.users.create(organizationId, { name: 'Guest', email })
  t.strictSame(await owners(), before)
  t.equal(
    (await ACTORS.administrator.post(`/teams/${id}/invitations`, { email: newcomer.email, role: 'x' })).status,
    422,
  )
})

t.test('abilities tell what the matrix has', async (t) => {
  const { id } = await newScene()
  const DEEDS: Readonly<Record<string, string>> = {
    change: 'rename',
    members: 'add a member',
    owners: 'make an owner',
    invite: 'invite a member',
    hooks: 'read its hooks',
    requests: 'approve a request',
    transfer: 'transfer',
    delete: 'delete',
    leave: 'leave',
  }
  for (const who of ['member', 'administrator', 'owner'] as const) {
    const { abilities, role } = (await ACTORS[who].get(`/teams/${id}`)).json
    const expected = Object.entries(DEEDS).map(([deed, action]): [string, boolean] => {
      const row = lines.find((line) => cells(line)[0] === action) ?? ''
      return [deed, (cells(row)[columns.indexOf(who) + 1] ?? '') < '300']
    })
    t.equal(role, who)
    t.strictSame(abilities, Object.fromEntries(expected), who)
    const { items } = await ACTORS[who].get('/teams?q=project%20x&limit=200')
    const listed = items.find((one) => one.id === id)
    t.strictSame(listed?.abilities, abilities, 'in a list, too')
  }
})

t.test('of two owners one is left, whatever 20 do at once', async (t) => {
  const ofCo = await app('co')
  const ownedBy = async (user: User, members: readonly User[]) => {
    const team = await kith.teams.create('Two owners', user)
    for (const one of members) await kith.teams.add(team, one, 'member')
    return team.id
  }
  const deeds = (id: string): readonly ((app: App, me: User, other: User) => Promise<RestAnswer>)[] => [
    (app) => app.post(`/teams/${id}/leave`),
    (app, me) => app.patch(`/teams/${id}/members/${me.id}`, { role: 'member' }),
    (app, _, other) => app.patch(`/teams/${id}/members/${other.id}`, { role: 'administrator' }),
    (app, _, other) => app.delete(`/teams/${id}/members/${other.id}`),
    (app, me) => app.delete(`/teams/${id}/members/${me.id}`),
  ]
  for (const only of [0, 1, 2, 3, 4, undefined]) {
    const id = await ownedBy(owner, [co, member])
    await kith.teams.add(await kith.teams.get(id), co, 'owner')
    const came = await twenty((at) => {
      const [app, me, other] = at % 2 === 0 ? ([ACTORS.owner, owner, co] as const) : ([ofCo, co, owner] as const)
      const deed = deeds(id)[only ?? Math.floor(at / 2) % 5]
      if (!deed) throw new Error('there are five')
      return deed(app, me, other)
    })
    const { items } = await ACTORS.member.get(`/teams/${id}/members`)
    t.equal(items.filter(({ role }) => role === 'owner').length, 1, `${only}: ${JSON.stringify(tally(came))}`)
    for (const { status } of came) if (![200, 204, 403, 404, 409].includes(status)) t.fail(`answered ${status}`)
  }
  const id = await ownedBy(owner, [co])
  for (const refused of [
    await ACTORS.owner.post(`/teams/${id}/leave`),
    await ACTORS.owner.delete(`/teams/${id}/members/${owner.id}`),
    await ACTORS.owner.patch(`/teams/${id}/members/${owner.id}`, { role: 'administrator' }),
  ])
    t.strictSame([refused.status, refused.code], [409, 'last-owner'])
  t.match((await ACTORS.owner.post(`/teams/${id}/transfer`, { user_id: co.id })).json, { role: 'administrator' })
  t.equal((await ACTORS.owner.post(`/teams/${id}/leave`)).status, 204)
  t.equal((await ofCo.delete(`/teams/${id}`)).status, 204)
})
