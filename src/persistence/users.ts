import { type Id, type PersonMatch, type PersonRow, type Scope, type User, type Users, userNameKey } from '#domain'
import { searchKey } from '#vcard'
import { containing } from './narrowing.ts'
import type { Session } from './session.ts'
import { SCOPE, scopeOf } from './shown-cards.ts'

interface UserRow {
  organization_id: string
  id: string
  user_name: string
  email: string
  is_active: boolean
  is_staff: boolean
  is_device: boolean
  people_id: string
  profile_id: string
}

const COLUMNS = 'organization_id, id, user_name, email, is_active, is_staff, is_device, people_id, profile_id'

const toUser = (row: UserRow): User => ({
  organizationId: row.organization_id,
  id: row.id,
  userName: row.user_name,
  email: row.email,
  isActive: row.is_active,
  isStaff: row.is_staff,
  isDevice: row.is_device,
  peopleId: row.people_id,
  profileId: row.profile_id,
})

const PAGE = 1_000

/** Active users and their cards; `$1` is the organization. */
const PEOPLE = `"user" u join contact p on p.organization_id = u.organization_id and p.id = u.profile_id
  where u.organization_id = $1 and u.is_active and p.kind = 'profile' and p.listed`

/** Of those found, the line with the name, folded as it may be: the rest of a card (a photo) is not wanted. */
const people = (found: string): string => `select f.id, f.email, f.card,
    substring(c.text from '(?i)\\n((?:[a-z0-9-]+\\.)?fn[;:][^\\n]*(?:\\n[ \\t][^\\n]*)*)') as name_line
  from (select u.id, u.email, p.name as card, p.id as contact_id from ${PEOPLE} ${found}) f
  join contact c on c.organization_id = $1 and c.id = f.contact_id order by f.card`

interface PersonSqlRow {
  id: string
  email: string
  card: string
  name_line: string | null
}

const toPersonRow = ({ id, email, card, name_line }: PersonSqlRow): PersonRow => ({
  id,
  email,
  card,
  ...(name_line === null ? {} : { nameLine: name_line.trimEnd() }),
})

/** An index finds the cards with the text anywhere; of these the name, or the user's e-mail, has to hold it. */
function personCondition({ field, text }: PersonMatch, values: unknown[]): string {
  const anywhere = `p.search like $${values.push(containing(searchKey(text)))}`
  if (field === 'name') return `(${anywhere} and substring(p.search from '\\nfn\\t([^\\n]*)') like $${values.length})`
  return `(${anywhere} and u.email_key like $${values.push(containing(text.toLowerCase()))})`
}

