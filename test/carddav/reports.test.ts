import pg from 'pg'
import t from 'tap'
import { changesNothing, prop, propstats, refused, vcard } from '../support/dav.ts'
import { ask, rows, startKith } from '../support/kith.ts'

const running = await startKith(t)
const { kith, url, organization, device, cardOf } = running
const organizationId = await organization('Space Odyssey', 'spaceodyssey.com', [
  'David Bowman',
  'Ryan Stone',
  'Zoe Lind',
])
await organization('Elsewhere', 'elsewhere.com', ['Eve'])
const david = await device('david.bowman@spaceodyssey.com')
const eve = await device('eve@elsewhere.com')
const ryan = await cardOf('ryan.stone@spaceodyssey.com')
const GETETAG = '<D:prop><D:getetag/></D:prop>'

const multiget = (hrefs: readonly string[], props = GETETAG) =>
  david.report(david.people, 'C:addressbook-multiget', props + hrefs.map((href) => `<D:href>${href}</D:href>`).join(''))

t.test('RFC 6352 §8.7: a multiget answers each href once, a missing one by 404', async (t) => {
  const { headers, text } = await david.get(ryan)
  const own = david.people + ryan
  const answer = await multiget(
    [own, own, `http://${new URL(url).host}${own}`, `${david.people}none.vcf`],
    '<D:prop><D:getetag/><C:address-data/></D:prop>',
  )
  t.equal(answer.status, 207)
  const all = rows(answer.text)
  t.strictSame(all.map(({ href, status }) => [href, status]).sort(), [
    ...[
      [own, 200],
      [`${david.people}none.vcf`, 404],
    ].sort(),
  ])
  const row = all.find(({ href }) => href === own)
  t.strictSame([row?.etag, row?.card], [headers.etag, text])
})

t.test('RFC 6352 §8.7: a card is asked by its href, however that is encoded', async (t) => {
  const name = "a b@c (d)'é.vcf"
  await david.put(name, vcard(['UID:odd', 'FN:Odd']))
  const listed = [...(await david.list()).keys()].find((href) => decodeURIComponent(href).endsWith(name)) ?? ''
  for (const href of [listed, `${david.people}a%20b%40c%20%28d%29%27%C3%A9.vcf`, `${david.people}a b@c (d)'é.vcf`]) {
    const [row, ...more] = rows((await multiget([href])).text)
    t.strictSame([row?.href, row?.status, more.length], [href, 200, 0], 'and answered by the same string')
  }
  await david.delete(name)
})

t.test(
  'a listing, a multiget and a first sync tell the same, whether they are asked for little or for much',
  async (t) => {
    const little = '<D:getetag/><D:resourcetype/><D:getcontenttype/><C:address-data/>'
    const much = `${little}<D:getcontentlength/><D:getlastmodified/><D:current-user-privilege-set/>`
    const team = await kith.teams.create('Crew', await kith.users.get('david.bowman@spaceodyssey.com'))
    const hrefs = [...(await david.list()).keys()].map((href) => `<D:href>${href}</D:href>`).join('')
    const asking: ((prop: string) => Promise<{ text: string }>)[] = [
      (prop) => david.report(david.people, 'C:addressbook-multiget', `<D:prop>${prop}</D:prop>${hrefs}`),
      (prop) => david.report(david.people, 'D:sync-collection', `<D:sync-token/><D:prop>${prop}</D:prop>`),
    ]
    const told = (answer: { text: string }) =>
      rows(answer.text).map((row) => [
        row.href,
        row.etag,
        row.card,
        prop(row, 'resourcetype'),
        prop(row, 'getcontenttype'),
      ])
    for (const [version, form] of [
      ['3.0', ''],
      ['4.0', ' content-type="text/vcard" version="4.0"'],
    ] as const) {
      for (const ask of asking) {
        const short = told(await ask(little.replace('<C:address-data/>', `<C:address-data${form}/>`)))
        t.strictSame(short, told(await ask(much.replace('<C:address-data/>', `<C:address-data${form}/>`))), version)
        t.ok(
          short.some(
            ([href, , card]) => href === `${david.people}${team.id}.vcf` && card?.includes(`VERSION:${version}`),
          ),
        )
        t.ok(short.every(([, etag, card]) => etag && card))
      }
    }
    const etags = async (props: string) => {
      const { text } = await david.propfind(david.people, '1', `<D:prop>${props}</D:prop>`)
      return rows(text).map(({ href, etag }) => [href, etag])
    }
    t.strictSame(await etags('<D:getetag/>'), await etags('<D:getetag/><D:getlastmodified/>'))
  },
)

