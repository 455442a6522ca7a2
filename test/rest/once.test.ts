import pg from 'pg'
import t from 'tap'
import { maintain } from '../../src/maintenance.ts'
import { startRest } from '../support/rest.ts'

t.test('draft-ietf-httpapi-idempotency-key-header §2: a request with a key is done once', async (t) => {
  const running = await startRest(t)
  await running.organization('One', 'one.example', ['Ann', 'Bob'])
  const ann = await running.app('ann@one.example')
  const bob = await running.app('bob@one.example')
  const add = (app: typeof ann, key: string, name: string) =>
    app.ask('POST', '/contacts', { data: { full_name: name } }, { 'idempotency-key': key })
  const named = async (name: string) => (await ann.get(`/contacts?q=${name}`)).items.length

  await t.test('a repeat gets the first answer again, whoever else has the key', async (t) => {
    const first = await add(ann, '"one"', 'Julie')
    t.equal(first.status, 201)
    t.equal(first.headers['idempotency-replayed'], undefined)
    for (const key of ['"one"', 'one']) {
      const again = await add(ann, key, 'Julie')
      t.equal(again.status, 201)
      t.equal(again.headers['idempotency-replayed'], 'true')
      t.equal(again.text, first.text)
      for (const name of ['etag', 'location', 'content-type']) t.equal(again.headers[name], first.headers[name])
    }
    t.equal(await named('julie'), 1)
    t.equal((await add(bob, 'one', 'Julie')).headers['idempotency-replayed'], undefined, 'his own key')
    await ann.delete(`/contacts/${first.json.id}`)
    t.equal((await add(ann, 'one', 'Julie')).text, first.text, 'also when it is gone')
  })

  await t.test('another request with the key is refused, and a key that is none', async (t) => {
    const other = await add(ann, 'one', 'Jules')
    t.equal(other.status, 422)
    t.equal(other.code, 'idempotency-key-reused')
    for (const key of ['', '""', 'x'.repeat(256), 'a b', 'a"', '"a', 'é']) {
      const refused = await add(ann, key, 'Jules')
      t.equal(refused.status, 400, key)
      t.strictSame(refused.fields, ['idempotency-key'])
    }
    t.equal(await named('jules'), 0)
  })

  await t.test('a refusal is not kept, and leaves nothing', async (t) => {
    t.equal((await add(ann, 'two', '')).status, 422)
    t.equal((await add(ann, 'two', 'Tom')).status, 201)
  })

  await t.test('20 at once make one; the others get its answer, or hear that it is under way', async (t) => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => add(ann, 'three', 'Zora')))
    const made = answers.filter(({ status }) => status === 201)
    const first = made.filter(({ headers }) => headers['idempotency-replayed'] === undefined)
    t.equal(first.length, 1)
    t.equal(new Set(made.map(({ text }) => text)).size, 1)
    for (const { status, code, headers } of answers) {
      if (status === 201) continue
      t.equal(status, 409)
      t.equal(code, 'idempotency-in-progress')
      t.match(headers['retry-after'], /^\d+$/)
    }
    t.equal(await named('zora'), 1)
  })

  await t.test('20 at once with a key each make 20, though they wait for the same stream', async (t) => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => add(ann, `many-${at}`, `Many ${at}`)))
    t.strictSame(
      answers.map(({ status }) => status),
      answers.map(() => 201),
    )
    t.equal(await named('many'), 20)
  })

  await t.test('what is done and its answer are kept together or not at all', async (t) => {
    const database = new pg.Client({ connectionString: running.database.url })
    await database.connect()
    const failing = (state: string, until: string) =>
      database.query(`create or replace function fail() returns trigger language plpgsql as $$ begin
        if nextval('failures') <= ${until} then raise exception 'no' using errcode = '${state}'; end if; return new; end $$`)
    await database.query('create sequence failures')
    await failing('53100', '1')
    await database.query('create trigger fail before insert on kept_answer for each row execute function fail()')
    t.equal((await add(ann, 'four', 'Uma')).status, 503, 'the disk is full')
    t.equal(await named('uma'), 0)
    await failing('40001', '3')
    t.equal((await add(ann, 'four', 'Uma')).status, 201, 'after two lost races')
    t.equal(await named('uma'), 1)
    await database.end()
  })

  await t.test('after a day the key is free', async (t) => {
    const { store } = running.kith
    await maintain(store, new Date(Date.now() + 25 * 3_600_000))
    const anew = await add(ann, 'three', 'Zora')
    t.equal(anew.status, 201)
    t.equal(anew.headers['idempotency-replayed'], undefined)
    t.equal(await named('zora'), 2)
  })
})
