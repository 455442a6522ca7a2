import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createConnection, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { binaries, codeOf, type Ids, identity, initialize, place, readText, surroundings } from './embedded-files.ts'

/** A PostgreSQL server that answers at `url`. When `owned`, this process started it and stop() ends it. */
export type Embedded = { url: string; owned: boolean; stop(): Promise<void> }

type Mode = 'ephemeral' | 'command' | 'server'

const run = promisify(execFile)
const BUSY_MS = 30_000
// A command's database may have other clients, which TERM lets finish; INT disconnects them; QUIT leaves a recovery.
const GENTLY = ['TERM', 10_000] as const
const FAST = [['INT', 30_000] as const, ['QUIT', 30_000] as const]
const LOCK_HELD = /lock file "postmaster.pid" (already exists|is empty)|pre-existing shared memory block/
const PORT_TAKEN = /could not create any TCP\/IP sockets/

// Signals come by name on stdin; its end, by our death too, means a fast shutdown. TERM and INT are ignored, so that a
// signal to the whole group ends the watchdog only after PostgreSQL, which sets its own handlers. A failed start removes
// nothing: another server may have the directory.
const WATCHDOG = `trap '' TERM INT; exec 3<&0
"$@" </dev/null 3<&- & pid=$!
(while read -r signal; do kill -"$signal" $pid; done; kill -INT $pid) <&3 2>/dev/null & reader=$!
wait $pid; code=$?; kill -KILL $reader 2>/dev/null
[ -z "$REMOVE" ] || [ $code != 0 ] || rm -rf -- "$REMOVE"
exit $code`

/** Starts PostgreSQL on a directory that nobody else has open. `ephemeral` trades durability for speed, for tests. */
export function startEmbedded(options: { dataDir: string; ephemeral?: boolean }): Promise<Embedded> {
  return start(place(options.dataDir), options.ephemeral ? 'ephemeral' : 'server')
}

/**
 * Uses the PostgreSQL that runs on `dataDir`, or starts it. `exclusive` is for the server, which must own its database:
 * it waits up to `patience` milliseconds for a command's database to end.
 */
export async function openEmbedded(
  dataDir: string,
  { exclusive = false, patience = 15_000 }: { exclusive?: boolean; patience?: number } = {},
): Promise<Embedded> {
  const dir = place(dataDir)
  const until = Date.now() + (exclusive ? patience : BUSY_MS)
  for (;;) {
    const running = await look(dir)
    if (typeof running === 'number' && !exclusive) return { url: urlOf(running), owned: false, async stop() {} }
    if (running === 'none') {
      const started = await start(dir, exclusive ? 'server' : 'command').catch((error: Error) => error)
      if (!(started instanceof Error)) return started
      if (!LOCK_HELD.test(started.message)) throw started
    }
    if (Date.now() > until) {
      throw new Error(
        exclusive
          ? `another Kith is running on the data directory ${dir}`
          : `the PostgreSQL of ${dir} has been starting or stopping for ${BUSY_MS / 1000} s`,
      )
    }
    await sleep(100)
  }
}

const urlOf = (port: number) => `postgres://postgres@127.0.0.1:${port}/postgres`

// postmaster.pid: process, data directory, start time, port, socket directory, address, shared memory, status.
async function look(dir: string): Promise<number | 'busy' | 'none'> {
  const lock = join(dir, 'postmaster.pid')
  const text = readText(lock)
  const [pid = '', directory, , port, , , , status] = text.split('\n').map((line) => line.trim())
  if (text === '' ? !isOld(lock) : !isAlive(Number(pid))) return 'none' // PostgreSQL replaces a dead process's file
  const command = text && (await commandOf(pid))
  if (directory !== dir || !command.includes('postgres') || !command.includes(dir)) {
    // A crash left it empty, or its number has gone to another process since: PostgreSQL would refuse to start.
    // Should a server start between these two calls, its shared memory still keeps a second one off the directory.
    if (text === readText(lock)) rmSync(lock, { force: true })
    return 'none'
  }
  return status === 'ready' && (await answers(Number(port))) ? Number(port) : 'busy'
}

// A server that starts writes into its file at once.
const isOld = (path: string) => Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) > 2000

function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

// Empty when it has ended meanwhile.
async function commandOf(pid: string): Promise<string> {
  if (process.platform === 'linux') return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return (await run('ps', ['-ww', '-o', 'command=', '-p', pid]).catch(() => ({ stdout: '' }))).stdout
}

async function answers(port: number): Promise<boolean> {
  const socket = createConnection({ port, host: '127.0.0.1', timeout: 2000 })
  socket.once('timeout', () => socket.destroy(new Error('timeout')))
  return once(socket, 'connect').then(
    () => Boolean(socket.destroy()),
    () => false,
  )
}

async function start(dir: string, mode: Mode): Promise<Embedded> {
  const ids = await identity(dir)
  const native = await binaries()
  await initialize(native, dir, ids, mode === 'ephemeral')
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort()
    try {
      const stop = await launch(native, dir, ids, port, mode)
      return { url: urlOf(port), owned: true, stop }
    } catch (error) {
      // Between the choice of the port and its use another program may take it.
      if (attempt === 5 || !PORT_TAKEN.test(String(error))) throw error
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

async function launch(native: string, dir: string, ids: Ids, port: number, mode: Mode): Promise<() => Promise<void>> {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port,
    max_connections: 100,
    shared_buffers: '128MB',
    max_wal_size: '2GB',
    ...(mode === 'ephemeral' ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } : {}),
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const { cwd, env } = surroundings()
  const child = spawn('/bin/sh', ['-c', WATCHDOG, 'kith', join(native, 'bin/postgres'), '-D', dir, ...flags], {
    ...ids,
    cwd,
    env: { ...env, REMOVE: mode === 'ephemeral' ? dir : '' },
    detached: true, // a Ctrl-C in the terminal is ours alone: PostgreSQL ends after us
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  const exited = once(child, 'exit').catch(() => []) // a failed spawn is reported below
  child.stdin.on('error', () => {}) // it ended before us
  let log = ''
  await new Promise<void>((ready, failed) => {
    child.once('error', failed)
    child.once('close', (code) => failed(new Error(`PostgreSQL ended (${code}): ${log}`)))
    // Read for as long as it runs: a full pipe would stop it.
    child.stderr.on('data', (piece) => {
      log = (log + piece).slice(-8192)
      if (log.includes('ready to accept connections')) ready()
    })
  })
  child.unref()
  for (const stream of [child.stdin, child.stderr]) (stream as Socket).unref() // Node makes a child's pipes of sockets

  const end = async () => {
    child.ref()
    for (const [signal, patience] of mode === 'command' ? [GENTLY, ...FAST] : FAST) {
      child.stdin.write(`${signal}\n`)
      const waiting = new AbortController()
      const over = await Promise.race([exited, sleep(patience, false, { signal: waiting.signal })])
      waiting.abort()
      if (over) break
    }
    if (mode === 'ephemeral') rmSync(dir, { recursive: true, force: true }) // the watchdog may not unlink it from its parent
  }
  let ended: Promise<void> | undefined
  return () => {
    ended ??= end()
    return ended
  }
}
