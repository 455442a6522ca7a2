import { asId, type Id, notFound } from '#domain'

/** An id of an address: what is none names nothing. @throws DomainError `not-found` */
export function idOf(text: string): Id {
  const known = asId(text)
  if (known === undefined) throw notFound()
  return known
}

/** How many items a page has that does not say. */
export const PAGE_SIZE = 50
