import {
  type Actor,
  asId,
  type Collection,
  type Contact,
  type Contacts,
  collectionId,
  comparableUid,
  type DirectoryKey,
  directoryOf,
  type Id,
  idInName,
  type Layer,
  type Lock,
  type Member,
  notFound,
  type Override,
  type Place,
  sharedBookId,
} from '#domain'
import { holdSubscription } from './books.ts'
import { CONTACT_COLUMNS, type ContactRow, toContact } from './contact-rows.ts'
import { LostRace, type Session } from './session.ts'
import { inScope } from './shown-cards.ts'

interface PlaceRow extends ContactRow {
  own: boolean
}

const OWN = `select ${CONTACT_COLUMNS}, true as own from contact where organization_id = $1 and book_id = $2 and name = $3`
/** Entries of that id in a directory that the organization ($1) is subscribed to. */
export const SUBSCRIBED = (id: string): string => `directory_subscription s
  join contact c on c.organization_id = s.publisher_id and c.id = ${id} and c.directory_id = s.directory_id
  where s.organization_id = $1`
const PLACE = `${OWN}
  union all
  select ${CONTACT_COLUMNS}, false from contact where organization_id = $1 and id = $4 and kind = 'profile'
  union all
  select ${CONTACT_COLUMNS.replace(/\b(id|name|directory_id)\b(?=,)/g, 'c.$1')}, false from ${SUBSCRIBED('$4')}`
/** In a shared directory ($5 publisher, $6 directory) an entry of that alone. */
const PLACE_SHARED = `${OWN}
  union all
  select ${CONTACT_COLUMNS}, false from contact where organization_id = $5 and id = $4 and directory_id = $6`
/** Whatever else claims the name or the UID. Seen as null, what is null would have each execution planned anew: hence `k`. */
const CLAIMS = `select
  exists (select from hidden where organization_id = $1 and user_id = $2 and member_id = k.named) as hidden,
  coalesce((select ${inScope('p.owner_id')} from contact p
    where organization_id = $1 and id = k.named and kind = 'profile'), true) as in_scope,
  (select id from team where organization_id = $1 and id = k.named) as team_id,
  exists (select from membership where organization_id = $1 and team_id = k.named and user_id = $2 and left_revision is null) as in_team,
  (select name from contact c where organization_id = $1 and book_id = $3 and c.uid = k.uid and name <> $4) as uid_name,
  (select kind = 'personal' or (select listed from contact b where b.organization_id = c.base_organization_id and b.id = c.base_id)
    from contact c where organization_id = $1 and book_id = $3 and c.uid = k.uid and name <> $4) as uid_listed,
  (select listed from contact where organization_id = $1 and id = k.uid_id and id is distinct from k.named and kind = 'profile') as uid_card,
  (select c.listed from ${SUBSCRIBED('k.uid_id')} and k.uid_id is distinct from k.named) as uid_entry,
  (select exists (select from membership m where m.organization_id = $1 and m.team_id = t.id and m.user_id = $2 and m.left_revision is null)
    from team t where t.organization_id = $1 and t.id = k.uid_id and t.id is distinct from k.named) as uid_team,
  (select json_agg(json_build_object('id', id, 'collectionId', collection_id, 'member', member, 'exclusive', exclusive, 'whole', whole))
    from lock where organization_id = $1 and user_id = $2 and collection_id = $3 and member in ('', $4) and expires_at > now()) as locks
  from (select $5::uuid as named, $6::text as uid, $7::uuid as uid_id offset 0) k`

/** The old row is kept as a version by the statement that replaces or deletes it. */
const KEEP = `insert into card_version (organization_id, contact_id, owner_id, kind, book_id, name, uid, managed, layer, version, text, bytes, etag)
  select organization_id, id, owner_id, kind, book_id, name, uid, managed, layer,
    case when kind in ('profile', 'directory') then '4.0' else version end,
    case when kind in ('profile', 'directory') then text_4 else text end, bytes, etag
  from old`

const REPLACE = `with old as (select * from contact where organization_id = $1 and id = $2 and etag = $3 for update),
  kept as (${KEEP})
  update contact c set managed = $4, layer = $5, version = $6, text = $7, text_4 = $8, bytes = $9, etag = $10, search = $11, modified_at = now()
  from old where c.organization_id = old.organization_id and c.id = old.id returning 1`

