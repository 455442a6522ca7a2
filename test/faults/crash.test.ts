import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, fsyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { openKith } from '../../src/composition.ts'
import { readConfig } from '../../src/config.ts'
import { Device, rows } from '../support/kith.ts'
import { freePort } from '../support/ports.ts'

const WRITERS = 5
const BURST_MS = 1_200

const hash = (text: string): string => createHash('sha256').update(text).digest('hex')

/** What one writer knows for sure, on its own disk before and after every request. */
interface Entry {
  readonly name: string
  readonly hash: string
  readonly what: 'intends' | 'acknowledged' | 'refused'
}

class Diary {
  readonly #file: number
  readonly #path: string
  constructor(path: string) {
    this.#path = path
    this.#file = openSync(path, 'a')
  }
  write(entry: Entry): void {
    writeSync(this.#file, `${JSON.stringify(entry)}\n`)
    fsyncSync(this.#file)
  }
  read = (): Entry[] =>
    readFileSync(this.#path, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Entry) // as written above
}

/** Puts new cards, changes them, and asks for what must be refused, until the server is gone. */
async function burst(device: Device, diary: Diary, writer: number, signal: AbortSignal, bad: number[]): Promise<void> {
  const names: string[] = []
  for (let at = 0; !signal.aborted; at += 1) {
    const again = at % 3 === 2 ? names.at(-1) : undefined
    const name = again ?? `card-${writer}-${randomUUID()}.vcf`
    const text = `BEGIN:VCARD\r\nVERSION:3.0\r\nUID:${name}\r\nFN:Card ${at}\r\nN:;;;;\r\nNOTE:${randomUUID()}\r\nEND:VCARD\r\n`
    const mine = { name, hash: hash(text) }
    const wrong = at % 5 === 4
    diary.write({ ...mine, what: 'intends' })
    const answer = await device.put(name, text, wrong ? { 'if-match': '"nothing"' } : {}).catch(() => undefined)
    if (!answer) return // it is gone: whether it stored the card, only it knows
    if (answer.status >= 200 && answer.status < 300) diary.write({ ...mine, what: 'acknowledged' })
    else if (answer.status >= 400 && answer.status < 500) diary.write({ ...mine, what: 'refused' })
    if (wrong ? answer.status !== 412 : answer.status >= 300) bad.push(answer.status)
    if (answer.status < 300 && !again) names.push(name)
  }
}

/** Compares what is stored with what was written down. */
function judge(entries: readonly Entry[], stored: ReadonlyMap<string, string>) {
  const lost: string[] = []
  const strange: string[] = []
  const refusedYetThere: string[] = []
  const byName = Map.groupBy(entries, ({ name }) => name)
  for (const [name, told] of byName) {
    const acknowledged = told.findLastIndex(({ what }) => what === 'acknowledged')
    const open = told.slice(acknowledged + 1).filter(({ what }) => what === 'intends')
    const refused = new Set(told.filter(({ what }) => what === 'refused').map((entry) => entry.hash))
    const now = stored.get(name)
    const may = [told[acknowledged]?.hash, ...open.map((entry) => entry.hash)]
    if (acknowledged >= 0 && !may.includes(now)) lost.push(name)
    if (now !== undefined && refused.has(now)) refusedYetThere.push(name)
  }
  for (const [name, now] of stored) {
    if (!byName.get(name)?.some((entry) => entry.what === 'intends' && entry.hash === now)) strange.push(name)
  }
  return { lost, strange, refusedYetThere }
}

/** A device that only syncs: its replica, from before the crash on. */
class Follower {
  readonly replica = new Map<string, string>()
  readonly #device: Device
  #token = ''
  constructor(device: Device) {
    this.#device = device
  }
  async sync(): Promise<number> {
    const { answer, changed, gone, token } = await this.#device.sync(this.#token)
    if (answer.status !== 207) return answer.status
    for (const [href, etag] of changed) this.replica.set(href, etag)
    for (const href of gone) this.replica.delete(href)
    this.#token = token
    return answer.status
  }
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await this.sync().catch(() => undefined))) await sleep(50)
  }
}

