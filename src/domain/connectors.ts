import { randomUUID } from 'node:crypto'
import type { Actor, Id } from './actor.ts'
import { DomainError, notFound } from './errors.ts'
import type { Store } from './ports.ts'

/** What an organization lets one identity provider do: its tokens and clients belong to it. */
export interface Connector {
  readonly organizationId: Id
  readonly id: Id
  /** Unique within the organization. */
  readonly name: string
  /** Takes what identity providers get wrong for what it is. */
  readonly isStrict: boolean
  /** Whoever bears this role at the identity provider is staff here; absent: roles grant nothing. */
  readonly staffRole?: string
}

/** What may be said of a connector; an empty `staffRole` takes the mapping away. */
export interface ConnectorChange {
  readonly name?: string
  readonly isStrict?: boolean
  readonly staffRole?: string
}

/** An issuer's OAuth client that comes as a connector. */
export interface ConnectorClient {
  readonly issuer: string
  readonly clientId: string
  readonly connector: Connector
  readonly mayWrite: boolean
}

/** Who comes with a bearer token. `key` is of the token, the issuer's client or the user: rate limits count by it. */
export type Bearer =
  | { readonly kind: 'connector'; readonly key: string; readonly connector: Connector; readonly mayWrite: boolean }
  | { readonly kind: 'user'; readonly key: string; readonly actor: Actor }

const DEFAULT_CONNECTOR = 'default'

type Field = 'name' | 'staff_role' | 'client_id'

function checked(text: string, what: string, field: Field): string {
  const trimmed = text.trim()
  if (trimmed === '' || trimmed.length > 200 || /\p{Cc}/u.test(trimmed)) {
    const problem = 'has 1 to 200 characters, and no control characters'
    throw new DomainError('invalid-data', `${what} ${problem}`, { problems: [{ field, problem }] })
  }
  return trimmed
}

const nameOf = (text: string): string => checked(text, "A connector's name", 'name')

export const newConnector = (organizationId: Id, { name = '', ...rest }: ConnectorChange): Connector =>
  changedConnector({ organizationId, id: randomUUID(), name: '', isStrict: false }, { name, ...rest })

/** @throws DomainError `invalid-data` */
export function changedConnector(
  now: Connector,
  { name, isStrict = now.isStrict, staffRole }: ConnectorChange,
): Connector {
  const { staffRole: before, ...rest } = now
  const role =
    staffRole === undefined ? before : staffRole === '' ? undefined : checked(staffRole, 'A role', 'staff_role')
  return {
    ...rest,
    name: name === undefined ? now.name : nameOf(name),
    isStrict,
    ...(role === undefined ? {} : { staffRole: role }),
  }
}

export class ConnectorService {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  list = (organizationId?: Id): Promise<Connector[]> => this.#store.connectors.list(organizationId)

  /** Of that name in the organization. @throws DomainError `not-found` */
  async get(organizationId: Id, name = DEFAULT_CONNECTOR): Promise<Connector> {
    const found = await this.#store.connectors.find(organizationId, name.trim())
    if (!found) throw notFound(`There is no connector "${name}" in the organization`)
    return found
  }

  /** Of that name in the organization, made if it is not there yet. @throws DomainError `invalid-data` */
  async obtain(organizationId: Id, name = DEFAULT_CONNECTOR): Promise<Connector> {
    const connector = newConnector(organizationId, { name })
    return await this.#store.transaction(async ({ connectors }) => {
      await connectors.insertAbsent(connector)
      const found = await connectors.find(organizationId, connector.name)
      if (!found) throw notFound(`There is no connector "${name}" in the organization`)
      return found
    })
  }

  /** In force within 500 ms on every process. @throws DomainError `invalid-data` */
  async update(connector: Connector, change: ConnectorChange): Promise<Connector> {
    const changed = changedConnector(connector, change)
    await this.#store.transaction(({ connectors }) => connectors.update(changed))
    return changed
  }

  /**
   * Has the issuer's client come as this connector.
   *
   * @throws DomainError `invalid-data`, `already-exists` where it comes as one already
   */
  async bind(connector: Connector, issuer: string, clientId: string, mayWrite: boolean): Promise<ConnectorClient> {
    const client = { issuer, clientId: checked(clientId, 'A client id', 'client_id'), connector, mayWrite }
    const bound = await this.#store.transaction(({ connectors }) => connectors.bind(client))
    if (!bound) {
      throw new DomainError('already-exists', `The client "${clientId}" of ${issuer} is bound already: unbind it first`)
    }
    return client
  }

  clients = (): Promise<ConnectorClient[]> => this.#store.connectors.clients()

  /** @throws DomainError `not-found` */
  async unbind(issuer: string, clientId: string): Promise<void> {
    if (!(await this.#store.connectors.unbind(issuer, clientId))) {
      throw notFound(`No client "${clientId}" of ${issuer} is bound`)
    }
  }
}
