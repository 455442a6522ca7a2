import type { AttributeCondition, AttributeQuery, Id } from '#domain'
import type { Context, Text } from '../context.ts'
import { type JsonObject, ScimError } from '../protocol/messages.ts'
import type { Selection } from '../protocol/selection.ts'
import type { ResourceType } from '../schema/resource-type.ts'

/** What a request asks the state of a resource to be: the values of If-Match and If-None-Match. */
export interface Condition {
  readonly ifMatch?: string
  readonly ifNoneMatch?: string
}

export interface Written {
  readonly id: Id
  readonly etag: string
}

/** A new resource; how it is shown, where that is known without reading it. */
export interface Made extends Written {
  readonly text?: (selection: Selection) => Text
}

/** A resource of a list. */
export interface Listed {
  readonly id: Id
  readonly key: string | null
  readonly text: Text
}

/** One kind of resource: what a protocol verb does to it. */
export interface Resources {
  readonly type: ResourceType
  /** `id` is the one that others of the same bulk request know it by. */
  create(context: Context, body: JsonObject, id?: Id): Promise<Made>
  replace(context: Context, id: Id, body: JsonObject, condition: Condition): Promise<Written>
  patch(context: Context, id: Id, body: JsonObject, condition: Condition): Promise<Written>
  remove(context: Context, id: Id, condition: Condition): Promise<void>
  read(context: Context, id: Id, selection: Selection): Promise<(Written & { readonly text: Text }) | undefined>
  count(context: Context, where: AttributeCondition): Promise<number>
  page(context: Context, query: AttributeQuery, selection: Selection): Promise<Listed[]>
}

interface Revised {
  readonly revision: number | string
}

/** RFC 7644 §3.14: weak, since the same resource may be written in more than one way. */
export const etagOf = ({ revision }: Revised): string => `W/"${revision}"`

const bare = (tag: string): string => tag.trim().replace(/^W\//, '')

/** Whether a list of tags, as If-Match and If-None-Match have it, holds this one (RFC 9110 §13.1; compared weakly). */
export const matches = (list: string, etag: string): boolean =>
  list.trim() === '*' || list.split(',').some((tag) => bare(tag) === bare(etag))

/** @throws ScimError 412 */
export function assertVersion({ ifMatch, ifNoneMatch }: Condition, now: Revised): void {
  const etag = etagOf(now)
  if (ifMatch !== undefined && !matches(ifMatch, etag)) {
    throw new ScimError(412, `The resource is at version ${etag} by now: read it again`)
  }
  if (ifNoneMatch !== undefined && matches(ifNoneMatch, etag)) {
    throw new ScimError(412, `The resource is at version ${etag}, which If-None-Match rules out`)
  }
}
