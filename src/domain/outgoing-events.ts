import type { Id } from './actor.ts'
import type { Role } from './teams.ts'

/** A user as receivers are told of them: nothing that only colleagues know, and never what somebody laid over a card. */
export interface ToldUser {
  readonly id: Id
  readonly userName: string
  readonly externalId?: string
  readonly email: string
  readonly isActive: boolean
}

export interface ToldTeam {
  readonly id: Id
  readonly name: string
  readonly externalId?: string
}

export const TEAM_EVENTS = ['team.created', 'team.changed', 'team.suspended', 'team.resumed', 'team.deleted'] as const
export const USER_EVENTS = [
  'user.created',
  'user.changed',
  'user.activated',
  'user.deactivated',
  'user.deleted',
] as const

/** What is told, as it happens; `was` of a user whose row is gone when the transaction ends. */
export type OutgoingEvent =
  | { readonly kind: (typeof TEAM_EVENTS)[number]; readonly teamId: Id }
  | {
      readonly kind: 'member.joined' | 'member.role_changed'
      readonly teamId: Id
      readonly userId: Id
      readonly role: Role
    }
  | { readonly kind: 'member.left'; readonly teamId: Id; readonly userId: Id; readonly was?: ToldUser }
  | { readonly kind: (typeof USER_EVENTS)[number]; readonly userId: Id; readonly was?: ToldUser }

export type OutgoingKind = OutgoingEvent['kind']

/** A place in the organization's log. Nothing is told of twice at one place; the order is that of commits. */
export interface EventPlace {
  readonly revision: bigint
  readonly ordinal: number
}

/** An event as it was when it was committed. */
export interface LoggedEvent extends EventPlace {
  readonly kind: OutgoingKind
  readonly at: Date
  readonly team?: ToldTeam
  readonly user?: ToldUser
  readonly role?: Role
}

export const toldUser = ({ id, userName, externalId, email, isActive }: ToldUser): ToldUser => ({
  id,
  userName,
  email,
  isActive,
  ...(externalId === undefined ? {} : { externalId }),
})
