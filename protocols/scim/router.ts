import type { Bearer, Connector, OwnProfileService } from '#domain'
import { type Answer, type Context, json, type Services } from './context.ts'
import { DISCOVERY, discovered, MAX_OPERATIONS } from './discovery.ts'
import { me } from './me.ts'
import { type BulkOperation, bulk } from './protocol/bulk.ts'
import { listOf } from './protocol/list.ts'
import { badRequest, type JsonObject, parseBody, ScimError } from './protocol/messages.ts'
import { inBody, inUrl, queryOf } from './protocol/query.ts'
import { refusal } from './refusals.ts'
import { groups } from './resources/groups.ts'
import { handle, notAllowed } from './resources/handle.ts'
import type { Condition, Resources } from './resources/resources.ts'
import { users } from './resources/users.ts'

/** A request, read from the wire. */
export interface Call {
  readonly method: string
  /** What the path has after /scim/v2. */
  readonly segments: readonly string[]
  readonly search: string
  readonly body: Uint8Array | undefined
  readonly condition: Condition
}

export interface Served extends Services {
  readonly base: string
  readonly ownProfile: OwnProfileService
  readonly bodyLimit: number
}

const KINDS: readonly Resources[] = [users, groups]
const READING: ReadonlySet<string> = new Set(['GET'])

const nothing = (): ScimError => new ScimError(404, 'There is no such resource, and no such endpoint')

/** Answers a call of somebody who was let in. @throws ScimError, DomainError */
export async function answer(call: Call, bearer: Bearer, served: Served): Promise<Answer> {
  const [first, ...rest] = call.segments
  if (first !== undefined && DISCOVERY.has(first)) return discovery(call, served)
  if (bearer.kind === 'user') {
    if (first !== 'Me' || rest.length > 0) throw new ScimError(403, "A person's own token opens /Me alone")
    const asked = { ...call, body: () => parseBody(call.body) }
    return await me(asked, bearer.actor, served.ownProfile, { ...served, strict: false })
  }
  if (first === 'Me') throw new ScimError(404, 'This token is of a connector, not of a person: there is no /Me')
  const context = contextOf(bearer.connector, served)
  if (first === 'Bulk' && rest.length === 0) return await bulkAnswer(call, bearer.mayWrite, context)
  if (first === undefined || first === '.search') return await search(call, KINDS, first === '.search', context)
  const kind = KINDS.find(({ type }) => type.endpoint === `/${first}`)
  if (!kind || rest.length > 1) throw nothing()
  const [id] = rest
  if (id === '.search') return await search(call, [kind], true, context)
  if (id === undefined && call.method === 'GET') return await search(call, [kind], false, context)
  if (!READING.has(call.method)) assertMayWrite(bearer.mayWrite)
  const { method, condition, search: parameters, body } = call
  return await handle(
    kind,
    { method, condition, search: parameters, body: () => parseBody(body), ...(id === undefined ? {} : { id }) },
    context,
  )
}

const contextOf = (connector: Connector, { users: service, teams, directory, base }: Served): Context => ({
  users: service,
  teams,
  directory,
  base,
  connector,
  strict: connector.isStrict,
})

function assertMayWrite(mayWrite: boolean): void {
  if (!mayWrite) throw new ScimError(403, 'This token may only read')
}

/** RFC 7644 §4: a filter on what is discovered is refused. */
function discovery({ method, segments, search: parameters }: Call, { base, bodyLimit }: Served): Answer {
  if (method !== 'GET') throw notAllowed(method, 'GET')
  if (inUrl(parameters)('filter') !== undefined) throw new ScimError(403, 'What is discovered is not filtered')
  const found = segments.length > 2 ? undefined : discovered(segments, base, bodyLimit)
  if (!found) throw nothing()
  return json(200, found)
}

/** RFC 7644 §3.4.2, §3.4.3: by a query string, or by a body where that would tell too much. */
async function search(call: Call, kinds: readonly Resources[], byBody: boolean, context: Context): Promise<Answer> {
  const expected = byBody ? 'POST' : 'GET'
  if (call.method !== expected) throw notAllowed(call.method, expected)
  const query = queryOf(byBody ? inBody(parseBody(call.body), context.strict) : inUrl(call.search))
  return { status: 200, body: await listOf(kinds, query, context) }
}

async function bulkAnswer(call: Call, mayWrite: boolean, context: Context): Promise<Answer> {
  if (call.method !== 'POST') throw notAllowed(call.method, 'POST')
  assertMayWrite(mayWrite)
  const perform = (operation: BulkOperation) => performed(operation, context)
  const limits = { maxOperations: MAX_OPERATIONS, strict: context.strict, base: context.base }
  return json(200, await bulk(parseBody(call.body), perform, refusal, limits))
}

/** One operation of a bulk request, as the request that it stands for. */
async function performed({ method, path, version, data, newId }: BulkOperation, context: Context): Promise<Answer> {
  const relative = path.startsWith(context.base) ? path.slice(context.base.length) : path
  const [first, id, ...rest] = relative.split('/').filter((part) => part !== '')
  const kind = KINDS.find(({ type }) => type.endpoint === `/${first}`)
  if (!kind || rest.length > 0) throw badRequest('invalidPath', `"${path}" is no path of a user or group`)
  if (method === 'POST' && id !== undefined)
    throw badRequest('invalidPath', 'POST makes a resource: its path has no id')
  if (method !== 'POST' && id === undefined) throw badRequest('invalidPath', `"${path}" has no id`)
  const body = (): JsonObject => {
    if (!data) throw badRequest('invalidSyntax', `${method} needs "data"`)
    return data
  }
  const condition = version === undefined ? {} : { ifMatch: version }
  return await handle(
    kind,
    {
      method,
      search: '',
      body,
      condition,
      ...(id === undefined ? {} : { id }),
      ...(newId === undefined ? {} : { newId }),
    },
    context,
  )
}
