import { Migration20261124_books } from './Migration20261124_books.ts'
import { Migration20261124_directories } from './Migration20261124_directories.ts'
import { Migration20261124_first } from './Migration20261124_first.ts'
import { Migration20261124_hooks } from './Migration20261124_hooks.ts'
import { Migration20261124_idempotency } from './Migration20261124_idempotency.ts'
import { Migration20261124_jobs } from './Migration20261124_jobs.ts'
import { Migration20261124_people } from './Migration20261124_people.ts'
import { Migration20261124_phones } from './Migration20261124_phones.ts'
import { Migration20261124_policies } from './Migration20261124_policies.ts'
import { Migration20261124_scim } from './Migration20261124_scim.ts'
import { Migration20261124_search } from './Migration20261124_search.ts'
import { Migration20261124_sessions } from './Migration20261124_sessions.ts'
import { Migration20261124_team_pages } from './Migration20261124_team_pages.ts'

/** In the order they are applied; a released one is never changed. */
export const MIGRATIONS = [
  Migration20261124_first,
  Migration20261124_books,
  Migration20261124_search,
  Migration20261124_scim,
  Migration20261124_people,
  Migration20261124_phones,
  Migration20261124_team_pages,
  Migration20261124_policies,
  Migration20261124_hooks,
  Migration20261124_sessions,
  Migration20261124_directories,
  Migration20261124_idempotency,
  Migration20261124_jobs,
]
