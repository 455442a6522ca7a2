import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import {
  convert,
  decodeText,
  meaning,
  parseVCard,
  properties,
  serialize,
  unfolded,
  type VCard,
  type Version,
} from '../../src/vcard/index.ts'
import { card, sentText } from '../support/arbitraries.ts'

const CARDS = new URL('../clients/cards/', import.meta.url)
const RUNS = { numRuns: 600 }
const other = (version: Version): Version => (version === '3.0' ? '4.0' : '3.0')
/** N, which 3.0 needs, is made from FN where it is missing. */
const said = (one: VCard, but?: string): string[] =>
  [
    ...new Set(
      properties(one.lines)
        .filter(({ line }) => line.name !== but)
        .map(meaning),
    ),
  ].sort()
const back = (one: VCard): VCard => {
  const there = convert(one, other(one.version))
  return convert(parseVCard(serialize(there)), one.version)
}
const vcard = (version: Version, lines: readonly string[]): VCard =>
  parseVCard(`${['BEGIN:VCARD', `VERSION:${version}`, 'FN:R', 'N:R;;;;', ...lines, 'END:VCARD'].join('\r\n')}\r\n`)
const converted = (to: Version, ...lines: string[]): string[] =>
  convert(vcard(other(to), lines), to)
    .lines.slice(4, -1)
    .map(unfolded)

for (const name of readdirSync(CARDS).filter((file) => file.endsWith('.vcf'))) {
  t.test(`${name} says the same after a conversion and back`, async (t) => {
    const own = parseVCard(decodeText(readFileSync(new URL(name, CARDS))).text)
    const made = own.lines.some((line) => line.name === 'N') ? undefined : 'N'
    t.strictSame(said(back(own), made), said(own, made))
    t.strictSame(said(back(back(own))), said(back(own)), 'and stays so')
  })
}

t.test('a conversion and back is equal in meaning, in both directions', async (t) => {
  for (const version of ['3.0', '4.0'] as const) {
    const round = fc.property(card(version), (own) => assert.deepEqual(said(back(own)), said(own)))
    t.doesNotThrow(() => fc.assert(round, RUNS), `from ${version}`)
    const sent = fc.property(sentText(version), (text) => {
      const own = parseVCard(text)
      assert.deepEqual(said(back(own)), said(own))
    })
    t.doesNotThrow(() => fc.assert(sent, RUNS), `from ${version}, as clients write it`)
  }
})

t.test('a card in its own version is left byte for byte', async (t) => {
  const same = fc.property(card(), (own) => assert.equal(convert(own, own.version), own))
  t.doesNotThrow(() => fc.assert(same, RUNS))
})

t.test('a property both versions write alike keeps its bytes', async (t) => {
  const own = vcard('3.0', [
    'NOTE:a\r\n b',
    'item1.EMAIL;TYPE=home:a@b.c',
    'item1.X-ABLabel:x',
    'X-UNKNOWN;X-P="a;b":\\;',
  ])
  const kept = (one: VCard) => one.lines.filter(({ name }) => name !== 'VERSION').map(({ raw }) => raw)
  t.strictSame(kept(convert(own, '4.0')), kept(own))
  t.strictSame(kept(convert(convert(own, '4.0'), '3.0')), kept(own))
})

