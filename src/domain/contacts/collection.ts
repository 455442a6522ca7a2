import type { Id } from '../actor.ts'
import { namedId } from './named-id.ts'

/** Where a directory's entries are: under the organization that publishes it. */
export interface DirectoryKey {
  readonly organizationId: Id
  readonly id: Id
}

/** A shared directory as one person sees it. */
export interface SharedBook {
  readonly id: Id
  readonly directory: DirectoryKey
}

/** What holds cards: a book of one's own, the merged one or the organization's people by its id; or a shared directory. */
export type Collection = Id | SharedBook

export const collectionId = (collection: Collection): Id =>
  typeof collection === 'string' ? collection : collection.id
export const directoryOf = (collection: Collection): DirectoryKey | undefined =>
  typeof collection === 'string' ? undefined : collection.directory

/** The collection that a book is. */
export const collectionOfBook = ({
  id,
  directory,
}: {
  readonly id: Id
  readonly directory?: DirectoryKey
}): Collection => (directory ? { id, directory } : id)

/** The name of a shared directory's book in the homes of those who see it. */
export const directoryBookName = (directoryId: Id): string => `directory-${directoryId}`
const DIRECTORY_BOOK = /^directory-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/
export const directoryInBookName = (name: string): Id | undefined => DIRECTORY_BOOK.exec(name)?.[1]

/**
 * The id of somebody's book of a subscribed directory. A subscription that was ended and made again is another one, so
 * that nothing of the gone book, its tokens least of all, counts in the new one.
 */
export const sharedBookId = (userId: Id, subscriptionId: Id): Id => namedId(userId, subscriptionId)