t.test('multigets that come together are answered to each as if alone', async (t) => {
  const zoe = await device('zoe.lind@spaceodyssey.com')
  await david.put('together.vcf', vcard(['UID:together', 'FN:Of David']))
  await zoe.put('together.vcf', vcard(['UID:together', 'FN:Of Zoe']))
  const names = [ryan, await cardOf('zoe.lind@spaceodyssey.com'), 'together.vcf', 'none.vcf']
  const ask = async (who: typeof david, count: number) => {
    const hrefs = names.slice(-count).map((name) => `<D:href>${who.people}${name}</D:href>`)
    const props = '<D:prop><D:getetag/><C:address-data/></D:prop>'
    const { text } = await who.report(who.people, 'C:addressbook-multiget', props + hrefs.join(''))
    return rows(text).map(({ href, status, etag, card }) => [href, status, etag, card])
  }
  const each = [david, zoe, eve].flatMap((who) => [2, 3, 4].map((count) => [who, count] as const))
  const alone: unknown[] = []
  for (const [who, count] of each) alone.push(await ask(who, count))
  t.strictSame(await Promise.all(each.map(([who, count]) => ask(who, count))), alone)
  t.match(JSON.stringify(alone[0]), 'FN:Of David')
  t.match(JSON.stringify(alone[3]), 'FN:Of Zoe')
  t.notMatch(JSON.stringify(alone[6]), 'FN:', 'of another organization, nothing')
})

t.test('RFC 6352 §8.7: hrefs of elsewhere are 404, whether there is something or not', async (t) => {
  const foreign = [
    eve.people + (await cardOf('eve@elsewhere.com')),
    `${eve.people}none.vcf`,
    `${david.home}other/${ryan}`,
    `http://evil.example${david.people}${ryan}`,
    `//evil.example${david.people}${ryan}`,
    `${david.people}..%2fpeople%2f${ryan}`,
    `${david.people}../people/${ryan}`,
    `${david.people}%2e%2e`,
    `${david.people}a%00.vcf`,
    `${david.people}%ff`,
    `${david.people}%`,
    david.people,
    '/',
    'x',
    '&lt;D:x&gt;',
  ]
  const answer = await multiget(foreign)
  t.strictSame(new Set(rows(answer.text).map(({ status }) => status)), new Set([404]))
  t.equal(rows(answer.text).length, foreign.length)
  t.equal(new Set(rows(answer.text).map(({ xml }) => xml.replace(/<D:href>.*<\/D:href>/s, ''))).size, 1, 'all alike')
  refused(
    t,
    await multiget([david.people + ryan], '<D:prop><C:address-data version="2.1"/></D:prop>'),
    403,
    'C:supported-address-data',
  )
})

t.test('RFC 6352 §8.7: 5,000 hrefs in one multiget', async (t) => {
  const hrefs = Array.from({ length: 5_000 }, (_, at) => `${david.people}none-${at}.vcf`)
  const answer = await multiget([...hrefs, david.people + ryan, ...hrefs])
  const all = rows(answer.text)
  t.equal(all.length, 5_001)
  t.equal(all.filter(({ status }) => status === 200).length, 1)
})

