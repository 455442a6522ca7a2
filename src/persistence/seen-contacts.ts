import {
  type Actor,
  type ContactPosition,
  type ContactSearch,
  type Id,
  isFullOf,
  type Layer,
  MAX_READ_BYTES,
  type SeenContact,
  type SeenContacts,
  sharedBookId,
} from '#domain'
import type { Version } from '#vcard'
import { SUBSCRIBED } from './contacts.ts'
import { digitsOf, TITLE, termOf } from './ranks.ts'
import type { Session } from './session.ts'
import { inScope, nameLine } from './shown-cards.ts'

interface SeenRow {
  id: string
  kind: SeenContact['kind']
  is_me: boolean
  /** None of an entry: nothing of the person's has to be there. */
  book_id: string | null
  book: string
  name: string
  etag: string
  version: Version
  text: string
  layer: Layer | null
  base_etag: string | null
  base_text: string | null
  managed: string | null
  key: string
  rank: number
  title: string
  within?: string | null
  subscription_id: string | null
  publisher_id: string | null
  directory_id: string | null
}

const bookOf = (userId: Id, row: SeenRow): SeenContact['book'] => {
  const { subscription_id: subscription, publisher_id: organizationId, directory_id: id } = row
  if (subscription === null || organizationId === null || id === null) return { id: row.book_id ?? '', name: row.book }
  return { id: sharedBookId(userId, subscription), name: row.book, directory: { organizationId, id } }
}

const toSeen = (userId: Id, row: SeenRow): SeenContact => ({
  id: row.id,
  kind: row.kind,
  isMe: row.is_me,
  book: bookOf(userId, row),
  name: row.name,
  etag: row.etag,
  version: row.version,
  text: row.text,
  ...(row.layer === null ? {} : { layer: row.layer }),
  ...(row.base_etag === null || row.base_text === null ? {} : { base: { etag: row.base_etag, text: row.base_text } }),
  ...(row.managed === null ? {} : { managed: row.managed }),
  position: {
    rank: row.rank,
    title: row.title,
    key: row.key,
    ...(row.within == null ? {} : { within: row.within }),
  },
})

/** What must hold of the rows of each part (entries are sought as colleagues are), how they are ranked, and which of them are read. */
interface Which {
  readonly own: string
  readonly others: string
  readonly rank?: { readonly own: string; readonly others: string }
  readonly end?: string
}

const KEY = `(coalesce(c.base_id, c.id) || '.vcf') collate "C"`
const CONTENT = `case when c.text_4 is null then c.version else '4.0' end as version, coalesce(c.text_4, c.text) as text`

/** A condition that most rows fulfil, told in a way that the planner reckons so: else it takes half of them to. */
const mostly = (condition: string): string => `nullif(${condition}, false) is not null`

/** Neither overridden nor hidden. */
const AS_THEY_ARE = `${mostly("c.id not in (select base_id from contact where organization_id = $1 and owner_id = $2 and kind = 'override')")}
  and ${mostly('c.id not in (select member_id from hidden where organization_id = $1 and user_id = $2)')}`

/** $1 organization, $2 user, $3 the book of colleagues. */
function seen({ own, others, rank, end = '' }: Which): string {
  const order = rank === undefined ? `, 0 as rank, '' collate "C" as title` : `, r.rank, ${TITLE} as title`
  // the offset has each row ranked once, not where it is filtered and where it is told
  const ranked = (by: string | undefined) =>
    by === undefined ? ['', ''] : [`cross join lateral (select ${by} as rank offset 0) r`, 'and r.rank is not null']
  const [ranks, isRanked] = ranked(rank?.own)
  const [othersRanks, areRanked] = ranked(rank?.others)
  return `(select coalesce(c.base_id, c.id) as id, c.kind, false as is_me, c.book_id, b.name as book, c.name, c.etag, ${CONTENT},
      c.layer, base.etag as base_etag, base.text_4 as base_text, null as managed, ${KEY} as key ${order},
      s.id as subscription_id, s.publisher_id, s.directory_id
    from contact c join address_book b on b.organization_id = c.organization_id and b.id = c.book_id
    left join directory_subscription s on s.organization_id = b.organization_id and s.directory_id = b.directory_id
    left join contact base on base.organization_id = c.base_organization_id and base.id = c.base_id ${ranks}
    where c.organization_id = $1 and c.owner_id = $2
      and c.book_id in (select id from address_book where organization_id = $1 and owner_id = $2)
      and (c.kind = 'personal' or base.listed) and ${own} ${isRanked} ${end})
  union all
  (select c.id, c.kind, c.owner_id = $2, $3::uuid, 'people', c.name, c.etag, ${CONTENT},
      null, null, null, case when c.owner_id = $2 then c.managed end, c.name as key ${order},
      null, null, null
    from contact c ${othersRanks} where c.organization_id = $1 and c.kind = 'profile' and c.listed and ${others}
      and ${AS_THEY_ARE} and ${mostly(inScope('c.owner_id'))} ${areRanked} ${end})
  union all
  (select c.id, 'entry', false, null, 'directory-' || s.directory_id, c.name, c.etag, c.version, c.text,
      null, null, null, null, c.key, c.rank, c.title, s.id, s.publisher_id, s.directory_id
    from directory_subscription s cross join lateral (
      select c.id, c.name, c.etag, ${CONTENT}, c.name as key ${order} from contact c ${othersRanks}
      where c.organization_id = s.publisher_id and c.directory_id = s.directory_id and c.kind = 'directory' and c.listed
        and ${others} and ${AS_THEY_ARE} ${areRanked} ${end}) c
    where s.organization_id = $1)`
}

