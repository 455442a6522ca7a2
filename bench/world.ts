import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Actor, Organization, User } from '#domain'
import { type Kith, openKith } from '../src/composition.ts'
import { type Config, readConfig } from '../src/config.ts'
import { loadMany } from '../src/demo/load.ts'
import { openDatabase, openEmbedded } from '../src/persistence/index.ts'
import type { Clocks } from './figures.ts'
import type { Job, Result } from './load.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))

export interface Account {
  readonly user: User
  readonly actor: Actor
  readonly authorization: string
  /** The path of their `people` book. */
  readonly book: string
}

export interface Crowd {
  readonly size: number
  readonly organization: Organization
  /** How long it took to make; undefined where it was there. */
  readonly seeded?: number
}

/** A server process. */
export interface Served {
  readonly port: number
  readonly pid: number
}

/** The database and the processes of one run; `close` ends them all. */
export class World {
  readonly url: string
  readonly config: Config
  readonly kith: Kith
  readonly #closing: (() => Promise<unknown>)[]

  private constructor(url: string, config: Config, kith: Kith, closing: (() => Promise<unknown>)[]) {
    this.url = url
    this.config = config
    this.kith = kith
    this.#closing = closing
  }

  /** A database as a server starts it (fsync on), in a directory that goes at the end, or in `kept`, which stays. */
  static async open(kept?: string): Promise<World> {
    const closing: (() => Promise<unknown>)[] = []
    const dataDir = kept ?? mkdtempSync(join(tmpdir(), 'kith-bench-'))
    mkdirSync(dataDir, { recursive: true })
    chmodSync(dataDir, 0o755) // as root the database runs as somebody else
    if (!kept) closing.push(async () => rmSync(dataDir, { recursive: true, force: true }))
    try {
      const embedded = await openEmbedded(join(dataDir, 'db'), { exclusive: true })
      closing.unshift(embedded.stop)
      const secret = 'a secret of the benchmark, of no worth'
      const config = readConfig({ DATABASE_URL: embedded.url, DATA_DIR: dataDir, SECRET_KEY: secret })
      const kith = await openKith(config)
      closing.unshift(kith.close)
      return new World(embedded.url, config, kith, closing)
    } catch (error) {
      for (const close of closing) await close()
      throw error
    }
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0)) await close().catch((error: unknown) => console.error(error))
  }

  /** Statements on a connection of their own. */
  async query<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const database = await openDatabase({ url: this.url, poolSize: 1, prepare: false })
    try {
      return (await database.pool.query(text, [...values])).rows as Row[] // the caller states what it selects
    } finally {
      await database.close()
    }
  }

  /** An organization of that many users. */
  async crowd(size: number): Promise<Crowd> {
    const { organizations } = this.kith
    const there = (await organizations.list()).find(({ name }) => name === `Big ${size}`)
    if (there) return { size, organization: there }
    const begin = performance.now()
    const name = await loadMany(this.kith, size)
    const seeded = (performance.now() - begin) / 1000
    return { size, organization: await organizations.get(name), seeded }
  }

  /** Users from `from` on, each with an app password. */
  async accounts(size: number, count: number, from = 0): Promise<Account[]> {
    const { users, appPasswords } = this.kith
    const accounts: Account[] = []
    for (let number = from; number < Math.min(from + count, size); number += 1) {
      const user = await users.get(`user-${number}@big-${size}.example`)
      const { username, password } = await appPasswords.create(user, 'bench')
      accounts.push({
        user,
        actor: { organizationId: user.organizationId, userId: user.id, peopleId: user.peopleId },
        authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
        book: `/dav/addressbooks/${user.id}/people/`,
      })
    }
    return accounts
  }

  #fork(path: string, env: NodeJS.ProcessEnv, args: string[] = []): ChildProcess {
    const profiling = process.env.BENCH_PROFILE ? ['--cpu-prof', `--cpu-prof-dir=${process.env.BENCH_PROFILE}`] : []
    const child = fork(path, args, { env: { ...process.env, ...env }, execArgv: profiling, silent: false })
    this.#closing.unshift(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      if (child.connected) child.disconnect()
      await ended
    })
    return child
  }

  /** A server of this directory that sends its port when it listens; `told` is the message that it waits for. */
  async bareServer(script = 'bare.ts', told?: object, env: NodeJS.ProcessEnv = {}): Promise<Served> {
    const child = this.#fork(join(HERE, script), {
      DATABASE_URL: this.url,
      DATABASE_POOL: String(this.config.databasePool),
      ...env,
    })
    if (told) child.send(told)
    const [{ port }] = (await once(child, 'message')) as [{ port: number }] // what these scripts send
    return { port, pid: child.pid ?? 0 }
  }

  async kithServer(env: NodeJS.ProcessEnv = {}): Promise<Served> {
    const port = await freePort()
    const { dataDir, secretKey = '' } = this.config
    const child = this.#fork(
      join(HERE, '../src/cli.ts'),
      {
        DATABASE_URL: this.url,
        DATA_DIR: dataDir,
        SECRET_KEY: secretKey,
        PORT: String(port),
        LOG_LEVEL: 'warn',
        ...env,
      },
      ['serve'],
    )
    for (let attempt = 0; child.exitCode === null && attempt < 300; attempt += 1) {
      const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined)
      if (answer?.ok) return { port, pid: child.pid ?? 0 }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    throw new Error('Kith did not start')
  }

  /** What the processor has spent; the database's processes stay as long as their connections. */
  readonly clocks: Clocks = {
    server: cpuTime,
    database: () => {
      const pid = readFileSync(join(this.config.dataDir, 'db', 'postmaster.pid'), 'utf8').split('\n', 1)[0]
      return childrenOf(Number(pid)).reduce((sum, child) => sum + cpuTime(child), 0)
    },
  }

  /** The load generator, in a process of its own. */
  loadGenerator(): (job: Job) => Promise<Result> {
    const child = this.#fork(join(HERE, 'load.ts'), {})
    return async (job) => {
      const answered = once(child, 'message', { signal: AbortSignal.timeout(300_000) })
      child.send(job)
      const [{ result, error }] = (await answered) as [{ result?: Result; error?: string }] // what load.ts sends
      if (!result) throw new Error(error)
      return result
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Processor time that a process has used, in milliseconds; elsewhere than on Linux 0. */
function cpuTime(pid: number): number {
  try {
    const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ').slice(11, 13) ?? []
    return (Number(user) + Number(system)) * 10
  } catch {
    return 0
  }
}

/** The processes that a process has started; elsewhere than on Linux none. */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)
  } catch {
    return []
  }
}

/** Memory that a process holds, in MB; elsewhere than on Linux 0. */
export function residentMemory(pid: number): number {
  try {
    return Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}
