import { createHash } from 'node:crypto'
import {
  type Actor,
  type Body,
  type CardView,
  type ChangedMember,
  type Collections,
  type ContactKind,
  type Heads,
  type Id,
  idInName,
  type Narrowing,
  type StreamState,
  TEAM_CARD_RENDERER,
  teamCard,
} from '#domain'
import { convert, parseVCard, serialize, type Version } from '#vcard'
import { Batch } from './batch.ts'
import { CARD } from './journal.ts'
import { condition, isIndexed, isSelective } from './narrowing.ts'
import { arrays, type Session } from './session.ts'

/** A team above this many members has no group card. */
const MAX_GROUP_MEMBERS = 2_500

const BARE = `null::text as version, null::text as text, null::bytea as bytes`
const STORED = `version, text, bytes`
const FOUR = `case when text_4 is null then version else '4.0' end as version, coalesce(text_4, text) as text, bytes`
const CONTENT: { readonly [Kind in Body]: string } = { none: BARE, stored: STORED, '3.0': STORED, '4.0': FOUR }

const MEMBERS = `(select array_agg(c.uid order by c.uid) from membership n
  join contact c on c.organization_id = n.organization_id and c.owner_id = n.user_id and c.kind = 'profile' and c.listed
  where n.organization_id = $1 and n.team_id = t.id and n.left_revision is null)`

export const SCOPE = `select case when 'none' in (u.scope, o.scope) then 'none'
    when 'teams' in (u.scope, o.scope) then 'teams' else 'everyone' end as scope
  from "user" u join organization o on o.id = u.organization_id where u.organization_id = $1 and u.id = $2`

/** Whether the user's scope lets them see the card of that owner. */
export const inScope = (owner: string): string => `(${owner} = $2 or case (${SCOPE}) when 'everyone' then true
    when 'teams' then exists (select from membership mine join membership theirs using (organization_id, team_id)
      where mine.organization_id = $1 and mine.user_id = $2 and mine.left_revision is null
        and theirs.user_id = ${owner} and theirs.left_revision is null) else false end)`

/** Which cards of a collection: by name, and in what order, each part for itself. */
interface Which {
  readonly body: Body
  readonly where: (name: string) => string
  /** So that a page of a large book reads a page of each index. */
  readonly order?: string
  /** What else must hold of `search`, the text that cards are found by. */
  readonly search?: string | undefined
}

const also = (condition: string | undefined): string => (condition === undefined ? '' : `and ${condition}`)

/** My own cards in the collection ($1 organization, $2 user, $3 collection): personal, and over others'. */
const own = ({ body, where, order = '', search }: Which): string => `(
  select name, etag, modified_at, kind, size, true as writable, ${CONTENT[body]}, null::text[] as members
  from contact c where organization_id = $1 and book_id = $3 and owner_id = $2 and ${where('name')} ${also(search)}
    and (kind = 'personal' or exists (select from contact b
      where b.organization_id = c.base_organization_id and b.id = c.base_id and b.listed)) ${order})`

const HIDDEN = 'hidden where organization_id = $1 and user_id = $2'

/**
 * That an id is none of a user's rows. A page, of many cards, hashes those once; else each card is looked up. (Of NOT
 * EXISTS the planner makes a join that compares each card with each row: a minute for somebody who hid thousands.)
 */
const unless = (id: string, column: string, rows: string, order: string): string =>
  order === ''
    ? `(select true from ${rows} and ${column} = ${id}) is null`
    : `${id} not in (select ${column} from ${rows})`

/** The colleagues' cards that the user sees. Nothing but the index is read where no body is asked for. */
const colleagues = ({ body, where, order = '', search }: Which): string => `(
  select name, etag, modified_at, 'profile', size, true, ${CONTENT[body]}, null
  from contact p where organization_id = $1 and kind = 'profile' and listed and ${where('name')} ${also(search)}
    and ${unless('p.id', 'base_id', `contact where organization_id = $1 and owner_id = $2 and kind = 'override'`, order)}
    and ${unless('p.id', 'member_id', HIDDEN, order)}
    and ${inScope('p.owner_id')} ${order})`

