import { type Body, MAX_READ_BYTES, TEAM_CARD_RENDERER } from '#domain'
import { CARD } from './journal.ts'
import { arrays } from './session.ts'

/** A team above this many members has no group card. */
const MAX_GROUP_MEMBERS = 2_500

const STORED = `version, text, null::text[] as members`
const FOUR = `case when text_4 is null then version else '4.0' end as version, coalesce(text_4, text) as text, null::text[] as members`

/** What each kind of row tells of a card beside its name and ETag; as much as is asked for, as each column costs time. */
interface Columns {
  /** Which has `modified_at`. */
  readonly row: string
  readonly kind: string
  readonly size: string
  readonly writable: string
  /** With version (a team's card has none), text and members. */
  readonly team?: string
}

/**
 * Milliseconds since 1970: a timestamp would be parsed by regular expressions, which took a fifth of a long listing.
 */
function columns(body: Body, { row, kind, size, writable, team }: Columns): string {
  if (body === 'etag') return ''
  const isFour = body === '4.0' || body === 'etag 4.0'
  if (body === 'etag 3.0' || body === 'etag 4.0') return `, ${size} as size, ${team ?? (isFour ? FOUR : STORED)}`
  const about = `, date_part('epoch', ${row}.modified_at) * 1000 as modified_ms, ${kind} as kind, ${size} as size, ${writable} as writable`
  const bytes = team === undefined ? 'bytes' : 'null::bytea as bytes'
  return body === 'none' ? about : `${about}, ${team ?? (isFour ? FOUR : STORED)}, ${bytes}`
}

const MEMBERS = `(select array_agg(c.uid order by c.uid) from membership n
  join contact c on c.organization_id = n.organization_id and c.owner_id = n.user_id and c.kind = 'profile' and c.listed
  where n.organization_id = $1 and n.team_id = t.id and n.left_revision is null)`

/** The scope that is in force for a user. */
export const scopeOf = (
  organization: string,
  user: string,
): string => `select case when 'none' in (u.scope, o.scope) then 'none'
    when 'teams' in (u.scope, o.scope) then 'teams' else 'everyone' end as scope
  from "user" u join organization o on o.id = u.organization_id where u.organization_id = ${organization} and u.id = ${user}`
export const SCOPE = scopeOf('$1', '$2')

/** Whether the user's scope lets them see the card of that owner. */
export const inScope = (owner: string): string => `(${owner} = $2 or case (${SCOPE}) when 'everyone' then true
    when 'teams' then exists (select from membership mine join membership theirs using (organization_id, team_id)
      where mine.organization_id = $1 and mine.user_id = $2 and mine.left_revision is null
        and theirs.user_id = ${owner} and theirs.left_revision is null) else false end)`

/** Which cards of a collection: by name, and in what order, each part for itself. */
interface Which {
  readonly body: Body
  readonly where: (name: string) => string
  /** So that a page of a large book reads a page of each index. */
  readonly order?: string
  /** Some cards by their names, not one. */
  readonly several?: boolean
  /** What else must hold of `search`, the text that cards are found by. */
  readonly search?: string | undefined
  /** Where a shared directory is, as SQL: its publisher and its id. */
  readonly base?: Base | undefined
}

interface Base {
  readonly organization: string
  readonly directory: string
}
const parameters = (first: number): Base => ({ organization: `$${first}::uuid`, directory: `$${first + 1}::uuid` })

const also = (condition: string | undefined): string => (condition === undefined ? '' : `and ${condition}`)

/** My own cards in the collection ($1 organization, $2 user, $3 collection): personal, and over others'. */
const own = ({ body, where, order = '', search }: Which): string => `(
  select name, etag${columns(body, { row: 'c', kind: 'kind', size: 'size', writable: 'true' })}
  from contact c where organization_id = $1 and book_id = $3 and owner_id = $2 and ${where('name')} ${also(search)}
    and (kind = 'personal' or exists (select from contact b
      where b.organization_id = c.base_organization_id and b.id = c.base_id and b.listed)) ${order})`

const HIDDEN = 'hidden where organization_id = $1 and user_id = $2'

/**
 * That an id is none of a user's rows. A page, of many cards, hashes those once; else each card is looked up, of several
 * only where the user has any such row (in the order of the key: else all rows may be scanned for it). (Of NOT EXISTS the planner makes a join that compares each card with each row: a
 * minute for somebody who hid thousands.)
 */
function unless(id: string, column: string, rows: string, { order = '', several = false }: Partial<Which>): string {
  if (order !== '') return `${id} not in (select ${column} from ${rows})`
  const none = `(select true from ${rows} and ${column} = ${id}) is null`
  return several ? `((select true from ${rows} order by ${column} limit 1) is null or ${none})` : none
}

