import type { Id, ListedMember, Team, TeamDescription } from '#domain'
import type { Context, Text } from '../context.ts'
import { type Attributes, applied, operationsOf } from '../protocol/patch.ts'
import { attributesOf } from '../protocol/resource-body.ts'
import type { Selection } from '../protocol/selection.ts'
import type { ComplexValue } from '../protocol/values.ts'
import { GROUPS } from '../schema/resource-type.ts'
import { MemberEdit, memberIds } from './member-edit.ts'
import { assertVersion, etagOf, type Listed, type Resources } from './resources.ts'

/** Members that are read at once; a larger group is sent page by page, as fast as it is received. */
const PAGE = 2_000

const membersOf = ({ members = [] }: Attributes): Id[] => memberIds(members as readonly ComplexValue[]) // by the table

/** Groups as SCIM has them: teams. */
export const groups: Resources = {
  type: GROUPS,

  async create(context, body, id) {
    const said = attributesOf(body, GROUPS, context.strict)
    const wanted = { ...described(said), members: new Set(membersOf(said)) }
    const team = await context.teams.provision(context.connector.organizationId, wanted, id)
    return { id: team.id, etag: etagOf(team) }
  },

  async replace({ teams, connector, strict }, id, body, condition) {
    const said = attributesOf(body, GROUPS, strict)
    const join = new Set(membersOf(said))
    const team = await teams.amend(connector.organizationId, id, { named: join, everybody: true }, async (now) => {
      assertVersion(condition, now)
      return { ...described(said), members: { others: 'leave', join, leave: new Set() } }
    })
    return { id, etag: etagOf(team) }
  },

  async patch(context, id, body, condition) {
    const operations = operationsOf(body, GROUPS, context)
    const ahead = new MemberEdit() // whom the operations name, before anything is read
    for (const one of operations) if (one.attribute.name === 'members') ahead.apply(one, context)
    const team = await context.teams.amend(
      context.connector.organizationId,
      id,
      ahead.involved,
      async (now, members) => {
        assertVersion(condition, now)
        const edit = new MemberEdit()
        let said = writable(now)
        for (const one of operations) {
          if (one.attribute.name !== 'members') said = applied(said, one, context)
          else if (!edit.apply(one, context)) edit.applyTo(await members(), one, context)
        }
        const { change } = edit
        return { ...described(said), ...(change ? { members: change } : {}) }
      },
    )
    return { id, etag: etagOf(team) }
  },

  async remove({ teams, connector: { organizationId } }, id, condition) {
    await teams.delete({ organizationId, id, name: id }, (now) => assertVersion(condition, now))
  },

  async read(context, id, selection) {
    const team = await context.directory.team(context.connector.organizationId, id)
    const [text] = team ? await texts([team], selection, context) : []
    return team && text !== undefined ? { id, etag: etagOf(team), text } : undefined
  },

  count: ({ directory, connector }, where) => directory.countTeams(connector.organizationId, where),

  async page(context, query, selection): Promise<Listed[]> {
    const teams = await context.directory.teams(context.connector.organizationId, query)
    const written = await texts(teams, selection, context)
    return teams.map(({ id, key }, at) => ({ id, key, text: written[at] ?? '' }))
  },
}

/** What a client may write of a team, without its members. */
const writable = ({ name, description, externalId }: TeamDescription): Attributes => ({
  displayName: name,
  ...(description === undefined ? {} : { description }),
  ...(externalId === undefined ? {} : { externalId }),
})

/** The reverse. */
const described = ({ displayName, description, externalId }: Attributes): TeamDescription => ({
  name: String(displayName),
  ...(description === undefined ? {} : { description: String(description) }),
  ...(externalId === undefined ? {} : { externalId: String(externalId) }),
})

const reference = (base: string, { userId, name }: ListedMember) => ({
  value: userId,
  $ref: `${base}/Users/${userId}`,
  ...(name === null ? {} : { display: name }),
})

/** What there is to see of these teams, in their order. Members that are few are read for all of them at once. */
async function texts(teams: readonly Team[], selection: Selection, context: Context): Promise<Text[]> {
  const { directory, connector, base } = context
  const wanted = selection.wants('members')
  const roles = selection.wants('roles') ? await rolesOf(teams, context) : new Map<Id, object[]>()
  const few = wanted ? within(teams, PAGE) : []
  const read = few.length === 0 ? [] : await directory.members(connector.organizationId, few, { limit: PAGE * 2 })
  const members = Map.groupBy(read, ({ teamId }) => teamId)
  return teams.map((team) => {
    const attributes = shown(team, roles.get(team.id), base)
    if (!wanted || few.includes(team.id)) {
      const own = members.get(team.id)?.map((one) => ({ ...reference(base, one), type: 'User' }))
      return JSON.stringify(selection.show({ ...attributes, members: own }))
    }
    return streamed(team.id, attributes, selection, context)
  })
}

/** The teams whose members are so many together; counted as they were when the teams were read. */
function within(teams: readonly Team[], limit: number): Id[] {
  let left = limit
  return teams.flatMap(({ id, memberCount }) => {
    if (memberCount > left) return []
    left -= memberCount
    return [id]
  })
}

function shown(team: Team, roles: readonly object[] | undefined, base: string): Record<string, unknown> {
  return {
    id: team.id,
    ...writable(team),
    meta: {
      resourceType: 'Group',
      created: team.createdAt.toISOString(),
      lastModified: team.modifiedAt.toISOString(),
      location: `${base}/Groups/${team.id}`,
      version: etagOf(team),
    },
    synced: team.isSynced,
    roles,
  }
}

async function rolesOf(teams: readonly Team[], { directory, connector, base }: Context): Promise<Map<Id, object[]>> {
  const collaborative = teams.filter(({ isSynced }) => !isSynced).map(({ id }) => id)
  if (collaborative.length === 0) return new Map()
  const above = await directory.members(connector.organizationId, collaborative, { limit: PAGE * 2, above: true })
  const found = Map.groupBy(above, ({ teamId }) => teamId)
  return new Map([...found].map(([id, list]) => [id, list.map((one) => ({ ...reference(base, one), role: one.role }))]))
}

/** The text of a group, page by page of its members: written where their place is. */
async function* streamed(
  teamId: Id,
  attributes: Record<string, unknown>,
  selection: Selection,
  { directory, connector, base }: Context,
): AsyncGenerator<string> {
  const whole = JSON.stringify(selection.show(attributes))
  yield `${whole.slice(0, -1)},"members":[`
  let after: ListedMember | undefined
  for (;;) {
    const page = await directory.members(connector.organizationId, [teamId], {
      limit: PAGE,
      ...(after ? { after } : {}),
    })
    const shownMembers = page.map((one) => ({ ...reference(base, one), type: 'User' }))
    const { members = [] } = selection.show({ members: shownMembers }) as { members?: object[] } // as it was given
    if (page.length > 0) yield `${after ? ',' : ''}${members.map((one) => JSON.stringify(one)).join(',')}`
    after = page.at(-1)
    if (!after || page.length < PAGE) break
  }
  yield ']}'
}
