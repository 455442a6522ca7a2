import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import {
  convert,
  decodeText,
  fromJCard,
  meaning,
  parseVCard,
  properties,
  serialize,
  toJCard,
  unfolded,
  type VCard,
  VCardSyntaxError,
} from '../../src/vcard/index.ts'
import { card, sentText } from '../support/arbitraries.ts'

const CARDS = new URL('../clients/cards/', import.meta.url)
const said = (one: VCard): string[] => properties(one.lines).map(meaning).sort()
const back = (one: VCard): VCard => parseVCard(serialize(fromJCard(toJCard(one))))
const vcard = (...lines: string[]): VCard =>
  parseVCard(`${['BEGIN:VCARD', 'VERSION:4.0', ...lines, 'END:VCARD'].join('\r\n')}\r\n`)
const json = (...lines: string[]): unknown[] => JSON.parse(toJCard(vcard(...lines)))[1].slice(1)
const problem = (text: string): string => {
  try {
    fromJCard(text)
  } catch (error) {
    if (error instanceof VCardSyntaxError) return error.problem
    throw error
  }
  return 'none'
}

/** 4.0 line ↔ jCard property; where the way back writes it otherwise, the third says how. */
const TABLE: Record<string, [line: string, property: unknown, written?: string]> = {
  'a text without its escapes': ['NOTE:a\\, b\\nc\\;d\\\\', ['note', {}, 'text', 'a, b\nc;d\\']],
  'components, one of them a list': [
    'N:Perreault;Simon;;;ing. jr,M.Sc.',
    ['n', {}, 'text', ['Perreault', 'Simon', '', '', ['ing. jr', 'M.Sc.']]],
  ],
  'one component alone': ['ORG:Viagenie', ['org', {}, 'text', 'Viagenie']],
  'one component that is a list': ['N:a,b', ['n', {}, 'text', [['a', 'b']]]],
  'components with separators in them': ['ORG:a\\;b;c\\,d', ['org', {}, 'text', ['a;b', 'c,d']]],
  'a gender of two components': ['GENDER:O;x', ['gender', {}, 'text', ['O', 'x']]],
  'several values': ['CATEGORIES:a\\,b,c', ['categories', {}, 'text', 'a,b', 'c']],
  'a URI is nothing else': ['IMPP:xmpp:a,b@c.d', ['impp', {}, 'uri', 'xmpp:a,b@c.d']],
  'a data: URI': ['PHOTO:data:image/gif;base64,AAEC', ['photo', {}, 'uri', 'data:image/gif;base64,AAEC']],
  'a type that VALUE names': ['TEL;VALUE=uri;TYPE=home:tel:+1', ['tel', { type: 'home' }, 'uri', 'tel:+1']],
  'a VALUE that says what is so anyway': ['TEL;VALUE=text:1', ['tel', {}, 'text', '1'], 'TEL:1'],
  'lists of types': [
    'TEL;TYPE="voice,home";PREF=1:1',
    ['tel', { type: ['voice', 'home'], pref: '1' }, 'text', '1'],
    'TEL;TYPE=voice,home;PREF=1:1',
  ],
  'a parameter without its carets': [
    'ADR;LABEL="a^nb ^\'c^\' ^^, d":;;1 Street;;;;',
    ['adr', { label: 'a\nb "c" ^, d' }, 'text', ['', '', '1 Street', '', '', '', '']],
  ],
  'a group is a parameter': ['item1.TEL:1', ['tel', { group: 'item1' }, 'text', '1']],
  'an extension is of unknown type, its value as written': [
    'X-COFFEE:Stenophylla;Guinea\\,Africa',
    ['x-coffee', {}, 'unknown', 'Stenophylla;Guinea\\,Africa'],
  ],
  'an extension with its type': ['X-A;VALUE=text:a\\,b', ['x-a', {}, 'text', 'a,b']],
  'an integer': ['X-A;VALUE=integer:-12', ['x-a', {}, 'integer', -12]],
  'an integer that JSON cannot write': ['X-A;VALUE=integer:007', ['x-a', {}, 'integer', '007']],
  'a boolean': ['X-A;VALUE=boolean:TRUE', ['x-a', {}, 'boolean', true]],
  'a language': ['LANG;PREF=1:de', ['lang', { pref: '1' }, 'language-tag', 'de']],
  'an offset': ['TZ;VALUE=utc-offset:-0500', ['tz', {}, 'utc-offset', '-05:00']],
  'a date': ['BDAY:19850412', ['bday', {}, 'date-and-or-time', '1985-04-12']],
  'a date of its type': ['BDAY;VALUE=date:19850412', ['bday', {}, 'date', '1985-04-12']],
  'a date without its year': ['BDAY:--0412', ['bday', {}, 'date-and-or-time', '--04-12']],
  'a day alone': ['BDAY:---12', ['bday', {}, 'date-and-or-time', '---12']],
  'a month alone': ['BDAY:--04', ['bday', {}, 'date-and-or-time', '--04']],
  'a year and month': ['BDAY:1985-04', ['bday', {}, 'date-and-or-time', '1985-04']],
  'a year alone': ['BDAY:1985', ['bday', {}, 'date-and-or-time', '1985']],
  'a date and time': [
    'ANNIVERSARY:20090808T1430-0500',
    ['anniversary', {}, 'date-and-or-time', '2009-08-08T14:30-05:00'],
  ],
  'a time': ['BDAY:T102200', ['bday', {}, 'date-and-or-time', 'T10:22:00']],
  'minutes and seconds': ['BDAY:T-2200', ['bday', {}, 'date-and-or-time', 'T-22:00']],
  'a timestamp': ['REV:19951031T222710Z', ['rev', {}, 'timestamp', '1995-10-31T22:27:10Z']],
  'a text for a date': ['BDAY;VALUE=text:circa 1800', ['bday', {}, 'text', 'circa 1800']],
  'what is no date': ['REV:2026-07-01T05:59:12Z(0)', ['rev', {}, 'timestamp', '2026-07-01T05:59:12Z(0)']],
}
t.test('RFC 7095: each kind of property as jCard, and back', async (t) => {
  for (const [title, [line, property, written]] of Object.entries(TABLE)) {
    t.strictSame(json(line), [property], title)
    t.equal(
      unfolded(back(vcard(line)).lines[2] ?? { name: '', parameters: [], value: '' }),
      written ?? line,
      `${title}, back`,
    )
  }
})

