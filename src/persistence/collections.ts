import { createHash } from 'node:crypto'
import {
  type Actor,
  type Body,
  type CardTag,
  type CardView,
  type ChangedMember,
  type Collection,
  type Collections,
  type ContactKind,
  collectionId,
  directoryOf,
  type Heads,
  type Id,
  idInName,
  type Narrowing,
  type Shown,
  type StreamState,
  type TeamDescription,
  teamCard,
} from '#domain'
import { convert, parseVCard, serialize, type Version } from '#vcard'
import { Batch } from './batch.ts'
import { condition, isIndexed, isSelective } from './narrowing.ts'
import { arrays, type Session } from './session.ts'
import { candidates, changed, type Kind, listed, listedOfEach, one, oneTeam, page, SEPARATOR } from './shown-cards.ts'

/** A row of `shown`, as an array would be no faster: all but name and ETag as far as they are asked for. */
interface ShownRow {
  name: string
  etag: string
  modified_ms: number
  kind: ContactKind | 'team'
  size: number | null
  writable: boolean
  /** None of a team. */
  version: Version | null
  text: string | null
  bytes: Buffer | null
  members: string[] | null
}

function toView<Of extends Body>(row: ShownRow, body: Of): Shown<Of>
function toView(row: ShownRow, body: Body): CardTag | CardView {
  const { name, etag, kind, writable } = row
  if (body === 'etag') return { name, etag }
  const size = row.size ?? undefined
  if (body === 'etag 3.0') return { name, etag, size, card: toCard(row, '3.0') }
  if (body === 'etag 4.0') return { name, etag, size, card: toCard(row, '4.0') }
  const view = { name, etag, modifiedAt: new Date(row.modified_ms), kind, writable, size }
  return body === 'none' ? view : { ...view, card: toCard(row, body) }
}

function toCard(
  { name, version, text, bytes, members }: ShownRow,
  body: 'stored' | Version,
): NonNullable<CardView['card']> {
  if (!version) {
    const said = JSON.parse(text ?? '') as TeamDescription // as `teams` writes it
    const four = teamCard(name.slice(0, 36), said, members ?? [])
    const wanted = body === '4.0' ? '4.0' : '3.0'
    return { version: wanted, text: serialize(convert(four, wanted)) }
  }
  if (text === null) throw new TypeError('a card has a text') // not null in the table
  if (body !== 'stored' && version !== body) return { version: body, text: serialize(convert(parseVCard(text), body)) }
  return bytes ? { version, text, bytes } : { version, text }
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

/**
 * Both streams of each key, in one snapshot; the journal is asked only for a revision that is not the head. The base of a
 * shared directory is under its publisher.
 */
const streams = (shared: boolean): string => `select k.n, s.id, s.revision, s.stamp, s.floor_revision, s.floor_stamp,
    case when k.own_at is not null and s.revision <> case when s.id = k.base_id then k.base_at else k.own_at end then (
      select j.stamp from journal j where j.organization_id = s.organization_id and j.stream_id = s.id
        and j.revision = case when s.id = k.base_id then k.base_at else k.own_at end
      order by j.revision, j.member limit 1) end as stamp_there
  from ${arrays(1, 'integer', 'uuid', 'uuid', 'uuid', 'bigint', 'bigint', ...(shared ? ['uuid'] : []))}
    as k (n, organization_id, base_id, own_id, base_at, own_at${shared ? ', publisher_id' : ''})
  ${
    shared
      ? `cross join lateral (select * from stream where organization_id = k.organization_id and id = k.own_id
          union all select * from stream where organization_id = k.publisher_id and id = k.base_id) s`
      : 'join stream s on s.organization_id = k.organization_id and s.id = any (array[k.base_id, k.own_id])'
  }`

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
  readonly publisherId: Id
  readonly baseId: Id
  readonly ownId: Id
  readonly at?: Heads | undefined
}
interface CardKey {
  readonly actor: Actor
  readonly collection: Collection
  readonly name: string
}
interface CardsKey {
  readonly actor: Actor
  readonly collection: Collection
  readonly names: readonly string[]
}

