#!/usr/bin/env node
// `npx kith …`: starts on the machine's own Node (20 or newer), does the set-up if needed, and goes on with the Node that
// comes with Kith.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
if (existsSync(join(root, 'tools/setup.mjs'))) await import('../tools/setup.mjs')
const own = join(root, 'node_modules/.bin/node')
const child = spawn(existsSync(own) ? own : process.execPath, [join(root, 'src/cli.ts'), ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/kith'), ...process.env }, // halves the time to start
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1)
})