t.test('RFC 6352 §8.6: addressbook-query', async (t) => {
  const cards: Record<string, string[]> = {
    anna: ['FN:Anna Ünal', 'EMAIL;TYPE=WORK:anna@one.example', 'EMAIL;TYPE=HOME:home@two.example', 'NICKNAME:Ann'],
    bert: [
      'FN:BERT GROß',
      'EMAIL;TYPE=HOME:bert@one.example',
      'item1.TEL;TYPE=CELL:+1 555 0111',
      'item1.X-ABLabel:Boat',
    ],
    cem: ['FN:Cem \\, the third', 'item2.TEL:+1 555 0222', 'NOTE:line\\nbreak', 'CATEGORIES:PERSON'],
  }
  for (const [uid, lines] of Object.entries(cards)) await david.put(`${uid}.vcf`, vcard([`UID:${uid}`, ...lines]))
  const query = (filter: string, more = '', props = GETETAG) =>
    david.report(david.people, 'C:addressbook-query', `${props}${filter}${more}`)
  const found = async (inner: string, test = '') => {
    const answer = await query(`<C:filter${test}>${inner}</C:filter>`)
    t.equal(answer.status, 207)
    return rows(answer.text)
      .map(({ href }) => href.slice(david.people.length, -4))
      .filter((name) => name in cards)
      .sort()
  }
  const where = (name: string, inner = '', test = '') => `<C:prop-filter name="${name}"${test}>${inner}</C:prop-filter>`
  const text = (value: string, attributes = '') => `<C:text-match${attributes}>${value}</C:text-match>`
  const param = (name: string, inner = '') => `<C:param-filter name="${name}">${inner}</C:param-filter>`
  const allof = ' test="allof"'
  const UNDEFINED = '<C:is-not-defined/>'

  const cases: [string, string, string[], string?][] = [
    ['a property that is there', where('NICKNAME'), ['anna']],
    ['names in any case', where('nickname'), ['anna']],
    ['is-not-defined', where('EMAIL', UNDEFINED), ['cem']],
    ['anyof of prop-filters is the default', where('NICKNAME') + where('NOTE'), ['anna', 'cem']],
    ['allof of prop-filters', where('EMAIL', text('one.example')) + where('TEL'), ['bert'], allof],
    ['anyof of text-matches is the default', where('EMAIL', text('anna') + text('bert')), ['anna', 'bert']],
    ['allof is about the same value', where('EMAIL', text('anna') + text('two'), allof), []],
    ['allof of one value', where('EMAIL', text('anna') + text('one'), allof), ['anna']],
    [
      'a parameter and a text of the same value',
      where('EMAIL', param('TYPE', text('home')) + text('one.example'), allof),
      ['bert'],
    ],
    ['a parameter that is there', where('TEL', param('TYPE')), ['bert']],
    ['a parameter that is not', where('TEL', param('TYPE', UNDEFINED)), ['cem']],
    ['negate', where('EMAIL', text('two.example', ' negate-condition="yes"')), ['anna', 'bert']],
    ['negate of a single value', where('FN', text('anna', ' negate-condition="yes"')), ['bert', 'cem']],
    ['equals', where('NICKNAME', text('ann', ' match-type="equals"')), ['anna']],
    ['equals is the whole', where('FN', text('Anna', ' match-type="equals"')), []],
    ['starts-with', where('FN', text('bert', ' match-type="starts-with"')), ['bert']],
    ['ends-with', where('EMAIL', text('ONE.example', ' match-type="ends-with"')), ['anna', 'bert']],
    ['contains is the default', where('FN', text('nn')), ['anna']],
    ['i;unicode-casemap is the default', where('FN', text('ÜNAL')), ['anna']],
    ['i;unicode-casemap folds', where('FN', text('gross', ' collation="i;unicode-casemap"')), ['bert']],
    ['i;ascii-casemap does not fold non-ASCII', where('FN', text('ünal', ' collation="i;ascii-casemap"')), []],
    ['i;ascii-casemap folds ASCII', where('FN', text('ANNA', ' collation="i;ascii-casemap"')), ['anna']],
    ['i;octet', where('FN', text('anna', ' collation="i;octet"')), []],
    ['i;octet, exactly', where('FN', text('Anna', ' collation="i;octet"')), ['anna']],
    ['no group in the name: any group', where('TEL'), ['bert', 'cem']],
    ['a group in the name: that group', where('item1.TEL'), ['bert']],
    ['a group that is not there', where('item3.TEL'), []],
    ['is-not-defined with a group', where('item1.TEL', UNDEFINED), ['anna', 'cem']],
    ['escapes are read', where('FN', text('cem , the')), ['cem']],
    ['line breaks too', where('NOTE', text('line\nbreak')), ['cem']],
    ['CDATA and references', where('EMAIL', text('<![CDATA[anna@]]>&#111;ne')), ['anna']],
    ['an empty filter takes all', '', ['anna', 'bert', 'cem']],
  ]
  for (const [what, inner, wanted, test] of cases) t.strictSame(await found(inner, test), wanted, what)
  t.equal(rows((await query('')).text).length, (await david.list()).size, 'no filter takes all')

  const nresults = (count: number) => `<C:limit><C:nresults>${count}</C:nresults></C:limit>`
  const limited = await query(`<C:filter>${where('FN')}</C:filter>`, nresults(2))
  t.equal(limited.status, 207)
  const truncated = rows(limited.text).find(({ status }) => status === 507)
  t.equal(truncated?.href, david.people, 'RFC 6352 §8.6.2')
  t.match(truncated?.xml, '<D:error><D:number-of-matches-within-limits/></D:error>')
  t.equal(rows(limited.text).filter(({ status }) => status === 200).length, 2)
  const exact = await query(`<C:filter>${where('NICKNAME')}</C:filter>`, nresults(1))
  t.strictSame(
    rows(exact.text).map(({ status }) => status),
    [200],
    'what fits is not cut',
  )

  const data = '<D:prop><D:getetag/><C:address-data/></D:prop>'
  const [anna] = rows((await query(`<C:filter>${where('NICKNAME')}</C:filter>`, '', data)).text)
  t.equal(anna?.card, (await david.get('anna.vcf')).text)

  await changesNothing(t, running, organizationId, async () => {
    const bad: [string, string][] = [
      [where('FN', text('x', ' collation="i;none"')), 'C:supported-collation'],
      [where('FN', text('x', ' match-type="sounds-like"')), 'C:supported-filter'],
      [where('FN', text('x', ' match-type="__proto__"')), 'C:supported-filter'],
      [where('FN', '', ' test="noneof"'), 'C:supported-filter'],
      ['<C:comp-filter name="VCARD"/>', 'C:supported-filter'],
      ['<C:prop-filter/>', 'C:supported-filter'],
      [where('FN').repeat(1_000), 'C:supported-filter'],
    ]
    for (const [inner, element] of bad)
      refused(t, await query(`<C:filter>${inner}</C:filter>`), 403, element, inner.slice(0, 60))
    t.equal((await query('<C:filter/>', '<C:limit><C:nresults>many</C:nresults></C:limit>')).status, 400)
  })
  for (const uid of Object.keys(cards)) await david.delete(`${uid}.vcf`)
})

