import type { Actor, Book, Books, Id } from '#domain'
import { AddressBookRow } from './schema.ts'
import type { Session } from './session.ts'

export class SqlBooks implements Books {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  /** The merged book first: a client that shows one only shows that. */
  async list(actor: Actor): Promise<Book[]> {
    const books = await this.#read(actor, {})
    return books.sort((one, other) => Number(other.id === actor.peopleId) - Number(one.id === actor.peopleId))
  }

  async find(actor: Actor, name: string): Promise<Book | undefined> {
    return (await this.#read(actor, { name }))[0]
  }

  async #read({ organizationId, userId }: Actor, where: { name?: string }): Promise<Book[]> {
    const rows = await this.#session.entities((em) =>
      em.find(AddressBookRow, { organizationId, ownerId: userId, ...where }, { orderBy: { name: 'asc' } }),
    )
    return rows.map(({ id, ownerId, name, displayName, createdAt }) => ({ id, ownerId, name, displayName, createdAt }))
  }

  async setDisplayName({ organizationId, userId }: Actor, id: Id, displayName: string): Promise<void> {
    await this.#session.entities((em) =>
      em.nativeUpdate(AddressBookRow, { organizationId, id, ownerId: userId }, { displayName }),
    )
  }
}
