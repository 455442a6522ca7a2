import { connect, createServer } from 'node:net'
import t, { type Test } from 'tap'
import { changesNothing, refused, vcard, withLines } from '../support/dav.ts'
import { ask, rows, startKith } from '../support/kith.ts'

const running = await startKith(t)
const { url, organization, device, cardOf } = running
const organizationId = await organization('Space Odyssey', 'spaceodyssey.com', ['David', 'Ryan'])
const david = await device('david@spaceodyssey.com')
const ryans = await cardOf('ryan@spaceodyssey.com')
const card = (uid: string): string => vcard([`UID:${uid}`, `FN:${uid}`])
await david.put('here.vcf', card('here'))

const escapeText = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
const untouched = (t: Test, work: () => Promise<unknown>) => changesNothing(t, running, organizationId, work)

/** The status lines of what the server says to those bytes, until it closes or says nothing for a while. */
function raw(bytes: string | Uint8Array, wait = 1_500): Promise<number[]> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    socket.on('data', (data) => {
      answer += data.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve([...answer.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, code]) => Number(code))))
    setTimeout(() => socket.destroy(), wait).unref()
  })
}
const HEAD = `Host: x\r\nAuthorization: ${david.authorization}\r\nConnection: close\r\n`
const PROPFIND = '<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>'
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`

t.test('A name of any characters is one resource: PUT, PROPFIND, multiget, GET, MOVE and DELETE agree', async (t) => {
  const names = [
    '100%.vcf',
    '%2e%2e',
    '%2f.vcf',
    'a+b.vcf',
    'a b.vcf',
    ' a ',
    "it's.vcf",
    '"q".vcf',
    '<&>.vcf',
    'a?b.vcf',
    'a#b.vcf',
    'a;v=1.vcf',
    'a:b@c.vcf',
    'a\\b.vcf',
    '😀.vcf',
    'e\u0301.vcf',
    '\u00e9.vcf',
    '\u202efcv.vcf',
    '\u0085',
    'A.vcf',
    'a.vcf',
    'a.',
    'a..',
    '...',
    '..a',
    '~',
    '__proto__',
    `${'x'.repeat(251)}.vcf`,
    'é'.repeat(127),
  ]
  for (const [at, name] of names.entries()) {
    const path = david.people + encodeURIComponent(name)
    t.equal((await david.put(name, card(`n${at}`), { 'if-none-match': '*' })).status, 201, `PUT ${name}`)
    const href = rows((await david.propfind(path, '0', '<D:prop><D:getetag/></D:prop>')).text)[0]?.href ?? ''
    t.ok((await david.list()).has(href), `${name} is listed under the same href`)
    const asked = `<D:prop><D:getetag/></D:prop><D:href>${escapeText(href)}</D:href>`
    const told = rows((await david.report(david.people, 'C:addressbook-multiget', asked)).text)
    t.strictSame(
      told.map((row) => [row.href, row.status]),
      [[href, 200]],
      `multiget of ${name}`,
    )
    t.match((await david.ask('GET', href)).text, `UID:n${at}\r\n`, `GET ${name}`)
    const moved = await david.ask('MOVE', href, { headers: { destination: `${david.people}moved.vcf` } })
    t.equal(moved.status, 201, `MOVE ${name}`)
    t.equal((await david.ask('GET', href)).status, 404, `${name} is gone`)
    const back = await david.ask('MOVE', `${david.people}moved.vcf`, { headers: { destination: href } })
    t.strictSame([back.status, back.headers.location], [201, href], `MOVE to ${name}`)
    t.equal((await david.ask('DELETE', href)).status, 204, `DELETE ${name}`)
  }
})

t.test('A name that is none is 404 for every method, one of more than 255 bytes cannot be made', async (t) => {
  await untouched(t, async () => {
    for (const name of [
      '%2e',
      '%2E%2e',
      '..',
      '.',
      'a%2fb',
      '%2f',
      'a%00',
      '%00',
      'a%0d%0aX: y',
      '%7f',
      '%1f',
      'a/b',
      'a.vcf/',
    ]) {
      for (const method of ['GET', 'PUT', 'DELETE', 'PROPFIND', 'PROPPATCH', 'LOCK', 'COPY']) {
        const headers = { depth: '0', destination: `${david.people}x.vcf` }
        const answer = await david.ask(method, david.people + name.replace(' ', '%20'), {
          headers,
          ...(method === 'PUT' ? { body: card('n') } : {}),
        })
        // A dot segment that climbs or stays names a collection, where a card's methods are refused.
        const dots = ['..', '.', '%2e', '%2E%2e'].includes(name)
        t.ok(
          answer.status === 404 || (dots && [400, 403, 405].includes(answer.status)),
          `${method} ${name} → ${answer.status}`,
        )
      }
    }
    for (const name of ['x'.repeat(256), 'é'.repeat(128), '😀'.repeat(64)]) {
      t.equal((await david.put(name, card('n'))).status, 403, `PUT of ${Buffer.byteLength(name)} bytes`)
      const moved = await david.ask('MOVE', `${david.people}here.vcf`, {
        headers: { destination: david.people + encodeURIComponent(name) },
      })
      t.equal(moved.status, 403, `MOVE to ${Buffer.byteLength(name)} bytes`)
    }
  })
})

t.test('Bodies in chunks, with trailers, byte by byte, are the same bodies', async (t) => {
  const head = `PROPFIND ${david.people}here.vcf HTTP/1.1\r\n${HEAD}Depth: 0\r\nTransfer-Encoding: chunked\r\n\r\n`
  t.strictSame(await raw(`${head}${[...PROPFIND].map(chunk).join('')}0\r\n\r\n`), [207])
  t.strictSame(await raw(`${head}${chunk(PROPFIND)}0\r\nX-Trailer: y\r\n\r\n`), [207])
  const put = `PUT ${david.people}chunked.vcf HTTP/1.1\r\n${HEAD}Content-Type: text/vcard\r\nTransfer-Encoding: chunked\r\n\r\n`
  t.strictSame(await raw(`${put}${chunk(card('chunked'))}0\r\n\r\n`), [201])
  t.equal((await david.get('chunked.vcf')).text, card('chunked'))
  t.strictSame(await raw(`DELETE ${david.people}chunked.vcf HTTP/1.1\r\n${HEAD}Content-Length: 3\r\n\r\nabc`), [204])
})

t.test('Requests that two servers could read in two ways are refused, and no second one is smuggled in', async (t) => {
  const put = `PUT ${david.people}smuggled.vcf HTTP/1.1\r\n${HEAD}Content-Type: text/vcard\r\n`
  const second = `GET /dav/ HTTP/1.1\r\nHost: x\r\n\r\n`
  await untouched(t, async () => {
    for (const rest of [
      `Content-Length: 0\r\nContent-Length: 5\r\n\r\nabcde`,
      `Content-Length: +5\r\n\r\nabcde`,
      `Content-Length: 0x5\r\n\r\nabcde`,
      `Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${second}`,
      `Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${second}`,
      `Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${second}`,
      `Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${second}`,
      `X: y\r\n folded\r\nContent-Length: x\r\n\r\n`,
      `X: a\nContent-Length: 3\r\n\r\nabc`,
    ]) {
      t.strictSame(await raw(put + rest), [400], JSON.stringify(rest.slice(0, 50)))
    }
  })
  const get = `GET ${david.people}here.vcf HTTP/1.1\r\n`
  const three = `${get}Host: x\r\nAuthorization: ${david.authorization}\r\n\r\n${get}Host: x\r\n\r\n${get}${HEAD}\r\n`
  t.strictSame(await raw(three), [200, 401, 200], 'credentials are of one request, not of the connection')
})

t.test('Giant headers and addresses are 431 or 404, and the server goes on', async (t) => {
  const get = (path: string, more = '') => raw(`GET ${path} HTTP/1.1\r\n${HEAD}${more}\r\n`)
  t.strictSame(await get(david.people, `X: ${'a'.repeat(33_000)}\r\n`), [431])
  t.strictSame(await get(david.people, Array.from({ length: 4_000 }, (_, at) => `X${at}: 1\r\n`).join('')), [431])
  t.strictSame(await get(david.people + 'a'.repeat(40_000)), [431])
  t.strictSame(await get(david.people + 'a'.repeat(20_000)), [404])
  t.strictSame(await get(david.people + '%61'.repeat(8_000)), [404])
  t.strictSame(await get(`${david.people}${'a/'.repeat(10_000)}`), [404])
  t.strictSame(await get(`${david.people}é.vcf`), [400], 'an address is ASCII')
  for (const [name, value] of Object.entries({
    cookie: 'a=b;'.repeat(6_000),
    'if-match': '"x"'.repeat(5_000),
    prefer: 'return=minimal,'.repeat(1_500),
    accept: 'text/vcard;version=4.0,'.repeat(1_000),
    'user-agent': 'Thunderbird'.repeat(2_000),
    authorization: `Basic ${'A'.repeat(20_000)}`,
  })) {
    const { status } = await david.ask('PROPFIND', `${david.people}here.vcf`, {
      headers: { depth: '0', [name]: value },
    })
    t.equal(status, { 'if-match': 412, authorization: 401 }[name] ?? 207, name)
  }
  t.equal((await david.get('here.vcf')).status, 200)
})

t.test('RFC 4918 §10.2: Depth is 0, 1 or infinity', async (t) => {
  for (const [depth, status] of [
    ['0', 207],
    ['1', 207],
    [' 1 ', 207],
    ['infinity', 403],
    ['Infinity', 403],
    [undefined, 403],
    ['', 400],
    ['2', 400],
    ['-1', 400],
    ['00', 400],
    ['0, 0', 400],
    ['1,noroot', 400],
    ['1e0', 400],
    ['x', 400],
  ] as const) {
    const answer = await david.ask('PROPFIND', david.people, { headers: { depth }, body: PROPFIND })
    refused(t, answer, status, status === 403 ? 'D:propfind-finite-depth' : undefined, `Depth: ${depth}`)
  }
  const twice = `PROPFIND ${david.people} HTTP/1.1\r\n${HEAD}Depth: 0\r\nDepth: infinity\r\n\r\n`
  t.strictSame(await raw(twice), [400], 'two of them')
})

t.test('A Host, forwarded or not, is in no redirect, Location or href', async (t) => {
  const spoofed = {
    host: 'evil.example',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'gopher',
    'x-forwarded-prefix': '/evil',
    forwarded: 'host=evil.example',
    'x-original-url': '/evil',
    'x-rewrite-url': '/evil',
  }
  for (const [method, path] of [
    ['GET', '/.well-known/carddav'],
    ['PROPFIND', '/.well-known/carddav'],
    ['PROPFIND', '/'],
    ['PROPFIND', '/principals/'],
  ] as const) {
    const answer = await ask(url, method, path, { headers: spoofed })
    t.strictSame([answer.status, answer.headers.location], [301, '/dav/'], `${method} ${path}`)
  }
  for (const path of ['/dav/', david.home, david.people, `${david.people}here.vcf`]) {
    const answer = await david.ask('PROPFIND', path, { headers: { depth: '1', ...spoofed }, body: PROPFIND })
    t.notMatch(JSON.stringify(answer.headers) + answer.text, 'evil')
    t.ok(rows(answer.text).every(({ href }) => href.startsWith('/dav/')))
  }
  const move = await david.ask('MOVE', `${david.people}here.vcf`, {
    headers: { destination: `${david.people}moved.vcf`, ...spoofed },
  })
  t.equal(move.headers.location, `${david.people}moved.vcf`)
  await david.ask('MOVE', `${david.people}moved.vcf`, { headers: { destination: `${david.people}here.vcf` } })
  const list = `<D:prop><D:getetag/></D:prop><D:href>http://evil.example${david.people}here.vcf</D:href>`
  const other = await david.report(david.people, 'C:addressbook-multiget', list)
  t.equal(rows(other.text)[0]?.status, 404, 'another host’s href is none of ours')
})

