import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { openKith } from '../../src/composition.ts'
import { readConfig } from '../../src/config.ts'
import { AUDIENCE, startIssuer } from '../support/issuer.ts'
import { type Answer, ask } from '../support/kith.ts'
import { freePort } from '../support/ports.ts'

const ROUNDS = 3
const WRITERS = 5

t.test('kill -9 while contacts are created under keys: a repeat makes no second one, and none is lost', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'kith-once-'))
  chmodSync(directory, 0o755) // as root, the database's user must reach it
  const issuer = await startIssuer(t)
  const port = await freePort()
  const environment = {
    DATA_DIR: join(directory, 'data'),
    HOST: '127.0.0.1',
    PORT: String(port),
    LOG_LEVEL: 'silent',
    API_RATE_LIMIT: '0',
    ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: AUDIENCE }]),
  }
  const kith = await openKith(readConfig(environment))
  const { id } = await kith.organizations.create({ name: 'One', domains: ['one.example'] })
  const user = await kith.users.create(id, { name: 'Ann', email: 'ann@one.example' })
  await kith.identities.link(user, { issuer: issuer.url, sub: 'ann' })
  await kith.close()

  let server: ChildProcess | undefined
  const serve = async () => {
    server = spawn(process.execPath, [fileURLToPath(new URL('../../src/cli.ts', import.meta.url)), 'serve'], {
      env: { PATH: process.env.PATH, ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    if (!server.stdout) throw new TypeError('its output is piped')
    await once(server.stdout, 'data') // it tells when it listens
    return server
  }
  t.teardown(async () => {
    if (server && server.exitCode === null && server.signalCode === null) {
      server.kill('SIGTERM')
      await once(server, 'exit')
    }
    rmSync(directory, { recursive: true, force: true })
  })
  const token = await issuer.token({ sub: 'ann', client_id: 'an-app', scope: 'kith' })
  const authorization = `Bearer ${token}`
  const create = (name: string): Promise<Answer> =>
    ask(`http://127.0.0.1:${port}`, 'POST', '/api/v1/contacts', {
      headers: { authorization, 'content-type': 'application/json', 'idempotency-key': name },
      body: JSON.stringify({ data: { full_name: name } }),
    })

  const told = new Map<string, string>() // what was answered before the server was killed
  const unanswered: string[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const running = await serve()
    const writing = Array.from({ length: WRITERS }, async (_, writer) => {
      for (let at = 0; ; at += 1) {
        const name = `Made ${round}-${writer}-${at}`.replaceAll(' ', '_')
        const answer = await create(name).catch(() => undefined)
        if (!answer) return unanswered.push(name)
        t.equal(answer.status, 201, name)
        told.set(name, answer.text)
      }
    })
    await sleep(700)
    const exited = once(running, 'exit')
    running.kill('SIGKILL')
    await Promise.all([exited, ...writing])
  }

  await serve()
  const counts = { replayed: 0, made: 0 }
  for (const name of unanswered) {
    const { status, headers } = await create(name)
    t.equal(status, 201, `${name}, whose answer was lost`)
    counts[headers['idempotency-replayed'] === 'true' ? 'replayed' : 'made'] += 1
  }
  t.comment(`${told.size} answered; of ${unanswered.length} lost answers ${counts.replayed} were kept`)
  t.equal(unanswered.length, ROUNDS * WRITERS)
  for (const [name, text] of [...told].slice(-50)) t.equal((await create(name)).text, text, `${name}, answered before`)
  const seen: string[] = []
  for (let cursor = ''; ; ) {
    const path = `/api/v1/contacts?limit=200${cursor}`
    const { text } = await ask(`http://127.0.0.1:${port}`, 'GET', path, { headers: { authorization } })
    const { items, next } = JSON.parse(text) as { items: { data: { full_name: string } }[]; next: string | null } // as documented
    seen.push(...items.map(({ data }) => data.full_name).filter((name) => name.startsWith('Made_')))
    if (next === null) break
    cursor = `&cursor=${next}`
  }
  t.strictSame(seen.sort(), [...told.keys(), ...unanswered].sort(), 'each once')
})
