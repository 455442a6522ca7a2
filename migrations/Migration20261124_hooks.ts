import { Migration } from '@mikro-orm/migrations'

/** Outgoing hooks: what receivers hear of, in the order of commits, and how far each of them is. */
export class Migration20261124_hooks extends Migration {
  override name = 'Migration20261124_hooks'

  override up(): void {
    for (const statement of STATEMENTS) this.addSql(statement)
  }

  override down(): void {
    this.addSql('drop table outgoing_hook_reference, outgoing_hook, outgoing_event')
  }
}

const STATEMENTS = [
  `create table outgoing_event (
    organization_id uuid not null,
    revision bigint not null,
    ordinal integer not null,
    team_id uuid,
    kind text not null,
    payload jsonb not null,
    at timestamptz not null default now(),
    primary key (organization_id, revision, ordinal))`,
  `create index outgoing_event_team on outgoing_event (organization_id, team_id, revision, ordinal) where team_id is not null`,
  `create index outgoing_event_age on outgoing_event (at)`,

  `create table outgoing_hook (
    organization_id uuid not null,
    id uuid not null,
    team_id uuid,
    name text not null,
    url text not null,
    format text not null check (format in ('standard-webhooks', 'scim')),
    secret text not null,
    previous_secret text,
    previous_until timestamptz,
    cursor_revision bigint not null,
    cursor_ordinal integer not null,
    condition text not null check (condition in ('running', 'stopped', 'needs-resync')),
    reason text,
    attempts integer not null default 0,
    next_attempt_at timestamptz,
    last_success_at timestamptz,
    last_attempt_at timestamptz,
    last_status integer,
    last_error text,
    resync jsonb,
    lease uuid,
    leased_until timestamptz,
    revision integer not null default 1,
    created_at timestamptz not null default now(),
    primary key (organization_id, id),
    foreign key (organization_id) references organization (id),
    foreign key (organization_id, team_id) references team (organization_id, id))`,
  `create index outgoing_hook_team on outgoing_hook (organization_id, team_id, created_at, id)`,

  `create table outgoing_hook_reference (
    organization_id uuid not null,
    hook_id uuid not null,
    kind text not null check (kind in ('user', 'team')),
    local_id uuid not null,
    remote_id text not null,
    made boolean not null,
    primary key (organization_id, hook_id, kind, local_id),
    foreign key (organization_id, hook_id) references outgoing_hook (organization_id, id) on delete cascade)`,
]
