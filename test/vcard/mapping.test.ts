import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { parse } from 'vcard4'
import {
  type ContactData,
  dataProblems,
  decodeText,
  parseVCard,
  readData,
  serialize,
  unfolded,
  type VCard,
  type Version,
  writeData,
} from '../../src/vcard/index.ts'
import { card, sentText } from '../support/arbitraries.ts'

const CARDS = new URL('../clients/cards/', import.meta.url)
const RUNS = { numRuns: 500 }
const VERSIONS = ['3.0', '4.0'] as const
const vcard = (version: Version, ...lines: string[]): VCard =>
  parseVCard(`${['BEGIN:VCARD', `VERSION:${version}`, ...lines, 'END:VCARD'].join('\r\n')}\r\n`)
const body = (one: VCard): string[] => one.lines.slice(2, -1).map(unfolded)
type Change = Parameters<typeof writeData>[1]
type Key = keyof ContactData

/** What a card of each version holds for a field, and the field. */
const TABLE: { [Of in Key]: [data: NonNullable<ContactData[Of]>, three: string[], four?: string[]] } = {
  full_name: ['Dr Ryan Stone', ['FN:Dr Ryan Stone']],
  name: [
    { prefix: 'Dr', given: 'Ryan', additional: 'M', family: 'Stone; Jr', suffix: 'PhD' },
    ['N:Stone\\; Jr;Ryan;M;Dr;PhD'],
  ],
  short_name: ['Ry', ['NICKNAME:Ry']],
  emails: [
    [
      { type: 'Work', value: 'ryan.stone@spaceodyssey.com' },
      { type: 'Home', value: 'ryan@stone.com' },
      { type: 'Other', value: 'r@x.example' },
    ],
    ['EMAIL;TYPE=work:ryan.stone@spaceodyssey.com', 'EMAIL;TYPE=home:ryan@stone.com', 'EMAIL:r@x.example'],
  ],
  phones: [
    [
      { type: 'Mobile', value: '1' },
      { type: 'Home', value: '2' },
      { type: 'Work', value: '3' },
      { type: 'Main', value: '4' },
      { type: 'Work Fax', value: '5' },
      { type: 'Home Fax', value: '6' },
      { type: 'Pager', value: '7' },
      { type: 'Other', value: '8' },
    ],
    [
      'TEL;TYPE=cell:1',
      'TEL;TYPE=home:2',
      'TEL;TYPE=work:3',
      'TEL;TYPE=main:4',
      'TEL;TYPE=work,fax:5',
      'TEL;TYPE=home,fax:6',
      'TEL;TYPE=pager:7',
      'TEL:8',
    ],
  ],
  addresses: [
    [
      {
        type: 'Work',
        street: '1 Ring Rd\n2nd floor',
        city: 'Houston, TX',
        state: 'Texas',
        zip: '77058',
        country: 'USA',
      },
      { type: 'Other', city: 'Paris' },
    ],
    ['ADR;TYPE=work:;;1 Ring Rd\\n2nd floor;Houston\\, TX;Texas;77058;USA', 'ADR:;;;Paris;;;'],
  ],
  links: [
    [
      { type: 'Website', value: 'https://a.example/?a=1,2;b' },
      { type: 'Profile', value: 'https://b.example/' },
      { type: 'Blog', value: 'https://c.example/' },
      { type: 'Other', value: 'https://d.example/' },
      { type: 'Twitter', value: 'https://x.example/k' },
      { type: 'LinkedIn', value: 'https://l.example/k' },
    ],
    [
      'URL:https://a.example/?a=1,2;b',
      'URL;TYPE=profile:https://b.example/',
      'URL;TYPE=blog:https://c.example/',
      'URL;TYPE=other:https://d.example/',
      'X-SOCIALPROFILE;TYPE=Twitter:https://x.example/k',
      'X-SOCIALPROFILE;TYPE=LinkedIn:https://l.example/k',
    ],
    [
      'URL:https://a.example/?a=1,2;b',
      'URL;TYPE=profile:https://b.example/',
      'URL;TYPE=blog:https://c.example/',
      'URL;TYPE=other:https://d.example/',
      'SOCIALPROFILE;SERVICE-TYPE=Twitter:https://x.example/k',
      'SOCIALPROFILE;SERVICE-TYPE=LinkedIn:https://l.example/k',
    ],
  ],
  organizations: [
    [{ name: 'Discovery', department: 'Crew', jobTitle: 'Engineer' }, { name: 'NASA' }],
    ['ORG:Discovery;Crew', 'ORG:NASA', 'TITLE:Engineer'],
  ],
  notes: ['line one\nline two, \\ and ; all', ['NOTE:line one\\nline two\\, \\\\ and \\; all']],
  photo: ['data:image/jpeg;base64,AAEC', ['PHOTO;ENCODING=b;TYPE=JPEG:AAEC'], ['PHOTO:data:image/jpeg;base64,AAEC']],
  customFields: [
    { 'badge; "no"': '7', __proto__x: 'y' },
    ['X-KITH-CUSTOM;X-KEY="badge; ^\'no^\'":7', 'X-KITH-CUSTOM;X-KEY=__proto__x:y'],
  ],
}
const KEYS = Object.keys(TABLE) as Key[] // TABLE has every key of ContactData and no other