/** Of so many cards the reads of several people share a statement: starting one costs as much as reading twenty. */
const SHARED = 100
/** Two at once: one is read from the database while another is written to the clients. */
const LISTS = { weight: ({ names }: CardsKey): number => names.length, most: 300, atOnce: 2 }

const column = <Key, Value>(keys: readonly Key[], read: (key: Key, at: number) => Value): Value[] => keys.map(read)

/** The planner sees no patterns: the index is kept out where it would be asked again for each page. */
const NEVER = () => false

function kindOf({ peopleId, organizationId }: Actor, collection: Collection): Kind {
  if (typeof collection !== 'string') return 'shared'
  return collection === peopleId ? 'people' : collection === organizationId ? 'directory' : 'book'
}

/** What a statement about a shared directory has besides: where that is. */
function baseValues(collection: Collection): Id[] {
  const directory = directoryOf(collection)
  return directory ? [directory.organizationId, directory.id] : []
}
const keysOf = ({ organizationId, userId }: Actor, collection: Collection): Id[] => [
  organizationId,
  userId,
  collectionId(collection),
]

type Key = Pick<CardKey, 'actor' | 'collection'>
const columnsOf = (keys: readonly Key[]): Id[][] => [
  column(keys, ({ actor }) => actor.organizationId),
  column(keys, ({ actor }) => actor.userId),
  column(keys, ({ collection }) => collectionId(collection)),
]
const baseColumns = (kind: Kind, keys: readonly Key[]): (Id | undefined)[][] =>
  kind === 'shared'
    ? [
        column(keys, ({ collection }) => directoryOf(collection)?.organizationId),
        column(keys, ({ collection }) => directoryOf(collection)?.id),
      ]
    : []

/** A search of more patterns is rare, and each statement that is prepared stays with its connection. */
const PREPARED_PATTERNS = 2
const digest = (sql: string): string => createHash('md5').update(sql).digest('base64url')

export class SqlCollections implements Collections {
  readonly #session: Session
  readonly #streams: Batch<StreamsKey, { base: StreamState; own: StreamState }>
  readonly #sharedStreams: Batch<StreamsKey, { base: StreamState; own: StreamState }>
  readonly #cards = new Map<string, Batch<CardKey, ShownRow | undefined>>()
  readonly #lists = new Map<string, Batch<CardsKey, ShownRow[]>>()

  constructor(session: Session) {
    this.#session = session
    this.#streams = new Batch((keys) => this.#readStreams(keys, false))
    this.#sharedStreams = new Batch((keys) => this.#readStreams(keys, true))
  }

  streams({ organizationId, peopleId, userId }: Actor, collection: Collection, at?: Heads) {
    const directory = directoryOf(collection)
    const ownId = collectionId(collection)
    if (directory) {
      const base = { publisherId: directory.organizationId, baseId: directory.id }
      return this.#sharedStreams.load({ organizationId, ...base, ownId, at })
    }
    // Books that come and go for everybody are told in the organization's stream: the base of homes too.
    const baseId = ownId === peopleId || ownId === userId ? organizationId : NOBODY
    return this.#streams.load({ organizationId, publisherId: organizationId, baseId, ownId, at })
  }

