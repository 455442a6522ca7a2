import fc from 'fast-check'
import { parseVCard, type VCard, type Version } from '../../src/vcard/index.ts'

const CRLF = '\r\n'
const word = fc.constantFrom(
  'Ryan',
  'Straße',
  '李',
  'a\\,b',
  'c\\;d',
  'e\\nf',
  '',
  'x'.repeat(90),
  '😀 smile',
  'Zoë',
  '\\\\',
  ':',
  '"q"',
)
const value = fc.array(word, { minLength: 1, maxLength: 2 }).map((words) => words.join(' '))
const mail = fc.constantFrom('ryan@stone.com', 'Ryan@Stone.com', 'a@b.c', 'bowman@discovery.space')
const telephone = fc.constantFrom('+1 555 0100', 'tel:+15550100', '+49-30-1', '0800')
const place = fc.constantFrom(
  '',
  ';TYPE=home',
  ';TYPE=work',
  ';TYPE=WORK,cell',
  ';TYPE=home;TYPE=voice',
  ';PREF=1',
  ';PREF=2;TYPE=x-foo',
  ';X-EVOLUTION-E164=5550100',
)
const photo = fc.constantFrom('AAAA', 'AAEC', '/9j/4AAQ', 'iVBORw0KGgo=')

/** One property of a 4.0 card: lines without their group, which is drawn afterwards. */
const property = fc.oneof(
  fc.tuple(place, mail).map(([p, v]) => `EMAIL${p}:${v}`),
  fc.tuple(place, telephone).map(([p, v]) => (v.startsWith('tel:') ? `TEL;VALUE=uri${p}:${v}` : `TEL${p}:${v}`)),
  fc.tuple(place, value, value).map(([p, street, city]) => `ADR${p}:;;${street};${city};;;`),
  value.map((v) => `NOTE:${v}`),
  value.map((v) => `TITLE:${v}`),
  fc.tuple(value, value).map(([a, b]) => `ORG:${a};${b}`),
  fc.tuple(value, value).map(([a, b]) => `NICKNAME:${a},${b}`),
  fc.constantFrom('', ';TYPE=home').map((p) => `SOCIALPROFILE;SERVICE-TYPE=Twitter${p}:https://x.example/k`),
  value.map((v) => `X-UNKNOWN;X-P="a;b":${v}`),
  value.map((v) => `x-lower:${v}`),
  fc.constantFrom('URL:https://a.example/', 'URL;TYPE=blog:https://b.example/', 'RELATED;TYPE=friend:urn:uuid:1'),
  fc.constantFrom(
    'IMPP;TYPE=home:xmpp:ryan@jabber.example',
    'LANG;PREF=1:de',
    'MEMBER:urn:uuid:6e3b0c1d',
    'KEY:https://a.example/k.asc',
    'KEY:data:application/pgp-keys;base64,AAEC',
    'TEL;TYPE="voice,home":1',
    'ADR;LABEL="Mr ^\'R^\'^n1 Street; ^^":;;1 Street;;;;',
    'URL:http\\://c.example/?id\\=7',
    'RELATED;VALUE=text;X-LABEL=a^nb:c',
  ),
  fc.constantFrom(
    'SOCIALPROFILE:https://y.example/k',
    'SOCIALPROFILE;TYPE=home:https://y.example/k',
    'SOCIALPROFILE;TYPE=blog:https://y.example/k',
    'SOCIALPROFILE;SERVICE-TYPE=home;TYPE=work;PREF=1:https://y.example/k',
    'SOCIALPROFILE;SERVICE-TYPE=Foo;TYPE=blog;USERNAME=k;X-USER=l:https://y.example/k',
    'ADR;TYPE=home;LABEL=1 Street:;;1 Street;;;;',
    'ADR;TYPE=home;LABEL="2 Street, x^n":;;2 Street;;;;',
    'ADR;LABEL=a,b:;;3 Street;;;;',
    'ADR;PREF=1;TYPE=work;LABEL=;X-A=1:;;4 Street;;;;',
    'ADR;TYPE=home;LABEL="1 Street\\n2^n3":;;1 Street;;;;',
    'ADR;TYPE="home,work";LABEL=a;LABEL=b:;;5 Street;;;;',
    'ADR:;;1 Street;;;;',
    'ADR;TYPE=home:;;1 Street;;;;',
    'LABEL;TYPE=home:1 Street\\, 1\\n2',
    'LABEL;TYPE=HOME:another',
    'LABEL;TYPE=home;PREF=1:1 Street',
    'LABEL;TYPE=work,home:a\\\\nb',
    'LABEL;LANGUAGE=en:1 Street',
    'LABEL:^n"x"',
    'X-SOCIALPROFILE;TYPE=flickr;X-USER=k:https://z.example/k',
    'EMAIL;TYPE=pref,home:a@b.c',
    'GEO:geo:46.624721,-14.3',
    'GEO:GEO:1,2',
    'GEO:geo:1,2;crs=wgs84',
    'GEO:geo:46.6,14.3,120;u=10',
    'GEO;TYPE=work;PREF=1;VALUE=uri:geo:46.6,14.3',
    'TZ:Europe/Berlin',
    'TZ;VALUE=utc-offset:-0500',
    'TZ;VALUE=utc-offset;TYPE=home:+02',
    'TZ;VALUE=uri:https://a.example/tz',
    'TZ;PREF=2:-05:00\\; EST\\; Raleigh',
    'LOGO;TYPE=work;PREF=1:data:image/png;base64,AAEC',
    'LOGO;TYPE=home;PREF=3;TYPE=x-dark:data:image/svg+xml;base64,AAEC',
    'LOGO;TYPE=x-dark:data:;base64,AAEC',
    'LOGO;PREF=1;MEDIATYPE=image/gif;TYPE=work:https://a.example/l',
    'LOGO;MEDIATYPE=application/pdf:https://a.example/m',
    'LOGO;TYPE=PNG,x-dark:https://a.example/n',
    'SOUND;TYPE=home;MEDIATYPE=audio/ogg:data:audio/ogg;base64,AAEC',
    'SOUND;PREF=1:data:video/mp4;base64,AAEC',
    'KEY;TYPE=work;TYPE=pgp:data:application/pgp;base64,AAEC',
    'KEY;TYPE=home:data:text/plain;charset=utf-8;base64,AAEC',
    'KEY;VALUE=text;TYPE=home;MEDIATYPE=text/plain:abc',
    'X-AIM;TYPE=home:ryan',
    'X-ABDATE:2011-11-11',
    'X-EVOLUTION-ANNIVERSARY:2010-09-25',
    'SORT-STRING:Stone',
    'CLASS:PRIVATE',
    'AGENT:BEGIN:VCARD\\nVERSION:3.0\\nFN:Sipho\\nNOTE:a\\\\\\, b\\nEND:VCARD\\n',
    'XML:<a xmlns="urn:x"/>',
    'CLIENTPIDMAP:1;urn:uuid:53e374d9',
    'PRONOUNS;LANGUAGE=en:they/them',
    'X-D;VALUE=date:2020-01-01',
    'X-E;A=^x ^ y;VALUE=integer:007',
    'URL;VALUE=URL:https://c.example/',
  ),
)
const single = fc.oneof(
  fc.constantFrom('--0304', '19850412', '1985', '19531015T231000Z').map((v) => `BDAY:${v}`),
  photo.map((v) => `PHOTO:data:image/jpeg;base64,${v}`),
  fc.constantFrom('PHOTO:https://a.example/p.jpg', 'PHOTO:http://b.example/q.png'),
  fc.constantFrom('M', 'F;x', 'O').map((v) => `GENDER:${v}`),
  fc.constantFrom('individual', 'ORG', 'group').map((v) => `KIND:${v}`),
  fc.constantFrom('20200101T101112Z', '19951031T222710Z').map((v) => `REV:${v}`),
  fc.constantFrom('20200101', '--1231').map((v) => `ANNIVERSARY:${v}`),
  fc.constantFrom('20200101', '2021-12-31').map((v) => `X-ANNIVERSARY:${v}`),
)
const grouped = fc.tuple(property, fc.option(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.option(value), fc.boolean())))