t.test('every field of `data` is read from and written to both versions', async (t) => {
  for (const version of VERSIONS) {
    for (const key of KEYS) {
      const [data, three, four = three] = TABLE[key]
      const lines = version === '3.0' ? three : four
      t.strictSame(readData(vcard(version, ...lines))[key], data, `read ${key} of ${version}`)
      t.strictSame(body(writeData(vcard(version), { [key]: data })), lines, `write ${key} of ${version}`)
      const gone = writeData(vcard(version, ...lines), { [key]: undefined })
      t.notOk(readData(gone)[key], `remove ${key} of ${version}`)
    }
  }
})

t.test('what clients write is read too', async (t) => {
  const read = (...lines: string[]) => readData(vcard('3.0', 'FN:R', ...lines))
  t.strictSame(
    read('TEL;TYPE="home,voice":1').phones,
    [{ type: 'Home', value: '1' }],
    'a list of types in quotation marks',
  )
  t.strictSame(read('TEL;HOME;VOICE:1').phones, [{ type: 'Home', value: '1' }], 'bare types')
  t.strictSame(read('tel;value=uri;type=CELL:tel:+1-2').phones, [{ type: 'Mobile', value: '+1-2' }])
  t.strictSame(read('item1.EMAIL;type=INTERNET:a@b.c', 'item1.X-ABLabel:x').emails, [{ type: 'Other', value: 'a@b.c' }])
  t.strictSame(read('URL:http\\://a.example/?id\\=7').links, [{ type: 'Website', value: 'http://a.example/?id=7' }])
  t.strictSame(read('N:Nguyễn;Hạnh;Thị,Minh;;').name, { given: 'Hạnh', additional: 'Thị, Minh', family: 'Nguyễn' })
  t.strictSame(read('PHOTO:https\\://a.example/p').photo, 'https://a.example/p')
  t.strictSame(read('EMAIL:', 'TEL:', 'URL:', 'ADR:;;;;;;', 'NOTE:', 'ORG:;', 'N:;;;;', 'X-KITH-CUSTOM:x'), {
    full_name: 'R',
  })
  const four = readData(
    vcard('4.0', 'FN:R', 'X-SOCIALPROFILE;TYPE=facebook:https://f.example', 'PHOTO;ENCODING=b;TYPE=PNG:AAEC'),
  )
  t.strictSame(four.links, [{ type: 'Facebook', value: 'https://f.example' }], 'a 3.0 name in a 4.0 card')
  t.equal(four.photo, 'data:image/png;base64,AAEC')
})

