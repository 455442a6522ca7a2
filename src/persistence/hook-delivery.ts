import type {
  ClaimedHook,
  Hook,
  Id,
  LoggedEvent,
  OutgoingKind,
  Progress,
  Reference,
  Resync,
  Role,
  ToldTeam,
  ToldUser,
} from '#domain'
import { arrays, type Session } from './session.ts'

type Key = Pick<Hook, 'organizationId' | 'id'>

interface ClaimedRow {
  team_id: string | null
  url: string
  format: Hook['format']
  secrets: string[]
  attempts: number
  resync: Resync | null
  cursor_revision: string
  cursor_ordinal: number
}

interface EventRow {
  revision: string
  ordinal: number
  kind: OutgoingKind
  at: Date
  payload: { readonly team?: ToldTeam; readonly user?: ToldUser; readonly role?: Role }
}

/** It has something to send. */
const BEHIND = `h.condition = 'running' and (h.resync is not null or exists (select from outgoing_event e
    where e.organization_id = h.organization_id and (h.team_id is null or e.team_id = h.team_id)
      and (e.revision, e.ordinal) > (h.cursor_revision, h.cursor_ordinal)))
  and exists (select from organization o where o.id = h.organization_id and o.is_active)`
/** By now ($1), and nobody is at it. */
const DUE = `(h.next_attempt_at is null or h.next_attempt_at <= $1) and (h.leased_until is null or h.leased_until <= $1) and ${BEHIND}`
const TOLD_USER = `u.id, u.user_name as "userName", u.external_id as "externalId", u.email, u.is_active as "isActive"`

const CLAIMED = `h.team_id, h.url, h.format, h.attempts, h.resync, h.cursor_revision, h.cursor_ordinal,
  array[h.secret] || case when h.previous_until > $1 then array[h.previous_secret] else '{}' end as secrets`

function toClaimed({ organizationId, id }: Key, row: ClaimedRow): Omit<ClaimedHook, 'lease'> {
  const { team_id: teamId, url, format, secrets, attempts, resync } = row
  const place = { revision: BigInt(row.cursor_revision), ordinal: row.cursor_ordinal }
  const own = { organizationId, id, url, format, secrets, attempts, ...place }
  return { ...own, ...(teamId === null ? {} : { teamId }), ...(resync === null ? {} : { resync }) }
}

/** Without what is null: absent, as the domain has it. */
const present = <Result extends object>(row: Result): Result =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as Result // what is optional is left out

/** The log of events, how far each hook is, and what there is to send to one that starts anew. */
export class HookDelivery {
  protected readonly session: Session
  constructor(session: Session) {
    this.session = session
  }

  due = (now: Date, limit: number): Promise<Key[]> =>
    this.session.query(
      `select h.organization_id as "organizationId", h.id from outgoing_hook h where ${DUE}
       order by h.next_attempt_at nulls first, h.id limit $2`,
      [now, limit],
    )

  async claim(hook: Key, lease: Id, now: Date, until: Date): Promise<ClaimedHook | undefined> {
    const [row] = await this.session.query<ClaimedRow>(
      `update outgoing_hook h set lease = $4, leased_until = $5 where h.organization_id = $2 and h.id = $3 and ${DUE}
       returning ${CLAIMED}`,
      [now, hook.organizationId, hook.id, lease, until],
    )
    return row && { ...toClaimed(hook, row), lease }
  }

  async dueAt({ organizationId, id }: Key): Promise<Date | undefined> {
    const [row] = await this.session.query<{ at: Date }>(
      `select greatest(h.next_attempt_at, h.leased_until, 'epoch') as at from outgoing_hook h
       where h.organization_id = $1 and h.id = $2 and ${BEHIND} for no key update of h`,
      [organizationId, id],
    )
    return row?.at
  }

  async peek(hook: Key): Promise<Omit<ClaimedHook, 'lease'> | undefined> {
    const [row] = await this.session.query<ClaimedRow>(
      `select ${CLAIMED} from outgoing_hook h where h.organization_id = $2 and h.id = $3`,
      [new Date(), hook.organizationId, hook.id],
    )
    return row && toClaimed(hook, row)
  }

  async record(
    { organizationId, id, lease, resync: known }: ClaimedHook,
    progress: Progress,
    until: Date,
  ): Promise<boolean> {
    const { attempt, attempts, nextAttemptAt, condition, reason, place, resync } = progress
    const rows = await this.session.query(
      `update outgoing_hook set leased_until = $4, last_attempt_at = $5, last_status = $6, last_error = $7,
         last_success_at = case when $7::text is null then $5 else last_success_at end, attempts = $8, next_attempt_at = $9,
         condition = case condition when 'running' then $10 else condition end,
         reason = case condition when 'running' then $11 else reason end,
         cursor_revision = coalesce($12, cursor_revision), cursor_ordinal = coalesce($13, cursor_ordinal),
         resync = case when $14 then $15::jsonb else resync end
       where organization_id = $1 and id = $2 and lease = $3 and resync ->> 'id' is not distinct from $16 returning 1`,
      [
        ...[organizationId, id, lease, until],
        ...[attempt.at, attempt.status ?? null, attempt.error ?? null],
        ...[attempts, nextAttemptAt ?? null, condition, reason ?? null],
        ...[place ? String(place.revision) : null, place?.ordinal ?? null],
        ...[resync !== undefined, resync ? JSON.stringify(resync) : null, known?.id ?? null],
      ],
    )
    return rows.length > 0
  }

