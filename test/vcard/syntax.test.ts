import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import {
  convert,
  decodeText,
  importedCards,
  type Line,
  meaning,
  parseLine,
  parseVCard,
  properties,
  readData,
  serialize,
  unfolded,
  type VCard,
  VCardSyntaxError,
  writeData,
} from '../../src/vcard/index.ts'
import { sentText } from '../support/arbitraries.ts'

const CARDS = new URL('../clients/cards/', import.meta.url)
const RUNS = { numRuns: 400 }
const card = (...lines: string[]): string =>
  `${['BEGIN:VCARD', 'VERSION:4.0', 'FN:R', ...lines, 'END:VCARD'].join('\r\n')}\r\n`
const problem = (text: string | Uint8Array): string => {
  try {
    parseVCard(typeof text === 'string' ? text : decodeText(text).text)
  } catch (error) {
    if (error instanceof VCardSyntaxError) return error.problem
    throw error
  }
  return 'none'
}
const withoutRaw = ({ raw: _, ...line }: Line): Line => line
const anyText = fc.oneof(fc.constantFrom<'3.0' | '4.0'>('3.0', '4.0').chain(sentText))
/** Any characters, among them those that end lines somewhere. */
const wild = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\r', '\n', '\r\n', '\0', '\t', '\x0b', '\x1f', '\x7f', '\x85', '\u2028', '\u2029'),
    fc.constantFrom(':', ';', ',', '"', '\\', '^', '=', ' ', 'a', 'é', '李', '😀', 'END:VCARD'),
  ),
  maxLength: 60,
})

for (const name of readdirSync(CARDS).filter((file) => file.endsWith('.vcf'))) {
  t.test(`${name} comes back byte for byte`, async (t) => {
    const bytes = readFileSync(new URL(name, CARDS))
    const { text, exact } = decodeText(bytes)
    t.equal(exact, name !== 'odd-fold-inside-utf8.vcf', 'only a fold inside a character costs bytes')
    t.equal(serialize(parseVCard(text)), text)
    if (exact) t.ok(Buffer.from(serialize(parseVCard(text))).equals(bytes))
    t.notOk(/\ufffd/.test(text))
  })
}

t.test('RFC 6350 §3.2 a fold may split a character: it is unfolded octet by octet', async (t) => {
  const { text } = decodeText(readFileSync(new URL('odd-fold-inside-utf8.vcf', CARDS)))
  t.equal(readData(parseVCard(text)).full_name, 'Björn Müller-Çağlar')
})

t.test('RFC 6350 §3.2 folding and unfolding', async (t) => {
  const line = (text: string) => parseVCard(text).lines.at(-2)?.value
  t.equal(line(card('NOTE:ab\r\n c\r\n\td')), 'abcd', 'CRLF, then a space or a TAB')
  t.equal(line(card('NOTE:ab \r\n  c')), 'ab  c', 'one white space is the fold, others are the value')
  t.equal(line(card('NOTE:ab').replaceAll('\r\n', '\n')), 'ab', 'bare LF')
  t.equal(line(card('NOTE:a\r\n \r\n b')), 'ab', 'an empty fold')
  t.doesNotThrow(() => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), (value) => {
        const text = serialize({ version: '4.0', lines: [{ name: 'NOTE', parameters: [], value }] })
        for (const physical of text.split('\r\n')) {
          assert.ok(Buffer.byteLength(physical) <= 75)
          assert.ok(physical.isWellFormed(), 'no character is split')
        }
        assert.equal(text.replaceAll('\r\n ', ''), `${unfolded({ name: 'NOTE', parameters: [], value })}\r\n`)
      }),
      RUNS,
    )
  }, 'at most 75 octets')
})