export class SqlUsers implements Users {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  async insert(users: readonly User[]): Promise<void> {
    const column = <Value>(read: (user: User) => Value) => users.map(read)
    const keys = [
      column(({ organizationId }) => organizationId),
      column(({ id }) => id),
      column(({ peopleId }) => peopleId),
    ]
    await this.#session.query(
      `insert into "user" (organization_id, id, people_id, profile_id, user_name, user_name_key, email, email_key, is_active, is_staff, is_device)
       select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[],
         $9::boolean[], $10::boolean[], $11::boolean[])`,
      [
        ...keys,
        column(({ profileId }) => profileId),
        column(({ userName }) => userName),
        column(({ userName }) => userNameKey(userName)),
        column(({ email }) => email),
        column(({ email }) => email.toLowerCase()),
        column(({ isActive }) => isActive),
        column(({ isStaff }) => isStaff),
        column(({ isDevice }) => isDevice),
      ],
    )
    await this.#session.query(
      `insert into address_book (organization_id, owner_id, id, name, display_name)
       select organization_id, owner_id, id, 'people', 'People'
       from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as b (organization_id, owner_id, id)`,
      keys,
    )
  }

  async find(by: Id | { email: string }): Promise<User[]> {
    const rows =
      typeof by === 'string'
        ? await this.#session.query<UserRow>(`select ${COLUMNS} from "user" where id = $1`, [by])
        : await this.#session.query<UserRow>(`select ${COLUMNS} from "user" where email_key = $1 order by id`, [
            by.email.trim().toLowerCase(),
          ])
    return rows.map(toUser)
  }

  async lock(organizationId: Id, id: Id): Promise<User | undefined> {
    const [row] = await this.#session.query<UserRow>(
      `select ${COLUMNS} from "user" where organization_id = $1 and id = $2 for no key update`,
      [organizationId, id],
    )
    return row && toUser(row)
  }

  async lockOwners(organizationId: Id, profileIds: readonly Id[]): Promise<User[]> {
    const rows = await this.#session.query<UserRow>(
      `select ${COLUMNS} from "user" where organization_id = $1 and id in (
         select owner_id from contact where organization_id = $1 and id = any($2) and kind = 'profile')
       order by id for no key update`,
      [organizationId, profileIds],
    )
    return rows.map(toUser)
  }

  async update(user: User): Promise<void> {
    await this.#session.query(
      `update "user" set user_name = $3, user_name_key = $4, email = $5, email_key = $6, is_active = $7, is_staff = $8, is_device = $9
       where organization_id = $1 and id = $2`,
      [
        user.organizationId,
        user.id,
        user.userName,
        userNameKey(user.userName),
        user.email,
        user.email.toLowerCase(),
        user.isActive,
        user.isStaff,
        user.isDevice,
      ],
    )
  }

  async delete(organizationId: Id, id: Id): Promise<void> {
    const keys = [organizationId, id]
    // Whoever is adding a card for the user ends first, so that it is deleted here too.
    await this.#session.query('select 1 from "user" where organization_id = $1 and id = $2 for update', keys)
    await this.#session.query(
      `delete from contact where organization_id = $1 and owner_id = $2 and kind <> 'profile'`,
      keys,
    )
    await this.#session.query(`delete from "user" where organization_id = $1 and id = $2`, keys)
  }

  async *list(organizationId?: Id): AsyncGenerator<User & { readonly scope: Scope }> {
    for (let after = ['', '00000000-0000-0000-0000-000000000000']; ; ) {
      const rows: (UserRow & { email_key: string; scope: Scope })[] = await this.#session.query(
        `select ${COLUMNS}, email_key, (${scopeOf('"user".organization_id', '"user".id')}) as scope from "user"
         where ($1::uuid is null or organization_id = $1) and (email_key, id) > ($2, $3::uuid) order by email_key, id limit ${PAGE}`,
        [organizationId, ...after],
      )
      yield* rows.map((row) => ({ ...toUser(row), scope: row.scope }))
      const last = rows.at(-1)
      if (!last || rows.length < PAGE) return
      after = [last.email_key, last.id]
    }
  }

  async person(organizationId: Id, id: Id): Promise<PersonRow | undefined> {
    const [row] = await this.#session.query<PersonSqlRow>(people('and u.id = $2'), [organizationId, id], 'person')
    return row && toPersonRow(row)
  }

  async people(
    organizationId: Id,
    matches: readonly PersonMatch[],
    test: 'all' | 'any',
    limit: number,
  ): Promise<PersonRow[]> {
    const values: unknown[] = [organizationId, limit]
    const conditions = matches.map((match) => personCondition(match, values))
    const condition = conditions.join(test === 'all' ? ' and ' : ' or ') || (test === 'all' ? 'true' : 'false')
    const rows = await this.#session.query<PersonSqlRow>(people(`and (${condition}) order by p.name limit $2`), values)
    return rows.map(toPersonRow)
  }

  async scope(organizationId: Id, id: Id): Promise<Scope> {
    const [row] = await this.#session.query<{ scope: Scope }>(`${SCOPE} for share of o`, [organizationId, id])
    return row?.scope ?? 'none'
  }

  async setScope(organizationId: Id, id: Id, scope: Scope): Promise<boolean> {
    const rows = await this.#session.query(
      `update "user" set scope = $3 where organization_id = $1 and id = $2 and scope <> $3 returning 1`,
      [organizationId, id, scope],
    )
    return rows.length > 0
  }
}