const PROFILES = `organization_id = $1 and kind = 'profile' and listed`
const entriesOf = ({ organization, directory }: Base): string =>
  `organization_id = ${organization} and directory_id = ${directory} and kind = 'directory' and listed`

/**
 * The cards of others that the user sees as they are: colleagues', or a directory's entries. Nothing but the index is read
 * where no body is asked for.
 */
const others = (which: Which): string => {
  const { body, where, order = '', search, base } = which
  return `(
  select name, etag${columns(body, { row: 'p', kind: base ? `'directory'` : `'profile'`, size: 'size', writable: 'true' })}
  from contact p where ${base ? entriesOf(base) : PROFILES} and ${where('name')} ${also(search)}
    and ${unless('p.id', 'base_id', `contact where organization_id = $1 and owner_id = $2 and kind = 'override'`, which)}
    and ${unless('p.id', 'member_id', HIDDEN, which)}
    ${base ? '' : `and ${inScope('p.owner_id')}`} ${order})`
}

/** Every colleague's own card, whoever asks and whatever they see in their book. (A parameter has to stand somewhere.) */
const directory = ({ body, where, order = '', search }: Which): string => `(
  select name, etag${columns(body, { row: 'p', kind: `'profile'`, size: 'size', writable: 'false' })}
  from contact p where ${PROFILES} and ${where('name')} ${also(search)}
    and ($2::uuid is null or $3::uuid is null or true) ${order})`

/** What is said of a team, as JSON: the one text that each row has. */
const NAMED = `json_strip_nulls(json_build_object('name', t.name, 'description', t.description))::text`

const TEAM: Columns = {
  row: 't',
  kind: `'team'`,
  size: 'null::integer',
  writable: `m.role <> 'member' and not t.is_synced`,
  team: `null as version, ${NAMED} as text, ${MEMBERS} as members`,
}

/** The group cards of the user's teams. */
const teams = ({ body, where, order = '' }: Which): string => `(
  select t.id || '.vcf' as name, t.revision || '-' || t.stamp || '-${TEAM_CARD_RENDERER}' as etag${columns(body, TEAM)}
  from membership m join team t on t.organization_id = m.organization_id and t.id = m.team_id
  where m.organization_id = $1 and m.user_id = $2 and m.left_revision is null and ${where(`(t.id || '.vcf') collate "C"`)}
    and t.deleted_at is null and not t.is_suspended and t.member_count <= ${MAX_GROUP_MEMBERS}
    and ${unless('t.id', 'member_id', HIDDEN, {})} ${order})`

/** The merged book of a person, another one of theirs, the organization's directory, or a shared one. */
export type Kind = 'people' | 'book' | 'directory' | 'shared'

/** The cards that a collection shows; the merged one shows colleagues and teams as well, a shared directory its entries. */
const PARTS: Readonly<Record<Kind, readonly ((which: Which) => string)[]>> = {
  people: [own, others, teams],
  book: [own],
  directory: [directory],
  shared: [own, others],
}
/** `base`: the number of the first parameter of a shared directory. */
const shown = (kind: Kind, which: Which, base: number): string =>
  PARTS[kind].map((part) => part(kind === 'shared' ? { ...which, base: parameters(base) } : which)).join(' union all ')

/** `k` has organization, user, collection and name (or names), and of a shared directory the publisher and its id. */
const ofEach = (kind: Kind, card: string, names: string): string => {
  const ofKey = ['k.o', 'k.u', 'k.b', names, 'k.p', 'k.d']
  const [types, columns] = kind === 'shared' ? [['uuid', 'uuid'], ', p, d'] : [[], '']
  return `select k.n, v.* from ${arrays(1, 'integer', 'uuid', 'uuid', 'uuid', 'text', ...types)} as k (n, o, u, b, names${columns})
    cross join lateral (${card.replace(/\$([1-6])/g, (_, at) => ofKey[at - 1] ?? '')}) v`
}
/** What each key's one name shows, teams aside. */
export const one = (kind: Kind, byId: boolean, body: Body): string => {
  const which = { body, where: (name: string) => `${name} = $4`, base: kind === 'shared' ? parameters(5) : undefined }
  const mine = byId && kind !== 'book' ? `${own(which)} union all ${others(which)}` : own(which)
  return ofEach(kind, `${kind === 'directory' ? directory(which) : mine} limit 1`, 'k.names collate "C"')
}
/** Asked where no other card has the name: in each GET's query it would take a third of the time. */
export const oneTeam = (body: Body): string => teams({ body, where: (name) => `${name} = $3` })
/** Of those rows the first, up to and with the one that makes them too many bytes: no text of a further one is read. */
const fitting = (rows: string, key: 'name' | 'member', body: Body): string =>
  body === 'none' || body === 'etag'
    ? rows
    : `select * from (
         select w.*, coalesce(sum(size) over (order by ${key} collate "C" rows between unbounded preceding and 1 preceding), 0) as bytes_before
         from (${rows}) w) x
       where bytes_before < ${MAX_READ_BYTES} order by ${key} collate "C"`

