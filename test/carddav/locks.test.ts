import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { changesNothing, hrefIn, prop, refused, vcard } from '../support/dav.ts'
import { type Answer, rows, startKith } from '../support/kith.ts'

const running = await startKith(t)
const { organization, device } = running
const organizationId = await organization('Space Odyssey', 'spaceodyssey.com', ['David Bowman', 'Ryan Stone'])
const david = await device('david.bowman@spaceodyssey.com')
const other = await device('ryan.stone@spaceodyssey.com')
const { home, people } = david
const book = `${home}locked/`
await david.ask('MKCOL', book)
type Headers = Record<string, string>
const lock = (path: string, scope = 'exclusive', headers: Headers = {}) =>
  david.ask('LOCK', path, {
    headers,
    body: `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner><D:href>mailto:me</D:href></D:owner></D:lockinfo>`,
  })
const tokenOf = ({ headers }: Answer): string => String(headers['lock-token'] ?? '').replace(/^<|>$/g, '')
const unlock = (path: string, token: string) => david.ask('UNLOCK', path, { headers: { 'lock-token': `<${token}>` } })
const discovery = async (path: string): Promise<string> =>
  prop(rows((await david.propfind(path, '0', '<D:prop><D:lockdiscovery/></D:prop>')).text)[0], 'D:lockdiscovery') ?? ''
const put = (path: string, body: string, headers: Headers = {}) =>
  david.ask('PUT', path, { headers: { 'content-type': 'text/vcard', ...headers }, body })
const card = (uid: string, ...more: string[]) => vcard([`UID:${uid}`, `FN:${uid}`, ...more])
const patch = (path: string, headers: Headers = {}) =>
  david.ask('PROPPATCH', path, {
    headers,
    body: '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x xmlns="urn:x">1</x></D:prop></D:set></D:propertyupdate>',
  })

t.test('RFC 4918 §9.10: an exclusive lock of a card is told, and found', async (t) => {
  const path = `${people}a.vcf`
  await put(path, card('a'))
  const locked = await lock(path, 'exclusive', { timeout: 'Second-120' })
  t.equal(locked.status, 200)
  const token = tokenOf(locked)
  t.match(token, /^urn:uuid:[0-9a-f-]{36}$/)
  for (const told of [locked.text, await discovery(path)]) {
    t.match(told, '<D:lockscope><D:exclusive/></D:lockscope>')
    t.match(told, '<D:locktype><D:write/></D:locktype>')
    t.match(told, `<D:locktoken><D:href>${token}</D:href></D:locktoken>`)
    t.match(told, `<D:lockroot><D:href>${path}</D:href></D:lockroot>`)
    t.match(told, /<D:timeout>Second-1[12]\d<\/D:timeout>/)
    t.match(told, /<(\w+:)owner\b[^>]*>.*mailto:me.*<\/\1owner>/s)
    t.match(told, /<D:depth>(0|infinity)<\/D:depth>/i)
  }
  for (const scope of ['exclusive', 'shared']) {
    const conflict = await lock(path, scope)
    refused(t, conflict, 423, 'D:no-conflicting-lock', scope)
    t.equal(hrefIn(conflict), path)
  }
  t.equal((await unlock(path, token)).status, 204)
  t.equal(await discovery(path), '')
  const shared = [await lock(path, 'shared'), await lock(path, 'shared')]
  t.strictSame(
    shared.map(({ status }) => status),
    [200, 200],
    'RFC 4918 §6.2',
  )
  refused(t, await lock(path), 423, 'D:no-conflicting-lock', 'an exclusive one beside them')
  refused(t, await put(path, card('a', 'NOTE:1')), 423, 'D:lock-token-submitted')
  t.equal(
    (await put(path, card('a', 'NOTE:1'), { if: `(<${tokenOf(shared[1] as Answer)}>)` })).status,
    204,
    'one is enough',
  ) // it is there
  for (const one of shared) t.equal((await unlock(path, tokenOf(one))).status, 204)
  t.equal((await lock(`${people}none.vcf`)).status, 403, 'an empty resource would be no card')
  t.equal((await lock(home)).status, 403)
  t.equal((await other.ask('LOCK', path, { body: '<D:lockinfo xmlns:D="DAV:"/>' })).status, 404)
})

