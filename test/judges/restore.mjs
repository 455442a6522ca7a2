// PostgreSQL's own pg_dump and pg_restore: a database that went back to an older state refuses every token it gave since.
// DATABASE_URL names a server on which a database may be made.
import { join } from 'node:path'
import { judge, Reader, run, serveDemo, withLine } from './support.mjs'

const RYAN = /^EMAIL[^:]*:ryan\.stone@spaceodyssey\.com$/m

await judge('restore', async (it) => {
  const server = process.env.DATABASE_URL
  if (!server) throw new Error('set DATABASE_URL to a PostgreSQL server for this')
  const database = `kith_restore_${process.pid}`
  const administer = (statement) => run('psql', ['--no-psqlrc', '-v', 'ON_ERROR_STOP=1', '-c', statement, server])
  await administer(`create database ${database}`)
  it.atEnd(async () => {
    await administer(`drop database ${database} with (force)`)
  })
  const url = new URL(server)
  url.pathname = database
  const databaseUrl = url.href
  const dump = join(it.directory, 'kith.dump')

  const phone = (kith, number) => kith('user', 'update', 'ryan.stone@spaceodyssey.com', '--phone', number)
  const contact = (name) => `BEGIN:VCARD\r\nVERSION:3.0\r\nUID:${name}\r\nFN:${name}\r\nN:${name};;;;\r\nEND:VCARD\r\n`
  const put = async (reader, name) => {
    const headers = { 'content-type': 'text/vcard' }
    const { status } = await reader.ask('PUT', `${await reader.people()}${name}.vcf`, { body: contact(name), headers })
    it.equal(status, 201, `${name} is made`)
  }
  /** A change of what everybody sees, one of David's own and one laid over Ryan's card. */
  const change = async ({ kith }, reader, mark) => {
    await phone(kith, `+1 555 01${mark}`)
    await put(reader, `contact-${mark}`)
    const ryan = await reader.find(RYAN)
    const headers = { 'content-type': 'text/vcard' }
    const body = withLine(ryan.card, `EMAIL;TYPE=HOME:ryan-${mark}@stone.com`)
    const { status } = await reader.ask('PUT', ryan.href, { body, headers })
    it.equal(status, 204, `Ryan's card is overridden (${mark})`)
  }
  const tokenOf = async (reader) => (await reader.sync()).token

  const first = await serveDemo(it, { databaseUrl })
  let david = new Reader(first, first.david)
  await change(first, david, '10')
  const older = await tokenOf(david)
  const kept = await david.cards()
  await run('pg_dump', ['--format=custom', '--file', dump, databaseUrl])
  await change(first, david, '20')
  const newer = await tokenOf(david)
  it.equal((await david.sync(older)).hrefs.length, 2, 'before: the older token tells two cards')
  it.equal((await david.sync(newer)).hrefs, [], 'before: the newer token tells none')
  const lost = await david.cards()
  await first.stop()

  // into an empty one: pg_restore --clean cannot drop the keys of partitions, which the jobs' tables have
  await administer(`drop database ${database} with (force)`)
  await administer(`create database ${database}`)
  await run('pg_restore', ['--single-transaction', '--dbname', databaseUrl, dump])
  const second = await serveDemo(it, { databaseUrl })
  david = new Reader(second, second.david)
  it.equal(second.david, first.david, 'after the restore the same password lets David in')
  it.equal(await david.cards(), kept, 'every card is as it was dumped')
  const refused = async (when) => {
    const { status, text } = await david.sync(newer)
    it.equal(status, 403, `${when}: the newer token is refused`)
    it.match(text, /<D:error[^>]*>\s*<D:valid-sync-token\s*\/>\s*<\/D:error>/, `${when}: by valid-sync-token`)
  }
  await refused('at once')
  const still = await david.sync(older)
  it.equal([still.status, still.hrefs], [207, []], 'the older token works, and tells that nothing changed')
  it.equal(await tokenOf(david), older, 'it is the current one')

  await change(second, david, '30')
  await refused('after as many changes')
  it.equal((await david.sync(older)).hrefs.length, 2, 'the older token tells the two cards changed since')
  await change(second, david, '40')
  await refused('after more')
  const now = await david.cards()
  it.ok(![...now.keys()].some((href) => href.includes('contact-20')), 'what the restore took away is gone')
  it.ok(
    [...lost.keys()].some((href) => href.includes('contact-20')),
    'which had been there',
  )
})
