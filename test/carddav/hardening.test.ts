import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { Failures } from '../../src/auth/failures.ts'
import { changesNothing, condition, hrefIn, julie, refused, vcard, withLines } from '../support/dav.ts'
import { type Answer, ask, Device, rows, startKith } from '../support/kith.ts'

const running = await startKith(t)
const { kith, url, organization, device, cardOf } = running
const organizationId = await organization('Space Odyssey', 'spaceodyssey.com', ['David', 'Ryan', 'Zoe'])
const david = await device('david@spaceodyssey.com')
const ryans = await cardOf('ryan@spaceodyssey.com')
const DECLARED = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"'

/** What an answer took of this process (client and server), in milliseconds of CPU: a busy machine does not count. */
async function timed(work: () => Promise<Answer>): Promise<{ answer: Answer; took: number }> {
  const started = process.cpuUsage()
  const answer = await work()
  const { user, system } = process.cpuUsage(started)
  return { answer, took: (user + system) / 1_000 }
}

const propfind = (body: string | Uint8Array) =>
  david.ask('PROPFIND', david.people, { headers: { depth: '0', 'content-type': 'application/xml' }, body })
const wrapped = (inner: string) => `<D:propfind ${DECLARED}><D:prop>${inner}</D:prop></D:propfind>`

t.test('XML that is none, or that is an attack, is refused by 400, soon', async (t) => {
  const nested = (open: string, close: string, times: number) => open.repeat(times) + close.repeat(times)
  const bad: Record<string, string | Uint8Array> = {
    'a document type': `<!DOCTYPE x>${wrapped('')}`,
    'an external entity': `<!DOCTYPE x [<!ENTITY e SYSTEM "http://127.0.0.1:1/">]>${wrapped('&e;')}`,
    'a parameter entity in lower case': `<!doctype x [<!entity % e "x">]>${wrapped('')}`,
    'a billion laughs': `<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>${wrapped('&b;')}`,
    'an undeclared entity': wrapped('<D:displayname>&nbsp;</D:displayname>'),
    '400,000 character references': wrapped(`<D:displayname>${'&#65;'.repeat(400_000)}</D:displayname>`),
    '150,000 levels': wrapped(nested('<a>', '</a>', 150_000)),
    '150,000 levels, each as if it closed itself': wrapped(nested('<a b="/>">', '</a>', 150_000)),
    '150,000 levels after as many ends': `${'</a>'.repeat(150_000)}${wrapped(nested('<a>', '</a>', 150_000))}`,
    '65 levels': nested('<a>', '</a>', 65),
    '1,000,000 elements': wrapped('<a/>'.repeat(1_000_000)),
    '2,000,000 times <': `${'<'.repeat(2_000_000)}/>`,
    'a comment without an end': `<!--${'<a>'.repeat(500_000)}`,
    'many comments without an end': '<!--<!-'.repeat(300_000),
    'quotes without an end': `<a ${'b="'.repeat(300_000)}`,
    '5,000 attributes': `<D:propfind ${DECLARED} ${Array.from({ length: 5_000 }, (_, at) => `a${at}="1"`).join(' ')}/>`,
    '3,000 prefixes': `<D:propfind ${DECLARED} ${Array.from({ length: 3_000 }, (_, at) => `xmlns:a${at}="u${at}"`).join(' ')}/>`,
    '10,000 properties': wrapped(Array.from({ length: 10_000 }, (_, at) => `<a${at}/>`).join('')),
    'UTF-16': Buffer.from(`\ufeff${wrapped('<D:getetag/>')}`, 'utf16le'),
    'bad UTF-8': Buffer.from([...Buffer.from(wrapped('')), 0xc3, 0x28]),
    'a NUL': wrapped('\0'),
    'a NUL by reference': wrapped('<D:displayname>&#0;</D:displayname>'),
    'an undeclared prefix': '<D:propfind/>',
    'no local name': wrapped('<e: xmlns:e="urn:x"/>'),
    'two colons': wrapped('<e:a:b xmlns:e="urn:x"/>'),
    'a name that starts with a digit': wrapped('<e:1 xmlns:e="urn:x"/>'),
    'two roots': `${wrapped('')}${wrapped('')}`,
    'no element': '   ',
    text: 'hello',
    'another root': `<D:propertyupdate ${DECLARED}/>`,
    'an end too many': `${wrapped('')}</D:propfind>`,
    'crossed ends': '<D:propfind xmlns:D="DAV:"><D:prop></D:propfind></D:prop>',
  }
  await changesNothing(t, running, organizationId, async () => {
    for (const [what, body] of Object.entries(bad)) {
      const { answer, took } = await timed(() => propfind(body))
      refused(t, answer, 400, undefined, what)
      t.ok(took < 3_000, `${what}: ${Math.round(took)} ms`)
    }
  })
  const fine: Record<string, string | Uint8Array> = {
    'a byte order mark': `\ufeff${wrapped('<D:getetag/>')}`,
    'a declaration': `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n${wrapped('<D:getetag/>')}`,
    'comments and instructions': `<!-- <a> --><?x <b> ?>${wrapped('<!-- > --><D:getetag/>')}`,
    'other quotes, prefixes and blanks':
      `<x:propfind  xmlns:x = 'DAV:' ><x:prop ><x:getetag / ></x:prop></x:propfind >`.replace('/ >', '/>'),
    'a > in an attribute': `<propfind xmlns="DAV:" a="/>"><prop><getetag/></prop></propfind>`,
    '60 levels of what nobody asked': wrapped(`<D:getetag/>${nested('<a>', '</a>', 60)}`),
  }
  for (const [what, body] of Object.entries(fine)) {
    const answer = await propfind(body)
    t.equal(answer.status, 207, what)
    t.match(answer.text, '<D:getetag')
  }
})

