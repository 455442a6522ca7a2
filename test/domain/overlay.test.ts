import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import {
  additionsOnly,
  applyLayer,
  diff,
  EMPTY_LAYER,
  type Layer,
  layerSize,
} from '../../src/domain/contacts/overlay.ts'
import {
  convert,
  type Line,
  meaning,
  normalized,
  parseLine,
  parseVCard,
  properties,
  serialize,
  standardName,
  type VCard,
  valueKey,
} from '../../src/vcard/index.ts'
import { addressed, card } from '../support/arbitraries.ts'

const IGNORED = new Set(['PRODID', 'REV', 'UID'])
const said = (one: VCard): string[] =>
  [
    ...new Set(
      properties(normalized(one).lines)
        .filter(({ line }) => !IGNORED.has(line.name))
        .map(meaning),
    ),
  ].sort()
const butName = (all: string[]): string[] => all.filter((one) => !one.startsWith('N\x1c'))
const names = (three: VCard): string[] =>
  properties(three.lines).flatMap((one) => (one.line.name === 'N' ? [meaning(one)] : []))
const through = (base: VCard, version: '3.0' | '4.0'): VCard => convert(convert(base, version), '4.0')
const stored = (layer: Layer): Layer => JSON.parse(JSON.stringify(layer)) as Layer // as the database gives it back
const read = (...lines: string[]): VCard =>
  parseVCard(`${['BEGIN:VCARD', 'VERSION:4.0', 'UID:u1', ...lines, 'END:VCARD'].join('\r\n')}\r\n`)
/** The card written by a client that keeps neither order nor group names. */
function reversed(one: VCard): VCard {
  const frame = (name: string) => ['BEGIN', 'VERSION', 'END'].includes(name)
  const inner = one.lines
    .filter(({ name }) => !frame(name))
    .map(({ raw: _, ...line }) => (line.group === undefined ? line : { ...line, group: `g${line.group}` }))
    .reverse()
  return parseVCard(serialize({ ...one, lines: [...one.lines.slice(0, 2), ...inner, ...one.lines.slice(-1)] }))
}
const RUNS = { numRuns: 1500 }

t.test('an override keeps exactly what differs: apply(base, diff(base, card)) says what card says', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(card('4.0'), card('4.0'), (base, sent) => {
        assert.deepEqual(said(applyLayer(base, stored(diff(base, sent)))), said(sent))
      }),
      RUNS,
    ),
  )
})

t.test('a 3.0 card is compared with the base as 3.0 shows it, and comes back as it was sent', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(card('4.0'), card('3.0'), (base, sent) => {
        const seen = applyLayer(base, stored(diff(base, sent)))
        // an N that says no more than the one 3.0 makes of FN is no change
        assert.deepEqual(butName(said(through(seen, '3.0'))), butName(said(sent)))
        assert.deepEqual(names(convert(seen, '3.0')), names(sent))
      }),
      RUNS,
    ),
  )
})

t.test('the N that 3.0 makes of FN, sent back as clients write it, is no change', async (t) => {
  const base = read('FN:Project X')
  for (const name of ['N:;Project X', 'N:;Project X;;;']) {
    const layer = diff(base, { version: '3.0', lines: read('FN:Project Y', name).lines })
    t.strictSame(layer, { ...EMPTY_LAYER, set: { FN: [['FN:Project Y']] } }, name)
  }
  const other = diff(base, { version: '3.0', lines: read('FN:Project X', 'N:X;Project;;;').lines })
  t.strictSame(Object.keys(other.set), ['N'], 'another is')
})

t.test('an empty difference is no layer, whatever the version, the order and the group names', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(card('4.0'), fc.constantFrom<'3.0' | '4.0'>('3.0', '4.0'), (base, version) => {
        assert.equal(layerSize(diff(base, reversed(convert(base, version)))), 0)
      }),
      RUNS,
    ),
  )
})

