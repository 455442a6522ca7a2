import { type TSchema, Type } from '@fastify/type-provider-typebox'
import { HOOK_FORMATS, HOOK_STATES } from '#domain'

const strict = { additionalProperties: false } as const
const optional = Type.Optional
const orNull = (schema: TSchema) => Type.Union([schema, Type.Null()])
const id = Type.String({ format: 'uuid' })
const time = Type.String({ format: 'date-time' })

const name = Type.String({ minLength: 1, maxLength: 100 })
const url = Type.String({ minLength: 1, maxLength: 2_000, description: 'https://…; for scim the base address' })
const token = Type.String({ minLength: 1, maxLength: 4_096, description: 'For scim: the bearer token of the receiver' })
const format = Type.Enum([...HOOK_FORMATS])

export const HookNew = Type.Object({ name, url, format, token: optional(token) }, strict)
export const HookMerge = Type.Object({ name: optional(name), url: optional(url), token: optional(token) }, strict)

const attempt = {
  at: time,
  status: orNull(Type.Integer()),
  error: orNull(Type.String({ description: 'Null: the receiver took it' })),
}
const HOOK = {
  id,
  name: Type.String(),
  url: Type.String(),
  format,
  state: Type.Enum([...HOOK_STATES]),
  reason: orNull(Type.String({ description: 'Why it is stopped, or needs a resync' })),
  behind: Type.Integer({ description: 'How many events wait; 1000 for as many or more' }),
  last_success_at: orNull(time),
  last_attempt: orNull(Type.Object(attempt)),
  next_attempt_at: orNull(time),
  created_at: time,
}
export const Hook = Type.Object(HOOK)
export const HookWithSecret = Type.Object({
  ...HOOK,
  secret: optional(Type.String({ description: 'What messages are signed with: shown this once' })),
})
export const HookPage = Type.Object({
  items: Type.Array(Hook),
  next: Type.Union([Type.String(), Type.Null()], { description: 'The cursor of the next page' }),
})
export const HookTest = Type.Object(attempt)
export const HooksQuery = Type.Object(
  {
    limit: optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
    cursor: optional(Type.String({ maxLength: 2_000, description: 'The `next` of the page before' })),
  },
  strict,
)
export const OfOrganization = Type.Object({})
export const OfTeam = Type.Object({ id: Type.String() })
export const OrganizationHook = Type.Object({ hook: Type.String() })
export const TeamHook = Type.Object({ id: Type.String(), hook: Type.String() })
