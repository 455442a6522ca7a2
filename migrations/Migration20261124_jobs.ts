import { Migration } from '@mikro-orm/migrations'

/** An invitation's link is made when its letter is written, and what became of that is told. */
export class Migration20261124_jobs extends Migration {
  override name = 'Migration20261124_jobs'

  override up(): void {
    this.addSql(`alter table invitation alter column hash drop not null, alter column key_id drop not null,
      add column letter text not null default 'waiting' check (letter in ('waiting', 'sent', 'failed')),
      add column sent_at timestamptz`)
    // nobody wrote those letters: they can be asked for again
    this.addSql(`update invitation set letter = 'failed'`)
  }

  override down(): void {
    this.addSql('delete from invitation where hash is null')
    this.addSql(`alter table invitation alter column hash set not null, alter column key_id set not null,
      drop column letter, drop column sent_at`)
  }
}
