import t from 'tap'
import { openDatabase } from '../../src/persistence/index.ts'
import { inTransaction, poolSession, type Session } from '../../src/persistence/session.ts'
import { testDatabase } from '../support/databases.ts'

const MODE = `select current_setting('plan_cache_mode') as mode`
const mode = async (session: Session, how: 'query' | 'planned') =>
  (await session[how]<{ mode: string }>(MODE, []))[0]?.mode

t.test('a statement that is planned with its values in sight leaves the connection as it was', async (t) => {
  const { url, drop } = await testDatabase()
  const database = await openDatabase({ url, poolSize: 1, prepare: true })
  const session = poolSession(database)
  t.equal(await mode(session, 'query'), 'force_generic_plan')
  t.equal(await mode(session, 'planned'), 'auto')
  t.equal(await mode(session, 'query'), 'force_generic_plan')

  await t.rejects(session.planned('select 1 / $1::integer', [0]), { code: '22012' })
  t.equal(await mode(session, 'query'), 'force_generic_plan', 'where it fails too')

  await inTransaction(database, async (inside) => {
    t.equal(await mode(inside, 'planned'), 'auto')
    t.equal(await mode(inside, 'query'), 'force_generic_plan')
  })
  await t.rejects(
    inTransaction(database, (inside) => inside.planned('select 1 / $1::integer', [0])),
    { code: '22012' },
  )
  t.equal(await mode(session, 'query'), 'force_generic_plan', 'and where a transaction fails')
  await database.close()
  await drop()
})

t.test('where statements are not to be prepared, nothing is set on a connection', async (t) => {
  const { url, drop } = await testDatabase()
  const database = await openDatabase({ url, poolSize: 1, prepare: false })
  t.equal(await mode(poolSession(database), 'planned'), 'auto')
  t.equal(await mode(poolSession(database), 'query'), 'auto')
  await database.close()
  await drop()
})
