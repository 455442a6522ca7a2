import t from 'tap'
import { type CardView, MAX_READ_BYTES } from '#domain'
import { vcard } from '../support/dav.ts'
import { rows, startKith } from '../support/kith.ts'
import { actorOf } from '../support/services.ts'

const { kith, organization, device } = await startKith(t)
await organization('Space Odyssey', 'spaceodyssey.com', ['David'])
const user = await kith.users.get('david@spaceodyssey.com')
const david = await device('david@spaceodyssey.com')
const actor = actorOf(user)
const MOST = 60
const { token: before } = await david.sync()
const names = Array.from({ length: MOST }, (_, at) => `c${String(at).padStart(2, '0')}.vcf`)
const photo = `PHOTO;ENCODING=b;TYPE=JPEG:${'Abcd'.repeat(250_000)}`
for (const name of names) await david.put(name, vcard([`UID:${name}`, 'FN:C', photo]))
const LARGEST = photo.length + 200
const FOLDED = 1.05 // of a card in the other version each line is folded anew

/** The names in those reads, of which none holds more than it may. */
async function read(t: Tap, pages: AsyncIterable<readonly (CardView | undefined)[]>): Promise<string[]> {
  const found: string[] = []
  for await (const page of pages) {
    const bytes = page.reduce((sum, view) => sum + (view?.card?.text.length ?? 0), 0)
    t.ok(bytes < (MAX_READ_BYTES + LARGEST) * FOLDED, `${page.length} cards, ${bytes} bytes`)
    found.push(...page.flatMap((view) => view?.name ?? []))
  }
  return found
}
type Tap = Pick<typeof t, 'ok'>
async function* views(pages: AsyncIterable<readonly { view?: CardView }[]>) {
  for await (const page of pages) yield page.map(({ view }) => view)
}
const withProfile = [...names, `${user.profileId}.vcf`].sort()

t.test('However large cards are, a few megabytes of them are read at once, and each of them once', async (t) => {
  const { addressBooks } = kith
  for (const body of ['stored', '4.0'] as const) {
    t.strictSame(await read(t, addressBooks.cards(actor, actor.peopleId, body)), withProfile)
    const asked = [...names.toReversed(), 'none.vcf']
    const found = await read(t, views(addressBooks.named(actor, actor.peopleId, asked, body)))
    t.strictSame(found.sort(), names)
    for (const since of [undefined, before]) {
      const changes = await addressBooks.changes(actor, actor.peopleId, since, body)
      t.strictSame(await read(t, views(changes.members)), since === undefined ? withProfile : names)
      t.ok(changes.outcome().complete)
    }
    const some = await addressBooks.changes(actor, actor.peopleId, before, body, { limit: 7 })
    t.strictSame(await read(t, views(some.members)), names.slice(0, 7))
    const { token, complete } = some.outcome()
    t.notOk(complete)
    const rest = await addressBooks.changes(actor, actor.peopleId, token, body)
    t.strictSame(await read(t, views(rest.members)), names.slice(7))
  }
})

t.test('RFC 6352 §8.7: each href of such cards is answered once, a missing one by 404', async (t) => {
  const hrefs = [...names, 'none.vcf'].map((name) => `<D:href>${david.people}${name}</D:href>`).join('')
  const { text } = await david.report(
    david.people,
    'C:addressbook-multiget',
    `<D:prop><C:address-data/></D:prop>${hrefs}`,
  )
  const answered = rows(text).map(({ href, status }) => [href.replace(david.people, ''), status])
  t.strictSame(answered.sort(), [...names.map((name) => [name, 200]), ['none.vcf', 404]].sort())
})