t.test('RFC 2426 §3.2.2: a label is never laid to another address, nor seen as taken away', async (t) => {
  const alike = read('g.ADR;TYPE=home:;;1;;;;', 'g.ADR;TYPE=home;LABEL=2:;;2;;;;', 'g.X-ABADR:us')
  for (const version of ['3.0', '4.0'] as const) {
    t.equal(layerSize(diff(alike, convert(alike, version))), 0)
    t.strictSame(said(through(alike, version)), said(alike))
  }
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(addressed('4.0'), addressed('3.0'), addressed('4.0'), (base, three, four) => {
        for (const sent of [three, four]) {
          const seen = applyLayer(base, stored(diff(base, sent)))
          assert.deepEqual(said(seen), said(sent))
          assert.deepEqual(said(through(seen, '3.0')), said(sent))
          assert.equal(layerSize(diff(seen, reversed(convert(seen, sent.version)))), 0)
        }
        assert.deepEqual(said(convert(convert(three, '4.0'), '3.0')), said(three))
      }),
      RUNS,
    ),
  )
})

t.test('a base change never loses a layer', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(card('4.0'), card(), card('4.0'), (base, sent, later) => {
        const layer = stored(diff(base, sent))
        const lines = applyLayer(later, layer).lines
        const told = (line: Line) => `${standardName(line.name)} ${valueKey(line)}`
        const values = new Set(lines.map(told))
        for (const [text] of [...layer.add, ...Object.values(layer.set).flat()]) {
          assert.ok(values.has(told(parseLine(text ?? ''))), String(text))
        }
        for (const name of layer.unset) assert.ok(!lines.some((line) => standardName(line.name) === name))
        const removed = new Set(layer.remove.map(({ name, value }) => `${name} ${value}`))
        const added = new Set(layer.add.map(([text]) => told(parseLine(text ?? ''))))
        for (const value of removed)
          assert.equal(values.has(value), added.has(value), 'removed, unless added with other parameters')
      }),
      RUNS,
    ),
  )
})

t.test('what nobody touched follows the base', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(card('4.0'), card('4.0'), (base, later) => {
        assert.deepEqual(said(applyLayer(later, diff(base, base))), said(later))
        assert.equal(serialize(applyLayer(later, EMPTY_LAYER)), serialize(later), 'byte for byte')
      }),
      RUNS,
    ),
  )
})

t.test('the scene: a private address beside a work phone that arrives later', async (t) => {
  const base = read('FN:Ryan Stone', 'EMAIL;TYPE=work:ryan.stone@spaceodyssey.com', 'TEL;TYPE=work:1')
  const sent = read(
    'FN:Ryan Stone',
    'EMAIL;TYPE=work:ryan.stone@spaceodyssey.com',
    'EMAIL;TYPE=home:ryan@stone.com',
    'TEL;TYPE=work:1',
  )
  const layer = diff(base, sent)
  t.strictSame(layer, { ...EMPTY_LAYER, add: [['EMAIL;TYPE=home:ryan@stone.com']] })
  const later = read('FN:Dr Ryan Stone', 'EMAIL;TYPE=work:ryan.stone@spaceodyssey.com', 'TEL;TYPE=work:2')
  t.strictSame(
    said(applyLayer(later, layer)),
    said(
      read(
        'FN:Dr Ryan Stone',
        'EMAIL;TYPE=work:ryan.stone@spaceodyssey.com',
        'EMAIL;TYPE=home:ryan@stone.com',
        'TEL;TYPE=work:2',
      ),
    ),
  )
})

t.test('a value removed by me shows again once the base changes it', async (t) => {
  const layer = diff(read('FN:R', 'TEL:1', 'TEL:2'), read('FN:R', 'TEL:2'))
  t.strictSame(said(applyLayer(read('FN:R', 'TEL:1', 'TEL:2'), layer)), said(read('FN:R', 'TEL:2')))
  t.strictSame(said(applyLayer(read('FN:R', 'TEL:9', 'TEL:2'), layer)), said(read('FN:R', 'TEL:9', 'TEL:2')))
})

