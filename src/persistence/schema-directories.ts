import { defineEntity, p } from '@mikro-orm/core'

const now = () => new Date()

const DirectoryRow = defineEntity({
  name: 'DirectoryRow',
  tableName: 'directory',
  properties: {
    organizationId: p.uuid().primary(),
    id: p.uuid().primary(),
    name: p.text(),
    description: p.text().nullable(),
    createdAt: p.datetime().onCreate(now),
    deletedAt: p.datetime().nullable(),
  },
})

const DirectoryManagerRow = defineEntity({
  name: 'DirectoryManagerRow',
  tableName: 'directory_manager',
  properties: {
    organizationId: p.uuid().primary(),
    directoryId: p.uuid().primary(),
    userId: p.uuid().primary(),
    createdAt: p.datetime().onCreate(now),
  },
})

const DirectoryOfferRow = defineEntity({
  name: 'DirectoryOfferRow',
  tableName: 'directory_offer',
  properties: {
    domain: p.text().primary(),
    directoryId: p.uuid().primary(),
    organizationId: p.uuid(),
    id: p.uuid(),
    createdAt: p.datetime().onCreate(now),
    acceptedBy: p.uuid().nullable(),
    declinedAt: p.datetime().nullable(),
  },
})

const DirectorySubscriberRow = defineEntity({
  name: 'DirectorySubscriberRow',
  tableName: 'directory_subscriber',
  properties: {
    organizationId: p.uuid().primary(),
    directoryId: p.uuid().primary(),
    subscriberId: p.uuid().primary(),
    createdAt: p.datetime().onCreate(now),
  },
})

const DirectorySubscriptionRow = defineEntity({
  name: 'DirectorySubscriptionRow',
  tableName: 'directory_subscription',
  properties: {
    organizationId: p.uuid().primary(),
    directoryId: p.uuid().primary(),
    publisherId: p.uuid(),
    id: p.uuid(),
    name: p.text(),
    description: p.text().nullable(),
    createdAt: p.datetime().onCreate(now),
  },
})

/** The tables of shared directories. */
export const DIRECTORY_ENTITIES = [
  DirectoryRow,
  DirectoryManagerRow,
  DirectoryOfferRow,
  DirectorySubscriberRow,
  DirectorySubscriptionRow,
] as const
