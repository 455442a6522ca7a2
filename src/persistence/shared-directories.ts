import type { Actor, DirectoryChange, DirectoryKey, Entry, Id, SharedDirectories, SharedDirectory } from '#domain'
import { shownName } from './directory.ts'
import { containing } from './narrowing.ts'
import type { Session } from './session.ts'

interface DirectoryRow {
  id: Id
  organization_id: Id
  publisher: string
  name: string
  description: string | null
  subscribed: boolean
  administers: boolean
  manages: boolean
  created_at: Date
}

const toDirectory = (row: DirectoryRow): SharedDirectory => ({
  id: row.id,
  organizationId: row.organization_id,
  publisher: row.publisher,
  name: row.name,
  ...(row.description === null ? {} : { description: row.description }),
  subscribed: row.subscribed,
  administers: row.administers,
  manages: row.manages,
  createdAt: row.created_at,
})

/** $1 organization, $2 user, $3 whether they administer it, $4 one directory or all. */
const SEEN = `select * from (
    select d.id, d.organization_id, o.name as publisher, d.name, d.description, s.id is not null as subscribed,
      $3 as administers, m.user_id is not null as manages, d.created_at
    from directory d join organization o on o.id = d.organization_id
    left join directory_manager m on m.organization_id = d.organization_id and m.directory_id = d.id and m.user_id = $2
    left join directory_subscription s on s.organization_id = $1 and s.directory_id = d.id
    where d.organization_id = $1 and d.deleted_at is null and ($4::uuid is null or d.id = $4)
      and ($3::boolean or m.user_id is not null or s.id is not null)
    union all
    select s.directory_id, s.publisher_id, o.name, s.name, s.description, true, false, false, s.created_at
    from directory_subscription s join organization o on o.id = s.publisher_id
    where s.organization_id = $1 and s.publisher_id <> $1 and ($4::uuid is null or s.directory_id = $4)) d
  order by name collate "C", id`

const OF = 'organization_id = $1 and directory_id = $2'
const ENTRY = `select id, name, etag, text_4 as text from contact where ${OF} and kind = 'directory' and listed`

export class SqlSharedDirectories implements SharedDirectories {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  async insert({ organizationId, id, name, description }: Parameters<SharedDirectories['insert']>[0]): Promise<void> {
    await this.#session.query(
      'insert into directory (organization_id, id, name, description) values ($1, $2, $3, $4)',
      [organizationId, id, name, description],
    )
  }

  async list({ organizationId, userId }: Actor, administers: boolean): Promise<SharedDirectory[]> {
    const rows = await this.#session.query<DirectoryRow>(SEEN, [organizationId, userId, administers, null])
    return rows.map(toDirectory)
  }

  async find({ organizationId, userId }: Actor, id: Id, administers: boolean): Promise<SharedDirectory | undefined> {
    const [row] = await this.#session.query<DirectoryRow>(SEEN, [organizationId, userId, administers, id])
    return row && toDirectory(row)
  }

  async hold({ organizationId, id }: DirectoryKey, alone: boolean): Promise<boolean> {
    const rows = await this.#session.query(
      `select 1 from directory where organization_id = $1 and id = $2 and deleted_at is null for ${alone ? 'update' : 'share'}`,
      [organizationId, id],
    )
    return rows.length > 0
  }

  /** Told to each subscriber as well. */
  async update({ organizationId, id }: DirectoryKey, { name, description }: DirectoryChange): Promise<void> {
    const values = [organizationId, id, name, description !== undefined, description]
    const set = 'set name = coalesce($3, name), description = case when $4 then $5 else description end'
    await this.#session.query(`update directory ${set} where organization_id = $1 and id = $2`, values)
    await this.#session.query(
      `update directory_subscription ${set} where publisher_id = $1 and directory_id = $2
         and organization_id in (select subscriber_id from directory_subscriber where ${OF})`,
      values,
    )
  }

  async markDeleted({ organizationId, id }: DirectoryKey): Promise<void> {
    const keys = [organizationId, id]
    await this.#session.query(
      'update directory set deleted_at = now() where organization_id = $1 and id = $2 and deleted_at is null',
      keys,
    )
    await this.#session.query(`update contact set listed = false, deleted_at = now() where ${OF} and listed`, keys)
    await this.#session.query(`delete from directory_offer where ${OF}`, keys)
    await this.#session.query(`delete from directory_manager where ${OF}`, keys)
  }

  async isManager({ organizationId, id }: DirectoryKey, userId: Id): Promise<boolean> {
    const rows = await this.#session.query(`select 1 from directory_manager where ${OF} and user_id = $3`, [
      organizationId,
      id,
      userId,
    ])
    return rows.length > 0
  }

  async managers({ organizationId, id }: DirectoryKey) {
    return await this.#session.query<{ id: Id; name: string; email: string }>(
      `select u.id, coalesce(${shownName('u')}, u.user_name) as name, u.email
       from directory_manager m join "user" u on u.organization_id = m.organization_id and u.id = m.user_id
       where m.organization_id = $1 and m.directory_id = $2 order by 2, 1`,
      [organizationId, id],
    )
  }

  async addManager({ organizationId, id }: DirectoryKey, userId: Id): Promise<boolean> {
    const rows = await this.#session.query(
      `insert into directory_manager (organization_id, directory_id, user_id) values ($1, $2, $3)
       on conflict do nothing returning 1`,
      [organizationId, id, userId],
    )
    return rows.length > 0
  }

  async removeManager({ organizationId, id }: DirectoryKey, userId: Id): Promise<boolean> {
    const rows = await this.#session.query(`delete from directory_manager where ${OF} and user_id = $3 returning 1`, [
      organizationId,
      id,
      userId,
    ])
    return rows.length > 0
  }

  async entries({ organizationId, id }: DirectoryKey, words: readonly string[], after: string, limit: number) {
    const found = words.map((_, at) => `and search like $${at + 5}`).join(' ')
    return await this.#session.planned<Entry>(`${ENTRY} and name > $3 ${found} order by name limit $4`, [
      organizationId,
      id,
      after,
      limit,
      ...words.map(containing),
    ])
  }

  async entry({ organizationId, id }: DirectoryKey, entryId: Id): Promise<Entry | undefined> {
    const [row] = await this.#session.query<Entry>(`${ENTRY} and id = $3`, [organizationId, id, entryId])
    return row
  }
}
