import type { Body, CardView } from '#domain'
import { parseVCard } from '#vcard'
import { truncated } from '../multistatus.ts'
import { CARDDAV } from '../names.ts'
import { DavError } from '../preconditions.ts'
import type { BookResource, Context, Resource } from '../resources.ts'
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
  const { actor, addressBooks } = context
  let left = limit
  for await (const views of addressBooks.matching(actor, book.id, filter?.narrowing, filter ? 'stored' : wanted.body)) {
    const passed = filter ? views.filter(({ card }) => card && filter.test(parseVCard(card.text))) : views
    const shown = passed.slice(0, left)
    left -= shown.length
    const rows = filter ? await inForm(shown, wanted.body, book, context) : shown
    yield await responses.ofCards(
      book.id,
      rows.map((view) => ({ href: cardHref(book.href, view.name), view })),
    )
    if (shown.length < passed.length) {
      yield truncated(book.href)
      return
    }
  }
}

/** The cards in the version that is asked for: the filter was about them as they are stored. */
async function inForm(
  views: readonly CardView[],
  body: Body,
  book: BookResource,
  { actor, addressBooks }: Context,
): Promise<readonly CardView[]> {
  if (body === 'none' || views.every(({ card }) => card?.version === body)) return views
  const found: CardView[] = []
  const names = views.map(({ name }) => name)
  for await (const members of addressBooks.named(actor, book.id, names, body)) {
    found.push(...members.flatMap(({ view }) => view ?? []))
  }
  return found
}
