import { randomUUID } from 'node:crypto'
import pg from 'pg'
import t, { type Test } from 'tap'
import type { Actor, User } from '#domain'
import { RETRIES } from '../../src/outgoing/delivery.ts'
import { startKith } from '../support/kith.ts'
import { Clock, delivererOf, verify, webhookReceiver } from '../support/receivers.ts'
import { startScim } from '../support/scim.ts'
import { actorOf } from '../support/services.ts'

t.test('outgoing hooks by signed JSON', async (t) => {
  const running = await startKith(t, undefined, { OUTGOING_ALLOW: '127.0.0.1' })
  const { kith } = running
  const organizationId = await running.organization('Space', 'space.example', ['Ann', 'Bob', 'Cid'])
  const other = await running.organization('Else', 'else.example', ['Eve'])
  const of = (name: string): Promise<User> => kith.users.get(`${name}@space.example`)
  await kith.users.update(await of('ann'), { isStaff: true })
  const [ann, bob, cid] = [await of('ann'), await of('bob'), await of('cid')]
  const admin: Actor = actorOf(ann)
  const clock = new Clock()
  const deliverer = delivererOf(running, clock)
  const { store, teams, teamWork } = kith
  const client = new pg.Client({ connectionString: running.database.url })
  await client.connect()
  t.teardown(() => client.end())
  const sql = (text: string, values: readonly unknown[]) => client.query(text, [...values])
  const state = (id: string, owner?: string) => kith.hooks.get(admin, owner, id)

  await t.test('every membership change is told, by whatever route, in the order of commits', async (t) => {
    const receiver = await webhookReceiver(t)
    const before = await teams.create('Before', ann)
    const { hook, secret = '' } = await kith.hooks.create(admin, undefined, {
      name: 'All',
      url: receiver.url,
      format: 'standard-webhooks',
    })
    const team = await teams.create('Project X', ann)
    await teams.add(team, bob, 'member')
    await teamWork.setRole(admin, team.id, bob.id, 'administrator')
    await teamWork.change(admin, team.id, { name: 'Project Y' })
    await teams.remove(team, bob)
    await kith.invitations.invite(admin, team.id, { email: 'new@space.example', role: 'administrator' })
    const fresh = await kith.users.create(organizationId, { name: 'New One', email: 'new@space.example' })
    await kith.users.update(fresh, { title: 'Pilot' })
    await kith.users.setActive(ann, false)
    await kith.users.setActive(ann, true)
    await teams.add(before, cid, 'member')
    await kith.users.delete(fresh)
    await teams.delete(team)
    const synced = await teams.provision(organizationId, { name: 'S', externalId: 'ext', members: new Set([bob.id]) })
    await teams.amend(organizationId, synced.id, { named: new Set([cid.id]), everybody: true }, async (now) => ({
      ...now,
      members: { others: 'leave', join: new Set([cid.id]), leave: new Set() },
    }))
    await kith.users.provision(other, { userName: 'x', isActive: true, attributes: {} })
    await deliverer.deliver(hook)
    const told = receiver.taken.map(({ type, data }) => {
      const { user, team, role } = data as Record<string, { id?: string; name?: string }> & { role?: string } // ours
      const names = new Map([
        [ann.id, 'ann'],
        [bob.id, 'bob'],
        [cid.id, 'cid'],
        [fresh.id, 'fresh'],
      ])
      return [type, team?.name, names.get(user?.id ?? ''), role].filter((one) => one !== undefined).join(' ')
    })
    const [suspended, inherited] = ['team.suspended Before', 'member.role_changed Project Y fresh owner']
    t.strictSame(told, [
      'team.created Project X',
      'member.joined Project X ann owner',
      'member.joined Project X bob member',
      'member.role_changed Project X bob administrator',
      'team.changed Project Y',
      'member.left Project Y bob',
      'user.created fresh',
      'member.joined Project Y fresh administrator',
      'user.changed fresh',
      'user.deactivated ann',
      ...(before.id < team.id ? [suspended, inherited] : [inherited, suspended]), // teams go by their ids
      'user.activated ann',
      'team.resumed Before',
      'member.joined Before cid member',
      'member.left Project Y fresh',
      'user.deleted fresh',
      'member.left Project Y ann',
      'team.deleted Project Y',
      'team.created S',
      'member.joined S bob member',
      'member.joined S cid member',
      'member.left S bob',
    ])
    for (const message of receiver.taken) t.doesNotThrow(() => verify(secret, message), message.type)
    t.throws(() => verify(`whsec_${Buffer.from('another').toString('base64')}`, receiver.taken[0] as never))
    t.equal(new Set(receiver.taken.map(({ id }) => id)).size, receiver.taken.length)
    t.match(receiver.taken[15]?.data, {
      user: {
        id: fresh.id,
        user_name: 'new@space.example',
        email: 'new@space.example',
        active: true,
        external_id: null,
      },
    })
    t.match(await state(hook.id), { state: 'active', behind: 0, lastAttempt: { status: 204 } })
    await kith.hooks.delete(admin, undefined, hook.id)
  })

  /** A hook of a new team that Ann owns, with its receiver. */
  const hooked = async (t: Test) => {
    const receiver = await webhookReceiver(t)
    const team = await teams.create('Project X', ann)
    const said = { name: 'Mine', url: receiver.url, format: 'standard-webhooks' } as const
    const { hook, secret = '' } = await kith.hooks.create(admin, team.id, said)
    const types = () =>
      receiver.taken.map(({ type, data }) => `${type} ${(data.user as { id: string } | undefined)?.id}`)
    return { receiver, team, hook, secret, types, now: () => state(hook.id, team.id) }
  }

  await t.test('a team’s hook hears of its team alone, and dies with it', async (t) => {
    const { receiver, team, hook, types } = await hooked(t)
    const elsewhere = await teams.create('Elsewhere', ann)
    await teams.add(elsewhere, bob, 'member')
    await teams.add(team, bob, 'member')
    await deliverer.deliver(hook)
    t.strictSame(types(), [`member.joined ${bob.id}`])
    t.match(receiver.taken[0]?.data, { team: { id: team.id, name: 'Project X', external_id: null }, role: 'member' })
    await teams.delete(team)
    t.equal(await store.hooks.find(organizationId, team.id, hook.id), undefined)
    t.notOk(await deliverer.deliver(hook))
  })

  await t.test(
    'the receiver is down: nothing is lost, it is tried again as the table says, then stopped',
    async (t) => {
      const { receiver, team, hook, types, now } = await hooked(t)
      await teams.add(team, bob, 'member')
      await teams.add(team, cid, 'member')
      receiver.answer = () => 500
      for (const [at, wait] of RETRIES.entries()) {
        t.notOk(await deliverer.deliver(hook))
        const next = new Date(clock.now().getTime() + wait)
        t.match(await now(), { state: 'retrying', behind: 2, nextAttemptAt: next, lastAttempt: { status: 500 } })
        clock.pass(wait - 1)
        t.notOk(await deliverer.deliver(hook), 'not before it is time')
        t.equal(receiver.came.length, at + 1)
        clock.pass(1)
      }
      receiver.answer = () => 0
      t.ok(await deliverer.deliver(hook), 'there is no next time')
      const stopped = await now()
      t.match(stopped, { state: 'stopped', behind: 2 })
      t.match(stopped.reason, /10 times/)
      clock.pass(1e9)
      await deliverer.deliver(hook)
      t.equal(receiver.came.length, 10)
      t.equal(new Set(receiver.came.map(({ id }) => id)).size, 1, 'the same message, under the same id')
      receiver.answer = () => 200
      t.match(await kith.hooks.resume(admin, team.id, hook.id), { state: 'active', behind: 2 })
      await deliverer.deliver(hook)
      t.strictSame(types(), [`member.joined ${bob.id}`, `member.joined ${cid.id}`])
      t.match(await now(), { state: 'active', behind: 0 })
      t.match((await now()).lastAttempt, { error: undefined })
    },
  )

  await t.test('410 stops the hook at once, and a redirect is a failure that says so', async (t) => {
    const { receiver, team, hook, now } = await hooked(t)
    await teams.add(team, bob, 'member')
    receiver.answer = () => 302
    await deliverer.deliver(hook)
    t.match((await now()).lastAttempt, { status: 302, error: /redirect/ })
    clock.pass(5_000)
    receiver.answer = () => 410
    await deliverer.deliver(hook)
    t.match(await now(), { state: 'stopped', reason: /410/, behind: 1 })
    t.equal(receiver.came.length, 2)
  })

  await t.test('killed between delivery and cursor: sent again, with the same id', async (t) => {
    const { receiver, team, hook } = await hooked(t)
    await teams.add(team, bob, 'member')
    receiver.answer = () => 'lose'
    await deliverer.deliver(hook)
    clock.pass(5_000)
    const lease = randomUUID()
    const claimed = await store.hooks.claim(hook, lease, clock.now(), new Date(clock.now().getTime() + 60_000))
    t.ok(claimed, 'somebody has claimed it, and is killed')
    t.notOk(await deliverer.deliver(hook))
    clock.pass(60_000)
    receiver.answer = () => 200
    await deliverer.deliver(hook)
    t.equal(receiver.taken.length, 2)
    t.equal(receiver.taken[0]?.id, receiver.taken[1]?.id)
    t.equal(receiver.taken[0]?.body, receiver.taken[1]?.body)
    const progress = { attempt: { at: clock.now() }, attempts: 0, condition: 'running' } as const
    t.notOk(
      claimed && (await store.hooks.record(claimed, progress, clock.now())),
      'who was thought dead changes nothing',
    )
  })

  await t.test('a transaction that is rolled back tells nothing', async (t) => {
    const { team, now } = await hooked(t)
    await t.rejects(
      store.transaction(async (transaction) => {
        transaction.tell(organizationId, { kind: 'member.joined', teamId: team.id, userId: bob.id, role: 'member' })
        throw new Error('no')
      }),
    )
    await t.rejects(teams.remove(team, ann), { code: 'last-owner' })
    t.match(await now(), { behind: 0 })
  })

  await t.test('where there is no hook nothing is written, and no head moves', async (t) => {
    const eve = await kith.users.get('eve@else.example')
    const team = await teams.create('Else', eve)
    const [head] = await Promise.all([store.collections.status(other)])
    const fresh = await kith.users.create(other, { name: 'Fresh', email: 'fresh@else.example' })
    await teams.add(team, fresh, 'member')
    const { revision } = await store.collections.status(other)
    t.equal(Number(revision), Number(head.revision) + 2)
    await teams.add(team, fresh, 'administrator')
    t.equal((await store.collections.status(other)).revision, revision, 'another role changes no card')
    const { rows } = await sql('select count(*)::int as n from outgoing_event where organization_id = $1', [other])
    t.strictSame(rows, [{ n: 0 }])
  })

  await t.test('what is told makes older change tokens no worse', async (t) => {
    const device = await running.device('cid@space.example')
    const { team } = await hooked(t)
    await teams.add(team, bob, 'member')
    const { token } = await device.sync()
    await teams.add(team, bob, 'administrator')
    const after = await device.sync(token)
    t.equal(after.answer.status, 207)
    t.strictSame([...after.changed.keys(), ...after.gone], [])
    await teams.add(team, bob, 'member')
    t.equal((await device.sync(after.token)).answer.status, 207)
    t.equal((await device.sync(token)).answer.status, 207)
  })

  await t.test('20 workers at once: each event once, in order', async (t) => {
    const { receiver, team, hook, types } = await hooked(t)
    const wanted: string[] = []
    for (let turn = 0; turn < 10; turn += 1) {
      await teams.add(team, bob, 'member')
      await teams.remove(team, bob)
      wanted.push(`member.joined ${bob.id}`, `member.left ${bob.id}`)
    }
    await Promise.all(Array.from({ length: 20 }, () => deliverer.deliver(hook)))
    await deliverer.deliver(hook)
    t.strictSame(types(), wanted)
    t.equal(receiver.came.length, wanted.length)
  })

  await t.test('a hook that is made while others write hears of all that is committed after it', async (t) => {
    const team = await teams.create('Racing', ann)
    const receiver = await webhookReceiver(t)
    const said = { name: 'Mine', url: receiver.url, format: 'standard-webhooks' } as const
    let going = true
    const writing = (async () => {
      const seen: boolean[] = []
      for (; going; ) {
        await teams.add(team, bob, 'member')
        await teams.remove(team, bob)
        seen.push(true)
      }
      return seen.length * 2
    })()
    const { hook } = await kith.hooks.create(admin, team.id, said)
    const { rows } = await sql('select cursor_revision::int as at from outgoing_hook where id = $1', [hook.id])
    await new Promise((done) => setTimeout(done, 100))
    going = false
    await writing
    const { revision } = await store.collections.status(organizationId)
    await deliverer.deliver(hook)
    t.equal(receiver.taken.length, Number(revision) - Number(rows[0]?.at), 'one for each revision')
  })

  await t.test('a new secret and the old one sign for a day', async (t) => {
    const { receiver, team, hook, secret } = await hooked(t)
    const deliverer = delivererOf(running, new Clock())
    const rotated = await kith.hooks.rotateSecret(admin, team.id, hook.id)
    t.not(rotated.secret, secret)
    await teams.add(team, bob, 'member')
    await deliverer.deliver(hook)
    for (const one of [secret, rotated.secret]) t.doesNotThrow(() => verify(one, receiver.taken[0] as never))
    await sql(`update outgoing_hook set previous_until = created_at where id = $1`, [hook.id])
    await teams.remove(team, bob)
    await deliverer.deliver(hook)
    t.doesNotThrow(() => verify(rotated.secret, receiver.taken[1] as never))
    t.throws(() => verify(secret, receiver.taken[1] as never))
    const { rows } = await sql('select * from outgoing_hook where id = $1', [hook.id])
    for (const one of [secret, rotated.secret]) {
      t.notOk(JSON.stringify(rows).includes(one.slice(6)), 'neither is kept in the clear')
    }
  })
})

