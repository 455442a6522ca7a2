import { type Actor, type ClientProperties, type ClientProperty, collectionId, type Id, type Member } from '#domain'
import type { Session } from './session.ts'

const OF_MEMBER = 'organization_id = $1 and user_id = $2 and collection_id = $3 and member = $4'

export class SqlClientProperties implements ClientProperties {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  async list(
    { organizationId, userId }: Actor,
    collectionId: Id,
    members: readonly string[],
  ): Promise<ClientProperty[]> {
    return await this.#session.query<ClientProperty>(
      `select member, name, value from client_property
       where organization_id = $1 and user_id = $2 and collection_id = $3 and member = any($4) order by member, name`,
      [organizationId, userId, collectionId, members],
      'client-properties',
    )
  }

  async size({ organizationId, userId }: Actor): Promise<number> {
    const [row] = await this.#session.query<{ size: string | null }>(
      `select sum(octet_length(name) + octet_length(value)) as size from client_property
       where organization_id = $1 and user_id = $2`,
      [organizationId, userId],
    )
    return Number(row?.size ?? 0)
  }

  async set(actor: Actor, { collection, name: member }: Member, name: string, value: string): Promise<void> {
    await this.#session.query(
      `insert into client_property (organization_id, user_id, collection_id, member, name, value)
       values ($1, $2, $3, $4, $5, $6)
       on conflict (organization_id, user_id, collection_id, member, name) do update set value = excluded.value`,
      [actor.organizationId, actor.userId, collectionId(collection), member, name, value],
    )
  }

  async remove({ organizationId, userId }: Actor, { collection, name: member }: Member, name?: string): Promise<void> {
    await this.#session.query(`delete from client_property where ${OF_MEMBER} and ($5::text is null or name = $5)`, [
      organizationId,
      userId,
      collectionId(collection),
      member,
      name,
    ])
  }

  async copy(actor: Actor, from: Member, to: Member): Promise<void> {
    await this.remove(actor, to)
    await this.#session.query(
      `insert into client_property (organization_id, user_id, collection_id, member, name, value)
       select organization_id, user_id, $5, $6, name, value from client_property where ${OF_MEMBER}`,
      [
        actor.organizationId,
        actor.userId,
        collectionId(from.collection),
        from.name,
        collectionId(to.collection),
        to.name,
      ],
    )
  }
}
