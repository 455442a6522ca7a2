import type { ApiToken, ApiTokens, Connector, Id } from '#domain'
import { CONNECTOR_COLUMNS, type ConnectorColumns, scopesOf, toConnector, WRITE_SCOPE } from './connectors.ts'
import { ApiTokenRow } from './schema-access.ts'
import type { Session } from './session.ts'

interface TokenRow extends ConnectorColumns {
  id: string
  label: string
  scopes: string[]
  created_at: Date
  expires_at: Date | null
  last_used_at: Date | null
  revoked_at: Date | null
}

const toToken = (row: TokenRow): ApiToken => ({
  id: row.id,
  label: row.label,
  connector: toConnector(row),
  mayWrite: row.scopes.includes(WRITE_SCOPE),
  createdAt: row.created_at,
  ...(row.expires_at ? { expiresAt: row.expires_at } : {}),
  ...(row.last_used_at ? { lastUsedAt: row.last_used_at } : {}),
  ...(row.revoked_at ? { revokedAt: row.revoked_at } : {}),
})

const SELECT = `select t.id, t.label, t.scopes, t.created_at, t.expires_at, t.last_used_at, t.revoked_at, ${CONNECTOR_COLUMNS}
  from api_token t join connector c on c.organization_id = t.organization_id and c.id = t.connector_id`

/** By the database's clock, which every process has in common. */
const IN_FORCE = `(t.revoked_at is null or t.revoked_at > now()) and (t.expires_at is null or t.expires_at > now())`

export class SqlApiTokens implements ApiTokens {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  async insert(token: ApiToken, hash: string, keyId: string): Promise<void> {
    const { id, label, connector, mayWrite, createdAt, expiresAt } = token
    await this.#session.entities(async (em) => {
      em.create(ApiTokenRow, {
        organizationId: connector.organizationId,
        id,
        label,
        hash,
        keyId,
        scopes: scopesOf(mayWrite),
        connectorId: connector.id,
        createdAt,
        ...(expiresAt ? { expiresAt } : {}),
      })
      await em.flush()
    })
  }

  async inForce(organizationId: Id, id: Id, hash?: string): Promise<ApiToken | undefined> {
    const [row] = await this.#session.query<TokenRow>(
      `${SELECT} join organization o on o.id = t.organization_id
       where t.organization_id = $1 and t.id = $2 and ($3::text is null or t.hash = $3) and o.is_active and ${IN_FORCE}`,
      [organizationId, id, hash ?? null],
      'api-tokens.in-force',
    )
    return row && toToken(row)
  }

  async lock(id: Id): Promise<ApiToken | undefined> {
    const [row] = await this.#session.query<TokenRow>(`${SELECT} where t.id = $1 and ${IN_FORCE} for update of t`, [id])
    return row && toToken(row)
  }

  async list(organizationId?: Id): Promise<ApiToken[]> {
    const rows = await this.#session.query<TokenRow>(
      `${SELECT} where $1::uuid is null or t.organization_id = $1 order by t.created_at, t.id`,
      [organizationId ?? null],
    )
    return rows.map(toToken)
  }

  async page({ organizationId, id }: Connector, after: Id | undefined, limit: number): Promise<ApiToken[]> {
    const rows = await this.#session.query<TokenRow>(
      `${SELECT} where t.organization_id = $1 and t.connector_id = $2 and ($3::uuid is null or t.id > $3) and ${IN_FORCE}
       order by t.id limit $4`,
      [organizationId, id, after ?? null, limit],
    )
    return rows.map(toToken)
  }

  async end(id: Id, inSeconds: number): Promise<boolean> {
    const rows = await this.#session.query(
      `update api_token t set revoked_at = least(t.revoked_at, now() + make_interval(secs => $2))
       where t.id = $1 and ${IN_FORCE} returning 1`,
      [id, inSeconds],
    )
    return rows.length > 0
  }

  async used(organizationId: Id, id: Id, at: Date): Promise<void> {
    await this.#session.query('update api_token set last_used_at = $3 where organization_id = $1 and id = $2', [
      organizationId,
      id,
      at,
    ])
  }
}
