import { CALENDARSERVER, DAV, element, qualified } from '../names.ts'
import { PEOPLE } from '../resources.ts'
import { bookHref, cardHref } from '../urls.ts'
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
  read: async (_, { actor, describe }) => {
    const { card } = await describe(actor)
    return card && element(DAV('href'), cardHref(bookHref(actor.userId, PEOPLE), card))
  },
  change: 'kept',
})

/** RFC 5995 §3.2.1 */
export const addMember = liveProperty({
  name: DAV('add-member'),
  on: ['address-book'],
  allprop: false,
  read: ({ href }) => element(DAV('href'), escapeXml(href)),
})
