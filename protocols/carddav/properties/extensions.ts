import { CALENDARSERVER, CARDDAV, DAV, element, qualified } from '../names.ts'
import { PEOPLE } from '../resources.ts'
import { bookHref, cardHref, directoryHref } from '../urls.ts'
import { escapeXml } from '../xml.ts'
import { liveProperty } from './property.ts'

/** InfCloud's, which other clients read too. */
export const addressbookColor = liveProperty({
  name: qualified('http://inf-it.com/ns/ab/')('addressbook-color'),
  on: ['address-book'],
  allprop: false,
  read: async (book) => escapeXml((await book.row()).color ?? '') || undefined,
  change: (text) => ({ color: text?.trim() || null }),
})

/** CalendarServer's: the card that is the person's own. macOS sets it; until then it is their profile's. */
export const meCard = liveProperty({
  name: CALENDARSERVER('me-card'),
  on: ['home'],
  allprop: false,
  read: async (_, { actor, me }) => element(DAV('href'), cardHref(bookHref(actor.userId, PEOPLE), (await me()).card)),
  change: 'kept',
})

/** RFC 5995 §3.2.1 */
export const addMember = liveProperty({
  name: DAV('add-member'),
  on: ['address-book'],
  allprop: false,
  read: ({ href }) => element(DAV('href'), escapeXml(href)),
})

/** RFC 5842 §3.1: books and people have an id that stays with them; a card is another one for each reader. */
export const resourceId = liveProperty({
  name: DAV('resource-id'),
  on: ['address-book', 'directory', 'principal'],
  allprop: false,
  read: (resource, { actor }) =>
    element(DAV('href'), `urn:uuid:${resource.kind === 'principal' ? actor.userId : resource.id}`),
})

/** RFC 4331 §4: the bytes of a person's own cards. There is no limit on them, so none is told as available. */
export const quotaUsedBytes = liveProperty({
  name: DAV('quota-used-bytes'),
  on: ['home'],
  allprop: false,
  read: async (_, { actor, books }) => String(await books.bytes(actor)),
})

/** draft-daboo-carddav-directory-gateway-02 §3 */
export const directoryGateway = liveProperty({
  name: CARDDAV('directory-gateway'),
  on: ['principal', 'home'],
  allprop: false,
  read: (_, { actor }) => element(DAV('href'), directoryHref(actor.organizationId)),
})

/** CalendarServer's: the addresses that belong to a principal. */
export const emailAddressSet = liveProperty({
  name: CALENDARSERVER('email-address-set'),
  on: ['principal', 'colleague'],
  allprop: false,
  read: async (principal, { me }) => {
    const { email } = principal.kind === 'colleague' ? principal.person : await me()
    return element(CALENDARSERVER('email-address'), escapeXml(email))
  },
})