const TABLE: Record<string, [three: string, four: string]> = {
  'a preferred value is TYPE=pref or PREF=1': ['EMAIL;TYPE=work;TYPE=pref:a@b.c', 'EMAIL;TYPE=work;PREF=1:a@b.c'],
  'another rank stays': ['EMAIL;PREF=2:a@b.c', 'EMAIL;PREF=2:a@b.c'],
  'a group is Apple’s in 3.0': ['X-ADDRESSBOOKSERVER-KIND:group', 'KIND:group'],
  'a member too': ['X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:1', 'MEMBER:urn:uuid:1'],
  'a photo is base64 or a data: URI': ['PHOTO;ENCODING=b;TYPE=JPEG:AAEC', 'PHOTO:data:image/jpeg;base64,AAEC'],
  'a photo of no known type': ['PHOTO;ENCODING=b:AAEC', 'PHOTO:data:;base64,AAEC'],
  'a key': ['KEY;ENCODING=b;TYPE=PGP-KEYS:AAEC', 'KEY:data:application/pgp-keys;base64,AAEC'],
  'a sound': ['SOUND;ENCODING=b;TYPE=OGG:AAEC', 'SOUND:data:audio/ogg;base64,AAEC'],
  'a link to a photo': ['PHOTO;VALUE=uri:https://a.example/p', 'PHOTO:https://a.example/p'],
  'a date': ['BDAY:1985-04-12', 'BDAY:19850412'],
  'a date and time': ['BDAY:1953-10-15T23:10:00Z', 'BDAY:19531015T231000Z'],
  'a date without its year is Apple’s in 3.0': ['BDAY;X-APPLE-OMIT-YEAR=1604:1604-03-04', 'BDAY:--0304'],
  'a year alone stays': ['BDAY:1985', 'BDAY:1985'],
  'a text for a date stays': ['BDAY;VALUE=text:about 1800', 'BDAY;VALUE=text:about 1800'],
  'an anniversary': ['X-ANNIVERSARY:2009-08-08', 'ANNIVERSARY:20090808'],
  'a revision': ['REV:1995-10-31T22:27:10Z', 'REV:19951031T222710Z'],
  'a social profile is Apple’s in 3.0': [
    'X-SOCIALPROFILE;TYPE=Twitter;TYPE=home;X-USER=k:https://x.example/k',
    'SOCIALPROFILE;TYPE=home;USERNAME=k;SERVICE-TYPE=Twitter:https://x.example/k',
  ],
  'phonetics and labels stay': ['X-PHONETIC-FIRST-NAME:Zo', 'X-PHONETIC-FIRST-NAME:Zo'],
}
t.test('what 3.0 and 4.0 write differently', async (t) => {
  for (const [title, [three, four]] of Object.entries(TABLE)) {
    t.strictSame(converted('4.0', three), [four], `${title}, to 4.0`)
    const order = (line: string | undefined) => line?.split(':')[0]?.split(';').sort().join(';')
    const [made] = converted('3.0', four)
    t.equal(order(made), order(three), `${title}, to 3.0`)
    t.equal(made?.slice(made.indexOf(':')), three.slice(three.indexOf(':')), title)
  }
})

t.test('what one version alone knows is put into the other’s words', async (t) => {
  t.strictSame(converted('4.0', 'URL:http\\://a.example/?id\\=7\\,8', 'NOTE:a\\\\:b\\:c'), [
    'URL:http://a.example/?id=7\\,8',
    'NOTE:a\\\\:b:c',
  ])
  t.strictSame(converted('3.0', 'TEL;VALUE=uri:tel:+1-2'), ['TEL:+1-2'], 'a tel: URI is a number')
  t.strictSame(
    converted('3.0', 'TEL;TYPE="voice,home":1'),
    ['TEL;TYPE=voice,home:1'],
    'RFC 6350 §6.4.1 a quoted list of types',
  )
  t.strictSame(converted('3.0', 'BDAY;VALUE=date-and-or-time:--0304'), ['BDAY;X-APPLE-OMIT-YEAR=1604:1604-03-04'])
  t.strictSame(converted('3.0', 'REV;VALUE=timestamp:20200101T101112Z'), ['REV:2020-01-01T10:11:12Z'])
  t.strictSame(converted('3.0', 'KEY:a text that is no URI'), ['KEY:a text that is no URI'])
  t.strictSame(converted('4.0', 'GEO:37.386013;-122.082932'), ['GEO:geo:37.386013,-122.082932'])
  t.strictSame(converted('3.0', 'GEO:geo:37.386013,-122.082932'), ['GEO:37.386013;-122.082932'])
  t.strictSame(converted('3.0', 'GEO:geo:1,2,3'), ['GEO:geo:1,2,3'], 'an altitude has no place in 3.0')
  t.strictSame(converted('3.0', 'PHOTO:data:image/gif,%47%49%46%FF'), ['PHOTO;ENCODING=b;TYPE=GIF:R0lG/w=='], 'octets')
  for (const escaped of [
    'data:image/png;base64\\,AAEC',
    'data:image/png\\;base64\\,AAEC',
    'data:image/png;a=b\\;base64,AAEC',
  ]) {
    t.strictSame(
      converted('3.0', `PHOTO:${escaped}`),
      ['PHOTO;ENCODING=b;TYPE=PNG:AAEC'],
      `escaped as a text: ${escaped}`,
    )
  }
  t.strictSame(
    converted('4.0', 'PHOTO;ENCODING=b;TYPE="a;b,c":AAEC'),
    ['PHOTO:data:;base64,AAEC'],
    'no type but a media type',
  )
  t.strictSame(converted('4.0', 'ANNIVERSARY:2009-08-08'), ['ANNIVERSARY:20090808'])
})

