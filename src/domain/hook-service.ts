import { randomUUID } from 'node:crypto'
import type { Actor, Id } from './actor.ts'
import { DomainError, notFound } from './errors.ts'
import type { Hook, HookAttempt, HookFormat, HookWords } from './hooks.ts'
import type { Store, Transaction } from './ports.ts'
import type { HookSecrets, HookSender } from './ports-hooks.ts'
import { lockPeople, lockTo, membershipOf } from './team-role.ts'

/** What is said of a new hook; a receiver that has tokens gives one. */
export interface NewHook extends HookWords {
  readonly format: HookFormat
  readonly token?: string
}

/** What is said of one that is there. */
export type HookChange = Partial<Omit<NewHook, 'format'>>

/** Whose hooks: the organization's own, or a team's. */
export type HookOwner = Id | undefined

/** How many an organization, or a team, may have. */
const MOST_HOOKS = 20
const DAY_MS = 86_400_000

/**
 * Hooks of an organization by its administrators, of a team by its administrators and owners. Whoever may see neither
 * learns nothing: `not-found`; members: `need-privileges`.
 */
export class HookService {
  readonly #store: Store
  readonly #secrets: HookSecrets
  readonly #sender: HookSender
  readonly #now: () => Date
  constructor(store: Store, secrets: HookSecrets, sender: HookSender, now: () => Date = () => new Date()) {
    this.#store = store
    this.#secrets = secrets
    this.#sender = sender
    this.#now = now
  }

  /** The oldest first, after that one. */
  async list(actor: Actor, owner: HookOwner, after: Id | undefined, limit: number): Promise<Hook[]> {
    await this.#assertMaySee(actor, owner)
    return await this.#store.hooks.list(actor.organizationId, owner, after, limit)
  }

  async get(actor: Actor, owner: HookOwner, id: Id): Promise<Hook> {
    await this.#assertMaySee(actor, owner)
    const hook = await this.#store.hooks.find(actor.organizationId, owner, id)
    if (!hook) throw notFound(`There is no hook "${id}"`)
    return hook
  }

