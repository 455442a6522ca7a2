import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import { openEmbedded } from '../../src/persistence/embedded.ts'
import { type Answer, ask, type Device, startKith } from '../support/kith.ts'
import { openGate } from './gate.ts'

const card = (uid: string): string => `BEGIN:VCARD\r\nVERSION:3.0\r\nUID:${uid}\r\nFN:${uid}\r\nN:;;;;\r\nEND:VCARD\r\n`

/** One of everything that a device asks. */
const everything = (device: Device, colleague: string, at: number): Promise<Answer>[] => [
  device.put(`own-${at}.vcf`, card(`own-${at}`)),
  device.get(colleague),
  device.delete(`own-${at - 1}.vcf`),
  device.propfind(device.people, '1', '<D:prop><D:getetag/></D:prop>'),
  device.propfind(device.home, '1', '<D:allprop/>'),
  device.sync().then(({ answer }) => answer),
  device.report(device.people, 'C:addressbook-query', '<D:prop><D:getetag/></D:prop><C:filter/>'),
]

const statuses = async (answers: readonly Promise<Answer>[]): Promise<number[]> =>
  (await Promise.all(answers)).map(({ status }) => status)

t.test('PostgreSQL stopped mid-request: 503, never 500, and no restart is needed', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'kith-away-'))
  chmodSync(directory, 0o755) // as root, the database's user must reach it
  const open = () => openEmbedded(join(directory, 'db'), { exclusive: true })
  const port = ({ url }: { url: string }) => Number(new URL(url).port)
  let postgres = await open()
  const gate = await openGate(port(postgres))
  t.teardown(async () => {
    await gate.close()
    await postgres.stop()
    rmSync(directory, { recursive: true, force: true })
  })
  const database = {
    url: `postgres://postgres@127.0.0.1:${gate.port}/postgres`,
    name: 'postgres',
    copy: () => Promise.reject(new Error('not here')),
    drop: async () => undefined,
  }
  const running = await startKith(t, database)
  await running.organization('Space Odyssey', 'spaceodyssey.com', ['David Bowman', 'Ryan Stone'])
  const david = await running.kith.users.get('david.bowman@spaceodyssey.com')
  const device = await running.device(david.email)
  const colleague = await running.cardOf('ryan.stone@spaceodyssey.com')
  t.strictSame((await statuses(everything(device, colleague, 0))).sort(), [200, 201, 207, 207, 207, 207, 404])

  const seen = new Map<number, number>()
  let until = Number.POSITIVE_INFINITY
  const asking = Array.from({ length: 6 }, async (_, one) => {
    for (let at = one * 10_000; performance.now() < until; at += 1) {
      for (const status of await statuses(everything(device, colleague, at)))
        seen.set(status, (seen.get(status) ?? 0) + 1)
      await sleep(5)
    }
  })
  await sleep(400)
  await postgres.stop() // a fast shutdown: open transactions are ended
  gate.target = undefined
  await sleep(700) // longer than a verified password is believed
  const ready = await ask(running.url, 'GET', '/health/ready')
  const live = await ask(running.url, 'GET', '/health/live')
  const away = await device.get(colleague)
  const { id, organizationId, peopleId } = david
  const actor = { userId: id, organizationId, peopleId }
  const asks: (() => Promise<unknown>)[] = [
    () => running.kith.books.list(actor),
    () => running.kith.organizations.list(),
    () => running.kith.teams.list(organizationId),
    () => running.kith.books.update(actor, peopleId, { displayName: 'x' }),
    () => running.kith.organizations.setScope(organizationId, 'teams'),
  ]
  for (const asked of asks) await t.rejects(asked(), { code: 'unavailable' })
  postgres = await open()
  gate.target = port(postgres)
  await sleep(300)
  gate.cut() // connections that end without a word
  await sleep(300)
  until = performance.now()
  await Promise.all(asking)

  t.strictSame(
    [...seen.keys()].filter((status) => ![200, 201, 204, 207, 404, 503].includes(status)),
    [],
    'no 500',
  )
  t.ok((seen.get(503) ?? 0) > 0)
  t.strictSame([ready.status, live.status, away.status], [503, 200, 503])
  t.match(away.headers['retry-after'], /^\d+$/)
  t.strictSame((await statuses(everything(device, colleague, 99))).slice(0, 2), [201, 200], 'it goes on by itself')
  t.equal((await ask(running.url, 'GET', '/health/ready')).status, 200)
})

t.test('a pool of one serves everything', async (t) => {
  const running = await startKith(t, undefined, { DATABASE_POOL: '1' })
  await running.organization('Space Odyssey', 'spaceodyssey.com', ['David Bowman', 'Ryan Stone'])
  const device = await running.device('david.bowman@spaceodyssey.com')
  const colleague = await running.cardOf('ryan.stone@spaceodyssey.com')
  const answers = Array.from({ length: 8 }, (_, at) => everything(device, colleague, at * 10)).flat()
  const bad = (await statuses(answers)).filter((status) => ![200, 201, 207, 404].includes(status))
  t.strictSame(bad, [])
  const base = await device.get(colleague, { accept: 'text/vcard; version=4.0' })
  const override = base.text.replace('END:', 'NOTE:mine\r\nEND:')
  t.equal((await device.put(colleague, override)).status, 204)
  t.equal((await device.delete(colleague)).status, 204)
})

t.test('a full pool: 503 and Retry-After in two seconds; those who wait inside are served in the end', async (t) => {
  const running = await startKith(t, undefined, { DATABASE_POOL: '2' })
  await running.organization('Space Odyssey', 'spaceodyssey.com', ['David Bowman', 'Ryan Stone'])
  const device = await running.device('david.bowman@spaceodyssey.com')
  const colleague = await running.cardOf('ryan.stone@spaceodyssey.com')
  t.equal((await device.get(colleague)).status, 200)
  const blocker = new pg.Client(running.database.url)
  await blocker.connect()
  await blocker.query('begin')
  await blocker.query('lock table contact in access exclusive mode')
  const patience = setTimeout(() => void blocker.query('rollback'), 10_000) // whoever waits on, fails: nothing hangs
  const inside = [device.put('one.vcf', card('one')), device.put('two.vcf', card('two'))]
  await sleep(200)
  const begun = performance.now()
  const [refused, alsoRefused, ready, live] = await Promise.all([
    device.get(colleague),
    device.put('x.vcf', card('x')),
    ask(running.url, 'GET', '/health/ready'),
    ask(running.url, 'GET', '/health/live'),
  ])
  const took = performance.now() - begun
  t.strictSame([refused.status, alsoRefused.status, ready.status, live.status], [503, 503, 503, 200])
  t.ok(took > 1_000 && took < 5_000, `after ${Math.round(took)} ms`)
  t.match(refused.headers['retry-after'], /^\d+$/)
  clearTimeout(patience)
  await blocker.query('rollback')
  await blocker.end()
  t.strictSame(await statuses(inside), [201, 201])
  t.equal((await device.put('x.vcf', card('x'))).status, 201)
})
