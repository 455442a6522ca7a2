import type { Contact, ContactKind, Layer } from '#domain'
import type { Version } from '#vcard'

export interface ContactRow {
  id: string
  kind: ContactKind
  owner_id: string | null
  book_id: string | null
  base_id: string | null
  directory_id: string | null
  base_organization_id: string | null
  name: string
  uid: string
  managed: string | null
  layer: Layer | null
  version: Version
  text: string
  text_4: string | null
  bytes: Buffer | null
  etag: string
  search: string | null
  listed: boolean
}

export const CONTACT_COLUMNS = `id, kind, owner_id, book_id, base_id, directory_id,
  case when base_kind = 'directory' then base_organization_id end as base_organization_id,
  name, uid, managed, layer, version, text, text_4, bytes, etag, search, listed`

export const toContact = (row: ContactRow): Contact => ({
  id: row.id,
  kind: row.kind,
  name: row.name,
  uid: row.uid,
  version: row.version,
  text: row.text,
  etag: row.etag,
  search: row.search ?? '',
  listed: row.listed,
  ...(row.owner_id === null ? {} : { ownerId: row.owner_id }),
  ...(row.book_id === null ? {} : { bookId: row.book_id }),
  ...(row.base_id === null ? {} : { baseId: row.base_id }),
  ...(row.directory_id === null ? {} : { directoryId: row.directory_id }),
  ...(row.base_organization_id === null ? {} : { baseOrganizationId: row.base_organization_id }),
  ...(row.managed === null ? {} : { managed: row.managed }),
  ...(row.layer === null ? {} : { layer: row.layer }),
  ...(row.text_4 === null ? {} : { text4: row.text_4 }),
  ...(row.bytes === null ? {} : { bytes: row.bytes }),
})

/** Own card by name ($2 book, $3 name), and the card of others that the name stands for ($4, or null). */