t.test('what is not edited comes back byte for byte', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(anyText, (text) => assert.equal(serialize(parseVCard(text)), text)),
      RUNS,
    ),
  )
  for (const blank of ['\r\n', '\n\n', '\ufeff', '\ufeff\r\n']) {
    t.equal(serialize(parseVCard(blank + card())), blank + card(), 'blank lines and a BOM before BEGIN')
  }
  t.equal(serialize(parseVCard(`${card()}\r\n \r\n\n`)), `${card()}\r\n \r\n\n`, 'blank lines after END')
  t.equal(serialize(parseVCard(card().trimEnd())), card().trimEnd(), 'no line end after END')
})

t.test('an edited line touches only itself, and is read as it was written', async (t) => {
  const edit = fc.property(anyText, fc.nat(), wild, (text, at, value) => {
    const before = parseVCard(text)
    const index = 1 + (at % (before.lines.length - 2))
    const old = before.lines[index]
    if (!old || old.name === 'VERSION') return
    const lines = before.lines.with(index, { ...withoutRaw(old), value })
    const after = parseVCard(serialize({ ...before, lines }))
    assert.equal(after.lines.length, before.lines.length)
    for (const [i, line] of after.lines.entries()) if (i !== index) assert.deepEqual(line, before.lines[i])
    const now = after.lines[index]
    assert.ok(now)
    assert.deepEqual(withoutRaw({ ...now, value: '' }), withoutRaw({ ...old, value: '' }))
  })
  t.doesNotThrow(() => fc.assert(edit, RUNS))
})

t.test('every line is read again as it was, once it is written anew', async (t) => {
  const name = fc.stringMatching(/^[A-Z][A-Z0-9-]{0,5}$/)
  const parameter = fc.tuple(name, fc.array(wild, { minLength: 1, maxLength: 3 }))
  const any = fc.property(fc.array(parameter, { maxLength: 4 }), wild, (drawn, value) => {
    const parameters = drawn.map(([called, values]) => ({ name: called, values }))
    const once = parseLine(unfolded({ name: 'X-A', parameters, value }))
    assert.deepEqual(
      once.parameters.map((one) => one.name),
      parameters.map((one) => one.name),
    )
    assert.deepEqual(
      once.parameters.map((one) => one.values.length),
      parameters.map((one) => one.values.length),
    )
    assert.deepEqual(parseLine(unfolded(once)), once)
  })
  t.doesNotThrow(() => fc.assert(any, RUNS))
  const odd = fc.property(
    wild.map((text) => text.replace(/[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]/g, '')),
    (junk) => {
      let line: Line
      try {
        line = parseLine(`X-A;${junk}:v`)
      } catch (error) {
        assert.ok(error instanceof VCardSyntaxError)
        return
      }
      assert.deepEqual(parseLine(unfolded(line)), line)
    },
  )
  t.doesNotThrow(() => fc.assert(odd, RUNS), 'whatever the parameters that were sent')
})

t.test('RFC 6868 §3 carets of a parameter are as written', async (t) => {
  const { text } = decodeText(readFileSync(new URL('odd-carets.vcf', CARDS)))
  const lines = parseVCard(text).lines.map(withoutRaw)
  t.strictSame(
    lines.map((line) => parseLine(unfolded(line))),
    lines,
  )
})

