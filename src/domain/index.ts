export { type Actor, asId, assertRecent, type Id } from './actor.ts'
export { attributesOf, type PersonAttributes, type PostalAddress, shownName, type TypedValue } from './attributes.ts'
export * from './changes.ts'
export { type Colleague, ColleagueService, type Colleagues, type Viewer } from './colleagues.ts'
export { ConnectorWork } from './connector-work.ts'
export {
  type Bearer,
  type Connector,
  type ConnectorChange,
  type ConnectorClient,
  ConnectorService,
} from './connectors.ts'
export { AddressBooks, type Changes } from './contacts/address-book.ts'
export { ContactBatch, type Operation, OperationRefused, type Outcome } from './contacts/batch.ts'
export { BookService, bookProblem } from './contacts/book-service.ts'
export { ClientPropertyService, type PropertyChange } from './contacts/client-property-service.ts'
export {
  type Collection,
  collectionId,
  collectionOfBook,
  type DirectoryKey,
  directoryBookName,
  directoryInBookName,
  directoryOf,
  type SharedBook,
  sharedBookId,
} from './contacts/collection.ts'
export type { Condition, State } from './contacts/condition.ts'
export * from './contacts/contact.ts'
export { ContactService } from './contacts/contact-service.ts'
export { type ContactChange, ContactDataService, type ContactPage, type HiddenPage } from './contacts/data-service.ts'
export { ContactFeed, type FeedPage, type ListedContact } from './contacts/feed.ts'
export { HistoryService, type Restored, type Version as ContactVersion, type VersionPage } from './contacts/history.ts'
export { ContactImport, type Imported } from './contacts/import.ts'
export type { Lock } from './contacts/lock.ts'
export { LockService } from './contacts/lock-service.ts'
export * from './contacts/overlay.ts'
export { type ContactPosition, type ContactSearch, isFullOf, type SeenContact } from './contacts/seen.ts'
export { MAX_CARD_BYTES, type Written } from './contacts/sent.ts'
export { TEAM_CARD_RENDERER, teamCard } from './contacts/team-card.ts'
export type { Transfer } from './contacts/transfer.ts'
export type * from './directory.ts'
export { DomainError, type DomainErrorCode, type DomainErrorDetails, notFound } from './errors.ts'
export { type HookChange, type HookOwner, HookService, type NewHook } from './hook-service.ts'
export * from './hooks.ts'
export { type Identity, IdentityService } from './identities.ts'
export { type InvitationLetter, InvitationLetters, type InvitationTold } from './invitation-letters.ts'
export {
  INVITATION_DAYS,
  type Invitation,
  type InvitationInForce,
  type InvitationLinks,
  InvitationService,
  type Invited,
  type LinkHash,
  type NewInvitation,
} from './invitations.ts'
export {
  type Attempt,
  type Enqueued,
  GivenUp,
  JOB_KINDS,
  type Job,
  type JobHandlers,
  type JobQueue,
  type JobRules,
  rulesOf,
} from './jobs.ts'
export { type JoinRequest, JoinRequestService, type OpenTeam } from './join-requests.ts'
export { type KeptAnswer, type KeptAnswers, Once } from './once.ts'
export { type Abilities, type OrganizationView, OrganizationWork } from './organization-work.ts'
export {
  mailDomain,
  type Organization,
  type OrganizationChange,
  OrganizationService,
  SCOPES,
  type Scope,
  TEAM_CREATIONS,
  type TeamCreation,
} from './organizations.ts'
export * from './outgoing-events.ts'
export { type Myself, OwnProfileService } from './own-profile.ts'
export { People, type Person } from './people.ts'
export type * from './ports.ts'
export type * from './ports-access.ts'
export type * from './ports-directories.ts'
export type * from './ports-history.ts'
export type * from './ports-hooks.ts'
export type * from './ports-teams.ts'
export { type DirectoryWords, SharedDirectoryService } from './shared-directories/directory-service.ts'
export { DirectoryEntryService } from './shared-directories/entry-service.ts'
export type * from './shared-directories/shared-directory.ts'
export { SubscriptionService } from './shared-directories/subscription-service.ts'
export {
  type IssuerPolicy,
  type SignInClaims,
  type SignInRefusal,
  type SignInResult,
  SignInService,
} from './sign-in.ts'
export type { Said } from './sign-in-claims.ts'
export type { MemberChange } from './team-members.ts'
export { DEEDS, type Expected } from './team-role.ts'
export { type TeamAmendment, type TeamView, type TeamWords, TeamWork } from './team-work.ts'
export {
  type Membership,
  ROLES,
  type Role,
  type Team,
  type TeamDescription,
  type TeamMember,
  TeamService,
} from './teams.ts'
export {
  type ManagedUser,
  type NewUser,
  type Provisioned,
  type User,
  type UserAttributes,
  UserService,
  userNameKey,
} from './users.ts'
