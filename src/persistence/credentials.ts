import type { Actor, AppPassword, Credentials, Id } from '#domain'
import { AppPasswordRow, LoginRow } from './schema-access.ts'
import type { Session } from './session.ts'

interface PasswordRow {
  organization_id: string
  id: string
  user_id: string
  label: string
  name: string
  created_at: Date
  last_used_at: Date | null
  revoked_at: Date | null
  people_id: string
}

const toPassword = (row: PasswordRow): AppPassword => ({
  id: row.id,
  organizationId: row.organization_id,
  userId: row.user_id,
  label: row.label,
  loginName: row.name,
  createdAt: row.created_at,
  ...(row.last_used_at ? { lastUsedAt: row.last_used_at } : {}),
  ...(row.revoked_at ? { revokedAt: row.revoked_at } : {}),
})

const SELECT = `select p.organization_id, p.id, p.user_id, p.label, l.name, p.created_at, p.last_used_at, p.revoked_at, u.people_id
  from login l
  join app_password p on p.organization_id = l.organization_id and p.id = l.app_password_id
  join "user" u on u.organization_id = p.organization_id and u.id = p.user_id`

export class SqlCredentials implements Credentials {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  async insert(password: AppPassword, hash: string, keyId: string): Promise<void> {
    const { id, organizationId, userId, label, loginName, createdAt } = password
    await this.#session.entities(async (em) => {
      em.create(AppPasswordRow, { id, organizationId, userId, label, hash, keyId, createdAt })
      await em.flush()
      em.create(LoginRow, { name: loginName, appPasswordId: id, organizationId })
      await em.flush()
    })
  }

  async verify(loginName: string, hash: string): Promise<{ actor: Actor; password: AppPassword } | undefined> {
    const [row] = await this.#session.query<PasswordRow>(
      `${SELECT} join organization o on o.id = p.organization_id
       where l.name = $1 and p.hash = $2 and p.revoked_at is null and u.is_active and o.is_active`,
      [loginName, hash],
      'credentials.verify',
    )
    if (!row) return undefined
    const actor = { organizationId: row.organization_id, userId: row.user_id, peopleId: row.people_id }
    return { actor, password: toPassword(row) }
  }

  async list(userId: Id): Promise<AppPassword[]> {
    const rows = await this.#session.query<PasswordRow>(`${SELECT} where p.user_id = $1 order by p.created_at, p.id`, [
      userId,
    ])
    return rows.map(toPassword)
  }

  async revoke(id: Id): Promise<boolean> {
    const rows = await this.#session.query(
      'update app_password set revoked_at = now() where id = $1 and revoked_at is null returning 1',
      [id],
    )
    return rows.length > 0
  }

  async used(organizationId: Id, id: Id, at: Date): Promise<void> {
    await this.#session.query('update app_password set last_used_at = $3 where organization_id = $1 and id = $2', [
      organizationId,
      id,
      at,
    ])
  }

  async keyId(own: string): Promise<string> {
    await this.#session.query(`insert into setting (name, value) values ('secret_key_id', $1) on conflict do nothing`, [
      own,
    ])
    const [row] = await this.#session.query<{ value: string }>(
      `select value from setting where name = 'secret_key_id'`,
      [],
    )
    return row?.value ?? own
  }
}
