import t, { type Test } from 'tap'
import { changesNothing, condition, hrefIn, propstats, refused, vcard, withLines } from '../support/dav.ts'
import { type Device, rows, startKith } from '../support/kith.ts'

const running = await startKith(t)
const { url, organization, device, cardOf } = running
const organizationId = await organization('Space Odyssey', 'spaceodyssey.com', ['David', 'Ryan'])
const elsewhereId = await organization('Elsewhere', 'elsewhere.com', ['Eve'])
const david = await device('david@spaceodyssey.com')
const ryan = await device('ryan@spaceodyssey.com')
const eve = await device('eve@elsewhere.com')
const ryans = await cardOf('ryan@spaceodyssey.com')
const card = (uid: string): string => vcard([`UID:${uid}`, `FN:${uid}`])
const own = `${david.home}own/`
await david.ask('MKCOL', own)
await david.put('source.vcf', card('source'))
await ryan.put('secret.vcf', card('secret'))
await eve.put('secret.vcf', card('secret'))

const LOCKINFO =
  '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>'
const proppatch = (path: string, inner: string, by: Device = david) =>
  by.ask('PROPPATCH', path, {
    body: `<D:propertyupdate xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">${inner}</D:propertyupdate>`,
  })
const set = (inner: string): string => `<D:set><D:prop>${inner}</D:prop></D:set>`
/** No row and no head of either organization changed. */
const untouched = async (t: Test, work: () => Promise<unknown>) => {
  await changesNothing(t, running, elsewhereId, () => changesNothing(t, running, organizationId, work))
}

t.test('RFC 4918 §9.8.5, §9.9.4: COPY and MOVE to another host are 502, to another’s book 404', async (t) => {
  const destinations: [string, number][] = [
    [`http://evil.example${david.people}x.vcf`, 502],
    [`https://evil.example:8443${david.people}x.vcf`, 502],
    [`http://${new URL(url).host}@evil.example${david.people}x.vcf`, 502],
    [`http://david@${new URL(url).host}${david.people}x.vcf`, 502],
    [`${url}0${david.people}x.vcf`, 502],
    [`${ryan.people}x.vcf`, 404],
    [`${ryan.people}secret.vcf`, 404],
    [`${url}${ryan.people}x.vcf`, 404],
    [`${eve.people}secret.vcf`, 404],
    [`${ryan.home}none/x.vcf`, 404],
    ['/elsewhere', 404],
    [`${david.people}..%2fx.vcf`, 404],
    [`${david.people}../x.vcf`, 404],
    [`${david.people}%2e%2e`, 404],
    [`${david.people}a%00.vcf`, 404],
    [`${david.people}%ff.vcf`, 404],
    [`${david.home}none/x.vcf`, 409],
    [`//evil.example${david.people}x.vcf`, 400],
    [`ftp://${new URL(url).host}${david.people}x.vcf`, 400],
    ['x.vcf', 400],
    ['', 400],
    [`${david.people}source.vcf`, 403],
    [david.people, 403],
    [david.home, 403],
  ]
  await untouched(t, async () => {
    for (const [destination, status] of destinations) {
      for (const method of ['COPY', 'MOVE']) {
        const answer = await david.ask(method, `${david.people}source.vcf`, { headers: { destination } })
        refused(t, answer, status, undefined, `${method} to "${destination}"`)
      }
    }
    const none = await david.ask('MOVE', `${david.people}source.vcf`)
    refused(t, none, 400, undefined, 'MOVE without a Destination')
    const two = { destination: [`${david.people}a.vcf`, `${david.people}b.vcf`] }
    refused(t, await david.ask('MOVE', `${david.people}source.vcf`, { headers: two }), 400, undefined, 'two of them')
  })
  const there = await david.ask('COPY', `${david.people}source.vcf`, {
    headers: { destination: `${ryan.people}secret.vcf` },
  })
  const notThere = await david.ask('COPY', `${david.people}source.vcf`, {
    headers: { destination: `${ryan.people}n.vcf` },
  })
  t.strictSame(there.text, notThere.text, 'alike, whether there is something or not')
})

t.test('RFC 4918 §9.8, §9.9: what is another’s cannot be copied or moved to me', async (t) => {
  await untouched(t, async () => {
    for (const source of [
      `${ryan.people}secret.vcf`,
      `${ryan.people}none.vcf`,
      `${eve.people}secret.vcf`,
      ryan.people,
    ]) {
      for (const method of ['COPY', 'MOVE']) {
        const answer = await david.ask(method, source, { headers: { destination: `${david.people}x.vcf` } })
        refused(t, answer, 404, undefined, `${method} of ${source}`)
      }
    }
  })
})

