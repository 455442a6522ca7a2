import { Migration } from '@mikro-orm/migrations'

/** Sign-in on the web: what issuers said of people, their sessions, and links from the command line. */
export class Migration20261124_sessions extends Migration {
  override name = 'Migration20261124_sessions'

  override up(): void {
    for (const statement of STATEMENTS) this.addSql(statement)
  }

  override down(): void {
    this.addSql('drop table web_session, login_link')
    this.addSql('alter table identity drop column said, drop column said_at')
  }
}

const STATEMENTS = [
  'alter table identity add column said jsonb, add column said_at timestamptz',
  `create table web_session (
    organization_id uuid not null,
    id uuid not null,
    user_id uuid not null,
    hash text not null,
    key_id text not null,
    issuer text,
    sub text,
    sid text,
    created_at timestamptz not null default now(),
    last_used_at timestamptz not null default now(),
    expires_at timestamptz not null,
    primary key (organization_id, id),
    foreign key (organization_id, user_id) references "user" (organization_id, id) on delete cascade)`,
  `create index web_session_user on web_session (organization_id, user_id)`,
  // What an issuer ends by back-channel logout, it names without the organization.
  `create index web_session_sub on web_session (issuer, sub) where issuer is not null`,
  `create index web_session_sid on web_session (issuer, sid) where sid is not null`,
  `create index web_session_end on web_session (expires_at)`,
  `create table login_link (
    organization_id uuid not null,
    id uuid not null,
    user_id uuid not null,
    hash text not null,
    key_id text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    primary key (organization_id, id),
    foreign key (organization_id, user_id) references "user" (organization_id, id) on delete cascade)`,
  `create index login_link_user on login_link (organization_id, user_id)`,
]
