import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { NewUser } from '#domain'
import type { Kith } from '../composition.ts'
import { avatar } from './avatar.ts'
import { JULIE, PEOPLE } from './people.ts'

export const DEMO_ORGANIZATION = 'Space Odyssey'

export interface DemoAccount {
  readonly name: string
  readonly username: string
  readonly password: string
}

/** Loads the Space Odyssey organization if the database holds no organization. Returns whether it did. */
export async function loadDemo(kith: Kith): Promise<boolean> {
  const { organizations, users, teams, contacts } = kith
  if ((await organizations.list()).length > 0) return false
  const organization = await organizations.create({ name: DEMO_ORGANIZATION, domains: ['spaceodyssey.com'] })
  const wanted: NewUser[] = []
  for (const person of PEOPLE) {
    const { prefix, given, family, email, title, department, workPhone, mobile, city } = person
    wanted.push({
      email,
      name: [prefix, given, family].filter(Boolean).join(' '),
      nameParts: { given, family, ...(prefix ? { prefix } : {}) },
      title,
      department,
      workPhone,
      ...(mobile ? { mobilePhone: mobile } : {}),
      ...(city ? { address: { type: 'Work', city } } : {}),
      photo: `data:image/png;base64,${avatar(email).toString('base64')}`,
      isStaff: wanted.length === 0,
    })
    await setImmediate()
  }
  const [david, ryan, ...others] = await users.createMany(organization.id, wanted)
  if (!david || !ryan) throw new TypeError('the demo has David and Ryan')
  const team = await teams.create('Project X', david)
  await teams.add(team, ryan, 'administrator')
  for (const user of others.slice(0, 4)) await teams.add(team, user, 'member')
  const actor = { organizationId: organization.id, userId: david.id, peopleId: david.peopleId }
  const uid = /^UID:(.+?)\r?$/m.exec(JULIE)?.[1] ?? 'julie'
  await contacts.put(actor, david.peopleId, `${uid}.vcf`, Buffer.from(JULIE))
  return true
}

/** Two people's app passwords for trying; kept in DATA_DIR/demo.json, so that the next start prints the same. */
export async function demoAccounts({ users, appPasswords }: Kith, dataDir: string): Promise<DemoAccount[]> {
  const path = join(dataDir, 'demo.json')
  const kept = await readFile(path, 'utf8').then(
    (text) => JSON.parse(text) as DemoAccount[], // written below
    () => undefined,
  )
  if (kept && (await appPasswords.verify(kept[0]?.username ?? '', kept[0]?.password ?? ''))) return kept
  const accounts: DemoAccount[] = []
  for (const [name, email] of [
    ['David Bowman', 'david.bowman@spaceodyssey.com'],
    ['Dr Ryan Stone', 'ryan.stone@spaceodyssey.com'],
  ] as const) {
    const { username, password } = await appPasswords.create(await users.get(email), 'demo')
    accounts.push({ name, username, password })
  }
  await writeFile(path, JSON.stringify(accounts, null, 2), { mode: 0o600 })
  return accounts
}

const GIVEN = ['Ada', 'Björn', 'Chloé', 'Dmitri', 'Eun', 'Fatima', 'Grace', 'Hugo', 'Ines', 'João', 'Kai', 'Léa']
const FAMILY = [
  'Abe',
  'Brandt',
  'Castillo',
  'Dubois',
  'Eriksen',
  'Fischer',
  'García',
  'Haddad',
  'Ito',
  'Jansen',
  'Kovač',
]
const BATCH = 2_000

/** An organization of that many users, for measuring: `big-N.example`, users `user-I@big-N.example`. */
export async function loadMany({ organizations, users }: Kith, count: number): Promise<string> {
  const domain = `big-${count}.example`
  const organization = await organizations.create({ name: `Big ${count}`, domains: [domain] })
  for (let from = 0; from < count; from += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, count - from) }, (_, at): NewUser => {
      const number = from + at
      const given = GIVEN[number % GIVEN.length] ?? ''
      const family = `${FAMILY[number % FAMILY.length]} ${number}`
      return {
        email: `user-${number}@${domain}`,
        name: `${given} ${family}`,
        nameParts: { given, family },
        title: `Specialist ${number % 40}`,
        department: `Department ${number % 25}`,
        workPhone: `+1 555 ${String(number).padStart(7, '0')}`,
      }
    })
    await users.createMany(organization.id, batch)
  }
  return organization.name
}