t.test('RFC 6578 §3.4, §3.5: sync-collection, from everything to what changed', async (t) => {
  const first = await david.sync()
  t.strictSame(first.changed, await david.list())
  t.equal(
    (await david.propfind(david.people, '0', '<D:prop><D:sync-token/></D:prop>')).text.includes(first.token),
    true,
  )
  const quiet = await david.sync(first.token)
  t.strictSame([quiet.changed.size, quiet.gone.length, quiet.token], [0, 0, first.token])
  await david.put('s1.vcf', vcard(['UID:s1', 'FN:1']))
  await david.put('s2.vcf', vcard(['UID:s2', 'FN:2']))
  await david.put('s1.vcf', vcard(['UID:s1', 'FN:1', 'NOTE:again']))
  await david.delete('s2.vcf')
  await kith.users.update(await kith.users.get('ryan.stone@spaceodyssey.com'), { title: 'Engineer' })
  const next = await david.sync(first.token)
  t.strictSame([...next.changed.keys()].sort(), [david.people + ryan, `${david.people}s1.vcf`].sort(), 'each once')
  t.strictSame(next.gone, [`${david.people}s2.vcf`])
  const gone = rows(next.answer.text).find(({ status }) => status === 404)
  t.notMatch(gone?.xml, '<D:propstat>')
  const again = await david.sync(first.token)
  t.strictSame([again.changed, again.gone], [next.changed, next.gone], 'a token is good more than once')
  const withData = await david.report(
    david.people,
    'D:sync-collection',
    `<D:sync-token>${first.token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><C:address-data/></D:prop>`,
    { depth: '1' },
  )
  const s1 = rows(withData.text).find(({ href }) => href.endsWith('s1.vcf'))
  t.match(s1?.card, 'NOTE:again', 'with the card, at Depth 1, as Thunderbird asks')
  await david.delete('s1.vcf')
})

