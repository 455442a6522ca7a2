import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { parse } from 'vcard4'
import {
  convert,
  decodeText,
  meaning,
  parseVCard,
  properties,
  serialize,
  unescapeText,
  unfolded,
  type VCard,
  type Version,
} from '../../src/vcard/index.ts'
import { labelsTo4 } from '../../src/vcard/label.ts'
import { card, sentText } from '../support/arbitraries.ts'

const CARDS = new URL('../clients/cards/', import.meta.url)
const RUNS = { numRuns: 600 }
const other = (version: Version): Version => (version === '3.0' ? '4.0' : '3.0')
/** A LABEL of 3.0 and the same one as its ADR's parameter, which stays there in a 3.0 card, say the same. */
const said = (one: VCard): string[] => [...new Set(properties(labelsTo4(one.lines)).map(meaning))].sort()
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
    t.strictSame(said(back(own)), said(own))
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
  'a time zone’s offset': ['TZ:-05:00', 'TZ;VALUE=utc-offset:-0500'],
  'a time zone’s name': ['TZ;VALUE=text:Europe/Berlin', 'TZ:Europe/Berlin'],
  'a social profile that Apple’s form cannot write stays': [
    'SOCIALPROFILE;TYPE=blog:https://y.example/k',
    'SOCIALPROFILE;TYPE=blog:https://y.example/k',
  ],
  'a social profile without a service': [
    'X-SOCIALPROFILE;TYPE=home:https://y.example/k',
    'SOCIALPROFILE;TYPE=home:https://y.example/k',
  ],
  'a preferred logo of a place': [
    'LOGO;ENCODING=b;TYPE=PNG;TYPE=work;TYPE=pref:AAEC',
    'LOGO;TYPE=work;PREF=1:data:image/png;base64,AAEC',
  ],
  'a link’s media type': [
    'LOGO;VALUE=uri;TYPE=GIF;TYPE=home:https://a.example/l',
    'LOGO;TYPE=home;MEDIATYPE=image/gif:https://a.example/l',
  ],
  'a media type of another family': [
    'SOUND;ENCODING=b;TYPE=video/mp4;TYPE=home:AAEC',
    'SOUND;TYPE=home:data:video/mp4;base64,AAEC',
  ],
  'the charset of a key that is a text': [
    'KEY;VALUE=uri:data:text/plain;charset=utf-8;base64,AAEC',
    'KEY:data:text/plain;charset=utf-8;base64,AAEC',
  ],
  'a type that is neither a place nor a format': [
    'LOGO;PREF=2;ENCODING=b;TYPE=PNG;TYPE=x-dark:AAEC',
    'LOGO;PREF=2;TYPE=x-dark:data:image/png;base64,AAEC',
  ],
  'messengers stay': ['IMPP;X-SERVICE-TYPE=Skype;TYPE=home:skype:r', 'IMPP;X-SERVICE-TYPE=Skype;TYPE=home:skype:r'],
  'the old messengers too': ['X-JABBER:r@jabber.example', 'X-JABBER:r@jabber.example'],
  'a labelled date stays': ['X-ABDATE:2011-11-11', 'X-ABDATE:2011-11-11'],
  'an agent stays': ['AGENT:BEGIN:VCARD\\nEND:VCARD\\n', 'AGENT:BEGIN:VCARD\\nEND:VCARD\\n'],
  'what 4.0 alone knows stays': ['GENDER:M', 'GENDER:M'],
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