/** A valid card, with unknown properties, groups and labels; small vocabularies, so that two cards often agree. */
export const cardText = (version: Version): fc.Arbitrary<string> =>
  fc
    .tuple(
      value,
      fc.array(grouped, { maxLength: 8 }),
      fc.uniqueArray(single, { maxLength: 3, selector: (line) => line.split(/[:;]/)[0] ?? '' }),
      fc.constantFrom('whole', 'whole', 'whole', 'made', 'given', ...(version === '4.0' ? ['none'] : [])),
    )
    .map(([name, properties, singles, parts]) => {
      const lines = ['BEGIN:VCARD', `VERSION:${version}`, 'UID:u1', `FN:${name}`]
      if (parts !== 'none')
        lines.push(parts === 'whole' ? `N:${name};;;;` : `N:;${name}${parts === 'made' ? '' : ';;;'}`)
      for (const one of singles) lines.push(version === '4.0' ? one : three(one))
      for (const [text, group] of properties) {
        const body = version === '4.0' ? text : three(text)
        if (!group) lines.push(body)
        else {
          lines.push(`item${group[0]}.${body}`)
          if (group[1] !== null) lines.push(`item${group[0]}.${group[2] ? 'X-ABLabel' : 'X-ABADR'}:${group[1]}`)
        }
      }
      return `${[...lines, 'END:VCARD'].join(CRLF)}${CRLF}`
    })