t.test('RFC 7095 §3.3.1.1: version comes first, begin and end not at all', async (t) => {
  const one = parseVCard('BEGIN:VCARD\r\nFN:R\r\nVERSION:4.0\r\nEND:VCARD\r\n')
  t.strictSame(JSON.parse(toJCard(one)), [
    'vcard',
    [
      ['version', {}, 'text', '4.0'],
      ['fn', {}, 'text', 'R'],
    ],
  ])
})

t.test('A card of 3.0 becomes a jCard of 4.0', async (t) => {
  const three = parseVCard(
    'BEGIN:VCARD\r\nVERSION:3.0\r\nFN:R\r\nN:S;R;;;\r\nPHOTO;ENCODING=b;TYPE=GIF:AAEC\r\nBDAY;X-APPLE-OMIT-YEAR=1604:1604-03-04\r\nEND:VCARD\r\n',
  )
  t.strictSame(JSON.parse(toJCard(three))[1].slice(3), [
    ['photo', {}, 'uri', 'data:image/gif;base64,AAEC'],
    ['bday', {}, 'date-and-or-time', '--03-04'],
  ])
})

t.test('4.0 → jCard → 4.0 is equal in the meaning of every property', async (t) => {
  for (const name of readdirSync(CARDS).filter((file) => file.endsWith('.vcf'))) {
    const own = convert(parseVCard(decodeText(readFileSync(new URL(name, CARDS))).text), '4.0')
    t.strictSame(said(back(own)), said(own), name)
    t.equal(toJCard(back(own)), toJCard(own), `${name}, as JSON`)
  }
  const round = fc.property(card('4.0'), (own) => assert.deepEqual(said(back(own)), said(own)))
  t.doesNotThrow(() => fc.assert(round, { numRuns: 600 }))
  const sent = fc.property(sentText('4.0'), (text) => {
    const own = parseVCard(text)
    assert.deepEqual(said(back(own)), said(own))
  })
  t.doesNotThrow(() => fc.assert(sent, { numRuns: 300 }), 'as clients write it')
})