t.test('RFC 4918 §9.8: a directory card is copied into another book and never moved', async (t) => {
  await untouched(t, async () => {
    for (const destination of [`${own}r.vcf`, `${david.people}r.vcf`]) {
      const move = await david.ask('MOVE', david.people + ryans, { headers: { destination } })
      refused(t, move, 403, 'D:need-privileges', `MOVE to ${destination}`)
    }
    const copy = await david.ask('COPY', david.people + ryans, { headers: { destination: `${david.people}r.vcf` } })
    refused(t, copy, 403, 'C:no-uid-conflict', 'a second card of that UID in the book')
    t.equal(hrefIn(copy), david.people + ryans)
  })
  const copied = await david.ask('COPY', david.people + ryans, { headers: { destination: `${own}r.vcf` } })
  t.equal(copied.status, 201)
  await untouched(t, async () => {
    const again = await david.ask('COPY', david.people + ryans, {
      headers: { destination: `${own}r.vcf`, overwrite: 'F' },
    })
    refused(t, again, 412, undefined, 'RFC 4918 §10.6: Overwrite: F')
    const odd = await david.ask('COPY', david.people + ryans, {
      headers: { destination: `${own}r.vcf`, overwrite: 'x' },
    })
    refused(t, odd, 400, undefined, 'Overwrite: x')
  })
})

t.test('RFC 4918 §9.3, §9.6, §9.9: the people book, the home and what is above stay', async (t) => {
  await untouched(t, async () => {
    for (const path of [
      david.people,
      david.people.slice(0, -1),
      david.home,
      '/dav/',
      '/dav/principals/',
      '/dav/addressbooks/',
    ]) {
      refused(t, await david.ask('DELETE', path), 403, 'D:need-privileges', `DELETE ${path}`)
      const moved = await david.ask('MOVE', path, { headers: { destination: `${david.home}b/` } })
      t.equal(moved.status, 403, `MOVE ${path}`)
    }
    refused(t, await david.ask('MOVE', own, { headers: { destination: david.people } }), 403, 'D:need-privileges')
    for (const [destination, status] of [
      [`${ryan.home}own/`, 404],
      [ryan.people, 404],
      [`http://evil.example${david.home}b/`, 502],
      [`${own}inside`, 403],
      [`${david.people}own.vcf`, 403],
      [own, 403],
    ] as const) {
      refused(
        t,
        await david.ask('MOVE', own, { headers: { destination } }),
        status,
        undefined,
        `MOVE to ${destination}`,
      )
    }
    for (const [path, status] of [
      [david.people, 405],
      [own, 405],
      [david.home, 405],
      ['/dav/', 405],
      [`${david.people}card.vcf`, 405],
      [`${ryan.home}own/`, 404],
      [`${david.home}%2e%2e/`, 404],
      [`${david.home}a%2fb/`, 404],
      [`${david.home}a%00/`, 404],
      [`${david.home}${'x'.repeat(256)}/`, 403],
      [`${david.home}${encodeURIComponent('é'.repeat(128))}/`, 403],
    ] as const) {
      refused(t, await david.ask('MKCOL', path), status, undefined, `MKCOL ${path.slice(0, 80)}`)
    }
  })
  for (const name of ['a b', 'a+b', "it's", '100%', '😀', 'PEOPLE', 'people ', 'x'.repeat(255), '"', '<&>', 'a;b=c']) {
    const path = `${david.home}${encodeURIComponent(name)}/`
    t.equal((await david.ask('MKCOL', path)).status, 201, name)
    const listed = rows((await david.propfind(david.home, '1', '<D:prop><D:resourcetype/></D:prop>')).text)
    const href = listed.map((row) => row.href).find((one) => decodeURIComponent(one) === `${david.home}${name}/`)
    t.ok(href, `${name} is listed`)
    t.equal((await david.ask('DELETE', href ?? '')).status, 204)
  }
})

