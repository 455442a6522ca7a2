import type { Connector, ConnectorClient, Connectors, Id } from '#domain'
import { ConnectorClientRow } from './schema-access.ts'
import type { Session } from './session.ts'

export interface ConnectorColumns {
  organization_id: string
  connector_id: string
  connector_name: string
  is_strict: boolean
  staff_role: string | null
}

/** Of the table as `c`. */
export const CONNECTOR_COLUMNS =
  'c.organization_id, c.id as connector_id, c.name as connector_name, c.is_strict, c.staff_role'

export const toConnector = (row: ConnectorColumns): Connector => ({
  organizationId: row.organization_id,
  id: row.connector_id,
  name: row.connector_name,
  isStrict: row.is_strict,
  ...(row.staff_role === null ? {} : { staffRole: row.staff_role }),
})

export const WRITE_SCOPE = 'scim.write'
/** What a token or a client may do, as it is kept. */
export const scopesOf = (mayWrite: boolean): string[] => (mayWrite ? ['scim.read', WRITE_SCOPE] : ['scim.read'])

interface ClientRow extends ConnectorColumns {
  issuer: string
  client_id: string
  scopes: string[]
}

const CLIENTS = `select k.issuer, k.client_id, k.scopes, ${CONNECTOR_COLUMNS} from connector_client k
  join connector c on c.organization_id = k.organization_id and c.id = k.connector_id
  join organization o on o.id = k.organization_id`

const toClient = (row: ClientRow): ConnectorClient => ({
  issuer: row.issuer,
  clientId: row.client_id,
  connector: toConnector(row),
  mayWrite: row.scopes.includes(WRITE_SCOPE),
})

export class SqlConnectors implements Connectors {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  async insertAbsent({ organizationId, id, name, isStrict, staffRole }: Connector): Promise<boolean> {
    const rows = await this.#session.query(
      `insert into connector (organization_id, id, name, is_strict, staff_role) values ($1, $2, $3, $4, $5)
       on conflict (organization_id, name) do nothing returning 1`,
      [organizationId, id, name, isStrict, staffRole ?? null],
    )
    return rows.length > 0
  }

  async find(organizationId: Id, name: string): Promise<Connector | undefined> {
    const [row] = await this.#session.query<ConnectorColumns>(
      `select ${CONNECTOR_COLUMNS} from connector c where c.organization_id = $1 and c.name = $2`,
      [organizationId, name],
    )
    return row && toConnector(row)
  }

  read = (organizationId: Id, id: Id): Promise<Connector | undefined> => this.#one(organizationId, id, '')
  lock = (organizationId: Id, id: Id): Promise<Connector | undefined> => this.#one(organizationId, id, 'for update')

  async #one(organizationId: Id, id: Id, lock: '' | 'for update'): Promise<Connector | undefined> {
    const [row] = await this.#session.query<ConnectorColumns>(
      `select ${CONNECTOR_COLUMNS} from connector c where c.organization_id = $1 and c.id = $2 ${lock}`,
      [organizationId, id],
    )
    return row && toConnector(row)
  }

  async page(organizationId: Id, after: string | undefined, limit: number): Promise<Connector[]> {
    const rows = await this.#session.query<ConnectorColumns>(
      `select ${CONNECTOR_COLUMNS} from connector c where c.organization_id = $1 and ($2::text is null or c.name > $2)
       order by c.name limit $3`,
      [organizationId, after ?? null, limit],
    )
    return rows.map(toConnector)
  }

  async list(organizationId?: Id): Promise<Connector[]> {
    const rows = await this.#session.query<ConnectorColumns>(
      `select ${CONNECTOR_COLUMNS} from connector c where $1::uuid is null or c.organization_id = $1
       order by c.organization_id, c.name`,
      [organizationId ?? null],
    )
    return rows.map(toConnector)
  }

  async update({ organizationId, id, name, isStrict, staffRole }: Connector): Promise<void> {
    await this.#session.query(
      'update connector set name = $3, is_strict = $4, staff_role = $5 where organization_id = $1 and id = $2',
      [organizationId, id, name, isStrict, staffRole ?? null],
    )
  }

  async delete({ organizationId, id }: Connector): Promise<void> {
    for (const table of ['api_token', 'connector_client']) {
      await this.#session.query(`delete from ${table} where organization_id = $1 and connector_id = $2`, [
        organizationId,
        id,
      ])
    }
    await this.#session.query('delete from connector where organization_id = $1 and id = $2', [organizationId, id])
  }

  async bind({ issuer, clientId, connector, mayWrite }: ConnectorClient): Promise<boolean> {
    const rows = await this.#session.query(
      `insert into connector_client (issuer, client_id, organization_id, connector_id, scopes) values ($1, $2, $3, $4, $5)
       on conflict (issuer, client_id) do nothing returning 1`,
      [issuer, clientId, connector.organizationId, connector.id, scopesOf(mayWrite)],
    )
    return rows.length > 0
  }

  async unbind(issuer: string, clientId: string): Promise<boolean> {
    return (await this.#session.entities((em) => em.nativeDelete(ConnectorClientRow, { issuer, clientId }))) > 0
  }

  async clients(): Promise<ConnectorClient[]> {
    return (await this.#session.query<ClientRow>(`${CLIENTS} order by k.issuer, k.client_id`, [])).map(toClient)
  }

  async client(issuer: string, clientId: string): Promise<ConnectorClient | undefined> {
    const [row] = await this.#session.query<ClientRow>(
      `${CLIENTS} where k.issuer = $1 and k.client_id = $2 and o.is_active`,
      [issuer, clientId],
      'connectors.client',
    )
    return row && toClient(row)
  }
}