t.test('RFC 6350 §6.4.1 has a list of types in quotation marks: each is one', async (t) => {
  const [one] = properties(vcard('4.0', ['TEL;TYPE="Voice,HOME":1']).lines).slice(-1)
  const [two] = properties(vcard('4.0', ['tel;type=home;type=voice:tel:1']).lines).slice(-1)
  t.ok(one && two)
  t.equal(one && meaning(one), two && meaning(two))
})

t.test('3.0 requires N: it is made from FN, and a group has one too', async (t) => {
  const own = parseVCard('BEGIN:VCARD\r\nVERSION:4.0\r\nKIND:group\r\nFN:Project X\\, Y\r\nEND:VCARD\r\n')
  t.strictSame(convert(own, '3.0').lines.map(unfolded), [
    'BEGIN:VCARD',
    'VERSION:3.0',
    'X-ADDRESSBOOKSERVER-KIND:group',
    'FN:Project X\\, Y',
    'N:;Project X\\, Y;;;',
    'END:VCARD',
  ])
})

t.test('meaning ignores writing: escapes, group names, case, order and encoding of a photo', async (t) => {
  const pairs: [string[], string[]][] = [
    [['NOTE:a\\:b'], ['note:a:b']],
    [
      ['item1.EMAIL:a@b.c', 'item1.X-ABLabel:x'],
      ['G9.X-ABLABEL:x', 'g9.EMAIL:a@b.c'],
    ],
    [['EMAIL;TYPE=WORK,home:a@b.c'], ['EMAIL;TYPE=home;TYPE=work:a@b.c']],
    [['EMAIL;TYPE=pref:a@b.c'], ['EMAIL;PREF=1:a@b.c']],
    [['PHOTO:data:image/jpeg;base64,AAEC'], ['PHOTO;ENCODING=BASE64;TYPE=jpeg:AA EC']],
    [['N:a;b;;;'], ['N:a;b']],
    [['ANNIVERSARY:20200101'], ['X-ANNIVERSARY:2020-01-01']],
    [['X-A;P=a"b"c:d'], ["X-A;P=a^'b^'c:d"]],
    [['NOTE:a\x0bb'], ['NOTE:ab']],
  ]
  for (const [one, two] of pairs) t.strictSame(said(vcard('4.0', one)), said(vcard('4.0', two)), one.join())
  const differing: [string, string][] = [
    ['NOTE:a', 'NOTE:A'],
    ['EMAIL:a@b.c', 'EMAIL;TYPE=work:a@b.c'],
    ['PHOTO:data:image/jpeg;base64,AAEC', 'PHOTO:data:image/jpeg;base64,AAED'],
    ['X-A:1', 'X-B:1'],
    ['N:a;b', 'N:a;;b'],
  ]
  for (const [one, two] of differing) t.not(String(said(vcard('4.0', [one]))), String(said(vcard('4.0', [two]))), one)
})

t.test(
  'a property has the labels of its group, in any case, wherever they stand; of very many, the first',
  async (t) => {
    const labels = (count: number) => Array.from({ length: count }, (_, i) => `a.X-ABLabel:${i}`)
    const counts = (lines: string[]) =>
      properties(vcard('4.0', lines).lines)
        .slice(2)
        .map(({ companions }) => companions.length)
    t.strictSame(counts(['A.X-ABLABEL:x', 'a.EMAIL:a@b.c', 'A.TEL:1', 'b.X-ABADR:de']), [1, 1, 0])
    t.strictSame(counts(['a.EMAIL:a@b.c', ...labels(10)]), [8, 0, 0], 'the others stand alone: nothing is lost')
  },
)