t.test('X-Forwarded-For counts only from a proxy that is configured', async (t) => {
  const guess = async (port: string, at: number) => {
    const authorization = `Basic ${Buffer.from(`nobody${at}@spaceodyssey.com:x`).toString('base64')}`
    return (await ask(port, 'GET', '/dav/', { headers: { authorization, 'x-forwarded-for': `198.51.${at}.7` } })).status
  }
  const many = async (at: string) => {
    const statuses: number[] = []
    for (let turn = 0; turn < 70; turn += 1) statuses.push(await guess(at, turn))
    return new Set(statuses)
  }
  t.strictSame(await many(url), new Set([401, 429]), 'from anybody: all are one address')
  const proxied = await startKith(t, undefined, { TRUSTED_PROXIES: '127.0.0.1' })
  t.strictSame(await many(proxied.url), new Set([401]), 'from the proxy: each is its own')
})

t.test('No socket is opened for an entity in XML or a photo’s address', async (t) => {
  let connections = 0
  const trap = createServer((socket) => {
    connections += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve))
  const at = `http://127.0.0.1:${(trap.address() as { port: number }).port}` // it listens on TCP
  await untouched(t, async () => {
    for (const doctype of [
      `<!DOCTYPE x SYSTEM "${at}/x.dtd">`,
      `<!DOCTYPE x [<!ENTITY e SYSTEM "${at}/e">]>`,
      `<!DOCTYPE x [<!ENTITY % p SYSTEM "${at}/p">%p;]>`,
      `<?xml-stylesheet href="${at}/s"?><!DOCTYPE x PUBLIC "-//X//X" "${at}/x">`,
    ]) {
      const body = `${doctype}<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>`
      refused(t, await david.ask('PROPFIND', david.people, { headers: { depth: '0' }, body }), 400, undefined, doctype)
    }
  })
  const photo = [
    `PHOTO;VALUE=URI:${at}/p.jpg`,
    `PHOTO:${at}/q.jpg`,
    `LOGO;VALUE=uri:${at}/l`,
    `SOUND;VALUE=uri:${at}/s`,
  ]
  t.equal((await david.put('photo.vcf', vcard(['UID:photo', 'FN:P', ...photo]))).status, 201)
  for (const accept of ['text/vcard;version=4.0', 'text/vcard;version=3.0', 'application/vcard+json']) {
    t.equal((await david.get('photo.vcf', { accept })).status, 200)
  }
  const { text } = await david.get(ryans)
  t.equal((await david.put(ryans, withLines(text, ...photo))).status, 204)
  await david.report(david.people, 'C:addressbook-query', '<D:prop><C:address-data/></D:prop>')
  await david.delete(ryans)
  t.equal(connections, 0)
  await new Promise((resolve) => trap.close(resolve))
})

t.test(
  'A namespace that is no URI is refused; odd names and prefixes come back as one well-formed element',
  async (t) => {
    const propfind = (inner: string) =>
      david.ask('PROPFIND', `${david.people}here.vcf`, {
        headers: { depth: '0' },
        body: `<D:propfind xmlns:D="DAV:"><D:prop>${inner}</D:prop></D:propfind>`,
      })
    for (const namespace of ['a}b', '{', 'urn:x}', 'a&#10;b', 'a b']) {
      refused(t, await propfind(`<x xmlns="${namespace}"/>`), 400, undefined, namespace)
    }
    for (const odd of [
      '<xmlns:x/>',
      '<x xmlns="http://www.w3.org/2000/xmlns/"/>',
      '<x a="&#xD800;"/>',
      '<x a="1" a="2"/>',
    ]) {
      refused(t, await propfind(odd), 400, undefined, odd)
    }
    for (const name of ['__proto__', 'constructor', 'toString', '𐀀', 'é', 'x.y-z_']) {
      const answer = await propfind(`<${name} xmlns="urn:x"/><${name}/>`)
      t.match(answer.text, `<D:prop><X:${name} xmlns:X="urn:x"/><${name}/></D:prop><D:status>HTTP/1.1 404`)
    }
  },
)
