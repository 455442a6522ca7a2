import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { type Actor, DomainError, type Id, type Role, type User } from '#domain'
import { Random } from '../model/random.ts'
import { ask } from '../support/kith.ts'
import { Clock, delivererOf, type Message, webhookReceiver } from '../support/receivers.ts'
import { type Dict, startScim } from '../support/scim.ts'
import { actorOf } from '../support/services.ts'

/** Each team's name, and who is in it with which role; each user, and whether they are active. */
interface Mirror {
  readonly teams: Map<Id, { name: string; readonly members: Map<Id, Role> }>
  readonly users: Map<Id, string>
}

interface Told {
  readonly team: { readonly id: Id; readonly name: string }
  readonly user: { readonly id: Id; readonly user_name: string; readonly active: boolean }
  readonly role: Role
  readonly first: boolean
  readonly members: readonly (Told['user'] & { readonly role: Role })[]
  readonly users: readonly Told['user'][]
}

/** What an application does with what it is told: an id that it knows it passes over. */
function apply(mirror: Mirror, known: Set<string>, { id, type, data }: Message): void {
  if (known.has(id)) return
  known.add(id)
  const { team, user, role, first, members, users } = data as unknown as Told // docs/hooks.md
  const shown = ({ user_name, active }: Told['user']) => `${user_name} ${active}`
  const of = () => {
    const there = mirror.teams.get(team.id) ?? { name: team.name, members: new Map<Id, Role>() }
    mirror.teams.set(team.id, there)
    return there
  }
  if (type === 'resync.started') {
    mirror.teams.clear()
    mirror.users.clear()
  } else if (type === 'resync.users') for (const one of users) mirror.users.set(one.id, shown(one))
  else if (type === 'resync.team') {
    if (first) mirror.teams.set(team.id, { name: team.name, members: new Map() })
    for (const one of members) of().members.set(one.id, one.role)
  } else if (type === 'team.deleted') mirror.teams.delete(team.id)
  else if (type.startsWith('team.')) of().name = team.name
  else if (type === 'member.left') of().members.delete(user.id)
  else if (type.startsWith('member.')) of().members.set(user.id, role)
  else if (type === 'user.deleted') mirror.users.delete(user.id)
  else if (type.startsWith('user.')) mirror.users.set(user.id, shown(user))
}

