import type { Actor, Id } from './actor.ts'
import type { Invitation, InvitationInForce, LinkHash, NewInvitation } from './invitations.ts'
import type { JoinRequest, OpenTeam } from './join-requests.ts'
import type { Membership, Role, Team, TeamDescription, TeamMember } from './teams.ts'

export type TeamPosition = Pick<Team, 'name' | 'id'>
export type TeamRole = Team & { readonly role: Role }
export type MemberPosition = Pick<TeamMember, 'joined' | 'userId'>
export interface MemberRow extends Omit<TeamMember, 'name'> {
  /** The line of their card that holds the name, folded as it is stored. */
  readonly nameLine?: string
}

export type RequestPosition = Pick<JoinRequest, 'asked' | 'userId'>
export type RequestRow = Omit<JoinRequest, 'name'> & Pick<MemberRow, 'nameLine'>

export interface Teams {
  insert(team: Team): Promise<void>
  find(organizationId: Id | undefined, by: Id | { name: string }): Promise<Team[]>
  list(organizationId?: Id): Promise<Team[]>
  /** Has those who replace its members wait for each other, until the transaction ends. */
  lockMembers(organizationId: Id, teamId: Id): Promise<void>
  /** Locks the team's row. */
  lock(organizationId: Id, id: Id): Promise<Team | undefined>
  /** Active memberships, longest-standing first. */
  members(organizationId: Id, teamId: Id): Promise<Membership[]>
  /** In the order of their ids. */
  teamsOf(organizationId: Id, userId: Id): Promise<Team[]>
  /** By name, those whose name has that text in it, after that one, each with the person's role in it. */
  mine(actor: Actor, text: string, after: TeamPosition | undefined, limit: number): Promise<TeamRole[]>
  /** Those of them who are in the team. */
  memberships(organizationId: Id, teamId: Id, userIds: readonly Id[]): Promise<Membership[]>
  /** Likewise, as the others see them. */
  shown(organizationId: Id, teamId: Id, userIds: readonly Id[]): Promise<MemberRow[]>
  /** Longest-standing first, after that one. */
  page(organizationId: Id, teamId: Id, after: MemberPosition | undefined, limit: number): Promise<MemberRow[]>
  /** Its owners, active or not. */
  owners(organizationId: Id, teamId: Id): Promise<Membership[]>
  /** An active owner, else the longest-standing active administrator, else member; whoever is `leaving` aside. */
  heir(organizationId: Id, teamId: Id, leaving?: Id): Promise<Membership | undefined>
  /** Adds the members, or takes them back: they are neither invited nor asking any more. */
  join(organizationId: Id, teamId: Id, userIds: readonly Id[], role: Role): Promise<void>
  setRole(organizationId: Id, teamId: Id, userId: Id, role: Role): Promise<void>
  describe(organizationId: Id, teamId: Id, said: TeamDescription): Promise<void>
  /** Whether colleagues may ask to join it. */
  setOpen(organizationId: Id, teamId: Id, isOpen: boolean): Promise<void>
  /** Has those who give teams parents wait for each other, until the transaction ends. */
  lockHierarchy(organizationId: Id): Promise<void>
  /** The team and all above it, the nearest first. */
  line(organizationId: Id, teamId: Id): Promise<Id[]>
  /** How many levels there are from the team downwards: 1 where it is nobody's parent. */
  height(organizationId: Id, teamId: Id): Promise<number>
  setParent(organizationId: Id, teamId: Id, parentId: Id | undefined): Promise<void>
  /** Gives the group card a new revision; `members` is by how many their number changes. */
  touch(organizationId: Id, teamId: Id, members: number): Promise<void>
  setSuspended(organizationId: Id, teamId: Id, suspended: boolean): Promise<void>
  delete(organizationId: Id, teamId: Id): Promise<void>
}

export interface Invitations {
  /** Has whoever invites wait for those who create users in the organization, and they for them, until the transaction ends. */
  lock(organizationId: Id, to: 'invite' | 'create users'): Promise<void>
  /** In force for so many days; undefined where another of that e-mail and team is in force. */
  insert(invitation: NewInvitation, days: number): Promise<Invitation | undefined>
  find(organizationId: Id, id: Id): Promise<Invitation | undefined>
  inForce(organizationId: Id, id: Id): Promise<InvitationInForce | undefined>
  /** False where it was sent again since, or is gone. */
  setLink(invitation: Invitation, link: LinkHash): Promise<boolean>
  /** Does nothing in that case. */
  setLetter(invitation: Invitation, letter: 'sent' | 'failed'): Promise<void>
  /** Expired ones too, by e-mail, after that one. */
  page(organizationId: Id, teamId: Id, after: string, limit: number): Promise<Invitation[]>
  /** Those in force for these e-mails, by team; `ownDomains`: of the organization's own mail domains alone. */
  waiting(organizationId: Id, emails: readonly string[], ownDomains: boolean): Promise<Invitation[]>
  /** In force for so many days from now, and longer than before; no link works until its letter is written. */
  renew(organizationId: Id, id: Id, days: number): Promise<Invitation | undefined>
  /** Deletes it where it is in force. */
  take(organizationId: Id, id: Id): Promise<Invitation | undefined>
  delete(organizationId: Id, id: Id): Promise<boolean>
  deleteAll(organizationId: Id, teamId: Id): Promise<void>
  /** Deletes those that expired before then. */
  forget(before: Date): Promise<void>
}

export interface JoinRequests {
  /** Teams that the person is not in and may ask to join, by name, after that one. */
  open(actor: Actor, after: TeamPosition | undefined, limit: number): Promise<OpenTeam[]>
  /** False where it waits already. */
  insert(organizationId: Id, teamId: Id, userId: Id): Promise<boolean>
  /** Says whether there was one. */
  delete(organizationId: Id, teamId: Id, userId: Id): Promise<boolean>
  deleteAll(organizationId: Id, teamId: Id): Promise<void>
  /** Of somebody active. */
  find(organizationId: Id, teamId: Id, userId: Id): Promise<RequestRow | undefined>
  /** Of those who are active, the oldest first, after that one. */
  page(organizationId: Id, teamId: Id, after: RequestPosition | undefined, limit: number): Promise<RequestRow[]>
}
