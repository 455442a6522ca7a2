import type { CardBody } from '#domain'
import { statusResponse } from '../multistatus.ts'
import { DAV, type QName } from '../names.ts'
import { DavError } from '../preconditions.ts'
import { propertiesOf } from '../properties/index.ts'
import { type Context, cardResource, childCollections, isCard, type Resource } from '../resources.ts'
import { Responses } from '../responses.ts'
import { cardHref, principalHref } from '../urls.ts'
import { type Wanted, wanted } from '../wanted.ts'
import { child, type XmlElement } from '../xml.ts'
import { hrefsIn } from './hrefs.ts'
import type { Report } from './report.ts'

/**
 * RFC 3744 §9.3: the members at any depth that are the reader's own principal, or that have a property which names it.
 * What is in a directory is not listed.
 */
export const principalMatch: Report = {
  name: DAV('principal-match'),
  on: ['root', 'principals', 'homes', 'directories', 'principal', 'home', 'address-book'],
  depth: '0',
  run: async (root: XmlElement, resource: Resource, context: Context) => {
    const asked = child(root, DAV('prop')) ? wanted(root) : undefined
    const [property] = child(root, DAV('principal-property'))?.children ?? []
    if (property) return answer(asked, context, matching(resource, property.name, asked?.body ?? 'none', context))
    if (!child(root, DAV('self'))) throw new DavError(400, 'A principal-match has self or a principal-property')
    return answer(asked, context, self(resource, context))
  },
}

async function* self(resource: Resource, context: Context): AsyncGenerator<Resource[]> {
  for (const inside of await childCollections(context, resource)) {
    if (inside.kind === 'principal') yield [inside]
    else yield* self(inside, context)
  }
}

async function* matching(
  resource: Resource,
  name: QName,
  body: CardBody,
  context: Context,
): AsyncGenerator<Resource[]> {
  const { actor, addressBooks } = context
  const mine = principalHref(actor.userId)
  const matches = async (one: Resource): Promise<boolean> => {
    const value = await propertiesOf(one.kind).get(name)?.read(one, context)
    return value !== undefined && hrefsIn(value).includes(mine)
  }
  for (const inside of await childCollections(context, resource)) {
    if (await matches(inside)) yield [inside]
    yield* matching(inside, name, body, context)
  }
  if (resource.kind !== 'address-book' || !propertiesOf('card').has(name)) return
  for await (const views of addressBooks.cards(actor, resource.collection, body)) {
    const found: Resource[] = []
    for (const view of views) {
      const card = cardResource(resource.id, cardHref(resource.href, view.name), view, actor)
      if (await matches(card)) found.push(card)
    }
    yield found
  }
}

async function* answer(
  asked: Wanted | undefined,
  context: Context,
  found: AsyncIterable<readonly Resource[]>,
): AsyncGenerator<string> {
  const responses = asked && new Responses(asked, context)
  for await (const resources of found) {
    if (!responses) {
      yield resources.map(({ href }) => statusResponse(href, 200)).join('')
      continue
    }
    for (const resource of resources) if (!isCard(resource)) yield await responses.of(resource)
    const cards = resources.filter(isCard)
    const [first] = cards
    if (first) yield await responses.ofCards(first.collection, cards)
  }
}