t.test('RFC 6578 §3.6, §3.7: pages to the end are the whole', async (t) => {
  for (let at = 0; at < 7; at += 1) await david.put(`p${at}.vcf`, vcard([`UID:p${at}`, `FN:${at}`]))
  const limit = (count: number) => `<D:limit><D:nresults>${count}</D:nresults></D:limit>`
  const paged = async (token: string, count: number) => {
    const seen = new Map<string, string>()
    const gone: string[] = []
    for (let page = 0, at = token; page < 40; page += 1) {
      const answer = await david.sync(at, limit(count))
      t.equal(answer.answer.status, 207)
      t.ok(
        answer.changed.size + answer.gone.filter((href) => href !== david.people).length <= count,
        'within the limit',
      )
      for (const [href, etag] of answer.changed) {
        t.notOk(seen.has(href), 'no row twice')
        seen.set(href, etag)
      }
      gone.push(...answer.gone)
      at = answer.token
      if (!answer.more) return { seen, gone, token: at }
      const cut = rows(answer.answer.text).find(({ status }) => status === 507)
      t.equal(cut?.href, david.people)
      t.match(cut?.xml, '<D:error><D:number-of-matches-within-limits/></D:error>')
    }
    throw new Error('no end')
  }
  const start = await david.sync()
  for (const count of [1, 3, 100]) {
    const { seen, gone, token } = await paged('', count)
    t.strictSame([seen, gone], [start.changed, []], `pages of ${count}`)
    t.equal(token, start.token)
  }
  for (let at = 0; at < 7; at += 2) await david.delete(`p${at}.vcf`)
  await david.put('p1.vcf', vcard(['UID:p1', 'FN:1', 'NOTE:n']))
  const whole = await david.sync(start.token)
  for (const count of [1, 2, 50]) {
    const { seen, gone, token } = await paged(start.token, count)
    t.strictSame([seen, gone.sort(), token], [whole.changed, whole.gone.sort(), whole.token])
  }

  const firstPage = await david.sync(start.token, limit(1))
  await david.put('p0.vcf', vcard(['UID:p0', 'FN:back']))
  const rest = await paged(firstPage.token, 2)
  t.ok(
    (await david.sync(rest.token)).changed.has(`${david.people}p0.vcf`),
    'what changed between pages comes after them',
  )
  for (const count of ['0', '-1', 'x']) {
    t.equal((await david.sync('', `<D:limit><D:nresults>${count}</D:nresults></D:limit>`)).answer.status, 400)
  }
  for (let at = 0; at < 7; at += 1) await david.delete(`p${at}.vcf`)
})

