import type { CardBody, CardView, Narrowing } from '#domain'
import { parseVCard } from '#vcard'
import { truncated } from '../multistatus.ts'
import { CARDDAV } from '../names.ts'
import { DavError, tooManyMatches } from '../preconditions.ts'
import { type CardScope, type Context, HOLDING_CARDS, type Resource, scopeOf } from '../resources.ts'
import { Responses } from '../responses.ts'
import { cardHref } from '../urls.ts'
import { type Wanted, wantedOfReport } from '../wanted.ts'
import { child, type XmlElement } from '../xml.ts'
import { type CardFilter, cardFilter } from './filter.ts'
import type { Report } from './report.ts'

/** RFC 6352 §8.6: the cards that pass a filter, at most as many as the client wants. */
export const addressbookQuery: Report = {
  name: CARDDAV('addressbook-query'),
  on: HOLDING_CARDS,
  run: async (root: XmlElement, resource: Resource, context: Context) => {
    const filter = cardFilter(child(root, CARDDAV('filter')))
    const wanted = wantedOfReport(root)
    const limit = limitOf(root)
    if (resource.kind !== 'directory') return answer(scopeOf(resource), context, wanted, filter, limit)
    if (!filter?.narrowing || !asksFor(filter.narrowing, DIRECTORY_TEXT)) {
      throw tooManyMatches(`Search the directory for a text of at least ${DIRECTORY_TEXT} characters`)
    }
    return answer(resource, context, wanted, filter, Math.min(limit, DIRECTORY_ROWS))
  },
}

/** What a search of the directory asks at least and gets at most (draft-daboo-carddav-directory-gateway-02 §6). */
const DIRECTORY_TEXT = 2
const DIRECTORY_ROWS = 100

/** Whether all that passes holds a text of that length. */
function asksFor(narrowing: Narrowing, length: number): boolean {
  if ('all' in narrowing) return narrowing.all.some((one) => asksFor(one, length))
  if ('any' in narrowing) return narrowing.any.every((one) => asksFor(one, length))
  return 'text' in narrowing && Array.from(narrowing.text.trim()).length >= length
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
  book: CardScope,
  context: Context,
  wanted: Wanted,
  filter: CardFilter | undefined,
  limit: number,
): AsyncGenerator<string> {
  const responses = new Responses(wanted, context)
  const { actor, addressBooks } = context
  let left = limit
  const body = filter ? 'stored' : wanted.body
  const candidates =
    book.only === undefined
      ? addressBooks.matching(actor, book.collection, filter?.narrowing, body)
      : single(addressBooks.card(actor, book.collection, book.only, body))
  for await (const views of candidates) {
    const passed = filter ? views.filter(({ card }) => card && filter.test(parseVCard(card.text))) : views
    const shown = passed.slice(0, left)
    left -= shown.length
    const rows = filter ? await inForm(shown, wanted.body, book, context) : shown
    yield await responses.ofCards(
      book.collection,
      rows.map((view) => ({ href: cardHref(book.href, view.name), view })),
    )
    if (shown.length < passed.length) {
      yield truncated(book.href)
      return
    }
  }
}

async function* single(reading: Promise<CardView | undefined>): AsyncGenerator<readonly CardView[]> {
  const view = await reading
  if (view) yield [view]
}

/** The cards in the version that is asked for: the filter was about them as they are stored. */
async function inForm(
  views: readonly CardView[],
  body: CardBody,
  book: CardScope,
  { actor, addressBooks }: Context,
): Promise<readonly CardView[]> {
  if (body === 'none' || views.every(({ card }) => card?.version === body)) return views
  const found: CardView[] = []
  const names = views.map(({ name }) => name)
  for await (const members of addressBooks.named(actor, book.collection, names, body)) {
    found.push(...members.flatMap(({ view }) => view ?? []))
  }
  return found
}
