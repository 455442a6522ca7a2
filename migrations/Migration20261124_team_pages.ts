import { Migration } from '@mikro-orm/migrations'

/**
 * A team's members, and those who ask to join it, are read page by page: the longest-standing first; and its owners, before
 * one goes, without all others.
 */
export class Migration20261124_team_pages extends Migration {
  override name = 'Migration20261124_team_pages'

  override up(): void {
    this.addSql(
      'create index membership_order on membership (organization_id, team_id, joined_at, user_id) where left_revision is null',
    )
    this.addSql(
      `create index membership_owner on membership (organization_id, team_id) where role = 'owner' and left_revision is null`,
    )
    this.addSql('create index join_request_order on join_request (organization_id, team_id, created_at, user_id)')
  }

  override down(): void {
    this.addSql('drop index membership_order, membership_owner, join_request_order')
  }
}
