import pg from 'pg'
import t, { type Test } from 'tap'
import { Migration20261124_phones } from '../../migrations/Migration20261124_phones.ts'
import { jobsPreparation } from '../../src/outgoing/queues.ts'
import { migrate } from '../../src/persistence/index.ts'
import { testDatabase } from '../support/databases.ts'
import { openWorld } from '../support/services.ts'

const PEOPLE = 450

interface Filled {
  readonly table: string
  /** What is read of a row, as one text; null while it is not filled. */
  readonly read: string
  /** Makes the rows what an earlier version left. */
  readonly empty: string
  readonly setting: string
}

/** Empties what a migration fills, stops it half-way, and lets it go on: every row has to be what it was. */
async function refilled(t: Test, { table, read, empty, setting }: Filled): Promise<void> {
  const database = await testDatabase()
  t.teardown(() => database.drop())
  const { organizationId, users, people, close } = await openWorld(database.url, { people: PEOPLE, followed: 0 })
  const [first] = people
  if (first)
    await users.update(first, { workPhone: '+1 555 0100', title: 'Pilot; "first", of\\all', department: 'İçel' })
  await close()
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  t.teardown(() => client.end())
  const texts = async () => {
    const all = `select id, ${read} as text from ${table} where organization_id = $1 order by id`
    return (await client.query<{ id: string; text: string | null }>(all, [organizationId])).rows
  }
  const before = await texts()
  t.equal(before.length, PEOPLE)

  await client.query(`update ${table} set ${empty}`)
  await client.query('delete from setting where name = $1', [setting])
  await client.query(
    `create function stop() returns trigger language plpgsql as $$ begin raise exception 'stopped'; end $$`,
  )
  await client.query(`create trigger stop before update on ${table} for each row when (old.id = '${before.at(-1)?.id}')
    execute function stop()`)
  await t.rejects(migrate(database.url, jobsPreparation))
  const filled = (await texts()).filter(({ text }) => text !== null).length
  t.ok(filled > 0 && filled < PEOPLE, 'half-way')

  await client.query(`drop trigger stop on ${table}`)
  await migrate(database.url, jobsPreparation)
  t.strictSame(await texts(), before)
}

t.test('cards from before the search texts get theirs, even if the migration was stopped half-way', (t) =>
  refilled(t, { table: 'contact', read: 'search', empty: 'search = null', setting: 'search_texts' }),
)

t.test('users from before their attributes were kept get them from their cards, likewise', (t) =>
  refilled(t, {
    table: '"user"',
    read: `(select string_agg(line, '|' order by line) from regexp_split_to_table(search, '\n') line) || attributes::text`,
    empty: `search = null, attributes = '{}'`,
    setting: 'managed_attributes',
  }),
)

t.test('telephone numbers from before their digits were kept are found by them after the migration', async (t) => {
  const database = await testDatabase()
  t.teardown(() => database.drop())
  const { users, people, close } = await openWorld(database.url, { people: 3, followed: 0 })
  const [first] = people
  if (first) await users.update(first, { workPhone: '+1 (555) 01-99' })
  await close()
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  t.teardown(() => client.end())
  const texts = async () => (await client.query<{ search: string }>('select search from contact order by id')).rows
  const after = await texts()
  const name = 'Migration20261124_phones'
  const down: string[] = []
  Migration20261124_phones.prototype.down.call({ addSql: (sql: string) => down.push(sql) } as never) // all that it uses
  for (const sql of down) await client.query(sql)
  await client.query('delete from kith_migration where name = $1', [name])
  t.notOk(
    (await texts()).some(({ search }) => search.includes('15550199')),
    'as an earlier version left them',
  )
  t.strictSame(await migrate(database.url, jobsPreparation), [name])
  t.strictSame(await texts(), after)
  t.equal(after.filter(({ search }) => search.includes('\ntel-digits\t15550199\n')).length, 1)
})
