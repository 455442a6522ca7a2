import type { QName } from '../names.ts'
import type { Context, Resource, ResourceKind } from '../resources.ts'
import type { XmlElement } from '../xml.ts'

/** A REPORT (RFC 3253 §3.6): what it answers on which kinds of resource, as parts of a multistatus. */
export interface Report {
  readonly name: QName
  readonly on: readonly ResourceKind[]
  /** @throws DavError, DomainError before the first part: once an answer has begun its status is told. */
  run(root: XmlElement, resource: Resource, context: Context): Promise<AsyncIterable<string>>
}