/** Whether a note that a word stands in is one's own: of a colleague none that the base has. */
const OWN_NOTE = `(c.kind = 'personal' or position(E'\\n' || line || E'\\n' in base.search) = 0)`

/** Of what is found so many, the first by key, are ranked: the others follow in the order of keys, after every rank. */
const RANKED = 3_000
const UNRANKED = 1_000

interface HiddenSqlRow {
  id: string
  kind: 'profile' | 'entry' | 'team'
  is_me: boolean
  name_line: string | null
  team_name: string | null
}

const HIDDEN = `select h.member_id as id, case when t.id is not null then 'team' when e.id is not null then 'entry' else 'profile' end as kind,
    c.owner_id is not distinct from $2 as is_me, coalesce(${nameLine('c.text')}, ${nameLine('e.text')}) as name_line, t.name as team_name
  from hidden h
  left join contact c on c.organization_id = $1 and c.id = h.member_id and c.kind = 'profile' and c.listed
    and ${inScope('c.owner_id')}
  left join team t on t.organization_id = $1 and t.id = h.member_id and t.deleted_at is null and not t.is_suspended
    and exists (select from membership m where m.organization_id = $1 and m.team_id = t.id and m.user_id = $2
      and m.left_revision is null)
  left join lateral (select c.id, c.text from ${SUBSCRIBED('h.member_id')} and c.listed) e on true
   where h.organization_id = $1 and h.user_id = $2 and ($3::uuid is null or h.member_id > $3)
    and coalesce(c.id, t.id, e.id) is not null
  order by h.member_id limit $4`

const POSITION = '(rank, title, key)'

/** Of those rows, in that order, the first up to and with the one that makes them too many bytes to hold. */
const bounded = (rows: string, order: string): string => `select * from (
    select w.*, coalesce(sum(octet_length(text) + coalesce(octet_length(base_text), 0))
      over (order by ${order} rows between unbounded preceding and 1 preceding), 0) as bytes_before from (${rows}) w) x
  where bytes_before < ${MAX_READ_BYTES} order by ${order}`