t.test('A property’s name comes back as it was asked, and never breaks the answer', async (t) => {
  const namespace = 'urn:&quot;&gt;&lt;&amp;x'
  const answer = await propfind(wrapped(`<e:odd-näme xmlns:e="${namespace}"/>`))
  t.equal(answer.status, 207)
  t.match(answer.text, /<X:odd-näme xmlns:X="urn:&#34;&#62;&#60;&#38;x"\/>/)
})

t.test('A multiget of 100,000 hrefs is answered, each once', async (t) => {
  const hrefs = Array.from({ length: 100_000 }, (_, at) => `<D:href>${david.people}${at % 50_000}</D:href>`).join('')
  const { answer, took } = await timed(() => david.report(david.people, 'C:addressbook-multiget', `<D:prop/>${hrefs}`))
  t.equal(answer.status, 207)
  t.equal(answer.text.split('<D:response>').length - 1, 50_000)
  t.comment(`${Math.round(took)} ms`)
})

t.test('RFC 6352 §8.6.1: 1,000 filters, an unknown collation and an unknown report are refused by name', async (t) => {
  const query = (filter: string) =>
    david.report(david.people, 'C:addressbook-query', `<D:prop/><C:filter>${filter}</C:filter>`)
  const one = '<C:prop-filter name="FN"><C:text-match>x</C:text-match></C:prop-filter>'
  const nested = `<C:prop-filter name="TEL">${'<C:param-filter name="TYPE"/>'.repeat(1_000)}</C:prop-filter>`
  await changesNothing(t, running, organizationId, async () => {
    for (const filter of [one.repeat(1_000), nested]) refused(t, await query(filter), 403, 'C:supported-filter')
    const odd = one.replace('<C:text-match>', '<C:text-match collation="i;klingon">')
    refused(t, await query(odd), 403, 'C:supported-collation')
    for (const report of ['D:version-tree', 'C:addressbook-multi', 'x']) {
      refused(t, await david.report(david.people, report, '<D:prop/>'), 403, 'D:supported-report', report)
    }
  })
})

t.test('Every address, however spelled, is closed to strangers', async (t) => {
  const { id } = await kith.users.get('david@spaceodyssey.com')
  const routes = [
    '/dav',
    '/dav/',
    '/dav/principals/',
    `/dav/principals/${id}/`,
    david.home,
    david.people,
    david.people + ryans,
  ]
  const spellings: Record<string, (route: string) => string> = {
    plain: (route) => route,
    '%2F': (route) => `/${route.slice(1).replaceAll('/', '%2F')}`,
    '//': (route) => route.replaceAll('/', '//'),
    '/./': (route) => `/.${route}`,
    ';x': (route) => route.replace('/dav', '/dav;x'),
    'a parameter at the end': (route) => `${route};x=1`,
    '%2e%2e': (route) => `/dav/x/%2e%2e${route.slice(4)}`,
    '..': (route) => `/x/..${route}`,
    'other case': (route) => route.toUpperCase(),
    'an encoded letter': (route) => route.replace('/d', '/%64'),
    'absolute form': (route) => `${url}${route}`,
    'absolute form of elsewhere': (route) => `http://evil.example${route}`,
    query: (route) => `${route}?x=/`,
    backslash: (route) => route.replaceAll('/', '\\').replace('\\', '/'),
  }
  for (const route of routes) {
    for (const [what, spell] of Object.entries(spellings)) {
      for (const method of ['GET', 'PROPFIND', 'PUT', 'REPORT', 'SEARCH']) {
        const answer = await ask(url, method, spell(route), method === 'PUT' ? { body: julie } : {})
        const escaped = what === '..' // a path that leaves /x/: no address of ours
        t.ok(
          answer.status === 401 || (escaped && answer.status === 404),
          `${method} ${what} of ${route} → ${answer.status}`,
        )
      }
    }
  }
  const absolute = await david.ask('GET', `${url}${david.people}${ryans}`)
  t.equal(absolute.status, 200, 'RFC 9112 §3.2.2: the absolute form is accepted')
  const elsewhere = await david.ask('PROPFIND', `http://evil.example${david.people}`, { headers: { depth: '1' } })
  t.notMatch(elsewhere.text, 'evil')
  for (const raw of ['a%2Fb', 'a%00', 'a%0d%0ab', '%01'])
    t.equal((await david.ask('GET', david.people + raw)).status, 404, raw)
})

