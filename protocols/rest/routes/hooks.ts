import type { FastifyRequest } from 'fastify'
import type { Hook as DomainHook, HookAttempt, HookOwner, Id } from '#domain'
import { etagOfContent, sendRead, sendWritten } from '../conditions.ts'
import { type App, type Context, empty, headers, IfMatch, IfNoneMatch, json, refusals } from '../context.ts'
import { BY_TIME, pageFrom, placeOf } from '../cursor.ts'
import { idOf, PAGE_SIZE } from '../ids.ts'
import {
  Hook,
  HookMerge,
  HookNew,
  HookPage,
  HooksQuery,
  HookTest,
  HookWithSecret,
  OfOrganization,
  OfTeam,
  OrganizationHook,
  TeamHook,
} from '../schemas-hooks.ts'

const attemptJson = ({ at, status, error }: HookAttempt) => ({
  at: at.toISOString(),
  status: status ?? null,
  error: error ?? null,
})

const hookJson = (hook: DomainHook) => ({
  id: hook.id,
  name: hook.name,
  url: hook.url,
  format: hook.format,
  state: hook.state,
  reason: hook.reason ?? null,
  behind: hook.behind,
  last_success_at: hook.lastSuccessAt?.toISOString() ?? null,
  last_attempt: hook.lastAttempt ? attemptJson(hook.lastAttempt) : null,
  next_attempt_at: hook.nextAttemptAt?.toISOString() ?? null,
  created_at: hook.createdAt.toISOString(),
})

const textOf = (hook: DomainHook): string => JSON.stringify(hookJson(hook))
/** Of what its administrators say, then of how it fares. */
const etagOf = (hook: DomainHook): string => `"${hook.revision}.${etagOfContent(textOf(hook)).slice(1)}`

/** RFC 9110 §13.1.1. That it fared on meanwhile is no change that somebody could undo. */
function seenOf({ headers }: FastifyRequest): ((now: DomainHook) => boolean) | undefined {
  const header = headers['if-match']?.trim()
  if (header === undefined || header === '*') return undefined
  const revisions = [...header.matchAll(/(W\/)?"(\d+)\.[\w-]+"/g)].flatMap(([, weak, revision]) =>
    weak ? [] : [revision],
  )
  return ({ revision }) => revisions.includes(String(revision))
}

interface Where {
  readonly path: string
  readonly of: string
  readonly named: string
  readonly collection: typeof OfOrganization
  readonly one: typeof OrganizationHook
}

const ORGANIZATION: Where = {
  path: '/organization/hooks',
  of: 'your organization',
  named: 'OrganizationHook',
  collection: OfOrganization,
  one: OrganizationHook,
}
/** Its addresses name the team too. */
const TEAM: Where = { path: '/teams/:id/hooks', of: 'a team', named: 'TeamHook', collection: OfTeam, one: TeamHook }

/** What applications are told of: hooks of the organization by its administrators, of teams by theirs. */
export function hookRoutes(app: App, context: Context): void {
  for (const where of [ORGANIZATION, TEAM]) routesOf(app, context, where)
}

const ownerOf = (params: object): HookOwner => ('id' in params ? idOf(String(params.id)) : undefined)