const DELETE = `with old as (select * from contact where organization_id = $1 and id = $2 and etag = $3 for update),
  kept as (${KEEP})
  delete from contact c using old where c.organization_id = old.organization_id and c.id = old.id returning 1`

const DELETE_ALL = `with old as (select * from contact where organization_id = $1 and book_id = $2 for update),
  kept as (${KEEP})
  delete from contact c using old where c.organization_id = old.organization_id and c.id = old.id`

/** What a new contact is made of, and of what type; the organization is $1. */
const NEW = {
  id: 'uuid',
  kind: 'text',
  owner_id: 'uuid',
  book_id: 'uuid',
  base_id: 'uuid',
  base_organization_id: 'uuid',
  directory_id: 'uuid',
  name: 'text',
  uid: 'text',
  managed: 'text',
  layer: 'jsonb',
  version: 'text',
  text: 'text',
  text_4: 'text',
  bytes: 'bytea',
  etag: 'text',
  search: 'text',
} as const

const insertFrom = (source: string): string => `insert into contact (organization_id, id, kind, owner_id, book_id,
    base_organization_id, base_id, base_kind, directory_id, name, uid, managed, layer, version, text, text_4, bytes, etag, search, listed)
  select $1, id, kind, owner_id, book_id, case when base_id is not null then coalesce(base_organization_id, $1::uuid) end, base_id,
    case when base_organization_id is not null then 'directory' when base_id is not null then 'profile' end, directory_id, name, uid, managed, layer, version, text, text_4, bytes, etag, search, true
  from ${source}`
const parameters = (array: '' | '[]', name: (column: string) => string): string =>
  Object.entries(NEW)
    .map(([column, type], at) => `$${at + 2}::${type}${array}${name(column)}`)
    .join(', ')
/** One is no array: pg quotes each backslash and quotation mark of those, and a device's card may hold millions. */
const INSERT_ONE = insertFrom(`(select ${parameters('', (column) => ` as ${column}`)}) c`)
const INSERT = insertFrom(`unnest(${parameters('[]', () => '')}) as c (${Object.keys(NEW).join(', ')})`)

const REWRITE = `update contact c set managed = n.managed, layer = n.layer, text = n.text, text_4 = n.text_4, etag = n.etag, search = n.search,
    modified_at = case when c.etag = n.etag then c.modified_at else now() end
  from unnest($2::uuid[], $3::text[], $4::jsonb[], $5::text[], $6::text[], $7::text[], $8::text[]) as n (id, managed, layer, text, text_4, etag, search)
  where c.organization_id = $1 and c.id = n.id`

/** Earlier versions are compared one by one: not more of them than that takes a moment. */
const MAX_EARLIER_BYTES = 4 * 1024 * 1024

/** In the order of `NEW`. */
const newRow = (one: Contact): unknown[] => [
  one.id,
  one.kind,
  one.ownerId ?? null,
  one.bookId ?? null,
  one.baseId ?? null,
  one.baseOrganizationId ?? null,
  one.directoryId ?? null,
  one.name,
  comparableUid(one.uid),
  one.managed ?? null,
  json(one.layer),
  one.version,
  one.text,
  one.text4 ?? null,
  one.bytes ?? null,
  one.etag,
  one.search,
]

/** Overrides of a base: under its organization, or of an entry under each that is subscribed to its directory. */
function overridesWhere(organizationId: Id, { id, directoryId }: Pick<Contact, 'id' | 'directoryId'>) {
  if (directoryId === undefined) {
    return { whose: `organization_id = $1 and base_id = $2 and kind = 'override'`, values: [organizationId, id] }
  }
  return {
    whose: `organization_id in (select subscriber_id from directory_subscriber where organization_id = $1 and directory_id = $3)
      and base_id = $2 and kind = 'override'`,
    values: [organizationId, id, directoryId],
  }
}

const json = (layer: Layer | undefined): string | null => (layer ? JSON.stringify(layer) : null)

