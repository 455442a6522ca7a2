import { Migration } from '@mikro-orm/migrations'

/**
 * What an addressbook-query asks is narrowed down by an index: over colleagues' cards, and over everybody's own. The texts
 * are made by the program (`migrate` fills those of rows that were there before).
 */
export class Migration20261124_search extends Migration {
  override name = 'Migration20261124_search'

  override up(): void {
    for (const statement of STATEMENTS) this.addSql(statement)
  }

  override down(): void {
    this.addSql('drop index contact_listed')
    this.addSql('alter table contact drop column search, drop column size')
    this.addSql(`create index contact_listed on contact (organization_id, name) include (id, owner_id, etag, modified_at)
      where kind = 'profile' and listed`)
  }
}

const STATEMENTS = [
  'create extension if not exists pg_trgm',
  `alter table contact add column search text,
    add column size integer generated always as (coalesce(octet_length(bytes), octet_length(text))) stored`,
  `create index contact_search on contact using gin (search gin_trgm_ops) where kind = 'profile' and listed`,
  `create index contact_own_search on contact using gin (search gin_trgm_ops) where book_id is not null`,
  'drop index contact_listed',
  `create index contact_listed on contact (organization_id, name) include (id, owner_id, etag, modified_at, size)
    where kind = 'profile' and listed`,
]
