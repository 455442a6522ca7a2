import { Migration } from '@mikro-orm/migrations'

/**
 * The first schema. `organization_id` comes first in every primary, unique and foreign key but those of the reference
 * tables (organization, its domains and registration ids, identity, login): so the rest can be spread by it.
 */
export class Migration20261124_first extends Migration {
  override name = 'Migration20261124_first'

  override up(): void {
    for (const statement of STATEMENTS) this.addSql(statement)
  }

  override down(): void {
    this.addSql(`drop table journal, stream, hidden, card_version, membership, team, login, app_password, api_token,
      contact, address_book, identity, "user", registration_id, organization_domain, setting, organization cascade`)
  }
}

const STATEMENTS = [
  `create table setting (name text primary key, value text not null)`,

  `create table organization (
    id uuid primary key,
    name text not null check (name <> ''),
    metadata jsonb not null default '{}',
    scope text not null default 'everyone' check (scope in ('everyone', 'teams', 'none')),
    is_active boolean not null default true,
    created_at timestamptz not null default now())`,
  `create index organization_name on organization (name)`,
  `create table organization_domain (
    domain text primary key check (domain = lower(domain)),
    organization_id uuid not null references organization (id))`,
  `create index organization_domain_organization on organization_domain (organization_id)`,
  `create table registration_id (value text primary key, organization_id uuid not null references organization (id))`,
  `create index registration_id_organization on registration_id (organization_id)`,

  `create table "user" (
    organization_id uuid not null references organization (id),
    id uuid not null,
    user_name text not null,
    user_name_key text not null,
    external_id text,
    email text not null,
    email_key text not null,
    language text,
    timezone text,
    scope text not null default 'everyone' check (scope in ('everyone', 'teams', 'none')),
    is_active boolean not null default true,
    is_staff boolean not null default false,
    is_device boolean not null default false,
    people_id uuid not null,
    profile_id uuid not null,
    created_at timestamptz not null default now(),
    primary key (organization_id, id),
    constraint user_user_name unique (organization_id, user_name_key))`,
  `create unique index user_external_id on "user" (organization_id, external_id) where external_id is not null`,
  `create index user_email on "user" (email_key)`,
  `create index user_id on "user" (id)`,
  `create table identity (
    issuer text not null, sub text not null, organization_id uuid not null, user_id uuid not null,
    primary key (issuer, sub),
    foreign key (organization_id, user_id) references "user" (organization_id, id) on delete cascade)`,
  `create index identity_user on identity (organization_id, user_id)`,

  `create table address_book (
    organization_id uuid not null,
    id uuid not null,
    owner_id uuid not null,
    name text collate "C" not null check (name <> ''),
    display_name text not null,
    description text,
    color text,
    created_at timestamptz not null default now(),
    primary key (organization_id, id),
    constraint address_book_name unique (organization_id, owner_id, name),
    foreign key (organization_id, owner_id) references "user" (organization_id, id) on delete cascade)`,

  // A directory entry's directory_id refers to a table that shared directories will bring.
  `create table contact (
    organization_id uuid not null references organization (id),
    id uuid not null,
    kind text not null check (kind in ('profile', 'override', 'personal', 'directory')),
    owner_id uuid,
    book_id uuid,
    directory_id uuid,
    base_organization_id uuid,
    base_id uuid,
    base_kind text check (base_kind in ('profile', 'directory')),
    local_base_id uuid generated always as (case when base_organization_id = organization_id then base_id end) stored,
    name text collate "C" not null check (name <> '' and octet_length(name) <= 255),
    uid text not null check (uid <> ''),
    managed text,
    layer jsonb,
    version text not null check (version in ('3.0', '4.0')),
    text text not null,
    text_4 text,
    bytes bytea,
    etag text not null,
    listed boolean not null default true,
    created_at timestamptz not null default now(),
    modified_at timestamptz not null default now(),
    deleted_at timestamptz,
    primary key (organization_id, id),
    constraint contact_kind unique (organization_id, id, kind),
    constraint contact_owned check ((kind = 'directory') = (owner_id is null) or kind = 'profile' and deleted_at is not null),
    constraint contact_in_book check ((kind in ('personal', 'override')) = (book_id is not null)),
    constraint contact_in_directory check ((kind = 'directory') = (directory_id is not null)),
    constraint contact_managed check ((kind = 'profile') = (managed is not null)),
    constraint contact_over_base check (
      (kind = 'override') = (base_id is not null and base_organization_id is not null and base_kind is not null
        and layer is not null)
      or kind = 'profile' and base_id is null),
    constraint contact_not_over_itself check (base_id <> id),
    constraint contact_owner foreign key (organization_id, owner_id) references "user" (organization_id, id),
    constraint contact_book foreign key (organization_id, book_id) references address_book (organization_id, id),
    constraint contact_base foreign key (organization_id, local_base_id, base_kind)
      references contact (organization_id, id, kind))`,
  `create unique index contact_name on contact (organization_id, book_id, name) where book_id is not null`,
  `create unique index contact_uid on contact (organization_id, book_id, uid) where book_id is not null`,
  `create unique index contact_profile on contact (organization_id, owner_id) where kind = 'profile'`,
  `create unique index contact_override on contact (organization_id, owner_id, base_id) where kind = 'override'`,
  `create index contact_overrides on contact (organization_id, base_id, owner_id) where kind = 'override'`,
  `create index contact_listed on contact (organization_id, name) include (id, owner_id, etag, modified_at)
    where kind = 'profile' and listed`,

  `create table card_version (
    organization_id uuid not null references organization (id),
    id uuid not null default gen_random_uuid(),
    contact_id uuid not null,
    owner_id uuid,
    kind text not null,
    book_id uuid,
    name text collate "C" not null,
    uid text not null,
    managed text,
    layer jsonb,
    version text not null,
    text text not null,
    bytes bytea,
    etag text not null,
    replaced_at timestamptz not null default clock_timestamp(),
    primary key (organization_id, id))`,
  `create index card_version_contact on card_version (organization_id, contact_id, replaced_at)`,
  `create index card_version_age on card_version using brin (replaced_at)`,

  `create table hidden (
    organization_id uuid not null, user_id uuid not null, member_id uuid not null,
    created_at timestamptz not null default now(),
    primary key (organization_id, user_id, member_id),
    foreign key (organization_id, user_id) references "user" (organization_id, id) on delete cascade)`,

  `create table team (
    organization_id uuid not null references organization (id),
    id uuid not null,
    name text not null check (name <> ''),
    parent_id uuid,
    is_synced boolean not null default false,
    is_suspended boolean not null default false,
    member_count integer not null default 0 check (member_count >= 0),
    revision bigint not null default 0,
    stamp bigint not null default 0,
    created_at timestamptz not null default now(),
    modified_at timestamptz not null default now(),
    deleted_at timestamptz,
    primary key (organization_id, id),
    check (parent_id <> id),
    foreign key (organization_id, parent_id) references team (organization_id, id))`,
  `create index team_name on team (organization_id, name) where deleted_at is null`,
  `create table membership (
    organization_id uuid not null,
    team_id uuid not null,
    user_id uuid not null,
    role text not null check (role in ('member', 'administrator', 'owner')),
    joined_at timestamptz not null default clock_timestamp(),
    left_revision bigint,
    primary key (organization_id, team_id, user_id),
    foreign key (organization_id, team_id) references team (organization_id, id),
    foreign key (organization_id, user_id) references "user" (organization_id, id) on delete cascade)`,
  `create index membership_user on membership (organization_id, user_id)`,

  `create table app_password (
    organization_id uuid not null,
    id uuid not null,
    user_id uuid not null,
    label text not null check (label <> ''),
    hash text not null,
    key_id text not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    revoked_at timestamptz,
    primary key (organization_id, id),
    foreign key (organization_id, user_id) references "user" (organization_id, id) on delete cascade)`,
  `create index app_password_user on app_password (organization_id, user_id)`,
  // Several users may have held one name: the secret decides among them.
  `create table login (
    name text not null check (name = lower(name)),
    app_password_id uuid not null,
    organization_id uuid not null,
    primary key (name, app_password_id),
    foreign key (organization_id, app_password_id) references app_password (organization_id, id) on delete cascade)`,
  `create index login_app_password on login (organization_id, app_password_id)`,
  `create table api_token (
    organization_id uuid not null references organization (id),
    id uuid not null,
    label text not null,
    hash text not null,
    key_id text not null,
    scopes text[] not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    primary key (organization_id, id))`,

  `create table stream (
    organization_id uuid not null,
    id uuid not null,
    revision bigint not null default 0,
    stamp bigint not null default 0,
    floor_revision bigint not null default 0,
    floor_stamp bigint not null default 0,
    primary key (organization_id, id),
    check (floor_revision <= revision)) with (fillfactor = 50)`,
  `create table journal (
    organization_id uuid not null,
    stream_id uuid not null,
    revision bigint not null,
    member text collate "C" not null,
    stamp bigint not null,
    team_id uuid,
    kind smallint not null,
    at timestamptz not null default now(),
    primary key (organization_id, stream_id, revision, member))`,
  `create index journal_age on journal using brin (at)`,
]