t.test('where FN is empty, the name is shown from N, ORG or e-mail, in this order', async (t) => {
  const shown = (...lines: string[]) => readData(vcard('3.0', 'FN:', ...lines)).full_name
  t.equal(shown('EMAIL:a@b.c', 'ORG:Acme;', 'N:Stone;Ryan;;Dr;'), 'Dr Ryan Stone')
  t.equal(shown('EMAIL:a@b.c', 'ORG:Acme;', 'N:;;;;'), 'Acme')
  t.equal(shown('EMAIL:a@b.c'), 'a@b.c')
  t.equal(shown(), '')
  const own = vcard('3.0', 'FN:', 'N:Stone;Ryan;;;')
  t.strictSame(body(writeData(own, { full_name: 'Ryan Stone' })), body(own), 'what is shown is not written')
  t.strictSame(body(writeData(own, { full_name: 'Dr Stone' })), ['FN:Dr Stone', 'N:Stone;Ryan;;;'])
})

const text = fc.string({
  unit: fc.constantFrom('a', 'B', 'ß', '李', '😀', ' ', ',', ';', ':', '\\', '"', '^', '=', '\n', '\t'),
  maxLength: 12,
})
const full = text.map((value) => `x${value}`)
const uri = fc.webUrl({ withQueryParameters: true, withFragments: true })
const email = fc.tuple(fc.stringMatching(/^[a-z+.\\]{1,8}$/), fc.domain()).map((parts) => parts.join('@'))
const list = <Item>(item: fc.Arbitrary<Item>) => fc.array(item, { minLength: 1, maxLength: 4 })
const places = fc.constantFrom('Work' as const, 'Home' as const, 'Other' as const)
const some = <Value extends object>(model: { [Of in keyof Value]: fc.Arbitrary<Value[Of]> }) =>
  fc.record(model, { requiredKeys: [] }) as fc.Arbitrary<Partial<Value>> // `record` types each key as optional
const drawn = fc.record({
  full_name: full,
  name: some({ prefix: full, given: full, additional: full, family: full, suffix: full }).filter(
    (name) => Object.keys(name).length > 0,
  ),
  short_name: full,
  emails: list(fc.record({ type: places, value: email })),
  phones: list(
    fc.record({
      type: fc.constantFrom(...(['Mobile', 'Home', 'Work', 'Main', 'Work Fax', 'Home Fax', 'Pager', 'Other'] as const)),
      value: full,
    }),
  ),
  addresses: list(
    fc
      .tuple(places, full, some({ city: full, state: full, zip: full, country: full }))
      .map(([type, street, rest]) => ({ type, street, ...rest })),
  ),
  links: list(
    fc.record({
      type: fc.constantFrom(
        ...(['Profile', 'Blog', 'Website', 'Twitter', 'Facebook', 'Instagram', 'LinkedIn', 'Other'] as const),
      ),
      value: uri,
    }),
  ),
  organizations: fc
    .array(some({ name: full, department: full, jobTitle: full }), { minLength: 1, maxLength: 4 })
    .filter((units) => Object.keys(units.at(-1) ?? {}).length > 0),
  notes: full,
  photo: fc.oneof(uri, fc.constant('data:image/png;base64,AAEC')),
  customFields: fc.dictionary(text, text, { minKeys: 1, maxKeys: 4 }),
})
// As it comes from a client; every field is there, and `some` leaves parts out, never undefined.
const data = drawn.map((one) => JSON.parse(JSON.stringify(one)) as Required<ContactData>)
const key = fc.constantFrom(...KEYS)
const anyCard = fc.oneof(
  card(),
  fc
    .constantFrom(...VERSIONS)
    .chain(sentText)
    .map(parseVCard),
)
const one = (from: ContactData, of: Key): Change => ({ [of]: from[of] })