  async release({ organizationId, id, lease }: ClaimedHook): Promise<void> {
    await this.session.query(
      'update outgoing_hook set lease = null, leased_until = null where organization_id = $1 and id = $2 and lease = $3',
      [organizationId, id, lease],
    )
  }

  async events(hook: Omit<ClaimedHook, 'lease'>, limit: number): Promise<LoggedEvent[]> {
    const rows = await this.session.query<EventRow>(
      `select revision, ordinal, kind, at, payload from outgoing_event
       where organization_id = $1 and (revision, ordinal) > ($2, $3) ${hook.teamId === undefined ? '' : 'and team_id = $5'}
       order by revision, ordinal limit $4`,
      [
        hook.organizationId,
        String(hook.revision),
        hook.ordinal,
        limit,
        ...(hook.teamId === undefined ? [] : [hook.teamId]),
      ],
    )
    return rows.map(({ revision, payload, ...row }) => ({ ...row, ...payload, revision: BigInt(revision) }))
  }

  async teams(organizationId: Id, teamId: Id | undefined, after: Id | undefined, limit: number): Promise<ToldTeam[]> {
    const rows = await this.session.query<ToldTeam>(
      `select id, name, external_id as "externalId" from team
       where organization_id = $1 and ($2::uuid is null or id = $2) and ($3::uuid is null or id > $3) and deleted_at is null
       order by id limit $4`,
      [organizationId, teamId ?? null, after ?? null, limit],
    )
    return rows.map(present)
  }

  async members(
    organizationId: Id,
    teamId: Id,
    after: Id | undefined,
    limit: number,
  ): Promise<(ToldUser & { role: string })[]> {
    const rows = await this.session.query<ToldUser & { role: string }>(
      `select ${TOLD_USER}, m.role from membership m join "user" u on u.organization_id = $1 and u.id = m.user_id
       where m.organization_id = $1 and m.team_id = $2 and m.left_revision is null and ($3::uuid is null or m.user_id > $3)
       order by m.user_id limit $4`,
      [organizationId, teamId, after ?? null, limit],
    )
    return rows.map(present)
  }

  async users(organizationId: Id, after: Id | undefined, limit: number): Promise<ToldUser[]> {
    const rows = await this.session.query<ToldUser>(
      `select ${TOLD_USER} from "user" u where u.organization_id = $1 and ($2::uuid is null or u.id > $2) order by u.id limit $3`,
      [organizationId, after ?? null, limit],
    )
    return rows.map(present)
  }

  references = ({ organizationId, id }: Key, kind: Reference['kind'], localIds: readonly Id[]): Promise<Reference[]> =>
    this.session.query(
      `select kind, local_id as "localId", remote_id as "remoteId", made from outgoing_hook_reference
       where organization_id = $1 and hook_id = $2 and kind = $3 and local_id = any($4)`,
      [organizationId, id, kind, localIds],
    )

  orphans = ({ organizationId, id }: Key, kind: Reference['kind'], limit: number): Promise<Reference[]> =>
    this.session.query(
      `select kind, local_id as "localId", remote_id as "remoteId", made from outgoing_hook_reference r
       where organization_id = $1 and hook_id = $2 and kind = $3 and not exists (
         ${
           kind === 'team'
             ? 'select from team t where t.organization_id = $1 and t.id = r.local_id and t.deleted_at is null'
             : 'select from "user" u where u.organization_id = $1 and u.id = r.local_id'
         }) order by local_id limit $4`,
      [organizationId, id, kind, limit],
    )

  async refer({ organizationId, id }: Key, references: readonly Reference[]): Promise<void> {
    await this.session.query(
      `insert into outgoing_hook_reference (organization_id, hook_id, kind, local_id, remote_id, made)
       select h.organization_id, h.id, r.kind, r.local_id, r.remote_id, r.made
       from ${arrays(3, 'text', 'uuid', 'text', 'boolean')} as r (kind, local_id, remote_id, made)
       join outgoing_hook h on h.organization_id = $1 and h.id = $2
       on conflict (organization_id, hook_id, kind, local_id)
       do update set remote_id = excluded.remote_id, made = excluded.made`,
      [
        organizationId,
        id,
        references.map(({ kind }) => kind),
        references.map(({ localId }) => localId),
        references.map(({ remoteId }) => remoteId),
        references.map(({ made }) => made),
      ],
    )
  }

  async forget({ organizationId, id }: Key, kind: Reference['kind'], localId: Id): Promise<void> {
    await this.session.query(
      'delete from outgoing_hook_reference where organization_id = $1 and hook_id = $2 and kind = $3 and local_id = $4',
      [organizationId, id, kind, localId],
    )
  }

  async forgetAll({ organizationId, id }: Key): Promise<void> {
    const keys = [organizationId, id]
    await this.session.query('delete from outgoing_hook_reference where organization_id = $1 and hook_id = $2', keys)
  }

  /** In one statement: its parts see the log as it was before. */
  async prune(before: Date): Promise<void> {
    await this.session.query(
      `with behind as (
         update outgoing_hook h set condition = 'needs-resync', reason = 'Events that it has not heard of are forgotten',
           lease = null, leased_until = null
         where exists (select from outgoing_event e where e.organization_id = h.organization_id
           and (h.team_id is null or e.team_id = h.team_id) and e.at < $1
           and (e.revision, e.ordinal) > (h.cursor_revision, h.cursor_ordinal)
           and (h.resync is null or e.revision > (h.resync ->> 'revision')::bigint)))
       delete from outgoing_event where at < $1`,
      [before],
    )
  }
}
