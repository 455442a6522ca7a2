import { defineEntity, p } from '@mikro-orm/core'
import { ACCESS_ENTITIES } from './schema-access.ts'
import { DIRECTORY_ENTITIES } from './schema-directories.ts'
import { OUTGOING_ENTITIES } from './schema-outgoing.ts'

/** Every key starts with the organization, so that the tables can be spread by it. */
const organizationKey = { organizationId: p.uuid().primary(), id: p.uuid().primary() }
const now = () => new Date()
const SCOPES = ['everyone', 'teams', 'none'] as const
type Scope = (typeof SCOPES)[number]

export const OrganizationRow = defineEntity({
  name: 'OrganizationRow',
  tableName: 'organization',
  properties: {
    id: p.uuid().primary(),
    name: p.text(),
    metadata: p.json<Record<string, unknown>>().onCreate(() => ({})),
    scope: p
      .text()
      .$type<Scope>()
      .onCreate(() => 'everyone'),
    teamCreation: p
      .text()
      .$type<'everyone' | 'administrators'>()
      .onCreate(() => 'everyone'),
    editableFields: p.array<string>().nullable(),
    isActive: p.boolean(),
    createdAt: p.datetime().onCreate(now),
  },
})

export const OrganizationDomainRow = defineEntity({
  name: 'OrganizationDomainRow',
  tableName: 'organization_domain',
  properties: { domain: p.text().primary(), organizationId: p.uuid() },
})

export const RegistrationIdRow = defineEntity({
  name: 'RegistrationIdRow',
  tableName: 'registration_id',
  properties: { value: p.text().primary(), organizationId: p.uuid() },
})

const UserRow = defineEntity({
  name: 'UserRow',
  tableName: 'user',
  properties: {
    ...organizationKey,
    userName: p.text(),
    userNameKey: p.text(),
    externalId: p.text().nullable(),
    email: p.text(),
    emailKey: p.text(),
    scope: p.text().$type<Scope>(),
    isActive: p.boolean(),
    isStaff: p.boolean(),
    isDevice: p.boolean(),
    peopleId: p.uuid(),
    profileId: p.uuid(),
    attributes: p.json<Record<string, unknown>>(),
    search: p.text().nullable(),
    found: p.text().nullable(),
    revision: p.bigint(),
    createdAt: p.datetime().onCreate(now),
    modifiedAt: p.datetime().onCreate(now),
  },
})

const IdentityRow = defineEntity({
  name: 'IdentityRow',
  tableName: 'identity',
  properties: {
    issuer: p.text().primary(),
    sub: p.text().primary(),
    organizationId: p.uuid(),
    userId: p.uuid(),
    said: p.json<object>().nullable(),
    saidAt: p.datetime().nullable(),
  },
})

export const AddressBookRow = defineEntity({
  name: 'AddressBookRow',
  tableName: 'address_book',
  properties: {
    ...organizationKey,
    ownerId: p.uuid(),
    name: p.text(),
    displayName: p.text(),
    description: p.text().nullable(),
    color: p.text().nullable(),
    directoryId: p.uuid().nullable(),
    createdAt: p.datetime().onCreate(now),
  },
})

const memberKey = { organizationId: p.uuid().primary(), userId: p.uuid().primary(), collectionId: p.uuid().primary() }

const ClientPropertyRow = defineEntity({
  name: 'ClientPropertyRow',
  tableName: 'client_property',
  properties: { ...memberKey, member: p.text().primary(), name: p.text().primary(), value: p.text() },
})

const LockRow = defineEntity({
  name: 'LockRow',
  tableName: 'lock',
  properties: {
    ...memberKey,
    id: p.uuid().primary(),
    member: p.text(),
    exclusive: p.boolean(),
    whole: p.boolean(),
    owner: p.text(),
    seconds: p.integer(),
    expiresAt: p.datetime(),
  },
})

const ContactRow = defineEntity({
  name: 'ContactRow',
  tableName: 'contact',
  properties: {
    ...organizationKey,
    kind: p.text().$type<'profile' | 'override' | 'personal' | 'directory'>(),
    ownerId: p.uuid().nullable(),
    bookId: p.uuid().nullable(),
    directoryId: p.uuid().nullable(),
    baseOrganizationId: p.uuid().nullable(),
    baseId: p.uuid().nullable(),
    baseKind: p.text().$type<'profile' | 'directory'>().nullable(),
    localBaseId: p.uuid().nullable().persist(false),
    name: p.text(),
    uid: p.text(),
    managed: p.text().nullable(),
    layer: p.json<object>().nullable(),
    version: p.text().$type<'3.0' | '4.0'>(),
    text: p.text(),
    text4: p.text().nullable().fieldName('text_4'),
    bytes: p.blob().nullable(),
    etag: p.text(),
    search: p.text().nullable(),
    size: p.integer().nullable(),
    listed: p.boolean(),
    createdAt: p.datetime().onCreate(now),
    modifiedAt: p.datetime().onCreate(now),
    deletedAt: p.datetime().nullable(),
  },
})

