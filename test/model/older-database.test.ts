import t, { type Test } from 'tap'
import { type Actor, AddressBooks, type Collections, type User } from '#domain'
import { testDatabase } from '../support/databases.ts'
import { actorOf, openServices, openWorld, type Services } from '../support/services.ts'

const card = (uid: string, note: string): Buffer =>
  Buffer.from(`BEGIN:VCARD\r\nVERSION:3.0\r\nUID:${uid}\r\nFN:${uid}\r\nN:;;;;\r\nNOTE:${note}\r\nEND:VCARD\r\n`)

async function sync(books: AddressBooks, actor: Actor, token?: string, limit?: number) {
  const changes = await books.changes(actor, actor.peopleId, token, 'none', { limit })
  const names: string[] = []
  for await (const members of changes.members) names.push(...members.map(({ name }) => name))
  return { names, ...changes.outcome() }
}

const refused = (t: Test, asked: Promise<unknown>, title: string) => t.rejects(asked, { code: 'token-refused' }, title)

/** One change in the organization's stream and one in a person's own. */
async function changeBoth({ users, contacts }: Services, colleague: User, actor: Actor, note: string): Promise<void> {
  await users.update(colleague, { title: note })
  await contacts.put(actor, actor.peopleId, 'julie.vcf', card('julie', note))
}

t.test('a database that went back to an older state refuses every token that is newer', async (t) => {
  const database = await testDatabase()
  t.teardown(() => database.drop())
  const world = await openWorld(database.url, { people: 6, followed: 1 })
  const [user, colleague] = world.people
  if (!user || !colleague) throw new TypeError('there are people')
  const actor = actorOf(user)
  const first = await sync(world.addressBooks, actor)
  await changeBoth(world, colleague, actor, 'before')
  const before = await sync(world.addressBooks, actor, first.token)
  await world.close() // nobody may be connected to what is copied
  const old = await database.copy()
  t.teardown(() => old.drop())

  const on = await openServices(database.url)
  t.teardown(() => on.close())
  const newer: string[] = []
  for (const note of ['one', 'two', 'three']) {
    await changeBoth(on, colleague, actor, note)
    newer.push((await sync(on.addressBooks, actor, before.token)).token)
  }
  await on.contacts.put(actor, actor.peopleId, 'new.vcf', card('new', 'own stream alone'))
  newer.push(await on.addressBooks.token(actor, actor.peopleId))
  const paged = await sync(on.addressBooks, actor, before.token, 1)
  t.notOk(paged.complete)
  newer.push(paged.token, (await sync(on.addressBooks, actor, undefined, 2)).token)

  const back = await openServices(old.url)
  t.teardown(() => back.close())
  for (const token of newer) await refused(t, sync(back.addressBooks, actor, token), 'right after going back')
  t.strictSame((await sync(back.addressBooks, actor, before.token)).names, [], 'a token from before still works')
  for (let round = 1; round <= 5; round += 1) {
    await changeBoth(back, colleague, actor, `another ${round}`)
    for (const token of newer) await refused(t, sync(back.addressBooks, actor, token), `${round} changes later`)
  }
  const since = await sync(back.addressBooks, actor, before.token)
  t.strictSame(since.names.sort(), ['julie.vcf', `${colleague.profileId}.vcf`].sort())
  t.ok((await sync(back.addressBooks, actor, first.token)).complete, 'and so does one from before that')

  await back.store.collections.prune(new Date(Date.now() + 60_000))
  for (const token of [...newer, first.token, before.token]) {
    await refused(t, sync(back.addressBooks, actor, token), 'after pruning')
  }
  t.strictSame((await sync(back.addressBooks, actor, since.token)).names, [], 'the head outlives pruning')
})

t.test('changes that are pruned while they are read are not passed over', async (t) => {
  const database = await testDatabase()
  t.teardown(() => database.drop())
  const world = await openWorld(database.url, { people: 3, followed: 1 })
  t.teardown(() => world.close())
  const [user, colleague] = world.people
  if (!user || !colleague) throw new TypeError('there are people')
  const actor = actorOf(user)
  const { token } = await sync(world.addressBooks, actor)
  await changeBoth(world, colleague, actor, 'forgotten')
  const { store } = world
  const changed: Collections['changed'] = async (...asked) => {
    await store.collections.prune(new Date(Date.now() + 60_000))
    return await store.collections.changed(...asked)
  }
  const collections = new Proxy(store.collections, {
    get(target, property) {
      const value: unknown = property === 'changed' ? changed : Reflect.get(target, property)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const racing = new AddressBooks({ ...store, collections })
  const after = await sync(racing, actor, token)
  await refused(t, sync(world.addressBooks, actor, after.token), 'the next sync lists anew')
})
