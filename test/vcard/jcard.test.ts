import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { decodeText, fromJCard, parseVCard, toJCard } from '../../src/vcard/index.ts'

const CARDS = new URL('../clients/cards/', import.meta.url)

t.test("RFC 7095: a client's card comes back from jCard as it went", async (t) => {
  for (const file of readdirSync(CARDS).filter((name) => name.endsWith('.vcf'))) {
    const { text } = decodeText(readFileSync(new URL(file, CARDS)))
    const json = toJCard(parseVCard(text))
    t.strictSame(JSON.parse(toJCard(fromJCard(json))), JSON.parse(json), file)
  }
})
