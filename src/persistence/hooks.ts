import { type Hook, type Hooks, type HookWords, type Id, MOST_BEHIND, type OwnHook } from '#domain'
import { HookDelivery } from './hook-delivery.ts'

interface HookColumns {
  organization_id: string
  id: string
  team_id: string | null
  name: string
  url: string
  format: Hook['format']
  condition: 'running' | 'stopped' | 'needs-resync'
  reason: string | null
  attempts: number
  resyncing: boolean
  next_attempt_at: Date | null
  last_success_at: Date | null
  last_attempt_at: Date | null
  last_status: number | null
  last_error: string | null
  behind: string
  revision: number
  created_at: Date
}

const BEHIND = `(select count(*) from (select from outgoing_event e
    where e.organization_id = h.organization_id and (h.team_id is null or e.team_id = h.team_id)
      and (e.revision, e.ordinal) > (h.cursor_revision, h.cursor_ordinal) limit ${MOST_BEHIND}) waiting)`
const SELECT = `select h.organization_id, h.id, h.team_id, h.name, h.url, h.format, h.condition, h.reason, h.attempts,
    h.resync is not null as resyncing, h.next_attempt_at, h.last_success_at, h.last_attempt_at, h.last_status, h.last_error,
    ${BEHIND} as behind, h.revision, h.created_at
  from outgoing_hook h where h.organization_id = $1 and h.team_id is not distinct from $2`

function stateOf({ condition, resyncing, attempts }: HookColumns): Hook['state'] {
  if (condition === 'stopped') return 'stopped'
  if (resyncing) return 'resyncing'
  if (condition === 'needs-resync') return 'needs-resync'
  return attempts > 0 ? 'retrying' : 'active'
}

const toHook = (row: HookColumns): Hook => ({
  id: row.id,
  organizationId: row.organization_id,
  ...(row.team_id === null ? {} : { teamId: row.team_id }),
  name: row.name,
  url: row.url,
  format: row.format,
  state: stateOf(row),
  ...(row.reason === null ? {} : { reason: row.reason }),
  behind: Number(row.behind),
  ...(row.last_success_at === null ? {} : { lastSuccessAt: row.last_success_at }),
  ...(row.last_attempt_at === null
    ? {}
    : {
        lastAttempt: {
          at: row.last_attempt_at,
          ...(row.last_status === null ? {} : { status: row.last_status }),
          ...(row.last_error === null ? {} : { error: row.last_error }),
        },
      }),
  ...(row.next_attempt_at === null ? {} : { nextAttemptAt: row.next_attempt_at }),
  revision: row.revision,
  createdAt: row.created_at,
})

/** Places of a revision end before this one. */
const END = 2_147_483_647
type Key = Pick<Hook, 'organizationId' | 'id'>

/** What administrators do with hooks; how they are delivered is in hook-delivery.ts. */
export class SqlHooks extends HookDelivery implements Hooks {
  async list(organizationId: Id, teamId: Id | undefined, after: Id | undefined, limit: number): Promise<Hook[]> {
    const rows = await this.session.query<HookColumns>(
      `${SELECT} and ($3::uuid is null or (h.created_at, h.id) > (
         select a.created_at, a.id from outgoing_hook a where a.organization_id = $1 and a.id = $3))
       order by h.created_at, h.id limit $4`,
      [organizationId, teamId ?? null, after ?? null, limit],
    )
    return rows.map(toHook)
  }

  find = (organizationId: Id, teamId: Id | undefined, id: Id): Promise<Hook | undefined> =>
    this.#one(organizationId, teamId, id, '')
  lock = (organizationId: Id, teamId: Id | undefined, id: Id): Promise<Hook | undefined> =>
    this.#one(organizationId, teamId, id, 'for no key update of h')

  async #one(organizationId: Id, teamId: Id | undefined, id: Id, lock: string): Promise<Hook | undefined> {
    const values = [organizationId, teamId ?? null, id]
    const [row] = await this.session.query<HookColumns>(`${SELECT} and h.id = $3 ${lock}`, values)
    return row && toHook(row)
  }

  /** Under the stream's lock: whoever writes events asks under it whether there is a hook (journal.ts). */
  async insert({ organizationId, id, teamId, name, url, format }: OwnHook, secret: string): Promise<void> {
    await this.session.query('insert into stream (organization_id, id) values ($1, $1) on conflict do nothing', [
      organizationId,
    ])
    const [head] = await this.session.query<{ revision: string }>(
      'select revision from stream where organization_id = $1 and id = $1 for update',
      [organizationId],
    )
    await this.session.query(
      `insert into outgoing_hook (organization_id, id, team_id, name, url, format, secret, cursor_revision, cursor_ordinal, condition)
       values ($1, $2, $3, $4, $5, $6, $7, $8, ${END}, 'running')`,
      [organizationId, id, teamId ?? null, name, url, format, secret, head?.revision ?? '0'],
    )
  }

  async update({ organizationId, id }: Key, { name, url }: HookWords): Promise<void> {
    await this.session.query(
      `update outgoing_hook set name = $3, url = $4, revision = revision + 1, attempts = 0, next_attempt_at = null
       where organization_id = $1 and id = $2`,
      [organizationId, id, name, url],
    )
  }

  async replaceSecret({ organizationId, id }: Key, secret: string, previousUntil?: Date): Promise<void> {
    await this.session.query(
      `update outgoing_hook set previous_secret = case when $4::timestamptz is not null then secret end, previous_until = $4,
         secret = $3, revision = revision + 1
       where organization_id = $1 and id = $2`,
      [organizationId, id, secret, previousUntil ?? null],
    )
  }

  async resume({ organizationId, id }: Key): Promise<void> {
    await this.session.query(
      `update outgoing_hook set condition = case condition when 'stopped' then 'running' else condition end,
         reason = case condition when 'stopped' then null else reason end, attempts = 0, next_attempt_at = null
       where organization_id = $1 and id = $2`,
      [organizationId, id],
    )
  }

  async startResync({ organizationId, id }: Key, resyncId: Id): Promise<void> {
    await this.session.query(
      `update outgoing_hook h set condition = 'running', reason = null, attempts = 0, next_attempt_at = null, resync = jsonb_build_object('id', $3::text, 'phase', 'started', 'step', 0, 'revision',
           coalesce((select s.revision from stream s where s.organization_id = $1 and s.id = $1), 0)::text)
       where organization_id = $1 and id = $2`,
      [organizationId, id, resyncId],
    )
  }

  async delete({ organizationId, id }: Key): Promise<void> {
    await this.session.query('delete from outgoing_hook where organization_id = $1 and id = $2', [organizationId, id])
  }

  async deleteAll(organizationId: Id, teamId: Id): Promise<void> {
    const values = [organizationId, teamId]
    await this.session.query('delete from outgoing_hook where organization_id = $1 and team_id = $2', values)
  }
}
