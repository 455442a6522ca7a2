import type { Id, Invitation, Invitations, LinkHash, Role } from '#domain'
import type { Session } from './session.ts'

interface InvitationColumns {
  organization_id: string
  id: string
  team_id: string
  email: string
  role: Role
  invited_by: string | null
  created_at: Date
  expires_at: Date
}

const COLUMNS = 'i.organization_id, i.id, i.team_id, i.email, i.role, i.invited_by, i.created_at, i.expires_at'

const toInvitation = (row: InvitationColumns): Invitation => ({
  organizationId: row.organization_id,
  id: row.id,
  teamId: row.team_id,
  email: row.email,
  role: row.role,
  ...(row.invited_by === null ? {} : { invitedBy: row.invited_by }),
  createdAt: row.created_at,
  expiresAt: row.expires_at,
})

/** Times are by the database's clock, which every process has in common. */
export class SqlInvitations implements Invitations {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  async lock(organizationId: Id, to: 'invite' | 'create users'): Promise<void> {
    const shared = to === 'invite' ? '' : '_shared'
    await this.#session.query(
      `select pg_advisory_xact_lock${shared}(hashtextextended('invitation' || $1::text, 0))`,
      [organizationId],
      `invitations.lock${shared}`,
    )
  }

  async insert(
    { organizationId, id, teamId, email, role, invitedBy }: Omit<Invitation, 'createdAt' | 'expiresAt'>,
    { hash, keyId }: LinkHash,
    days: number,
  ): Promise<Invitation | undefined> {
    const [row] = await this.#session.query<InvitationColumns>(
      `insert into invitation as i (organization_id, id, team_id, email, email_key, role, invited_by, hash, key_id, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now() + make_interval(days => $10))
       on conflict (organization_id, team_id, email_key) do update set id = excluded.id, email = excluded.email,
         role = excluded.role, invited_by = excluded.invited_by, hash = excluded.hash, key_id = excluded.key_id,
         created_at = excluded.created_at, expires_at = excluded.expires_at
         where i.expires_at <= now()
       returning ${COLUMNS}`,
      [organizationId, id, teamId, email, email.toLowerCase(), role, invitedBy ?? null, hash, keyId, days],
    )
    return row && toInvitation(row)
  }

  async find(organizationId: Id, id: Id): Promise<Invitation | undefined> {
    const [row] = await this.#session.query<InvitationColumns>(
      `select ${COLUMNS} from invitation i where i.organization_id = $1 and i.id = $2`,
      [organizationId, id],
    )
    return row && toInvitation(row)
  }

  async ofLink(organizationId: Id, id: Id, hash: string): Promise<(Invitation & { teamName: string }) | undefined> {
    const [row] = await this.#session.query<InvitationColumns & { name: string }>(
      `select ${COLUMNS}, t.name from invitation i
       join team t on t.organization_id = i.organization_id and t.id = i.team_id
       join organization o on o.id = i.organization_id
       where i.organization_id = $1 and i.id = $2 and i.hash = $3 and i.expires_at > now() and o.is_active`,
      [organizationId, id, hash],
    )
    return row && { ...toInvitation(row), teamName: row.name }
  }

  async page(organizationId: Id, teamId: Id, after: string, limit: number): Promise<Invitation[]> {
    const rows = await this.#session.query<InvitationColumns>(
      `select ${COLUMNS} from invitation i where i.organization_id = $1 and i.team_id = $2 and i.email_key > $3
       order by i.email_key limit $4`,
      [organizationId, teamId, after, limit],
    )
    return rows.map(toInvitation)
  }

  async waiting(organizationId: Id, emails: readonly string[], ownDomains: boolean): Promise<Invitation[]> {
    const rows = await this.#session.query<InvitationColumns>(
      `select ${COLUMNS} from invitation i
       where i.organization_id = $1 and i.email_key = any($2) and i.expires_at > now()
         and (not $3 or substring(i.email_key from '[^@]*$') in
           (select d.domain from organization_domain d where d.organization_id = $1))
       order by i.team_id, i.id`,
      [organizationId, emails.map((email) => email.toLowerCase()), ownDomains],
      'invitations.waiting',
    )
    return rows.map(toInvitation)
  }

  async renew(organizationId: Id, id: Id, { hash, keyId }: LinkHash, days: number): Promise<Invitation | undefined> {
    const [row] = await this.#session.query<InvitationColumns>(
      `update invitation i set hash = $3, key_id = $4,
         expires_at = greatest(now() + make_interval(days => $5), i.expires_at + interval '1 millisecond')
       where i.organization_id = $1 and i.id = $2 returning ${COLUMNS}`,
      [organizationId, id, hash, keyId, days],
    )
    return row && toInvitation(row)
  }

  async take(organizationId: Id, id: Id): Promise<Invitation | undefined> {
    const [row] = await this.#session.query<InvitationColumns>(
      `delete from invitation i where i.organization_id = $1 and i.id = $2 and i.expires_at > now() returning ${COLUMNS}`,
      [organizationId, id],
    )
    return row && toInvitation(row)
  }

  async delete(organizationId: Id, id: Id): Promise<boolean> {
    const rows = await this.#session.query(
      'delete from invitation where organization_id = $1 and id = $2 returning 1',
      [organizationId, id],
    )
    return rows.length > 0
  }

  async deleteAll(organizationId: Id, teamId: Id): Promise<void> {
    await this.#session.query('delete from invitation where organization_id = $1 and team_id = $2', [
      organizationId,
      teamId,
    ])
  }

  async forget(before: Date): Promise<void> {
    await this.#session.query('delete from invitation where expires_at < $1', [before])
  }
}