t.test('CR, LF, C0, NEL, LS and PS in a value or parameter never make a second content line', async (t) => {
  const fresh: VCard = parseVCard(card())
  const fields = fc.record({
    full_name: wild,
    name: fc.record({ given: wild, family: wild }),
    short_name: wild,
    emails: fc
      .tuple(fc.record({ type: fc.constantFrom('Work' as const, 'Other' as const), value: wild }))
      .map((x) => [...x]),
    phones: fc.tuple(fc.record({ type: fc.constantFrom('Work Fax' as const), value: wild })).map((x) => [...x]),
    addresses: fc
      .tuple(fc.record({ type: fc.constantFrom('Home' as const), street: wild, zip: wild }))
      .map((x) => [...x]),
    links: fc
      .tuple(fc.record({ type: fc.constantFrom('Blog' as const, 'Twitter' as const), value: wild }))
      .map((x) => [...x]),
    organizations: fc.tuple(fc.record({ name: wild, department: wild, jobTitle: wild })).map((x) => [...x]),
    notes: wild,
    photo: wild,
    customFields: fc.dictionary(wild, wild, { maxKeys: 1 }),
  })
  const one = fc.property(fields, fc.constantFrom<'3.0' | '4.0'>('3.0', '4.0'), (data, version) => {
    const made = writeData(convert(fresh, version), data)
    const text = serialize(made)
    assert.ok(!/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029]/.test(text))
    assert.ok(!/\r(?!\n)|(?<!\r)\n/.test(text), 'every line ends in CRLF')
    const read = parseVCard(text)
    assert.equal(read.lines.length, made.lines.length)
    assert.deepEqual(
      read.lines.map((line) => line.name),
      made.lines.map((line) => line.name),
    )
    assert.deepEqual(Object.keys(readData(read).customFields ?? {}), Object.keys(readData(made).customFields ?? {}))
  })
  t.doesNotThrow(() => fc.assert(one, RUNS))
})

t.test('what is no single vCard of 3.0 or 4.0 is refused, and says how', async (t) => {
  t.equal(problem(''), 'not-a-vcard')
  t.equal(problem('\ufeff\r\n\r\n'), 'not-a-vcard')
  t.equal(problem(card() + card()), 'not-a-vcard', 'two cards')
  t.equal(problem(card('BEGIN:VCARD', 'END:VCARD')), 'not-a-vcard', 'one in the other')
  t.equal(problem(`${card()}junk`), 'not-a-vcard', 'text after the end')
  t.equal(problem('BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n'), 'not-a-vcard')
  t.equal(problem('<?xml version="1.0"?>'), 'malformed')
  t.equal(problem(card().replace('END:VCARD\r\n', '')), 'malformed', 'no END')
  t.equal(problem(card().replace('END:VCARD', 'END:VCALENDAR')), 'malformed')
  t.equal(problem(card('no colon')), 'malformed')
  t.equal(problem(card('NOTE;X="a:b')), 'malformed', 'a quotation mark that is not closed')
  t.equal(problem(card(':no name')), 'malformed')
  t.equal(problem(card().replace('VERSION:4.0\r\n', '')), 'unsupported-version')
  t.equal(problem(card().replace('4.0', '2.1')), 'unsupported-version')
  t.equal(
    problem(card('=C3=BC').replace('4.0', '2.1')),
    'unsupported-version',
    'before the lines of a 2.1 card are judged',
  )
  t.equal(problem(Buffer.from(card('NOTE:\0'))), 'not-text', 'NUL')
  t.equal(problem(Buffer.from(card('NOTE:\xff'), 'latin1')), 'not-text', 'not UTF-8')
  t.equal(problem(Buffer.from(card(), 'utf16le')), 'not-text')
  t.equal(problem(Buffer.from(`\ufeff${card()}`)), 'none', 'a BOM is fine')
})

t.test('RFC 6350 §6.1.1 a file of many cards is split, and a bad one is left to its reader', async (t) => {
  const [one, two] = [card('NOTE:1'), card('NOTE:2')]
  t.strictSame(
    [...importedCards(Buffer.from(`\ufeff${one}\r\n${two}`))].map(({ octets }) =>
      octets.toString().replace('\ufeff', ''),
    ),
    [one, two],
  )
  const broken = Buffer.from(`junk\n${one.replace('END:VCARD\r\n', '')}${two}`)
  t.strictSame(
    [...importedCards(broken)].map(({ octets }) => problem(octets)),
    ['malformed', 'none'],
  )
  t.strictSame([...importedCards(Buffer.from(''))], [])
})

