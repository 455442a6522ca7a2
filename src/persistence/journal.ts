import { randomBytes } from 'node:crypto'
import type { Change, Id } from '#domain'
import { arrays, type Session } from './session.ts'

const KINDS = { card: 1, book: 2 } as const
export const CARD = KINDS.card
export const BOOK = KINDS.book

interface Recorded extends Change {
  readonly organizationId: Id
}

/** Never 0: that is the stamp of a stream that has no row yet. 63 bits. */
const stamp = (): string => String((randomBytes(8).readBigUInt64BE() >> 1n) | 1n)

const LOCK = `select 1 from stream where (organization_id, id) in (select * from ${arrays(1, 'uuid', 'uuid')})
  order by organization_id, id for update`
const CREATE = `insert into stream (organization_id, id)
  select * from unnest($1::uuid[], $2::uuid[]) order by 1, 2 on conflict do nothing`
/** RFC 6578's token is the head; docs/sync.md says why it is counted here and not by a sequence. */
const BUMP = `with bumped as (
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
    where m.organization_id = l.organization_id and m.team_id = l.team_id and m.user_id = l.user_id)
  insert into journal (organization_id, stream_id, revision, member, stamp, team_id, kind)
  select b.organization_id, b.id, b.revision, c.member, b.stamp, c.team_id, c.kind
  from ${arrays(5, 'uuid', 'uuid', 'text', 'uuid', 'smallint')} as c (organization_id, stream_id, member, team_id, kind)
  join bumped b on b.organization_id = c.organization_id and b.id = c.stream_id`

/**
 * Collects what a transaction changes and writes it last: locks the streams in order, then bumps each and inserts the
 * rows in one statement. Nothing comes between that and COMMIT, so the order of commits is the order of revisions.
 */
export class Journal {
  readonly #changes = new Map<string, Recorded>()
  readonly #streams = new Map<string, { organizationId: Id; id: Id; reset: boolean }>()
  readonly #leaving: { organizationId: Id; teamId: Id; userId: Id }[] = []

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

  #touch(organizationId: Id, id: Id, reset: boolean): void {
    const key = `${organizationId} ${id}`
    this.#streams.set(key, { organizationId, id, reset: reset || (this.#streams.get(key)?.reset ?? false) })
  }

  async write(session: Session): Promise<void> {
    const streams = [...this.#streams.values()]
    if (streams.length === 0) return
    const keys = [streams.map(({ organizationId }) => organizationId), streams.map(({ id }) => id)]
    const locked = await session.query(LOCK, keys, 'journal.lock')
    if (locked.length < streams.length) {
      await session.query(CREATE, keys)
      await session.query(LOCK, keys, 'journal.lock')
    }
    const changes = [...this.#changes.values()]
    await session.query(
      BUMP,
      [
        ...keys,
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
      ],
      'journal.bump',
    )
  }
}
