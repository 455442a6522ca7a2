import type { Actor } from './actor.ts'
import { DomainError, notFound } from './errors.ts'
import type { Store } from './ports.ts'
import type { User } from './users.ts'

/** Somebody as an issuer of tokens knows them: no e-mail, which may change hands. */
export interface Identity {
  readonly issuer: string
  readonly sub: string
}

export class IdentityService {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  /** @throws DomainError `invalid-data`, `already-exists` where it is somebody else */
  async link({ organizationId, id }: User, { issuer, sub }: Identity): Promise<void> {
    if (sub === '' || sub.length > 1_000 || sub.includes('\0')) {
      throw new DomainError('invalid-data', 'A sub has 1 to 1000 characters')
    }
    const linked = await this.#store.transaction(({ identities }) =>
      identities.link({ issuer, sub }, organizationId, id),
    )
    if (!linked) throw new DomainError('already-exists', `"${sub}" of ${issuer} is linked to another user`)
  }

  /** @throws DomainError `not-found` */
  async unlink({ organizationId, id, email }: User, identity: Identity): Promise<void> {
    const { identities } = this.#store
    if (!(await identities.unlink(identity, organizationId, id))) {
      throw notFound(`${email} is not linked to "${identity.sub}" of ${identity.issuer}`)
    }
  }

  /** Whoever it is, if they and their organization are active. */
  actor = (identity: Identity): Promise<Actor | undefined> => this.#store.identities.actor(identity)
}
