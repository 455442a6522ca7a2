// Schemathesis (PyPI's): requests made from the served OpenAPI document, right ones, wrong ones and in chains, as David.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { judge, run, serveDemo } from './support.mjs'

const PACKAGES = ['schemathesis==4.32.5', 'openapi-spec-validator==0.9.0']
const AUDIENCE = 'https://kith.example'
const SEED = '20261124'

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
  const served = await fetch(`${server.url}/api/v1/openapi.json`)
  writeFileSync(document, await served.text())

  const valid = await run(join(bin, 'openapi-spec-validator'), [document], { anyStatus: true })
  it.ok(valid.code === 0, 'the document is one of OpenAPI 3.1', `${valid.stdout}${valid.stderr}`)

  const token = await issuer.token('david')
  const me = await fetch(`${server.url}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } })
  it.equal(me.status, 200, 'David is let in')

  const options = ['--header', `Authorization: Bearer ${token}`, '--seed', SEED]
  options.push(
    '--max-examples',
    '12',
    '--workers',
    '1',
    '--continue-on-failure',
    '--no-color',
    '--request-timeout',
    '10',
  )
  options.push('--suppress-health-check', 'all', '--generation-deterministic', '--no-shrink')
  // What a schema allows may yet be refused for what is there: a cursor, a version, a name that is taken.
  options.push('--exclude-checks', 'positive_data_acceptance')
  const asked = ['run', document, '--url', server.url, ...options]
  const env = { ...process.env, PYTHONPATH: import.meta.dirname, SCHEMATHESIS_HOOKS: 'schemathesis_hooks' }
  const { stdout, stderr, code } = await run(join(bin, 'schemathesis'), asked, {
    env,
    cwd: it.directory, // it keeps what it found where it runs
    seconds: 220,
    anyStatus: true,
  })
  console.log(stdout, stderr)
  it.ok(code === 0, 'no answer is other than documented')
  it.match(stdout, /Test cases:\s+\d{4,} generated/, 'thousands of requests were made')
  it.notMatch(stdout, /401 Unauthorized/, 'as somebody who was let in')
})
