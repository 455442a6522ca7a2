// What the judges share: a server of their own, a way to read it that is no part of Kith, and counted checks. A judge
// runs a client that others wrote against a served Kith and looks at both sides.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect, isDeepStrictEqual } from 'node:util'

const ROOT = join(import.meta.dirname, '../..')
export const NODE = join(ROOT, 'node_modules/.bin/node')
const JUDGE_SECONDS = 240

/**
 * Runs `work` with a directory that is gone afterwards, and with the means to check. Prints each failure, then the count;
 * the exit status tells whether all passed. What `atEnd` was given is called at the end, last one first.
 * @param {string} name
 * @param {(judge: Judge) => Promise<void>} work
 */
export async function judge(name, work) {
  const directory = mkdtempSync(join(tmpdir(), `kith-judge-${name}-`))
  const it = new Judge(directory)
  const limit = AbortSignal.timeout(JUDGE_SECONDS * 1000)
  try {
    await Promise.race([
      work(it),
      once(limit, 'abort').then(() => Promise.reject(new Error(`not done within ${JUDGE_SECONDS} s`))),
    ])
  } catch (error) {
    it.fail('the judge came to its end', error instanceof Error ? error.stack : String(error))
  }
  for (const end of it.ends.reverse()) {
    await end().catch((error) => it.fail('everything stopped', String(error)))
  }
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  console.log(`judge ${name}: ${it.passed} passed, ${it.failed} failed`)
  process.exit(it.failed === 0 ? 0 : 1)
}

class Judge {
  passed = 0
  failed = 0
  /** @type {(() => Promise<void>)[]} */
  ends = []
  constructor(directory) {
    this.directory = directory
  }

  fail(title, detail) {
    this.failed += 1
    console.log(`not ok - ${title}${detail === undefined ? '' : `\n    ${detail.replaceAll('\n', '\n    ')}`}`)
  }
  ok(condition, title, detail) {
    if (!condition) return this.fail(title, detail)
    this.passed += 1
    console.log(`ok - ${title}`)
  }
  equal(actual, expected, title) {
    this.ok(isDeepStrictEqual(actual, expected), title, `is  ${shown(actual)}\nnot ${shown(expected)}`)
  }
  match(text, pattern, title) {
    this.ok(pattern.test(text), title, `${pattern} is not in ${shown(text)}`)
  }
  notMatch(text, pattern, title) {
    this.ok(!pattern.test(text), title, `${pattern} is in ${shown(text)}`)
  }
  atEnd(end) {
    this.ends.push(end)
  }
}

const shown = (value) => inspect(value, { breakLength: Infinity, maxStringLength: 2_000, maxArrayLength: 40 })

/** Runs a program to its end; a status other than 0 is an error with what it printed. */
export async function run(command, args, { input = '', env = process.env, cwd, seconds = 60, anyStatus = false } = {}) {
  const child = spawn(command, args, { env, cwd, stdio: ['pipe', 'pipe', 'pipe'], timeout: seconds * 1000 })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (piece) => {
    stdout += piece
  })
  child.stderr.setEncoding('utf8').on('data', (piece) => {
    stderr += piece
  })
  child.stdin.on('error', () => {}) // it asked for less
  child.stdin.end(input)
  const [code, signal] = await once(child, 'close')
  if (code !== 0 && !anyStatus) {
    throw new Error(`${command} ${args.join(' ')} ended with ${code ?? signal}\n${stdout}${stderr}`)
  }
  return { code, stdout, stderr }
}