t.test('what is written is what is read', async (t) => {
  const property = fc.property(anyCard, data, fc.uniqueArray(key), (own, given, keys) => {
    assert.deepEqual(dataProblems(given, true), [])
    const change = Object.fromEntries(keys.map((of) => [of, given[of]])) as Change // keys and values of one object
    const written = writeData(own, change)
    assert.deepEqual(parseVCard(serialize(written)).lines.length, written.lines.length)
    const read = readData(parseVCard(serialize(written)))
    for (const of of keys) assert.deepEqual(read[of], given[of], of)
    const others = KEYS.filter(
      (of) => !keys.includes(of) && (of !== 'full_name' || readData(own).full_name === read[of]),
    )
    for (const of of others) assert.deepEqual(read[of], readData(own)[of], `${of} is as it was`)
  })
  t.doesNotThrow(() => fc.assert(property, RUNS))
})

const NAMES: { [Of in Key]: RegExp } = {
  full_name: /^FN$/,
  name: /^N$/,
  short_name: /^NICKNAME$/,
  emails: /^EMAIL$/,
  phones: /^TEL$/,
  addresses: /^ADR$/,
  links: /^(URL|(X-)?SOCIALPROFILE)$/,
  organizations: /^(ORG|TITLE)$/,
  notes: /^NOTE$/,
  photo: /^PHOTO$/,
  customFields: /^X-KITH-CUSTOM$/,
}

t.test('writing a field leaves every other line byte for byte', async (t) => {
  const property = fc.property(anyCard, data, key, fc.boolean(), (own, given, of, remove) => {
    const written = writeData(own, remove ? { [of]: undefined } : one(given, of))
    const others = (lines: VCard['lines']) => lines.filter(({ name }) => !NAMES[of].test(name))
    const labels = (lines: VCard['lines']) => lines.filter(({ name }) => !name.startsWith('X-AB'))
    assert.deepEqual(labels(others(written.lines)), labels(others(own.lines)))
    for (const line of others(written.lines)) assert.ok(own.lines.includes(line), 'no label is new')
  })
  t.doesNotThrow(() => fc.assert(property, RUNS))
})

t.test('writing what is read changes nothing', async (t) => {
  const property = fc.property(anyCard, fc.uniqueArray(key), (own, keys) => {
    const read = readData(own)
    const change = Object.fromEntries(keys.map((of) => [of, read[of]])) as Change // likewise
    assert.equal(serialize(writeData(own, change)), serialize(own))
    assert.equal(serialize(writeData(own, JSON.parse(JSON.stringify(read)) as Change)), serialize(own)) // as a client sends it
  })
  t.doesNotThrow(() => fc.assert(property, RUNS))
  for (const name of readdirSync(CARDS).filter((file) => file.endsWith('.vcf'))) {
    const own = parseVCard(decodeText(readFileSync(new URL(name, CARDS))).text)
    t.equal(serialize(writeData(own, readData(own))), serialize(own), name)
  }
  const own = vcard('4.0', 'FN:R', 'ADR:;;;P;;;', 'EMAIL;TYPE=work:a@b.c')
  const change: Change = {
    emails: [{ value: 'a@b.c', type: 'Work' }],
    addresses: [{ city: 'P', type: 'Other', zip: '' }],
  }
  t.equal(serialize(writeData(own, change)), serialize(own), 'whatever the order of keys, and with empty parts')
})