const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

t.test('kill -9 in a burst of PUTs loses no acknowledged card', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'kith-crash-'))
  chmodSync(directory, 0o755) // as root, the database's user must reach it
  const port = await freePort()
  const environment = {
    DATA_DIR: join(directory, 'data'),
    HOST: '127.0.0.1',
    PORT: String(port),
    LOG_LEVEL: 'silent',
  }
  const config = readConfig(environment)
  const kith = await openKith(config)
  const { id } = await kith.organizations.create({ name: 'Space Odyssey', domains: ['spaceodyssey.com'] })
  const user = await kith.users.create(id, { name: 'David Bowman', email: 'david.bowman@spaceodyssey.com' })
  const { username, password } = await kith.appPasswords.create(user, 'test')
  await kith.close()

  const device = new Device(`http://127.0.0.1:${port}`, user.id, username, password)
  const follower = new Follower(device)
  const diaries = Array.from({ length: WRITERS }, (_, writer) => new Diary(join(directory, `writer-${writer}`)))
  let server: ChildProcess | undefined
  const serve = async () => {
    server = spawn(process.execPath, [fileURLToPath(new URL('../../src/cli.ts', import.meta.url)), 'serve'], {
      env: { PATH: process.env.PATH, ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    if (!server.stdout) throw new TypeError('its output is piped')
    await once(server.stdout, 'data') // it tells when it listens
  }
  t.teardown(async () => {
    if (server && server.exitCode === null && server.signalCode === null) {
      server.kill('SIGTERM')
      await once(server, 'exit')
    }
    rmSync(directory, { recursive: true, force: true })
  })

  for (const round of ['the server is killed', 'PostgreSQL is killed too'] as const) {
    await serve()
    const end = new AbortController()
    const bad: number[] = []
    const writing = diaries.map((diary, writer) => burst(device, diary, writer, end.signal, bad))
    const following = follower.follow(end.signal)
    await sleep(BURST_MS)
    const [postmaster] = readFileSync(join(environment.DATA_DIR, 'db', 'postmaster.pid'), 'utf8')
      .split('\n')
      .map(Number)
    if (!postmaster || !server?.pid) throw new TypeError('both run')
    t.strictSame([...new Set(bad)], [], `${round}: nothing failed until then`)
    if (round === 'PostgreSQL is killed too') {
      process.kill(postmaster, 'SIGKILL')
      await sleep(300)
      t.strictSame([...new Set(bad)], [503], 'a server without its database says 503')
    }
    const exited = once(server, 'exit')
    server.kill('SIGKILL')
    await Promise.all([exited, ...writing])
    end.abort()
    await following

    await serve()
    const { text } = await device.report(
      device.people,
      'C:addressbook-query',
      '<D:prop><C:address-data/></D:prop><C:filter/>',
    )
    const stored = new Map(
      rows(text)
        .map(({ href, card = '' }) => [href.slice(href.lastIndexOf('/') + 1), hash(card)] as const)
        .filter(([name]) => name.startsWith('card-')),
    )
    const entries = diaries.flatMap((diary) => diary.read())
    const count = (wanted: Entry['what']) => entries.filter(({ what }) => what === wanted).length
    const totals = `${count('intends')} intended, ${count('acknowledged')} acknowledged, ${count('refused')} refused`
    t.comment(`${round}: ${totals}, ${stored.size} stored`)
    t.strictSame(judge(entries, stored), { lost: [], strange: [], refusedYetThere: [] }, `${round}: ${totals}`)
    t.ok(count('acknowledged') > WRITERS * 3 && count('refused') > 0, 'there was a burst')
    t.equal(await follower.sync(), 207, 'a token from before the crash is valid')
    t.strictSame(follower.replica, await device.list(), 'and the replica equals the listing')
    server.kill('SIGTERM')
    await once(server, 'exit')
    t.notOk(alive(server.pid ?? 0))
  }
})
