import { type Book, type CardTag, type CardView, type Changes, DomainError } from '#domain'
import { statusResponse, truncated } from '../multistatus.ts'
import { DAV, element } from '../names.ts'
import { DavError } from '../preconditions.ts'
import { type BookResource, bookResource, type Context, type Resource } from '../resources.ts'
import { type CardRow, Responses } from '../responses.ts'
import { bookHref, cardHref } from '../urls.ts'
import { type Wanted, wanted as wantedOf } from '../wanted.ts'
import { child, escapeXml, type XmlElement } from '../xml.ts'
import type { Report } from './report.ts'

const BARE_UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** RFC 6578 §3.2: what changed since a token. Any Depth is taken (Thunderbird sends 1). */
export const syncCollection: Report = {
  name: DAV('sync-collection'),
  on: ['address-book', 'home'],
  run: async (root: XmlElement, book: Resource, context: Context) => {
    const token = child(root, DAV('sync-token'))?.text.trim() ?? ''
    const since = token === '' || BARE_UUID.test(token) ? undefined : token // macOS sends a UUID where it has no token
    const wanted = wantedOf(root)
    const limit = limitOf(root)
    const refused = (error: unknown) => {
      throw forThunderbird(error, context)
    }
    const { actor, addressBooks } = context
    if (book.kind === 'home') {
      return answerHome(book.href, context, wanted, await addressBooks.bookChanges(actor, since, limit).catch(refused))
    }
    if (book.kind !== 'address-book') throw new TypeError('see `on`')
    const changes = await addressBooks.changes(actor, book.collection, since, wanted.row, { limit }).catch(refused)
    return answer(book, context, wanted, changes)
  },
}

/** It lists anew only on status 400 (mozilla's AddrBook reads nothing else as "token refused"). */
function forThunderbird(error: unknown, { userAgent }: Context): unknown {
  const refused = error instanceof DomainError && error.code === 'token-refused'
  return refused && userAgent.includes('Thunderbird')
    ? new DavError(400, error.message, DAV('valid-sync-token'))
    : error
}

/** RFC 5323 §5.17, as RFC 6578 §3.7 uses it. */
function limitOf(root: XmlElement): number | undefined {
  const text = child(child(root, DAV('limit')), DAV('nresults'))?.text.trim()
  if (text === undefined) return undefined
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0) throw new DavError(400, 'nresults is no number above zero')
  return Number(text)
}

async function* answer(
  book: BookResource,
  context: Context,
  wanted: Wanted,
  changes: Changes<CardTag | CardView>,
): AsyncGenerator<string> {
  const responses = new Responses(wanted, context)
  for await (const members of changes.members) {
    const rows: CardRow[] = []
    let gone = ''
    for (const { name, view } of members) {
      const href = cardHref(book.href, name)
      if (view) rows.push({ href, view })
      else gone += statusResponse(href, 404)
    }
    yield (await responses.ofCards(book.collection, rows)) + gone
  }
  const { token, complete } = changes.outcome()
  if (!complete) yield truncated(book.href)
  yield element(DAV('sync-token'), escapeXml(token))
}

/** Of a home: its books, as they come, go and are renamed. What is in them is told by themselves. */
async function* answerHome(
  home: string,
  context: Context,
  wanted: Wanted,
  changes: Changes<Book>,
): AsyncGenerator<string> {
  const responses = new Responses(wanted, context)
  for await (const members of changes.members) {
    for (const { name, view } of members) {
      const book = view && bookResource(context.actor, name, view.id, async () => view)
      yield book ? await responses.of(book) : statusResponse(bookHref(context.actor.userId, name), 404)
    }
  }
  const { token, complete } = changes.outcome()
  if (!complete) yield truncated(home)
  yield element(DAV('sync-token'), escapeXml(token))
}