t.test('an edit keeps what it does not mean to change', async (t) => {
  const edit = (version: Version, lines: string[], change: Change) =>
    body(writeData(vcard(version, 'FN:R', ...lines), change)).slice(1)
  const email1 = ['item1.EMAIL;TYPE=INTERNET;TYPE=work;TYPE=pref:a@b.c', 'item1.X-ABLabel:x']
  t.strictSame(edit('3.0', email1, { emails: [{ type: 'Home', value: 'a@b.c' }] }), [
    'item1.EMAIL;TYPE=home;TYPE=INTERNET;TYPE=pref:a@b.c',
    'item1.X-ABLABEL:x',
  ])
  t.strictSame(
    edit('3.0', email1, { emails: [{ type: 'Work', value: 'z@b.c' }] }),
    ['EMAIL;TYPE=work:z@b.c'],
    'a label goes with its property',
  )
  t.strictSame(edit('3.0', email1, { emails: undefined }), [])
  const shared = ['i.EMAIL:a@b.c', 'i.TEL:1', 'i.X-ABLabel:x']
  t.strictSame(edit('4.0', shared, { emails: [] }), ['i.TEL:1', 'i.X-ABLABEL:x'], 'unless another has it')
  t.strictSame(edit('4.0', ['ADR;TYPE=work:Box 7;;S;;;;'], { addresses: [{ type: 'Home', street: 'S' }] }), [
    'ADR;TYPE=home:Box 7;;S;;;;',
  ])
  t.strictSame(edit('4.0', ['TEL;VALUE=uri;TYPE="home,voice":tel:1'], { phones: [{ type: 'Mobile', value: '1' }] }), [
    'TEL;TYPE=cell;VALUE=uri;TYPE=voice:tel:1',
  ])
  t.strictSame(edit('4.0', ['URL:https://a.example'], { links: [{ type: 'Twitter', value: 'https://a.example' }] }), [
    'SOCIALPROFILE;SERVICE-TYPE=Twitter:https://a.example',
  ])
  t.strictSame(
    edit('4.0', ['NOTE:one', 'NOTE:two'], { notes: 'ONE' }),
    ['NOTE:ONE', 'NOTE:two'],
    'the first of several notes',
  )
  t.strictSame(
    edit('4.0', ['EMAIL:1@b.c', 'NOTE:x', 'EMAIL:2@b.c'], {
      emails: ['2@b.c', '3@b.c', '1@b.c'].map((value) => ({ type: 'Other' as const, value })),
    }),
    ['EMAIL:2@b.c', 'NOTE:x', 'EMAIL:3@b.c', 'EMAIL:1@b.c'],
  )
  t.strictSame(
    readData(
      writeData(vcard('4.0', 'FN:R', 'ORG:B', 'TITLE:y'), {
        organizations: [{ name: 'A' }, { name: 'B', jobTitle: 'y' }],
      }),
    ).organizations,
    [{ name: 'A' }, { name: 'B', jobTitle: 'y' }],
    'a title stays with its organization',
  )
  t.strictSame(edit('3.0', ['N:a;;;;'], { name: undefined }), ['N:;;;;'], '3.0 requires N')
})

t.test('customFields: names of Object.prototype are names like others', async (t) => {
  const fields = JSON.parse('{"__proto__":"p","constructor":"c","toString":"s","hasOwnProperty":"h"}') as {
    [of: string]: string
  } // all texts
  t.strictSame(dataProblems({ full_name: 'R', customFields: fields }, true), [])
  const read = readData(writeData(vcard('4.0', 'FN:R'), { customFields: fields }))
  t.strictSame(Object.entries(read.customFields ?? {}), Object.entries(fields))
  t.equal(Object.getPrototypeOf(read.customFields), Object.prototype)
  t.notOk('p' in {})
  t.equal(String({}), '[object Object]')
  t.strictSame(readData(vcard('4.0', '__PROTO__:x', 'CONSTRUCTOR;__PROTO__=y:z', '__proto__.FN:R')), { full_name: 'R' })
})

