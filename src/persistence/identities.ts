import type { Actor, Id, Identities, Identity, Said } from '#domain'
import type { Session } from './session.ts'

export class SqlIdentities implements Identities {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  async link({ issuer, sub }: Identity, organizationId: Id, userId: Id): Promise<boolean> {
    const rows = await this.#session.query(
      `insert into identity (issuer, sub, organization_id, user_id) values ($1, $2, $3, $4)
       on conflict (issuer, sub) do update set user_id = excluded.user_id
         where identity.organization_id = excluded.organization_id and identity.user_id = excluded.user_id
       returning 1`,
      [issuer, sub, organizationId, userId],
    )
    return rows.length > 0
  }

  async unlink({ issuer, sub }: Identity, organizationId: Id, userId: Id): Promise<boolean> {
    const rows = await this.#session.query(
      'delete from identity where issuer = $1 and sub = $2 and organization_id = $3 and user_id = $4 returning 1',
      [issuer, sub, organizationId, userId],
    )
    return rows.length > 0
  }

  async actor({ issuer, sub }: Identity): Promise<Actor | undefined> {
    const [row] = await this.#session.query<Actor>(
      `select u.organization_id as "organizationId", u.id as "userId", u.people_id as "peopleId" from identity i
       join "user" u on u.organization_id = i.organization_id and u.id = i.user_id
       join organization o on o.id = i.organization_id
       where i.issuer = $1 and i.sub = $2 and u.is_active and o.is_active`,
      [issuer, sub],
      'identities.actor',
    )
    return row
  }

  async find({ issuer, sub }: Identity): Promise<{ organizationId: Id; userId: Id } | undefined> {
    const [row] = await this.#session.query<{ organizationId: Id; userId: Id }>(
      'select organization_id as "organizationId", user_id as "userId" from identity where issuer = $1 and sub = $2',
      [issuer, sub],
    )
    return row
  }

  async known(issuer: string, organizationId: Id, userIds: readonly Id[]): Promise<Id[]> {
    const rows = await this.#session.query<{ user_id: Id }>(
      'select distinct user_id from identity where issuer = $1 and organization_id = $2 and user_id = any($3)',
      [issuer, organizationId, userIds],
    )
    return rows.map(({ user_id }) => user_id)
  }

  async said(issuer: string, organizationId: Id, userId: Id): Promise<Said | undefined> {
    const [row] = await this.#session.query<{ said: Said }>(
      `select said from identity where issuer = $1 and organization_id = $2 and user_id = $3 and said is not null
       order by said_at desc limit 1`,
      [issuer, organizationId, userId],
    )
    return row?.said
  }

  async remember({ issuer, sub }: Identity, organizationId: Id, said: Said): Promise<void> {
    await this.#session.query(
      'update identity set said = $4, said_at = now() where issuer = $1 and sub = $2 and organization_id = $3',
      [issuer, sub, organizationId, JSON.stringify(said)],
    )
  }

  async forget({ issuer, sub }: Identity, organizationId: Id, userId: Id): Promise<void> {
    await this.#session.query(
      `delete from identity where issuer = $1 and (sub = $2) <> (organization_id = $3 and user_id = $4)`,
      [issuer, sub, organizationId, userId],
    )
  }
}
