import { randomBytes } from 'node:crypto'
import type { Change, Id, Job, OutgoingEvent } from '#domain'
import { arrays, type Session } from './session.ts'

/** `told`: a revision that receivers of hooks hear of, and no address book. */
const KINDS = { card: 1, book: 2, told: 3 } as const
export const CARD = KINDS.card
export const BOOK = KINDS.book

interface Recorded extends Omit<Change, 'kind'> {
  readonly organizationId: Id
  readonly kind: keyof typeof KINDS
}

type Told = OutgoingEvent & { readonly organizationId: Id }

interface Hooked {
  readonly id: Id
  readonly hooks: readonly Id[]
}

/** Never 0: that is the stamp of a stream that has no row yet. 63 bits. */
const stamp = (): string => String((randomBytes(8).readBigUInt64BE() >> 1n) | 1n)

const LOCK = `select 1 from stream where (organization_id, id) in (select * from ${arrays(1, 'uuid', 'uuid')})
  order by organization_id, id for update`
const CREATE = `insert into stream (organization_id, id)
  select * from unnest($1::uuid[], $2::uuid[]) order by 1, 2 on conflict do nothing`
/** RFC 6578's token is the head; docs/sync.md says why it is counted here and not by a sequence. */
const bump = (also = ''): string => `with bumped as (
    update stream s set revision = s.revision + 1, stamp = t.stamp,
      floor_revision = case when t.reset then s.revision + 1 else s.floor_revision end,
      floor_stamp = case when t.reset then t.stamp else s.floor_stamp end
    from ${arrays(1, 'uuid', 'uuid', 'bigint', 'boolean')} as t (organization_id, id, stamp, reset)
    where s.organization_id = t.organization_id and s.id = t.id
    returning s.organization_id, s.id, s.revision, s.stamp),
  gone as (
    update membership m set left_revision = b.revision
    from ${arrays(10, 'uuid', 'uuid', 'uuid')} as l (organization_id, team_id, user_id)
    join bumped b on b.organization_id = l.organization_id and b.id = l.organization_id
    where m.organization_id = l.organization_id and m.team_id = l.team_id and m.user_id = l.user_id)${also}
  insert into journal (organization_id, stream_id, revision, member, stamp, team_id, kind)
  select b.organization_id, b.id, b.revision, c.member, b.stamp, c.team_id, c.kind
  from ${arrays(5, 'uuid', 'uuid', 'text', 'uuid', 'smallint')} as c (organization_id, stream_id, member, team_id, kind)
  join bumped b on b.organization_id = c.organization_id and b.id = c.stream_id`
const BUMP = bump()
const BUMP_AND_TELL = bump(`,
  told as (
    insert into outgoing_event (organization_id, revision, ordinal, team_id, kind, payload)
    select b.organization_id, b.revision, e.ordinal, e.team_id, e.kind, jsonb_strip_nulls(jsonb_build_object(
      'role', e.role,
      'team', case when t.id is not null then jsonb_build_object('id', t.id, 'name', t.name, 'externalId', t.external_id) end,
      'user', case when u.id is null then e.was else jsonb_build_object('id', u.id, 'userName', u.user_name,
        'externalId', u.external_id, 'email', u.email, 'isActive', u.is_active) end))
    from ${arrays(13, 'uuid', 'text', 'uuid', 'uuid', 'text', 'jsonb')} with ordinality
      as e (organization_id, kind, team_id, user_id, role, was, ordinal)
    join bumped b on b.organization_id = e.organization_id and b.id = e.organization_id
    left join team t on t.organization_id = e.organization_id and t.id = e.team_id
    left join "user" u on u.organization_id = e.organization_id and u.id = e.user_id)`)
/** Organizations that have hooks, and those to deliver; one that is stopped has its own when it goes on. */
const HOOKED = `select id, array(select h.id from outgoing_hook h where h.organization_id = o.id
    and h.condition = 'running' and (h.team_id is null or h.team_id = any($2))) as hooks
  from unnest($1::uuid[]) as o (id) where exists (select from outgoing_hook h where h.organization_id = o.id)`

/**
 * Collects what a transaction changes and writes it last: locks the streams in order, then bumps each and inserts the
 * rows in one statement. Nothing comes between that and COMMIT, so the order of commits is the order of revisions. Jobs
 * that deliver what is told are written between the two: one that waited already can be taken up only after COMMIT.
 */
export class Journal {
  readonly #changes = new Map<string, Recorded>()
  readonly #streams = new Map<string, { organizationId: Id; id: Id; reset: boolean }>()
  readonly #leaving: { organizationId: Id; teamId: Id; userId: Id }[] = []
  /** In the order they happened. */
  readonly #told: Told[] = []
  /** What was told last of each member, user or team: said again it has happened once. */
  readonly #lastTold = new Map<string, string>()

