import type {
  Actor,
  AddressBooks,
  Body,
  Book,
  BookService,
  CardView,
  ClientPropertyService,
  ContactService,
  Id,
  Lock,
  LockService,
} from '#domain'
import type { QName } from './names.ts'
import type { Preferences } from './prefer.ts'
import { type Address, bookHref, cardHref, HOMES, homeHref, PRINCIPALS, principalHref, ROOT } from './urls.ts'

/** What the plugin works on. */
export interface Services {
  readonly contacts: ContactService
  readonly addressBooks: AddressBooks
  readonly books: BookService
  readonly locks: LockService
  readonly clientProperties: ClientPropertyService
  /** The name and e-mail that a principal shows, and the name of their card. */
  readonly describe: (
    actor: Actor,
  ) => Promise<{ readonly name: string; readonly email: string; readonly card?: string }>
}

export type CardText = NonNullable<CardView['card']>

/** One request's view of the world. */
export interface Context extends Services {
  readonly actor: Actor
  readonly userAgent: string
  readonly prefer: Preferences
  /** All locks of the person's, where they are to be told. */
  readonly heldLocks: readonly Lock[]
  /** How a card is written into an answer; as it is read, if nothing is said. */
  readonly addressData?: ((card: CardText) => string) | undefined
  readonly host: string
  /** What may be asked of which resource. */
  readonly reports: readonly { readonly name: QName; readonly on: readonly ResourceKind[] }[]
}

interface Collection {
  readonly href: string
}
export interface BookResource extends Collection {
  readonly kind: 'address-book'
  /** The collection that cards and tokens are read by. */
  readonly id: Id
  readonly name: string
  /** The row of it; the merged book's is read only when a property needs it. */
  readonly row: () => Promise<Book>
}
export interface CardResource {
  readonly kind: 'card'
  readonly href: string
  /** The collection that it was read from. */
  readonly bookId: Id
  readonly view: CardView
}
type Plain<Kind extends string> = Kind extends string ? Collection & { readonly kind: Kind } : never
export type Resource = Plain<'root' | 'principals' | 'homes' | 'principal' | 'home'> | BookResource | CardResource
export type HomeResource = Plain<'home'>
export type ResourceKind = Resource['kind']

export const PEOPLE = 'people'

export function bookResource(actor: Actor, name: string, id: Id, row: () => Promise<Book>): BookResource {
  return { kind: 'address-book', href: bookHref(actor.userId, name), id, name, row }
}

/** The book of that name; the merged one costs no query. Undefined: there is none, or it is somebody else's. */
export async function findBook(context: Context, userId: Id, name: string): Promise<BookResource | undefined> {
  const { actor, books } = context
  if (userId !== actor.userId) return undefined
  const read = () => books.find(actor, name)
  if (name === PEOPLE) {
    return bookResource(actor, name, actor.peopleId, async () => {
      const row = await read()
      if (!row) throw new TypeError('every user has a people book') // made with the user
      return row
    })
  }
  const row = await read()
  return row && bookResource(actor, name, row.id, async () => row)
}

/** The collection at an address, or undefined; a card is read by its book. */
export async function findCollection(
  context: Context,
  address: Exclude<Address, { kind: 'card' }>,
): Promise<Exclude<Resource, CardResource> | undefined> {
  switch (address.kind) {
    case 'root':
      return { kind: 'root', href: ROOT }
    case 'principals':
      return { kind: 'principals', href: PRINCIPALS }
    case 'homes':
      return { kind: 'homes', href: HOMES }
    case 'principal':
      return address.userId === context.actor.userId
        ? { kind: 'principal', href: principalHref(address.userId) }
        : undefined
    case 'home':
      return address.userId === context.actor.userId ? { kind: 'home', href: homeHref(address.userId) } : undefined
    case 'address-book':
      return await findBook(context, address.userId, address.book)
  }
}

/** What is at an address, a card with as much of it as is asked for. */
export async function findResource(context: Context, address: Address, body: Body): Promise<Resource | undefined> {
  if (address.kind !== 'card') return await findCollection(context, address)
  const book = await findBook(context, address.userId, address.book)
  const view = book && (await context.addressBooks.card(context.actor, book.id, address.card, body))
  return view && { kind: 'card', href: cardHref(book.href, view.name), bookId: book.id, view }
}

/** The collections directly inside one, cards aside. */
export async function childCollections(context: Context, parent: Resource): Promise<Exclude<Resource, CardResource>[]> {
  const { actor, books } = context
  switch (parent.kind) {
    case 'root':
      return [
        { kind: 'principals', href: PRINCIPALS },
        { kind: 'homes', href: HOMES },
      ]
    case 'principals':
      return [{ kind: 'principal', href: principalHref(actor.userId) }]
    case 'homes':
      return [{ kind: 'home', href: homeHref(actor.userId) }]
    case 'home':
      return (await books.list(actor)).map((row) => bookResource(actor, row.name, row.id, async () => row))
    default:
      return []
  }
}