  /**
   * It hears of what is committed from then on; one that speaks with tokens is sent all there is first. The secret that it
   * signs with is told this once.
   *
   * @throws DomainError `invalid-data`, `too-much`
   */
  async create(actor: Actor, owner: HookOwner, said: NewHook): Promise<{ hook: Hook; secret?: string }> {
    const { name, url, format, token } = said
    const own = {
      id: randomUUID(),
      organizationId: actor.organizationId,
      name: nameOf(name),
      url: this.#url(url, format),
      format,
    }
    const secret = format === 'scim' ? tokenOf(token) : this.#secrets.make()
    if (format !== 'scim' && token !== undefined)
      throw wrong('token', 'is for scim alone: we make the secret to sign with')
    const hook = await this.#store.transaction(async (transaction) => {
      await assertMayChange(transaction, actor, owner)
      if ((await transaction.hooks.list(actor.organizationId, owner, undefined, MOST_HOOKS)).length >= MOST_HOOKS) {
        throw new DomainError('too-much', `There are ${MOST_HOOKS} hooks already: delete one first`)
      }
      const made = owner === undefined ? own : { ...own, teamId: owner }
      await transaction.hooks.insert(made, this.#secrets.seal(own.id, secret))
      if (format === 'scim') await this.#resync(transaction, own)
      return await lockHook(transaction, actor, owner, own.id)
    })
    return format === 'scim' ? { hook } : { hook, secret }
  }

  /**
   * Without a difference nothing is written. A token goes to no other address than it was given for.
   *
   * @throws DomainError `invalid-data`, `precondition-failed`
   */
  change = (actor: Actor, owner: HookOwner, id: Id, said: HookChange, seen?: (now: Hook) => boolean): Promise<Hook> =>
    this.#write(actor, owner, id, seen, async (transaction, now) => {
      const { name = now.name, url = now.url, token } = said
      const words = { name: nameOf(name), url: url === now.url ? url : this.#url(url, now.format) }
      if (token !== undefined && now.format !== 'scim') throw wrong('token', 'is for scim alone')
      if (words.url !== now.url && now.format === 'scim') {
        if (token === undefined) throw wrong('token', 'is required with another url')
        await transaction.hooks.forgetAll(now)
        await this.#resync(transaction, now)
      }
      if (words.name !== now.name || words.url !== now.url) {
        await transaction.hooks.update(now, words)
        this.#deliver(transaction, now)
      }
      if (token !== undefined) await transaction.hooks.replaceSecret(now, this.#secrets.seal(id, tokenOf(token)))
    })

  /** The old secret signs along for a day. @throws DomainError `invalid-data`, `precondition-failed` */
  async rotateSecret(
    actor: Actor,
    owner: HookOwner,
    id: Id,
    seen?: (now: Hook) => boolean,
  ): Promise<{ hook: Hook; secret: string }> {
    const secret = this.#secrets.make()
    const hook = await this.#write(actor, owner, id, seen, async (transaction, now) => {
      if (now.format === 'scim') throw wrong('format', 'has a token: change that')
      const until = new Date(this.#now().getTime() + DAY_MS)
      await transaction.hooks.replaceSecret(now, this.#secrets.seal(id, secret), until)
    })
    return { hook, secret }
  }

  /** Sends all there is, then what came meanwhile. @throws DomainError `precondition-failed` */
  resync = (actor: Actor, owner: HookOwner, id: Id, seen?: (now: Hook) => boolean): Promise<Hook> =>
    this.#write(actor, owner, id, seen, (transaction, now) => this.#resync(transaction, now))

  /** One that is stopped, or waits to try again, goes on from where it is. @throws DomainError `precondition-failed` */
  resume = (actor: Actor, owner: HookOwner, id: Id, seen?: (now: Hook) => boolean): Promise<Hook> =>
    this.#write(actor, owner, id, seen, async (transaction, now) => {
      await transaction.hooks.resume(now)
      this.#deliver(transaction, now)
    })

  /** @throws DomainError `precondition-failed` */
  async delete(actor: Actor, owner: HookOwner, id: Id, seen?: (now: Hook) => boolean): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      await assertMayChange(transaction, actor, owner)
      const now = await lockHook(transaction, actor, owner, id)
      assertSeen(now, seen)
      await transaction.hooks.delete(now)
    })
  }

  /** Sends one message that says nothing, now, whatever waits. */
  async test(actor: Actor, owner: HookOwner, id: Id): Promise<HookAttempt> {
    await this.#store.transaction((transaction) => assertMayChange(transaction, actor, owner))
    return await this.#sender.test(await this.get(actor, owner, id))
  }

  async #resync(transaction: Transaction, hook: Pick<Hook, 'organizationId' | 'id'>): Promise<void> {
    await transaction.hooks.startResync(hook, randomUUID())
    this.#deliver(transaction, hook)
  }

  /** At once, though it waited. */
  #deliver(transaction: Transaction, { organizationId, id }: Pick<Hook, 'organizationId' | 'id'>): void {
    transaction.enqueue({ kind: 'hook-delivery', organizationId, hookId: id }, this.#now())
  }

  async #write(
    actor: Actor,
    owner: HookOwner,
    id: Id,
    seen: ((now: Hook) => boolean) | undefined,
    work: (transaction: Transaction, now: Hook) => Promise<void>,
  ): Promise<Hook> {
    return await this.#store.transaction(async (transaction) => {
      await assertMayChange(transaction, actor, owner)
      const now = await lockHook(transaction, actor, owner, id)
      assertSeen(now, seen)
      await work(transaction, now)
      return await lockHook(transaction, actor, owner, id)
    })
  }

  async #assertMaySee(actor: Actor, owner: HookOwner): Promise<void> {
    if (owner !== undefined) {
      const { role } = await membershipOf(this.#store, actor, owner)
      if (role === 'member') throw needed('the role administrator in the team')
      return
    }
    const [myself] = await this.#store.users.find(actor.userId)
    if (!myself?.isActive) throw notFound()
    if (!myself.isStaff) throw needed('an administrator of the organization')
  }

  /** @throws DomainError `invalid-data` */
  #url(text: string, format: HookFormat): string {
    const isBase = format === 'scim' // paths are put after it
    const problem = this.#sender.problemOf(text) ?? (isBase && text.includes('?') ? 'has a query' : undefined)
    if (problem) throw wrong('url', problem)
    return text
  }
}

async function assertMayChange(transaction: Transaction, actor: Actor, owner: HookOwner): Promise<void> {
  const { myself } = await lockPeople(transaction, actor)
  if (owner !== undefined) await lockTo(transaction, 'hooks', actor, owner)
  else if (!myself.isStaff) throw needed('an administrator of the organization')
}

async function lockHook(transaction: Transaction, actor: Actor, owner: HookOwner, id: Id): Promise<Hook> {
  const hook = await transaction.hooks.lock(actor.organizationId, owner, id)
  if (!hook) throw notFound(`There is no hook "${id}"`)
  return hook
}

function assertSeen(now: Hook, seen: ((now: Hook) => boolean) | undefined): void {
  if (seen && !seen(now)) {
    throw new DomainError('precondition-failed', 'The hook has changed since you read it: read it again')
  }
}

const needed = (what: string): DomainError => new DomainError('need-privileges', `This takes ${what}`)

const wrong = (field: string, problem: string): DomainError =>
  new DomainError('invalid-data', `"${field}" ${problem}`, { problems: [{ field, problem }] })

function nameOf(text: string): string {
  const name = text.trim()
  if (name === '' || name.length > 100 || /\p{Cc}/u.test(name)) throw wrong('name', 'has 1 to 100 characters')
  return name
}

/** RFC 6750 §2.1 */
function tokenOf(token: string | undefined): string {
  if (token === undefined) throw wrong('token', 'is required: what the receiver lets us in by')
  if (!/^[\w.~+/-]{1,4000}=*$/.test(token)) throw wrong('token', 'is no bearer token')
  return token
}