export class SqlContacts implements Contacts {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  async place(actor: Actor, collection: Collection, name: string, uid: string | undefined): Promise<Place> {
    const { organizationId, userId } = actor
    const named = idInName(name) ?? null
    const bookId = collectionId(collection)
    const directory = directoryOf(collection)
    if (directory && !(await holdSubscription(this.#session, actor, collection))) throw notFound()
    const keys = [organizationId, bookId, name, named]
    const rows = await (directory
      ? this.#session.query<PlaceRow>(PLACE_SHARED, [...keys, directory.organizationId, directory.id], 'place.shared')
      : this.#session.query<PlaceRow>(PLACE, keys, 'place'))
    const uidId = uid === undefined ? undefined : asId(uid)
    const [claims] = await this.#session.query<{
      hidden: boolean
      in_scope: boolean
      team_id: string | null
      in_team: boolean
      uid_name: string | null
      uid_listed: boolean | null
      uid_card: boolean | null
      uid_entry: boolean | null
      uid_team: boolean | null
      locks: Lock[] | null
    }>(CLAIMS, [organizationId, userId, bookId, name, named, uid ?? null, uidId ?? null], 'claims')
    if (!claims) throw new TypeError('a select without from gives one row')
    const own = rows.find((row) => row.own)
    const base = rows.find((row) => !row.own)
    const inPeople = bookId === actor.peopleId
    const reserved = claims.uid_card ?? claims.uid_team ?? claims.uid_entry
    const isFree = reserved === true && !(inPeople && claims.uid_entry === null) // of a card that I see in another book
    const others =
      reserved !== null && uidId !== undefined && !isFree ? { name: `${uidId}.vcf`, visible: reserved } : undefined
    const uidHolder = claims.uid_name === null ? others : { name: claims.uid_name, visible: claims.uid_listed === true }
    return {
      ...(own ? { own: toContact(own) } : {}),
      ...(base ? { base: toContact(base) } : {}),
      ...(claims.team_id === null ? {} : { team: { id: claims.team_id, visible: claims.in_team } }),
      hidden: claims.hidden,
      inScope: claims.in_scope,
      ...(uidHolder ? { uidHolder } : {}),
      locks: claims.locks ?? [],
    }
  }

  async holdBase(organizationId: Id, id: Id): Promise<Contact | undefined> {
    const [row] = await this.#session.query<ContactRow>(
      `select ${CONTACT_COLUMNS} from contact where organization_id = $1 and id = $2 and kind in ('profile', 'directory') for share`,
      [organizationId, id],
      'contact.hold',
    )
    return row && toContact(row)
  }

  profile = (organizationId: Id, userId: Id): Promise<Contact | undefined> => this.#profile(organizationId, userId, '')
  lockProfile = (organizationId: Id, userId: Id): Promise<Contact | undefined> =>
    this.#profile(organizationId, userId, 'for update')

  async #profile(organizationId: Id, userId: Id, lock: '' | 'for update'): Promise<Contact | undefined> {
    const [row] = await this.#session.query<ContactRow>(
      `select ${CONTACT_COLUMNS} from contact where organization_id = $1 and owner_id = $2 and kind = 'profile' ${lock}`,
      [organizationId, userId],
    )
    return row && toContact(row)
  }

  async insert(organizationId: Id, contacts: readonly Contact[]): Promise<void> {
    const rows = contacts.map(newRow)
    const [only] = rows
    if (only && rows.length === 1) {
      await this.#session.query(INSERT_ONE, [organizationId, ...only], 'contact.insert.one')
      return
    }
    const columns = Object.keys(NEW).map((_, at) => rows.map((row) => row[at]))
    await this.#session.query(INSERT, [organizationId, ...columns], 'contact.insert')
  }

  async replace(organizationId: Id, contact: Contact, seen: string): Promise<void> {
    const { id, managed, layer, version, text, text4, bytes, etag, search } = contact
    const values = [organizationId, id, seen, managed, json(layer), version, text, text4, bytes, etag, search]
    const done = await this.#session.query(REPLACE, values, 'contact.replace')
    if (done.length === 0) throw new LostRace('the card was replaced meanwhile')
  }

  async delete(organizationId: Id, { id, etag }: Contact): Promise<void> {
    const done = await this.#session.query(DELETE, [organizationId, id, etag], 'contact.delete')
    if (done.length === 0) throw new LostRace('the card was replaced meanwhile')
  }

