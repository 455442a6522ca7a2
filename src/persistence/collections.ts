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
  type TeamDescription,
  teamCard,
} from '#domain'
import { convert, parseVCard, serialize, type Version } from '#vcard'
import { Batch } from './batch.ts'
import { condition, isIndexed, isSelective } from './narrowing.ts'
import { arrays, type Session } from './session.ts'
import { candidates, changed, type Kind, listed, one, oneTeam, page } from './shown-cards.ts'

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
    const said = JSON.parse(row.text ?? '') as TeamDescription // as `teams` writes it
    const four = teamCard(name.slice(0, 36), said, row.members ?? [])
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
