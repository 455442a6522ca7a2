import { Migration } from '@mikro-orm/migrations'

/** Cards with a telephone number are found by its digits: their texts are made anew (`migrate` fills them in). */
export class Migration20261124_phones extends Migration {
  override name = 'Migration20261124_phones'

  override up(): void {
    this.addSql(String.raw`update contact set search = null where search like E'%\ntel\t%'`)
    this.addSql(`delete from setting where name = 'search_texts'`)
  }

  override down(): void {
    this.addSql(String.raw`update contact set search = regexp_replace(search, E'\ntel-digits\t[^\n]*', '', 'g')`)
  }
}
