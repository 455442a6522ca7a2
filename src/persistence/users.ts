import {
  type Id,
  type ManagedUser,
  type PersonAttributes,
  type PersonMatch,
  type PersonRow,
  type Scope,
  type User,
  type Users,
  userNameKey,
} from '#domain'
import { searchKey } from '#vcard'
import { attributeText, foundText } from './attribute-search.ts'
import { containing } from './narrowing.ts'
import { NAME_LINE } from './people-sql.ts'
import { arrays, type Session } from './session.ts'
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

export interface ManagedRow extends UserRow {
  external_id: string | null
  attributes: PersonAttributes
  revision: string
  created_at: Date
  modified_at: Date
}

export const MANAGED_COLUMNS = `u.organization_id, u.id, u.user_name, u.email, u.is_active, u.is_staff, u.is_device, u.people_id, u.profile_id,
  u.external_id, u.attributes, u.revision, u.created_at, u.modified_at`

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

export const toManagedUser = (row: ManagedRow): ManagedUser => ({
  ...toUser(row),
  ...(row.external_id === null ? {} : { externalId: row.external_id }),
  attributes: row.attributes,
  revision: Number(row.revision),
  createdAt: row.created_at,
  modifiedAt: row.modified_at,
})

const PAGE = 1_000

/** Active users and their cards; `$1` is the organization. */
const PEOPLE = `"user" u join contact p on p.organization_id = u.organization_id and p.id = u.profile_id
  where u.organization_id = $1 and u.is_active and p.kind = 'profile' and p.listed`

const people = (found: string): string => `select f.id, f.email, f.card, ${NAME_LINE} as name_line
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
  ...(name_line === null ? {} : { nameLine: name_line }),
})

/** An index finds the cards with the text anywhere; of these the name, or the user's e-mail, has to hold it. */
function personCondition({ field, text }: PersonMatch, values: unknown[]): string {
  const anywhere = `p.search like $${values.push(containing(searchKey(text)))}`
  if (field === 'name') return `(${anywhere} and substring(p.search from '\\nfn\\t([^\\n]*)') like $${values.length})`
  return `(${anywhere} and u.email_key like $${values.push(containing(text.toLowerCase()))})`
}

const INSERT = `insert into "user" (organization_id, id, people_id, profile_id, user_name, user_name_key, external_id, email,
    email_key, is_active, is_staff, is_device, attributes, search, found, created_at, modified_at)
  select n.organization_id, n.id, n.people_id, n.profile_id, n.user_name, n.user_name_key, n.external_id, n.email,
    n.email_key, n.is_active, n.is_staff, n.is_device, n.attributes, lower(n.search), n.found, n.at, n.at
  from ${arrays(
    1,
    ...['uuid', 'uuid', 'uuid', 'uuid', 'text', 'text', 'text', 'text', 'text'],
    ...['boolean', 'boolean', 'boolean', 'jsonb', 'text', 'text', 'timestamptz'],
  )} as n (organization_id, id, people_id, profile_id, user_name, user_name_key, external_id, email, email_key,
    is_active, is_staff, is_device, attributes, search, found, at)`

export class SqlUsers implements Users {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  async insert(users: readonly ManagedUser[]): Promise<void> {
    const column = <Value>(read: (user: ManagedUser) => Value) => users.map(read)
    const keys = [
      column(({ organizationId }) => organizationId),
      column(({ id }) => id),
      column(({ peopleId }) => peopleId),
    ]
    await this.#session.query(
      INSERT,
      [
        ...keys,
        column(({ profileId }) => profileId),
        column(({ userName }) => userName),
        column(({ userName }) => userNameKey(userName)),
        column(({ externalId }) => externalId ?? null),
        column(({ email }) => email),
        column(({ email }) => email.toLowerCase()),
        column(({ isActive }) => isActive),
        column(({ isStaff }) => isStaff),
        column(({ isDevice }) => isDevice),
        column(({ attributes }) => JSON.stringify(attributes)),
        column(attributeText),
        column(foundText),
        column(({ createdAt }) => createdAt),
      ],
      'user.insert',
    )
    await this.#session.query(
      `insert into address_book (organization_id, owner_id, id, name, display_name)
       select organization_id, owner_id, id, 'people', 'People'
       from ${arrays(1, 'uuid', 'uuid', 'uuid')} as b (organization_id, owner_id, id)`,
      keys,
      'user.book',
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

  async lockManaged(organizationId: Id, id: Id): Promise<ManagedUser | undefined> {
    const [row] = await this.#session.query<ManagedRow>(
      `select ${MANAGED_COLUMNS} from "user" u where organization_id = $1 and id = $2 for no key update`,
      [organizationId, id],
      'user.lock',
    )
    return row && toManagedUser(row)
  }

  async lockByEmail(organizationId: Id, email: string): Promise<ManagedUser[]> {
    const rows = await this.#session.query<ManagedRow>(
      `select ${MANAGED_COLUMNS} from "user" u where organization_id = $1 and email_key = $2 order by id
       for no key update`,
      [organizationId, email.toLowerCase()],
    )
    return rows.map(toManagedUser)
  }

  async lockAll(organizationId: Id, ids: readonly Id[]): Promise<User[]> {
    if (ids.length === 0) return []
    const rows = await this.#session.query<UserRow>(
      `select ${COLUMNS} from "user" where organization_id = $1 and id = any($2) order by id for no key update`,
      [organizationId, ids],
      'user.lock-all',
    )
    return rows.map(toUser)
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

  async update(user: ManagedUser): Promise<void> {
    await this.#session.query(
      `update "user" set user_name = $3, user_name_key = $4, external_id = $5, email = $6, email_key = $7, is_active = $8,
         is_staff = $9, is_device = $10, attributes = $11, search = lower($12), revision = $13, modified_at = $14, found = $15
       where organization_id = $1 and id = $2`,
      [
        user.organizationId,
        user.id,
        user.userName,
        userNameKey(user.userName),
        user.externalId,
        user.email,
        user.email.toLowerCase(),
        user.isActive,
        user.isStaff,
        user.isDevice,
        JSON.stringify(user.attributes),
        attributeText(user),
        user.revision,
        user.modifiedAt,
        foundText(user),
      ],
      'user.update',
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

  async administrators(organizationId: Id, after: Id | undefined, limit: number): Promise<ManagedUser[]> {
    const rows = await this.#session.query<ManagedRow>(
      `select ${MANAGED_COLUMNS} from "user" u where organization_id = $1 and is_staff and ($2::uuid is null or id > $2)
       order by id limit $3`,
      [organizationId, after ?? null, limit],
    )
    return rows.map(toManagedUser)
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

  seeingTeamsOnly = (organizationId: Id, ids: readonly Id[]): Promise<Pick<User, 'id' | 'peopleId'>[]> =>
    this.#session.query(
      // held whatever it is: one that is being narrowed is waited for
      `with held as materialized (select scope from organization where id = $1 for share)
       select u.id, u.people_id as "peopleId" from "user" u, held o
       where u.organization_id = $1 and u.id = any($2) and 'teams' in (u.scope, o.scope) and 'none' not in (u.scope, o.scope)`,
      [organizationId, ids],
      'user.seeing-teams',
    )

  async setScope(organizationId: Id, id: Id, scope: Scope): Promise<boolean> {
    const rows = await this.#session.query(
      `update "user" set scope = $3 where organization_id = $1 and id = $2 and scope <> $3 returning 1`,
      [organizationId, id, scope],
    )
    return rows.length > 0
  }
}
