import fc from 'fast-check'
import t from 'tap'
import { COLLATIONS } from '../../protocols/carddav/reports/collation.ts'
import { cardFilter } from '../../protocols/carddav/reports/filter.ts'
import { parseXml } from '../../protocols/carddav/xml.ts'
import { parseVCard, searchKey, searchText } from '../../src/vcard/index.ts'
import { condition, vcard } from '../support/dav.ts'
import { type Device, rows, startKith } from '../support/kith.ts'

const running = await startKith(t)
const { device, cardOf, organization } = running
await organization('Space Odyssey', 'spaceodyssey.com', ['David Bowman', 'Ryan Stone'])
const david = await device('david.bowman@spaceodyssey.com')
const ryan = await cardOf('ryan.stone@spaceodyssey.com')

const CARDS: Readonly<Record<string, readonly string[]>> = {
  zoe: [
    'FN:Zoë Straße',
    'EMAIL;TYPE=home:zoe@home.example',
    'EMAIL;TYPE=work:zoe@work.example',
    'TEL;TYPE=cell:+49 30 1',
  ],
  odysseus: ['FN:ΟΔΥΣΣΕΎΣ', 'NICKNAME:Niemand', 'item1.TEL:+30 1', 'item1.X-ABLabel:Boat', 'TEL:+30 2'],
  comma: [
    'FN:Comma\\, Inc.',
    'N:Inc.;Comma;;;',
    'ORG:Comma\\, Inc.;Sales',
    'NOTE:two\\nlines',
    'EMAIL;TYPE="home,pref":c@c.c',
  ],
  bare: ['FN:Al', 'X-100:50% off_ \\\\ now', 'X-LIST;X-P="a,b":1', 'TEL;TYPE=cell,voice;TYPE=fax:+44 1'],
}
for (const [uid, lines] of Object.entries(CARDS)) {
  const { status } = await david.put(`${uid}.vcf`, vcard([`UID:${uid}`, ...lines]))
  if (status !== 201) throw new Error(`${uid} was not stored: ${status}`)
}

const query = (who: Device, filter: string, more = '', headers: Readonly<Record<string, string>> = { depth: '1' }) =>
  queryOf(who.people, who, filter, more, headers)
const queryOf = (
  book: string,
  who: Device,
  filter: string,
  more = '',
  headers: Readonly<Record<string, string>> = { depth: '1' },
) =>
  who.ask('REPORT', book, {
    headers: { 'content-type': 'application/xml', ...headers },
    body: `<C:addressbook-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:prop><D:getetag/></D:prop>${filter}${more}</C:addressbook-query>`,
  })
const mine = new Set(Object.keys(CARDS).map((uid) => `${uid}.vcf`))
const found = async (filter: string): Promise<string[]> => {
  const answer = await query(david, filter)
  t.equal(answer.status, 207, filter)
  const names = rows(answer.text).map(({ href }) => href.slice(href.lastIndexOf('/') + 1))
  return names
    .filter((name) => mine.has(name))
    .map((name) => name.replace('.vcf', ''))
    .sort()
}
const one = (name: string, inner: string, test = '') =>
  `<C:filter><C:prop-filter name="${name}"${test}>${inner}</C:prop-filter></C:filter>`
const text = (wanted: string, attributes = '') => `<C:text-match ${attributes}>${wanted}</C:text-match>`
const all = Object.keys(CARDS).sort()

t.test('RFC 6352 §10.5.4: match types and negation', async (t) => {
  t.strictSame(await found(one('FN', text('zoë'))), ['zoe'])
  t.strictSame(await found(one('FN', text('al', 'match-type="equals"'))), ['bare'])
  t.strictSame(await found(one('FN', text('comma', 'match-type="starts-with"'))), ['comma'])
  t.strictSame(await found(one('EMAIL', text('.example', 'match-type="ends-with"'))), ['zoe'])
  t.strictSame(
    await found(one('NICKNAME', text('x', 'negate-condition="yes"'))),
    ['odysseus'],
    'of those that have one',
  )
  t.strictSame(await found(one('X-100', text('50% off_ \\ now', 'match-type="equals"'))), ['bare'])
  t.strictSame(await found(one('X-100', text('5_%'))), [], 'no wildcards')
  t.strictSame(await found(one('FN', text(''))), all, 'the empty text is in every one')
  t.strictSame(await found(one('NOTE', text('two\nlines'))), ['comma'], 'unescaped')
  t.strictSame(await found(one('ORG', text('Comma, Inc.;Sales', 'match-type="equals"'))), ['comma'])
  t.strictSame(
    await found(one('N', text('inc.;comma;;;', 'match-type="equals"'))),
    ['comma'],
    'a structured value is whole',
  )
  t.strictSame(await found(one('N', text('comma', 'match-type="equals"'))), [])
})