t.test('What is no jCard of 4.0 is refused, and says how', async (t) => {
  const of = (...list: unknown[]) => problem(JSON.stringify(['vcard', [['version', {}, 'text', '4.0'], ...list]]))
  t.equal(of(['fn', {}, 'text', 'R']), 'none')
  t.equal(problem('BEGIN:VCARD'), 'malformed')
  t.equal(problem('[]'), 'not-a-vcard')
  t.equal(problem('{"vcard":[]}'), 'not-a-vcard')
  t.equal(problem('["vcalendar",[],[]]'), 'not-a-vcard')
  t.equal(problem('["vcard"]'), 'malformed')
  t.equal(problem('["vcard",[],[]]'), 'malformed')
  t.equal(problem('["vcard",[]]'), 'unsupported-version')
  t.equal(problem('["vcard",[["fn",{},"text","R"]]]'), 'unsupported-version')
  t.equal(problem('["vcard",[["version",{},"text","3.0"]]]'), 'unsupported-version')
  t.equal(of(['version', {}, 'text', '4.0']), 'malformed', 'another version')
  t.equal(of(['end', {}, 'text', 'VCARD']), 'malformed')
  t.equal(of(['fn', {}, 'text']), 'malformed', 'no value')
  t.equal(of(['a:b', {}, 'text', '']), 'malformed', 'no name')
  t.equal(of(['fn', [], 'text', '']), 'malformed')
  t.equal(of(['fn', null, 'text', '']), 'malformed')
  t.equal(of(['fn', {}, 1, '']), 'malformed')
  t.equal(of(['fn', {}, 'text', null]), 'malformed')
  t.equal(of(['fn', {}, 'text', { a: 1 }]), 'malformed')
  t.equal(of(['n', {}, 'text', [[['deep']]]]), 'malformed')
  t.equal(of(['fn', { 'a:b': 'x' }, 'text', '']), 'malformed', 'a parameter’s name')
  t.equal(of(['fn', { a: { b: 1 } }, 'text', '']), 'malformed')
  t.equal(of(['fn', { group: 'a.b' }, 'text', '']), 'malformed', 'a group’s name')
  t.equal(problem('['.repeat(100_000)), 'malformed')
})

t.test('Nothing in a jCard makes a second content line', async (t) => {
  const wild = fc.string({ unit: fc.constantFrom('\r', '\n', '\0', '\x85', '\u2028', '"', ';', ':', '^', '\\', 'a') })
  const any = fc.property(
    wild,
    wild,
    fc.constantFrom('x-a', 'note', 'url', 'n', 'bday', 'nickname', 'photo'),
    fc.oneof(fc.constantFrom('text', 'unknown', 'uri', 'date', 'integer', 'utc-offset'), wild),
    (value, parameter, name, type) => {
      const made = fromJCard(
        JSON.stringify([
          'vcard',
          [
            ['version', {}, 'text', '4.0'],
            [name, { 'x-p': parameter, type: [parameter] }, type, value],
          ],
        ]),
      )
      const read = parseVCard(serialize(made))
      assert.equal(read.lines.length, 4)
      assert.deepEqual(said(read), said(made))
    },
  )
  t.doesNotThrow(() => fc.assert(any, { numRuns: 600 }))
})
