import { Migration } from '@mikro-orm/migrations'

/** What clients keep beside cards and books, and their locks. */
export class Migration20261124_books extends Migration {
  override name = 'Migration20261124_books'

  override up(): void {
    for (const statement of STATEMENTS) this.addSql(statement)
  }

  override down(): void {
    this.addSql('drop index card_version_owner')
    this.addSql('drop table client_property, lock')
  }
}

/** A member is a card's name, or '' for the collection itself. */
const STATEMENTS = [
  `create table client_property (
    organization_id uuid not null,
    user_id uuid not null,
    collection_id uuid not null,
    member text collate "C" not null,
    name text collate "C" not null,
    value text not null,
    primary key (organization_id, user_id, collection_id, member, name),
    foreign key (organization_id, user_id) references "user" (organization_id, id) on delete cascade)`,
  `create table lock (
    organization_id uuid not null,
    user_id uuid not null,
    collection_id uuid not null,
    id uuid not null,
    member text collate "C" not null,
    exclusive boolean not null,
    whole boolean not null,
    owner text not null,
    seconds integer not null check (seconds > 0),
    expires_at timestamptz not null,
    primary key (organization_id, user_id, collection_id, id),
    foreign key (organization_id, user_id) references "user" (organization_id, id) on delete cascade)`,
  'create index card_version_owner on card_version (organization_id, owner_id, replaced_at)',
  `create index lock_age on lock using brin (expires_at)`,
]
