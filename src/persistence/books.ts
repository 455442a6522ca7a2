import type { Actor, Book, BookChanges, Books, ChangedMember, Heads, Id } from '#domain'
import { BOOK } from './journal.ts'
import { AddressBookRow } from './schema.ts'
import type { Session } from './session.ts'

/** The books that a person's stream ($2) tells of in ($3, $4], by name. */
const CHANGED = `select distinct member collate "C" as name from journal
  where organization_id = $1 and stream_id = $2 and revision > $3 and revision <= $4 and kind = ${BOOK} and member > $5
  order by 1 limit $6`

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

  async bytes({ organizationId, userId }: Actor): Promise<number> {
    const [row] = await this.#session.query<{ bytes: string }>(
      `select coalesce(sum(size), 0) as bytes from contact where organization_id = $1
         and book_id in (select id from address_book where organization_id = $1 and owner_id = $2)`,
      [organizationId, userId],
      'bytes',
    )
    return Number(row?.bytes ?? 0)
  }

  async #read({ organizationId, userId }: Actor, where: { name?: string; id?: Id }): Promise<Book[]> {
    const rows = await this.#session.entities((em) =>
      em.find(AddressBookRow, { organizationId, ownerId: userId, ...where }, { orderBy: { name: 'asc' } }),
    )
    return rows.map(({ id, ownerId, name, displayName, description, color, createdAt }) => ({
      id,
      ownerId,
      name,
      displayName,
      ...(typeof description === 'string' ? { description } : {}),
      ...(typeof color === 'string' ? { color } : {}),
      createdAt,
    }))
  }

  async changed(
    actor: Actor,
    since: Heads,
    until: Heads,
    after: string,
    limit: number,
  ): Promise<ChangedMember<Book>[]> {
    const { organizationId, userId } = actor
    const span = [since.own.revision, until.own.revision]
    const names = await this.#session.query<{ name: string }>(CHANGED, [organizationId, userId, ...span, after, limit])
    const books = new Map((await this.list(actor)).map((book) => [book.name, book]))
    return names.map(({ name }) => {
      const view = books.get(name)
      return view ? { name, view } : { name }
    })
  }

  async lock({ organizationId, userId }: Actor, id: Id): Promise<Book | undefined> {
    const rows = await this.#session.query(
      'select 1 from address_book where organization_id = $1 and owner_id = $2 and id = $3 for update',
      [organizationId, userId, id],
      'book.lock',
    )
    return rows.length === 0 ? undefined : (await this.#read({ organizationId, userId, peopleId: '' }, { id }))[0]
  }

  async insert(
    { organizationId }: Actor,
    { id, ownerId, name, displayName, description, color }: Book,
  ): Promise<boolean> {
    const rows = await this.#session.query(
      `insert into address_book (organization_id, id, owner_id, name, display_name, description, color)
       values ($1, $2, $3, $4, $5, $6, $7) on conflict on constraint address_book_name do nothing returning 1`,
      [organizationId, id, ownerId, name, displayName, description, color],
    )
    return rows.length > 0
  }

  async update({ organizationId, userId }: Actor, id: Id, changes: BookChanges & { name?: string }): Promise<void> {
    const { name, displayName, description, color } = changes
    await this.#session.query(
      `update address_book set name = coalesce($4, name), display_name = coalesce($5, display_name),
         description = case when $6 then $7 else description end, color = case when $8 then $9 else color end
       where organization_id = $1 and owner_id = $2 and id = $3`,
      [
        organizationId,
        userId,
        id,
        name,
        displayName,
        description !== undefined,
        description,
        color !== undefined,
        color,
      ],
    )
  }

  async delete({ organizationId, userId }: Actor, id: Id): Promise<void> {
    for (const table of ['client_property', 'lock']) {
      await this.#session.query(
        `delete from ${table} where organization_id = $1 and user_id = $2 and collection_id = $3`,
        [organizationId, userId, id],
      )
    }
    await this.#session.query('delete from address_book where organization_id = $1 and owner_id = $2 and id = $3', [
      organizationId,
      userId,
      id,
    ])
  }
}