t.test('dataProblems names the field', async (t) => {
  const fields = (given: unknown, whole = false) => dataProblems(given, whole).map(({ field }) => field)
  t.strictSame(fields({ notes: 'a\0b', customFields: { one: '\ud800' } }), ['data.notes', 'data.customFields.one'])
  const cases: [unknown, string[]][] = [
    [null, ['data']],
    [[], ['data']],
    ['x', ['data']],
    [{ nope: 1 }, ['data.nope']],
    [JSON.parse('{"__proto__":{},"constructor":1}'), ['data.__proto__', 'data.constructor']],
    [{ full_name: '' }, ['data.full_name']],
    [{ full_name: ' \n' }, ['data.full_name']],
    [{ full_name: null }, ['data.full_name']],
    [{ full_name: 'x'.repeat(151) }, ['data.full_name']],
    [{ full_name: '😀'.repeat(150) }, []],
    [{ short_name: 'x'.repeat(31) }, ['data.short_name']],
    [{ short_name: 'x'.repeat(30) }, []],
    [{ name: { given: 1, middle: 'x' } }, ['data.name.given', 'data.name.middle']],
    [{ emails: {} }, ['data.emails']],
    [{ emails: [{ type: 'work', value: 'a@b.c' }] }, ['data.emails[0].type']],
    [{ emails: [{ type: 'Work', value: 'a@b.c' }, { value: 'a@b' }] }, ['data.emails[1].type']],
    [{ emails: [{ type: 'Work', value: 'a b@c' }, null] }, ['data.emails[0].value', 'data.emails[1]']],
    [{ emails: [{ type: 'Work', value: 'a@b\0' }] }, ['data.emails[0].value']],
    [{ phones: [{ type: 'Fax', value: '1' }] }, ['data.phones[0].type']],
    [{ phones: [{ type: 'Work Fax', value: ' ' }] }, ['data.phones[0].value']],
    [{ addresses: [{ street: 1, type: 'Home' }] }, ['data.addresses[0].street']],
    [{ links: [{ type: 'Blog', value: 'a.example' }] }, ['data.links[0].value']],
    [{ links: [{ type: 'Blog', value: 'https://a.example/ b' }] }, ['data.links[0].value']],
    [{ links: [{ type: 'Blog', value: 'https://a.example/\\' }] }, ['data.links[0].value']],
    [{ organizations: [{ title: 'x' }] }, ['data.organizations[0].title']],
    [{ photo: 'x' }, ['data.photo']],
    [{ customFields: { a: 1 } }, ['data.customFields.a']],
    [{ customFields: [] }, ['data.customFields']],
  ]
  for (const [given, expected] of cases) t.strictSame(fields(given), expected, JSON.stringify(given).slice(0, 60))
  t.strictSame(fields({}, true), ['data.full_name'])
  t.equal(fields({ emails: Array.from({ length: 200_000 }, () => null) }).length, 200_000, 'however many')
})

/**
 * It knows no property of RFC 9554, and misreads quotation marks in values, `;` and `,` at the end of one or in a
 * parameter, and a TEL that looks like a URI: those are left out.
 */
t.test('a second reader (vcard4) reads the same from the 4.0 that is made', async (t) => {
  const tame = <Value>(value: Value): Value =>
    JSON.parse(
      JSON.stringify(value, (_, item) =>
        typeof item === 'string' ? item.replace(/[":]/g, '').replace(/[;,\\]+$/, '') : item,
      ),
    )
  const second = fc.property(data, ({ links, photo, emails, customFields: _, ...rest }) => {
    const known = links.filter(({ type }) => /^(Profile|Blog|Website|Other)$/.test(type))
    const given = { ...tame(rest), photo, emails, links: known, customFields: { 'badge no': 'x' } }
    const made = writeData(vcard('4.0'), given)
    const read = parse(serialize(made))
    assert.ok(!Array.isArray(read))
    const values = (name: string): unknown[] => {
      const found: unknown = read.properties.includes(name) ? read.getProperty(name) : [] // one, or a list of them
      return (Array.isArray(found) ? found : [found]).map((property: { value: unknown }) => property.value)
    }
    assert.deepEqual(values('FN'), [given.full_name])
    assert.deepEqual(values('NOTE'), [given.notes])
    assert.deepEqual(values('EMAIL').length, given.emails.length)
    assert.deepEqual(
      values('TEL'),
      given.phones.map(({ value }) => value),
    )
    assert.deepEqual(
      values('URL'),
      given.links.map(({ value }) => value),
    )
    assert.deepEqual(values('X-KITH-CUSTOM'), ['x'])
    assert.equal(read.parsedVcard.length, body(made).length)
  })
  t.doesNotThrow(() => fc.assert(second, { numRuns: 200 }))
})
