import type { LookupAddress } from 'node:dns'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { isPublic, readExceptions } from '../../src/outgoing/addresses.ts'
import { FetchFailure, type FetchOptions, GuardedFetch } from '../../src/outgoing/guarded-fetch.ts'

/** A server on loopback that counts who connects. */
async function listening(t: Test, handler: Parameters<typeof createServer>[1]) {
  const server: Server = createServer(handler as never) // of the two signatures the one with a handler
  let connections = 0
  server.on('connection', () => {
    connections += 1
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, connections: () => connections } // it listens on TCP
}

const exceptions = (text: string) => {
  const read = readExceptions(text)
  if (!read) throw new Error(`none: ${text}`)
  return read
}
const failed = async (fetch: GuardedFetch, url: string): Promise<string> => {
  try {
    const { status } = await fetch.fetch(url, { method: 'POST', headers: {}, body: '{}' })
    return `answered ${status}`
  } catch (error) {
    return error instanceof FetchFailure ? 'refused' : String(error)
  }
}
const at = (address: string): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })
const resolving = (...turns: LookupAddress[][]): FetchOptions['resolve'] & { calls: () => number } => {
  let calls = 0
  const resolve = (_: string, done: (error: null, addresses: readonly LookupAddress[]) => void) => {
    calls += 1
    done(null, turns[Math.min(calls, turns.length) - 1] ?? [])
  }
  return Object.assign(resolve, { calls: () => calls })
}

t.test('a private address is reached by no spelling of it', async (t) => {
  const { port, connections } = await listening(t, (_, response) => response.end('private'))
  const hosts = `127.0.0.1 127.1 2130706433 0x7f000001 0x7f.1 0177.0.0.1 017700000001 127.0.0.1. 127.000.000.001
    [::1] [::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:ffff:7f00:1] [::127.0.0.1] [64:ff9b::127.0.0.1] [64:ff9b:1::7f00:1]
    [2002:7f00:1::] [2001:0:7f00:1::] [fe80::1] [fc00::1] [fd00:ec2::254] [ff02::1] [::] 0.0.0.0 0
    10.0.0.1 172.16.0.1 172.31.255.255 192.168.0.1 169.254.169.254 100.64.0.1 100.100.100.200 168.63.129.16 192.0.0.192
    198.18.0.1 224.0.0.1 240.0.0.1 255.255.255.255 localhost LOCALHOST localhost. a.localhost metadata.google.internal
    １２７.0.0.1 ①②⑦.0.0.1`.split(/\s+/)
  const fetch = new GuardedFetch({ time: 2_000 })
  for (const scheme of ['https', 'http']) {
    for (const host of hosts)
      t.equal(await failed(fetch, `${scheme}://${host}:${port}/`), 'refused', `${scheme} ${host}`)
  }
  t.equal(connections(), 0)
  const open = new GuardedFetch({ exceptions: exceptions('127.0.0.0/8') })
  t.equal(await failed(open, `http://127.0.0.1:${port}/`), 'answered 200', 'but where the operator lists it')
  t.equal(await failed(open, `http://[::1]:${port}/`), 'refused')
  t.equal(connections(), 1)
})

t.test('the address is judged that is connected to, whatever the name says at another time', async (t) => {
  const { port, connections } = await listening(t, (_, response) => response.end('private'))
  const secret = [
    '127.0.0.1',
    '::1',
    '::ffff:127.0.0.1',
    '10.1.2.3',
    '169.254.169.254',
    '64:ff9b::7f00:1',
    'fe80::1%lo',
  ]
  for (const address of secret) {
    const resolve = resolving([at(address)])
    t.equal(await failed(new GuardedFetch({ resolve }), `https://rebinding.example:${port}/`), 'refused', address)
  }
  const both = resolving([at('93.184.216.34'), at('127.0.0.1')])
  t.equal(
    await failed(new GuardedFetch({ resolve: both }), `https://rebinding.example:${port}/`),
    'refused',
    'one of two',
  )
  const turning = resolving([at('93.184.216.34')], [at('127.0.0.1')])
  const fetch = new GuardedFetch({ resolve: turning, time: 300 })
  t.equal(await failed(fetch, `https://rebinding.example:${port}/`), 'refused', 'nobody answers there')
  t.equal(turning.calls(), 1, 'looked up once, for the connection itself')
  t.equal(await failed(fetch, `https://rebinding.example:${port}/`), 'refused')
  t.equal(connections(), 0)
  const listed = new GuardedFetch({
    resolve: resolving([at('127.0.0.1')]),
    exceptions: exceptions('rebinding.example'),
  })
  t.equal(
    await failed(listed, `http://rebinding.example:${port}/`),
    'answered 200',
    'but where the operator lists the host',
  )
})

t.test('no redirect is followed', async (t) => {
  const inner = await listening(t, (_, response) => response.end('private'))
  const outer = await listening(t, (_, response) => {
    response.writeHead(307, { location: `http://127.0.0.1:${inner.port}/` }).end()
  })
  const open = new GuardedFetch({ exceptions: exceptions('127.0.0.1') })
  t.equal(await failed(open, `http://127.0.0.1:${outer.port}/`), 'answered 307')
  t.equal(inner.connections(), 0)
})

t.test('an answer has its time and its size', async (t) => {
  const { port } = await listening(t, (request, response) => {
    if (request.url === '/large') response.end('x'.repeat(2_000))
    else if (request.url === '/slow') response.write('x')
    else if (request.url === '/headers') response.writeHead(200, { big: 'x'.repeat(20_000) }).end()
    else if (request.url === '/broken') request.socket.destroy()
  })
  const open = new GuardedFetch({ exceptions: exceptions('127.0.0.1'), time: 200, size: 1_000 })
  for (const path of ['/large', '/slow', '/silent', '/headers', '/broken']) {
    t.equal(await failed(open, `http://127.0.0.1:${port}${path}`), 'refused', path)
  }
})

t.test('an address says itself that it is never reached', async (t) => {
  const fetch = new GuardedFetch({ exceptions: exceptions('listed.example, 10.0.0.0/24') })
  const wrong = `ftp://example.org x javascript:alert(1) https:// https://a:b@example.org https://a@example.org
    https://example.org/#x http://example.org https://example.org:22 https://example.org:25 https://example.org:6000
    https://10.0.1.1 file:///etc/passwd`.split(/\s+/)
  for (const url of wrong) t.ok(fetch.problemOf(url), url)
  const right = `https://example.org https://example.org:8443/hook?x=1 https://8.8.8.8 https://[2606:4700::1111]
    http://listed.example:25 https://LISTED.example http://10.0.0.7`.split(/\s+/)
  for (const url of right) t.equal(fetch.problemOf(url), undefined, url)
  for (const address of ['8.8.8.8', '172.32.0.1', '2606:4700:4700::1111']) t.ok(isPublic(address), address)
  for (const text of ['x y', '10.0.0.0/33', '::/129', '300.1.1.1', '', 'a,,b', 'http://x']) {
    t.equal(readExceptions(text), undefined, `OUTGOING_ALLOW "${text}"`)
  }
})
