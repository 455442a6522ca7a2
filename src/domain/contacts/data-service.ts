import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type ContactData, convert, dataProblems, parseVCard, readData, serialize, type VCard, writeData } from '#vcard'
import type { Actor, Id } from '../actor.ts'
import { DomainError, notFound } from '../errors.ts'
import type { Store } from '../ports.ts'
import { collectionOfBook } from './collection.ts'
import { nameInLine, nameOfId } from './contact.ts'
import type { ContactService } from './contact-service.ts'
import { additionsOnly, diff } from './overlay.ts'
import { sameLayer } from './profile.ts'
import { type ContactPosition, isFullOf, readSearch, type SeenContact, seenCard } from './seen.ts'

export interface ContactPage {
  readonly items: readonly SeenContact[]
  /** Where the next page starts, if there is one. */
  readonly next?: ContactPosition
}

/** What somebody hid, and where the list goes on. */
export interface HiddenPage {
  readonly items: readonly {
    readonly id: Id
    readonly kind: 'profile' | 'entry' | 'team'
    readonly isMe: boolean
    readonly fullName: string
  }[]
  readonly next?: Id
}

/** Fields of `data` as JSON says them; null takes one away. */
export type ContactChange = Readonly<Record<string, unknown>>

/** Says whether a contact as it is now may be written. */
export type Expected = (now: SeenContact) => boolean

/** So often somebody else may come first before a write is given up. */
const ATTEMPTS = 5

/** Reading and writing contacts as `data`: each write is one of ContactService, and devices see it like every other. */
export class ContactDataService {
  readonly #store: Store
  readonly #contacts: ContactService
  constructor(store: Store, contacts: ContactService) {
    this.#store = store
    this.#contacts = contacts
  }

  /** Colleagues as the person sees them and their own contacts: those that `q` finds, best first, else all. */
  async page(actor: Actor, q: string, after: ContactPosition | undefined, limit: number): Promise<ContactPage> {
    const found = await this.#store.seenContacts.page(actor, readSearch(q), after, limit + 1)
    const items = found.slice(0, limit)
    const last = items.at(-1)
    return last && (found.length > limit || isFullOf(found)) ? { items, next: last.position } : { items }
  }

  /** @throws DomainError `not-found` */
  async get(actor: Actor, id: Id): Promise<SeenContact> {
    const found = await this.#store.seenContacts.find(actor, { id })
    if (!found) throw notFound()
    return found
  }

  find = (actor: Actor, at: { readonly bookId: Id; readonly name: string }): Promise<SeenContact | undefined> =>
    this.#store.seenContacts.find(actor, at)

  /** A new contact of one's own, in the `people` book. @throws DomainError `invalid-data` */
  async create(actor: Actor, data: ContactChange): Promise<SeenContact> {
    assertData(dataProblems(data, true))
    const uid = `urn:uuid:${randomUUID()}`
    const empty = parseVCard(`BEGIN:VCARD\r\nVERSION:4.0\r\nPRODID:-//Kith//Kith//EN\r\nUID:${uid}\r\nEND:VCARD\r\n`)
    const card = convert(writeData(empty, data), '3.0') // which every device reads
    const name = nameOfId(randomUUID())
    await this.#contacts.put(actor, actor.peopleId, name, Buffer.from(serialize(card)), { noneMatch: 'any' })
    const made = await this.#store.seenContacts.find(actor, { bookId: actor.peopleId, name })
    if (!made) throw notFound('The contact was deleted just now')
    return made
  }

  /**
   * Lays more over a colleague's card: values are added to lists, anything else is replaced. Says whether there was no
   * layer before.
   * @throws DomainError `not-found`, `invalid-data`, also for one's own profile and contacts
   */
  async override(
    actor: Actor,
    id: Id,
    data: ContactChange,
    expected?: Expected,
  ): Promise<{ contact: SeenContact; created: boolean }> {
    assertData(dataProblems(data, false))
    const before = await this.get(actor, id)
    if (before.isMe || before.kind === 'personal') {
      throw new DomainError('invalid-data', 'Only a colleague’s card is overridden: change this one itself', {
        problems: [{ field: 'override', problem: 'is your own' }],
      })
    }
    const contact = await this.#write(actor, id, (card) => writeData(card, added(readData(card), data)), expected)
    return { contact, created: before.kind !== 'override' && contact.kind === 'override' }
  }

  /**
   * Merges `data` into a contact as RFC 7396 does: of a colleague into the person's own layer.
   * @throws DomainError `not-found`, `invalid-data`, `precondition-failed`, `managed-value` of one's own profile
   */
  amend(actor: Actor, id: Id, data: ContactChange, expected?: Expected): Promise<SeenContact> {
    return this.#write(actor, id, (card) => writeData(card, merged(readData(card), data)), expected)
  }