/** Asks again until the answer will do, or fails with the last one. */
export async function until(what, ask, { seconds = 20 } = {}) {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const answer = await ask()
    if (answer) return answer
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`)
    await sleep(100)
  }
}

/** Ends a process of ours; by force if it takes too long, which is an error. */
export async function end(child, { signal = 'SIGTERM', seconds = 20 } = {}) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill(signal)
  const inTime = await Promise.race([exited, sleep(seconds * 1000, false, { ref: false })])
  if (inTime) return
  child.kill('SIGKILL')
  await exited
  throw new Error(`${child.spawnargs.join(' ')} did not end within ${seconds} s of ${signal}`)
}

/** Ends what is left of a process group of ours. */
export async function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/**
 * The demo, served as `npm start` does it, on a free port with its data in the judge's directory.
 * @param {Judge} judge
 */
export async function serveDemo(judge, { databaseUrl, environment = {} } = {}) {
  const dataDir = join(judge.directory, 'data')
  const port = await freePort()
  const env = {
    ...process.env,
    DATA_DIR: dataDir,
    HOST: '127.0.0.1',
    PORT: String(port),
    LOG_LEVEL: 'warn',
    ...environment,
  }
  delete env.DATABASE_URL
  if (databaseUrl) env.DATABASE_URL = databaseUrl
  const child = spawn(NODE, [join(ROOT, 'src/cli.ts'), 'demo', '--serve'], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (piece) => {
      log += piece
    })
  }
  const stop = () => end(child)
  judge.atEnd(async () => {
    await stop()
    judge.notMatch(log, /"level":[56]0/, 'the server logged no fault')
  })
  await until('the server says that it serves', () => {
    if (child.exitCode !== null) throw new Error(`the server ended:\n${log}`)
    return log.includes('Ctrl-C stops it')
  })
  const [david, ryan] = JSON.parse(readFileSync(join(dataDir, 'demo.json'), 'utf8'))
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    david,
    ryan,
    stop,
    /** `npx kith …` beside the running server. */
    kith: async (...args) => {
      const { stdout } = await run(NODE, [join(ROOT, 'bin/kith.mjs'), ...args, '--json'], { env })
      return JSON.parse(stdout)
    },
  }
}

const unescapeXml = (text) =>
  text
    .replace(/&#(?:x([0-9a-f]+)|(\d+));/gi, (_, hex, decimal) =>
      String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(decimal)),
    )
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')

/** Somebody's book as plain HTTP shows it: no client between, no cache. */
export class Reader {
  /** @param {{ url: string }} server @param {{ username: string, password: string }} account */
  constructor({ url }, { username, password }) {
    this.url = url
    this.authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  }

  async ask(method, path, { body, headers = {} } = {}) {
    const response = await fetch(new URL(path, this.url), {
      method,
      headers: { authorization: this.authorization, 'content-type': 'application/xml; charset=utf-8', ...headers },
      signal: AbortSignal.timeout(15_000),
      ...(body === undefined ? {} : { body }),
    })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }

  /** The address of the merged book. */
  async people() {
    const { text } = await this.ask('PROPFIND', '/dav/addressbooks/', {
      headers: { depth: '1' },
      body: '<D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/></D:prop></D:propfind>',
    })
    const home = /<D:href>(\/dav\/addressbooks\/[^/<]+\/)/.exec(text)?.[1]
    if (!home) throw new Error(`no home in\n${text}`)
    return `${home}people/`
  }

  /** Every card as it is now: href → text. */
  async cards() {
    const people = await this.people()
    const { status, text } = await this.ask('REPORT', people, {
      headers: { depth: '1' },
      body: '<C:addressbook-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:prop><C:address-data/></D:prop></C:addressbook-query>',
    })
    if (status !== 207) throw new Error(`addressbook-query: ${status}\n${text}`)
    const rows = text.matchAll(/<D:response>(.*?)<\/D:response>/gs)
    return new Map(
      [...rows].map(([, row]) => [
        unescapeXml(/<D:href>(.*?)<\/D:href>/s.exec(row)?.[1] ?? ''),
        unescapeXml(/<C:address-data[^>]*>(.*?)<\/C:address-data>/s.exec(row)?.[1] ?? ''),
      ]),
    )
  }

  /** The one card with that in it, and where it is. */
  async find(pattern) {
    const found = [...(await this.cards())].filter(([, card]) => pattern.test(unfold(card)))
    if (found.length > 1) throw new Error(`${found.length} cards have ${pattern}`)
    return found[0] && { href: found[0][0], card: found[0][1] }
  }

  /** A sync since `token`: what changed or went, and the next token. */
  async sync(token = '') {
    const { status, text } = await this.ask('REPORT', await this.people(), {
      headers: { depth: '0' },
      body: `<D:sync-collection xmlns:D="DAV:"><D:sync-token>${token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>`,
    })
    return {
      status,
      text,
      hrefs: [...text.matchAll(/<D:response>.*?<D:href>(.*?)<\/D:href>/gs)].map(([, href]) => unescapeXml(href)),
      token: /<D:sync-token>(.*?)<\/D:sync-token>/.exec(text)?.[1] ?? '',
    }
  }
}

export const unfold = (card) => card.replace(/\r?\n[ \t]/g, '')

/** The card with a line more, before its end. */
export const withLine = (card, line) => card.replace(/(\r?\n)(END:VCARD\s*)$/, `$1${line}$1$2`)

/** The UID of a card. */
export const uidOf = (card) => /^UID:(.*?)\r?$/m.exec(unfold(card))?.[1]

/** Polls with that account until it is refused: after how many milliseconds, or undefined. */
export async function refusedAfter(reader, milliseconds) {
  const begun = Date.now()
  while (Date.now() - begun <= milliseconds) {
    const { status } = await reader.ask('PROPFIND', '/dav/', {
      headers: { depth: '0' },
      body: '<D:propfind xmlns:D="DAV:"><D:prop><D:current-user-principal/></D:prop></D:propfind>',
    })
    if (status === 401) return Date.now() - begun
    await sleep(20)
  }
  return undefined
}
