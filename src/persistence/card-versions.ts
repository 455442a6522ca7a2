import type { Actor, CardVersion, CardVersions, Id, Layer, VersionPosition, VersionRow, VersionsWanted } from '#domain'
import type { Session } from './session.ts'
import { nameLine } from './shown-cards.ts'

interface HeadRow {
  id: string
  kind: VersionRow['kind']
  contact_id: string
  book_id: string | null
  book: string | null
  name: string
  name_line: string | null
  replaced_at: Date
  replaced: string
}

interface WholeRow extends HeadRow {
  layer: Layer | null
  text: string
  bytes: Buffer | null
}

const toVersion = (row: HeadRow): VersionRow => ({
  id: row.id,
  kind: row.kind,
  contactId: row.contact_id,
  name: row.name,
  replacedAt: row.replaced_at,
  position: { replaced: row.replaced, id: row.id },
  ...(row.book_id === null ? {} : { bookId: row.book_id }),
  ...(row.book === null ? {} : { book: row.book }),
  ...(row.name_line === null ? {} : { nameLine: row.name_line.trimEnd() }),
})

const HEAD = `v.id, v.kind, v.contact_id, v.book_id, b.name as book, v.name, ${nameLine('v.text')} as name_line, v.replaced_at,
  (extract(epoch from v.replaced_at) * 1000000)::bigint as replaced`
const FROM = `from card_version v left join address_book b on b.organization_id = v.organization_id and b.id = v.book_id
  where v.organization_id = $1 and v.owner_id = $2`
/** The layer that came after the version's own. */
const NEXT_LAYER = `(select n.layer from (
    select layer, replaced_at from card_version where organization_id = $1 and contact_id = v.contact_id and replaced_at > v.replaced_at
    union all select layer, 'infinity' from contact where organization_id = $1 and id = v.contact_id) n
  order by n.replaced_at limit 1)`
const PAGE = `select ${HEAD} ${FROM}
    and ($3::text is null or v.name = $3) and ($4::uuid is null or v.contact_id = $4 or v.kind <> 'personal' and v.name = $4 || '.vcf')
    and (v.kind <> 'profile' or v.layer is distinct from ${NEXT_LAYER})
    and (v.replaced_at, v.id) < (case when $5::bigint is null then 'infinity' else timestamptz 'epoch' + $5 * interval '1 microsecond' end,
      coalesce($6::uuid, v.id))
  order by v.replaced_at desc, v.id desc limit $7`

export class SqlCardVersions implements CardVersions {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  async page(
    { organizationId, userId }: Actor,
    { name, contactId }: VersionsWanted,
    after: VersionPosition | undefined,
    limit: number,
  ): Promise<VersionRow[]> {
    const values = [organizationId, userId, name ?? null, contactId ?? null, after?.replaced ?? null, after?.id ?? null]
    return (await this.#session.query<HeadRow>(PAGE, [...values, limit], 'versions.page')).map(toVersion)
  }

  async find({ organizationId, userId }: Actor, id: Id): Promise<CardVersion | undefined> {
    const [row] = await this.#session.query<WholeRow>(
      `select ${HEAD}, v.layer, v.text, v.bytes ${FROM} and v.id = $3`,
      [organizationId, userId, id],
      'versions.find',
    )
    return (
      row && {
        ...toVersion(row),
        text: row.text,
        ...(row.layer === null ? {} : { layer: row.layer }),
        ...(row.bytes === null ? {} : { bytes: row.bytes }),
      }
    )
  }

  async forget(before: Date): Promise<void> {
    await this.#session.query('delete from card_version where replaced_at < $1', [before])
  }
}