t.test('A stranger’s body is not read', async (t) => {
  const { hostname, port } = new URL(url)
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(
        `PUT ${david.people}x.vcf HTTP/1.1\r\nHost: x\r\nContent-Type: text/vcard\r\nContent-Length: 15000000\r\n\r\nBEGIN`,
      )
    })
    socket.once('data', (data) => {
      resolve(data.toString())
      socket.destroy()
    })
    socket.once('error', reject)
    setTimeout(() => reject(new Error('no answer before the body')), 3_000).unref()
  })
  t.match(answer, /^HTTP\/1\.1 401 /)
})

t.test('User names and passwords are taken literally', async (t) => {
  const password = Buffer.from(david.authorization.slice(6), 'base64').toString().split(':')[1] ?? ''
  const login = (value: string) => ask(url, 'PROPFIND', david.people, { headers: { depth: '0', authorization: value } })
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
  const wrong = [
    '.*',
    '%',
    '',
    '@@',
    '*',
    "' or 1=1 --",
    'david@spaceodyssey.co_',
    'ryan@spaceodyssey.com',
    'x'.repeat(900),
    '\ufffd',
  ]
  for (const name of wrong) t.equal((await login(basic(`${name}:${password}`))).status, 401, name)
  for (const value of [
    'Basic',
    'Basic !!!',
    'Basic YQ==',
    'Bearer x',
    'Basic  ',
    'Digest username="david"',
    basic('\0:x'),
  ]) {
    t.equal((await login(value)).status, 401, value)
  }
  t.equal((await login(basic(`DAVID@SpaceOdyssey.com:${password.replaceAll('-', ' ').toUpperCase()}`))).status, 207)
  t.equal((await login(basic(`david@spaceodyssey.com:${password}x`))).status, 401)
})

t.test('Guessing: too many failures get 429, the right password is let in all the same', async (t) => {
  const wrong = new Device(url, 'x', 'zoe@spaceodyssey.com', 'wrong')
  const statuses: number[] = []
  for (let at = 0; at < 45; at += 1) statuses.push((await wrong.ask('GET', '/dav/')).status)
  t.strictSame([statuses.includes(401), statuses.at(-1)], [true, 429])
  const last = await wrong.ask('GET', '/dav/')
  t.match(last.headers['retry-after'], /^\d+$/)
  t.equal((await david.get(ryans)).status, 200)
  t.equal((await ask(url, 'GET', '/dav/')).status, 401, 'no password is no guess')
  t.equal((await (await device('zoe@spaceodyssey.com')).get(ryans)).status, 200, 'hers too')
})

t.test('Guessing counts one subscriber of IPv6, a /64, as one address', async (t) => {
  const refusedAfter = (addresses: readonly string[]) => {
    const failures = new Failures()
    return addresses.findIndex((address, at) => failures.note(`name${at}`, address))
  }
  const many = (address: (at: number) => string) => Array.from({ length: 60 }, (_, at) => address(at))
  for (const same of [
    many((at) => `2001:db8::${at + 1}`),
    many((at) => `2001:db8:0:0:${at + 1}::7`),
    many((at) => `fe80::${at + 1}:2:3:4`),
  ]) {
    t.ok(refusedAfter(same) > 0, String(same[0]))
  }
  t.equal(refusedAfter(many((at) => `2001:db8:${at + 1}::1`)), -1)
  t.equal(refusedAfter(many((at) => `::ffff:10.0.0.${at + 1}`)), -1)
})

