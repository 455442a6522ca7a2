import { defineEntity, p } from '@mikro-orm/core'

const organizationKey = { organizationId: p.uuid().primary(), id: p.uuid().primary() }

export const OrganizationRow = defineEntity({
  name: 'OrganizationRow',
  tableName: 'organization',
  properties: {
    id: p.uuid().primary(),
    name: p.text(),
    metadata: p.json<Record<string, unknown>>().onCreate(() => ({})),
    scope: p
      .text()
      .$type<'everyone' | 'teams' | 'none'>()
      .onCreate(() => 'everyone'),
    isActive: p.boolean(),
    createdAt: p.datetime().onCreate(() => new Date()),
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
    createdAt: p.datetime().onCreate(() => new Date()),
  },
})

export const TeamRow = defineEntity({
  name: 'TeamRow',
  tableName: 'team',
  properties: {
    ...organizationKey,
    name: p.text(),
    parentId: p.uuid().nullable(),
    isSynced: p.boolean(),
    isSuspended: p.boolean(),
    memberCount: p.integer(),
    revision: p.bigint().onCreate(() => 0n),
    stamp: p.bigint().onCreate(() => 0n),
    createdAt: p.datetime().onCreate(() => new Date()),
    modifiedAt: p.datetime().onCreate(() => new Date()),
    deletedAt: p.datetime().nullable(),
  },
})

export const AppPasswordRow = defineEntity({
  name: 'AppPasswordRow',
  tableName: 'app_password',
  properties: {
    ...organizationKey,
    userId: p.uuid(),
    label: p.text(),
    hash: p.text(),
    keyId: p.text(),
    createdAt: p.datetime().onCreate(() => new Date()),
    lastUsedAt: p.datetime().nullable(),
    revokedAt: p.datetime().nullable(),
  },
})

export const LoginRow = defineEntity({
  name: 'LoginRow',
  tableName: 'login',
  properties: { name: p.text().primary(), appPasswordId: p.uuid().primary(), organizationId: p.uuid() },
})

/**
 * The tables that are written row by row. Users and contacts (written by the thousand), memberships, streams and the
 * journal (written by one statement with what belongs to it) are rows of SQL in their own files.
 */
export const ENTITIES = [
  OrganizationRow,
  OrganizationDomainRow,
  RegistrationIdRow,
  AddressBookRow,
  TeamRow,
  AppPasswordRow,
  LoginRow,
]
