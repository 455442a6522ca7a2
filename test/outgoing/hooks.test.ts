import t from 'tap'
import type { Actor, User } from '#domain'
import { RETRIES } from '../../src/outgoing/delivery.ts'
import { startKith } from '../support/kith.ts'
import { Clock, delivererOf, verify, webhookReceiver } from '../support/receivers.ts'
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
      'member.role_changed Project Y fresh owner',
      'team.suspended Before',
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
      user: { id: fresh.id, user_name: 'new@space.example', email: 'new@space.example', active: true, external_id: null },
    })
    t.match(await state(hook.id), { state: 'active', behind: 0, lastAttempt: { status: 204 } })
    await kith.hooks.delete(admin, undefined, hook.id)
  })
})
