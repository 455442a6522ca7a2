import type { QName } from '../names.ts'
import type { Context, Resource, ResourceKind } from '../resources.ts'
import type { XmlElement } from '../xml.ts'

/** A REPORT (RFC 3253 §3.6): what it answers on which kinds of resource. */
export interface Report {
  readonly name: QName
  readonly on: readonly ResourceKind[]
  /** Where no other Depth is defined for it: 400. */
  readonly depth?: '0'
  /** Parts of a multistatus, or a whole document of another kind. @throws DavError, DomainError before the first part: once an answer has begun its status is told. */
  run(root: XmlElement, resource: Resource, context: Context): Promise<AsyncIterable<string> | string>
}
