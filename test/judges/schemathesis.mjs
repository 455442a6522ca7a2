// Schemathesis (PyPI's): requests made from the served OpenAPI document, right ones, wrong ones and in chains, as David.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { judge, run, serveDemo, until } from './support.mjs'

const PACKAGES = ['schemathesis==4.32.5', 'openapi-spec-validator==0.9.0']
const AUDIENCE = 'https://kith.example'

/** An issuer of access tokens on loopback. */
async function startIssuer(it) {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', use: 'sig', alg: 'ES256' }
  const server = createServer((request, response) => {
    const found = request.url === '/keys' ? { keys: [jwk] } : { issuer: url, jwks_uri: `${url}/keys` }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(found))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${server.address().port}`
  it.atEnd(async () => {
    server.close()
    server.closeAllConnections()
  })
  const token = (sub) =>
    new SignJWT({ client_id: 'app', scope: 'kith', jti: sub })
      .setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'at+jwt' })
      .setIssuer(url)
      .setAudience(AUDIENCE)
      .setSubject(sub)
      .setIssuedAt()
      .setExpirationTime('10m')
      .sign(privateKey)
  return { url, token }
}

async function install(it) {
  const folder = join(it.directory, 'tester')
  await run('python3', ['-m', 'venv', folder])
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES]
  await run(join(folder, 'bin/python'), pip, { seconds: 180 })
  return join(folder, 'bin')
}

await judge('schemathesis', async (it) => {
  const issuer = await startIssuer(it)
  process.env.ISSUERS = JSON.stringify([{ issuer: issuer.url, audience: AUDIENCE }])
  process.env.API_RATE_LIMIT = '0'
  const server = await serveDemo(it)
  const bin = await install(it)
  await server.kith('user', 'link', 'david.bowman@spaceodyssey.com', '--issuer', issuer.url, '--sub', 'david')
  const document = join(it.directory, 'openapi.json')
  const served = await until('the document is served', () =>
    fetch(`${server.url}/api/v1/openapi.json`).catch(() => undefined),
  )
  writeFileSync(document, await served.text())

  const valid = await run(join(bin, 'openapi-spec-validator'), [document], { anyStatus: true })
  it.ok(valid.code === 0, 'the document is one of OpenAPI 3.1', `${valid.stdout}${valid.stderr}`)

  const token = await issuer.token('david')
  const me = await fetch(`${server.url}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } })
  it.equal(me.status, 200, 'David is let in')

  const always = ['--header', `Authorization: Bearer ${token}`, '--url', server.url, '--generation-deterministic']
  always.push('--workers', '1', '--continue-on-failure', '--no-color', '--no-shrink', '--request-timeout', '10')
  // What a schema allows may yet be refused for what is there: a cursor, a version, a name that is taken.
  always.push('--suppress-health-check', 'all', '--exclude-checks', 'positive_data_acceptance')
  const env = { ...process.env, PYTHONPATH: import.meta.dirname, SCHEMATHESIS_HOOKS: 'schemathesis_hooks' }
  const test = async (phases, examples) => {
    const asked = ['run', document, ...always, '--phases', phases, '--max-examples', String(examples)]
    const { stdout, stderr, code } = await run(join(bin, 'schemathesis'), asked, {
      env,
      cwd: it.directory, // it keeps what it found where it runs
      seconds: 120,
      anyStatus: true,
    })
    it.ok(code === 0, `${phases}: no answer is other than documented`, `${stdout}${stderr}`)
    const [, generated = '0'] = /Test cases:\s+(\d+) generated/.exec(stdout) ?? []
    console.log(`# ${phases}: ${generated} requests; ${/API Links: .*/.exec(stdout)?.[0] ?? ''}`)
    return { generated: Number(generated), stdout }
  }
  const { generated, stdout } = await test('coverage,fuzzing', 25)
  it.ok(generated > 3_000, 'thousands of requests were made', String(generated))
  it.notMatch(stdout, /401 Unauthorized/, 'as somebody who was let in')
  const chains = await test('stateful', 250)
  const [, followed = '0'] = /API Links:\s+(\d+) covered/.exec(chains.stdout) ?? []
  it.ok(Number(followed) >= 20, 'what was made was asked for, changed and removed', followed)
})
