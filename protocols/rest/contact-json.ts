import type { FastifyRequest } from 'fastify'
import type { Actor, ListedContact, SeenContact } from '#domain'
import { type ContactData, convert, parseVCard, readData } from '#vcard'
import { ifMatch } from './conditions.ts'
import type { Services } from './context.ts'

/** Names what is seen: the card, and of an override the base, which is shown too. */
export const etagOf = ({ etag, base }: SeenContact): string => `"${base ? `${etag}.${base.etag}` : etag}"`

/** What If-Match asks of a contact. */
export const expectedOf = (request: FastifyRequest) => {
  const matches = ifMatch(request)
  return matches && ((now: SeenContact) => matches(etagOf(now)))
}

/** A card as JSON, the same of either version: without an N that 3.0 alone has. */
export const dataOf = (text: string): ContactData => readData(convert(parseVCard(text), '4.0'))

/** A contact as it is sent: in a list, and with what is the base's and what is one's own. */
export function contactJson(cardHref: Services['cardHref']) {
  const summary = (actor: Actor, { id, kind, isMe, book, name, text }: ListedContact) => ({
    id,
    kind,
    is_me: isMe,
    book: book.name,
    href: cardHref(actor, book.name, name),
    data: dataOf(text),
  })
  const contact = (actor: Actor, seen: SeenContact) => ({
    ...summary(actor, seen),
    ...(seen.base ? { base: dataOf(seen.base.text) } : {}),
    ...(seen.layer ? { layer: seen.layer } : {}),
  })
  const whole = (actor: Actor, seen: SeenContact): string => JSON.stringify(contact(actor, seen))
  return { summary, contact, whole }
}
