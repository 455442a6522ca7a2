import { readdirSync } from 'node:fs'
import t from 'tap'
import { vcard } from '../support/dav.ts'
import { ask, type Running, startKith } from '../support/kith.ts'
import { expectAll } from './expect.ts'
import { fill, readSteps, type Values } from './http-file.ts'

const HERE = new URL('./', import.meta.url)
const running = await startKith(t)

/** What happens to the account from elsewhere, between two requests of the client. */
type Event = () => Promise<unknown>

/** An account in an organization of its own, and what its client may know before it asks. */
async function openAccount({ kith, url, organization, device }: Running, client: string) {
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
  const events: Readonly<Record<string, Event>> = {
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
  return { values, events }
}

const clients = readdirSync(HERE, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'cards')
  .map(({ name }) => name)

for (const client of clients) {
  t.test(`${client}: the life of an account`, async (t) => {
    const { values, events } = await openAccount(running, client)
    const filled = (text: string) => fill(text, values)
    const files = readdirSync(new URL(client, HERE)).filter((name) => name.endsWith('.http'))
    for (const file of files.sort()) {
      for (const step of readSteps(new URL(`${client}/${file}`, HERE).pathname)) {
        await t.test(`${client} ${file.slice(0, -5)}: ${step.title}`, async (t) => {
          for (const name of step.before) {
            const event = events[name]
            if (!event) throw new Error(`no such event: ${name}`)
            await event()
          }
          const headers = Object.fromEntries(Object.entries(step.headers).map(([name, value]) => [name, filled(value)]))
          const body = step.body === undefined ? {} : { body: filled(step.body) }
          const answer = await ask(running.url, step.method, filled(step.path), { headers, ...body })
          t.equal(answer.status, step.status, answer.status === step.status ? '' : answer.text.slice(0, 600))
          expectAll(t, answer, step.expectations, values, filled)
        })
      }
    }
  })
}