t.test('an added value is shown once if the base gains it, and kept if the base loses it', async (t) => {
  const layer = diff(read('FN:R'), read('FN:R', 'EMAIL:a@b.c'))
  const gained = read('FN:R', 'EMAIL;TYPE=work:a@b.c')
  t.strictSame(said(applyLayer(gained, layer)), said(gained))
  t.strictSame(said(applyLayer(read('FN:R'), layer)), said(read('FN:R', 'EMAIL:a@b.c')))
})

t.test('an annotation (a label, a parameter) goes with the value it is of', async (t) => {
  const layer = diff(read('FN:R', 'TEL:1'), read('FN:R', 'item1.TEL;X-EVOLUTION-E164=1,"+1":1', 'item1.X-ABLabel:boat'))
  t.equal(layer.annotate.length, 1)
  t.equal(layerSize(layer), 1)
  t.strictSame(
    said(applyLayer(read('FN:R', 'item1.TEL;TYPE=work:1', 'item1.X-ABADR:de', 'item1.EMAIL:a@b.c'), layer)),
    said(
      read(
        'FN:R',
        'item2.TEL;TYPE=work;X-EVOLUTION-E164=1,"+1":1',
        'item2.X-ABLabel:boat',
        'item1.X-ABADR:de',
        'item1.EMAIL:a@b.c',
      ),
    ),
  )
  t.strictSame(said(applyLayer(read('FN:R', 'TEL:2'), layer)), said(read('FN:R', 'TEL:2')))
})

t.test('VERSION, PRODID, REV and UID never differ; photos are compared by their bytes, TEL without tel:', async (t) => {
  const base = read(
    'FN:R',
    'PRODID:a',
    'REV:20200101T000000Z',
    'PHOTO:data:image/jpeg;base64,AAEC',
    'TEL;VALUE=uri:tel:+1-2',
  )
  const three = parseVCard(
    'BEGIN:VCARD\nVERSION:3.0\nUID:u2\nPRODID:b\nFN:R\nN:;R;;;\nREV:2021-01-01T00:00:00Z\nPHOTO;TYPE=JPEG;ENCODING=BASE64:AA\n EC\ntel;VALUE=text:+1-2\nEND:VCARD\n',
  )
  t.equal(layerSize(diff(base, three)), 0)
})

t.test('a 4.0 card in the words of 3.0 is changed and kept by their meaning', async (t) => {
  const base = read(
    'FN:R',
    'TEL;TYPE=pref,home:1',
    'X-ANNIVERSARY:20200101',
    'X-SOCIALPROFILE;TYPE=flickr:https://z.example',
  )
  const sent = parseVCard('BEGIN:VCARD\nVERSION:3.0\nFN:R\nTEL;TYPE=home:1\nEND:VCARD\n')
  const layer = diff(base, sent)
  t.equal(layerSize(layer), 3)
  t.strictSame(said(applyLayer(base, layer)), said(sent))
})

t.test('groups are renumbered on merging', async (t) => {
  const layer = diff(read('FN:R'), read('FN:R', 'item1.URL:https://a.example', 'item1.X-ABLabel:_$!<HomePage>!$_'))
  const merged = applyLayer(read('FN:R', 'item1.EMAIL:a@b.c', 'item1.X-ABLabel:mail'), layer)
  const groups = properties(merged.lines).filter(({ line }) => line.group)
  t.equal(new Set(groups.map(({ line }) => line.group)).size, 2)
  t.equal(groups.find(({ line }) => line.name === 'URL')?.companions[0]?.value, '_$!<HomePage>!$_')
})

t.test('over a profile, the owner adds but changes no managed line', async (t) => {
  const managed = read('FN:David Bowman', 'TEL;TYPE=work:1')
  const sent = read('FN:Dave', 'TEL;TYPE=work:2', 'BDAY:19680402', 'NOTE:hi')
  const own = additionsOnly(managed, diff(managed, sent))
  t.strictSame(
    said(applyLayer(managed, own)),
    said(read('FN:David Bowman', 'TEL;TYPE=work:1', 'TEL;TYPE=work:2', 'BDAY:19680402', 'NOTE:hi')),
  )
})
