import { Type } from '@fastify/type-provider-typebox'
import { SCOPES, TEAM_CREATIONS } from '#domain'
import { DATA_FIELDS } from '#vcard'

const strict = { additionalProperties: false } as const
const optional = Type.Optional
const id = Type.String({ format: 'uuid' })
const nullable = (description: string) => Type.Union([Type.String(), Type.Null()], { description })
const next = Type.Union([Type.String(), Type.Null()], { description: 'The cursor of the next page' })

export const Colleague = Type.Object({
  id,
  user_name: Type.String(),
  email: Type.String(),
  full_name: Type.String(),
  profile_id: Type.String({ format: 'uuid', description: 'Their card among the contacts' }),
  is_device: Type.Boolean({ description: 'Shared equipment' }),
  is_staff: Type.Boolean({ description: 'An administrator of the organization' }),
  language: nullable('A language tag'),
  timezone: nullable('A time zone'),
  external_id: optional(Type.String({ description: 'What the identity provider calls them: for administrators' })),
})
export const Colleagues = Type.Object({ items: Type.Array(Colleague), next })
export const Search = Type.Object(
  {
    q: optional(Type.String({ maxLength: 200, description: 'Found in names, e-mails and user names; the best first' })),
    limit: optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
    cursor: optional(Type.String({ maxLength: 2_000, description: 'The `next` of the page before' })),
  },
  strict,
)
export const ListPage = Type.Object({ limit: Search.properties.limit, cursor: Search.properties.cursor }, strict)

const Fields = Type.Union([Type.Array(Type.Enum([...DATA_FIELDS])), Type.Null()], {
  description: 'Which fields of `data` people edit of their own profile; null: all',
})
const policies = {
  directory_scope: Type.Enum([...SCOPES], {
    description: 'Which colleagues people see: all, those of their teams, none',
  }),
  team_creation: Type.Enum([...TEAM_CREATIONS], { description: 'Who makes teams' }),
  editable_profile_fields: Fields,
}
export const Abilities = {
  create_teams: Type.Boolean(),
  editable_profile_fields: Fields,
}
export const Organization = Type.Object({
  id,
  name: Type.String(),
  domains: Type.Array(Type.String()),
  abilities: Type.Object({ administer_organization: Type.Boolean(), ...Abilities }),
  registration_ids: optional(Type.Array(Type.String(), { description: 'For administrators' })),
  policies: optional(Type.Object(policies, { description: 'For administrators' })),
})
export const OrganizationChange = Type.Object(
  {
    name: optional(Type.String({ minLength: 1, maxLength: 200 })),
    policies: optional(
      Type.Object(
        {
          directory_scope: optional(policies.directory_scope),
          team_creation: optional(policies.team_creation),
          editable_profile_fields: optional(Type.Union([Type.Array(Type.String(), { maxItems: 100 }), Type.Null()])),
        },
        strict,
      ),
    ),
  },
  strict,
)

export const Administrator = Type.Object({
  id,
  user_name: Type.String(),
  email: Type.String(),
  full_name: Type.String(),
  is_active: Type.Boolean(),
})
export const Administrators = Type.Object({ items: Type.Array(Administrator), next })
export const ByUser = Type.Object({ user_id: Type.String() })

const connector = {
  name: Type.String({ maxLength: 1_000, description: 'Unique in the organization' }),
  is_strict: Type.Boolean({ description: 'Refuse what clients are known to get wrong' }),
}
const STAFF_ROLE = 'Whoever has this role at the identity provider is staff; null: roles grant nothing'
const staffRole = Type.Union([Type.String({ maxLength: 1_000 }), Type.Null()], { description: STAFF_ROLE })
export const Connector = Type.Object({ id, ...connector, staff_role: staffRole })
export const Connectors = Type.Object({ items: Type.Array(Connector), next })
export const ConnectorNew = Type.Object(
  { name: connector.name, is_strict: optional(connector.is_strict), staff_role: optional(staffRole) },
  strict,
)
export const ConnectorChange = Type.Partial(ConnectorNew, strict)

const when = Type.String({ format: 'date-time' })
const time = (description: string) => Type.Union([when, Type.Null()], { description })
const token = {
  id,
  label: Type.String({ maxLength: 1_000, description: 'What it is for; the connector’s name unless told' }),
  may_write: Type.Boolean(),
  created_at: when,
  ends_at: time('When it ends; null: when it is deleted'),
  last_used_at: time('To five minutes'),
}
export const ConnectorToken = Type.Object(token)
export const ConnectorTokens = Type.Object({ items: Type.Array(ConnectorToken), next })
export const ConnectorTokenMade = Type.Object({
  ...token,
  token: Type.String({ description: 'The bearer token itself; it is not told again' }),
})
export const ConnectorTokenNew = Type.Object(
  {
    label: optional(token.label),
    may_write: optional(Type.Boolean({ default: true, description: 'False: it may read only' })),
    expires_in_days: optional(
      Type.Union([Type.Integer({ minimum: 1, maximum: 3_650 }), Type.Null()], { description: 'Null: it does not' }),
    ),
  },
  strict,
)
export const ByToken = Type.Object({ id: Type.String(), token_id: Type.String() })
