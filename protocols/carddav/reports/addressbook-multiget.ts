import { statusResponse } from '../multistatus.ts'
import { CARDDAV, DAV } from '../names.ts'
import { type CardScope, type Context, HOLDING_CARDS, type Resource, scopeOf } from '../resources.ts'
import { type CardRow, Responses } from '../responses.ts'
import { cardHref, collectionOf, hrefPath, parsePath } from '../urls.ts'
import { wantedOfReport } from '../wanted.ts'
import type { XmlElement } from '../xml.ts'
import type { Report } from './report.ts'

/** RFC 6352 §8.7: the cards of those hrefs, a 404 for each that is none of this book (or not this card). */
export const addressbookMultiget: Report = {
  name: CARDDAV('addressbook-multiget'),
  on: HOLDING_CARDS,
  run: async (root: XmlElement, resource: Resource, context: Context) => {
    const scope = scopeOf(resource)
    const names = new Map<string, string>() // name → the href as it was asked: clients compare them as strings
    const foreign = new Set<string>()
    for (const { name, text } of root.children) {
      if (name !== DAV('href')) continue
      const plain = plainName(text, scope.href)
      if (plain !== undefined && scope.only === undefined) {
        names.set(plain, text)
        continue
      }
      const path = hrefPath(text, context.host)
      const address = path === undefined ? undefined : parsePath(path)
      const inside =
        (address?.kind === 'card' || address?.kind === 'directory-card') &&
        collectionOf(address) === scope.href &&
        (scope.only === undefined || address.card === scope.only)
      if (inside) names.set(address.card, path ?? '')
      else foreign.add(text.trim())
    }
    if (scope.only !== undefined && names.size + foreign.size === 0) names.set(scope.only, resource.href)
    return answer(scope, context, wantedOfReport(root), names, foreign)
  },
}

/** The name in an href that is written as we write it, which is nearly all of them. */
function plainName(href: string, book: string): string | undefined {
  if (!href.startsWith(book)) return undefined
  const name = href.slice(book.length)
  return /^[\w@-][\w.@-]*$/.test(name) ? name : undefined
}

async function* answer(
  book: CardScope,
  context: Context,
  wanted: ReturnType<typeof wantedOfReport>,
  names: ReadonlyMap<string, string>,
  foreign: ReadonlySet<string>,
): AsyncGenerator<string> {
  const responses = new Responses(wanted, context)
  for (const href of foreign) yield statusResponse(href, 404)
  for await (const members of context.addressBooks.named(context.actor, book.collection, names.keys(), wanted.row)) {
    const rows: CardRow[] = []
    let missing = ''
    for (const { name, view } of members) {
      const href = names.get(name) ?? cardHref(book.href, name)
      if (view) rows.push({ href, view })
      else missing += statusResponse(href, 404)
    }
    yield (await responses.ofCards(book.collection, rows)) + missing
  }
}
