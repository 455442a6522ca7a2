import { defineEntity, p } from '@mikro-orm/core'

const organizationKey = { organizationId: p.uuid().primary(), id: p.uuid().primary() }
const now = () => new Date()

export const AppPasswordRow = defineEntity({
  name: 'AppPasswordRow',
  tableName: 'app_password',
  properties: {
    ...organizationKey,
    userId: p.uuid(),
    label: p.text(),
    hash: p.text(),
    keyId: p.text(),
    createdAt: p.datetime().onCreate(now),
    lastUsedAt: p.datetime().nullable(),
    revokedAt: p.datetime().nullable(),
  },
})

export const LoginRow = defineEntity({
  name: 'LoginRow',
  tableName: 'login',
  properties: { name: p.text().primary(), appPasswordId: p.uuid().primary(), organizationId: p.uuid() },
})

const ConnectorRow = defineEntity({
  name: 'ConnectorRow',
  tableName: 'connector',
  properties: {
    ...organizationKey,
    name: p.text(),
    isStrict: p.boolean(),
    staffRole: p.text().nullable(),
    createdAt: p.datetime().onCreate(now),
  },
})

export const ConnectorClientRow = defineEntity({
  name: 'ConnectorClientRow',
  tableName: 'connector_client',
  properties: {
    issuer: p.text().primary(),
    clientId: p.text().primary(),
    organizationId: p.uuid(),
    connectorId: p.uuid(),
    scopes: p.array<string>(),
    createdAt: p.datetime().onCreate(now),
  },
})

export const ApiTokenRow = defineEntity({
  name: 'ApiTokenRow',
  tableName: 'api_token',
  properties: {
    ...organizationKey,
    label: p.text(),
    hash: p.text(),
    keyId: p.text(),
    scopes: p.array<string>(),
    connectorId: p.uuid().nullable(),
    createdAt: p.datetime().onCreate(now),
    expiresAt: p.datetime().nullable(),
    lastUsedAt: p.datetime().nullable(),
    revokedAt: p.datetime().nullable(),
  },
})

export const WebSessionRow = defineEntity({
  name: 'WebSessionRow',
  tableName: 'web_session',
  properties: {
    ...organizationKey,
    userId: p.uuid(),
    hash: p.text(),
    keyId: p.text(),
    issuer: p.text().nullable(),
    sub: p.text().nullable(),
    sid: p.text().nullable(),
    createdAt: p.datetime(),
    lastUsedAt: p.datetime(),
    expiresAt: p.datetime(),
  },
})

export const LoginLinkRow = defineEntity({
  name: 'LoginLinkRow',
  tableName: 'login_link',
  properties: {
    ...organizationKey,
    userId: p.uuid(),
    hash: p.text(),
    keyId: p.text(),
    createdAt: p.datetime().onCreate(now),
    expiresAt: p.datetime(),
  },
})

const KeptAnswerRow = defineEntity({
  name: 'KeptAnswerRow',
  tableName: 'kept_answer',
  properties: {
    organizationId: p.uuid().primary(),
    userId: p.uuid().primary(),
    key: p.text().primary(),
    request: p.text(),
    answer: p.text(),
    createdAt: p.datetime(),
  },
})

/** What lets people and programs in, and what they were answered. */
export const ACCESS_ENTITIES = [
  AppPasswordRow,
  LoginRow,
  ConnectorRow,
  ConnectorClientRow,
  ApiTokenRow,
  WebSessionRow,
  LoginLinkRow,
  KeptAnswerRow,
]