function routesOf(app: App, { actorOf, hooks }: Context, { path, of, named, collection, one }: Where): void {
  const tags = ['Hooks']
  const absent = path === TEAM.path ? ([404] as const) : []
  const tokens = path === TEAM.path ? [] : ([422] as const) // a SCIM server's hook, which only organizations have, has no secret
  const known = { 304: { description: 'As you know it' } }

  app.get(path, {
    exposeHeadRoute: true,
    schema: {
      operationId: `list${named}s`,
      tags,
      summary: `Hooks of ${of}, the oldest first`,
      params: collection,
      querystring: HooksQuery,
      headers: headers(IfNoneMatch),
      response: { 200: json('A page', HookPage), ...known, ...refusals(400, ...absent) },
    },
    handler: async (request, reply) => {
      const { limit = PAGE_SIZE, cursor } = request.query
      const after = placeOf(cursor, BY_TIME)?.[1]
      const found = await hooks.list(actorOf(request), ownerOf(request.params), after, limit + 1)
      const page = pageFrom(found, limit, hookJson, ({ createdAt, id }) => [String(createdAt.getTime()), id])
      return sendRead(request, reply, page)
    },
  })

  app.post(path, {
    config: { secrets: ['secret'] },
    schema: {
      operationId: `add${named}`,
      tags,
      summary: `Have a receiver told of what happens in ${of}`,
      params: collection,
      body: HookNew,
      response: {
        201: json('It is there now, with the secret that messages are signed with', HookWithSecret),
        ...refusals(400, ...absent, 413, 415, 422),
      },
    },
    handler: async (request, reply) => {
      const { hook, secret } = await hooks.create(actorOf(request), ownerOf(request.params), request.body)
      reply.header('location', `${request.url.replace(/\?.*/, '')}/${hook.id}`)
      return sendWritten(reply, 201, withSecret(hook, secret), etagOf(hook))
    },
  })

  app.get(`${path}/:hook`, {
    exposeHeadRoute: true,
    schema: {
      operationId: `get${named}`,
      tags,
      summary: `A hook of ${of}, and how it fares`,
      params: one,
      headers: headers(IfNoneMatch),
      response: { 200: json('The hook', Hook), ...known, ...refusals(404) },
    },
    handler: async (request, reply) => {
      const hook = await hooks.get(actorOf(request), ownerOf(request.params), idOf(request.params.hook))
      return sendRead(request, reply, textOf(hook), etagOf(hook))
    },
  })

  app.patch(`${path}/:hook`, {
    schema: {
      operationId: `change${named}`,
      tags,
      summary: `Change a hook of ${of}: another url of a scim server needs its token too`,
      params: one,
      headers: headers(IfMatch),
      body: HookMerge,
      response: { 200: json('As it is now', Hook), ...refusals(400, 404, 412, 413, 415, 422) },
    },
    handler: async (request, reply) => {
      const { params, body } = request
      const owner = ownerOf(params)
      const hook = await hooks.change(actorOf(request), owner, idOf(params.hook), body, seenOf(request))
      return sendWritten(reply, 200, textOf(hook), etagOf(hook))
    },
  })

  app.delete(`${path}/:hook`, {
    schema: {
      operationId: `remove${named}`,
      tags,
      summary: `Delete a hook of ${of}`,
      params: one,
      headers: headers(IfMatch),
      response: { 204: empty('Done'), ...refusals(404, 412) },
    },
    handler: async (request, reply) => {
      await hooks.delete(actorOf(request), ownerOf(request.params), idOf(request.params.hook), seenOf(request))
      return reply.code(204).send()
    },
  })

  app.post(`${path}/:hook/test`, {
    schema: {
      operationId: `test${named}`,
      tags,
      summary: 'Send a message that says nothing, now',
      params: one,
      response: { 200: json('What the receiver answered', HookTest), ...refusals(404) },
    },
    handler: async (request, reply) => {
      const attempt = await hooks.test(actorOf(request), ownerOf(request.params), idOf(request.params.hook))
      const text = JSON.stringify(attemptJson(attempt))
      return sendWritten(reply, 200, text, etagOfContent(text))
    },
  })

  const actions = {
    resync: 'Send all there is, then what came meanwhile',
    resume: 'Have one that is stopped, or waits, go on from where it is',
  } as const
  for (const action of ['resync', 'resume'] as const) {
    app.post(`${path}/:hook/${action}`, {
      schema: {
        operationId: `${action}${named}`,
        tags,
        summary: actions[action],
        params: one,
        headers: headers(IfMatch),
        response: { 200: json('As it is now', Hook), ...refusals(404, 412) },
      },
      handler: async (request, reply) => {
        const id: Id = idOf(request.params.hook)
        const hook = await hooks[action](actorOf(request), ownerOf(request.params), id, seenOf(request))
        return sendWritten(reply, 200, textOf(hook), etagOf(hook))
      },
    })
  }

  app.post(`${path}/:hook/rotate-secret`, {
    schema: {
      operationId: `rotate${named}Secret`,
      tags,
      summary: 'Make another secret: for a day messages are signed with both',
      params: one,
      headers: headers(IfMatch),
      response: { 200: json('With the new secret', HookWithSecret), ...refusals(404, 412, ...tokens) },
    },
    handler: async (request, reply) => {
      const id = idOf(request.params.hook)
      const { hook, secret } = await hooks.rotateSecret(actorOf(request), ownerOf(request.params), id, seenOf(request))
      return sendWritten(reply, 200, withSecret(hook, secret), etagOf(hook))
    },
  })
}

const withSecret = (hook: DomainHook, secret: string | undefined): string =>
  JSON.stringify({ ...hookJson(hook), ...(secret === undefined ? {} : { secret }) })
