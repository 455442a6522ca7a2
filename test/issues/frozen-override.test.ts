import t from 'tap'
import { testDatabase } from '../support/databases.ts'
import { actorOf, openWorld } from '../support/services.ts'

t.test('a card that was laid over a deleted colleague’s says what it said, in either version', async (t) => {
  const database = await testDatabase()
  const world = await openWorld(database.url, { people: 3, followed: 0 })
  t.teardown(async () => {
    await world.close()
    await database.drop()
  })
  const [ann, ben] = world.people
  if (!ann || !ben) throw new TypeError('there are people')
  const actor = actorOf(ann)
  const name = `${ben.profileId}.vcf`
  const read = (body: '3.0' | '4.0') => world.addressBooks.card(actor, ann.peopleId, name, body)
  const lines = [
    'BDAY:--0304',
    'GENDER:O;it is complicated',
    'LANG;PREF=1:de',
    'TEL;TYPE="voice,home";PREF=2;VALUE=uri:tel:+15550100',
    'ADR;LABEL="1 Street^n";GEO="geo:1,2":;;1 Street;;;;',
    'RELATED;TYPE=friend:urn:uuid:1',
    'item1.URL:https://a.example/',
    'item1.X-ABLabel:Mine',
    'SOCIALPROFILE;SERVICE-TYPE=Mastodon;USERNAME=ben:https://m.example/@ben',
    'ANNIVERSARY:20200101',
  ]
  const sent = (await read('4.0'))?.card?.text.replace('END:VCARD', `${lines.join('\r\n')}\r\nEND:VCARD`) ?? ''
  await world.contacts.put(actor, ann.peopleId, name, Buffer.from(sent))
  const before = [await read('3.0'), await read('4.0')]
  await world.users.delete(ben)
  const after = [await read('3.0'), await read('4.0')]
  t.strictSame(
    after.map((view) => [view?.kind, view?.etag, view?.card]),
    before.map((view) => ['personal', view?.etag, view?.card]),
  )
})
