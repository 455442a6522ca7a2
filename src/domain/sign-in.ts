import { randomUUID } from 'node:crypto'
import { isEmail } from '#vcard'
import type { Id } from './actor.ts'
import { withAttributes } from './attributes.ts'
import { DomainError } from './errors.ts'
import type { Identity } from './identities.ts'
import { isPublicDomain, newOrganization } from './organizations.ts'
import type { Store, Transaction } from './ports.ts'
import { changesOf, type Said, saidBy } from './sign-in-claims.ts'
import { insertManaged, type ManagedUser, saveManaged } from './users.ts'

/** What an issuer says of somebody who has just signed in there, its signature and audience checked. */
export interface SignInClaims extends Identity {
  readonly email?: string
  /** Exactly true in the token; else the e-mail counts as absent. */
  readonly emailVerified: boolean
  readonly name?: string
  readonly givenName?: string
  readonly middleName?: string
  readonly familyName?: string
  readonly locale?: string
  readonly registrationId?: string
}

/** What the operator lets an issuer do. */
export interface IssuerPolicy {
  /** Whom it may sign in: the ids of organizations, or all of them. */
  readonly organizations: readonly Id[] | '*'
  /** False: its subs change, so the verified e-mail says who somebody is, every time. */
  readonly subStable: boolean
}

/** Why somebody is not let in. */
export type SignInRefusal =
  /** No verified e-mail and no registration id: nothing tells the organization, or who it is. */
  | 'nothing-verified'
  | 'unknown-organization'
  | 'two-organizations'
  /** The sub is a user's of another organization than the claims match. */
  | 'other-organization'
  | 'issuer-not-allowed'
  | 'organization-inactive'
  | 'user-inactive'
  | 'device'
  | 'two-users'
  /** Whoever has that e-mail is known by another sub of the issuer. */
  | 'other-sub'

export type SignInResult =
  | { readonly user: ManagedUser; readonly isNew: boolean }
  | { readonly refused: SignInRefusal; readonly organizationId?: Id }

const ATTEMPTS = 5
/** Somebody was quicker to take the name, the domain or the sub: what is there now decides. */
const TAKEN: ReadonlySet<string> = new Set(['already-exists', 'domain-taken'])

/** Who somebody is by their issuer's word: 1-domain.md, Organizations and Users. */
export class SignInService {
  readonly #store: Store
  readonly #autoCreate: boolean

  /** @param options.autoCreate whether an organization is made of an unknown domain */
  constructor(store: Store, { autoCreate = false }: { readonly autoCreate?: boolean } = {}) {
    this.#store = store
    this.#autoCreate = autoCreate
  }

  /**
   * Finds the user, or makes them with their profile, and writes what the issuer changed, in one transaction. A refusal
   * changes nothing.
   *
   * @throws DomainError `unavailable`
   */
  async signIn(claims: SignInClaims, policy: IssuerPolicy): Promise<SignInResult> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#store.transaction((transaction) =>
          new Attempt(transaction, claims, policy, this.#autoCreate).run(),
        )
      } catch (error) {
        if (!(error instanceof DomainError) || !TAKEN.has(error.code) || attempt >= ATTEMPTS) throw error
      }
    }
  }
}

class Attempt {
  readonly #transaction: Transaction
  readonly #identity: Identity
  readonly #policy: IssuerPolicy
  readonly #autoCreate: boolean
  readonly #email: string | undefined
  readonly #registrationId: string | undefined
  readonly #said: Said

  constructor(transaction: Transaction, claims: SignInClaims, policy: IssuerPolicy, autoCreate: boolean) {
    this.#transaction = transaction
    this.#identity = { issuer: claims.issuer, sub: claims.sub }
    this.#policy = policy
    this.#autoCreate = autoCreate
    const email = claims.emailVerified ? claims.email?.trim() : undefined
    this.#email = email !== undefined && isEmail(email) ? email : undefined
    this.#registrationId = claims.registrationId?.trim() || undefined
    this.#said = saidBy(claims, this.#email)
  }

