import { Type } from '@fastify/type-provider-typebox'
import { DEEDS, ROLES } from '#domain'
import { pageOf } from './schemas.ts'

const strict = { additionalProperties: false } as const
const optional = Type.Optional
const id = Type.String({ format: 'uuid' })
const time = Type.String({ format: 'date-time' })
const orNull = <Schema extends Parameters<typeof Type.Union>[0][number]>(schema: Schema) =>
  Type.Union([schema, Type.Null()])
const role = Type.Enum([...ROLES])

const abilities = Type.Object(
  { ...Object.fromEntries(DEEDS.map((deed) => [deed, Type.Boolean()])), owners: Type.Boolean() },
  {
    description:
      'What you may do: change name, description, openness and parent; add, remove and set the role of members and administrators; invite; answer requests; transfer or delete it; leave; make, unmake and invite owners',
  },
)
const SHOWN = {
  id,
  name: Type.String(),
  description: orNull(Type.String()),
  is_open: Type.Boolean({ description: 'Colleagues see that there is such a team, and may ask to join' }),
  is_synced: Type.Boolean({ description: 'An identity provider keeps it: here it is only read' }),
  is_suspended: Type.Boolean({ description: 'Nobody active is in it' }),
  member_count: Type.Integer(),
  role,
  abilities,
  created_at: time,
  modified_at: time,
}
export const Team = Type.Object({
  ...SHOWN,
  parent_id: orNull(Type.String({ format: 'uuid', description: 'Where you are in that, too' })),
})
export const Teams = pageOf(Type.Object(SHOWN))

const name = Type.String({ maxLength: 256 })
const description = Type.String({ maxLength: 4_096, description: 'What it is for; empty: none' })
const isOpen = Type.Boolean({ description: 'Whether colleagues see it and may ask to join' })
export const TeamNew = Type.Object(
  { name, description: optional(description), is_open: optional(isOpen) },
  { ...strict, description: 'You are its owner' },
)
export const TeamChange = Type.Object(
  {
    name: optional(name),
    description: optional(orNull(description)),
    is_open: optional(isOpen),
    parent_id: optional(
      orNull(Type.String({ format: 'uuid', description: 'A team you administer, too; null: under none' })),
    ),
  },
  strict,
)

const PERSON = { user_id: id, profile_id: id, name: Type.String(), email: Type.String() }
export const Member = Type.Object({
  ...PERSON,
  role,
  is_active: Type.Boolean({ description: 'False: deactivated in the organization' }),
  joined_at: time,
})
export const Members = pageOf(Member)
export const MemberNew = Type.Object({ user_id: id, role: optional(role) }, strict)
export const MemberChange = Type.Object({ role }, strict)
export const Heir = Type.Object({ user_id: id }, strict)

export const JoinableTeams = pageOf(
  Type.Object({
    id,
    name: Type.String(),
    description: orNull(Type.String()),
    member_count: Type.Integer(),
    asked_at: orNull(Type.String({ format: 'date-time', description: 'When you asked to join' })),
  }),
)
export const JoinRequest = Type.Object({ ...PERSON, asked_at: time })
export const JoinRequests = pageOf(JoinRequest)

export const Invitation = Type.Object({
  id,
  email: Type.String(),
  role,
  invited_by: orNull(Type.String({ format: 'uuid', description: 'The user who invited; null: they were deleted' })),
  created_at: time,
  expires_at: time,
  letter: Type.Enum(['waiting', 'sent', 'failed'], {
    description: 'What became of the letter; failed: it was given up, or the receiver’s server refused it',
  }),
  sent_at: orNull(time),
})
export const Invitations = pageOf(Invitation)
export const Invited = Type.Union([Invitation, Member])
export const InvitationNew = Type.Object({ email: Type.String({ maxLength: 320 }), role: optional(role) }, strict)

export const ByUser = Type.Object({ id: Type.String(), user_id: Type.String() })
export const ByInvitation = Type.Object({ id: Type.String(), invitation_id: Type.String() })
