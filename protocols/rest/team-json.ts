import type { Invitation, Invited, JoinRequest, TeamMember, TeamView } from '#domain'
import { shape } from './shape.ts'

/** A team as a list of mine has it. */
export const teamJson = ({ team, role, abilities }: TeamView) => ({
  id: team.id,
  name: team.name,
  description: team.description ?? null,
  is_open: team.isOpen,
  is_synced: team.isSynced,
  is_suspended: team.isSuspended,
  member_count: team.memberCount,
  role,
  abilities,
  created_at: team.createdAt,
  modified_at: team.modifiedAt,
})

/** Each of its changes gives it another revision; one's role and one's abilities are no change of the team. */
export const TEAM = shape<TeamView>(
  (view) => ({ ...teamJson(view), parent_id: view.team.parentId ?? null }),
  ({ team }) => team.revision,
)

export const MEMBER = shape<TeamMember>(({ userId, profileId, name, email, role, isActive, joinedAt }) => ({
  user_id: userId,
  profile_id: profileId,
  name,
  email,
  role,
  is_active: isActive,
  joined_at: joinedAt,
}))

export const JOIN_REQUEST = shape<JoinRequest>(
  ({ userId, profileId, name, email, askedAt }) => ({
    user_id: userId,
    profile_id: profileId,
    name,
    email,
    asked_at: askedAt,
  }),
  ({ asked }) => asked,
)

export const INVITATION = shape<Invitation>(({ id, email, role, invitedBy, createdAt, expiresAt, letter, sentAt }) => ({
  id,
  email,
  role,
  invited_by: invitedBy ?? null,
  created_at: createdAt,
  expires_at: expiresAt,
  letter,
  sent_at: sentAt ?? null,
}))

/** Who was added at once, or the invitation; never what its link holds. */
export const invitedText = (invited: Invited): { readonly text: string; readonly etag: string } =>
  'added' in invited
    ? { text: MEMBER.text(invited.added), etag: MEMBER.etag(invited.added) }
    : { text: INVITATION.text(invited.invitation), etag: INVITATION.etag(invited.invitation) }
