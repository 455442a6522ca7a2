import { connect } from 'node:net'
import t from 'tap'
import { changesNothing, propstats, refused, vcard } from '../support/dav.ts'
import { rows, startKith } from '../support/kith.ts'

const running = await startKith(t)
const { url, organization, device, cardOf } = running
const organizationId = await organization('Space Odyssey', 'spaceodyssey.com', ['David', 'Ryan'])
const david = await device('david@spaceodyssey.com')
const ryan = await device('ryan@spaceodyssey.com')
const ryans = david.people + (await cardOf('ryan@spaceodyssey.com'))
await david.put('here.vcf', vcard(['UID:here', 'FN:Here']))

const proppatch = (path: string, inner: string) =>
  david.ask('PROPPATCH', path, {
    body: `<D:propertyupdate xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:CS="http://calendarserver.org/ns/"><D:set><D:prop>${inner}</D:prop></D:set></D:propertyupdate>`,
  })

t.test('me-card: what was set is read, also by a PROPFIND that asks for nothing else', async (t) => {
  const set = await proppatch(david.home, `<CS:me-card><D:href>${ryans}</D:href></CS:me-card>`)
  t.equal(rows(set.text)[0]?.status, 200)
  const read = await david.propfind(david.home, '0', '<D:prop><CS:me-card/></D:prop>')
  t.match(read.text, `>${ryans}</`)
})

t.test('a namespace called like a member of Object.prototype comes back well-formed', async (t) => {
  for (const namespace of ['toString', 'constructor', '__proto__', 'hasOwnProperty']) {
    const answer = await david.propfind(david.people, '0', `<D:prop><x xmlns="${namespace}"/></D:prop>`)
    t.match(answer.text, `<X:x xmlns:X="${namespace}"/>`, 'PROPFIND')
    const set = await proppatch(david.people, `<x xmlns="${namespace}">1</x>`)
    t.match(set.text, `<X:x xmlns:X="${namespace}"/>`, 'PROPPATCH')
  }
})

t.test('RFC 4918 §15: a live property is protected where a resource lacks it, too: nobody makes one up', async (t) => {
  const fake: [string, string][] = [
    [david.people, 'D:getetag'],
    [david.people, 'D:getcontentlength'],
    [david.people, 'C:address-data'],
    [`${david.people}here.vcf`, 'D:sync-token'],
    [`${david.people}here.vcf`, 'CS:getctag'],
    [`${david.people}here.vcf`, 'C:max-resource-size'],
    [david.home, 'C:addressbook-home-set'],
  ]
  await changesNothing(t, running, organizationId, async () => {
    for (const [path, name] of fake) {
      const [row] = rows((await proppatch(path, `<x xmlns="urn:x"/><${name}>made up</${name}>`)).text)
      t.strictSame(
        row && propstats(row).map(({ status, condition }) => [status, condition]),
        [
          [403, 'D:cannot-modify-protected-property'],
          [424, undefined],
        ],
        `${name} of ${path}`,
      )
      const read = await david.propfind(path, '0', `<D:prop><${name}/></D:prop>`)
      t.notMatch(read.text, 'made up')
    }
  })
})

t.test('every method is 404 on another’s addresses, not only those that such a resource has', async (t) => {
  for (const path of [ryan.home, ryan.people, `${ryan.people}none.vcf`]) {
    for (const method of 'GET HEAD PUT POST DELETE PROPFIND PROPPATCH REPORT MKCOL COPY MOVE LOCK UNLOCK ACL'.split(
      ' ',
    )) {
      const answer = await david.ask(method, path, { headers: { depth: '0', destination: `${david.people}x.vcf` } })
      refused(t, answer, 404, undefined, `${method} ${path}`)
    }
  }
})

t.test('RFC 9112 §3.2: a request with two Hosts, or with one that is none, is 400', async (t) => {
  const { hostname, port } = new URL(url)
  for (const hosts of ['Host: x\r\nHost: y', 'Host: a b', 'Host: x/y', 'Host: ']) {
    const answer = await new Promise<string>((resolve) => {
      const head = `GET ${ryans} HTTP/1.1\r\n${hosts}\r\nAuthorization: ${david.authorization}\r\nConnection: close\r\n\r\n`
      const socket = connect(Number(port), hostname, () => socket.write(head))
      socket.once('data', (data) => resolve(data.toString()))
      socket.once('close', () => resolve(''))
    })
    t.match(answer, /^HTTP\/1\.1 400 /, JSON.stringify(hosts))
  }
})

t.test('slow headers, a slow body and silence are closed within 30 seconds', async (t) => {
  const { hostname, port } = new URL(url)
  const put = `PUT ${david.people}slow.vcf HTTP/1.1\r\nHost: x\r\nAuthorization: ${david.authorization}\r\nContent-Type: text/vcard\r\nContent-Length: 100\r\n\r\nBEGIN`
  const closedAfter = (text: string): Promise<number> =>
    new Promise((resolve) => {
      const started = Date.now()
      const socket = connect(Number(port), hostname, () => socket.write(text))
      const end = () => resolve(Date.now() - started)
      socket.on('data', () => undefined)
      socket.on('error', () => undefined)
      socket.on('close', end)
      setTimeout(() => {
        socket.destroy()
        end()
      }, 33_000).unref()
    })
  const took = await Promise.all(['', 'GET /dav/ HTTP/1.1\r\nHost: x\r\n', put].map(closedAfter))
  took.forEach((ms, at) => {
    t.ok(ms <= 31_000, `${['silence', 'headers', 'body'][at]}: ${ms} ms`)
  })
})
