import { parseVCard } from '#vcard'
import { truncated } from '../multistatus.ts'
import { CARDDAV } from '../names.ts'
import { DavError } from '../preconditions.ts'
import type { Context, Resource } from '../resources.ts'
import { cardHref } from '../urls.ts'
import { Responses, type Wanted, wantedOfReport } from '../wanted.ts'
import { child, type XmlElement } from '../xml.ts'
import { type CardFilter, cardFilter } from './filter.ts'
import type { Report } from './report.ts'

/** RFC 6352 §8.6: the cards that pass a filter, at most as many as the client wants. */
export const addressbookQuery: Report = {
  name: CARDDAV('addressbook-query'),
  on: ['address-book'],
  run: async (root: XmlElement, book: Resource, context: Context) => {
    const filter = cardFilter(child(root, CARDDAV('filter')))
    return answer(book, context, wantedOfReport(root), filter, limitOf(root))
  },
}

/** RFC 6352 §10.6 */
function limitOf(root: XmlElement): number {
  const limit = child(root, CARDDAV('limit'))
  const text = child(limit, CARDDAV('nresults'))?.text.trim()
  if (text === undefined) return Number.POSITIVE_INFINITY
  if (!/^\d{1,9}$/.test(text)) throw new DavError(400, 'nresults is no number')
  return Number(text)
}

async function* answer(
  book: Resource,
  context: Context,
  wanted: Wanted,
  filter: CardFilter | undefined,
  limit: number,
): AsyncGenerator<string> {
  if (book.kind !== 'address-book') return
  const responses = new Responses(wanted, context)
  const body = filter && wanted.body === 'none' ? 'stored' : wanted.body
  let left = limit
  for await (const views of context.addressBooks.cards(context.actor, book.id, body)) {
    const passed = views.filter(({ card }) => !filter || (card && filter(parseVCard(card.text))))
    const shown = passed.slice(0, left)
    left -= shown.length
    const rows = shown.map((view) => ({ href: cardHref(book.href, view.name), view }))
    yield await responses.ofCards(book.id, rows)
    if (shown.length < passed.length) {
      yield truncated(book.href)
      return
    }
  }
}
