import { randomUUID } from 'node:crypto'
import { type Actor, type Book, DomainError, HistoryService, ROLES, type Scope, type Team, type User } from '#domain'
import { actorOf, type World } from '../support/services.ts'
import type { Random } from './random.ts'

/** What a round lets happen: `calm` keeps tokens valid, so that no refusal hides what a client missed. */
export type Weather = 'calm' | 'wild'

type Action = (world: World, random: Random) => Promise<unknown>

const words = ['Pod', 'Hal', 'Aries', 'Orion', 'Clavius', 'Monolith', 'Discovery', 'Tycho']
const text = (random: Random): string => `${random.pick(words)} ${random.below(1_000)}`
const anybody = ({ people }: World, random: Random): User => random.pick(people)
/** Mostly those whose devices follow: what others do in their own books nobody sees. */
const somebody = ({ people, followed }: World, random: Random): User =>
  random.pick(random.chance(0.8) ? followed : people)

async function anyTeam({ teams, organizationId }: World, random: Random): Promise<Team | undefined> {
  const all = await teams.list(organizationId)
  return all.length > 0 ? random.pick(all) : undefined
}

/** A name out of what the person sees. */
async function anyName({ addressBooks }: World, actor: Actor, random: Random): Promise<string | undefined> {
  const names: string[] = []
  for await (const views of addressBooks.cards(actor, actor.peopleId, 'none'))
    names.push(...views.map(({ name }) => name))
  return names.length > 0 ? random.pick(names) : undefined
}

const personal = (uid: string, random: Random): Buffer =>
  Buffer.from(`BEGIN:VCARD\r\nVERSION:3.0\r\nUID:${uid}\r\nFN:${text(random)}\r\nN:;;;;\r\nEND:VCARD\r\n`)

/** Sends a card back with something changed, as a device does. */
async function edit(world: World, actor: Actor, name: string, random: Random): Promise<void> {
  const view = await world.addressBooks.card(actor, actor.peopleId, name, random.chance(0.5) ? '3.0' : '4.0')
  if (!view?.card) return
  const line = random.pick([
    `NOTE:${text(random)}`,
    `TEL;TYPE=home:+1 555 ${random.below(10_000)}`,
    `NICKNAME:${text(random)}`,
  ])
  const bare = random.chance(0.4) ? view.card.text.replace(/^(NOTE|NICKNAME).*\r\n/gm, '') : view.card.text
  const content = bare.replace(/END:VCARD\r\n$/, `${line}\r\nEND:VCARD\r\n`)
  const condition = random.chance(0.7) ? { match: [view.etag] } : {}
  await world.contacts.put(actor, actor.peopleId, name, Buffer.from(content), condition)
}

/** A book that stays, so that devices can follow it; others come and go. */
export const KEPT_BOOK = 'kept'

async function anyBook({ books }: World, actor: Actor, random: Random): Promise<Book> {
  return random.pick(await books.list(actor))
}

