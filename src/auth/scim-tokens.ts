import { randomUUID } from 'node:crypto'
import {
  type ApiToken,
  type ApiTokens,
  asId,
  type Bearer,
  type Connector,
  DomainError,
  type Id,
  type NewApiToken,
  notFound,
  type Store,
  type TokenOptions,
} from '#domain'
import { Believed, isUseWorthNoting } from './believed.ts'
import type { SecretKey } from './secret-key.ts'
import { TokenText } from './token-text.ts'

export interface AccessToken {
  readonly text: string
  readonly expiresInSeconds: number
  readonly mayWrite: boolean
}

const ACCESS_SECONDS = 3_600
const DAY_SECONDS = 86_400

/** What opens SCIM to identity providers: tokens of a connector, made by us, and the short-lived ones made from them. */
export class ScimTokens {
  readonly #store: Store
  readonly #key: SecretKey
  readonly #text: TokenText
  readonly #believed = new Believed<Found>()

  constructor(store: Store, key: SecretKey) {
    this.#store = store
    this.#key = key
    this.#text = new TokenText(key)
  }

  /** @throws DomainError `invalid-data` */
  create = (connector: Connector, options: TokenOptions = {}): Promise<NewApiToken> =>
    this.#store.transaction(({ apiTokens }) => this.issue(apiTokens, connector, options))

  /** In a transaction that somebody else has begun. @throws DomainError `invalid-data` */
  issue = async (
    apiTokens: ApiTokens,
    connector: Connector,
    { label, mayWrite = true, expiresAt }: TokenOptions,
  ): Promise<NewApiToken> => {
    const made = this.#make(connector, label ?? connector.name, mayWrite, expiresAt)
    await this.#insert(apiTokens, made)
    return made
  }

  #make(connector: Connector, label: string, mayWrite: boolean, expiresAt: Date | undefined): NewApiToken {
    const trimmed = label.trim()
    if (trimmed === '' || trimmed.length > 200 || /\p{Cc}/u.test(trimmed)) {
      const problems = [{ field: 'label', problem: 'has 1 to 200 characters, and no control characters' }]
      throw new DomainError('invalid-data', 'A label tells what the token is for', { problems })
    }
    const createdAt = new Date()
    if (expiresAt && expiresAt <= createdAt)
      throw new DomainError('invalid-data', 'The token would have expired already')
    const id = randomUUID()
    const token: ApiToken = {
      id,
      label: trimmed,
      connector,
      mayWrite,
      createdAt,
      ...(expiresAt ? { expiresAt } : {}),
    }
    return { token, text: this.#text.makeToken({ organizationId: connector.organizationId, id }) }
  }

  #insert = (apiTokens: ApiTokens, { token, text }: NewApiToken): Promise<void> =>
    apiTokens.insert(token, this.#hash(text), this.#key.id)

  list = (organizationId?: Id): Promise<ApiToken[]> => this.#store.apiTokens.list(organizationId)

  /**
   * A new token in place of one that is in force: of the same connector, scopes and label, and to live as long as that
   * one was meant to. The old one ends after the overlap.
   *
   * @throws DomainError `not-found`
   */
  async rotate(id: string, overlapSeconds = DAY_SECONDS): Promise<NewApiToken> {
    return await this.#store.transaction(async ({ apiTokens }) => {
      const known = asId(id)
      const old = known && (await apiTokens.lock(known))
      if (!old) throw notFound(`There is no token "${id}" in force`)
      const lifetime = old.expiresAt && old.expiresAt.getTime() - old.createdAt.getTime()
      const expiresAt = lifetime === undefined ? undefined : new Date(Date.now() + lifetime)
      const made = this.#make(old.connector, old.label, old.mayWrite, expiresAt)
      await this.#insert(apiTokens, made)
      await apiTokens.end(old.id, overlapSeconds)
      return made
    })
  }

  /** With all access tokens made from it. @throws DomainError `not-found` */
  async revoke(id: string): Promise<void> {
    const known = asId(id)
    if (!known || !(await this.#store.apiTokens.end(known, 0))) throw notFound(`There is no token "${id}" in force`)
  }

  /**
   * Whom a token, or an access token made from one, lets in.
   *
   * @throws DomainError `unavailable`
   */
  async verify(text: string): Promise<Bearer | undefined> {
    const found = await this.#found(text)
    return found && bearer(found)
  }

  /** What is signed is looked at once, and then believed for a while: most requests cost no more than a look-up. */
  async #found(text: string): Promise<Found | undefined> {
    const found = await this.#believed.verify(text, () => this.#ask(text))
    return found && found.until * 1_000 > Date.now() ? found : undefined
  }

  async #ask(text: string): Promise<Found | undefined> {
    const access = this.#text.readAccess(text)
    const named = access ?? this.#text.readToken(text)
    if (!named) return undefined
    const { organizationId, id } = named
    const token = await this.#store.apiTokens.inForce(organizationId, id, access ? undefined : this.#hash(text))
    if (!token) return undefined
    const now = new Date()
    if (isUseWorthNoting(token.lastUsedAt, now)) {
      await this.#store.apiTokens.used(organizationId, id, now).catch(() => undefined) // a courtesy, never a refusal
    }
    const mayWrite = token.mayWrite && (access?.mayWrite ?? true)
    return { token, mayWrite, until: access?.expiresAt ?? Number.POSITIVE_INFINITY, isAccess: access !== undefined }
  }

  /**
   * An access token in exchange for a token and its id (RFC 6749 §4.4); undefined where they are not a pair in force.
   * It expires in an hour, or with its token.
   *
   * @throws DomainError `unavailable`
   */
  async exchange(id: string, text: string, readOnly: boolean): Promise<AccessToken | undefined> {
    const { token, isAccess } = (await this.#found(text)) ?? {}
    if (!token || isAccess || token.id !== asId(id)) return undefined
    const { connector, expiresAt } = token
    const now = Math.floor(Date.now() / 1_000)
    const end = Math.min(now + ACCESS_SECONDS, expiresAt ? Math.ceil(expiresAt.getTime() / 1_000) : Infinity)
    const mayWrite = token.mayWrite && !readOnly
    const access = { organizationId: connector.organizationId, id: token.id, mayWrite, expiresAt: end }
    return { text: this.#text.makeAccess(access), expiresInSeconds: end - now, mayWrite }
  }

  #hash = (text: string): string => this.#key.hash('scim token', text)
}

/** A token that is in force, or one that an access token was made from. */
interface Found {
  readonly token: ApiToken
  readonly mayWrite: boolean
  /** Seconds since 1970. */
  readonly until: number
  readonly isAccess: boolean
}

const bearer = ({ token: { id, connector }, mayWrite }: Found): Bearer => ({
  kind: 'connector',
  key: `token ${id}`,
  connector,
  mayWrite,
})
