import { CARDDAV, DAV, element } from '../names.ts'
import { escapeXml } from '../xml.ts'
import { liveProperty } from './property.ts'

const COLLECTIONS = ['root', 'principals', 'homes', 'home', 'address-book', 'principal'] as const

/** RFC 4918 §15.9; RFC 6352 §5.2 for address books, RFC 3744 §4 for principals. */
export const resourcetype = liveProperty({
  name: DAV('resourcetype'),
  on: [...COLLECTIONS, 'card'],
  allprop: true,
  read: ({ kind }) => {
    if (kind === 'card') return ''
    const extra =
      kind === 'address-book' ? element(CARDDAV('addressbook')) : kind === 'principal' ? element(DAV('principal')) : ''
    return element(DAV('collection')) + extra
  },
})

/** RFC 4918 §15.2 */
export const displayname = liveProperty({
  name: DAV('displayname'),
  on: ['address-book', 'principal', 'home'],
  allprop: true,
  read: async (resource, context) => {
    if (resource.kind === 'address-book') return escapeXml((await resource.row()).displayName)
    return escapeXml((await context.describe(context.actor)).name)
  },
  write: async (resource, value, context) => {
    if (resource.kind === 'address-book') await context.addressBooks.rename(context.actor, resource.id, value)
  },
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
  on: ['card'],
  allprop: true,
  read: ({ view }) => `"${view.etag}"`,
})

/** RFC 4918 §15.5 */
export const getcontenttype = liveProperty({
  name: DAV('getcontenttype'),
  on: ['card'],
  allprop: true,
  read: () => 'text/vcard; charset=utf-8',
})

/** RFC 4918 §15.7 */
export const getlastmodified = liveProperty({
  name: DAV('getlastmodified'),
  on: ['card'],
  allprop: true,
  read: ({ view }) => view.modifiedAt.toUTCString(),
})
