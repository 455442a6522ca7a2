import type { Check } from '../check.ts'
import { BULK } from './bulk.ts'
import { CREATING } from './creating.ts'
import { DISCOVERY } from './discovery.ts'
import { ENTRA } from './entra.ts'
import { FILTERS } from './filters.ts'
import { GROUPS } from './groups.ts'
import { PAGING } from './paging.ts'
import { PATCHING } from './patching.ts'
import { PROJECTION } from './projection.ts'
import { READING } from './reading.ts'
import { SEARCHING } from './searching.ts'
import { SECURITY } from './security.ts'
import { SORTING } from './sorting.ts'
import { WRITING } from './writing.ts'

/** Every check, in the order that they run. */
export const CHECKS: readonly Check[] = [
  ...DISCOVERY,
  ...SECURITY,
  ...CREATING,
  ...READING,
  ...FILTERS,
  ...PAGING,
  ...SORTING,
  ...PROJECTION,
  ...SEARCHING,
  ...WRITING,
  ...PATCHING,
  ...ENTRA,
  ...GROUPS,
  ...BULK,
]
