import { randomBytes, randomUUID } from 'node:crypto'
import { type Actor, type AppPassword, asId, DomainError, type Id, notFound, type Store, type User } from '#domain'
import { Believed, isUseWorthNoting } from './believed.ts'
import type { SecretKey } from './secret-key.ts'

/** Crockford's base 32 in lower case: nothing in it is mistaken for something else. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** 28 characters of 5 random bits, in groups that can be typed on a phone. */
function newSecret(): string {
  const characters = [...randomBytes(28)].map((byte) => ALPHABET[byte & 31])
  return (characters.join('').match(/.{4}/g) ?? []).join('-')
}

/** As typed: groups and capitals do not matter. */
const bare = (secret: string): string => secret.replace(/[\s-]/g, '').toLowerCase()

export interface NewAppPassword {
  readonly id: Id
  readonly username: string
  /** Shown once; only its hash is kept. */
  readonly password: string
}

/** Passwords for devices: made by us, one a device, each of them good for CardDAV only. */
export class AppPasswords {
  readonly #store: Store
  readonly #key: SecretKey
  readonly #believed = new Believed<Actor>()

  constructor(store: Store, key: SecretKey) {
    this.#store = store
    this.#key = key
  }

  /** @throws DomainError `user-inactive`, `invalid-data` */
  async create(user: User, label: string): Promise<NewAppPassword> {
    if (!user.isActive) throw new DomainError('user-inactive', `"${user.email}" is deactivated: activate them first`)
    const trimmed = label.trim()
    if (trimmed === '' || trimmed.length > 100) {
      throw new DomainError('invalid-data', 'A label names the device, in at most 100 characters')
    }
    const [organization] = await this.#store.organizations.find(user.organizationId)
    const email = user.email.toLowerCase()
    const domain = email.slice(email.lastIndexOf('@') + 1)
    const username = organization?.domains.includes(domain) ? email : user.id
    const secret = newSecret()
    const password: AppPassword = {
      id: randomUUID(),
      organizationId: user.organizationId,
      userId: user.id,
      label: trimmed,
      loginName: username,
      createdAt: new Date(),
    }
    await this.#store.transaction(({ credentials }) => credentials.insert(password, this.#hash(secret), this.#key.id))
    return { id: password.id, username, password: secret }
  }

  list = (user: User): Promise<AppPassword[]> => this.#store.credentials.list(user.id)

  /** @throws DomainError `not-found` */
  async revoke(id: string): Promise<void> {
    const known = asId(id)
    if (!known || !(await this.#store.credentials.revoke(known))) throw notFound(`There is no app password "${id}"`)
  }

  /** Who that is, or undefined; the same work whether the name is known or not. */
  async verify(username: string, secret: string): Promise<Actor | undefined> {
    const name = username.trim().toLowerCase()
    return await this.#believed.verify(`${name}\0${secret}`, () => this.#ask(name, secret))
  }

  async #ask(name: string, secret: string): Promise<Actor | undefined> {
    const found = await this.#store.credentials.verify(name, this.#hash(bare(secret)))
    if (!found) return undefined
    const { organizationId, id, lastUsedAt } = found.password
    const now = new Date()
    if (isUseWorthNoting(lastUsedAt, now)) {
      await this.#store.credentials.used(organizationId, id, now).catch(() => undefined) // a courtesy, never a refusal
    }
    return found.actor
  }

  #hash = (secret: string): string => this.#key.hash('app password', bare(secret))
}