t.test('RFC 6578 §3.6: a page may end at a card of any name', async (t) => {
  const name = '\ufffd \u{1f600}\u2028.vcf'
  await david.put(name, vcard(['UID:any', 'FN:Any']))
  const limit = '<D:limit><D:nresults>1</D:nresults></D:limit>'
  const seen: string[] = []
  for (let page = await david.sync('', limit); ; page = await david.sync(page.token, limit)) {
    t.equal(page.answer.status, 207)
    seen.push(...page.changed.keys())
    if (!page.more || page.answer.status !== 207) break
  }
  t.strictSame(seen.sort(), [...(await david.list()).keys()].sort())
  t.ok(seen.some((href) => decodeURIComponent(href).endsWith(name)))
  await david.delete(name)
})

t.test('RFC 6578 §3.2 valid-sync-token: a token that was never given here is refused', async (t) => {
  const { token } = await david.sync()
  await david.put('v.vcf', vcard(['UID:v', 'FN:V']))
  const zoe = await device('zoe.lind@spaceodyssey.com')
  const parts = token.split(':')
  const changed = (at: number, value: string) => parts.with(at, value).join(':')
  const page = (text: string) => `${token}:${Buffer.from(text).toString('base64url')}`
  const [baseRevision = '', baseStamp = '', ownRevision = ''] = parts.slice(5)
  const since = parts.slice(5).join(':')
  const bad: Record<string, string> = {
    'another collection': (await zoe.sync()).token,
    'above the base head': changed(5, String(BigInt(baseRevision) + 1n)),
    'above the own head': changed(7, String(BigInt(ownRevision) + 100n)),
    'a wrong base stamp': changed(6, String(BigInt(baseStamp) ^ 2n)),
    'a wrong own stamp': changed(8, '1'),
    'beyond 63 bits': changed(5, '9223372036854775808'),
    'no number': changed(5, '1; drop table journal'),
    negative: changed(5, '-1'),
    short: parts.slice(0, 8).join(':'),
    long: `${token}:x:y`,
    garbage: 'http://sabre.io/ns/sync/17',
    'a number': '17',
    endless: `urn:kith:sync:1:${'9'.repeat(100_000)}`,
    'a NUL in the page': page(`${since}\na\0b`),
    'no UTF-8 in the page': `${token}:${Buffer.from([10, 0xff, 0xfe]).toString('base64url')}`,
    'an empty page': `${token}:`,
    'a page since a wrong state': page(`${changed(6, '5').split(':').slice(5).join(':')}\na`),
    'a page since garbage': page('1:2:3\na'),
  }
  await changesNothing(t, running, organizationId, async () => {
    for (const [what, text] of Object.entries(bad)) {
      const { answer } = await david.sync(text)
      refused(t, answer, 403, 'D:valid-sync-token', what)
    }
    const inner = '<D:sync-token>garbage</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop>'
    const thunderbird = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.1.0' }
    refused(
      t,
      await david.report(david.people, 'D:sync-collection', inner, thunderbird),
      400,
      'D:valid-sync-token',
      'Thunderbird',
    )
  })
  const macos = await david.sync('0B2D9E4C-8A1F-4D6E-9B0C-1A2B3C4D5E6F')
  t.strictSame([macos.answer.status, macos.changed], [207, await david.list()], 'macOS’s bare UUID gets a full listing')
  t.equal((await david.sync(token)).changed.size, 1, 'the right one is still good')
  await david.delete('v.vcf')
})

t.test('RFC 6578 §3.2 valid-sync-token: a floor raised past any state that a token carries refuses it', async (t) => {
  const user = await kith.users.get('david.bowman@spaceodyssey.com')
  const start = (await david.sync()).token
  for (let at = 0; at < 3; at += 1) await david.put(`f${at}.vcf`, vcard([`UID:f${at}`, `FN:${at}`]))
  const limit = '<D:limit><D:nresults>1</D:nresults></D:limit>'
  const page = (await david.sync(start, limit)).token
  const initial = (await david.sync('', limit)).token
  await kith.users.setScope(user, 'none')
  for (const [what, token] of Object.entries({ start, page, initial })) {
    refused(t, (await david.sync(token)).answer, 403, 'D:valid-sync-token', what)
  }
  const fresh = await david.sync()
  t.notOk(fresh.changed.has(david.people + ryan), 'nobody is in scope')
  t.ok(fresh.changed.has(`${david.people}f0.vcf`))
  await kith.users.setScope(user, 'everyone')
  refused(t, (await david.sync(fresh.token)).answer, 403, 'D:valid-sync-token')
  const token = (await david.sync()).token
  await david.delete('f0.vcf')
  await kith.store.collections.prune(new Date(Date.now() + 60_000))
  refused(t, (await david.sync(token)).answer, 403, 'D:valid-sync-token', 'pruned')
  t.equal((await david.sync((await david.sync()).token)).changed.size, 0)
  for (let at = 1; at < 3; at += 1) await david.delete(`f${at}.vcf`)
})