const ACTIONS = {
  async manage(world, random) {
    const managed = random.pick([
      { title: text(random) },
      { workPhone: `+1 555 ${random.below(10_000)}` },
      { name: `${text(random)} Name` },
    ])
    await world.users.update(anybody(world, random), managed)
  },
  async mailRename(world, random) {
    const email = `renamed.${random.below(60)}@spaceodyssey.com`
    await world.users.update(anybody(world, random), { email })
  },
  async ownProfile(world, random) {
    const user = somebody(world, random)
    await edit(world, actorOf(user), `${user.profileId}.vcf`, random)
  },
  async override(world, random) {
    await edit(world, actorOf(somebody(world, random)), `${anybody(world, random).profileId}.vcf`, random)
  },
  async hideOrReset(world, random) {
    const actor = actorOf(somebody(world, random))
    const name = await anyName(world, actor, random)
    if (name) await world.contacts.delete(actor, actor.peopleId, name)
  },
  async unhide(world, random) {
    const actor = actorOf(somebody(world, random))
    const hidden = await world.contacts.hidden(actor)
    if (hidden.length > 0) await world.contacts.unhide(actor, random.pick(hidden).id)
  },
  async personal(world, random) {
    const actor = actorOf(somebody(world, random))
    const name = `own-${random.below(25)}`
    await world.contacts.put(actor, actor.peopleId, `${name}.vcf`, personal(`uid-${name}`, random))
  },
  async bookCard(world, random) {
    const actor = actorOf(random.pick(world.followed))
    const { id } = await anyBook(world, actor, random)
    const name = `own-${random.below(25)}`
    await world.contacts.put(actor, id, `${name}.vcf`, personal(`uid-${name}`, random))
  },
  async transfer(world, random) {
    const actor = actorOf(random.pick(world.followed))
    const from = await anyBook(world, actor, random)
    const to = random.chance(0.7) ? await anyBook(world, actor, random) : from
    const views: string[] = []
    for await (const some of world.addressBooks.cards(actor, from.id, 'none'))
      views.push(...some.map(({ name }) => name))
    if (views.length === 0) return
    const own = views.filter((name) => name.startsWith('own-'))
    const name = random.pick(random.chance(0.7) && own.length > 0 ? own : views)
    const how = { overwrite: random.chance(0.7), source: {}, target: {} }
    const places = [
      { collection: from.id, name },
      { collection: to.id, name: random.chance(0.6) ? name : `own-${random.below(25)}.vcf` },
    ] as const
    await (random.chance(0.6) ? world.contacts.move(actor, ...places, how) : world.contacts.copy(actor, ...places, how))
  },
  async makeBook(world, random) {
    await world.books.create(actorOf(random.pick(world.followed)), `book-${random.below(6)}`, {})
  },
  async renameBook(world, random) {
    const actor = actorOf(random.pick(world.followed))
    const { id, name } = await anyBook(world, actor, random)
    if (random.chance(0.5)) await world.books.update(actor, id, { displayName: text(random) })
    else if (name !== KEPT_BOOK) await world.books.move(actor, id, `book-${random.below(6)}`, random.chance(0.5))
  },
  async deleteBook(world, random) {
    const actor = actorOf(random.pick(world.followed))
    const { id, name } = await anyBook(world, actor, random)
    if (name !== KEPT_BOOK) await world.books.delete(actor, id)
  },
  /** On the group card, as a device does. */
  async editTeam(world, random) {
    const team = await anyTeam(world, random)
    const members = team ? await world.teams.members(team) : []
    const editor = members.find(({ role, isActive }) => isActive && role !== 'member')
    const user = world.people.find(({ id }) => id === editor?.userId)
    if (!team || !user) return
    const actor = actorOf(user)
    const name = `${team.id}.vcf`
    const view = await world.addressBooks.card(actor, actor.peopleId, name, '4.0')
    if (!view?.card) return
    const lines = view.card.text.split('\r\n').filter((line) => !line.startsWith('MEMBER:') || random.chance(0.8))
    const more = random.chance(0.7) ? [`MEMBER:urn:uuid:${anybody(world, random).profileId}`] : []
    const content = lines.flatMap((line) => (line === 'END:VCARD' ? [...more, line] : [line])).join('\r\n')
    const renamed = random.chance(0.2) ? content.replace(/^FN:.*$/m, `FN:${text(random)}`) : content
    await world.contacts.put(actor, actor.peopleId, name, Buffer.from(renamed), { match: [view.etag] })
  },
  async restore(world, random) {
    const actor = actorOf(random.pick(world.followed))
    const history = new HistoryService(world.store, world.contacts)
    const versions = await history.list(actor)
    if (versions.length > 0) await history.restore(actor, random.pick(versions).id)
  },
  async joinCreate(world, random) {
    const { length } = await world.teams.list(world.organizationId)
    if (length < 8) await world.teams.create(text(random), somebody(world, random))
  },
  async joinTeam(world, random) {
    const team = await anyTeam(world, random)
    if (team) await world.teams.add(team, somebody(world, random), random.pick(ROLES))
  },
  async leaveTeam(world, random) {
    const team = await anyTeam(world, random)
    if (!team) return
    const members = await world.teams.members(team)
    if (members.length === 0) return // it was deleted meanwhile
    const { userId } = random.pick(members)
    const going = world.people.find(({ id }) => id === userId)
    if (going) await world.teams.remove(team, going)
  },
  async deleteTeam(world, random) {
    const team = await anyTeam(world, random)
    if (team) await world.teams.delete(team)
  },
  async deactivate(world, random) {
    await world.users.setActive(anybody(world, random), false)
  },
  async reactivate(world, random) {
    const away: User[] = []
    for await (const user of world.users.list(world.organizationId)) if (!user.isActive) away.push(user)
    if (away.length > 0) await world.users.setActive(random.pick(away), true)
  },
  async createUsers(world, random) {
    if (world.people.length > 90) return
    const made = await world.users.createMany(
      world.organizationId,
      Array.from({ length: 1 + random.below(6) }, () => ({
        name: text(random),
        email: `${randomUUID()}@spaceodyssey.com`,
      })),
    )
    world.people.push(...made)
  },
  async deleteUser(world, random) {
    const user = anybody(world, random)
    if (world.people.length < 30 || world.followed.includes(user)) return
    await world.users.delete(user)
    world.people.splice(world.people.indexOf(user), 1)
  },
  async severalStreams({ store, organizationId, people, followed }, random) {
    const member = random.pick(people)
    await store.transaction(async (transaction) => {
      for (const actor of followed.filter(() => random.chance(0.3)).map(actorOf)) {
        await transaction.contacts.hide(actor, member.profileId)
        transaction.record(organizationId, {
          streamId: actor.peopleId,
          member: `${member.profileId}.vcf`,
          kind: 'card',
        })
      }
    })
  },
  async userScope(world, random) {
    await world.users.setScope(random.pick(world.followed), random.pick<Scope>(['everyone', 'teams', 'teams', 'none']))
  },
  async organizationScope(world, random) {
    await world.organizations.setScope(world.organizationId, random.pick<Scope>(['everyone', 'everyone', 'teams']))
  },
  async prune({ store }, random) {
    await store.collections.prune(new Date(Date.now() - random.below(2_000)))
  },
} satisfies Record<string, Action>

