import { asId, type Id } from '#domain'
import type { Answer, Context } from '../context.ts'
import { type JsonObject, ScimError } from '../protocol/messages.ts'
import { inUrl, selected } from '../protocol/query.ts'
import { Selection } from '../protocol/selection.ts'
import { type Condition, matches, type Resources } from './resources.ts'

/** A request on one resource, or on all of one kind. */
export interface Request {
  readonly method: string
  /** What comes after the kind: the id, as it was written. */
  readonly id?: string
  readonly search: string
  /** Read when it is asked for: refused where there is none. */
  readonly body: () => JsonObject
  readonly condition: Condition
  /** The id that a new resource gets. */
  readonly newId?: Id
}

const ALLOWED = { all: 'GET, POST', one: 'GET, PUT, PATCH, DELETE' }

export const notAllowed = (method: string, allowed: string): ScimError =>
  new ScimError(405, `${method} is not served here, but ${allowed}`, undefined, allowed)

/** RFC 7644 §3: what a method does to resources. @throws ScimError, DomainError */
export async function handle(resources: Resources, request: Request, context: Context): Promise<Answer> {
  const { method, search, condition } = request
  const { type } = resources
  const { attributes, excludedAttributes } = selected(inUrl(search))
  const selection = Selection.of(type, context.strict, attributes, excludedAttributes)
  if (request.id === undefined) {
    if (method !== 'POST') throw notAllowed(method, ALLOWED.all)
    const made = await resources.create(context, request.body(), request.newId)
    const text = made.text?.(selection)
    return { ...(await shown(resources, made.id, selection, context, 201, text)), etag: made.etag }
  }
  const id = asId(request.id)
  if (id === undefined || id !== request.id) throw gone(resources, request.id)
  switch (method) {
    case 'GET': {
      const found = await resources.read(context, id, selection)
      if (!found) throw gone(resources, id)
      if (condition.ifNoneMatch !== undefined && matches(condition.ifNoneMatch, found.etag)) {
        return { status: 304, etag: found.etag }
      }
      return { status: 200, body: found.text, etag: found.etag, location: locationOf(resources, id, context) }
    }
    case 'PUT': {
      await resources.replace(context, id, request.body(), condition)
      return await shown(resources, id, selection, context, 200)
    }
    case 'PATCH': {
      const { etag } = await resources.patch(context, id, request.body(), condition)
      // where suites disagree: a group, which may be large, is sent back only where its attributes are asked for
      if (type.name === 'Group' && !selection.isTold) {
        return { status: 204, etag, location: locationOf(resources, id, context) }
      }
      return await shown(resources, id, selection, context, 200)
    }
    case 'DELETE':
      await resources.remove(context, id, condition)
      return { status: 204 }
    default:
      throw notAllowed(method, ALLOWED.one)
  }
}

const gone = ({ type }: Resources, id: string): ScimError => new ScimError(404, `There is no ${type.name} "${id}"`)

const locationOf = ({ type }: Resources, id: Id, { base }: Context): string => `${base}${type.endpoint}/${id}`

async function shown(
  resources: Resources,
  id: Id,
  selection: Selection,
  context: Context,
  status: number,
  text?: Answer['body'],
): Promise<Answer> {
  const location = locationOf(resources, id, context)
  if (text !== undefined) return { status, body: text, location }
  const found = await resources.read(context, id, selection)
  if (!found) throw gone(resources, id) // deleted meanwhile
  return { status, body: found.text, location, etag: found.etag }
}
