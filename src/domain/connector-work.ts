import { isDeepStrictEqual } from 'node:util'
import { type Actor, assertRecent, type Id } from './actor.ts'
import { type Connector, type ConnectorChange, changedConnector, newConnector } from './connectors.ts'
import { DomainError, notFound } from './errors.ts'
import { assertAdministers, assertAdministrator } from './organization-work.ts'
import type { Repositories, Store, Transaction } from './ports.ts'
import type { ApiToken, IssueToken, NewApiToken, TokenOptions } from './ports-access.ts'
import { assertExpected, type Expected, lockPeople } from './team-role.ts'

/** What an organization's administrators do with its connectors. All of it throws DomainError `need-privileges`. */
export class ConnectorWork {
  readonly #store: Store
  readonly #issue: IssueToken
  constructor(store: Store, issue: IssueToken) {
    this.#store = store
    this.#issue = issue
  }

  /** By name; `after` is the name of the last one of the page before. */
  async page(actor: Actor, after: string | undefined, limit: number): Promise<Connector[]> {
    await this.#assertAllowed(actor)
    return await this.#store.connectors.page(actor.organizationId, after, limit)
  }

  /** @throws DomainError `not-found` */
  async read(actor: Actor, id: Id): Promise<Connector> {
    await this.#assertAllowed(actor)
    return found(await this.#store.connectors.read(actor.organizationId, id))
  }

  /** @throws DomainError `invalid-data`, `already-exists` */
  async create(actor: Actor, said: ConnectorChange): Promise<Connector> {
    return await this.#store.transaction(async (transaction) => {
      await lockAdministrator(transaction, actor)
      const connector = newConnector(actor.organizationId, said)
      if (!(await transaction.connectors.insertAbsent(connector))) {
        throw new DomainError('already-exists', `There is a connector "${connector.name}" already`)
      }
      return connector
    })
  }

  /** In force within 500 ms on every process. @throws DomainError `not-found`, `invalid-data`, `already-exists` */
  async change(actor: Actor, id: Id, said: ConnectorChange, expected?: Expected<Connector>): Promise<Connector> {
    return await this.#store.transaction(async (transaction) => {
      const now = await lockConnector(transaction, actor, id, expected)
      const changed = changedConnector(now, said)
      if (!isDeepStrictEqual(changed, now)) await transaction.connectors.update(changed)
      return changed
    })
  }

  /** With its tokens and clients: nobody comes with them 500 ms later. @throws DomainError `not-found` */
  async delete(actor: Actor, id: Id, expected?: Expected<Connector>): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      await transaction.connectors.delete(await lockConnector(transaction, actor, id, expected))
    })
  }

  /** Those in force, by id. @throws DomainError `not-found` of the connector */
  async tokens(actor: Actor, id: Id, after: Id | undefined, limit: number): Promise<ApiToken[]> {
    return await this.#store.apiTokens.page(await this.read(actor, id), after, limit)
  }

  /** @throws DomainError `not-found` */
  async token(actor: Actor, id: Id, tokenId: Id): Promise<ApiToken> {
    return await tokenOf(this.#store, await this.read(actor, id), tokenId)
  }

  /** Its text is told this once. @throws DomainError `not-found`, `invalid-data`, `login-too-old` */
  async issue(actor: Actor, id: Id, options: TokenOptions): Promise<NewApiToken> {
    return await this.#store.transaction(async (transaction) => {
      const connector = await lockConnector(transaction, actor, id)
      assertRecent(actor.signedInAt)
      return await this.#issue(transaction.apiTokens, connector, options)
    })
  }

  /** Nobody comes with it 500 ms later. @throws DomainError `not-found` */
  async end(actor: Actor, id: Id, tokenId: Id, expected?: Expected<ApiToken>): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const connector = await lockConnector(transaction, actor, id)
      assertExpected(expected, await tokenOf(transaction, connector, tokenId))
      await transaction.apiTokens.end(tokenId, 0)
    })
  }

  async #assertAllowed(actor: Actor): Promise<void> {
    await assertAdministers(this.#store, actor)
  }
}

async function lockAdministrator(transaction: Transaction, actor: Actor): Promise<void> {
  const { myself } = await lockPeople(transaction, actor)
  assertAdministrator(myself)
}

async function lockConnector(
  transaction: Transaction,
  actor: Actor,
  id: Id,
  expected?: Expected<Connector>,
): Promise<Connector> {
  await lockAdministrator(transaction, actor)
  const now = found(await transaction.connectors.lock(actor.organizationId, id))
  assertExpected(expected, now)
  return now
}

function found(connector: Connector | undefined): Connector {
  if (!connector) throw notFound('There is no such connector in your organization')
  return connector
}

async function tokenOf({ apiTokens }: Repositories, connector: Connector, tokenId: Id): Promise<ApiToken> {
  const token = await apiTokens.inForce(connector.organizationId, tokenId)
  if (token?.connector.id !== connector.id) throw notFound('The connector has no such token in force')
  return token
}
