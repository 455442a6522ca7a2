import type { Actor, KeptAnswer, KeptAnswers } from '#domain'
import type { Session } from './session.ts'

export class SqlKeptAnswers implements KeptAnswers {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  async claim({ organizationId, userId }: Actor, key: string): Promise<boolean> {
    const [row] = await this.#session.query<{ claimed: boolean }>(
      `select pg_try_advisory_xact_lock(hashtextextended(concat_ws(' ', 'once', $1::text, $2::text, $3::text), 0)) as claimed`,
      [organizationId, userId, key],
    )
    return row?.claimed === true
  }

  async find({ organizationId, userId }: Actor, key: string): Promise<KeptAnswer | undefined> {
    const [row] = await this.#session.query<KeptAnswer>(
      `select request, answer from kept_answer
       where organization_id = $1 and user_id = $2 and key = $3 and created_at > now() - interval '1 day'`,
      [organizationId, userId, key],
    )
    return row
  }

  async keep({ organizationId, userId }: Actor, key: string, { request, answer }: KeptAnswer): Promise<void> {
    await this.#session.query(
      `insert into kept_answer (organization_id, user_id, key, request, answer, created_at) values ($1, $2, $3, $4, $5, now())
       on conflict (organization_id, user_id, key)
         do update set request = excluded.request, answer = excluded.answer, created_at = excluded.created_at`,
      [organizationId, userId, key, request, answer],
    )
  }

  async forget(before: Date): Promise<void> {
    await this.#session.query('delete from kept_answer where created_at < $1', [before])
  }
}
