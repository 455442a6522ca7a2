import { Migration } from '@mikro-orm/migrations'

/** How people come into teams by themselves: invitations by e-mail, and requests to join teams that are open to them. */
export class Migration20261124_people extends Migration {
  override name = 'Migration20261124_people'

  override up(): void {
    for (const statement of STATEMENTS) this.addSql(statement)
  }

  override down(): void {
    this.addSql('drop table join_request, invitation')
    this.addSql('drop index team_open, team_parent')
    this.addSql('alter table team drop column is_open')
  }
}

const STATEMENTS = [
  'alter table team add column is_open boolean not null default false check (not (is_open and is_synced))',
  `create index team_parent on team (organization_id, parent_id) where parent_id is not null`,
  `create index team_open on team (organization_id, name, id) where is_open and deleted_at is null`,

  `create table invitation (
    organization_id uuid not null,
    id uuid not null,
    team_id uuid not null,
    email text not null,
    email_key text not null,
    role text not null check (role in ('member', 'administrator', 'owner')),
    invited_by uuid,
    hash text not null,
    key_id text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    primary key (organization_id, id),
    constraint invitation_email unique (organization_id, team_id, email_key),
    foreign key (organization_id, team_id) references team (organization_id, id),
    foreign key (organization_id, invited_by) references "user" (organization_id, id) on delete set null (invited_by))`,
  `create index invitation_waiting on invitation (organization_id, email_key)`,
  `create index invitation_inviter on invitation (organization_id, invited_by)`,
  `create index invitation_expiry on invitation (expires_at)`,

  `create table join_request (
    organization_id uuid not null,
    team_id uuid not null,
    user_id uuid not null,
    created_at timestamptz not null default now(),
    primary key (organization_id, team_id, user_id),
    foreign key (organization_id, team_id) references team (organization_id, id),
    foreign key (organization_id, user_id) references "user" (organization_id, id) on delete cascade)`,
  `create index join_request_user on join_request (organization_id, user_id)`,
]
