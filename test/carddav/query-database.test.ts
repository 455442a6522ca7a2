import fc from 'fast-check'
import t from 'tap'
import type { Actor } from '#domain'
import { type CardFilter, cardFilter } from '../../protocols/carddav/reports/filter.ts'
import { parseXml } from '../../protocols/carddav/xml.ts'
import { parseVCard, type VCard } from '../../src/vcard/index.ts'
import { testDatabase } from '../support/databases.ts'
import { vcard, withLines } from '../support/dav.ts'
import { actorOf, openServices } from '../support/services.ts'

/** More than are read one by one, so that an index is asked. */
const MANY = 520

const WORDS = [
  'Zoë',
  'straße',
  'STRASSE',
  'İzmir',
  'ΟΔΥΣΣΕΎΣ',
  'Åse',
  '\u212bse',
  'a',
  'ab',
  'x_y',
  '50%',
  'c\\d',
  '李',
]
const pick = <Item>(all: readonly Item[], at: number): Item => all[at % all.length] as Item // it holds some
/** Any two of them, told by a number. */
const words = (at: number): string => `${pick(WORDS, at * 7)} ${pick(WORDS, Math.floor(at / 3) + at * 5)}`
const escaped = (value: string): string => value.replace(/[\\,;]/g, '\\$&')

const database = await testDatabase()
const services = await openServices(database.url)
t.teardown(async () => {
  await services.close()
  await database.drop()
})
const { organizations, users, teams, contacts, addressBooks, store } = services

async function organizationOf(domain: string, size: number) {
  const { id } = await organizations.create({ name: domain, domains: [domain] })
  return await users.createMany(
    id,
    Array.from({ length: size }, (_, at) => ({ name: words(at), email: `p${at}@${domain}` })),
  )
}
const own = (at: number): string =>
  vcard([
    `UID:own-${at}`,
    `FN:${escaped(words(at + 3))}`,
    ...(at % 2 === 0 ? [`NOTE:${escaped(words(at))}\\n${escaped(words(at + 1))}`] : []),
    ...(at % 3 === 0 ? [`item1.EMAIL;TYPE=home,work:${pick(WORDS, at)}@own.example`] : []),
  ])
async function fill(actor: Actor, count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) {
    await contacts.put(actor, actor.peopleId, `own-${at}.vcf`, Buffer.from(own(at)))
  }
}

const [few, many] = [await organizationOf('few.example', 8), await organizationOf('many.example', MANY)]
const [reader, writer, hidden] = many
const [small] = few
if (!reader || !writer || !hidden || !small) throw new TypeError('there are people')
const actors: Readonly<Record<string, Actor>> = {
  'few of each': actorOf(small),
  'many colleagues': actorOf(reader),
  'many of both': actorOf(writer),
}
await fill(actorOf(small), 5)
await fill(actorOf(writer), MANY)
for (const at of [3, 4, 5]) {
  const name = `${many[at]?.profileId}.vcf`
  const { card } = (await addressBooks.card(actorOf(reader), reader.peopleId, name, '3.0')) ?? {}
  const laid = withLines(card?.text ?? '', `NOTE:${pick(WORDS, at)} of mine`).replace(/^EMAIL.*\r\n/m, '')
  await contacts.put(actorOf(reader), reader.peopleId, name, Buffer.from(laid))
}
await contacts.delete(actorOf(reader), reader.peopleId, `${hidden.profileId}.vcf`)
await teams.create('Zoë ΟΔΥΣΣΕΎΣ', reader)

