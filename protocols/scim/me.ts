import type { Actor, OwnProfileService, PersonAttributes } from '#domain'
import type { Answer, Context } from './context.ts'
import { badRequest, type JsonObject } from './protocol/messages.ts'
import { type Attributes, operationsOf, patched } from './protocol/patch.ts'
import { inUrl, selected } from './protocol/query.ts'
import { attributesOf } from './protocol/resource-body.ts'
import { Selection } from './protocol/selection.ts'
import { sameValue } from './protocol/values.ts'
import { notAllowed } from './resources/handle.ts'
import { assertVersion, type Condition, etagOf, matches } from './resources/resources.ts'
import { userText, writable } from './resources/users.ts'
import { USERS } from './schema/resource-type.ts'

interface Asked {
  readonly method: string
  readonly search: string
  readonly body: () => JsonObject
  readonly condition: Condition
}

/** RFC 7644 §3.11: the bearer's own user. What they change is theirs: it lies over what the organization manages. */
export async function me(
  { method, search, body, condition }: Asked,
  actor: Actor,
  profile: OwnProfileService,
  context: Omit<Context, 'connector'>,
): Promise<Answer> {
  const { attributes, excludedAttributes } = selected(inUrl(search))
  const selection = Selection.of(USERS, context.strict, attributes, excludedAttributes)
  if (method === 'PUT') {
    const said = attributesOf(body(), USERS, context.strict)
    // what is managed and not told of stays: it is not theirs to take away
    await amend((now, managed) => ({ ...managed, active: now.active ?? true, ...said }))
  } else if (method === 'PATCH') {
    const operations = operationsOf(body(), USERS, context)
    await amend((now) => patched(now, operations, USERS, context))
  } else if (method !== 'GET') throw notAllowed(method, 'GET, PUT, PATCH')
  const user = await profile.read(actor)
  const etag = etagOf({ revision: user.version })
  const location = `${context.base}/Users/${user.id}`
  if (method === 'GET' && condition.ifNoneMatch !== undefined && matches(condition.ifNoneMatch, etag)) {
    return { status: 304, etag }
  }
  return { status: 200, body: userText(user, selection, context, etag), etag, location }

  async function amend(change: (now: Attributes, managed: Attributes) => Attributes): Promise<void> {
    await profile.amend(actor, ({ user: managed, attributes: mine, version }) => {
      assertVersion(condition, { revision: version })
      const now = writable({ ...managed, attributes: mine })
      const wanted = change(now, writable(managed))
      for (const name of ['userName', 'externalId', 'active']) {
        if (!sameValue(now[name], wanted[name])) {
          throw badRequest('mutability', `Your organization manages "${name}": ask its administrators to change it`)
        }
      }
      const { userName: _, externalId: __, active: ___, ...rest } = wanted
      return rest as PersonAttributes // by the table of attributes
    })
  }
}
