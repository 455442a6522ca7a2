import { readdirSync, readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { decodeText, fromJCard, parseVCard, toJCard } from '../../src/vcard/index.ts'
import { card } from '../support/arbitraries.ts'

const CARDS = new URL('../clients/cards/', import.meta.url)

t.test("RFC 7095: a client's card comes back from jCard as it went", async (t) => {
  for (const file of readdirSync(CARDS).filter((name) => name.endsWith('.vcf'))) {
    const { text } = decodeText(readFileSync(new URL(file, CARDS)))
    const json = toJCard(parseVCard(text))
    t.strictSame(JSON.parse(toJCard(fromJCard(json))), JSON.parse(json), file)
  }
})

t.test('RFC 7095: any 4.0 card comes back from jCard as it went', async (t) => {
  fc.assert(
    fc.property(card('4.0'), (one) => {
      const json = toJCard(one)
      return isDeepStrictEqual(JSON.parse(toJCard(fromJCard(json))), JSON.parse(json))
    }),
  )
  t.pass()
})