t.test('RFC 6352 §8.3, RFC 5051 §2: collations', async (t) => {
  const fn = (wanted: string, collation: string) => found(one('FN', text(wanted, `collation="${collation}"`)))
  t.strictSame(await fn('ZOE', 'i;unicode-casemap'), ['zoe'], 'a letter is in its decomposition')
  t.strictSame(await fn('STRASSE', 'i;unicode-casemap'), ['zoe'])
  t.strictSame(await fn('οδυσσ', 'i;unicode-casemap'), ['odysseus'])
  t.strictSame(await fn('οδυσσεύς', 'i;unicode-casemap'), ['odysseus'], 'a final sigma is a sigma')
  t.strictSame(await fn('zOË', 'i;ascii-casemap'), [], 'Ë is no ASCII letter')
  t.strictSame(await fn('zOë', 'i;ascii-casemap'), ['zoe'])
  t.strictSame(await fn('zoë', 'i;octet'), [])
  t.strictSame(await fn('Zoë', 'i;octet'), ['zoe'])
  t.equal(condition(await query(david, one('FN', text('x', 'collation="i;klingon"')))), 'C:supported-collation')
})

t.test('RFC 6352 §10.5, §10.5.1: anyof and allof at both levels, on the same value', async (t) => {
  const both = `${text('zoe@home')}<C:param-filter name="TYPE">${text('work')}</C:param-filter>`
  t.strictSame(await found(one('EMAIL', both, ' test="allof"')), [], 'no one value is both')
  t.strictSame(await found(one('EMAIL', both)), ['zoe'], 'anyof unless told')
  const work = `${text('zoe@work')}<C:param-filter name="TYPE">${text('WORK')}</C:param-filter>`
  t.strictSame(await found(one('EMAIL', work, ' test="allof"')), ['zoe'])
  const two = (test: string) =>
    `<C:filter${test}><C:prop-filter name="NICKNAME"/><C:prop-filter name="FN">${text('al')}</C:prop-filter></C:filter>`
  t.strictSame(await found(two('')), ['bare', 'odysseus'])
  t.strictSame(await found(two(' test="allof"')), [])
  const loose = `<C:filter><C:prop-filter name="FN">${text('zoë')}</C:prop-filter><C:prop-filter name="NICKNAME">${text('x', 'negate-condition="yes"')}</C:prop-filter></C:filter>`
  t.strictSame(await found(loose), ['odysseus', 'zoe'], 'an alternative that no index narrows')
})

t.test('RFC 6352 §10.5.2, §10.5.3: defined or not, parameters, groups', async (t) => {
  t.strictSame(await found(one('nickname', '')), ['odysseus'], 'names in any case')
  t.strictSame(await found(one('NICKNAME', '<C:is-not-defined/>')), ['bare', 'comma', 'zoe'])
  t.strictSame(await found(one('EMAIL', '<C:param-filter name="type"/>')), ['comma', 'zoe'])
  t.strictSame(await found(one('TEL', '<C:param-filter name="TYPE"><C:is-not-defined/></C:param-filter>')), [
    'odysseus',
  ])
  t.strictSame(
    await found(one('EMAIL', `<C:param-filter name="TYPE">${text('pref', 'match-type="equals"')}</C:param-filter>`)),
    ['comma'],
  )
  const typed = (type: string, test = '') =>
    found(one('EMAIL', `<C:param-filter name="TYPE">${text(type, 'match-type="equals"')}</C:param-filter>`, test))
  t.strictSame(await typed('home'), ['comma', 'zoe'], 'one of a list, quoted or not')
  t.strictSame(await typed('home,pref'), [], 'the list is no value')
  t.strictSame(
    await found(one('X-LIST', `<C:param-filter name="X-P">${text('a,b', 'match-type="equals"')}</C:param-filter>`)),
    ['bare'],
    'what is quoted is one value, but for TYPE',
  )
  for (const type of ['cell', 'voice', 'fax']) {
    const filter = `<C:param-filter name="TYPE">${text(type, 'match-type="equals"')}</C:param-filter>`
    t.strictSame(
      await found(one('TEL', filter)),
      type === 'cell' ? ['bare', 'zoe'] : ['bare'],
      `repeated or listed: ${type}`,
    )
  }
  const cells = `${text('+44')}<C:param-filter name="TYPE">${text('fax', 'negate-condition="yes" match-type="equals"')}</C:param-filter>`
  t.strictSame(await found(one('TEL', cells, ' test="allof"')), ['bare'], 'some value of it is none')
  t.strictSame(await found(one('item1.TEL', text('+30 1'))), ['odysseus'])
  t.strictSame(await found(one('item1.TEL', text('+30 2'))), [])
  t.strictSame(await found(one('TEL', text('+30 1'))), ['odysseus'], 'without a prefix any group')
  t.strictSame(await found(one('item2.TEL', '<C:is-not-defined/>')), all)
  t.strictSame(await found(''), all)
  t.strictSame(await found('<C:filter/>'), all)
})