t.test('RFC 3253 §3.6: what is no report here is refused', async (t) => {
  await changesNothing(t, running, organizationId, async () => {
    for (const root of ['D:expand', 'C:addressbook-none', 'D:version-tree']) {
      refused(t, await david.report(david.people, root, ''), 403, 'D:supported-report', root)
    }
    refused(t, await david.report(david.home, 'C:addressbook-query', GETETAG), 403, 'D:supported-report', 'of a home')
    t.equal((await david.report(`${david.home}none/`, 'C:addressbook-query', GETETAG)).status, 404)
    t.equal((await david.ask('REPORT', david.people)).status, 400)
  })
})

t.test('RFC 4918 §9.1: every row of a listing that tells a 404 propstat tells the 200 first', async (t) => {
  const asked = '<D:prop><x:a xmlns:x="urn:x"/><D:getetag/></D:prop>'
  for (const root of ['C:addressbook-query', 'D:sync-collection']) {
    const inner = root === 'D:sync-collection' ? `<D:sync-token/><D:sync-level>1</D:sync-level>${asked}` : asked
    for (const row of rows((await david.report(david.people, root, inner)).text)) {
      t.strictSame(
        propstats(row).map(({ status }) => status),
        [200, 404],
      )
      t.ok(prop(row, 'D:getetag'))
    }
  }
})

t.test('RFC 7617 §2: REPORT is challenged like the rest', async (t) => {
  t.equal((await ask(url, 'REPORT', david.people, { body: '<D:sync-collection xmlns:D="DAV:"/>' })).status, 401)
})

t.test('A listing, a multiget, a query and a sync ask the database as often for 150 cards as for one', async (t) => {
  const zoe = await device('zoe.lind@spaceodyssey.com')
  await kith.users.setScope(await kith.users.get('zoe.lind@spaceodyssey.com'), 'none')
  const ways: Record<string, () => Promise<unknown>> = {
    listing: () => zoe.list(),
    multiget: async () => {
      const hrefs = [...(await zoe.list()).keys()].map((href) => `<D:href>${href}</D:href>`).join('')
      return await zoe.report(zoe.people, 'C:addressbook-multiget', `<D:prop><C:address-data/></D:prop>${hrefs}`)
    },
    query: () => zoe.report(zoe.people, 'C:addressbook-query', GETETAG),
    sync: () => zoe.sync(),
  }
  const counts = async () => {
    const found: Record<string, number> = {}
    for (const [name, work] of Object.entries(ways)) found[name] = await statements(work)
    return found
  }
  await counts() // the app password is believed from here on
  const few = await counts()
  for (let at = 0; at < 150; at += 1) await zoe.put(`n${at}.vcf`, vcard([`UID:n${at}`, `FN:${at}`]))
  await counts()
  t.strictSame(await counts(), few)
  t.ok(Object.values(few).every((count) => count <= 5))
})

/** How many statements the database is sent meanwhile. */
async function statements(work: () => Promise<unknown>): Promise<number> {
  const { query } = pg.Client.prototype
  let count = 0
  pg.Client.prototype.query = function counted(this: pg.Client, ...given: unknown[]) {
    count += 1
    return Reflect.apply(query, this, given)
  } as typeof query
  try {
    await work()
  } finally {
    pg.Client.prototype.query = query
  }
  return count
}
