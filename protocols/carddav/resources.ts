import {
  type Actor,
  type AddressBooks,
  type Book,
  type BookService,
  type CardBody,
  type CardView,
  type ClientPropertyService,
  type Collection,
  type ContactService,
  collectionId,
  collectionOfBook,
  directoryOf,
  type Id,
  type Lock,
  type LockService,
  type People,
  type Person,
} from '#domain'
import type { QName } from './names.ts'
import type { Preferences } from './prefer.ts'
import {
  type Address,
  bookHref,
  type CardAddress,
  cardHref,
  DIRECTORIES,
  directoryHref,
  HOMES,
  homeHref,
  PRINCIPALS,
  principalHref,
  ROOT,
} from './urls.ts'

/** What the plugin works on. */
export interface Services {
  readonly contacts: ContactService
  readonly addressBooks: AddressBooks
  readonly books: BookService
  readonly locks: LockService
  readonly clientProperties: ClientPropertyService
  readonly people: People
}

export type CardText = NonNullable<CardView['card']>

/** One request's view of the world. */
export interface Context extends Services {
  readonly actor: Actor
  /** The actor as a person; read when it is needed, once. */
  readonly me: () => Promise<Person>
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

interface Located {
  readonly href: string
}
export interface BookResource extends Located {
  readonly kind: 'address-book'
  readonly id: Id
  /** What cards and tokens are read by. */
  readonly collection: Collection
  readonly name: string
  /** The row of it; the merged book's is read only when a property needs it. */
  readonly row: () => Promise<Book>
}
/** The organization's people as a read-only book, for searching (draft-daboo-carddav-directory-gateway-02). */
export interface DirectoryResource extends Located {
  readonly kind: 'directory'
  readonly id: Id
  readonly collection: Collection
}
interface CardOf<Kind extends string> extends Located {
  readonly kind: Kind
  /** What it was read from. */
  readonly collection: Collection
  readonly view: CardView
}
export type CardResource = CardOf<'card'> | CardOf<'directory-card'>
/** Somebody else of my organization. */
export interface ColleagueResource extends Located {
  readonly kind: 'colleague'
  readonly person: Person
  /** Whether their card is in my people book. */
  readonly shown: () => Promise<boolean>
}
type Plain<Kind extends string> = Kind extends string ? Located & { readonly kind: Kind } : never
export type Resource =
  | Plain<'root' | 'principals' | 'homes' | 'directories' | 'principal' | 'home'>
  | BookResource
  | DirectoryResource
  | ColleagueResource
  | CardResource
export type HomeResource = Plain<'home'>
export type ResourceKind = Resource['kind']
export const KINDS = [
  'root',
  'principals',
  'homes',
  'directories',
  'principal',
  'colleague',
  'home',
  'address-book',
  'directory',
  'card',
  'directory-card',
] as const satisfies ResourceKind[]
/** All but a colleague's principal, of which only what a colleague may know is told. */
export const OPEN_KINDS = KINDS.filter((kind) => kind !== 'colleague')
/** What holds cards. */
export type CardCollection = BookResource | DirectoryResource

export const PEOPLE = 'people'

export function bookResource(
  actor: Actor,
  name: string,
  collection: Collection,
  row: () => Promise<Book>,
): BookResource {
  const href = bookHref(actor.userId, name)
  return { kind: 'address-book', href, id: collectionId(collection), collection, name, row }
}
const bookOfRow = (actor: Actor, row: Book): BookResource =>
  bookResource(actor, row.name, collectionOfBook(row), async () => row)

/** Whether it is a shared directory: its managers say what it is, and who is in it. */
export const isShared = ({ collection }: BookResource): boolean => directoryOf(collection) !== undefined

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
  return row && bookOfRow(actor, row)
}

export const isCard = (resource: Resource): resource is CardResource =>
  resource.kind === 'card' || resource.kind === 'directory-card'

/** A card as it was read from a collection. */
export const cardResource = (
  collection: Collection,
  href: string,
  view: CardView,
  { organizationId }: Actor,
): CardResource => ({ kind: collection === organizationId ? 'directory-card' : 'card', href, collection, view })

