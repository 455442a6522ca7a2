import { Migration } from '@mikro-orm/migrations'

/**
 * Shared directories: contacts that one organization publishes for others. Who is subscribed is told twice, under the
 * publisher and under the subscriber, so that each reads under its own organization.
 */
export class Migration20261124_directories extends Migration {
  override name = 'Migration20261124_directories'

  override up(): void {
    for (const statement of STATEMENTS) this.addSql(statement)
  }

  override down(): void {
    this.addSql('drop index contact_entries, contact_entry_search, contact_local_base')
    this.addSql('alter table address_book drop column directory_id')
    this.addSql('alter table contact drop constraint contact_directory')
    this.addSql(
      'drop table directory_subscription, directory_subscriber, directory_offer, directory_manager, directory cascade',
    )
  }
}

const STATEMENTS = [
  `create table directory (
    organization_id uuid not null references organization (id),
    id uuid not null,
    name text not null check (name <> ''),
    description text,
    created_at timestamptz not null default now(),
    deleted_at timestamptz,
    primary key (organization_id, id))`,
  `create table directory_manager (
    organization_id uuid not null,
    directory_id uuid not null,
    user_id uuid not null,
    created_at timestamptz not null default now(),
    primary key (organization_id, directory_id, user_id),
    foreign key (organization_id, directory_id) references directory (organization_id, id),
    foreign key (organization_id, user_id) references "user" (organization_id, id) on delete cascade)`,
  'create index directory_manager_user on directory_manager (organization_id, user_id)',
  // Addressed to a domain, whoever has it, now or later: a reference table, as organization_domain is.
  `create table directory_offer (
    domain text not null check (domain = lower(domain)),
    directory_id uuid not null,
    organization_id uuid not null,
    id uuid not null,
    created_at timestamptz not null default now(),
    accepted_by uuid,
    declined_at timestamptz,
    primary key (domain, directory_id),
    foreign key (organization_id, directory_id) references directory (organization_id, id))`,
  'create index directory_offer_directory on directory_offer (organization_id, directory_id)',
  `create table directory_subscriber (
    organization_id uuid not null,
    directory_id uuid not null,
    subscriber_id uuid not null,
    created_at timestamptz not null default now(),
    primary key (organization_id, directory_id, subscriber_id),
    foreign key (organization_id, directory_id) references directory (organization_id, id))`,
  `create table directory_subscription (
    organization_id uuid not null references organization (id),
    directory_id uuid not null,
    publisher_id uuid not null,
    id uuid not null,
    name text not null,
    description text,
    created_at timestamptz not null default now(),
    primary key (organization_id, directory_id))`,

  // The row that a person's layers over entries hang on: made with the first of them.
  'alter table address_book add column directory_id uuid',
  `create index address_book_directory on address_book (organization_id, directory_id) where directory_id is not null`,

  `alter table contact add constraint contact_directory
    foreign key (organization_id, directory_id) references directory (organization_id, id)`,
  `create index contact_entries on contact (organization_id, directory_id, name) include (id, etag, modified_at, size)
    where kind = 'directory' and listed`,
  // A card that changes its kind (an override that is frozen) may be a base: the foreign key looks whether it is.
  `create index contact_local_base on contact (organization_id, local_base_id, base_kind) where local_base_id is not null`,
  `create index contact_entry_search on contact using gin (search gin_trgm_ops) where kind = 'directory' and listed`,
]
