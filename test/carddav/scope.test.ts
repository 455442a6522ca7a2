import t from 'tap'
import { condition } from '../support/dav.ts'
import { type Device, startKith } from '../support/kith.ts'

const { kith, organization, device, cardOf } = await startKith(t)
const organizationId = await organization('Space Odyssey', 'spaceodyssey.com', [
  'David Bowman',
  'Ryan Stone',
  'Frank Poole',
])
const mail = (name: string) => `${name}@spaceodyssey.com`
const user = await kith.users.get(mail('david.bowman'))
const david = await device(mail('david.bowman'))
const [own, ryan, frank] = await Promise.all(
  ['david.bowman', 'ryan.stone', 'frank.poole'].map((name) => cardOf(mail(name))),
)
const team = await kith.teams.create('Project X', user)
await kith.teams.add(team, await kith.users.get(mail('ryan.stone')), 'member')
const group = `${team.id}.vcf`

const refusedToken = async (who: Device, token: string) => {
  const answer = await who.report(
    who.people,
    'D:sync-collection',
    `<D:sync-token>${token}</D:sync-token><D:prop><D:getetag/></D:prop>`,
  )
  return [answer.status, condition(answer)]
}
const names = async () => [...(await david.list()).keys()].map((href) => href.replace(david.people, '')).sort()
const sorted = (...cards: (string | undefined)[]) => cards.sort()

t.test('each switch of the scope, the narrower of both, is a full and right listing', async (t) => {
  const steps: [() => Promise<void>, (string | undefined)[]][] = [
    [async () => await kith.users.setScope(user, 'teams'), sorted(own, ryan, group)],
    [async () => await kith.organizations.setScope(organizationId, 'none'), sorted(own, group)],
    [async () => await kith.users.setScope(user, 'everyone'), sorted(own, group)],
    [async () => await kith.organizations.setScope(organizationId, 'everyone'), sorted(own, ryan, frank, group)],
    [async () => await kith.users.setScope(user, 'none'), sorted(own, group)],
  ]
  for (const [change, expected] of steps) {
    const { token } = await david.sync()
    await change()
    t.strictSame(await refusedToken(david, token ?? ''), [403, 'D:valid-sync-token'])
    t.strictSame(await names(), expected)
    const listing = await david.sync()
    t.strictSame([...listing.changed.keys()].map((href) => href.replace(david.people, '')).sort(), expected)
    t.strictSame(listing.gone, [], 'a listing names nothing that is gone')
    await change()
    t.equal((await david.sync(listing.token)).answer.status, 207, 'the same once more resets nothing')
  }
})

t.test(
  'a PUT to the address of a colleague out of scope lays a layer over their card, which is then in the book',
  async (t) => {
    t.equal((await david.get(frank ?? '')).status, 404)
    const { token } = await david.sync()
    const card = (await (await device(mail('frank.poole'))).get(frank ?? '')).text
    const mine = card.replace('END:VCARD', 'NOTE:plays chess\r\nEND:VCARD')
    t.equal((await david.put(frank ?? '', mine)).status, 201)
    t.match((await david.get(frank ?? '')).text, /plays chess/)
    t.strictSame([...(await david.sync(token)).changed.keys()], [david.people + frank])
    t.equal((await david.delete(frank ?? '')).status, 204)
    t.equal((await david.get(frank ?? '')).status, 404)
    t.strictSame((await david.sync(token)).gone, [david.people + frank])
    t.equal((await david.put(frank ?? '', card)).status, 201, 'unchanged: it is only added to the book')
    t.equal((await david.get(frank ?? '')).text, card)
    await kith.users.update(await kith.users.get(mail('frank.poole')), { title: 'Astronaut' })
    t.match((await david.get(frank ?? '')).text, /Astronaut/)
    const now = (await david.get(frank ?? '')).text
    t.equal((await david.put(frank ?? '', now)).status, 204, 'the same again')
    t.equal((await david.get(frank ?? '')).status, 200, 'keeps it')
  },
)