  async run(): Promise<SignInResult> {
    const { organizations, identities } = this.#transaction
    const matches = await organizations.matching(this.#registrationId, this.#domain())
    const [matched, other] = matches
    if (other) return { refused: 'two-organizations' }
    const linked = await identities.find(this.#identity)
    if (linked && matched && matched.id !== linked.organizationId) {
      return { refused: 'other-organization', organizationId: linked.organizationId }
    }
    const known = this.#policy.subStable ? linked : undefined
    const found = known?.organizationId ?? matched?.id
    const made = found === undefined ? await this.#newOrganization() : { organizationId: found }
    if ('refused' in made) return made
    const { organizationId } = made
    const refused = await this.#refusal(organizationId)
    if (refused) return { refused, organizationId }
    const user = known
      ? await this.#transaction.users.lockManaged(organizationId, known.userId)
      : await this.#byEmail(organizationId)
    if (user === undefined && known) throw new DomainError('already-exists', 'The user was deleted meanwhile')
    if (user === undefined) return { user: await this.#create(organizationId), isNew: true }
    if (typeof user === 'string') return { refused: user, organizationId }
    if (!user.isActive) return { refused: 'user-inactive', organizationId }
    if (user.isDevice) return { refused: 'device', organizationId }
    return { user: await this.#update(user), isNew: false }
  }

  #domain(): string | undefined {
    const domain = this.#email?.slice(this.#email.lastIndexOf('@') + 1).toLowerCase()
    return domain === undefined || isPublicDomain(domain) ? undefined : domain
  }

  /** Of an unknown domain, where the operator wants that and the issuer may sign in everybody. */
  async #newOrganization(): Promise<{ readonly organizationId: Id } | { readonly refused: SignInRefusal }> {
    const domain = this.#domain()
    if (this.#email === undefined && this.#registrationId === undefined) {
      return { refused: 'nothing-verified' }
    }
    if (domain === undefined || !this.#autoCreate || this.#policy.organizations !== '*') {
      return { refused: 'unknown-organization' }
    }
    const registrationIds = this.#registrationId === undefined ? [] : [this.#registrationId]
    const organization = newOrganization({ name: domain, domains: [domain], registrationIds })
    await this.#transaction.organizations.insert(organization)
    return { organizationId: organization.id }
  }

  async #refusal(id: Id): Promise<SignInRefusal | undefined> {
    const { organizations } = this.#policy
    if (organizations !== '*' && !organizations.includes(id)) return 'issuer-not-allowed'
    const [organization] = await this.#transaction.organizations.find(id)
    return organization?.isActive ? undefined : 'organization-inactive'
  }

  /** Whom the verified e-mail says it is; undefined: nobody that there is yet. */
  async #byEmail(organizationId: Id): Promise<ManagedUser | SignInRefusal | undefined> {
    if (this.#email === undefined) return this.#policy.subStable ? undefined : 'nothing-verified'
    const users = await this.#transaction.users.lockByEmail(organizationId, this.#email)
    const ids = users.map(({ id }) => id)
    const linked = this.#policy.subStable
      ? new Set(await this.#transaction.identities.known(this.#identity.issuer, organizationId, ids))
      : new Set<Id>()
    const [user, another] = users.filter(({ id }) => !linked.has(id))
    if (another) return 'two-users'
    if (user || linked.size === 0) return user
    // perhaps by this sub, while the lock was waited for
    if (await this.#transaction.identities.find(this.#identity))
      throw new DomainError('already-exists', 'Linked by now')
    return 'other-sub'
  }

  async #create(organizationId: Id): Promise<ManagedUser> {
    const id = randomUUID()
    const attributes = withAttributes({}, changesOf({ email: '', attributes: {} }, undefined, this.#said))
    // a name that the issuer could choose is none: it would be taken for a verified e-mail
    const said = { userName: this.#email ?? id, isActive: true, attributes }
    const [user] = await insertManaged(this.#transaction, organizationId, [{ said, id }], this.#email !== undefined)
    if (!user) throw new TypeError('one user makes one')
    await this.#link(user)
    return user
  }

  /** What differs from what the issuer said last time; what it does not say, and what others wrote since, stays. */
  async #update(user: ManagedUser): Promise<ManagedUser> {
    const { organizationId, id } = user
    const { identities, users } = this.#transaction
    const before = await identities.said(this.#identity.issuer, organizationId, id)
    const { email, ...rest } = this.#said
    const holders = email === undefined ? [] : await users.lockByEmail(organizationId, email)
    const isTaken = holders.some((holder) => holder.id !== id) // then the e-mail stays as it is
    const said: Said = isTaken ? rest : this.#said
    const attributes = withAttributes(user.attributes, changesOf(user, before, said))
    const renamed = before !== undefined && said.email !== before.email && user.userName === user.email
    const userName = renamed ? (said.email ?? user.userName) : user.userName
    const saved = await saveManaged(this.#transaction, user, { ...user, userName, attributes })
    await this.#link(saved, before)
    return saved
  }

  async #link({ organizationId, id }: ManagedUser, before: Said = {}): Promise<void> {
    const { identities } = this.#transaction
    if (!this.#policy.subStable) await identities.forget(this.#identity, organizationId, id)
    const linked = await identities.link(this.#identity, organizationId, id)
    if (!linked) throw new DomainError('already-exists', 'The sub was linked meanwhile')
    await identities.remember(this.#identity, organizationId, { ...before, ...this.#said })
  }
}
