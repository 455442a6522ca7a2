import { MAX_CARD_BYTES } from '#domain'
import { CARDDAV, DAV, element } from '../names.ts'
import { COLLATIONS } from '../reports/collation.ts'
import { HOLDING_CARDS, PEOPLE } from '../resources.ts'
import { bookHref, cardHref, directoryHref, homeHref } from '../urls.ts'
import { escapeXml } from '../xml.ts'
import { liveProperty } from './property.ts'

/** RFC 6352 §7.1.1 */
export const addressbookHomeSet = liveProperty({
  name: CARDDAV('addressbook-home-set'),
  on: ['principal'],
  allprop: false,
  read: (_, { actor }) => element(DAV('href'), homeHref(actor.userId)),
})

/** RFC 6352 §7.1.2: in the people book, or where it is not shown there, in the directory. */
export const principalAddress = liveProperty({
  name: CARDDAV('principal-address'),
  on: ['principal', 'colleague'],
  allprop: false,
  read: async (principal, { actor, me, people }) => {
    const person = principal.kind === 'colleague' ? principal.person : await me()
    const shown =
      principal.kind === 'colleague' ? await principal.shown() : (await people.shown(actor, [person])).has(person.id)
    const collection = shown ? bookHref(actor.userId, PEOPLE) : directoryHref(actor.organizationId)
    return element(DAV('href'), cardHref(collection, person.card))
  },
})

/** RFC 6352 §6.2.2 */
export const supportedAddressData = liveProperty({
  name: CARDDAV('supported-address-data'),
  on: ['address-book', 'directory'],
  allprop: false,
  read: () =>
    [
      ['text/vcard', '3.0'],
      ['text/vcard', '4.0'],
      ['application/vcard+json', '4.0'],
    ]
      .map(([type, version]) => `<C:address-data-type content-type="${type}" version="${version}"/>`)
      .join(''),
})

/** RFC 6352 §6.2.3 */
export const maxResourceSize = liveProperty({
  name: CARDDAV('max-resource-size'),
  on: ['address-book'],
  allprop: false,
  read: () => String(MAX_CARD_BYTES),
})

/** RFC 6352 §8.3.1 */
export const supportedCollationSet = liveProperty({
  name: CARDDAV('supported-collation-set'),
  on: HOLDING_CARDS,
  allprop: false,
  read: () => [...COLLATIONS.keys()].map((name) => element(CARDDAV('supported-collation'), name)).join(''),
})

/** RFC 6352 §10.4: the card itself, where a report or (as some clients do) PROPFIND asks for it. */
export const addressData = liveProperty({
  name: CARDDAV('address-data'),
  on: ['card', 'directory-card'],
  allprop: false,
  ofTag: true,
  read: ({ view: { card } }, { addressData: write }) => card && escapeXml(write ? write(card) : card.text),
})

/** RFC 6352 §6.2.1 */
export const addressbookDescription = liveProperty({
  name: CARDDAV('addressbook-description'),
  on: ['address-book'],
  allprop: false,
  read: async (book) => escapeXml((await book.row()).description ?? '') || undefined,
  change: (text) => ({ description: text ?? null }),
})
