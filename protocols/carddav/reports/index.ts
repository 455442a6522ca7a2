import { addressbookMultiget } from './addressbook-multiget.ts'
import { addressbookQuery } from './addressbook-query.ts'
import type { Report } from './report.ts'
import { syncCollection } from './sync-collection.ts'

export const REPORTS: readonly Report[] = [addressbookMultiget, addressbookQuery, syncCollection]