  /** @throws DomainError `not-found`, `precondition-failed` */
  async remove(actor: Actor, id: Id, expected?: Expected): Promise<void> {
    await this.#again(actor, id, expected, ({ book, name, etag }) =>
      this.#contacts.delete(actor, collectionOfBook(book), name, { match: [etag] }),
    )
  }

  /** What the person hid, in the order of ids. */
  async hidden(actor: Actor, after: Id | undefined, limit: number): Promise<HiddenPage> {
    const found = await this.#store.seenContacts.hidden(actor, after, limit + 1)
    const items = found.slice(0, limit).map(({ id, kind, isMe, nameLine, teamName = '' }) => ({
      id,
      kind,
      isMe,
      fullName: nameLine === undefined ? teamName : nameInLine(nameLine),
    }))
    const last = items.at(-1)
    return found.length > limit && last ? { items, next: last.id } : { items }
  }

  /** The contact, if one is seen now (a team's card is none). @throws DomainError `not-found` where it is not hidden */
  async unhide(actor: Actor, id: Id): Promise<SeenContact | undefined> {
    await this.#contacts.unhide(actor, id)
    return await this.#store.seenContacts.find(actor, { id })
  }

  async #write(actor: Actor, id: Id, change: (card: VCard) => VCard, expected?: Expected): Promise<SeenContact> {
    return await this.#again(actor, id, expected, async (now) => {
      const card = change(seenCard(now))
      if (now.managed !== undefined) {
        assertOwn(parseVCard(now.managed), card)
      }
      const content = Buffer.from(serialize(card))
      await this.#contacts.put(actor, collectionOfBook(now.book), now.name, content, {
        match: [now.etag],
        isWhole: true,
      })
      return await this.get(actor, id)
    })
  }

  /** Reads and writes until nobody comes between. */
  async #again<Result>(
    actor: Actor,
    id: Id,
    expected: Expected | undefined,
    write: (now: SeenContact) => Promise<Result>,
  ): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      const now = await this.get(actor, id)
      if (expected && !expected(now)) {
        throw new DomainError('precondition-failed', 'The contact is not what If-Match says: read it again')
      }
      try {
        return await write(now)
      } catch (error) {
        const late = error instanceof DomainError && error.code === 'precondition-failed'
        if (!late) throw error
        if (attempt >= ATTEMPTS) throw new DomainError('unavailable', 'Too many write the contact at once: try again')
      }
    }
  }
}

export function assertData(problems: readonly { field: string; problem: string }[]): void {
  if (problems.length > 0) throw new DomainError('invalid-data', 'Some fields cannot be so', { problems })
}

/** What is managed of a profile is not its owner's to change. */
function assertOwn(managed: VCard, card: VCard): void {
  const layer = diff(managed, card)
  if (!sameLayer(additionsOnly(managed, layer), layer)) {
    throw new DomainError('managed-value', 'Your organization manages this of your profile: you may add to it')
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The changed fields alone, undefined where they go. @throws DomainError `invalid-data` */
export function merged(now: ContactData, change: ContactChange): Partial<ContactData> {
  if (!isObject(change)) assertData(dataProblems(change, false))
  const old: ContactChange = { ...now }
  const entries = Object.entries(change).map(([field, value]): [string, unknown] => {
    if (value === null) return [field, undefined]
    if (!isObject(value)) return [field, value]
    const before = old[field]
    const parts = { ...(isObject(before) ? before : {}), ...value }
    return [field, Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== null))]
  })
  const gone = entries.filter(([, value]) => value === undefined).map(([field]) => field)
  const kept = Object.fromEntries(entries.filter(([, value]) => value !== undefined))
  const unknown = dataProblems(Object.fromEntries(gone.map((field) => [field, null])), false)
  assertData([
    ...dataProblems(kept, false),
    ...unknown.filter(({ problem }) => problem === 'is not known'),
    ...(gone.includes('full_name') ? [{ field: 'data.full_name', problem: 'is required' }] : []),
  ])
  return Object.fromEntries(entries) // checked
}

/** Likewise: a list with what it lacks of the new values, an object with the new parts. */
function added(now: ContactData, change: ContactChange): Partial<ContactData> {
  const old: ContactChange = { ...now }
  return Object.fromEntries(
    Object.entries(change).map(([field, value]) => {
      const before = old[field]
      if (Array.isArray(value)) {
        const known = Array.isArray(before) ? before : []
        return [field, [...known, ...value.filter((one) => !known.some((other) => isDeepStrictEqual(one, other)))]]
      }
      return [field, isObject(value) && isObject(before) ? { ...before, ...value } : value]
    }),
  )
}