t.test('RFC 6350 §6.3.1: the LABEL of 3.0 is a parameter of the ADR that it stands for', async (t) => {
  const [label, other] = ['LABEL;TYPE=WORK:1 Street\\, x\\n"Y"', 'LABEL;TYPE=HOME:2 Street']
  t.strictSame(
    converted('4.0', label, 'ADR;TYPE=home:;;2;;;;', 'item1.ADR;TYPE=work:;;1;;;;', 'item1.X-ABADR:us'),
    ['ADR;TYPE=home:;;2;;;;', 'item1.ADR;TYPE=work;LABEL="1 Street, x^n^\'Y^\'":;;1;;;;', 'item1.X-ABADR:us'],
    'as Evolution and Apple write them',
  )
  t.strictSame(converted('3.0', 'item1.ADR;TYPE=work;PREF=1;LABEL="1 Street, x\\nY":;;1;;;;', 'item1.X-ABADR:us'), [
    'item1.ADR;TYPE=work;TYPE=pref:;;1;;;;',
    'LABEL;TYPE=work;TYPE=pref:1 Street\\, x\\nY',
    'item1.X-ABADR:us',
  ])
  const alike = ['g.ADR;TYPE=home;LABEL=1:;;1;;;;', 'g.ADR;TYPE=home:;;2;;;;']
  t.strictSame(converted('3.0', ...alike), alike, 'two of a type keep their own, as a LABEL could be of either')
  const kept: Record<string, string[]> = {
    'no address': [label],
    'an address of another type': [label, 'ADR;TYPE=HOME:;;2;;;;'],
    'two addresses of one type': [label, 'ADR;TYPE=WORK:;;1;;;;', 'g.ADR;TYPE=WORK:;;2;;;;'],
    'two labels of one type': [label, label.replace('1', '3'), 'ADR;TYPE=WORK:;;1;;;;'],
    'an address that has one': [label, 'ADR;TYPE=WORK;LABEL=x:;;1;;;;'],
    'a label that says more': [label.replace(':', ';X-A=1:'), 'ADR;TYPE=WORK:;;1;;;;'],
    'a label with a label of its own': [`item1.${label}`, 'item1.X-ABLABEL:boat', 'ADR;TYPE=WORK:;;1;;;;'],
    'a label that a parameter would say otherwise': ['LABEL;TYPE=WORK:C:\\\\new', 'ADR;TYPE=WORK:;;1;;;;'],
    'a label of more types, and another': [label.replace(':', ';TYPE=x:'), other, 'ADR;TYPE=WORK:;;1;;;;'],
  }
  for (const [title, lines] of Object.entries(kept)) t.strictSame(converted('4.0', ...lines), lines, title)
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
    ['PHOTO;TYPE="a;b",c:data:;base64,AAEC'],
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
    'N:;Project X\\, Y',
    'END:VCARD',
  ])
})

t.test('An N that was made goes again; one that a card has says what it said', async (t) => {
  const names = (own: VCard) => own.lines.flatMap((line) => (line.name === 'N' ? [line.value] : []))
  const four = (...lines: string[]) =>
    parseVCard(`BEGIN:VCARD\r\nVERSION:4.0\r\n${lines.join('\r\n')}\r\nEND:VCARD\r\n`)
  for (const [own, three] of [
    [[], [';Cher\\, X']],
    [['N:;Cher\\, X;;;'], [';Cher\\, X;;;']],
    [['N:;Cher\\, X'], [';Cher\\, X;;;']],
    [['N;SORT-AS=x:;Cher\\, X'], [';Cher\\, X']],
    [['N:Cher;;;;'], ['Cher;;;;']],
  ] as const) {
    const person = four('FN:Cher\\, X', ...own)
    t.strictSame(names(convert(person, '3.0')), three)
    t.strictSame(said(back(person)), said(person))
  }
  t.strictSame(names(convert(four('NOTE:x'), '3.0')), [], 'there is no FN to make it of')
})

/** What vcard4 refuses as unknown: RFC 9554's, and those that were never registered or are of 3.0 alone. */
const UNREGISTERED = new Set(
  'AGENT CALURI CLASS CLOUD LABEL MAILER PROFILE RELATIONSHIP SOCIALPROFILE SORT-STRING'.split(' '),
)
const extension = (name: string): string =>
  /^(SERVICE-TYPE|USERNAME)$/.test(name) || UNREGISTERED.has(name) ? `X-${name}` : name

t.test('a second reader (vcard4) reads every property of the 4.0 made from a producer’s card', async (t) => {
  for (const name of readdirSync(CARDS).filter((file) => /^(?!odd).*\.vcf$/.test(file))) {
    const made = convert(parseVCard(decodeText(readFileSync(new URL(name, CARDS))).text), '4.0')
    const lines = made.lines.map(({ raw: _, ...line }) => ({
      ...line,
      name: extension(line.name),
      parameters: line.parameters.map((one) => ({ ...one, name: extension(one.name) })),
    }))
    const read = parse(serialize({ ...made, lines }))
    if (Array.isArray(read)) throw new TypeError(`${name} is one card`)
    t.equal(read.parsedVcard.length, lines.length - 3, `${name}: all but BEGIN, VERSION and END`)
    const fullName = lines.find((line) => line.name === 'FN')?.value
    t.strictSame(
      read.getProperty('FN').map(({ value }) => value),
      [unescapeText(fullName ?? '')],
      name,
    )
  }
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
