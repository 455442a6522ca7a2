import type { Id, ListedUser, ManagedUser, PersonAttributes, Provisioned } from '#domain'
import type { Context } from '../context.ts'
import { type Attributes, operationsOf, patched } from '../protocol/patch.ts'
import { attributesOf } from '../protocol/resource-body.ts'
import type { Selection } from '../protocol/selection.ts'
import type { ComplexValue } from '../protocol/values.ts'
import { USERS } from '../schema/resource-type.ts'
import { assertVersion, type Condition, etagOf, type Resources } from './resources.ts'

/** What a client may write of a user, in one object. */
export const writable = ({ userName, externalId, isActive, attributes }: ManagedUser): Attributes => ({
  userName,
  active: isActive,
  ...(externalId === undefined ? {} : { externalId }),
  ...(attributes as Attributes), // these are values by the table of attributes
})

/** The reverse. What the connector maps to staff decides about that, wherever roles are told. */
function provisioned(said: Attributes, { connector }: Context, before?: ManagedUser): Provisioned {
  const { userName, externalId, active, ...attributes } = said
  const { staffRole } = connector
  const roles = (attributes.roles ?? []) as readonly ComplexValue[] // by the table
  const isStaff = staffRole === undefined ? before?.isStaff : roles.some(({ value }) => value === staffRole)
  return {
    userName: String(userName),
    ...(externalId === undefined ? {} : { externalId: String(externalId) }),
    isActive: active === undefined ? (before?.isActive ?? true) : active === true,
    ...(isStaff === undefined ? {} : { isStaff }),
    attributes: attributes as PersonAttributes, // by the table
  }
}

/** Everything that there is to see of a user. */
function shown(
  user: ManagedUser,
  teams: ListedUser['teams'],
  managerName: string | undefined,
  { base }: Pick<Context, 'base'>,
  version: string,
): object {
  const { id, attributes, createdAt, modifiedAt } = user
  const { manager, ...rest } = attributes
  const name = managerName === undefined ? {} : { displayName: managerName }
  return {
    id,
    ...writable({ ...user, attributes: rest }),
    ...(teams.length > 0
      ? {
          groups: teams.map((team) => ({
            value: team.id,
            $ref: `${base}/Groups/${team.id}`,
            display: team.name,
            type: 'direct',
          })),
        }
      : {}),
    ...(manager ? { manager: { value: manager.value, $ref: `${base}/Users/${manager.value}`, ...name } } : {}),
    meta: {
      resourceType: 'User',
      created: createdAt.toISOString(),
      lastModified: modifiedAt.toISOString(),
      location: `${base}/Users/${id}`,
      version,
    },
  }
}

export const userText = (
  user: ManagedUser & Partial<Pick<ListedUser, 'teams' | 'managerName'>>,
  selection: Selection,
  context: Pick<Context, 'base'>,
  version = etagOf(user),
): string =>
  JSON.stringify(
    selection.show(shown(user, user.teams ?? [], user.managerName, context, version) as Record<string, unknown>), // it is one
  )

/** Users as SCIM has them. */
export const users: Resources = {
  type: USERS,

  async create(context, body, id) {
    const said = attributesOf(body, USERS, context.strict)
    const user = await context.users.provision(context.connector.organizationId, provisioned(said, context), id)
    const made = { id: user.id, etag: etagOf(user) }
    // nobody new is in a group yet; a manager's name has to be read
    return user.attributes.manager ? made : { ...made, text: (selection) => userText(user, selection, context) }
  },

  async replace(context, id, body, condition) {
    const said = attributesOf(body, USERS, context.strict)
    return await amended(context, id, condition, (now) => provisioned(said, context, now))
  },

  async patch(context, id, body, condition) {
    const operations = operationsOf(body, USERS, context)
    return await amended(context, id, condition, (now) => {
      const after = patched(writable(now), operations, USERS, context)
      return provisioned(after, context, now)
    })
  },

  async remove(context, id, condition) {
    await context.users.delete({ organizationId: context.connector.organizationId, id }, (now) =>
      assertVersion(condition, now),
    )
  },

  async read(context, id, selection) {
    const user = await context.directory.user(context.connector.organizationId, id, selection.wants('groups'))
    return user && { id, etag: etagOf(user), text: userText(user, selection, context) }
  },

  count: ({ directory, connector }, where) => directory.countUsers(connector.organizationId, where),

  async page(context, query, selection) {
    const found = await context.directory.users(context.connector.organizationId, query, selection.wants('groups'))
    return found.map((user) => ({ id: user.id, key: user.key, text: userText(user, selection, context) }))
  },
}

async function amended(
  { users: service, connector }: Context,
  id: Id,
  condition: Condition,
  change: (now: ManagedUser) => Provisioned,
) {
  const user = await service.amend(connector.organizationId, id, (now) => {
    assertVersion(condition, now)
    return change(now)
  })
  return { id, etag: etagOf(user) }
}