/** The cards that a report is about: those of a collection, or one alone (RFC 6352 §8). */
export interface CardScope {
  readonly collection: Collection
  readonly href: string
  readonly only?: string
}
export const HOLDING_CARDS = ['address-book', 'directory', 'card', 'directory-card'] as const satisfies ResourceKind[]

export function scopeOf(resource: Resource): CardScope {
  if (resource.kind === 'address-book' || resource.kind === 'directory') return resource
  if (!isCard(resource)) throw new TypeError('a report about cards is on those that hold some') // `HOLDING_CARDS`
  const href = resource.href.slice(0, resource.href.lastIndexOf('/') + 1)
  return { collection: resource.collection, href, only: resource.view.name }
}

const findDirectory = ({ actor }: Context, organizationId: Id): DirectoryResource | undefined =>
  organizationId === actor.organizationId
    ? { kind: 'directory', href: directoryHref(organizationId), id: organizationId, collection: organizationId }
    : undefined

/** What a card's address is inside of. */
export async function findCardCollection(context: Context, address: CardAddress): Promise<CardCollection | undefined> {
  return address.kind === 'card'
    ? await findBook(context, address.userId, address.book)
    : findDirectory(context, address.organizationId)
}

/** The principals of people: the actor's own, and of others what colleagues may know. */
export function principalsOf(context: Context, people: readonly Person[]): (Plain<'principal'> | ColleagueResource)[] {
  const { actor, people: directory } = context
  let reading: Promise<ReadonlySet<Id>> | undefined
  const shown = () => {
    reading ??= directory.shown(actor, people)
    return reading
  }
  return people.map((person) => {
    const href = principalHref(person.id)
    if (person.id === actor.userId) return { kind: 'principal', href }
    return { kind: 'colleague', href, person, shown: async () => (await shown()).has(person.id) }
  })
}

async function findPrincipal(context: Context, userId: Id): Promise<Resource | undefined> {
  if (userId === context.actor.userId) return { kind: 'principal', href: principalHref(userId) }
  const person = await context.people.find(context.actor, userId)
  return person && principalsOf(context, [person])[0]
}

/** What is at an address, a card with as much of it as is asked for. */
export async function findResource(context: Context, address: Address, body: CardBody): Promise<Resource | undefined> {
  const { actor } = context
  switch (address.kind) {
    case 'root':
      return { kind: 'root', href: ROOT }
    case 'principals':
      return { kind: 'principals', href: PRINCIPALS }
    case 'homes':
      return { kind: 'homes', href: HOMES }
    case 'directories':
      return { kind: 'directories', href: DIRECTORIES }
    case 'principal':
      return await findPrincipal(context, address.userId)
    case 'home':
      return address.userId === actor.userId ? { kind: 'home', href: homeHref(address.userId) } : undefined
    case 'address-book':
      return await findBook(context, address.userId, address.book)
    case 'directory':
      return findDirectory(context, address.organizationId)
    default: {
      const collection = await findCardCollection(context, address)
      const view = collection && (await context.addressBooks.card(actor, collection.collection, address.card, body))
      return view && cardResource(collection.collection, cardHref(collection.href, view.name), view, actor)
    }
  }
}

/** The collections directly inside one, cards aside. */
export async function childCollections(context: Context, parent: Resource): Promise<Exclude<Resource, CardResource>[]> {
  const { actor, books } = context
  switch (parent.kind) {
    case 'root':
      return [
        { kind: 'principals', href: PRINCIPALS },
        { kind: 'homes', href: HOMES },
        { kind: 'directories', href: DIRECTORIES },
      ]
    case 'principals':
      return [{ kind: 'principal', href: principalHref(actor.userId) }]
    case 'homes':
      return [{ kind: 'home', href: homeHref(actor.userId) }]
    case 'directories':
      return [findDirectory(context, actor.organizationId)].flatMap((one) => one ?? [])
    case 'home':
      return (await books.list(actor)).map((row) => bookOfRow(actor, row))
    default:
      return []
  }
}
