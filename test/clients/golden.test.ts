import t from 'tap'
import { vcard } from '../support/dav.ts'
import { type Running, startKith } from '../support/kith.ts'
import type { Values } from './http-file.ts'
import { clientsWith, replay, type Stage } from './replay.ts'

const running = await startKith(t)

/** An account in an organization of its own, and what its client may know before it asks. */
async function openAccount({ kith, url, organization, device }: Running, client: string): Promise<Stage> {
  const domain = `${client}.example`
  await organization(client, domain, ['David Bowman', 'Ryan Stone', 'Zoe Lind'])
  const [david, ryan, zoe] = [
    await kith.users.get(`david.bowman@${domain}`),
    await kith.users.get(`ryan.stone@${domain}`),
    await kith.users.get(`zoe.lind@${domain}`),
  ]
  const team = await kith.teams.create('Discovery', zoe)
  await kith.teams.add(team, david, 'member')
  const phone = await device(david.email)
  const other = await device(david.email)
  const values: Values = new Map([
    ['url', url],
    ['host', new URL(url).host],
    ['authorization', phone.authorization],
    ['wrong', `Basic ${Buffer.from(`${david.email}:wrong`).toString('base64')}`],
    ['meUuid', david.profileId],
    ['ryanUuid', ryan.profileId],
    ['zoeUuid', zoe.profileId],
    ['teamUuid', team.id],
    ['ryanPeople', `/dav/addressbooks/${ryan.id}/people/`],
  ])
  const elsewhere = vcard(['UID:elsewhere', 'FN:Frank Poole', 'N:Poole;Frank;;;', 'TEL;TYPE=CELL:+1 555 0101'])
  const events: Stage['events'] = {
    'a colleague changes': async () =>
      kith.users.update(await kith.users.get(ryan.id), { title: 'Surgeon', workPhone: '+1 555 0199' }),
    'a colleague leaves': async () => kith.users.setActive(await kith.users.get(zoe.id), false),
    'another device adds a card': () => other.put('elsewhere.vcf', elsewhere, { 'if-none-match': '*' }),
    'another device changes that card': () => other.put('elsewhere.vcf', elsewhere.replace('0101', '0102')),
    'another device deletes that card': () => other.delete('elsewhere.vcf'),
    'all tokens are refused': async () => {
      await kith.users.setScope(await kith.users.get(david.id), 'teams')
      await kith.users.setScope(await kith.users.get(david.id), 'everyone')
    },
  }
  return { url, values, events }
}

for (const client of clientsWith('.http')) {
  t.test(`${client}: the life of an account`, async (t) => {
    await replay(t, client, '.http', await openAccount(running, client))
  })
}
