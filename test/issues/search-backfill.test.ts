import pg from 'pg'
import t from 'tap'
import { migrate } from '../../src/persistence/index.ts'
import { testDatabase } from '../support/databases.ts'
import { openWorld } from '../support/services.ts'

const PEOPLE = 450

t.test('cards from before the search texts get theirs, even if the migration was stopped half-way', async (t) => {
  const database = await testDatabase()
  t.teardown(() => database.drop())
  const { organizationId, close } = await openWorld(database.url, { people: PEOPLE, followed: 0 })
  await close()
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  t.teardown(() => client.end())
  const texts = async () => {
    const all = 'select id, search from contact where organization_id = $1 order by id'
    return (await client.query<{ id: string; search: string | null }>(all, [organizationId])).rows
  }
  const before = await texts()
  t.equal(before.length, PEOPLE)

  await client.query(`update contact set search = null`)
  await client.query(`delete from setting where name = 'search_texts'`)
  await client.query(
    `create function stop() returns trigger language plpgsql as $$ begin raise exception 'stopped'; end $$`,
  )
  await client.query(`create trigger stop before update on contact for each row when (old.id = '${before.at(-1)?.id}')
    execute function stop()`)
  await t.rejects(migrate(database.url))
  const filled = (await texts()).filter(({ search }) => search !== null).length
  t.ok(filled > 0 && filled < PEOPLE, 'half-way')

  await client.query('drop trigger stop on contact')
  await migrate(database.url)
  t.strictSame(await texts(), before)
})