/** Every colleague's own card, whoever asks and whatever they see in their book. (A parameter has to stand somewhere.) */
const directory = ({ body, where, order = '', search }: Which): string => `(
  select name, etag, modified_at, 'profile' as kind, size, false as writable, ${CONTENT[body]}, null::text[] as members
  from contact p where organization_id = $1 and kind = 'profile' and listed and ${where('name')} ${also(search)}
    and ($2::uuid is null or $3::uuid is null or true) ${order})`

/** The group cards of the user's teams. */
const teams = ({ body, where, order = '' }: Which): string => `(
  select t.id || '.vcf' as name, t.revision || '-' || t.stamp || '-${TEAM_CARD_RENDERER}' as etag, t.modified_at, 'team' as kind,
    null::integer as size, m.role <> 'member' and not t.is_synced as writable, null as version, ${body === 'none' ? 'null' : 't.name'} as text, null::bytea as bytes, ${body === 'none' ? 'null::text[]' : MEMBERS} as members
  from membership m join team t on t.organization_id = m.organization_id and t.id = m.team_id
  where m.organization_id = $1 and m.user_id = $2 and m.left_revision is null and ${where(`(t.id || '.vcf') collate "C"`)}
    and t.deleted_at is null and not t.is_suspended and t.member_count <= ${MAX_GROUP_MEMBERS}
    and ${unless('t.id', 'member_id', HIDDEN, '')} ${order})`

/** The merged book of a person, another one of theirs, or the organization's directory. */
type Kind = 'people' | 'book' | 'directory'

/** The cards that a collection shows; the merged one shows colleagues and teams as well. */
const shown = (kind: Kind, which: Which): string =>
  (kind === 'people'
    ? [own(which), colleagues(which), teams(which)]
    : [kind === 'book' ? own(which) : directory(which)]
  ).join(' union all ')

/** What `own` and `colleagues` show of each key's one name: `k` has organization, user, collection and name. */
const one = (kind: Kind, byId: boolean, body: Body): string => {
  const which = { body, where: (name: string) => `${name} = $4` }
  const mine = byId && kind === 'people' ? `${own(which)} union all ${colleagues(which)}` : own(which)
  const card = kind === 'directory' ? directory(which) : mine
  const ofKey = ['k.o', 'k.u', 'k.b', 'k.card collate "C"']
  return `select k.n, v.* from ${arrays(1, 'integer', 'uuid', 'uuid', 'uuid', 'text')} as k (n, o, u, b, card)
    cross join lateral (${card.replace(/\$([1-4])/g, (_, at) => ofKey[at - 1] ?? '')} limit 1) v`
}
/** Asked where no other card has the name: in each GET's query it would take a third of the time. */
const oneTeam = (body: Body): string => teams({ body, where: (name) => `${name} = $3` })
const listed = (kind: Kind, body: Body): string => shown(kind, { body, where: (name) => `${name} = any($4)` })
const page = (kind: Kind, body: Body, search?: string): string =>
  `select * from (${shown(kind, { body, where: (name) => `${name} > $4`, order: 'order by 1 limit $5', search })}) v
   order by name collate "C" limit $5`
/** Of at most so many cards each is read: an index holds everybody's, and what is in most of them it would find first. */
const FEW = 500