type Name = keyof typeof ACTIONS
const CALM: Readonly<Record<Name, number>> = {
  manage: 16,
  mailRename: 4,
  ownProfile: 10,
  override: 16,
  hideOrReset: 10,
  unhide: 6,
  personal: 10,
  bookCard: 8,
  transfer: 12,
  makeBook: 3,
  renameBook: 3,
  deleteBook: 1.5,
  editTeam: 8,
  restore: 2,
  joinCreate: 3,
  joinTeam: 10,
  leaveTeam: 6,
  deleteTeam: 0.5,
  deactivate: 3,
  reactivate: 4,
  createUsers: 2,
  deleteUser: 2,
  severalStreams: 3,
  userScope: 0,
  organizationScope: 0,
  prune: 0,
}
const WEATHER: Readonly<Record<Weather, Readonly<Record<Name, number>>>> = {
  calm: CALM,
  wild: { ...CALM, userScope: 2, organizationScope: 0.4, prune: 1, deleteTeam: 2, deactivate: 5, reactivate: 6 },
}

/** How often each action was done, and how often refused with which code. */
export type Tally = Map<string, number>

/** Does one thing after the other until told to stop; the domain may refuse any of it. */
export async function write(
  world: World,
  random: Random,
  weather: Weather,
  signal: AbortSignal,
  tally: Tally,
): Promise<void> {
  while (!signal.aborted) {
    const name = random.weighted(WEATHER[weather])
    let outcome = ''
    try {
      await ACTIONS[name](world, random)
    } catch (error) {
      if (!(error instanceof DomainError)) throw new Error(`${name} failed`, { cause: error })
      outcome = ` ${error.code}`
    }
    tally.set(name + outcome, (tally.get(name + outcome) ?? 0) + 1)
  }
}
