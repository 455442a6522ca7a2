import {
  type Actor,
  type Book,
  type BookChanges,
  type Books,
  type ChangedMember,
  type Collection,
  collectionId,
  directoryBookName,
  directoryInBookName,
  directoryOf,
  type Heads,
  type Id,
  sharedBookId,
} from '#domain'
import { BOOK } from './journal.ts'
import { AddressBookRow } from './schema.ts'
import type { Session } from './session.ts'

/** The books that a person's stream ($2) tells of in ($3, $4], and their organization's in ($7, $8], by name. */
const CHANGED = `select member collate "C" as name from (
    select member from journal
    where organization_id = $1 and stream_id = $2 and revision > $3 and revision <= $4 and kind = ${BOOK} and member > $5
    union
    select member from journal
    where organization_id = $1 and stream_id = $1 and revision > $7 and revision <= $8 and kind = ${BOOK} and member > $5) j
  order by 1 limit $6`

interface SubscriptionRow {
  id: Id
  directory_id: Id
  publisher_id: Id
  name: string
  description: string | null
  created_at: Date
}
const SUBSCRIPTION = `select id, directory_id, publisher_id, name, description, created_at from directory_subscription
  where organization_id = $1`

const toSharedBook = (userId: Id, row: SubscriptionRow): Book => ({
  id: sharedBookId(userId, row.id),
  ownerId: userId,
  name: directoryBookName(row.directory_id),
  displayName: row.name,
  ...(row.description === null ? {} : { description: row.description }),
  createdAt: row.created_at,
  directory: { organizationId: row.publisher_id, id: row.directory_id },
})

/** The book of a directory that the person's organization is subscribed to; that cannot end until the transaction does. */
export async function holdSubscription(
  session: Session,
  { organizationId, userId }: Actor,
  collection: Collection,
): Promise<Book | undefined> {
  const [row] = await session.query<SubscriptionRow>(
    `${SUBSCRIPTION} and directory_id = $2 for share`,
    [organizationId, directoryOf(collection)?.id],
    'subscription.hold',
  )
  const book = row && toSharedBook(userId, row)
  return book?.id === collectionId(collection) ? book : undefined // another one: it ended and was made again
}

export class SqlBooks implements Books {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  /** The merged book first: a client that shows one only shows that. */
  async list(actor: Actor): Promise<Book[]> {
    const shared = await this.#session.query<SubscriptionRow>(
      `${SUBSCRIPTION} order by name collate "C", directory_id`,
      [actor.organizationId],
      'subscriptions',
    )
    const books = [...(await this.#read(actor, {})), ...shared.map((row) => toSharedBook(actor.userId, row))]
    return books.sort((one, other) => Number(other.id === actor.peopleId) - Number(one.id === actor.peopleId))
  }

  async find(actor: Actor, name: string): Promise<Book | undefined> {
    const directory = directoryInBookName(name)
    if (directory === undefined) return (await this.#read(actor, { name }))[0]
    const sql = `${SUBSCRIPTION} and directory_id = $2`
    const [row] = await this.#session.query<SubscriptionRow>(sql, [actor.organizationId, directory], 'subscription')
    return row && toSharedBook(actor.userId, row)
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
      em.find(
        AddressBookRow,
        { organizationId, ownerId: userId, directoryId: null, ...where },
        { orderBy: { name: 'asc' } },
      ),
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
    const own = [since.own.revision, until.own.revision]
    const base = [since.base.revision, until.base.revision]
    const values = [organizationId, userId, ...own, after, limit, ...base]
    const names = await this.#session.query<{ name: string }>(CHANGED, values)
    const books = new Map((await this.list(actor)).map((book) => [book.name, book]))
    return names.map(({ name }) => {
      const view = books.get(name)
      return view ? { name, view } : { name }
    })
  }

  async lock(actor: Actor, collection: Collection): Promise<Book | undefined> {
    const { organizationId, userId } = actor
    const id = collectionId(collection)
    const directory = directoryOf(collection)
    const shared = directory && (await holdSubscription(this.#session, actor, collection))
    if (directory && !shared) return undefined
    if (shared) {
      await this.#session.query(
        `insert into address_book (organization_id, id, owner_id, name, display_name, directory_id)
         values ($1, $2, $3, $4, '', $5) on conflict do nothing`,
        [organizationId, id, userId, shared.name, directory?.id],
        'book.shared',
      )
    }
    const rows = await this.#session.query(
      'select 1 from address_book where organization_id = $1 and owner_id = $2 and id = $3 for update',
      [organizationId, userId, id],
      'book.lock',
    )
    if (rows.length === 0) return undefined
    return shared ?? (await this.#read(actor, { id }))[0]
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
