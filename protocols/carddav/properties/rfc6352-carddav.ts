import { MAX_CARD_BYTES } from '#domain'
import { CARDDAV, DAV, element } from '../names.ts'
import { COLLATIONS } from '../reports/collation.ts'
import { homeHref } from '../urls.ts'
import { escapeXml } from '../xml.ts'
import { liveProperty } from './property.ts'

/** RFC 6352 §7.1.1 */
export const addressbookHomeSet = liveProperty({
  name: CARDDAV('addressbook-home-set'),
  on: ['principal'],
  allprop: false,
  read: (_, { actor }) => element(DAV('href'), homeHref(actor.userId)),
})

/** RFC 6352 §6.2.2 */
export const supportedAddressData = liveProperty({
  name: CARDDAV('supported-address-data'),
  on: ['address-book'],
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
  on: ['address-book', 'card'],
  allprop: false,
  read: () => [...COLLATIONS.keys()].map((name) => element(CARDDAV('supported-collation'), name)).join(''),
})

/** RFC 6352 §10.4: the card itself, where a report or (as some clients do) PROPFIND asks for it. */
export const addressData = liveProperty({
  name: CARDDAV('address-data'),
  on: ['card'],
  allprop: false,
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