t.test('Bodies: encoded ones are refused, broken ones change nothing', async (t) => {
  await changesNothing(t, running, organizationId, async () => {
    for (const encoding of ['gzip', 'deflate', 'br', 'x']) {
      const put = await david.put('z.vcf', gzipSync(julie), { 'content-encoding': encoding })
      refused(t, put, 415, undefined, encoding)
    }
    const bomb = gzipSync(Buffer.alloc(20_000_000))
    t.equal((await david.put('z.vcf', bomb, { 'content-encoding': 'gzip' })).status, 415)
    t.equal((await david.put('z.vcf', 'x'.repeat(17 * 1024 * 1024))).status, 413)
    const { hostname, port } = new URL(url)
    const head = `PUT ${david.people}broken.vcf HTTP/1.1\r\nHost: x\r\nAuthorization: ${david.authorization}\r\nContent-Type: text/vcard\r\n`
    for (const rest of [
      `Content-Length: ${julie.length + 1}\r\n\r\n${julie}`,
      `Transfer-Encoding: chunked\r\n\r\n${julie.length.toString(16)}\r\n${julie}\r\n`,
      `Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
      `Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `Content-Length: x\r\n\r\n`,
    ]) {
      await new Promise<void>((resolve) => {
        const socket = connect(Number(port), hostname, () => socket.write(head + rest))
        socket.on('data', () => socket.destroy())
        socket.on('error', () => undefined)
        socket.on('close', () => resolve())
        setTimeout(() => socket.destroy(), 150)
      })
    }
  })
  t.equal((await david.get('broken.vcf')).status, 404)
})

t.test('Odd media types are refused, and never by a fault of ours', async (t) => {
  await changesNothing(t, running, organizationId, async () => {
    for (const type of [
      'x',
      ';',
      'text',
      'text/plain;;',
      '*/*',
      'multipart/form-data; boundary=x',
      'application/x-www-form-urlencoded',
      '"',
    ]) {
      const { status } = await david.put('m.vcf', julie, { 'content-type': type })
      t.ok([403, 415].includes(status), `${type} → ${status}`)
    }
  })
  for (const type of ['TEXT/VCARD; charset="utf-8"', 'text/x-vcard', 'text/directory;profile=vCard', 'text/vcard;']) {
    t.equal((await david.put('m.vcf', julie, { 'content-type': type })).status, 201, type)
    await david.delete('m.vcf')
  }
})

t.test('A refusal tells nothing of the server’s insides', async (t) => {
  const answers = [
    await david.get('none.vcf'),
    await david.put('x.vcf', 'x'),
    await david.ask('GET', '/dav/nothing'),
    await david.ask('GET', '/nothing'),
    await ask(url, 'GET', '/nothing'),
    await david.ask('GET', '/dav/%zz'),
    await david.sync('x').then(({ answer }) => answer),
    await propfind('<'),
  ]
  for (const answer of answers) {
    t.ok(answer.status >= 400 && answer.status < 500)
    refused(t, answer, answer.status)
    t.ok(answer.body.length < 2_000)
  }
})

t.test('Twenty PUTs of one UID at once: one wins, the others hear where it is', async (t) => {
  const card = vcard(['UID:race', 'FN:Race'])
  const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => david.put(`race${at}.vcf`, card)))
  const won = answers.flatMap(({ status }, at) => (status === 201 ? [at] : []))
  t.equal(won.length, 1)
  for (const answer of answers.filter(({ status }) => status !== 201)) {
    refused(t, answer, 403, 'C:no-uid-conflict')
    t.equal(hrefIn(answer), `${david.people}race${won[0]}.vcf`)
  }
  t.equal([...(await david.list()).keys()].filter((href) => href.includes('/race')).length, 1)
})

t.test('Two PUTs with one ETag: one 204, one 412; If-None-Match: * at once: one 201', async (t) => {
  for (let round = 0; round < 5; round += 1) {
    const name = `etag${round}.vcf`
    const card = vcard([`UID:e${round}`, 'FN:E'])
    const created = await Promise.all(
      [1, 2, 3].map((at) => david.put(name, withLines(card, `NOTE:${at}`), { 'if-none-match': '*' })),
    )
    t.strictSame(created.map(({ status }) => status).sort(), [201, 412, 412])
    const { etag } = (await david.get(name)).headers
    const written = await Promise.all(
      [4, 5].map((at) => david.put(name, withLines(card, `NOTE:${at}`), { 'if-match': etag })),
    )
    t.strictSame(written.map(({ status }) => status).sort(), [204, 412])
    const winner = written.findIndex(({ status }) => status === 204)
    t.match((await david.get(name)).text, `NOTE:${4 + winner}`)

    const base = await david.get(ryans)
    const over = await Promise.all(
      [6, 7].map((at) => david.put(ryans, withLines(base.text, `NOTE:${at}`), { 'if-match': base.headers.etag })),
    )
    t.strictSame(over.map(({ status }) => status).sort(), [204, 412], 'over a colleague’s card')
    t.equal((await david.delete(ryans)).status, 204)
    const deleted = await Promise.all([1, 2].map(async () => (await david.delete(name)).status))
    t.strictSame(deleted.sort(), [204, 404])
  }
})