const quoted = (value: string) => value.replace(/[&<"]/g, (char) => `&#${char.charCodeAt(0)};`)
const piece = fc
  .tuple(fc.constantFrom(...WORDS, 'example', 'own', '@', 'of mine', ' '), fc.nat(3), fc.integer({ min: 1, max: 9 }))
  .map(
    ([word, from, length]) =>
      Array.from(word)
        .slice(from, from + length)
        .join('') || word,
  )
const match = fc
  .record({
    wanted: fc.oneof(
      piece,
      fc.tuple(piece, piece).map((pair) => pair.join(' ')),
      fc.constantFrom(...WORDS),
    ),
    type: fc.constantFrom('equals', 'contains', 'starts-with', 'ends-with'),
    negated: fc.constantFrom('no', 'no', 'no', 'yes'),
    collation: fc.constantFrom('i;unicode-casemap', 'i;ascii-casemap', 'i;octet'),
  })
  .map(
    ({ wanted, type, negated, collation }) =>
      `<C:text-match match-type="${type}" negate-condition="${negated}" collation="${collation}">${quoted(wanted)}</C:text-match>`,
  )
const inner = fc.oneof(
  { weight: 6, arbitrary: fc.array(match, { minLength: 1, maxLength: 3 }).map((all) => all.join('')) },
  fc.constantFrom('', '<C:is-not-defined/>', '<C:param-filter name="TYPE"/>'),
)
const test = fc.constantFrom('anyof', 'allof')
const prop = fc
  .tuple(fc.constantFrom('FN', 'NOTE', 'EMAIL', 'item1.EMAIL', 'N', 'X-NONE', 'VERSION'), test, inner)
  .map(([name, of, content]) => `<C:prop-filter name="${name}" test="${of}">${content}</C:prop-filter>`)
const filter = fc
  .tuple(test, fc.array(prop, { minLength: 1, maxLength: 3 }))
  .map(([of, all]) => `<C:filter xmlns:C="urn:ietf:params:xml:ns:carddav" test="${of}">${all.join('')}</C:filter>`)

type Pages = AsyncIterable<readonly { readonly name: string; readonly card?: { readonly text: string } }[]>
async function passing(pages: Pages, rule: CardFilter): Promise<string[]> {
  const found: string[] = []
  for await (const views of pages) {
    for (const { name, card } of views) if (card && rule.test(parseVCard(card.text))) found.push(name)
  }
  return found.sort()
}

for (const [who, actor] of Object.entries(actors)) {
  t.test(`what a query finds by the database is what the filter finds among all cards: ${who}`, async (t) => {
    const all = new Map<string, VCard>()
    for await (const views of addressBooks.cards(actor, actor.peopleId, 'stored')) {
      for (const { name, card } of views) if (card) all.set(name, parseVCard(card.text))
    }
    let looked = 0
    let matched = 0
    await fc.assert(
      fc.asyncProperty(filter, async (xml) => {
        const rule = cardFilter(parseXml(Buffer.from(xml)))
        if (!rule) return false
        const exact = [...all].flatMap(([name, card]) => (rule.test(card) ? [name] : [])).sort()
        const { narrowing } = rule
        const found = await passing(addressBooks.matching(actor, actor.peopleId, narrowing, 'stored'), rule)
        const paged = await passing(addressBooks.cards(actor, actor.peopleId, 'stored', narrowing), rule)
        const names = narrowing && (await store.collections.search(actor, actor.peopleId, narrowing, 2_001))
        if (names) looked += 1
        matched += exact.length
        const same = [found, paged].every((one) => one.join('\n') === exact.join('\n'))
        return same && (!names || exact.every((name) => names.includes(name)))
      }),
      { numRuns: 120 },
    )
    t.ok(looked > 5, 'an index was asked')
    t.ok(matched > 50, 'and there was something to find')
  })
}

t.test('the names that may pass are never those of other people’s own cards', async (t) => {
  const names = await store.collections.search(actorOf(reader), reader.peopleId, { text: '@own.example' }, 2_001)
  t.strictSame(
    names?.filter((name) => name.startsWith('own-')),
    [],
  )
  const mine = await store.collections.search(actorOf(writer), writer.peopleId, { text: '@own.example' }, 2_001)
  t.equal(mine?.filter((name) => name.startsWith('own-')).length, Math.ceil(MANY / 3))
})