t.test('RFC 4918 §7: every write needs the token', async (t) => {
  const path = `${people}w.vcf`
  await put(path, card('w'))
  await put(`${people}v.vcf`, card('v'))
  const token = tokenOf(await lock(path))
  const to = `${book}w.vcf`
  const writes: [string, (headers: Headers) => Promise<Answer>][] = [
    ['PROPPATCH', (headers) => patch(path, headers)],
    ['PUT', (headers) => put(path, card('w', `NOTE:${headers.if ?? ''}`), headers)],
    ['COPY onto it', (headers) => david.ask('COPY', to, { headers: { destination: path, ...headers } })],
    ['MOVE onto it', (headers) => david.ask('MOVE', to, { headers: { destination: path, ...headers } })],
    ['MOVE of it', (headers) => david.ask('MOVE', path, { headers: { destination: to, ...headers } })],
    ['DELETE', (headers) => david.ask('DELETE', path, { headers })],
  ]
  t.equal((await david.ask('COPY', path, { headers: { destination: to } })).status, 201, 'a lock is no bar to reading')
  let held = token
  for (const [what, write] of writes) {
    if (what === 'DELETE') {
      await david.ask('COPY', to, { headers: { destination: path } })
      held = tokenOf(await lock(path))
    }
    await changesNothing(t, running, organizationId, async () => {
      const answer = await write({})
      refused(t, answer, 423, 'D:lock-token-submitted', what)
      t.equal(hrefIn(answer), path)
      const wrong = await write({ if: '(<urn:uuid:00000000-0000-4000-8000-000000000000>)' })
      t.equal(wrong.status, 412, `${what} with a token that is none`)
      refused(t, await write({ if: '(Not <DAV:no-lock>)' }), 423, 'D:lock-token-submitted', 'true, but no token')
    })
    const tagged = what.endsWith('onto it')
    const done = await write({ if: tagged ? `<${path}> (<${held}>)` : `(<${held}>)` })
    t.ok([200, 201, 204, 207].includes(done.status), `${what} with it → ${done.status}`)
    if (what === 'MOVE onto it') {
      t.equal((await david.ask('COPY', path, { headers: { destination: to } })).status, 201)
      if (!(await discovery(path)).includes(held)) held = tokenOf(await lock(path))
    }
    if (what === 'MOVE of it') t.equal(await discovery(to), '', 'RFC 4918 §7.7: a lock does not move')
  }
  await put(path, card('w'))
  t.equal(await discovery(path), '', 'RFC 4918 §9.6.1: DELETE removes it')
  t.equal((await put(path, card('w', 'NOTE:free'))).status, 204)
})

t.test('RFC 4918 §7.4, §7.5: what a lock of a book protects', async (t) => {
  await put(`${book}x.vcf`, card('x'))
  const writes: [string, boolean, () => Promise<Answer>][] = [
    ['PROPPATCH of it', true, () => patch(book)],
    ['a new card', true, () => put(`${book}new.vcf`, card('new'))],
    ['POST', true, () => david.ask('POST', book, { headers: { 'content-type': 'text/vcard' }, body: card('new') })],
    ['DELETE of a card', true, () => david.ask('DELETE', `${book}x.vcf`)],
    ['DELETE of it', true, () => david.ask('DELETE', book)],
    ['MOVE of it', true, () => david.ask('MOVE', book, { headers: { destination: `${home}elsewhere/` } })],
    ['a change of a card', false, () => put(`${book}x.vcf`, card('x', `NOTE:${Math.random()}`))],
    ['PROPPATCH of a card', false, () => patch(`${book}x.vcf`)],
  ]
  for (const depth of ['0', 'infinity']) {
    const token = tokenOf(await lock(book, 'exclusive', { depth }))
    for (const [what, always, write] of writes) {
      const answer = await write()
      if (always || depth === 'infinity') {
        refused(t, answer, 423, 'D:lock-token-submitted', `${what}, Depth ${depth}`)
        t.equal(hrefIn(answer), book)
      } else t.ok(answer.status < 300, `${what}, Depth ${depth} → ${answer.status}`)
    }
    t.equal((await discovery(`${book}x.vcf`)) !== '', depth === 'infinity', 'RFC 4918 §15.8')
    if (depth === 'infinity') {
      refused(t, await lock(`${book}x.vcf`), 423, 'D:no-conflicting-lock')
      t.equal((await put(`${book}x.vcf`, card('x', 'NOTE:t'), { if: `(<${token}>)` })).status, 204)
      t.equal((await unlock(`${book}x.vcf`, token)).status, 204, 'RFC 4918 §9.11: by any resource it covers')
    } else {
      const inner = tokenOf(await lock(`${book}x.vcf`))
      t.match(inner, 'urn:uuid:', 'a lock of the book alone is none of its cards')
      refused(t, await lock(book), 423, 'D:no-conflicting-lock')
      t.equal((await unlock(`${book}x.vcf`, inner)).status, 204)
      t.equal((await unlock(book, token)).status, 204)
    }
  }
  const inner = tokenOf(await lock(`${book}x.vcf`))
  const conflict = await lock(book)
  refused(t, conflict, 423, 'D:no-conflicting-lock', 'a card of it is locked')
  t.equal(hrefIn(conflict), `${book}x.vcf`)
  await david.ask('MKCOL', `${home}target/`)
  const over = await david.ask('MOVE', `${home}target/`, { headers: { destination: book } })
  refused(t, over, 423, 'D:lock-token-submitted', 'a book moved over one with a locked card')
  t.equal(hrefIn(over), `${book}x.vcf`)
  t.equal((await unlock(`${book}x.vcf`, inner)).status, 204)
  t.equal((await lock(book, 'exclusive', { depth: '1' })).status, 400, 'RFC 4918 §9.10.3')
})