/** The names of what may pass, hidden or not, and of every team: by an index where there are many, else one by one (`few`). */
const candidates = (kind: Kind, search: string, few: string): string => {
  const first = (rows: string, columns: string, limit: number): string =>
    `(select ${columns} from contact where ${rows} order by name limit ${limit}) c` // the order has it use the key
  const part = (name: string, rows: string, whose: string) => ({
    count: `${name} as materialized (select count(*) as n from ${first(rows, 'name', FEW + 1)})`,
    names: `(select name from ${first(rows, 'name, search, owner_id', FEW)}
        where ${whose} and (select n from ${name}) <= ${FEW} and ${few} limit $4)
      union all (select name from contact
        where ${rows} and ${whose} and (select n from ${name}) > ${FEW} and ${search} limit $4)`,
  })
  const mine = part('mine', 'organization_id = $1 and book_id = $3', 'owner_id = $2')
  const anybody = '($2::uuid is null or $3::uuid is null or true)' // a parameter has to stand somewhere
  const others = part('others', `organization_id = $1 and kind = 'profile' and listed`, anybody)
  const parts = kind === 'people' ? [mine, others] : [kind === 'book' ? mine : others]
  const counts = parts.map(({ count }) => count).join(', ')
  const names = parts.map((one) => one.names).join(' union all ')
  const teams = `union all
    select team_id || '.vcf' from membership where organization_id = $1 and user_id = $2 and left_revision is null`
  return `with ${counts} ${names} ${kind === 'people' ? teams : ''}`
}
const changed = (kind: Kind, body: Body): string => `with changed as materialized (
    select member collate "C" as member from (
      select member from journal j
      where organization_id = $1 and stream_id = $1 and revision > $6 and revision <= $7 and kind = ${CARD} and member > $4
        and $10 and (team_id is null or exists (select from membership m where m.organization_id = $1
          and m.team_id = j.team_id and m.user_id = $2 and (m.left_revision is null or m.left_revision > $6)))
      union
      select member from journal
      where organization_id = $1 and stream_id = $3 and revision > $8 and revision <= $9 and kind = ${CARD} and member > $4
    ) j order by 1 limit $5)
  select ch.member, v.* from changed ch
  left join (${shown(kind, { body, where: (name) => `${name} in (select member from changed)` })}) v on v.name = ch.member
  order by ch.member collate "C"`

/** A row of `shown`, as an array would be no faster. */
interface ShownRow {
  name: string
  etag: string
  modified_at: Date
  kind: ContactKind | 'team'
  size: number | null
  writable: boolean
  version: Version | null
  text: string | null
  bytes: Buffer | null
  members: string[] | null
}

function toView(row: ShownRow, body: Body): CardView {
  const { name, etag, modified_at: modifiedAt, kind, size, writable } = row
  const bare = { name, etag, modifiedAt, kind, writable, ...(size === null ? {} : { size }) }
  if (body === 'none') return bare
  if (kind === 'team') {
    const four = teamCard(name.slice(0, 36), row.text ?? '', row.members ?? [])
    const version = body === '4.0' ? '4.0' : '3.0'
    return { ...bare, card: { version, text: serialize(convert(four, version)) } }
  }
  const { version, text, bytes } = row
  if (!version || text === null) throw new TypeError('a card has a version and a text') // both are not null in the table
  if (body !== 'stored' && version !== body) {
    return { ...bare, card: { version: body, text: serialize(convert(parseVCard(text), body)) } }
  }
  return { ...bare, card: { version, text, ...(bytes ? { bytes } : {}) } }
}

interface StreamRow {
  n: number
  id: string
  revision: string
  stamp: string
  floor_revision: string
  floor_stamp: string
  stamp_there: string | null
}

/** Both streams of each key, in one snapshot; the journal is asked only for a revision that is not the head. */
const STREAMS = `select k.n, s.id, s.revision, s.stamp, s.floor_revision, s.floor_stamp,
    case when k.own_at is not null and s.revision <> case when s.id = k.base_id then k.base_at else k.own_at end then (
      select j.stamp from journal j where j.organization_id = s.organization_id and j.stream_id = s.id
        and j.revision = case when s.id = k.base_id then k.base_at else k.own_at end
      order by j.revision, j.member limit 1) end as stamp_there
  from ${arrays(1, 'integer', 'uuid', 'uuid', 'uuid', 'bigint', 'bigint')} as k (n, organization_id, base_id, own_id, base_at, own_at)
  join stream s on s.organization_id = k.organization_id and s.id = any (array[k.base_id, k.own_id])`

function toState(row: StreamRow | undefined): StreamState {
  if (!row) return { revision: 0n, stamp: 0n, floor: { revision: 0n, stamp: 0n } }
  return {
    revision: BigInt(row.revision),
    stamp: BigInt(row.stamp),
    floor: { revision: BigInt(row.floor_revision), stamp: BigInt(row.floor_stamp) },
    ...(row.stamp_there === null ? {} : { stampThere: BigInt(row.stamp_there) }),
  }
}

