import { collectionId, type Lock } from '#domain'
import { lockToken } from '../methods/conditions.ts'
import { CARDDAV, DAV, element } from '../names.ts'
import { isCard, KINDS, type ResourceKind } from '../resources.ts'
import { escapeXml } from '../xml.ts'
import { liveProperty } from './property.ts'

const CARDS = ['card', 'directory-card'] as const
/** What a kind is besides a collection. */
const TYPES: { readonly [Kind in ResourceKind]?: string } = {
  'address-book': element(CARDDAV('addressbook')),
  directory: element(CARDDAV('addressbook')) + element(CARDDAV('directory')),
  principal: element(DAV('principal')),
  colleague: element(DAV('principal')),
}

/**
 * RFC 4918 §15.9; RFC 6352 §5.2 for address books, RFC 3744 §4 for principals,
 * draft-daboo-carddav-directory-gateway-02 §4.1 for directories.
 */
export const resourcetype = liveProperty({
  name: DAV('resourcetype'),
  on: KINDS,
  allprop: true,
  ofTag: true,
  read: (resource) => (isCard(resource) ? '' : element(DAV('collection')) + (TYPES[resource.kind] ?? '')),
})

/** RFC 4918 §15.2 */
export const displayname = liveProperty({
  name: DAV('displayname'),
  on: ['address-book', 'directory', 'principal', 'colleague', 'home'],
  allprop: true,
  read: async (resource, context) => {
    if (resource.kind === 'address-book') return escapeXml((await resource.row()).displayName) || undefined
    if (resource.kind === 'directory') return escapeXml(await context.people.organizationName(context.actor))
    return escapeXml((resource.kind === 'colleague' ? resource.person : await context.me()).name)
  },
  // Of a home and a principal the name is the person's, which an identity provider gives: see `proppatch`.
  change: (text) => ({ displayName: text ?? '' }),
})

/** RFC 4918 §15.1 */
export const creationdate = liveProperty({
  name: DAV('creationdate'),
  on: ['address-book'],
  allprop: true,
  read: async (book) => (await book.row()).createdAt.toISOString(),
})

/** RFC 4918 §15.6 */
export const getetag = liveProperty({
  name: DAV('getetag'),
  on: CARDS,
  allprop: true,
  ofTag: true,
  read: ({ view }) => `"${view.etag}"`,
})

/** RFC 4918 §15.5 */
export const getcontenttype = liveProperty({
  name: DAV('getcontenttype'),
  on: CARDS,
  allprop: true,
  ofTag: true,
  read: () => 'text/vcard; charset=utf-8',
})

/** RFC 4918 §15.4: of what GET answers; a group card is made when it is fetched. */
export const getcontentlength = liveProperty({
  name: DAV('getcontentlength'),
  on: CARDS,
  allprop: true,
  read: ({ view }) => (view.size === undefined ? undefined : String(view.size)),
})

/** RFC 4918 §15.7 */
export const getlastmodified = liveProperty({
  name: DAV('getlastmodified'),
  on: CARDS,
  allprop: true,
  read: ({ view }) => view.modifiedAt.toUTCString(),
})

const LOCKABLE = ['address-book', 'card'] as const
const SCOPES = ['exclusive', 'shared']
const lockEntry = (scope: string): string =>
  element(DAV('lockscope'), element(DAV(scope))) + element(DAV('locktype'), element(DAV('write')))

/** RFC 4918 §15.10 */
export const supportedlock = liveProperty({
  name: DAV('supportedlock'),
  on: LOCKABLE,
  allprop: true,
  read: () => SCOPES.map((scope) => element(DAV('lockentry'), lockEntry(scope))).join(''),
})

/** RFC 4918 §15.8, §14.1 */
export const activeLock = (lock: Lock, root: string): string =>
  element(
    DAV('activelock'),
    [
      lockEntry(lock.exclusive ? 'exclusive' : 'shared'),
      element(DAV('depth'), lock.whole ? 'infinity' : '0'),
      lock.owner,
      element(DAV('timeout'), `Second-${Math.max(1, Math.round((lock.expiresAt.getTime() - Date.now()) / 1000))}`),
      element(DAV('locktoken'), element(DAV('href'), lockToken(lock))),
      element(DAV('lockroot'), element(DAV('href'), escapeXml(root))),
    ].join(''),
  )

/** RFC 4918 §15.8: the locks of a book; a card's are asked for with its book's by LOCK and told there. */
export const lockdiscovery = liveProperty({
  name: DAV('lockdiscovery'),
  on: LOCKABLE,
  allprop: true,
  read: (resource, { heldLocks }) => {
    const book = resource.kind === 'card' ? collectionId(resource.collection) : resource.id
    const member = resource.kind === 'card' ? resource.view.name : ''
    const href = resource.kind === 'card' ? resource.href.slice(0, resource.href.lastIndexOf('/') + 1) : resource.href
    return heldLocks
      .filter((lock) => lock.collectionId === book && (lock.member === member || (lock.member === '' && lock.whole)))
      .map((lock) => activeLock(lock, lock.member === '' ? href : resource.href))
      .join('')
  },
})
