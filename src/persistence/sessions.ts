import type { Actor, Id, LoginLink, SessionEnd, WebSession, WebSessions } from '#domain'
import { LoginLinkRow, WebSessionRow } from './schema-access.ts'
import type { Session } from './session.ts'

/** By the database's clock, which every process has in common. */
const IN_FORCE = `s.expires_at > now() and s.last_used_at > now() - make_interval(secs => $4)`

export class SqlWebSessions implements WebSessions {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  async insert(session: WebSession, hash: string, keyId: string): Promise<void> {
    const { organizationId, id, userId, issuer, sub, sid, createdAt, expiresAt } = session
    await this.#session.entities(async (em) => {
      em.create(WebSessionRow, {
        ...{ organizationId, id, userId, hash, keyId, createdAt, lastUsedAt: createdAt, expiresAt },
        ...(issuer === undefined ? {} : { issuer }),
        ...(sub === undefined ? {} : { sub }),
        ...(sid === undefined ? {} : { sid }),
      })
      await em.flush()
    })
  }

  async inForce(
    organizationId: Id,
    id: Id,
    hash: string,
    idleSeconds: number,
  ): Promise<{ actor: Actor; lastUsedAt: Date } | undefined> {
    const [row] = await this.#session.query<{ user_id: Id; people_id: Id; last_used_at: Date; created_at: Date }>(
      `select s.user_id, u.people_id, s.last_used_at, s.created_at from web_session s
       join "user" u on u.organization_id = s.organization_id and u.id = s.user_id
       join organization o on o.id = s.organization_id
       where s.organization_id = $1 and s.id = $2 and s.hash = $3 and ${IN_FORCE}
         and u.is_active and not u.is_device and o.is_active`,
      [organizationId, id, hash, idleSeconds],
      'web-sessions.in-force',
    )
    if (!row) return undefined
    const actor = { organizationId, userId: row.user_id, peopleId: row.people_id, signedInAt: row.created_at }
    return { actor, lastUsedAt: row.last_used_at }
  }

  async used(organizationId: Id, id: Id): Promise<void> {
    await this.#session.query('update web_session set last_used_at = now() where organization_id = $1 and id = $2', [
      organizationId,
      id,
    ])
  }

  async end(organizationId: Id, id: Id, hash: string): Promise<void> {
    await this.#session.query('delete from web_session where organization_id = $1 and id = $2 and hash = $3', [
      organizationId,
      id,
      hash,
    ])
  }

  async endAt({ issuer, sub, sid, madeBefore }: SessionEnd): Promise<number> {
    const rows = await this.#session.query(
      `delete from web_session where issuer = $1 and ($2::text is null or sub = $2) and ($3::text is null or sid = $3)
         and (sub = $2 or sid = $3) and created_at <= $4 returning 1`,
      [issuer, sub, sid, madeBefore],
    )
    return rows.length
  }

  async insertLink({ organizationId, id, userId, expiresAt }: LoginLink, hash: string, keyId: string): Promise<void> {
    await this.#session.entities(async (em) => {
      em.create(LoginLinkRow, { organizationId, id, userId, hash, keyId, expiresAt })
      await em.flush()
    })
  }

  async useLink(organizationId: Id, id: Id, hash: string): Promise<Id | undefined> {
    const [row] = await this.#session.query<{ user_id: Id }>(
      `delete from login_link l using "user" u, organization o
       where l.organization_id = $1 and l.id = $2 and l.hash = $3 and l.expires_at > now()
         and u.organization_id = l.organization_id and u.id = l.user_id and u.is_active and not u.is_device
         and o.id = l.organization_id and o.is_active
       returning l.user_id`,
      [organizationId, id, hash],
    )
    return row?.user_id
  }

  async forget(before: Date, idleSeconds: number): Promise<void> {
    await this.#session.query(
      `delete from web_session where expires_at < $1 or last_used_at < $1 - make_interval(secs => $2)`,
      [before, idleSeconds],
    )
    await this.#session.query('delete from login_link where expires_at < $1', [before])
  }
}
