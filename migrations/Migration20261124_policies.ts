import { Migration } from '@mikro-orm/migrations'

/**
 * What an organization lets its people do: make teams, and edit fields of their own profile (null: all). And a text by
 * which colleagues find each other, made by the program (`migrate` fills in those of users that were there before).
 */
export class Migration20261124_policies extends Migration {
  override name = 'Migration20261124_policies'

  override up(): void {
    for (const statement of STATEMENTS) this.addSql(statement)
  }

  override down(): void {
    this.addSql('drop index user_found, user_staff')
    this.addSql('alter table "user" drop column found')
    this.addSql('alter table organization drop column team_creation, drop column editable_fields')
  }
}

const STATEMENTS = [
  `alter table organization
    add column team_creation text not null default 'everyone' check (team_creation in ('everyone', 'administrators')),
    add column editable_fields text[]`,
  'alter table "user" add column found text',
  `create index user_found on "user" using gin (found gin_trgm_ops) where is_active`,
  `create index user_staff on "user" (organization_id, id) where is_staff`,
]
