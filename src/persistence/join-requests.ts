import type { Actor, Id, JoinRequests, OpenTeam, RequestPosition, RequestRow, TeamPosition } from '#domain'
import { atMicros, micros, NAME_LINE, NO_ID, type Nullable, present } from './people-sql.ts'
import type { Session } from './session.ts'

export class SqlJoinRequests implements JoinRequests {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  open({ organizationId, userId }: Actor, after: TeamPosition | undefined, limit: number): Promise<OpenTeam[]> {
    return this.#session.query(
      `select t.id, t.name, t.description, t.member_count as "memberCount", r.created_at as "askedAt"
       from team t
       join "user" u on u.organization_id = t.organization_id and u.id = $2 and u.is_active
       left join join_request r on r.organization_id = t.organization_id and r.team_id = t.id and r.user_id = $2
       where t.organization_id = $1 and t.is_open and t.deleted_at is null and not t.is_suspended
         and ($3::text is null or (t.name, t.id) > ($3, $4::uuid))
         and not exists (select from membership m where m.organization_id = $1 and m.team_id = t.id and m.user_id = $2
           and m.left_revision is null)
       order by t.name, t.id limit $5`,
      [organizationId, userId, after?.name ?? null, after?.id ?? null, limit],
    )
  }

  async insert(organizationId: Id, teamId: Id, userId: Id): Promise<boolean> {
    const rows = await this.#session.query(
      `insert into join_request (organization_id, team_id, user_id) values ($1, $2, $3)
       on conflict do nothing returning 1`,
      [organizationId, teamId, userId],
    )
    return rows.length > 0
  }

  async delete(organizationId: Id, teamId: Id, userId: Id): Promise<boolean> {
    const rows = await this.#session.query(
      'delete from join_request where organization_id = $1 and team_id = $2 and user_id = $3 returning 1',
      [organizationId, teamId, userId],
    )
    return rows.length > 0
  }

  async deleteAll(organizationId: Id, teamId: Id): Promise<void> {
    await this.#session.query('delete from join_request where organization_id = $1 and team_id = $2', [
      organizationId,
      teamId,
    ])
  }

  async find(organizationId: Id, teamId: Id, userId: Id): Promise<RequestRow | undefined> {
    const rows = await this.#session.query<Nullable<RequestRow>>(
      told('where r.organization_id = $1 and r.team_id = $2 and r.user_id = $3'),
      [organizationId, teamId, userId],
    )
    return rows.map(present)[0]
  }

  async page(organizationId: Id, teamId: Id, after: RequestPosition | undefined, limit: number): Promise<RequestRow[]> {
    const rows = await this.#session.query<Nullable<RequestRow>>(
      `${told(`where r.organization_id = $1 and r.team_id = $2 and (r.created_at, r.user_id) > (${atMicros(3)}, $4::uuid)`)}
       order by r.created_at, r.user_id limit $5`,
      [organizationId, teamId, after?.asked ?? 0, after?.userId ?? NO_ID, limit],
    )
    return rows.map(present)
  }
}

const told = (found: string): string => `select r.user_id as "userId", u.profile_id as "profileId", u.email,
    r.created_at as "askedAt", ${micros('r.created_at')} as asked, ${NAME_LINE} as "nameLine"
  from join_request r join "user" u on u.organization_id = r.organization_id and u.id = r.user_id and u.is_active
  join contact c on c.organization_id = u.organization_id and c.id = u.profile_id ${found}`