  async #readStreams(keys: readonly StreamsKey[], shared: boolean) {
    const rows = await this.#session.query<StreamRow>(
      streams(shared),
      [
        column(keys, (_, at) => at),
        column(keys, ({ organizationId }) => organizationId),
        column(keys, ({ baseId }) => baseId),
        column(keys, ({ ownId }) => ownId),
        column(keys, ({ at }) => at?.base.revision ?? null),
        column(keys, ({ at }) => at?.own.revision ?? null),
        ...(shared ? [column(keys, ({ publisherId }) => publisherId)] : []),
      ],
      shared ? 'streams.shared' : 'streams',
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
        [column(keys, (_, at) => at), ...columnsOf(keys), column(keys, ({ name }) => name), ...baseColumns(kind, keys)],
        name,
      )
      return keys.map((_, at) => rows.find(({ n }) => n === at))
    })
    this.#cards.set(name, made)
    return made
  }

  #list(kind: Kind, body: Body): Batch<CardsKey, ShownRow[]> {
    const name = `shared.${kind}.${body}`
    const known = this.#lists.get(name)
    if (known) return known
    const made = new Batch<CardsKey, ShownRow[]>(async (keys) => {
      const found = keys.map((): ShownRow[] => [])
      const rows = await this.#session.query<ShownRow & { n: number }>(
        listedOfEach(kind, body),
        [
          column(keys, (_, at) => at),
          ...columnsOf(keys),
          column(keys, ({ names }) => names.join(SEPARATOR)),
          ...baseColumns(kind, keys),
        ],
        name,
      )
      for (const row of rows) found[row.n]?.push(row)
      return found
    }, LISTS)
    this.#lists.set(name, made)
    return made
  }

  async named<Of extends Body>(
    actor: Actor,
    collection: Collection,
    names: readonly string[],
    body: Of,
  ): Promise<Shown<Of>[]> {
    const kind = kindOf(actor, collection)
    const [first] = names
    if (first === undefined) return []
    if (names.length > 1 && names.length <= SHARED) {
      const rows = await this.#list(kind, body).load({ actor, collection, names })
      return rows.map((row) => toView(row, body))
    }
    if (names.length > SHARED) {
      const rows = await this.#session.query<ShownRow>(
        listed(kind, body),
        [...keysOf(actor, collection), names, ...baseValues(collection)],
        `named.${kind}.${body}`,
      )
      return rows.map((row) => toView(row, body))
    }
    const byId = idInName(first) !== undefined
    const row = await this.#card(kind, byId, body).load({ actor, collection, name: first })
    if (row || !byId || kind !== 'people') return row ? [toView(row, body)] : []
    const team = await this.#session.query<ShownRow>(
      oneTeam(body),
      [actor.organizationId, actor.userId, first],
      `one.team.${body}`,
    )
    return team.map((found) => toView(found, body))
  }

  async page<Of extends Body>(
    actor: Actor,
    collection: Collection,
    after: string,
    limit: number,
    body: Of,
    narrowing?: Narrowing,
  ): Promise<Shown<Of>[]> {
    const kind = kindOf(actor, collection)
    const values: unknown[] = [...keysOf(actor, collection), after, limit, ...baseValues(collection)]
    const rows = await this.#session.query<ShownRow>(
      page(kind, body, narrowing && condition(narrowing, values, NEVER)),
      values,
      narrowing ? undefined : `page.${kind}.${body}`,
    )
    return rows.map((row) => toView(row, body))
  }

  async search(
    actor: Actor,
    collection: Collection,
    narrowing: Narrowing,
    limit: number,
  ): Promise<string[] | undefined> {
    if (!isSelective(narrowing)) return undefined
    const kind = kindOf(actor, collection)
    const values: unknown[] = [...keysOf(actor, collection), limit, ...baseValues(collection)]
    const fixed = values.length
    const found = condition(narrowing, values, isIndexed)
    const read = condition(narrowing, values.slice(0, fixed), NEVER) // the same patterns in the same order
    const name = values.length <= fixed + PREPARED_PATTERNS ? `search.${kind}.${digest(found)}` : undefined
    const rows = await this.#session.query<{ name: string }>(candidates(kind, found, read), values, name)
    return [...new Set(rows.map(({ name }) => name))]
  }

  async changed<Of extends Body>(
    actor: Actor,
    collection: Collection,
    { since, until, after, limit }: Parameters<Collections['changed']>[2],
    body: Of,
  ): Promise<ChangedMember<Shown<Of>>[]> {
    const kind = kindOf(actor, collection)
    const rows = await this.#session.query<ShownRow & { member: string; name: string | null }>(
      changed(kind, body),
      [
        ...keysOf(actor, collection),
        after,
        limit,
        since.base.revision,
        until.base.revision,
        since.own.revision,
        until.own.revision,
        ...(kind === 'shared' ? baseValues(collection) : [kind === 'people']),
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
