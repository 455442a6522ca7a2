import { aclPrincipalPropSet } from './acl-principal-prop-set.ts'
import { addressbookMultiget } from './addressbook-multiget.ts'
import { addressbookQuery } from './addressbook-query.ts'
import { expandProperty } from './expand-property.ts'
import { principalMatch } from './principal-match.ts'
import { principalPropertySearch } from './principal-property-search.ts'
import { principalSearchPropertySet } from './principal-search-property-set.ts'
import type { Report } from './report.ts'
import { syncCollection } from './sync-collection.ts'

export const REPORTS: readonly Report[] = [
  addressbookMultiget,
  addressbookQuery,
  syncCollection,
  expandProperty,
  principalMatch,
  principalPropertySearch,
  principalSearchPropertySet,
  aclPrincipalPropSet,
]
