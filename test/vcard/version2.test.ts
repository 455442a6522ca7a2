import t from 'tap'
import { importedCards, parseVCard } from '../../src/vcard/index.ts'

const old = (...lines: string[]) => ['BEGIN:VCARD', 'VERSION:2.1', ...lines, 'END:VCARD', ''].join('\r\n')
/** The lines of the one 3.0 card that an old one becomes. */
const upgraded = (text: string | Buffer): string[] => {
  const [card, ...more] = [...importedCards(Buffer.from(text as string))] // a Buffer is as good
  if (!card || more.length > 0) throw new Error('one card')
  const { version, lines } = parseVCard(card.octets.toString())
  if (version !== '3.0') throw new Error(version)
  return lines.slice(2, -1).map(({ raw = '' }) => raw.replace(/\r\n /g, '').trimEnd())
}

t.test('vCard 2.1: quoted-printable over several lines, in any charset', async (t) => {
  t.strictSame(upgraded(old('FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=BCrgen=20M=', '=C3=BCller', 'TEL:1')), [
    'FN:Jürgen Müller',
    'TEL:1',
  ])
  t.strictSame(upgraded(old('NOTE;QUOTED-PRINTABLE;CHARSET=ISO-8859-1:=FCber=0D=0Aalles, so')), [
    'NOTE:über\\nalles\\, so',
  ])
  t.strictSame(upgraded(Buffer.from(old('FN;CHARSET=windows-1252:M\xfcller'), 'latin1')), ['FN:Müller'])
  t.strictSame(upgraded(Buffer.from(old('FN:M\xfcller'), 'latin1')), ['FN:Müller'], 'no charset told, and not UTF-8')
  t.strictSame(upgraded(old('FN:Müller')), ['FN:Müller'])
})

t.test('vCard 2.1: bare types, and separators that are not escaped', async (t) => {
  t.strictSame(upgraded(old('TEL;HOME;VOICE:+1', 'EMAIL;INTERNET;PREF:a@b.c')), [
    'TEL;TYPE=HOME;TYPE=VOICE:+1',
    'EMAIL;TYPE=INTERNET;TYPE=PREF:a@b.c',
  ])
  t.strictSame(
    upgraded(old('N:Stone;Ryan;Dr, PhD', 'ORG:NASA;Shuttle', 'NOTE:a;b,c\\d', 'ADR;WORK:;;1, Main St.;Houston\\;TX')),
    ['N:Stone;Ryan;Dr\\, PhD', 'ORG:NASA;Shuttle', 'NOTE:a\\;b\\,c\\\\d', 'ADR;TYPE=WORK:;;1\\, Main St.;Houston\\;TX'],
  )
})

t.test('vCard 2.1: a photo of several lines up to the blank one, a fold, an agent', async (t) => {
  t.strictSame(
    upgraded(old('PHOTO;JPEG;ENCODING=BASE64:', ' /9j/4AAQ', ' SkZJRg==', '', 'FN:Ann', 'NOTE:one', '  two')),
    ['PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRg==', 'FN:Ann', 'NOTE:one two'],
  )
  const agent = upgraded(old('FN:Ann', 'AGENT:', 'BEGIN:VCARD', 'VERSION:2.1', 'FN:Bob', 'END:VCARD', 'TEL:1'))
  t.strictSame(agent, ['FN:Ann', 'AGENT:BEGIN:VCARD\\nVERSION:2.1\\nFN:Bob\\nEND:VCARD', 'TEL:1'])
})

t.test('a file of all versions: 3.0 and 4.0 keep their octets', async (t) => {
  const three = 'BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Three\r\nX-odd;a=b: kept \r\nEND:VCARD\r\n'
  const four = three.replace('3.0', '4.0')
  const cards = [...importedCards(Buffer.from(`${old('FN:Two')}${three}\r\n${four}`))].map(({ octets }) =>
    String(octets),
  )
  t.equal(cards.length, 3)
  t.match(cards[0], /VERSION:3\.0\r\nFN:Two/)
  t.strictSame(cards.slice(1), [three, four])
})
