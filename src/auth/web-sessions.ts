import { randomUUID } from 'node:crypto'
import { type Actor, DomainError, type SessionEnd, type Store, type User, type WebSession } from '#domain'
import { Believed, isUseWorthNoting } from './believed.ts'
import type { SecretKey } from './secret-key.ts'
import { TokenText } from './token-text.ts'

/** A session ends after that long without use, and after that long whatever happens. */
export const IDLE_SECONDS = 12 * 3_600
const ABSOLUTE_SECONDS = 7 * 86_400
const LINK_SECONDS = 600

type Person = Pick<User, 'organizationId' | 'id'>

/** Sessions on the web, as rows: each is told by a secret of which only a keyed hash is kept. */
export class WebSessionService {
  readonly #store: Store
  readonly #key: SecretKey
  readonly #text: TokenText
  readonly #believed = new Believed<Actor>()

  constructor(store: Store, key: SecretKey) {
    this.#store = store
    this.#key = key
    this.#text = new TokenText(key)
  }

  /** The secret of a new session, made by an issuer's word or, without one, by a link. */
  async create({ organizationId, id: userId }: Person, by: Pick<WebSession, 'issuer' | 'sub' | 'sid'> = {}) {
    const id = randomUUID()
    const createdAt = new Date()
    const expiresAt = new Date(createdAt.getTime() + ABSOLUTE_SECONDS * 1_000)
    const text = this.#text.makeToken({ organizationId, id }, 'kiths_')
    const session = { organizationId, id, userId, createdAt, expiresAt, ...by }
    await this.#store.webSessions.insert(session, this.#hash('session', text), this.#key.id)
    return text
  }

  /** Whose session it is. Whoever is deactivated is refused within 500 ms. @throws DomainError `unavailable` */
  async verify(text: string): Promise<Actor | undefined> {
    return await this.#believed.verify(text, async () => {
      const named = this.#text.readToken(text, 'kiths_')
      if (!named) return undefined
      const { organizationId, id } = named
      const { webSessions } = this.#store
      const found = await webSessions.inForce(organizationId, id, this.#hash('session', text), IDLE_SECONDS)
      if (found && isUseWorthNoting(found.lastUsedAt, new Date())) {
        await webSessions.used(organizationId, id).catch(() => undefined) // a courtesy, never a refusal
      }
      return found?.actor
    })
  }

  async end(text: string): Promise<void> {
    const named = this.#text.readToken(text, 'kiths_')
    if (named) await this.#store.webSessions.end(named.organizationId, named.id, this.#hash('session', text))
  }

  /** Ends what an issuer says is over; the answer is how many there were. */
  endAt = (end: SessionEnd): Promise<number> => this.#store.webSessions.endAt(end)

  /** The secret of a link that signs the user in, once, within ten minutes. @throws DomainError `user-inactive` */
  async createLink({ organizationId, id: userId, isActive, isDevice, email }: User): Promise<string> {
    if (!isActive || isDevice) throw new DomainError('user-inactive', `"${email}" is deactivated, or shared equipment`)
    const id = randomUUID()
    const text = this.#text.makeToken({ organizationId, id }, 'kithl_')
    const expiresAt = new Date(Date.now() + LINK_SECONDS * 1_000)
    await this.#store.webSessions.insertLink(
      { organizationId, id, userId, expiresAt },
      this.#hash('login link', text),
      this.#key.id,
    )
    return text
  }

  /** The secret of a new session for whom the link is, or undefined where it is used, expired or none. */
  async useLink(text: string): Promise<string | undefined> {
    const named = this.#text.readToken(text, 'kithl_')
    if (!named) return undefined
    const { organizationId, id } = named
    const userId = await this.#store.webSessions.useLink(organizationId, id, this.#hash('login link', text))
    return userId && (await this.create({ organizationId, id: userId }))
  }

  #hash = (purpose: string, text: string): string => this.#key.hash(purpose, text)
}