t.test('RFC 4918 §9.2: a protected property is 403 cannot-modify-protected-property, the others 424', async (t) => {
  const resources: [string, string[]][] = [
    [
      david.people,
      ['D:resourcetype', 'D:sync-token', 'D:current-user-privilege-set', 'D:owner', 'C:max-resource-size'],
    ],
    [
      `${david.people}source.vcf`,
      ['D:getetag', 'D:getcontenttype', 'D:getlastmodified', 'D:resourcetype', 'C:address-data'],
    ],
    [david.home, ['D:displayname', 'D:resourcetype', 'D:owner']],
  ]
  await untouched(t, async () => {
    for (const [path, names] of resources) {
      for (const name of names) {
        for (const change of [set(`<${name}>x</${name}>`), `<D:remove><D:prop><${name}/></D:prop></D:remove>`]) {
          const answer = await proppatch(path, `${set('<x xmlns="urn:x">1</x>')}${change}`)
          t.equal(answer.status, 207)
          const [row] = rows(answer.text)
          const told = row ? propstats(row) : []
          t.strictSame(
            told.map(({ status, props, condition: named }) => [status, [...props.keys()].length, named]),
            [
              [403, 1, 'D:cannot-modify-protected-property'],
              [424, 1, undefined],
            ],
            `${name} of ${path}`,
          )
        }
      }
      const kept = await david.propfind(path, '0', '<D:prop><x xmlns="urn:x"/></D:prop>')
      t.equal(rows(kept.text)[0]?.status, 404, 'nothing was set')
    }
  })
})

t.test('RFC 4918 §9.2: a value that a book cannot have is refused for itself, the others 424', async (t) => {
  const wrong = {
    'D:displayname': `<D:displayname>${'x'.repeat(501)}</D:displayname>`,
    'C:addressbook-description': `<C:addressbook-description>${'x'.repeat(10_001)}</C:addressbook-description>`,
  }
  await untouched(t, async () => {
    for (const [name, element] of Object.entries(wrong)) {
      const answer = await proppatch(own, set(`<x xmlns="urn:x">1</x>${element}`))
      t.equal(answer.status, 207, name)
      const told = propstats(rows(answer.text)[0] ?? { xml: '' })
      t.strictSame(
        told.map(({ status, props }) => [status, [...props.keys()].length, props.has(name)]),
        [
          [403, 1, true],
          [424, 1, false],
        ],
      )
    }
  })
})

t.test('RFC 4918 §9.2: another’s home, book and cards take no property', async (t) => {
  await untouched(t, async () => {
    for (const path of [ryan.home, ryan.people, `${ryan.people}secret.vcf`, eve.people]) {
      refused(t, await proppatch(path, set('<D:displayname>x</D:displayname>')), 404, undefined, path)
    }
    refused(t, await proppatch(`${david.people}none.vcf`, set('<x xmlns="urn:x"/>')), 404)
    refused(t, await proppatch(david.people, ''), 400)
    refused(
      t,
      await proppatch(david.people, set(`<x xmlns="urn:x">${'y'.repeat(2_000_000)}</x>`)),
      507,
      'D:quota-not-exceeded',
    )
  })
})

t.test('RFC 4918 §10.4: an If header that does not hold is 412, one that cannot be read 400', async (t) => {
  const path = `${david.people}source.vcf`
  await untouched(t, async () => {
    for (const [value, status] of [
      ['x', 400],
      ['()', 400],
      ['(<a>', 400],
      ['(Not Not <a>)', 400],
      ['(<a>)'.repeat(4_000), 400],
      ['(<urn:uuid:11111111-1111-4111-8111-111111111111>)', 412],
      ['(["e"])', 412],
      ['(<DAV:no-lock>)', 412],
    ] as const) {
      const put = await david.put('source.vcf', withLines(card('source'), 'NOTE:x'), { if: value })
      refused(t, put, status, undefined, `PUT, If: ${value.slice(0, 60)}`)
      refused(
        t,
        await david.delete('source.vcf', { if: value }),
        status,
        undefined,
        `DELETE, If: ${value.slice(0, 60)}`,
      )
      const move = await david.ask('MOVE', path, { headers: { if: value, destination: `${own}s.vcf` } })
      refused(t, move, status, undefined, `MOVE, If: ${value.slice(0, 60)}`)
    }
  })
})

t.test('RFC 4918 §10.4: a list about another’s card tells nothing of it', async (t) => {
  const { etag } = (await ryan.get('secret.vcf')).headers
  for (const condition of [`[${etag}]`, `Not [${etag}]`, 'Not <DAV:no-lock>', '<DAV:no-lock>']) {
    const answers: number[] = []
    for (const name of ['secret.vcf', 'none.vcf']) {
      const { status } = await david.get('source.vcf', { if: `<${ryan.people}${name}> (${condition})` })
      answers.push(status)
    }
    t.equal(answers[0], answers[1], condition)
  }
})

