import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import pg from 'pg'
import t from 'tap'
import { vcard } from '../support/dav.ts'
import { startKith } from '../support/kith.ts'

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
const open = async (url: string): Promise<Socket> => {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined) // it may be closed by a reset
  await once(socket, 'connect')
  return socket
}

t.test('More sockets than MAX_CONNECTIONS: the further ones are closed, and served once there is room', async (t) => {
  const { url } = await startKith(t, undefined, { MAX_CONNECTIONS: '20' })
  const live = async () => (await fetch(`${url}/health/live`, { headers: { connection: 'close' } })).status
  const sockets = await Promise.all(Array.from({ length: 60 }, () => open(url)))
  await wait(500)
  const held = sockets.filter(({ destroyed, readableEnded }) => !destroyed && !readableEnded)
  t.equal(held.length, 20)
  await t.rejects(live())
  for (const socket of sockets) socket.destroy()
  await wait(200)
  t.equal(await live(), 200)
})

t.test('Headers that do not end are cut off within 30 s', async (t) => {
  const { url } = await startKith(t)
  const socket = await open(url)
  socket.write('GET /dav/ HTTP/1.1\r\nHost: x\r\n')
  const dripping = setInterval(() => socket.write('X-A: a\r\n'), 1_000)
  const started = performance.now()
  socket.resume()
  await Promise.race([once(socket, 'close'), wait(40_000)])
  clearInterval(dripping)
  t.ok(socket.destroyed && performance.now() - started < 30_000)
  socket.destroy()
})

t.test('Whoever stops reading 50 MB holds no connection of the database and no transaction', async (t) => {
  const { url, database, organization, device } = await startKith(t, undefined, { DATABASE_POOL: '1' })
  await organization('Space Odyssey', 'spaceodyssey.com', ['David', 'Ryan'])
  const david = await device('david@spaceodyssey.com')
  const ryan = await device('ryan@spaceodyssey.com')
  const photo = `PHOTO;ENCODING=b;TYPE=JPEG:${'Abcd'.repeat(250_000)}`
  for (let at = 0; at < 50; at += 1) await david.put(`c${at}.vcf`, vcard([`UID:c${at}`, 'FN:C', photo]))

  const body =
    '<C:addressbook-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:prop><C:address-data/></D:prop></C:addressbook-query>'
  const head = `REPORT ${david.people} HTTP/1.1\r\nHost: x\r\nAuthorization: ${david.authorization}\r\nDepth: 1\r\nContent-Type: application/xml\r\nContent-Length: ${body.length}\r\n\r\n`
  const slow = await Promise.all(Array.from({ length: 3 }, () => open(url)))
  for (const socket of slow) {
    socket.write(head + body)
    const [first] = await once(socket, 'data')
    socket.pause()
    t.match(String(first), /^HTTP\/1\.1 207 /)
  }
  await wait(300)
  const watching = new pg.Client({ connectionString: database.url })
  await watching.connect()
  const { rows } = await watching.query(
    `select state from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`,
  )
  await watching.end()
  t.strictSame(rows, [])
  t.equal((await ryan.list()).size, 2, 'another one is answered by the only connection')
  t.equal((await ryan.put('own.vcf', vcard(['UID:own', 'FN:Own']))).status, 201)
  for (const socket of slow) socket.destroy()
})
