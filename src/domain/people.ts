import type { Actor, Id } from './actor.ts'
import { nameInLine } from './contacts/contact.ts'
import type { PersonMatch, PersonRow, Store } from './ports.ts'

/** An active user of an organization, as colleagues see them. */
export interface Person {
  readonly id: Id
  /** What their card is called by; never empty. */
  readonly name: string
  readonly email: string
  /** The resource name of their card. */
  readonly card: string
}

/** Who works in my organization: everybody finds everybody, whatever their address book shows. */
export class People {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  /** Undefined: there is nobody of that id, or they are another organization's, or no longer active. */
  async find({ organizationId }: Actor, id: Id): Promise<Person | undefined> {
    const row = await this.#store.users.person(organizationId, id)
    return row && toPerson(row)
  }

  /** Those whom all, or any, of the matches are about, by name of card; at most `limit`. */
  async search(
    { organizationId }: Actor,
    matches: readonly PersonMatch[],
    test: 'all' | 'any',
    limit: number,
  ): Promise<Person[]> {
    return (await this.#store.users.people(organizationId, matches, test, limit)).map(toPerson)
  }

  /** Those of them whose card is in the actor's own people book. */
  async shown(actor: Actor, people: readonly Person[]): Promise<ReadonlySet<Id>> {
    const names = people.map(({ card }) => card)
    const views = await this.#store.collections.named(actor, actor.peopleId, names, 'none')
    const cards = new Set(views.map(({ name }) => name))
    return new Set(people.filter(({ card }) => cards.has(card)).map(({ id }) => id))
  }

  /** What the actor's organization is called. */
  async organizationName({ organizationId }: Actor): Promise<string> {
    const [organization] = await this.#store.organizations.find(organizationId)
    if (!organization) throw new TypeError('an actor has an organization') // the user's row refers to it
    return organization.name
  }
}

/** Of the card only the line with the name is read: a photo may be large. */
function toPerson({ id, email, card, nameLine }: PersonRow): Person {
  return { id, email, card, name: nameInLine(nameLine) || email }
}