t.test('RFC 4918 §7: a locked card is changed by nobody without the token, and by no other token', async (t) => {
  const path = `${david.people}source.vcf`
  const locked = await david.ask('LOCK', path, { headers: { depth: '0', timeout: 'Infinite' }, body: LOCKINFO })
  t.equal(locked.status, 200)
  const token = String(locked.headers['lock-token'])
  const changed = withLines(card('source'), 'NOTE:locked')
  await untouched(t, async () => {
    refused(t, await david.put('source.vcf', changed), 423, 'D:lock-token-submitted', 'PUT')
    refused(t, await david.delete('source.vcf'), 423, 'D:lock-token-submitted', 'DELETE')
    const move = await david.ask('MOVE', path, { headers: { destination: `${own}s.vcf` } })
    refused(t, move, 423, 'D:lock-token-submitted', 'MOVE')
    const onto = await david.ask('COPY', `${own}r.vcf`, { headers: { destination: path } })
    t.ok([403, 423].includes(onto.status), 'COPY onto it')
    t.equal((await proppatch(path, set('<x xmlns="urn:x"/>'))).status, 423, 'PROPPATCH')
    refused(
      t,
      await david.ask('LOCK', path, { headers: { depth: '0' }, body: LOCKINFO }),
      423,
      'D:no-conflicting-lock',
      'LOCK',
    )
    const forged = '(<urn:uuid:11111111-1111-4111-8111-111111111111>)'
    refused(t, await david.put('source.vcf', changed, { if: forged }), 412, undefined, 'a token of nothing')
    for (const [where, tokens, status] of [
      [path, '<urn:uuid:11111111-1111-4111-8111-111111111111>', 409],
      [path, 'x', 409],
      [david.people + ryans, token, 409],
      [path, undefined, 400],
    ] as const) {
      t.equal(
        (await david.ask('UNLOCK', where, { headers: { 'lock-token': tokens } })).status,
        status,
        `UNLOCK by ${tokens}`,
      )
    }
    t.equal(
      (await ryan.ask('UNLOCK', path, { headers: { 'lock-token': token } })).status,
      404,
      'nobody else unlocks it',
    )
    t.equal((await ryan.ask('LOCK', path, { headers: { depth: '0' }, body: LOCKINFO })).status, 404, 'nor locks it')
    refused(t, await david.ask('LOCK', `${david.people}none.vcf`, { headers: { depth: '0' }, body: LOCKINFO }), 403)
    for (const depth of ['1', 'x', '-1']) {
      refused(
        t,
        await david.ask('LOCK', path, { headers: { depth }, body: LOCKINFO }),
        400,
        undefined,
        `LOCK, Depth: ${depth}`,
      )
    }
  })
  t.equal((await david.put('source.vcf', changed, { if: `(${token})` })).status, 204, 'with its token')
  t.equal((await david.ask('UNLOCK', path, { headers: { 'lock-token': token } })).status, 204)
  t.equal((await david.put('source.vcf', card('source'))).status, 204)
})

t.test('RFC 5995 §3.2: POST to a book is checked like PUT', async (t) => {
  await untouched(t, async () => {
    for (const [type, body, status, element] of [
      ['text/plain', card('post'), 403, 'C:supported-address-data'],
      ['text/vcard', 'x', 403, 'C:valid-address-data'],
      ['text/vcard', card('source'), 403, 'C:no-uid-conflict'],
      ['text/vcard', vcard(['UID:big', `NOTE:${'x'.repeat(10 * 1024 * 1024)}`]), 403, 'C:max-resource-size'],
      ['application/vcard+json', '{"__proto__":1}', 403, 'C:valid-address-data'],
      ['application/vcard+json', '['.repeat(100_000), 403, 'C:valid-address-data'],
    ] as const) {
      const answer = await david.ask('POST', david.people, { headers: { 'content-type': type }, body })
      refused(t, answer, status, element, `${type} ${body.slice(0, 20)}`)
    }
    t.equal(
      (await david.ask('POST', ryan.people, { headers: { 'content-type': 'text/vcard' }, body: card('p') })).status,
      404,
    )
  })
  const added = await david.ask('POST', david.people, {
    headers: { 'content-type': 'text/vcard', slug: '../../x', host: 'evil.example' },
    body: card('slug'),
  })
  t.equal(added.status, 201)
  t.match(
    added.headers.location,
    new RegExp(`^(/dav/|${url}/dav/)[\\w/-]+/people/[\\w-]+\\.vcf$`),
    'no Slug or Host in it',
  )
  t.equal(condition(added), undefined)
})