t.test('hostile sizes take linear time', async (t) => {
  const many = (count: number, line: (i: number) => string, between = '\r\n') =>
    Array.from({ length: Math.floor(count) }, (_, i) => line(i)).join(between)
  const sizes: Record<string, (size: number) => string> = {
    members: (size) => card(many(size / 40, (i) => `MEMBER:urn:uuid:${i}`)),
    'semicolons in a value': (size) => card(`N:${';'.repeat(size)}x`),
    'commas in a value': (size) => card(`NICKNAME:${','.repeat(size)}x`),
    'commas in a parameter': (size) => card(`X-A;TYPE=${','.repeat(size)}:x`),
    parameters: (size) => card(`X-A${many(size / 4, (i) => `;p${i}=1`, '')}:x`),
    'bare types': (size) => card(`TEL${';a'.repeat(size / 2)}:x`),
    'one line': (size) => card(`NOTE:${'x'.repeat(size)}`),
    'one name': (size) => card(`${'x'.repeat(size)}:x`),
    folds: (size) => card(`NOTE:${'\r\n x'.repeat(size / 4)}`),
    'empty folds': (size) => card(`NOTE:${'\r\n '.repeat(size / 3)}`),
    'blank lines': (size) => card(`NOTE:x${'\r\n'.repeat(size / 2)}`),
    'quotation marks': (size) => card(`X-A;P=${'"a;'.repeat(size / 3)}:x`),
    'open quotation marks': (size) => card(`X-A${';P="'.repeat(size / 4)}:x`),
    backslashes: (size) => card(`N:${'\\'.repeat(size)}`),
    'a data: URI without its comma': (size) => card(`PHOTO:data:${';a'.repeat(size / 2)}`),
    'a data: URI of semicolons': (size) => card(`PHOTO:data:${';'.repeat(size)}`),
    percents: (size) => card(`PHOTO:data:,${'%41'.repeat(size / 3)}`),
    'labels of one group': (size) =>
      card(
        many(size / 12, (i) => `a.X-ABLabel:${i}`),
        many(size / 12, () => 'a.X:'),
      ),
    'labelled lines': (size) => card(many(size / 24, (i) => `a${i}.EMAIL:${i}@b.c\r\na${i}.X-ABLabel:l`)),
    'e-mails': (size) => card(many(size / 12, (i) => `EMAIL:${i}@b.c`)),
    'equal e-mails': (size) => card(many(size / 12, () => 'EMAIL:a@b.c')),
    'custom fields': (size) => card(many(size / 24, (i) => `X-KITH-CUSTOM;X-KEY=k${i}:1`)),
    titles: (size) =>
      card(
        many(size / 8, () => 'TITLE:'),
        many(size / 8, () => 'ORG:'),
      ),
    names: (size) => card(many(size / 8, () => 'FN:x')),
  }
  const work = (text: string): void => {
    if (problem(text) === 'malformed') return
    const read = parseVCard(text)
    properties(convert(convert(read, '3.0'), '4.0').lines).map(meaning)
    serialize({ ...read, lines: read.lines.map(withoutRaw) })
    const data = readData(read)
    writeData(read, data)
    writeData(read, {
      ...data,
      emails: data.emails?.toReversed().slice(1),
      customFields: {},
      organizations: [],
      notes: 'x',
    })
  }
  const milliseconds = (text: string): number => {
    const start = performance.now()
    work(text)
    return performance.now() - start
  }
  for (const [name, text] of Object.entries(sizes)) {
    const small = Math.max(10, milliseconds(text(20_000)), milliseconds(text(20_000)))
    // Ten times the work in linear time; a quadratic step would take a hundred.
    const large = milliseconds(text(200_000))
    t.ok(large < small * 10 * 10, `${name}: ${Math.round(large)} ms for ten times what took ${Math.round(small)} ms`)
  }
  for (const name of ['semicolons in a value', 'parameters', 'folds']) {
    t.ok(
      milliseconds(sizes[name]?.(600_000) ?? '') < 30_000,
      `400,000 semicolons, 150,000 parameters or folds: ${name}`,
    )
  }
})