t.test('An edit of the base and overrides of it at once: both are seen', async (t) => {
  const user = await kith.users.get('ryan@spaceodyssey.com')
  for (let round = 0; round < 8; round += 1) {
    const { text } = await david.get(ryans)
    const [put] = await Promise.all([
      david.put(ryans, withLines(text, `X-ROUND:${round}`)),
      kith.users.update(user, { title: `Title ${round}` }),
    ])
    t.equal(put.status, 204)
    const { text: now } = await david.get(ryans)
    t.match(now, `X-ROUND:${round}`)
    t.match(now, `Title ${round}`)
  }
  await david.delete(ryans)
})

t.test('A card of any content is one card: no line is smuggled in', async (t) => {
  const odd = vcard(['UID:odd', 'FN:a\u2028b\u0085c', 'NOTE:x\\nEND:VCARD\\nBEGIN:VCARD', 'X-TAB:\t'])
  const put = await david.put('odd.vcf', odd)
  t.equal(put.status, 201)
  t.equal((await david.get('odd.vcf')).text, odd)
  for (const accept of ['text/vcard;version=4.0', 'text/vcard;version=3.0']) {
    const { text } = await david.get('odd.vcf', { accept })
    t.equal(text.match(/^BEGIN:VCARD/gm)?.length, 1)
  }
  await david.delete('odd.vcf')
  const { text } = await david.get(ryans)
  t.equal(
    (await david.put(ryans, withLines(text, 'NOTE:a\u2028END:VCARD\u2028BEGIN:VCARD', 'X-C:\u0007bell'))).status,
    204,
  )
  for (const accept of [undefined, 'text/vcard;version=4.0']) {
    t.equal(
      (await david.get(ryans, { accept })).text
        .split(/\r\n|[\r\n\u2028\u2029]/)
        .filter((line) => line === 'BEGIN:VCARD').length,
      1,
    )
  }
  await david.delete(ryans)
})

t.test('Large cards cost what their size says: members, semicolons, lines, groups', async (t) => {
  const { text } = await david.get(ryans)
  const large: Record<string, string[]> = {
    '2,500 members': Array.from({ length: 2_500 }, (_, at) => `X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:${at}`),
    '400,000 semicolons': [`ADR:${';'.repeat(400_000)}`],
    '20,000 lines': Array.from({ length: 20_000 }, (_, at) => `NOTE:${at}`),
    '10,000 groups': Array.from({ length: 10_000 }, (_, at) => `item${at}.TEL:${at}\r\nitem${at}.X-ABLabel:${at}`),
    '10,000 lines of one group': Array.from({ length: 10_000 }, (_, at) => `item1.TEL:${at}`),
    '10,000 parameters': [`TEL${Array.from({ length: 10_000 }, (_, at) => `;X-${at}=1`).join('')}:1`],
    '100,000 folds': [`NOTE:x${'\r\n y'.repeat(100_000)}`],
  }
  for (const [what, lines] of Object.entries(large)) {
    const personal = await timed(() => david.put('large.vcf', vcard(['UID:large', 'FN:L', ...lines])))
    t.ok([201, 204, 403].includes(personal.answer.status), `${what} → ${personal.answer.status}`)
    const over = await timed(() => david.put(ryans, withLines(text, ...lines)))
    t.ok([204, 403].includes(over.answer.status), `${what} over a colleague → ${over.answer.status}`)
    const read = await timed(() => david.get(ryans, { accept: 'text/vcard;version=4.0' }))
    t.equal(read.answer.status, 200)
    t.ok(Math.max(personal.took, over.took, read.took) < 15_000, what)
    t.comment(`${what}: PUT ${Math.round(personal.took)} ms, over a colleague ${Math.round(over.took)} ms`)
    await david.delete('large.vcf')
    await david.put(ryans, text)
  }
})

t.test('Hosts: what a request calls us is in no href', async (t) => {
  const answer = await david.ask('PROPFIND', david.people, {
    headers: { depth: '1', host: 'evil.example', 'x-forwarded-host': 'evil.example' },
  })
  t.equal(answer.status, 207)
  t.notMatch(answer.text, 'evil.example')
  t.ok(rows(answer.text).every(({ href }) => href.startsWith('/dav/')))
  t.equal(condition(answer), undefined)
})
