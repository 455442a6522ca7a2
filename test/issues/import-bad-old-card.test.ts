import t from 'tap'
import { importedCards } from '../../src/vcard/index.ts'

const card = (version: string, ...lines: string[]) =>
  ['BEGIN:VCARD', `VERSION:${version}`, ...lines, 'END:VCARD', ''].join('\r\n')

t.test('a bad card of vCard 2.1 does not end the import of the file: those after it are read', async (t) => {
  const file = `${card('2.1', 'FN:One')}\r\n${card('2.1', 'UID:two', 'no colon')}${card('2.1', 'FN:Three')}${card('4.0', 'FN:4')}`
  const cards = [...importedCards(Buffer.from(file))]
  t.strictSame(
    cards.map(({ line, problem }) => [line, problem?.problem]),
    [
      [1, undefined],
      [6, 'malformed'],
      [11, undefined],
      [15, undefined],
    ],
  )
  t.match(String(cards[1]?.octets), 'UID:two', 'the bad one as it came')
  t.match(String(cards[2]?.octets), 'FN:Three')
})

t.test('cards are read one by one as they are asked for', async (t) => {
  const [first] = importedCards(Buffer.from(`${card('3.0', 'FN:One')}${card('2.1', 'no colon')}`))
  t.match(String(first?.octets), 'FN:One')
})

t.test('quoted-printable over very many lines takes linear time', async (t) => {
  const lines = Array.from({ length: 400_000 }, () => '=41=').join('\r\n')
  const started = performance.now()
  const [one] = importedCards(Buffer.from(card('2.1', 'NOTE;QUOTED-PRINTABLE:=', lines, 'end')))
  t.ok(
    one?.octets
      .toString()
      .replaceAll('\r\n ', '')
      .includes(`NOTE:${'A'.repeat(400_000)}end`),
  )
  t.ok(performance.now() - started < 10_000)
})
