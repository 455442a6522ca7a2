import type { Contact, DirectoryKey, Id, Offer, OfferReceived, Subscriber, Subscription, Subscriptions } from '#domain'
import { CONTACT_COLUMNS, type ContactRow, toContact } from './contact-rows.ts'
import type { Session } from './session.ts'

/** $1 organization, $2 directory: the rows of its people's books of the directory, with their own `people` books. */
const BOOKS = `address_book b join "user" u on u.organization_id = b.organization_id and u.id = b.owner_id
  where b.organization_id = $1 and b.directory_id = $2`

export class SqlSubscriptions implements Subscriptions {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  /** Nobody's domains are looked at: it takes as long whoever has it, if anybody does. */
  async insertOffer({ organizationId, id }: DirectoryKey, offer: Pick<Offer, 'id' | 'domain'>): Promise<boolean> {
    const rows = await this.#session.query(
      `insert into directory_offer (domain, directory_id, organization_id, id) values ($1, $2, $3, $4)
       on conflict do nothing returning 1`,
      [offer.domain, id, organizationId, offer.id],
    )
    return rows.length > 0
  }

  async offers({ organizationId, id }: DirectoryKey): Promise<Offer[]> {
    return await this.#session.query<Offer>(
      `select id, domain, accepted_by is not null as accepted, created_at as "createdAt" from directory_offer
       where organization_id = $1 and directory_id = $2 order by domain`,
      [organizationId, id],
    )
  }

  async deleteOffer({ organizationId, id }: DirectoryKey, offerId: Id): Promise<{ acceptedBy?: Id } | undefined> {
    const [row] = await this.#session.query<{ accepted_by: Id | null }>(
      'delete from directory_offer where organization_id = $1 and directory_id = $2 and id = $3 returning accepted_by',
      [organizationId, id, offerId],
    )
    return row && (row.accepted_by === null ? {} : { acceptedBy: row.accepted_by })
  }

  async received(organizationId: Id): Promise<OfferReceived[]> {
    return await this.#session.query<OfferReceived>(
      `select f.id, f.domain, f.directory_id as "directoryId", f.organization_id as "organizationId", o.name as publisher,
         d.name, d.description, f.created_at as "createdAt"
       from organization_domain n join directory_offer f on f.domain = n.domain
       join directory d on d.organization_id = f.organization_id and d.id = f.directory_id
       join organization o on o.id = f.organization_id
       where n.organization_id = $1 and f.accepted_by is null and f.declined_at is null and d.deleted_at is null
         and f.organization_id <> $1
       order by f.created_at desc, f.id`,
      [organizationId],
    )
  }

  async accept({ domain, directoryId }: OfferReceived, organizationId: Id): Promise<boolean> {
    const rows = await this.#session.query(
      `update directory_offer set accepted_by = $3
       where domain = $1 and directory_id = $2 and accepted_by is null and declined_at is null returning 1`,
      [domain, directoryId, organizationId],
    )
    return rows.length > 0
  }

  async decline({ domain, directoryId }: OfferReceived): Promise<void> {
    await this.#session.query(
      'update directory_offer set declined_at = now() where domain = $1 and directory_id = $2 and accepted_by is null',
      [domain, directoryId],
    )
  }

  async insert(organizationId: Id, directory: DirectoryKey, id: Id): Promise<boolean> {
    const rows = await this.#session.query(
      `insert into directory_subscription (organization_id, directory_id, publisher_id, id, name, description)
       select $1, id, organization_id, $4, name, description from directory where organization_id = $2 and id = $3
       on conflict do nothing returning 1`,
      [organizationId, directory.organizationId, directory.id, id],
    )
    if (rows.length === 0) return false
    await this.#session.query(
      'insert into directory_subscriber (organization_id, directory_id, subscriber_id) values ($1, $2, $3)',
      [directory.organizationId, directory.id, organizationId],
    )
    return true
  }

  async list(organizationId: Id): Promise<Subscription[]> {
    return await this.#session.query<Subscription>(
      `select s.id, s.directory_id as "directoryId", s.publisher_id as "publisherId", o.name as publisher, s.name,
         s.description, s.created_at as "createdAt"
       from directory_subscription s join organization o on o.id = s.publisher_id
       where s.organization_id = $1 order by s.name collate "C", s.directory_id`,
      [organizationId],
    )
  }

  async subscribers({ organizationId, id }: DirectoryKey): Promise<Subscriber[]> {
    return await this.#session.query<Subscriber>(
      `select s.subscriber_id as "organizationId", o.name, s.created_at as "createdAt",
         array(select f.domain from directory_offer f where f.organization_id = $1 and f.directory_id = $2
           and f.accepted_by = s.subscriber_id order by 1) as domains
       from directory_subscriber s join organization o on o.id = s.subscriber_id
       where s.organization_id = $1 and s.directory_id = $2 order by o.name collate "C", s.subscriber_id`,
      [organizationId, id],
    )
  }

  async delete(organizationId: Id, directory: DirectoryKey): Promise<boolean> {
    const rows = await this.#session.query(
      `delete from directory_subscription where organization_id = $1 and directory_id = $2 and publisher_id = $3 returning 1`,
      [organizationId, directory.id, directory.organizationId],
    )
    if (rows.length === 0) return false
    const keys = [directory.organizationId, directory.id, organizationId]
    await this.#session.query(
      'delete from directory_subscriber where organization_id = $1 and directory_id = $2 and subscriber_id = $3',
      keys,
    )
    await this.#session.query(
      'delete from directory_offer where organization_id = $1 and directory_id = $2 and accepted_by = $3',
      keys,
    )
    await this.#session.query(
      `delete from hidden h using contact c where h.organization_id = $3 and c.organization_id = $1 and c.directory_id = $2
         and c.id = h.member_id`,
      keys,
    )
    return true
  }

  async conflicts(organizationId: Id, directoryId: Id, limit: number): Promise<Contact[]> {
    const rows = await this.#session.query<ContactRow>(
      `select ${CONTACT_COLUMNS} from contact where organization_id = $1 and id in (
         select c.id from address_book b join "user" u on u.organization_id = b.organization_id and u.id = b.owner_id
         join contact c on c.organization_id = b.organization_id and c.book_id = b.id
         where b.organization_id = $1 and b.directory_id = $2 and exists (select from contact p
           where p.organization_id = $1 and p.book_id = u.people_id and (p.name = c.name or p.uid = c.uid))) limit $3`,
      [organizationId, directoryId, limit],
    )
    return rows.map(toContact)
  }

  async rename(organizationId: Id, cards: readonly Contact[]): Promise<void> {
    await this.#session.query(
      `update contact c set name = n.name, uid = n.uid, text = n.text, text_4 = n.text_4, bytes = null, etag = n.etag, search = n.search
       from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
         as n (id, name, uid, text, text_4, etag, search)
       where c.organization_id = $1 and c.id = n.id`,
      [
        organizationId,
        cards.map(({ id }) => id),
        cards.map(({ name }) => name),
        cards.map(({ uid }) => uid),
        cards.map(({ text }) => text),
        cards.map(({ text4 }) => text4 ?? null),
        cards.map(({ etag }) => etag),
        cards.map(({ search }) => search),
      ],
    )
  }

  async freeze(organizationId: Id, directoryId: Id): Promise<{ peopleId: Id; name: string }[]> {
    const keys = [organizationId, directoryId]
    const frozen = await this.#session.query<{ peopleId: Id; name: string }>(
      `update contact c set kind = 'personal', base_organization_id = null, base_id = null, base_kind = null, layer = null,
         book_id = v.people_id
       from (select b.id, u.people_id from ${BOOKS}) v
       where c.organization_id = $1 and c.book_id = v.id returning v.people_id as "peopleId", c.name`,
      keys,
    )
    await this.#session.query(
      `update client_property p set collection_id = v.people_id from (select b.id, b.owner_id, u.people_id from ${BOOKS}) v
       where p.organization_id = $1 and p.user_id = v.owner_id and p.collection_id = v.id and exists (select from contact c
         where c.organization_id = $1 and c.book_id = v.people_id and c.name = p.member)
         and not exists (select from client_property o where o.organization_id = $1 and o.user_id = p.user_id
           and o.collection_id = v.people_id and o.member = p.member and o.name = p.name)`,
      keys,
    )
    for (const table of ['client_property', 'lock']) {
      await this.#session.query(
        `delete from ${table} p using address_book b where b.organization_id = $1 and b.directory_id = $2
           and p.organization_id = $1 and p.user_id = b.owner_id and p.collection_id = b.id`,
        keys,
      )
    }
    await this.#session.query('delete from address_book where organization_id = $1 and directory_id = $2', keys)
    return frozen
  }
}