/** The way to a server, on which requests or their answers get lost. */
async function lossyWay(t: Test, to: string, isLost: () => 'request' | 'answer' | undefined): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', async () => {
      const lost = isLost()
      if (lost === 'request') return response.writeHead(503).end()
      const { host: _, connection: __, 'content-length': ___, ...headers } = request.headers
      const body = Buffer.concat(chunks)
      const sent = { headers, ...(body.length > 0 ? { body } : {}) }
      const answer = await ask(to, request.method ?? '', request.url ?? '', sent)
      if (lost === 'answer') return request.socket.destroy()
      return response.writeHead(answer.status, { 'content-type': 'application/scim+json' }).end(answer.body)
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}` // it listens on TCP
}

t.test('whatever happens here while receivers fail at random, they end equal to us', async (t) => {
  const seed = Number(process.env.KITH_MODEL_SEED ?? Date.now() % 1e6)
  t.comment(`KITH_MODEL_SEED=${seed}`)
  const random = new Random(seed)
  const scim = await startScim(t, { OUTGOING_ALLOW: '127.0.0.1' })
  const { kith, url } = scim
  const organizationId = await scim.organization('Mine', 'mine.example', ['Boss', 'One', 'Two', 'Three', 'Four'])
  await kith.users.update(await kith.users.get('boss@mine.example'), { isStaff: true })
  const boss = await kith.users.get('boss@mine.example')
  const admin: Actor = actorOf(boss)
  const theirs = await scim.connect('Theirs')

  const people: User[] = []
  for await (const user of kith.users.list(organizationId)) if (user.id !== boss.id) people.push(user)
  let made = 0
  const anyTeam = async () => random.pick(await kith.teams.list(organizationId))
  const deeds: Readonly<Record<string, () => Promise<unknown>>> = {
    make: () => kith.teams.create(`Team ${++made}`, boss),
    rename: async () => {
      const { id } = await anyTeam()
      const nobody = { named: new Set<Id>(), everybody: false }
      await kith.teams.amend(organizationId, id, nobody, async (now) => ({ ...now, name: `Renamed ${++made}` }))
    },
    end: async () => kith.teams.delete(await anyTeam()),
    add: async () =>
      kith.teams.add(await anyTeam(), random.pick(people), random.pick(['member', 'administrator', 'owner'])),
    remove: async () => {
      const team = await anyTeam()
      const { userId } = random.pick(await kith.teams.members(team))
      await kith.teams.remove(team, await kith.users.get(userId))
    },
    many: async () => {
      const { id } = await anyTeam()
      const join = new Set(
        people
          .filter(() => random.chance(0.5))
          .map((user) => user.id)
          .concat(boss.id),
      )
      await kith.teams.amend(organizationId, id, { named: join, everybody: true }, async (now) => ({
        ...now,
        members: { others: 'leave', join, leave: new Set() },
      }))
    },
    hire: async () => {
      made += 1
      people.push(await kith.users.create(organizationId, { name: `New ${made}`, email: `new.${made}@mine.example` }))
    },
    fire: async () => {
      if (people.length > 3) await kith.users.delete(people.splice(random.below(people.length), 1)[0] as User) // not empty
    },
    away: async () => kith.users.setActive(random.pick(people), random.chance(0.5)),
    move: async () => {
      made += 1
      await kith.users.update(random.pick(people), { email: `moved.${made}@mine.example` })
    },
  }
  const weights = { make: 4, rename: 3, end: 1, add: 14, remove: 8, many: 2, hire: 3, fire: 1, away: 2, move: 2 }
  const write = async (times: number) => {
    for (let turn = 0; turn < times; turn += 1) {
      await deeds[random.weighted(weights)]?.().catch((error: unknown) => {
        const isRefusal = error instanceof DomainError || error instanceof RangeError // or there is no team
        if (!isRefusal) throw error
      })
    }
  }
  await write(20)

  const mirror: Mirror = { teams: new Map(), users: new Map() }
  const known = new Set<string>()
  const receiver = await webhookReceiver(t)
  let failing = true
  receiver.answer = (message) => {
    const answer = failing && random.chance(0.2) ? random.pick([500, 0, 'lose'] as const) : 200
    if (answer === 'lose' || answer === 200) apply(mirror, known, message)
    return answer
  }
  const way = await lossyWay(t, url, () =>
    failing && random.chance(0.1) ? random.pick(['request', 'answer'] as const) : undefined,
  )
  const app = { name: 'App', url: receiver.url, format: 'standard-webhooks' } as const
  const server = { name: 'Server', url: `${way}/scim/v2/`, format: 'scim', token: theirs.token } as const
  const hooks = [
    (await kith.hooks.create(admin, undefined, app)).hook,
    (await kith.hooks.create(admin, undefined, server)).hook,
  ] as const
  await kith.hooks.resync(admin, undefined, hooks[0].id)

  const clock = new Clock()
  const deliverer = delivererOf(scim, clock)
  const deliver = async () => {
    await Promise.all([...hooks, ...hooks].map((hook) => deliverer.deliver(hook)))
    clock.pass(random.pick([1_000, 3_600_000, 86_400_000]))
  }
  const ours = async (): Promise<Mirror> => {
    const users = new Map<Id, string>()
    for await (const user of kith.users.list(organizationId)) users.set(user.id, `${user.userName} ${user.isActive}`)
    const teams = new Map()
    for (const team of await kith.teams.list(organizationId)) {
      const members = (await kith.teams.members(team)).map(({ userId, role }) => [userId, role] as const)
      teams.set(team.id, { name: team.name, members: new Map(members) })
    }
    return { users, teams }
  }
  /** What the SCIM server has: teams and members by the ids that we gave them. */
  const over = async () => {
    const users = new Map((await theirs.get('/Users?count=1000')).resources.map((user) => [user.id, user]))
    const groups = (await theirs.get('/Groups?count=1000')).resources.map((group) => {
      const members = (group.members ?? []) as Dict[] // RFC 7643 §4.2
      const of = members
        .map(({ value }) => users.get(value))
        .map((user) => [user?.externalId, `${user?.userName} ${user?.active}`])
      return [group.externalId, { name: group.displayName, members: of.map(String).sort() }] as const
    })
    return new Map([...groups].sort())
  }
  const expected = ({ teams, users }: Mirror) =>
    new Map(
      [...teams]
        .map(([id, { name, members }]) => {
          const of = [...members.keys()].map((user) => String([user, users.get(user)])).sort()
          return [id, { name, members: of }] as const
        })
        .sort(),
    )

  for (let round = 0; round < 12; round += 1) {
    await Promise.all([write(12), write(12), deliver()])
    if (round < 6 && random.chance(0.3)) await kith.hooks.resync(admin, undefined, random.pick(hooks).id)
    for (let turn = random.below(3); turn > 0; turn -= 1) await Promise.all([write(3), deliver()])
  }
  failing = false
  for (const { id } of hooks) await kith.hooks.resume(admin, undefined, id)
  for (let turn = 0; turn < 4; turn += 1) await deliver()
  for (const { id } of hooks) {
    t.match(await kith.hooks.get(admin, undefined, id), { state: 'active', behind: 0 }, 'nothing waits')
  }
  const end = await ours()
  t.ok(end.teams.size > 0 && receiver.came.length > receiver.taken.length, 'something happened, and something failed')
  t.same(Object.fromEntries(mirror.users), Object.fromEntries(end.users), 'users, at the application')
  t.same(
    Object.fromEntries(expected({ ...mirror, users: end.users })),
    Object.fromEntries(expected(end)),
    'teams, at the application',
  )
  t.same(
    [...mirror.teams].map(([id, { members }]) => [id, [...members].sort()]).sort(),
    [...end.teams].map(([id, { members }]) => [id, [...members].sort()]).sort(),
    'roles, at the application',
  )
  t.same(Object.fromEntries(await over()), Object.fromEntries(expected(end)), 'groups, at the SCIM server')
})