t.test('RFC 6352 §8.6: what cannot be answered is refused, and a limit is told by 507', async (t) => {
  for (const filter of [
    '<C:filter test="some"/>',
    one('FN', text('x', 'match-type="near"')).replace('<C:filter>', '<C:filter test="allof">'),
    one('FN', text('x', 'negate-condition="maybe"')),
    one('', text('x')),
    one('FN', '<C:other/>'),
    '<C:filter><C:comp-filter name="VCARD"/></C:filter>',
    one('FN', '<C:param-filter name="TYPE"><C:other/></C:param-filter>'),
    one('FN', `<C:is-not-defined/>${text('x')}`),
  ]) {
    const answer = await query(
      david,
      filter.replace('<C:filter test="some"/>', `<C:filter test="some"><C:prop-filter name="FN"/></C:filter>`),
    )
    t.strictSame([answer.status, condition(answer)], [403, 'C:supported-filter'], filter)
  }
  const limit = (n: number) => `<C:limit><C:nresults>${n}</C:nresults></C:limit>`
  const some = rows((await query(david, '', limit(2))).text)
  t.strictSame(
    some.map(({ status }) => status),
    [200, 200, 507],
  )
  const none = rows((await query(david, '', limit(0))).text)
  t.strictSame(
    none.map(({ status, href }) => [status, href]),
    [[507, david.people]],
  )
  const enough = rows((await query(david, one('FN', text('zoë')), limit(1))).text)
  t.strictSame(
    enough.map(({ status }) => status),
    [200],
    'no 507 where nothing is left out',
  )
  // Clients leave it out, or send 0, and mean the book's cards all the same.
  for (const headers of [{}, { depth: '0' }, { depth: 'infinity' }]) {
    const [row, ...rest] = rows((await query(david, one('FN', text('zoë')), '', headers)).text)
    t.strictSame([row?.href, rest.length], [`${david.people}zoe.vcf`, 0], `Depth ${JSON.stringify(headers)}`)
  }
})

t.test('What I see is what I find: my layer counts, a hidden card and others’ layers do not', async (t) => {
  const card = (await david.get(ryan)).text
  const mineToo = card.replace('END:VCARD', 'NOTE:climbs mountains\r\nEND:VCARD')
  t.equal((await david.put(ryan, mineToo)).status, 204)
  const names = async (who: Device, filter: string) => rows((await query(who, filter)).text).map(({ href }) => href)
  t.strictSame(await names(david, one('NOTE', text('mountains'))), [david.people + ryan])
  const julie = await device('ryan.stone@spaceodyssey.com')
  t.strictSame(await names(julie, one('NOTE', text('mountains'))), [])
  const full = one('FN', text('Ryan Stone', 'match-type="ends-with"'))
  t.strictSame(await names(david, full), [david.people + ryan], 'once')
  await david.delete(ryan)
  await david.delete(ryan)
  t.strictSame(await names(david, full), [])
})

t.test('What I do not see is not found: what I took away, others’ layers and books', async (t) => {
  const people = ['Frank Poole', 'Heywood Floyd', 'Elena Orlova']
  await organization('Discovery', 'discovery.space', people)
  const [frank, heywood] = [await device('frank.poole@discovery.space'), await device('heywood.floyd@discovery.space')]
  const elena = await cardOf('elena.orlova@discovery.space')
  const names = async (who: Device, filter: string, book = who.people) =>
    rows((await queryOf(book, who, filter)).text).map(({ href }) => href.slice(book.length))
  const mail = one('EMAIL', text('elena.orlova@', 'match-type="starts-with"'))
  const card = (await frank.get(elena)).text
  await frank.put(elena, card.replace(/^EMAIL.*\r\n/m, 'EMAIL:lena@home.example\r\n'))
  t.strictSame(await names(frank, mail), [], 'the base has it, what I see has not')
  t.strictSame(await names(frank, one('EMAIL', text('lena@home'))), [elena])
  t.strictSame(await names(heywood, mail), [elena])
  t.strictSame(await names(heywood, one('EMAIL', text('lena@home'))), [], 'another’s layer')

  const book = `${frank.home}own/`
  t.equal((await frank.ask('MKCOL', book)).status, 201)
  const put = { headers: { 'content-type': 'text/vcard' }, body: vcard(['UID:dave', 'FN:Dave of my own']) }
  t.equal((await frank.ask('PUT', `${book}dave.vcf`, put)).status, 201)
  const dave = one('FN', text('dave of'))
  t.strictSame(await names(frank, dave, book), ['dave.vcf'])
  t.strictSame(await names(frank, dave), [], 'a card is found in its book')
  t.strictSame(await names(frank, one('FN', text('elena')), book), [], 'which holds no colleagues')
  t.strictSame(await names(heywood, dave), [])

  const { kith } = running
  const team = await kith.teams.create('Pod Bay Crew', await kith.users.get('frank.poole@discovery.space'))
  const crew = one('FN', text('POD bay', 'match-type="starts-with"'))
  t.strictSame(await names(frank, crew), [`${team.id}.vcf`])
  t.strictSame(await names(heywood, crew), [], 'a team that I am not in')
})

