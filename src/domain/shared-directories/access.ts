import type { Actor, Id } from '../actor.ts'
import type { DirectoryKey } from '../contacts/collection.ts'
import { DomainError, notFound } from '../errors.ts'
import { myselfOf } from '../organization-work.ts'
import type { Repositories, Transaction } from '../ports.ts'
import type { SharedDirectory } from './shared-directory.ts'

/** Whether the person administers their organization. */
export const isAdministrator = async (repositories: Repositories, actor: Actor): Promise<boolean> =>
  (await myselfOf(repositories, actor))?.isStaff ?? false

const needPrivileges = (message: string): DomainError => new DomainError('need-privileges', message)

export const keyOf = ({ organizationId, id }: SharedDirectory): DirectoryKey => ({ organizationId, id })

/** A directory that the person sees. @throws DomainError `not-found` */
export async function getDirectory(repositories: Repositories, actor: Actor, id: Id): Promise<SharedDirectory> {
  const administers = await isAdministrator(repositories, actor)
  const directory = await repositories.sharedDirectories.find(actor, id, administers)
  if (!directory) throw notFound()
  return directory
}

/** Likewise one that they administer. @throws DomainError `not-found`, `need-privileges` */
export async function getAdministered(repositories: Repositories, actor: Actor, id: Id): Promise<SharedDirectory> {
  const directory = await getDirectory(repositories, actor, id)
  if (!directory.administers) throw needPrivileges('Administrators of the organization that publishes it do this')
  return directory
}

/** Likewise one whose entries they edit; it stays until the transaction ends. @throws DomainError `not-found`, `need-privileges` */
export async function holdManaged(transaction: Transaction, actor: Actor, id: Id): Promise<DirectoryKey> {
  const directory = await getDirectory(transaction, actor, id)
  if (!directory.manages) throw needPrivileges('Managers of the directory do this')
  const key = keyOf(directory)
  if (!(await transaction.sharedDirectories.hold(key, false))) throw notFound()
  return key
}

/** Likewise one that they administer, whose state nobody else changes meanwhile. @throws DomainError as `getAdministered` */
export async function holdAdministered(transaction: Transaction, actor: Actor, id: Id): Promise<SharedDirectory> {
  const { organizationId } = actor
  if (!(await transaction.sharedDirectories.hold({ organizationId, id }, true))) {
    await getAdministered(transaction, actor, id) // another organization's, which this one may see
    throw notFound()
  }
  return await getAdministered(transaction, actor, id)
}
