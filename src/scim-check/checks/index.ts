import type { Check } from '../check.ts'
import { CREATING } from './creating.ts'
import { DISCOVERY } from './discovery.ts'
import { FILTERS } from './filters.ts'
import { PAGING } from './paging.ts'
import { PROJECTION } from './projection.ts'
import { READING } from './reading.ts'
import { SORTING } from './sorting.ts'

/** Every check, in the order that they run. */
export const CHECKS: readonly Check[] = [
  ...DISCOVERY,
  ...CREATING,
  ...READING,
  ...FILTERS,
  ...PAGING,
  ...SORTING,
  ...PROJECTION,
]