const three = (line: string): string =>
  line
    .replace(/^PHOTO:data:image\/jpeg;base64,/, 'PHOTO;ENCODING=b;TYPE=JPEG:')
    .replace(/^PHOTO:http/, 'PHOTO;VALUE=uri:http')
    .replace(/^BDAY:--0304/, 'BDAY;X-APPLE-OMIT-YEAR=1604:1604-03-04')
    .replace(/^BDAY:19850412/, 'BDAY;VALUE=date:1985-04-12')
    .replace(/^KEY:data:application\/pgp-keys;base64,/, 'KEY;ENCODING=b;TYPE=PGP-KEYS:')
    .replace(/^REV:(\d{4})(\d\d)(\d\dT\d\d)(\d\d)/, 'REV:$1-$2-$3:$4:')
    .replace(/^MEMBER/, 'X-ADDRESSBOOKSERVER-MEMBER')
    .replace(/^KIND/, 'X-ADDRESSBOOKSERVER-KIND')
    .replace(/^ANNIVERSARY/, 'X-ANNIVERSARY')
    .replace(/^SOCIALPROFILE;SERVICE-TYPE=Twitter/, 'X-SOCIALPROFILE;type=Twitter')
    .replace(/;PREF=1/, ';TYPE=pref')
    .replace(/^TEL;VALUE=uri(.*):tel:/, 'TEL$1:')
    .replace(/^GEO:geo:([^,]*),([^,]*)$/, 'GEO:$1;$2')
    .replace(/^TZ:/, 'TZ;VALUE=text:')
    .replace(/^TZ;VALUE=utc-offset:-0500/, 'TZ:-05:00')
    .replace(/^(ADR;TYPE=home);LABEL="2 Street, x\^n"(:.*)$/, '$1$2\r\nLABEL;TYPE=home:2 Street\\, x\\n')
    .replace(/^LOGO;TYPE=work;PREF=1:data.*$/, 'LOGO;ENCODING=b;TYPE=PNG;TYPE=work,pref:AAEC')
    .replace(/^LOGO;PREF=1;MEDIATYPE=image\/gif;TYPE=work/, 'LOGO;VALUE=uri;TYPE=GIF,work,pref')

export const card = (version?: Version): fc.Arbitrary<VCard> =>
  (version ? cardText(version) : fc.constantFrom<Version>('3.0', '4.0').chain(cardText)).map(parseVCard)

const types = fc.constantFrom('', ';TYPE=home', ';TYPE=HOME', ';TYPE=work', ';TYPE=work;TYPE=home', ';TYPE=pref,home')
const group = fc.constantFrom('', '', 'item1.', 'item2.')
const address = fc.oneof(
  fc
    .tuple(group, types, fc.constantFrom('', '', ';LABEL=1', ';LABEL="1^n2"'), fc.constantFrom('1', '2'))
    .map(([g, type, label, street]) => `${g}ADR${type}${label}:;;${street};;;;`),
  fc.tuple(group, types, fc.constantFrom('1', '1\\n2', '3')).map(([g, type, text]) => `${g}LABEL${type}:${text}`),
  fc.constantFrom('item1.X-ABADR:us', 'item2.X-ABLabel:boat'),
)

/** Cards that differ in nothing but addresses and their labels: few of each, so that they often look alike. */
export const addressed = (version: Version): fc.Arbitrary<VCard> =>
  fc
    .array(address, { maxLength: 6 })
    .map((lines) =>
      parseVCard(
        `${['BEGIN:VCARD', `VERSION:${version}`, 'FN:A', 'N:A;;;;', ...lines, 'END:VCARD'].join(CRLF)}${CRLF}`,
      ),
    )

/** The text as clients send it: lines folded anywhere, ended by CRLF or LF, names in any case, blank lines between. */
export const sentText = (version: Version): fc.Arbitrary<string> =>
  fc
    .tuple(cardText(version), fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 30 }), fc.boolean())
    .map(([text, draws, lower]) => {
      let drawn = 0
      const draw = () => draws[drawn++ % draws.length] ?? 1
      const end = () => (draw() % 3 === 0 ? '\n' : CRLF)
      const lines = text.split(CRLF).slice(0, -1)
      return lines
        .map((line) => {
          const named = lower && draw() % 2 === 0 ? line.replace(/^[^:;]+/, (name) => name.toLowerCase()) : line
          const characters = [...named]
          for (let at = draw(); at < characters.length; at += draw()) {
            characters[at] = `${end()}${draw() % 2 === 0 ? ' ' : '\t'}${characters[at]}`
          }
          return `${characters.join('')}${end()}${draw() % 10 === 0 ? CRLF : ''}`
        })
        .join('')
    })
