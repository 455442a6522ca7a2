import type { Id, Invitation, InvitationInForce, Invitations, LinkHash, NewInvitation, Role } from '#domain'
import { NAME_LINE } from './people-sql.ts'
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
  letter: Invitation['letter']
  sent_at: Date | null
}

interface InForceColumns extends InvitationColumns {
  hash: string | null
  team: string
  organization: string
  inviter: string | null
  inviter_line: string | null
}

const COLUMNS = `i.organization_id, i.id, i.team_id, i.email, i.role, i.invited_by, i.created_at, i.expires_at,
  i.letter, i.sent_at`

/** Which sending of it a Date means, that has no microseconds. */
const SENDING = `i.organization_id = $1 and i.id = $2 and date_trunc('milliseconds', i.expires_at) = $3`

const toInvitation = (row: InvitationColumns): Invitation => ({
  organizationId: row.organization_id,
  id: row.id,
  teamId: row.team_id,
  email: row.email,
  role: row.role,
  ...(row.invited_by === null ? {} : { invitedBy: row.invited_by }),
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  letter: row.letter,
  ...(row.sent_at === null ? {} : { sentAt: row.sent_at }),
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
    { organizationId, id, teamId, email, role, invitedBy }: NewInvitation,
    days: number,
  ): Promise<Invitation | undefined> {
    const [row] = await this.#session.query<InvitationColumns>(
      `insert into invitation as i (organization_id, id, team_id, email, email_key, role, invited_by, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(days => $8))
       on conflict (organization_id, team_id, email_key) do update set id = excluded.id, email = excluded.email,
         role = excluded.role, invited_by = excluded.invited_by, hash = null, key_id = null,
         created_at = excluded.created_at, expires_at = excluded.expires_at, letter = 'waiting', sent_at = null
         where i.expires_at <= now()
       returning ${COLUMNS}`,
      [organizationId, id, teamId, email, email.toLowerCase(), role, invitedBy ?? null, days],
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

  async inForce(organizationId: Id, id: Id): Promise<InvitationInForce | undefined> {
    const [row] = await this.#session.query<InForceColumns>(
      `select ${COLUMNS}, i.hash, t.name as team, o.name as organization, u.email as inviter, ${NAME_LINE} as inviter_line
       from invitation i
       join team t on t.organization_id = i.organization_id and t.id = i.team_id
       join organization o on o.id = i.organization_id
       left join "user" u on u.organization_id = i.organization_id and u.id = i.invited_by
       left join contact c on c.organization_id = u.organization_id and c.id = u.profile_id
       where i.organization_id = $1 and i.id = $2 and i.expires_at > now() and o.is_active`,
      [organizationId, id],
    )
    if (!row) return undefined
    const { hash, team: teamName, organization: organizationName, inviter: email, inviter_line: nameLine } = row
    const inviter = email === null ? undefined : { email, ...(nameLine === null ? {} : { nameLine }) }
    return {
      invitation: toInvitation(row),
      teamName,
      organizationName,
      ...(inviter ? { inviter } : {}),
      ...(hash === null ? {} : { hash }),
    }
  }

  async setLink({ organizationId, id, expiresAt }: Invitation, { hash, keyId }: LinkHash): Promise<boolean> {
    const rows = await this.#session.query(
      `update invitation i set hash = $4, key_id = $5 where ${SENDING} returning 1`,
      [organizationId, id, expiresAt, hash, keyId],
    )
    return rows.length > 0
  }

  async setLetter({ organizationId, id, expiresAt }: Invitation, letter: 'sent' | 'failed'): Promise<void> {
    await this.#session.query(
      `update invitation i set letter = $4, sent_at = case when $4 = 'sent' then now() end where ${SENDING}`,
      [organizationId, id, expiresAt, letter],
    )
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

  async renew(organizationId: Id, id: Id, days: number): Promise<Invitation | undefined> {
    const [row] = await this.#session.query<InvitationColumns>(
      `update invitation i set hash = null, key_id = null, letter = 'waiting', sent_at = null,
         expires_at = greatest(now() + make_interval(days => $3), i.expires_at + interval '1 millisecond')
       where i.organization_id = $1 and i.id = $2 returning ${COLUMNS}`,
      [organizationId, id, days],
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
