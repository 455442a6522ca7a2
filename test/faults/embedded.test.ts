import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import { openEmbedded, startEmbedded } from '../../src/persistence/embedded.ts'

const base = mkdtempSync(join(tmpdir(), 'kith-embedded-'))
chmodSync(base, 0o755) // as root, the database's user must reach it
const dataDir = join(base, 'data', 'pg')
const lock = join(dataDir, 'postmaster.pid')
const children: number[] = []
t.teardown(() => {
  for (const pid of children) kill(pid)
  rmSync(base, { recursive: true, force: true })
})

function kill(pid: number, signal: NodeJS.Signals | 0 = 'SIGKILL'): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    const { rows } = await client.query({ text, rowMode: 'array' })
    return rows.flat()
  } finally {
    await client.end()
  }
}

async function until(condition: () => boolean, ms = 5000): Promise<boolean> {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(20)) if (condition()) return true
  return condition()
}

// A process of its own that opens the database, prints {url, owned} and stays.
async function opener(options = '{}') {
  const program = `import { openEmbedded } from ${JSON.stringify(import.meta.resolve('../../src/persistence/embedded.ts'))}
    const { url, owned, stop } = await openEmbedded(${JSON.stringify(dataDir)}, ${options})
    console.log(JSON.stringify({ url, owned }))
    process.stdin.on('end', () => stop()).resume()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const { pid = 0 } = child
  children.push(pid)
  let output = ''
  for await (const piece of child.stdout) {
    output += piece
    if (output.endsWith('\n')) break
  }
  const { url, owned } = JSON.parse(output) as { url: string; owned: boolean } // what the program above prints
  return { url, owned, pid, close: () => child.stdin.end() }
}

t.test('two processes that open at once share one, and the data outlives it', async (t) => {
  const both = await Promise.all([opener(), opener()])
  t.equal(both[0].url, both[1].url)
  t.strictSame(both.map(({ owned }) => owned).sort(), [false, true], 'one of them owns it')
  const { url } = both[0]
  await query(url, 'create table kept as select 7 as n')
  t.strictSame(await query(url, "select setting from pg_settings where name in ('fsync', 'full_page_writes')"), [
    'on',
    'on',
  ])
  for (const { close } of both) close()
  t.ok(await until(() => !existsSync(lock)), 'the owner stops it')

  const own = await openEmbedded(dataDir)
  t.strictSame(await query(own.url, 'select n from kept'), [7])
  await t.rejects(openEmbedded(dataDir, { exclusive: true, patience: 300 }), /another Kith is running/)

  const client = new pg.Client(own.url)
  await client.connect()
  const stopped = own.stop()
  await sleep(200)
  t.strictSame((await client.query('select n from kept')).rows, [{ n: 7 }], "a command's stop lets others finish")
  const server = openEmbedded(dataDir, { exclusive: true })
  await client.end()
  await stopped
  t.ok((await server).owned, 'and the server waits for it')
  const idle = new pg.Client((await server).url)
  idle.on('error', () => {}) // the server's stop disconnects it
  await idle.connect()
  const begun = Date.now()
  await (await server).stop()
  t.ok(Date.now() - begun < 3000, "a server's stop does not wait for its clients")
  t.notOk(existsSync(lock))
})

t.test('kill -9 of the process stops PostgreSQL, and the next start recovers', async (t) => {
  const { url, pid } = await opener('{ exclusive: true }')
  const [postmaster] = readFileSync(lock, 'utf8').split('\n').map(Number)
  await query(url, 'insert into kept values (8)')
  kill(pid)
  t.ok(await until(() => !kill(postmaster ?? 0, 0)), 'within seconds')

  const again = await openEmbedded(dataDir)
  t.strictSame(await query(again.url, 'select n from kept order by n'), [7, 8])
  const [killed] = readFileSync(lock, 'utf8').split('\n').map(Number)
  kill(killed ?? 0)
  const recovered = await openEmbedded(dataDir, { exclusive: true })
  t.strictSame(await query(recovered.url, 'select n from kept order by n'), [7, 8], 'PostgreSQL itself was killed')
  await again.stop()
  await recovered.stop()
})

t.test('a stale postmaster.pid is no obstacle', async (t) => {
  const stale = (pid: number) => `${pid}\n${dataDir}\n1700000000\n5432\n\n127.0.0.1\n 1 1\nready   \n`
  const left = { 'its number reused': stale(process.pid), 'no process': stale(4194303), 'empty, from a full disk': '' }
  for (const [what, content] of Object.entries(left)) {
    writeFileSync(lock, content)
    utimesSync(lock, 1700000000, 1700000000)
    const own = await openEmbedded(dataDir, { exclusive: true, patience: 0 })
    t.ok(own.owned, what)
    await own.stop()
  }
})

t.test('an ephemeral one leaves nothing', async (t) => {
  const own = await startEmbedded({ dataDir: join(base, 'ephemeral'), ephemeral: true })
  t.strictSame(await query(own.url, "select current_setting('fsync')"), ['off'])
  await own.stop()
  t.notOk(existsSync(join(base, 'ephemeral')))
})