  record(organizationId: Id, change: Change): void {
    const key = `${organizationId} ${change.streamId} ${change.member}`
    const before = this.#changes.get(key)
    const { teamId, ...untagged } = change
    const everybody = before !== undefined && before.teamId !== teamId // several teams, or one and everybody: no tag
    this.#changes.set(key, { ...(everybody || !teamId ? untagged : change), organizationId })
    this.#touch(organizationId, change.streamId, false)
  }

  reset(organizationId: Id, streamId: Id): void {
    this.#touch(organizationId, streamId, true)
  }

  leave(organizationId: Id, teamId: Id, userId: Id): void {
    this.#leaving.push({ organizationId, teamId, userId })
    this.#touch(organizationId, organizationId, false)
  }

  tell(organizationId: Id, event: OutgoingEvent): void {
    const of = ['teamId' in event ? event.teamId : '', 'userId' in event ? event.userId : '']
    const key = [organizationId, ...of].join(' ')
    const what = 'role' in event ? `${event.kind} ${event.role}` : event.kind
    if (this.#lastTold.get(key) === what) return
    this.#lastTold.set(key, what)
    this.#told.push({ ...event, organizationId })
  }

  #touch(organizationId: Id, id: Id, reset: boolean): void {
    const key = `${organizationId} ${id}`
    this.#streams.set(key, { organizationId, id, reset: reset || (this.#streams.get(key)?.reset ?? false) })
  }

  async write(session: Session, enqueue: (jobs: readonly Job[]) => Promise<void>): Promise<void> {
    const telling = [...new Set(this.#told.map(({ organizationId }) => organizationId))]
    await this.#lock(session, telling)
    // asked under the lock: whoever makes a hook takes it too, so none is made between this and COMMIT
    const rows =
      telling.length === 0 ? [] : await session.query<Hooked>(HOOKED, [telling, this.#teams()], 'journal.hooked')
    const hooked = new Set(rows.map(({ id }) => id))
    await enqueue(
      rows.flatMap(({ id: organizationId, hooks }) =>
        hooks.map((hookId) => ({ kind: 'hook-delivery', organizationId, hookId }) as const),
      ),
    )
    for (const organizationId of hooked) this.#mark(organizationId)
    const streams = [...this.#streams.values()]
    if (streams.length === 0) return
    const changes = [...this.#changes.values()]
    const told = this.#told.filter(({ organizationId }) => hooked.has(organizationId))
    const values = [
      streams.map(({ organizationId }) => organizationId),
      streams.map(({ id }) => id),
      streams.map(stamp),
      streams.map(({ reset }) => reset),
      changes.map(({ organizationId }) => organizationId),
      changes.map(({ streamId }) => streamId),
      changes.map(({ member }) => member),
      changes.map(({ teamId }) => teamId ?? null),
      changes.map(({ kind }) => KINDS[kind]),
      this.#leaving.map(({ organizationId }) => organizationId),
      this.#leaving.map(({ teamId }) => teamId),
      this.#leaving.map(({ userId }) => userId),
    ]
    if (told.length === 0) await session.query(BUMP, values, 'journal.bump')
    else await session.query(BUMP_AND_TELL, [...values, ...columnsOf(told)], 'journal.bump-and-tell')
  }

  /** In order, those too that are bumped only if somebody is to be told. */
  async #lock(session: Session, telling: readonly Id[]): Promise<void> {
    const streams = new Map(this.#streams)
    for (const id of telling) streams.set(`${id} ${id}`, { organizationId: id, id, reset: false })
    if (streams.size === 0) return
    const all = [...streams.values()]
    const keys = [all.map(({ organizationId }) => organizationId), all.map(({ id }) => id)]
    const locked = await session.query(LOCK, keys, 'journal.lock')
    if (locked.length === streams.size) return
    await session.query(CREATE, keys)
    await session.query(LOCK, keys, 'journal.lock')
  }

  #teams(): Id[] {
    return [...new Set(this.#told.flatMap((event) => ('teamId' in event ? event.teamId : [])))]
  }

  /** Each revision has a row that keeps its stamp; this one is no address book's. */
  #mark(organizationId: Id): void {
    if (this.#streams.has(`${organizationId} ${organizationId}`)) return
    this.#touch(organizationId, organizationId, false)
    const key = `${organizationId} ${organizationId} `
    this.#changes.set(key, { organizationId, streamId: organizationId, member: '', kind: 'told' })
  }
}

const columnsOf = (told: readonly Told[]): unknown[][] => [
  told.map(({ organizationId }) => organizationId),
  told.map(({ kind }) => kind),
  told.map((event) => ('teamId' in event ? event.teamId : null)),
  told.map((event) => ('userId' in event ? event.userId : null)),
  told.map((event) => ('role' in event ? event.role : null)),
  told.map((event) => ('was' in event && event.was ? JSON.stringify(event.was) : null)),
]
