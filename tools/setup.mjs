// Plain JavaScript that runs on the machine's own Node (20 or newer): installs what package-lock.json names when it
// has changed since the last time. Everything after it runs on node_modules/.bin/node.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const stamp = join(root, 'node_modules/.setup-stamp')
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .update(process.platform + process.arch)
  .digest('hex')

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] })
  if (status === 0) return
  console.error(`Set-up failed: ${command} ${args.join(' ')}${error ? ` (${error.message})` : ''}`)
  process.exit(status || 1)
}

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  console.error('Setting up Kith (npm ci): once, and again when the dependencies change …')
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
  const node = join(root, 'node_modules/.bin/node')
  if (existsSync(join(root, 'node_modules/.bin/tap'))) {
    run(existsSync(node) ? node : process.execPath, [join(root, 'node_modules/.bin/tap'), 'build'])
  }
  writeFileSync(stamp, wanted)
}
