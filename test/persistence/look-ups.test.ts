import t from 'tap'
import { type AttributeQuery, OrganizationService, UserService } from '#domain'
import { createStore, openDatabase } from '../../src/persistence/index.ts'
import { testDatabase } from '../support/databases.ts'

const named = (value: string): AttributeQuery => ({
  where: { path: ['userName'], compare: 'equal', value },
  from: 0,
  limit: 10,
})

t.test('look-ups of users that come together each find their own, of their own organization', async (t) => {
  const { url, drop } = await testDatabase()
  const database = await openDatabase({ url, poolSize: 2, prepare: true })
  const store = createStore(database)
  const users = new UserService(store)
  const made = await Promise.all(
    ['One', 'Other'].map(async (name) => {
      const { id } = await new OrganizationService(store).create({ name, domains: [] })
      const people = ['ada', 'Björn', 'chloé'].map((userName) =>
        users.provision(id, { userName, isActive: true, attributes: { displayName: `${userName} of ${name}` } }),
      )
      return { id, people: await Promise.all(people) }
    }),
  )
  const asked = made.flatMap(({ id, people }) => people.map((person) => ({ id, person })))
  const strangers = made.map(({ id }, at) => ({ id, person: made.at(at - 1)?.people[0] }))
  const { directory } = store
  for (const teams of [true, false]) {
    const [byId, byName, twice, foreign, absent] = await Promise.all([
      Promise.all(asked.map(({ id, person }) => directory.user(id, person.id, teams))),
      Promise.all(asked.map(({ id, person }) => directory.users(id, named(person.userName.toUpperCase()), teams))),
      Promise.all(asked.map(({ id, person }) => directory.user(id, person.id, teams))),
      Promise.all(strangers.map(({ id, person }) => directory.user(id, person?.id ?? '', teams))),
      Promise.all(made.map(({ id }) => directory.users(id, named('nobody'), teams))),
    ])
    const expected = asked.map(({ person }) => person)
    t.same(
      byId.map((user) => user?.attributes),
      expected.map(({ attributes }) => attributes),
    )
    t.same(
      byId.map((user) => user?.id),
      expected.map(({ id }) => id),
    )
    t.same(
      twice.map((user) => user?.id),
      expected.map(({ id }) => id),
      'one that is asked for twice too',
    )
    t.same(
      byName.map((found) => found.map(({ id }) => id)),
      expected.map(({ id }) => [id]),
      'in any case',
    )
    t.same(foreign, [undefined, undefined])
    t.same(absent, [[], []])
  }
  await database.close()
  await drop()
})
