import type { Actor, Colleague, Colleagues, ContactPosition, ContactSearch, Id, Scope, Viewer } from '#domain'
import { containing } from './narrowing.ts'
import type { Session } from './session.ts'
import { scopeOf } from './shown-cards.ts'
import { MANAGED_COLUMNS, type ManagedRow, toManagedUser } from './users.ts'

interface Row extends ManagedRow {
  rank: number
  title: string
  key: string
}

const toColleague = (row: Row): Colleague => ({
  ...toManagedUser(row),
  position: { rank: row.rank, title: row.title, key: row.key },
})

/** Active users; $1 is the organization. */
const ACTIVE = 'u.organization_id = $1 and u.is_active'

/** Themselves, and whose cards they changed; $2 is who looks. */
const OWN = `select $2::uuid union select b.owner_id from contact c
    join contact b on b.organization_id = c.organization_id and b.id = c.base_id
    where c.organization_id = $1 and c.owner_id = $2 and c.kind = 'override' and b.owner_id is not null`
const TEAMMATES = `select theirs.user_id from membership mine join membership theirs using (organization_id, team_id)
    where mine.organization_id = $1 and mine.user_id = $2 and mine.left_revision is null and theirs.left_revision is null`

/** Whom the scope shows, as a list of few to start from: users need not be passed over one by one. */
const VISIBLE: { readonly [Of in Scope]: string } = {
  everyone: '$2::uuid is not null',
  teams: `u.id in (${OWN} union ${TEAMMATES})`,
  none: `u.id in (${OWN})`,
}

const TITLE = `coalesce(substring(u.found from '\\nfn\\t([^\\n]*)'), '') collate "C"`

/** Lines of `found` that hold such a property and then the word, as a regular expression. */
const inLines = (names: string, before: string, word: string): string =>
  `\\n(${names})\\t${before}${word.replace(/[!-/:-@[-`{-~]/g, '\\$&')}`

/** Where a word stands, the best first. */
const places = (word: string): readonly string[] => [
  inLines('fn|n|nickname', '', word),
  inLines('fn|n|nickname', '[^\\n]*[ ;,.-]', word),
  inLines('fn|n|nickname', '[^\\n]*', word),
  inLines('email|user-name', '[^\\n]*', word),
]

export class SqlColleagues implements Colleagues {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  async viewer({ organizationId, userId }: Actor): Promise<Viewer | undefined> {
    const [row] = await this.#session.query<{ is_staff: boolean; scope: Scope }>(
      `select is_staff, (${scopeOf('$1', '$2')}) as scope from "user" where organization_id = $1 and id = $2`,
      [organizationId, userId],
      'colleagues.viewer',
    )
    return row && { isStaff: row.is_staff, scope: row.scope }
  }

  async find({ organizationId, userId }: Actor, scope: Scope, id: Id): Promise<Colleague | undefined> {
    const [row] = await this.#session.query<Row>(
      `select ${MANAGED_COLUMNS}, 0 as rank, '' as title, u.id::text as key from "user" u
       where ${ACTIVE} and u.id = $3 and ${VISIBLE[scope]}`,
      [organizationId, userId, id],
      `colleagues.find.${scope}`,
    )
    return row && toColleague(row)
  }

  async page(
    { organizationId, userId }: Actor,
    scope: Scope,
    { words }: ContactSearch,
    after: ContactPosition | undefined,
    limit: number,
  ): Promise<Colleague[]> {
    const values: unknown[] = [organizationId, userId]
    const add = (value: unknown): string => `$${values.push(value)}`
    if (words.length === 0) {
      const from = add(after?.key ?? '00000000-0000-0000-0000-000000000000')
      const sql = `select ${MANAGED_COLUMNS}, 0 as rank, '' as title, u.id::text as key from "user" u
        where ${ACTIVE} and ${VISIBLE[scope]} and u.id > ${from}::uuid order by u.id limit ${add(limit)}`
      return (await this.#session.query<Row>(sql, values, `colleagues.page.${scope}`)).map(toColleague)
    }
    const conditions: string[] = []
    const ranks = words.map((word) => {
      const indexed = `u.found like ${add(containing(word))}`
      const patterns = places(word).map((pattern) => `u.found ~ ${add(pattern)}`)
      conditions.push(`${indexed} and (${patterns.join(' or ')})`)
      return `case ${patterns.map((one, at) => `when ${one} then ${at}`).join(' ')} end`
    })
    const found = `select u.id, ${ranks.join(' + ')} as rank, ${TITLE} as title, u.id::text collate "C" as key
      from "user" u where ${ACTIVE} and ${conditions.join(' and ')} and ${VISIBLE[scope]}`
    const from = after
      ? `where (rank, title, key) > (${add(after.rank)}::integer, ${add(after.title)} collate "C", ${add(after.key)} collate "C")`
      : ''
    const sql = `select ${MANAGED_COLUMNS}, f.rank, f.title, f.key
      from (select * from (${found}) v ${from} order by rank, title, key limit ${add(limit)}) f
      join "user" u on u.organization_id = $1 and u.id = f.id order by f.rank, f.title, f.key`
    return (await this.#session.planned<Row>(sql, values)).map(toColleague)
  }
}