  async relocate(organizationId: Id, { id, etag }: Contact, { collection, name }: Member): Promise<void> {
    const done = await this.#session.query(
      `update contact set book_id = $4, name = $5
       where organization_id = $1 and id = $2 and etag = $3 and kind = 'personal' returning 1`,
      [organizationId, id, etag, collectionId(collection), name],
      'contact.relocate',
    )
    if (done.length === 0) throw new LostRace('the card was replaced meanwhile')
  }

  async deleteAll(organizationId: Id, bookId: Id): Promise<void> {
    await this.#session.query(DELETE_ALL, [organizationId, bookId])
  }

  async lockEntry({ organizationId, id }: DirectoryKey, entryId: Id): Promise<Contact | undefined> {
    const [row] = await this.#session.query<ContactRow>(
      `select ${CONTACT_COLUMNS} from contact
       where organization_id = $1 and directory_id = $2 and id = $3 and kind = 'directory' and listed for update`,
      [organizationId, id, entryId],
    )
    return row && toContact(row)
  }

  async overridesOf(organizationId: Id, base: Contact): Promise<Override[]> {
    const { whose, values } = overridesWhere(organizationId, base)
    const rows = await this.#session.query<ContactRow & { organization_id: string }>(
      `select organization_id, ${CONTACT_COLUMNS} from contact where ${whose} order by organization_id, id for update`,
      values,
    )
    return rows.map((row) => ({ ...toContact(row), organizationId: row.organization_id }))
  }

  async rewrite(organizationId: Id, contacts: readonly Contact[]): Promise<void> {
    await this.#session.query(REWRITE, [
      organizationId,
      contacts.map(({ id }) => id),
      contacts.map(({ managed }) => managed ?? null),
      contacts.map(({ layer }) => json(layer)),
      contacts.map(({ text }) => text),
      contacts.map(({ text4 }) => text4 ?? null),
      contacts.map(({ etag }) => etag),
      contacts.map(({ search }) => search),
    ])
  }

  async freezeOverrides(organizationId: Id, base: Pick<Contact, 'id' | 'directoryId'>): Promise<void> {
    const { whose, values } = overridesWhere(organizationId, base)
    await this.#session.query(
      `update contact set kind = 'personal', base_organization_id = null, base_id = null, base_kind = null, layer = null
       where ${whose}`,
      values,
    )
  }

  async setListed(organizationId: Id, id: Id, listed: boolean): Promise<void> {
    await this.#session.query(
      'update contact set listed = $3, modified_at = now() where organization_id = $1 and id = $2',
      [organizationId, id, listed],
    )
  }

  async markDeleted(organizationId: Id, id: Id): Promise<void> {
    await this.#session.query(
      'update contact set listed = false, owner_id = null, deleted_at = now() where organization_id = $1 and id = $2',
      [organizationId, id],
    )
  }

  async earlier(organizationId: Id, id: Id) {
    const rows = await this.#session.query<{ text: string; managed: string | null }>(
      `select text, managed from (
         select text, managed, replaced_at, sum(octet_length(text)) over (order by replaced_at desc) as bytes from (
           select text, managed, replaced_at from card_version
           where organization_id = $1 and contact_id = $2 and kind in ('profile', 'directory') order by replaced_at desc limit 100) newest) sized
       where bytes <= $3 order by replaced_at desc`,
      [organizationId, id, MAX_EARLIER_BYTES],
      'contact.earlier',
    )
    return rows.map(({ text, managed }) => (managed === null ? { text } : { text, managed }))
  }

  async hide({ organizationId, userId }: Actor, id: Id): Promise<void> {
    await this.#session.query(
      'insert into hidden (organization_id, user_id, member_id) values ($1, $2, $3) on conflict do nothing',
      [organizationId, userId, id],
    )
  }

  async unhide({ organizationId, userId }: Actor, id: Id): Promise<boolean> {
    const rows = await this.#session.query(
      'delete from hidden where organization_id = $1 and user_id = $2 and member_id = $3 returning 1',
      [organizationId, userId, id],
    )
    return rows.length > 0
  }

  async hidden({ organizationId, userId, peopleId }: Actor) {
    const rows = await this.#session.query<{ id: Id; name: string; subscription: Id | null }>(
      `select h.member_id as id, h.member_id || '.vcf' as name, (select s.id from ${SUBSCRIBED('h.member_id')}) as subscription
       from hidden h where h.organization_id = $1 and h.user_id = $2 order by 1`,
      [organizationId, userId],
    )
    return rows.map(({ id, name, subscription }) => ({
      id,
      name,
      collectionId: subscription === null ? peopleId : sharedBookId(userId, subscription),
    }))
  }
}
