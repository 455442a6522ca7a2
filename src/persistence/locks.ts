import type { Actor, Id, Lock, Locks } from '#domain'
import type { Session } from './session.ts'

const COLUMNS = `id, collection_id as "collectionId", member, exclusive, whole, owner, seconds, expires_at as "expiresAt"`

export class SqlLocks implements Locks {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  async list({ organizationId, userId }: Actor, collectionId?: Id): Promise<Lock[]> {
    return await this.#session.query<Lock>(
      `select ${COLUMNS} from lock
       where organization_id = $1 and user_id = $2 and ($3::uuid is null or collection_id = $3) and expires_at > now()
       order by id`,
      [organizationId, userId, collectionId],
    )
  }

  async insert({ organizationId, userId }: Actor, lock: Omit<Lock, 'expiresAt'>): Promise<Date> {
    const { collectionId, id, member, exclusive, whole, owner, seconds } = lock
    return await this.#written(
      `insert into lock (organization_id, user_id, collection_id, id, member, exclusive, whole, owner, seconds, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now() + make_interval(secs => $9::integer)) returning expires_at`,
      [organizationId, userId, collectionId, id, member, exclusive, whole, owner, seconds],
    )
  }

  async refresh({ organizationId, userId }: Actor, { collectionId, id }: Lock, seconds: number): Promise<Date> {
    return await this.#written(
      `update lock set seconds = $5, expires_at = now() + make_interval(secs => $5::integer)
       where organization_id = $1 and user_id = $2 and collection_id = $3 and id = $4 returning expires_at`,
      [organizationId, userId, collectionId, id, seconds],
    )
  }

  async #written(sql: string, values: readonly unknown[]): Promise<Date> {
    const [row] = await this.#session.query<{ expires_at: Date }>(sql, values)
    return row?.expires_at ?? new Date(0) // deleted meanwhile: over
  }

  async delete(
    { organizationId, userId }: Actor,
    { collectionId, id }: Pick<Lock, 'collectionId' | 'id'>,
  ): Promise<void> {
    await this.#session.query(
      'delete from lock where organization_id = $1 and user_id = $2 and collection_id = $3 and id = $4',
      [organizationId, userId, collectionId, id],
    )
  }

  async release({ organizationId, userId }: Actor, collectionId: Id, member: string): Promise<void> {
    await this.#session.query(
      'delete from lock where organization_id = $1 and user_id = $2 and collection_id = $3 and member = $4',
      [organizationId, userId, collectionId, member],
    )
  }

  async forget(before: Date): Promise<void> {
    await this.#session.query('delete from lock where expires_at < $1', [before])
  }
}
