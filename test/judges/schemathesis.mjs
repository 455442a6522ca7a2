// schemathesis (PyPI's): requests made up from the served OpenAPI document, as an application of David's: each by itself, and
// in chains that follow its links.
import { createServer } from 'node:http'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { judge, run, serveDemo } from './support.mjs'

const PACKAGES = ['schemathesis==4.32.5', 'openapi-spec-validator==0.7.2']
const DAVID = 'david.bowman@spaceodyssey.com'
const SEED = '1968'
const AUDIENCE = 'https://kith.example/api'

/** An issuer of access tokens on loopback. */
async function startIssuer(it) {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'k', use: 'sig', alg: 'RS256' }]
  const server = createServer((request, response) => {
    const body = request.url === '/keys' ? { keys } : { issuer: url, jwks_uri: `${url}/keys` }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  it.atEnd(() => new Promise((resolve) => server.close(resolve).closeAllConnections()))
  const url = `http://127.0.0.1:${server.address().port}`
  const token = (sub) =>
    new SignJWT({ client_id: 'an-app', scope: 'kith', auth_time: Math.floor(Date.now() / 1_000) })
      .setProtectedHeader({ alg: 'RS256', kid: 'k', typ: 'at+jwt' })
      .setIssuer(url)
      .setAudience(AUDIENCE)
      .setSubject(sub)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(privateKey)
  return { url, token }
}

/** The tools are installed for this run alone. */
async function install(it) {
  const folder = join(it.directory, 'tools')
  await run('python3', ['-m', 'venv', folder])
  const python = join(folder, 'bin/python')
  await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES], { seconds: 240 })
  return folder
}

await judge('schemathesis', async (it) => {
  const issuer = await startIssuer(it)
  const environment = {
    ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: AUDIENCE }]),
    API_RATE_LIMIT: '0',
  }
  const server = await serveDemo(it, { environment })
  const tools = await install(it)
  await server.kith('user', 'update', DAVID, '--staff')
  await server.kith('user', 'link', DAVID, '--issuer', issuer.url, '--sub', 'david')
  const document = join(it.directory, 'openapi.json')
  const { stdout } = await run('curl', ['-sf', `${server.url}/api/v1/openapi.json`, '-o', document])
  it.equal(stdout, '', 'the document is served')
  const valid = await run(join(tools, 'bin/openapi-spec-validator'), [document], { anyStatus: true })
  it.ok(valid.code === 0, 'it is valid OpenAPI 3.1', `${valid.stdout}${valid.stderr}`)

  const report = join(it.directory, 'report.json')
  const args = [
    'run',
    document,
    '--url',
    `${server.url}`,
    '--header',
    `Authorization: Bearer ${await issuer.token('david')}`,
  ]
  const options = [
    '--checks',
    'all',
    '--seed',
    SEED,
    '--max-examples',
    '20',
    '--max-time',
    '180',
    '--generation-database',
    'none',
    '--request-timeout',
    '20',
    '--continue-on-failure',
    '--no-shrink',
    '--report-json-path',
    report,
  ]
  const found = await run(join(tools, 'bin/st'), [...args, ...options], { seconds: 300, anyStatus: true })
  console.log(found.stdout, found.stderr)
})
