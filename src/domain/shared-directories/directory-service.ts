import { randomUUID } from 'node:crypto'
import type { Actor, Id } from '../actor.ts'
import { notFound } from '../errors.ts'
import { assertAdministers } from '../organization-work.ts'
import type { Store } from '../ports.ts'
import { getAdministered, getDirectory, holdAdministered, isAdministrator, keyOf } from './access.ts'
import { endSubscription, recordBook } from './ending.ts'
import { assertDirectory, type DirectoryChange, type SharedDirectory } from './shared-directory.ts'

/** Throws where a directory as it is now may not be written. */
export type Check = (now: SharedDirectory) => void

/** What an administrator says of a directory; `ownPeople`: whether the publishing organization's people have it as a book. */
export type DirectoryWords = DirectoryChange & { readonly ownPeople?: boolean }

/** Directories that an organization shares with others: what they are, and who manages them. */
export class SharedDirectoryService {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  /** Those that the person administers or manages, and those that their organization subscribes to. */
  async list(actor: Actor): Promise<SharedDirectory[]> {
    return await this.#store.sharedDirectories.list(actor, await isAdministrator(this.#store, actor))
  }

  /** @throws DomainError `not-found` */
  get = (actor: Actor, id: Id): Promise<SharedDirectory> => getDirectory(this.#store, actor, id)

  /**
   * Makes a directory, which its maker manages and the organization's own people see.
   * @throws DomainError `need-privileges`, `invalid-data`
   */
  async create(actor: Actor, { name, description, ownPeople = true }: DirectoryWords & { name: string }) {
    assertDirectory({ name, ...(description == null ? {} : { description }) })
    return await this.#store.transaction(async (transaction) => {
      await assertAdministers(transaction, actor)
      const { organizationId } = actor
      const key = { organizationId, id: randomUUID() }
      const words = { name: name.trim(), ...(description ? { description } : {}) }
      await transaction.sharedDirectories.insert({ ...key, ...words })
      await transaction.sharedDirectories.addManager(key, actor.userId)
      if (ownPeople) {
        await transaction.subscriptions.insert(organizationId, key, randomUUID())
        recordBook(transaction, organizationId, key)
      }
      return await getDirectory(transaction, actor, key.id)
    })
  }

  /** @throws DomainError `not-found`, `need-privileges`, `invalid-data`, and what `check` throws */
  async update(actor: Actor, id: Id, words: DirectoryWords, check?: Check): Promise<SharedDirectory> {
    assertDirectory(words)
    return await this.#store.transaction(async (transaction) => {
      const now = await holdAdministered(transaction, actor, id)
      check?.(now)
      const key = keyOf(now)
      const name = words.name?.trim() ?? now.name
      const description = words.description === undefined ? now.description : words.description || undefined
      if (name !== now.name || description !== now.description) {
        await transaction.sharedDirectories.update(key, { name, description: description ?? null })
        for (const subscriber of await transaction.subscriptions.subscribers(key)) {
          recordBook(transaction, subscriber.organizationId, key)
        }
      }
      const { ownPeople = now.subscribed } = words
      if (ownPeople && !now.subscribed) {
        await transaction.subscriptions.insert(actor.organizationId, key, randomUUID())
        recordBook(transaction, actor.organizationId, key)
      }
      if (!ownPeople && now.subscribed) await endSubscription(transaction, actor.organizationId, key)
      return await getDirectory(transaction, actor, id)
    })
  }

  /** Everybody keeps what they laid over its entries. @throws DomainError `not-found`, `need-privileges`, and as `check` */
  async delete(actor: Actor, id: Id, check?: Check): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const now = await holdAdministered(transaction, actor, id)
      check?.(now)
      const key = keyOf(now)
      for (const { organizationId } of await transaction.subscriptions.subscribers(key)) {
        await endSubscription(transaction, organizationId, key)
      }
      await transaction.sharedDirectories.markDeleted(key)
    })
  }

  /** @throws DomainError `not-found`, `need-privileges` of whoever neither administers nor manages it */
  async managers(actor: Actor, id: Id): Promise<{ readonly id: Id; readonly name: string; readonly email: string }[]> {
    const directory = await getDirectory(this.#store, actor, id)
    const known = directory.manages ? directory : await getAdministered(this.#store, actor, id)
    return await this.#store.sharedDirectories.managers(keyOf(known))
  }

  /** Says whether they were none before. @throws DomainError `not-found`, of who is no active colleague too; `need-privileges` */
  async addManager(actor: Actor, id: Id, userId: Id): Promise<boolean> {
    return await this.#store.transaction(async (transaction) => {
      const directory = await holdAdministered(transaction, actor, id)
      const user = await transaction.users.lock(directory.organizationId, userId)
      if (!user?.isActive) throw notFound('There is no such colleague')
      return await transaction.sharedDirectories.addManager(keyOf(directory), userId)
    })
  }

  /** @throws DomainError `not-found`, `need-privileges` */
  async removeManager(actor: Actor, id: Id, userId: Id): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const directory = await holdAdministered(transaction, actor, id)
      const was = await transaction.sharedDirectories.removeManager(keyOf(directory), userId)
      if (!was) throw notFound('They are no manager')
    })
  }
}