const NOBODY = '00000000-0000-0000-0000-000000000000'

interface StreamsKey {
  readonly organizationId: Id
  readonly baseId: Id
  readonly ownId: Id
  readonly at?: Heads | undefined
}
interface CardKey {
  readonly actor: Actor
  readonly collectionId: Id
  readonly name: string
}

const column = <Key, Value>(keys: readonly Key[], read: (key: Key, at: number) => Value): Value[] => keys.map(read)

/** The planner sees no patterns: the index is kept out where it would be asked again for each page. */
const NEVER = () => false

const kindOf = ({ peopleId, organizationId }: Actor, collectionId: Id): Kind =>
  collectionId === peopleId ? 'people' : collectionId === organizationId ? 'directory' : 'book'

/** A search of more patterns is rare, and each statement that is prepared stays with its connection. */
const PREPARED_PATTERNS = 2
const digest = (sql: string): string => createHash('md5').update(sql).digest('base64url')

export class SqlCollections implements Collections {
  readonly #session: Session
  readonly #streams: Batch<StreamsKey, { base: StreamState; own: StreamState }>
  readonly #cards = new Map<string, Batch<CardKey, ShownRow | undefined>>()

  constructor(session: Session) {
    this.#session = session
    this.#streams = new Batch((keys) => this.#readStreams(keys))
  }

  streams({ organizationId, peopleId }: Actor, collectionId: Id, at?: Heads) {
    const baseId = collectionId === peopleId ? organizationId : NOBODY
    return this.#streams.load({ organizationId, baseId, ownId: collectionId, at })
  }

