import { defineEntity, p } from '@mikro-orm/core'

const now = () => new Date()

const OutgoingEventRow = defineEntity({
  name: 'OutgoingEventRow',
  tableName: 'outgoing_event',
  properties: {
    organizationId: p.uuid().primary(),
    revision: p.bigint().primary(),
    ordinal: p.integer().primary(),
    teamId: p.uuid().nullable(),
    kind: p.text(),
    payload: p.json<object>(),
    at: p.datetime().onCreate(now),
  },
})

const OutgoingHookRow = defineEntity({
  name: 'OutgoingHookRow',
  tableName: 'outgoing_hook',
  properties: {
    organizationId: p.uuid().primary(),
    id: p.uuid().primary(),
    teamId: p.uuid().nullable(),
    name: p.text(),
    url: p.text(),
    format: p.text().$type<'standard-webhooks' | 'scim'>(),
    secret: p.text(),
    previousSecret: p.text().nullable(),
    previousUntil: p.datetime().nullable(),
    cursorRevision: p.bigint(),
    cursorOrdinal: p.integer(),
    condition: p.text().$type<'running' | 'stopped' | 'needs-resync'>(),
    reason: p.text().nullable(),
    attempts: p.integer().onCreate(() => 0),
    nextAttemptAt: p.datetime().nullable(),
    lastSuccessAt: p.datetime().nullable(),
    lastAttemptAt: p.datetime().nullable(),
    lastStatus: p.integer().nullable(),
    lastError: p.text().nullable(),
    resync: p.json<object>().nullable(),
    lease: p.uuid().nullable(),
    leasedUntil: p.datetime().nullable(),
    revision: p.integer().onCreate(() => 1),
    createdAt: p.datetime().onCreate(now),
  },
})

const OutgoingHookReferenceRow = defineEntity({
  name: 'OutgoingHookReferenceRow',
  tableName: 'outgoing_hook_reference',
  properties: {
    organizationId: p.uuid().primary(),
    hookId: p.uuid().primary(),
    kind: p.text().$type<'user' | 'team'>().primary(),
    localId: p.uuid().primary(),
    remoteId: p.text(),
    made: p.boolean(),
  },
})

/** What hooks hear of, how far each is, and who is who at their receivers. */
export const OUTGOING_ENTITIES = [OutgoingEventRow, OutgoingHookRow, OutgoingHookReferenceRow]