t.test('RFC 4918 §9.10.2, §9.11, §6.6: refresh, UNLOCK and expiry', async (t) => {
  const path = `${people}r.vcf`
  await put(path, card('r'))
  const token = tokenOf(await lock(path, 'exclusive', { timeout: 'Second-60' }))
  const refresh = (headers: Headers) => david.ask('LOCK', path, { headers })
  const again = await refresh({ if: `(<${token}>)`, timeout: 'Infinite, Second-4100000000' })
  t.equal(again.status, 200)
  t.match(again.text, token)
  t.match(again.text, /<D:timeout>Second-86\d{3}</, 'no longer than a day')
  t.equal(again.headers['lock-token'], undefined)
  t.equal((await refresh({})).status, 412)
  t.equal((await refresh({ if: '(<urn:uuid:00000000-0000-4000-8000-000000000000>)' })).status, 412)
  for (const wrong of ['urn:uuid:00000000-0000-4000-8000-000000000000', 'opaquelocktoken:x']) {
    refused(t, await unlock(path, wrong), 409, 'D:lock-token-matches-request-uri')
  }
  await put(`${people}s.vcf`, card('s'))
  refused(t, await unlock(`${people}s.vcf`, token), 409, 'D:lock-token-matches-request-uri', 'of another card')
  t.equal((await david.ask('UNLOCK', path)).status, 400)
  t.equal((await unlock(path, token)).status, 204)
  refused(t, await unlock(path, token), 409, 'D:lock-token-matches-request-uri', 'once more')
  const brief = tokenOf(await lock(path, 'exclusive', { timeout: 'Second-1' }))
  t.equal((await put(path, card('r', 'NOTE:1'))).status, 423)
  await setTimeout(1_200)
  t.equal(await discovery(path), '')
  t.equal((await put(path, card('r', 'NOTE:1'))).status, 204, 'it has expired')
  t.equal((await put(path, card('r', 'NOTE:2'), { if: `(<${brief}>)` })).status, 412)
})

t.test('RFC 4918 §10.4: what If says', async (t) => {
  const path = `${people}if.vcf`
  const { etag = '' } = (await put(path, card('if'))).headers
  const token = tokenOf(await lock(path))
  const { host } = new URL(david.url)
  const none = '<urn:uuid:00000000-0000-4000-8000-000000000000>'
  const holding = [
    `(<${token}>)`,
    `(<${token}> [${etag}])`,
    `(["x"]) (<${token}>)`,
    `(Not ["x"] <${token}>)`,
    `(not ${none} <${token}>)`,
    `<${path}> (<${token}>)`,
    `<http://${host}${path}> (<${token}>)`,
    `<${people}none.vcf> (["x"]) <${path}> (<${token}>)`,
    `(<${token}>) (Not <DAV:no-lock>)`,
  ]
  for (const text of holding) t.equal((await put(path, card('if'), { if: text })).status, 204, text)
  const failing = [
    `(<${token}> ["x"])`,
    `(<${token}> ${none})`,
    `(Not <${token}>)`,
    `(Not [${etag}] <${token}>)`,
    `(W/${etag})`.replace('(', '([').replace(')', '])'),
    `<${people}none.vcf> (<${token}>)`,
    `<http://elsewhere.example${path}> (<${token}>)`,
  ]
  const malformed = [
    '',
    '()',
    '(',
    `<${token}>`,
    `(<${token}>`,
    'x',
    '(Not)',
    '(Not Not ["x"])',
    '([x])',
    `(<${token}>) x`,
  ]
  await changesNothing(t, running, organizationId, async () => {
    for (const text of failing) t.equal((await put(path, card('if', 'NOTE:1'), { if: text })).status, 412, text)
    for (const text of malformed.slice(1)) {
      t.equal((await put(path, card('if', 'NOTE:1'), { if: text })).status, 400, text)
    }
    const elsewhere = await put(path, card('if', 'NOTE:1'), { if: `<${people}none.vcf> (Not ["x"])` })
    refused(t, elsewhere, 423, 'D:lock-token-submitted', 'true, but it names no token')
    t.equal((await david.ask('GET', path, { headers: { if: '(["x"])' } })).status, 412, 'a GET has it too')
  })
  t.equal((await unlock(path, token)).status, 204)
})

t.test('RFC 6578 §5: a sync token is a state token of its collection', async (t) => {
  const syncToken = (await david.sync()).token
  const tagged = `<${people}> (<${syncToken}>)`
  t.equal((await put(`${people}st.vcf`, card('st'), { if: tagged })).status, 201)
  await changesNothing(t, running, organizationId, async () => {
    t.equal((await put(`${people}st.vcf`, card('st', 'NOTE:1'), { if: tagged })).status, 412, 'it has changed since')
    t.equal((await put(`${people}st2.vcf`, card('st2'), { if: tagged })).status, 412)
    t.equal((await put(`${people}st.vcf`, card('st', 'NOTE:1'), { if: `(<${syncToken}>)` })).status, 412, 'of no card')
    t.equal((await patch(people, { if: `(<${syncToken}>)` })).status, 412)
  })
  const now = (await david.sync()).token
  t.equal((await patch(people, { if: `(<${now}>)` })).status, 207)
})
