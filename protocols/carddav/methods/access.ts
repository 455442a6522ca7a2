import { DavError, needPrivileges } from '../preconditions.ts'
import { type Address, cardHref, DIRECTORIES, directoryHref } from '../urls.ts'
import { type Exchange, notHere } from './exchange.ts'

const READING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PROPFIND', 'REPORT'])

/**
 * What no method does, whatever it is about: nobody writes in a directory, and of a colleague's principal there is only
 * what PROPFIND tells. @throws DavError 403 need-privileges, 404
 */
export function assertAccess({ request, context, address }: Exchange): void {
  const { actor } = context
  if ('userId' in address && address.userId !== actor.userId) {
    // A colleague's principal tells who they are; all else of another's is not here, whatever is asked of it.
    if (address.kind !== 'principal' || request.method !== 'PROPFIND') throw notHere()
    return
  }
  const href = directoryAt(address)
  if (href === undefined) return
  if ('organizationId' in address && address.organizationId !== actor.organizationId) throw notHere()
  if (!READING.has(request.method)) throw needPrivileges(href, 'write', 'The directory is read only')
  if (address.kind === 'directory' && (request.method === 'GET' || request.method === 'HEAD')) {
    throw new DavError(405, 'A directory is searched by addressbook-query')
  }
}

/** The address again, where it is a directory or in one. */
function directoryAt(address: Address): string | undefined {
  if (address.kind === 'directories') return DIRECTORIES
  if (address.kind === 'directory') return directoryHref(address.organizationId)
  if (address.kind !== 'directory-card') return undefined
  return cardHref(directoryHref(address.organizationId), address.card)
}
