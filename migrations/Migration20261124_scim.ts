import { Migration } from '@mikro-orm/migrations'

/**
 * What identity providers manage: attributes of users (those that were there before get theirs from their cards, by
 * `migrate`), externalIds, and who may come with which token for which connector.
 */
export class Migration20261124_scim extends Migration {
  override name = 'Migration20261124_scim'

  override up(): void {
    for (const statement of STATEMENTS) this.addSql(statement)
  }

  override down(): void {
    this.addSql('drop table connector_client, connector cascade')
    this.addSql('alter table api_token drop column connector_id')
    this.addSql('drop index team_name_key, team_external_id, team_search')
    this.addSql('alter table team drop column external_id, drop column description')
    this.addSql('drop index user_external_id')
    this.addSql(`alter table "user" drop column attributes, drop column search, drop column revision, drop column modified_at,
      add column language text, add column timezone text`)
    this.addSql(
      `create unique index user_external_id on "user" (organization_id, external_id) where external_id is not null`,
    )
  }
}

const STATEMENTS = [
  `alter table "user" add column attributes jsonb not null default '{}', add column search text,
    add column revision bigint not null default 1, add column modified_at timestamptz not null default now(),
    drop column language, drop column timezone`,
  // RFC 7643 §3.1: that an externalId is unique is the identity provider's care.
  'drop index user_external_id',
  `create index user_external_id on "user" (organization_id, external_id) where external_id is not null`,
  `create index user_attributes on "user"
    using gin ((lower((attributes - '{photos,x509Certificates}'::text[])::text)::jsonb) jsonb_path_ops)`,
  `create index user_search on "user" using gin (search gin_trgm_ops)`,

  'alter table team add column external_id text, add column description text',
  `create index team_external_id on team (organization_id, external_id) where external_id is not null`,
  `create index team_name_key on team (organization_id, lower(name)) where deleted_at is null`,
  `create index team_search on team using gin (lower(name) gin_trgm_ops)`,

  `create table connector (
    organization_id uuid not null references organization (id),
    id uuid not null,
    name text not null check (name <> ''),
    is_strict boolean not null default false,
    staff_role text,
    created_at timestamptz not null default now(),
    primary key (organization_id, id),
    constraint connector_name unique (organization_id, name))`,
  `alter table api_token add column connector_id uuid,
    add foreign key (organization_id, connector_id) references connector (organization_id, id)`,
  // Which organization an issuer's client works for: a reference table, as identity is.
  `create table connector_client (
    issuer text not null,
    client_id text not null,
    organization_id uuid not null,
    connector_id uuid not null,
    scopes text[] not null,
    created_at timestamptz not null default now(),
    primary key (issuer, client_id),
    foreign key (organization_id, connector_id) references connector (organization_id, id))`,
  `create index connector_client_connector on connector_client (organization_id, connector_id)`,
]
