// Runs the suite by tap on one database server: DATABASE_URL's, or an embedded one that lives as long as the run. Each
// test file has a database of its own, copied from a template. Ends with the plain closing line that CI reads.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbedded } from '../src/persistence/embedded.ts'
import { createTemplate } from '../test/support/databases.ts'

const directory = mkdtempSync(join(tmpdir(), 'kith-test-'))
chmodSync(directory, 0o755)
const seen = join(directory, 'seen')
const embedded = process.env.DATABASE_URL
  ? undefined
  : await startEmbedded({ dataDir: join(directory, 'db'), ephemeral: true })
const server = process.env.DATABASE_URL ?? embedded?.url ?? ''
console.error(embedded ? 'Testing on the embedded database.' : 'Testing on the database of DATABASE_URL.')

const quiet = process.stdout.isTTY // tap's own reporter shows it all; elsewhere we print a line a file, and failures
const output = '.tap/last.tap'
mkdirSync('.tap', { recursive: true })
rmSync(output, { force: true })
let status = 1
let missing = []
try {
  const template = await createTemplate(server)
  const environment = { ...process.env, KITH_TEST_SERVER: server, KITH_TEST_TEMPLATE: template, KITH_TEST_SEEN: seen }
  delete environment.DATABASE_URL
  const tap = spawn(
    'tap',
    ['run', `--reporter=${quiet ? 'base' : 'silent'}`, `--output-file=${output}`, ...process.argv.slice(2)],
    {
      stdio: 'inherit',
      env: environment,
    },
  )
  ;[status] = await once(tap, 'exit')
  if (process.argv.length === 2) missing = notGiven()
} finally {
  await embedded?.stop()
  rmSync(directory, { recursive: true, force: true })
}

/** Answers of the JSON API that are documented and that no test got: test/support/contract.ts notes both. */
function notGiven() {
  const all = (what) => {
    const files = existsSync(seen) ? readdirSync(seen).filter((name) => name.startsWith(what)) : []
    return new Set(files.flatMap((name) => readFileSync(join(seen, name), 'utf8').split('\n').filter(Boolean)))
  }
  const [documented, given] = [all('documented'), all('seen')]
  if (documented.size === 0) return ['any: no test has read the document']
  return [...documented].filter((one) => !given.has(one)).sort()
}

// Assertions are counted where they stand, deepest level only: a subtest's own line repeats its children.
let passed = 0
let failed = 0
let skipped = 0
let previousDepth = -1
let shown = false // inside a failure's own lines
for (const line of readFileSync(output, 'utf8').split('\n')) {
  const isResult = /^ *(not )?ok\b/.test(line)
  if (isResult) {
    const depth = line.length - line.trimStart().length
    const isSummary = depth < previousDepth
    previousDepth = depth
    const isFailure = line.trimStart().startsWith('not ok')
    shown = isFailure && !/# (SKIP|TODO)/i.test(line)
    if (!isSummary) {
      if (/# (SKIP|TODO)/i.test(line)) skipped += 1
      else if (isFailure) failed += 1
      else passed += 1
    }
    if (depth === 0 && !quiet) console.log(line)
  } else if (/^ *# Subtest/.test(line)) shown = false
  if (shown && !quiet && !(isResult && line.startsWith('not ok'))) console.log(line)
}
if (status !== 0 && failed === 0) failed = 1
for (const one of missing) console.log(`not ok - documented, but given in no test: ${one}`)
if (missing.length > 0) status = 1
failed += missing.length
if (process.argv.length === 2 && missing.length === 0) passed += 1
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exit(status ?? 1)