export const listed = (kind: Kind, body: Body): string =>
  fitting(shown(kind, { body, where: (name) => `${name} = any($4)`, several: true }, 5), 'name', body)

/** Between names in one text: an array of arrays is none in SQL, and no name has a slash. */
export const SEPARATOR = '/'
/** The same for several people at once. */
export const listedOfEach = (kind: Kind, body: Body): string =>
  ofEach(kind, listed(kind, body), `string_to_array(k.names, '${SEPARATOR}')`)
export const page = (kind: Kind, body: Body, search?: string): string =>
  fitting(
    `select * from (${shown(kind, { body, where: (name) => `${name} > $4`, order: 'order by 1 limit $5', search }, 6)}) v
     order by name collate "C" limit $5`,
    'name',
    body,
  )
/** Of at most so many cards each is read: an index holds everybody's, and what is in most of them it would find first. */
export const FEW = 500

/** The names of what may pass, hidden or not, and of every team: by an index where there are many, else one by one (`few`). */
export const candidates = (kind: Kind, search: string, few: string): string => {
  const first = (rows: string, columns: string, limit: number): string =>
    `(select ${columns} from contact where ${rows} order by name limit ${limit}) c` // the order has it use the key
  const part = (name: string, rows: string, whose: string) => ({
    count: `${name} as materialized (select count(*) as n from ${first(rows, 'name', FEW + 1)})`,
    names: `(select name from ${first(rows, 'name, search, owner_id', FEW)}
        where ${whose} and (select n from ${name}) <= ${FEW} and ${few} limit $4)
      union all (select name from contact
        where ${rows} and ${whose} and (select n from ${name}) > ${FEW} and ${search} limit $4)`,
  })
  const mine = part('mine', 'organization_id = $1 and book_id = $3', 'owner_id = $2')
  const anybody = '($2::uuid is null or $3::uuid is null or true)' // a parameter has to stand somewhere
  const others = part('others', kind === 'shared' ? entriesOf(parameters(5)) : PROFILES, anybody)
  const parts = { people: [mine, others], book: [mine], directory: [others], shared: [mine, others] }[kind]
  const counts = parts.map(({ count }) => count).join(', ')
  const names = parts.map((one) => one.names).join(' union all ')
  const teams = `union all
    select team_id || '.vcf' from membership where organization_id = $1 and user_id = $2 and left_revision is null`
  return `with ${counts} ${names} ${kind === 'people' ? teams : ''}`
}
export const changed = (kind: Kind, body: Body): string =>
  `${changedMembers(kind)} ${fitting(
    `select ch.member, v.* from changed ch
       left join (${shown(kind, { body, where: (name) => `${name} in (select member from changed)` }, 10)}) v on v.name = ch.member
       order by ch.member collate "C"`,
    'member',
    body,
  )}`
const BASE = `select member from journal j
      where organization_id = $1 and stream_id = $1 and revision > $6 and revision <= $7 and kind = ${CARD} and member > $4
        and $10 and (team_id is null or exists (select from membership m where m.organization_id = $1
          and m.team_id = j.team_id and m.user_id = $2 and (m.left_revision is null or m.left_revision > $6)))`
const ofDirectory = ({ organization, directory }: Base): string => `select member from journal
      where organization_id = ${organization} and stream_id = ${directory} and revision > $6 and revision <= $7
        and kind = ${CARD} and member > $4`
const changedMembers = (kind: Kind): string => `with changed as materialized (
    select member collate "C" as member from (
      ${kind === 'shared' ? ofDirectory(parameters(10)) : BASE}
      union
      select member from journal
      where organization_id = $1 and stream_id = $3 and revision > $8 and revision <= $9 and kind = ${CARD} and member > $4
    ) j order by 1 limit $5)`

/** Of a card's text the line with the name, folded as it may be: the rest (a photo) is not wanted. */
export const nameLine = (text: string): string =>
  `substring(${text} from '(?i)\\n((?:[a-z0-9-]+\\.)?fn[;:][^\\n]*(?:\\n[ \\t][^\\n]*)*)')`
