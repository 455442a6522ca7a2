import t from 'tap'
import { vcard, withLines } from '../support/dav.ts'
import { startKith } from '../support/kith.ts'

const { kith, organization, device, cardOf } = await startKith(t)
let scenes = 0

/** An organization for each rule: David and his phone, Ryan, and Zoe's phone. */
async function scene() {
  scenes += 1
  const domain = `odyssey${scenes}.com`
  await organization(`Odyssey ${scenes}`, domain, ['David', 'Ryan', 'Zoe'])
  const { organizationId, id, peopleId } = await kith.users.get(`david@${domain}`)
  const actor = { organizationId, userId: id, peopleId }
  const phone = await device(`david@${domain}`)
  return {
    phone,
    zoes: await device(`zoe@${domain}`),
    ryan: await kith.users.get(`ryan@${domain}`),
    own: await cardOf(`david@${domain}`),
    ryans: await cardOf(`ryan@${domain}`),
    text: async (name: string) => (await phone.get(name)).text,
    /** The newest version of that card is put back. */
    restore: async (card: string) =>
      await kith.history.restore(actor, (await kith.history.list(actor, card))[0]?.id ?? ''),
    /** Keeps a card in a book that is then deleted. */
    keepInLostBook: async (name: string, body: string) => {
      const book = `${phone.home}work/`
      await phone.ask('MKCOL', book)
      t.equal((await phone.ask('PUT', book + name, { headers: { 'content-type': 'text/vcard' }, body })).status, 201)
      t.equal((await phone.ask('DELETE', book)).status, 204)
    },
  }
}

t.test('a card that stayed mine when a colleague was deleted comes back under their name', async (t) => {
  const { phone, ryans, ryan, text, restore } = await scene()
  await phone.put(ryans, withLines(await text(ryans), 'NOTE:mine'))
  await kith.users.delete(ryan)
  const frozen = await text(ryans)
  t.match(frozen, 'NOTE:mine')
  await phone.delete(ryans)
  const { token } = await phone.sync()
  t.match(await restore(ryans), { restoredAs: 'card' })
  t.equal(await text(ryans), frozen)
  t.strictSame([...(await phone.sync(token)).changed.keys()], [phone.people + ryans])
})

t.test('my changes to a colleague who was deleted come back as a card of my own', async (t) => {
  const { phone, ryans, ryan, text, restore } = await scene()
  await phone.put(ryans, withLines(await text(ryans), 'NOTE:mine'))
  const seen = await text(ryans)
  await phone.delete(ryans)
  await kith.users.delete(ryan)
  t.match(await restore(ryans), { kind: 'override', restoredAs: 'card' })
  t.equal(await text(ryans), seen)
})

t.test('my changes to a colleague who is deactivated come back with them', async (t) => {
  const { phone, ryans, ryan, text, restore } = await scene()
  await phone.put(ryans, withLines(await text(ryans), 'NOTE:mine'))
  await phone.delete(ryans)
  await kith.users.setActive(ryan, false)
  t.match(await restore(ryans), { restoredAs: 'layer' })
  t.equal((await phone.get(ryans)).status, 404)
  await kith.users.setActive(ryan, true)
  t.match(await text(ryans), 'NOTE:mine')
  t.equal([...(await phone.list()).keys()].filter((href) => href.endsWith(ryans)).length, 1)
})

t.test('a private copy of my own card, of a book that is gone, does not become what colleagues see', async (t) => {
  const { own, zoes, text, restore, keepInLostBook } = await scene()
  const before = await text(own)
  await keepInLostBook(own, withLines(before, 'NOTE:my secret'))
  await t.rejects(restore(own), { code: 'uid-conflict' })
  t.equal(await text(own), before)
  t.equal((await zoes.get(own)).text, before)
})

t.test('a copy of a colleague’s card, of a book that is gone, does not become changes to theirs', async (t) => {
  const { ryans, text, restore, keepInLostBook } = await scene()
  const before = await text(ryans)
  await keepInLostBook(ryans, withLines(before, 'NOTE:copy'))
  await t.rejects(restore(ryans), { code: 'uid-conflict' })
  t.equal(await text(ryans), before)
})

t.test('a card comes back in place of another one that has its name now, which is kept', async (t) => {
  const { phone, text, restore } = await scene()
  const [one, two] = [vcard(['UID:one', 'FN:One']), vcard(['UID:two', 'FN:Two'])]
  await phone.put('a.vcf', one)
  await phone.delete('a.vcf')
  await phone.put('a.vcf', two)
  await phone.put('a.vcf', two.replace('Two', '2'))
  await phone.delete('a.vcf')
  await phone.put('a.vcf', one)
  await restore('a.vcf')
  t.match(await text('a.vcf'), 'FN:2')
  await restore('a.vcf')
  t.equal(await text('a.vcf'), one, 'and that is undone')
})