export class SqlSeenContacts implements SeenContacts {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  async find(actor: Actor, by: { readonly id: Id } | { readonly bookId: Id; readonly name: string }) {
    const values = [actor.organizationId, actor.userId, actor.peopleId]
    const [row] = await ('id' in by
      ? this.#session.query<SeenRow>(
          seen({ own: `(c.base_id = $4 or c.id = $4 and c.kind = 'personal')`, others: 'c.id = $4' }),
          [...values, by.id],
          'seen.id',
        )
      : this.#session.query<SeenRow>(
          seen({ own: 'c.book_id = $4 and c.name = $5', others: '$4 = $3 and c.name = $5' }),
          [...values, by.bookId, by.name],
        ))
    return row && toSeen(actor.userId, row)
  }

  async own({ organizationId, userId }: Actor, bookId: Id, names: readonly string[]) {
    return await this.#session.query<{ id: string; name: string; isMe: boolean }>(
      `select id, name, false as "isMe" from contact
         where organization_id = $1 and owner_id = $2 and book_id = $3 and kind = 'personal' and name = any($4)
       union all
       select id, name, true from contact where organization_id = $1 and owner_id = $2 and kind = 'profile' and name = any($4)`,
      [organizationId, userId, bookId, names],
      'seen.own',
    )
  }

  async hidden({ organizationId, userId }: Actor, after: Id | undefined, limit: number) {
    const values = [organizationId, userId, after ?? null, limit]
    const rows = await this.#session.query<HiddenSqlRow>(HIDDEN, values, 'seen.hidden')
    return rows.map(({ id, kind, is_me: isMe, name_line: line, team_name: team }) => ({
      id,
      kind,
      isMe,
      ...(line === null ? {} : { nameLine: line.trimEnd() }),
      ...(team === null ? {} : { teamName: team }),
    }))
  }

  async page(actor: Actor, search: ContactSearch, after: ContactPosition | undefined, limit: number) {
    if (search.words.length === 0) {
      const values = [actor.organizationId, actor.userId, actor.peopleId, after?.key ?? '', limit]
      const which = { own: `${KEY} > $4`, others: 'c.name > $4', end: 'order by key limit $5' }
      const sql = `select * from (${seen(which)}) v order by key limit $5`
      const rows = await this.#session.query<SeenRow>(bounded(sql, 'key'), values, 'seen.page')
      return rows.map((row) => toSeen(actor.userId, row))
    }
    const ranked = after?.rank === UNRANKED ? [] : await this.#ranked(actor, search, after, limit)
    const from = after?.rank === UNRANKED ? after.key : (after?.within ?? ranked[0]?.position.within)
    if (from === undefined || ranked.length === limit || isFullOf(ranked)) return ranked
    return [...ranked, ...(await this.#unranked(actor, search, from, limit - ranked.length))]
  }

  /** The best of those that are ranked: of the first by key, and once that is told, up to `within`. */
  async #ranked(actor: Actor, search: ContactSearch, after: ContactPosition | undefined, limit: number) {
    const { values, add, which } = sought(actor, search)
    const most = `order by key limit ${add(after?.within === undefined ? RANKED : 2 * RANKED)}::integer`
    const within = after?.within === undefined ? undefined : `${add(after.within)}::text`
    const rows = seen({ ...which(within === undefined ? '' : ` <= ${within}`), end: most })
    const last = within ?? `(select max(key) from f having count(*) = ${add(RANKED)}::integer)`
    const rest = after
      ? `where ${POSITION} > (${add(after.rank)}::integer, ${add(after.title)} collate "C", ${add(after.key)} collate "C")`
      : ''
    const sql = `with f as materialized (select * from (${rows}) v ${most})
      select *, ${last} as within from f ${rest} order by rank, title, key limit ${add(limit)}`
    return await this.#run(actor, bounded(sql, 'rank, title, key'), values)
  }

  async #unranked(actor: Actor, search: ContactSearch, from: string, limit: number) {
    const { values, add, which } = sought(actor, search)
    const end = `order by key limit ${add(limit)}`
    const rows = seen({ ...which(` > ${add(from)}::text`), end })
    const sql = `select * from (${rows}) v ${end}`
    const found = await this.#run(actor, bounded(sql, 'key'), values)
    return found.map((one) => ({ ...one, position: { rank: UNRANKED, title: '', key: one.position.key } }))
  }

  async #run(actor: Actor, sql: string, values: readonly unknown[]): Promise<SeenContact[]> {
    const rows = await this.#session.planned<SeenRow>(sql, values)
    return rows.map((row) => toSeen(actor.userId, row))
  }
}

/** A search as SQL, of all keys or of those that compare so. */
function sought({ organizationId, userId, peopleId }: Actor, { words, digits }: ContactSearch) {
  const values: unknown[] = [organizationId, userId, peopleId]
  const add = (value: unknown): string => `$${values.push(value)}`
  const terms = digits === undefined ? words.map((word) => termOf(word, add)) : [digitsOf(digits, add)]
  const likes = terms.map(({ like }) => like).join(' and ')
  const rank = (note: string): string => terms.map((term) => term.rank(note)).join(' + ')
  const which = (keys: string): Which => ({
    own: keys === '' ? likes : `${KEY}${keys} and ${likes}`,
    others: keys === '' ? likes : `c.name${keys} and ${likes}`,
    rank: { own: rank(OWN_NOTE), others: rank('c.owner_id = $2') },
  })
  return { values, add, which }
}