const CardVersionRow = defineEntity({
  name: 'CardVersionRow',
  tableName: 'card_version',
  properties: {
    ...organizationKey,
    contactId: p.uuid(),
    ownerId: p.uuid().nullable(),
    kind: p.text(),
    bookId: p.uuid().nullable(),
    name: p.text(),
    uid: p.text(),
    managed: p.text().nullable(),
    layer: p.json<object>().nullable(),
    version: p.text(),
    text: p.text(),
    bytes: p.blob().nullable(),
    etag: p.text(),
    replacedAt: p.datetime().onCreate(now),
  },
})

const HiddenRow = defineEntity({
  name: 'HiddenRow',
  tableName: 'hidden',
  properties: {
    organizationId: p.uuid().primary(),
    userId: p.uuid().primary(),
    memberId: p.uuid().primary(),
    createdAt: p.datetime().onCreate(now),
  },
})

export const TeamRow = defineEntity({
  name: 'TeamRow',
  tableName: 'team',
  properties: {
    ...organizationKey,
    name: p.text(),
    description: p.text().nullable(),
    externalId: p.text().nullable(),
    parentId: p.uuid().nullable(),
    isSynced: p.boolean(),
    isOpen: p.boolean(),
    isSuspended: p.boolean(),
    memberCount: p.integer(),
    revision: p.bigint().onCreate(() => 0n),
    stamp: p.bigint().onCreate(() => 0n),
    createdAt: p.datetime().onCreate(now),
    modifiedAt: p.datetime().onCreate(now),
    deletedAt: p.datetime().nullable(),
  },
})

const MembershipRow = defineEntity({
  name: 'MembershipRow',
  tableName: 'membership',
  properties: {
    organizationId: p.uuid().primary(),
    teamId: p.uuid().primary(),
    userId: p.uuid().primary(),
    role: p.text().$type<'member' | 'administrator' | 'owner'>(),
    joinedAt: p.datetime().onCreate(now),
    leftRevision: p.bigint().nullable(),
  },
})

const InvitationRow = defineEntity({
  name: 'InvitationRow',
  tableName: 'invitation',
  properties: {
    ...organizationKey,
    teamId: p.uuid(),
    email: p.text(),
    emailKey: p.text(),
    role: p.text().$type<'member' | 'administrator' | 'owner'>(),
    invitedBy: p.uuid().nullable(),
    hash: p.text().nullable(),
    keyId: p.text().nullable(),
    createdAt: p.datetime().onCreate(now),
    expiresAt: p.datetime(),
    letter: p.text().$type<'waiting' | 'sent' | 'failed'>().default('waiting'),
    sentAt: p.datetime().nullable(),
  },
})

const JoinRequestRow = defineEntity({
  name: 'JoinRequestRow',
  tableName: 'join_request',
  properties: {
    organizationId: p.uuid().primary(),
    teamId: p.uuid().primary(),
    userId: p.uuid().primary(),
    createdAt: p.datetime().onCreate(now),
  },
})

const StreamRow = defineEntity({
  name: 'StreamRow',
  tableName: 'stream',
  properties: {
    ...organizationKey,
    revision: p.bigint(),
    stamp: p.bigint(),
    floorRevision: p.bigint(),
    floorStamp: p.bigint(),
  },
})

const JournalRow = defineEntity({
  name: 'JournalRow',
  tableName: 'journal',
  properties: {
    organizationId: p.uuid().primary(),
    streamId: p.uuid().primary(),
    revision: p.bigint().primary(),
    member: p.text().primary(),
    stamp: p.bigint(),
    teamId: p.uuid().nullable(),
    kind: p.smallint(),
    at: p.datetime().onCreate(now),
  },
})

const SettingRow = defineEntity({
  name: 'SettingRow',
  tableName: 'setting',
  properties: { name: p.text().primary(), value: p.text() },
})

/**
 * Every table; a test holds them against the migrations. What is written row by row goes through them; users and
 * contacts (by the thousand) and the journal (one statement with what belongs to it) are written in SQL.
 */
export const ENTITIES = [
  OrganizationRow,
  OrganizationDomainRow,
  RegistrationIdRow,
  UserRow,
  IdentityRow,
  AddressBookRow,
  ...DIRECTORY_ENTITIES,
  ClientPropertyRow,
  LockRow,
  ContactRow,
  CardVersionRow,
  HiddenRow,
  TeamRow,
  MembershipRow,
  InvitationRow,
  JoinRequestRow,
  ...ACCESS_ENTITIES,
  StreamRow,
  JournalRow,
  ...OUTGOING_ENTITIES,
  SettingRow,
]