  async #readStreams(keys: readonly StreamsKey[]) {
    const rows = await this.#session.query<StreamRow>(
      STREAMS,
      [
        column(keys, (_, at) => at),
        column(keys, ({ organizationId }) => organizationId),
        column(keys, ({ baseId }) => baseId),
        column(keys, ({ ownId }) => ownId),
        column(keys, ({ at }) => at?.base.revision ?? null),
        column(keys, ({ at }) => at?.own.revision ?? null),
      ],
      'streams',
    )
    return keys.map(({ baseId, ownId }, at) => ({
      base: toState(rows.find(({ n, id }) => n === at && id === baseId)),
      own: toState(rows.find(({ n, id }) => n === at && id === ownId)),
    }))
  }

  #card(kind: Kind, byId: boolean, body: Body): Batch<CardKey, ShownRow | undefined> {
    const name = `one.${kind}.${byId}.${body}`
    const known = this.#cards.get(name)
    if (known) return known
    const made = new Batch<CardKey, ShownRow | undefined>(async (keys) => {
      const rows = await this.#session.query<ShownRow & { n: number }>(
        one(kind, byId, body),
        [
          column(keys, (_, at) => at),
          column(keys, ({ actor }) => actor.organizationId),
          column(keys, ({ actor }) => actor.userId),
          column(keys, ({ collectionId }) => collectionId),
          column(keys, ({ name }) => name),
        ],
        name,
      )
      return keys.map((_, at) => rows.find(({ n }) => n === at))
    })
    this.#cards.set(name, made)
    return made
  }

  async named(actor: Actor, collectionId: Id, names: readonly string[], body: Body): Promise<CardView[]> {
    const kind = kindOf(actor, collectionId)
    const keys = [actor.organizationId, actor.userId, collectionId]
    const [first] = names
    if (first === undefined) return []
    if (names.length > 1) {
      const rows = await this.#session.query<ShownRow>(listed(kind, body), [...keys, names], `named.${kind}.${body}`)
      return rows.map((row) => toView(row, body))
    }
    const byId = idInName(first) !== undefined
    const row = await this.#card(kind, byId, body).load({ actor, collectionId, name: first })
    if (row || !byId || kind !== 'people') return row ? [toView(row, body)] : []
    const team = await this.#session.query<ShownRow>(
      oneTeam(body),
      [actor.organizationId, actor.userId, first],
      `one.team.${body}`,
    )
    return team.map((found) => toView(found, body))
  }

  async page(
    actor: Actor,
    collectionId: Id,
    after: string,
    limit: number,
    body: Body,
    narrowing?: Narrowing,
  ): Promise<CardView[]> {
    const kind = kindOf(actor, collectionId)
    const values: unknown[] = [actor.organizationId, actor.userId, collectionId, after, limit]
    const rows = await this.#session.query<ShownRow>(
      page(kind, body, narrowing && condition(narrowing, values, NEVER)),
      values,
      narrowing ? undefined : `page.${kind}.${body}`,
    )
    return rows.map((row) => toView(row, body))
  }

  async search(actor: Actor, collectionId: Id, narrowing: Narrowing, limit: number): Promise<string[] | undefined> {
    if (!isSelective(narrowing)) return undefined
    const kind = kindOf(actor, collectionId)
    const values: unknown[] = [actor.organizationId, actor.userId, collectionId, limit]
    const found = condition(narrowing, values, isIndexed)
    const read = condition(narrowing, values.slice(0, 4), NEVER) // the same patterns in the same order
    const name = values.length <= 4 + PREPARED_PATTERNS ? `search.${kind}.${digest(found)}` : undefined
    const rows = await this.#session.query<{ name: string }>(candidates(kind, found, read), values, name)
    return [...new Set(rows.map(({ name }) => name))]
  }

  async changed(
    actor: Actor,
    collectionId: Id,
    { since, until, after, limit }: Parameters<Collections['changed']>[2],
    body: Body,
  ): Promise<ChangedMember[]> {
    const kind = kindOf(actor, collectionId)
    const rows = await this.#session.query<ShownRow & { member: string; name: string | null }>(
      changed(kind, body),
      [
        actor.organizationId,
        actor.userId,
        collectionId,
        after,
        limit,
        since.base.revision,
        until.base.revision,
        since.own.revision,
        until.own.revision,
        kind === 'people',
      ],
      `changed.${kind}.${body}`,
    )
    return rows.map((row) => (row.name === null ? { name: row.member } : { name: row.member, view: toView(row, body) }))
  }

  async status(organizationId: Id) {
    const [row] = await this.#session.query<{ streams: string; rows: string; revision: string; floor: string }>(
      `select (select count(*) from stream where organization_id = $1) as streams,
        (select count(*) from journal where organization_id = $1) as rows,
        coalesce((select revision from stream where organization_id = $1 and id = $1), 0) as revision,
        coalesce((select floor_revision from stream where organization_id = $1 and id = $1), 0) as floor`,
      [organizationId],
    )
    if (!row) throw new TypeError('a select without from gives one row')
    return { streams: Number(row.streams), journalRows: Number(row.rows), revision: row.revision, floor: row.floor }
  }

  /**
   * Raises each floor to the last revision that is forgotten and deletes the rows, in one statement; streams are locked
   * in the order of every writer.
   */
  async prune(before: Date): Promise<number> {
    const [row] = await this.#session.query<{ pruned: string }>(
      `with old as (
          select organization_id, stream_id, max(revision) as revision from journal where at < $1 group by 1, 2),
        floors as (
          select o.organization_id, o.stream_id, o.revision, (select stamp from journal j
            where j.organization_id = o.organization_id and j.stream_id = o.stream_id and j.revision = o.revision limit 1) as stamp
          from old o join stream s on s.organization_id = o.organization_id and s.id = o.stream_id
          order by o.organization_id, o.stream_id for update of s),
        raised as (
          update stream s set floor_revision = f.revision, floor_stamp = f.stamp from floors f
          where s.organization_id = f.organization_id and s.id = f.stream_id and f.revision > s.floor_revision
          returning s.organization_id),
        gone as (
          delete from journal j using old o
          where j.organization_id = o.organization_id and j.stream_id = o.stream_id and j.revision <= o.revision
          returning 1)
        select count(*) as pruned from gone`,
      [before],
    )
    return Number(row?.pruned ?? 0)
  }
}
