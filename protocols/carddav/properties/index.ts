import type { QName } from '../names.ts'
import type { ResourceKind } from '../resources.ts'
import * as extensions from './extensions.ts'
import type { LiveProperty } from './property.ts'
import * as access from './rfc3744-access.ts'
import * as principals from './rfc3744-principals.ts'
import * as webdav from './rfc4918-webdav.ts'
import * as carddav from './rfc6352-carddav.ts'
import * as sync from './rfc6578-sync.ts'

/** Every live property, by the RFC that defines it. */
export const PROPERTIES: readonly LiveProperty[] = [webdav, principals, access, carddav, sync, extensions].flatMap(
  (file) => Object.values(file).filter((one) => typeof one === 'object'),
)

const BY_KIND = new Map<ResourceKind, Map<QName, LiveProperty>>()
for (const property of PROPERTIES) {
  for (const kind of property.on) {
    const known = BY_KIND.get(kind) ?? new Map<QName, LiveProperty>()
    BY_KIND.set(kind, known.set(property.name, property))
  }
}

/** The properties that a kind of resource has, by name. */
export const propertiesOf = (kind: ResourceKind): ReadonlyMap<QName, LiveProperty> => BY_KIND.get(kind) ?? new Map()
