import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** SCIMMY (MIT) in memory, over Express as its documentation shows; no dependency of Kith's, so installed aside. */
export interface InMemory {
  readonly users: readonly { readonly id: string; readonly userName: string }[]
}

const PACKAGES = ['scimmy', 'scimmy-routers', 'express']

async function installed(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'kith-bench-scimmy-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  writeFileSync(join(directory, 'package.json'), '{"private":true}')
  const options = ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...PACKAGES]
  await promisify(execFile)('npm', options, { cwd: directory })
  return directory
}

process.once('message', async ({ users }: InMemory) => {
  const load = createRequire(join(await installed(), 'package.json'))
  const { default: SCIMMY } = load('scimmy')
  const routers = load('scimmy-routers')
  const express = load('express')
  const kept = new Map(users.map((user) => [user.id, user]))
  SCIMMY.Resources.declare(SCIMMY.Resources.User)
    .ingress(() => undefined)
    .degress(() => undefined)
    .egress(({ id, filter }: { id?: string; filter?: { match(all: object[]): object[] } }) => {
      if (id !== undefined) return kept.get(id)
      return filter ? filter.match([...kept.values()]) : [...kept.values()]
    })
  const Routers = routers.default ?? routers
  const app = express()
  app.use('/scim', new Routers({ type: 'bearer', handler: () => 'somebody' }))
  const server = app.listen(0, '127.0.0.1', () => {
    process.send?.({ port: (server.address() as AddressInfo).port }) // it listens on a port
  })
})
process.on('disconnect', () => process.exit())
