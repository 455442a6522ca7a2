import { Migration } from '@mikro-orm/migrations'

/** Answers to requests that came with a key, which a repeat of the request gets again. */
export class Migration20261124_idempotency extends Migration {
  override name = 'Migration20261124_idempotency'

  override up(): void {
    this.addSql(`create table kept_answer (
      organization_id uuid not null,
      user_id uuid not null,
      key text not null,
      request text not null,
      answer text not null,
      created_at timestamptz not null,
      primary key (organization_id, user_id, key),
      foreign key (organization_id, user_id) references "user" (organization_id, id) on delete cascade
    )`)
  }

  override down(): void {
    this.addSql('drop table kept_answer')
  }
}