t.test('outgoing hooks to another SCIM server', async (t) => {
  const scim = await startScim(t, { OUTGOING_ALLOW: '127.0.0.1' })
  const { kith, url } = scim
  const organizationId = await scim.organization('Mine', 'mine.example', ['Ann', 'Bob', 'Cid'])
  const of = (name: string): Promise<User> => kith.users.get(`${name}@mine.example`)
  await kith.users.update(await of('ann'), { isStaff: true })
  const [ann, bob, cid] = [await of('ann'), await of('bob'), await of('cid')]
  const admin = actorOf(ann)
  const theirs = await scim.connect('Theirs')
  const clock = new Clock()
  const deliverer = delivererOf(scim, clock)
  const known = await theirs.user('bob@mine.example', { title: 'Theirs' })
  const team = await kith.teams.create('Project X', ann)
  await kith.teams.add(team, bob, 'member')
  const said = { name: 'Server', url: `${url}/scim/v2`, format: 'scim', token: theirs.token } as const
  const { hook } = await kith.hooks.create(admin, undefined, said)
  const deliver = async (t: Test) => {
    for (let turn = 0; turn < 4; turn += 1) {
      await deliverer.deliver(hook)
      clock.pass(5_000)
    }
    t.match(await kith.hooks.get(admin, undefined, hook.id), { state: 'active', behind: 0 })
  }
  const group = async () => {
    const { resources } = await theirs.get(`/Groups?filter=${encodeURIComponent(`externalId eq "${team.id}"`)}`)
    const members = (resources[0]?.members ?? []) as { value: string }[] // RFC 7643 §4.2
    const users = await Promise.all(members.map(({ value }) => theirs.get(`/Users/${value}`)))
    return {
      id: resources[0]?.id,
      name: resources[0]?.displayName,
      members: users.map(({ json }) => json.userName).sort(),
    }
  }

  await t.test('it is sent all there is first; whom it knows by their userName stays its own', async (t) => {
    await deliver(t)
    t.match(await group(), { name: 'Project X', members: ['ann@mine.example', 'bob@mine.example'] })
    t.match((await theirs.get(`/Users/${known}`)).json, { title: 'Theirs', externalId: undefined })
    t.match(await kith.hooks.test(admin, undefined, hook.id), { status: 200, error: undefined })
  })

  await t.test('what it has lost is made again', async (t) => {
    await theirs.ask('DELETE', `/Groups/${(await group()).id}`)
    await kith.teams.add(team, cid, 'member')
    await deliver(t)
    const again = await group()
    t.match(again, { members: ['ann@mine.example', 'bob@mine.example', 'cid@mine.example'] })
    await kith.teams.remove(team, cid)
    await deliver(t)
    const { resources } = await theirs.get(`/Users?filter=${encodeURIComponent(`externalId eq "${cid.id}"`)}`)
    await theirs.ask('DELETE', `/Users/${resources[0]?.id}`)
    await kith.teams.add(team, cid, 'member')
    await deliver(t)
    t.strictSame(await group(), again)
  })

  await t.test('users that it was told of change and go there too; who was there before stays', async (t) => {
    await kith.users.update(cid, { email: 'moved@mine.example' })
    await deliver(t)
    t.match((await group()).members, ['ann@mine.example', 'bob@mine.example', 'moved@mine.example'])
    await kith.users.delete(cid)
    await kith.users.delete(bob)
    await kith.teams.amend(organizationId, team.id, { named: new Set(), everybody: false }, async (now) => ({
      ...now,
      name: 'Project Y',
    }))
    await deliver(t)
    t.match(await group(), { name: 'Project Y', members: ['ann@mine.example'] })
    const left = (await theirs.get('/Users')).resources.map(({ userName }) => userName)
    t.strictSame(left.sort(), ['ann@mine.example', 'bob@mine.example'])
    await kith.teams.delete(team)
    await deliver(t)
    t.equal((await theirs.get('/Groups')).json.totalResults, 0)
  })

  await t.test('a token that is refused, and a team that goes while it is down', async (t) => {
    const gone = await kith.teams.create('Gone', ann)
    await deliver(t)
    await kith.hooks.change(admin, undefined, hook.id, { token: 'wrong' })
    t.match(await kith.hooks.test(admin, undefined, hook.id), { status: 401, error: /401/ })
    await kith.teams.delete(gone)
    await deliverer.deliver(hook)
    t.match(await kith.hooks.get(admin, undefined, hook.id), { state: 'retrying', lastAttempt: { status: 401 } })
    await kith.hooks.change(admin, undefined, hook.id, { token: theirs.token })
    await kith.hooks.resync(admin, undefined, hook.id)
    await deliver(t)
    t.equal((await theirs.get('/Groups')).json.totalResults, 0)
  })
})