t.test('the form of the answer does not change what is found', async (t) => {
  for (const version of ['3.0', '4.0']) {
    const body = `<C:addressbook-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:prop><C:address-data content-type="text/vcard" version="${version}"/></D:prop>${one('TEL', text('+49 30 1', 'match-type="equals"'))}</C:addressbook-query>`
    const [row, ...more] = rows((await david.ask('REPORT', david.people, { headers: { depth: '1' }, body })).text)
    t.equal(more.length, 0)
    t.match(row?.card, new RegExp(`VERSION:${version}`))
  }
})

const piece = fc.constantFrom(
  'a',
  'É',
  'é',
  'e',
  '\u0301',
  'ß',
  'SS',
  'ς',
  'Σ',
  'σ',
  'İ',
  'ı',
  'Å',
  '\u212b',
  'ﬁ',
  'fi',
  ' ',
  '\n',
  '%',
  '\\',
  '각',
  '1',
)
const words = fc.array(piece, { maxLength: 6 }).map((list) => list.join(''))

t.test('whatever a collation finds in a text, its search key has too (property-based)', async () => {
  fc.assert(
    fc.property(words, words, words, (before, wanted, after) => {
      const all = before + wanted + after
      return searchKey(all).includes(searchKey(wanted))
    }),
    { numRuns: 2_000 },
  )
  fc.assert(
    fc.property(words, words, (whole, wanted) =>
      [...COLLATIONS.values()].every(
        (fold) => !fold(whole).includes(fold(wanted)) || searchKey(whole).includes(searchKey(wanted)),
      ),
    ),
    { numRuns: 5_000 },
  )
})

t.test('every card that passes a filter passes what narrows it (property-based)', async () => {
  const quoted = (value: string) => value.replace(/[&<"]/g, (char) => `&#${char.charCodeAt(0)};`)
  const name = fc.constantFrom('FN', 'NOTE', 'EMAIL')
  const match = fc
    .tuple(
      words,
      fc.constantFrom('equals', 'contains', 'starts-with', 'ends-with'),
      fc.constantFrom('yes', 'no'),
      fc.constantFrom(...COLLATIONS.keys()),
    )
    .map(([wanted, type, negated, collation]) =>
      text(quoted(wanted), `match-type="${type}" negate-condition="${negated}" collation="${collation}"`),
    )
  const filter = fc
    .tuple(
      fc.constantFrom('anyof', 'allof'),
      fc.array(fc.tuple(name, fc.constantFrom('anyof', 'allof'), fc.array(match, { maxLength: 3 })), {
        minLength: 1,
        maxLength: 3,
      }),
    )
    .map(
      ([test, props]) =>
        `<C:filter xmlns:C="urn:ietf:params:xml:ns:carddav" test="${test}">${props.map(([n, of, inner]) => `<C:prop-filter name="${n}" test="${of}">${inner.length > 0 ? inner.join('') : '<C:is-not-defined/>'}</C:prop-filter>`).join('')}</C:filter>`,
    )
  const escaped = words.map((value) => value.replace(/[\\]/g, '\\\\').replace(/\n/g, '\\n'))
  const card = fc
    .array(fc.tuple(name, escaped), { maxLength: 4 })
    .map((lines) => parseVCard(vcard(lines.map(([n, value]) => `${n}:${value}`))))
  type Narrowing = NonNullable<NonNullable<ReturnType<typeof cardFilter>>['narrowing']>
  const passes = (narrowing: Narrowing, search: string): boolean => {
    if ('all' in narrowing) return narrowing.all.every((inner) => passes(inner, search))
    if ('any' in narrowing) return narrowing.any.some((inner) => passes(inner, search))
    if ('without' in narrowing) return !search.includes(`\n${narrowing.without.toLowerCase()}\t`)
    if ('property' in narrowing) return search.includes(`\n${narrowing.property.toLowerCase()}\t`)
    return search.includes(narrowing.text)
  }
  fc.assert(
    fc.property(filter, card, (xml, one) => {
      const rule = cardFilter(parseXml(Buffer.from(xml)))
      return !rule?.test(one) || !rule.narrowing || passes(rule.narrowing, searchText(one))
    }),
    { numRuns: 3_000 },
  )
})
