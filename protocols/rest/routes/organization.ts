import { type ManagedUser, type OrganizationView, shownName } from '#domain'
import { etagOfContent, ifMatch, sendRead, sendWritten } from '../conditions.ts'
import { type App, type Context, empty, headers, IfMatch, IfNoneMatch, json, refusals } from '../context.ts'
import { formatIdCursor, parseIdCursor } from '../cursor.ts'
import { idOf, PAGE_SIZE } from '../ids.ts'
import {
  Administrator,
  Administrators,
  ByUser,
  ListPage,
  Organization,
  OrganizationChange,
} from '../schemas-organization.ts'

const shownOrganization = ({ organization, abilities }: OrganizationView): string =>
  JSON.stringify({
    id: organization.id,
    name: organization.name,
    domains: organization.domains,
    abilities: {
      administer_organization: abilities.administer,
      create_teams: abilities.createTeams,
      editable_profile_fields: abilities.editableFields ?? null,
    },
    ...(abilities.administer
      ? {
          registration_ids: organization.registrationIds,
          policies: {
            directory_scope: organization.scope,
            team_creation: organization.teamCreation,
            editable_profile_fields: organization.editableFields ?? null,
          },
        }
      : {}),
  })

const administrator = ({ id, userName, email, attributes, isActive }: ManagedUser) => ({
  id,
  user_name: userName,
  email,
  full_name: shownName(attributes, userName),
  is_active: isActive,
})

/** One's organization, what it lets its people do, and who administers it. */
export function organizationRoutes(app: App, { actorOf, organizationWork }: Context): void {
  const tags = ['Organization']
  const known = { 304: { description: 'As you know it' } }
  const expectedOf = <Now>(request: Parameters<typeof ifMatch>[0], text: (now: Now) => string) => {
    const matches = ifMatch(request)
    return matches && ((now: Now) => matches(etagOfContent(text(now))))
  }
  const shown = (user: ManagedUser): string => JSON.stringify(administrator(user))

  app.get('/organization', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'getOrganization',
      tags,
      summary: 'Your organization, and what you may do there',
      headers: headers(IfNoneMatch),
      response: { 200: json('The organization', Organization), ...known, ...refusals() },
    },
    handler: async (request, reply) =>
      sendRead(request, reply, shownOrganization(await organizationWork.read(actorOf(request)))),
  })

  app.patch('/organization', {
    schema: {
      operationId: 'changeOrganization',
      tags,
      summary: 'Rename it, or change what people may do: by its administrators',
      headers: headers(IfMatch),
      body: OrganizationChange,
      response: { 200: json('The organization', Organization), ...refusals(400, 412, 413, 415, 422) },
    },
    handler: async (request, reply) => {
      const { name, policies = {} } = request.body
      const { directory_scope, team_creation, editable_profile_fields } = policies
      const change = {
        ...(name === undefined ? {} : { name }),
        ...(directory_scope === undefined ? {} : { scope: directory_scope }),
        ...(team_creation === undefined ? {} : { teamCreation: team_creation }),
        ...(editable_profile_fields === undefined ? {} : { editableFields: editable_profile_fields }),
      }
      const saved = await organizationWork.change(actorOf(request), change, expectedOf(request, shownOrganization))
      const text = shownOrganization(saved)
      return sendWritten(reply, 200, text, etagOfContent(text))
    },
  })

  app.get('/organization/administrators', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'listAdministrators',
      tags,
      summary: 'Who administers the organization: for its administrators',
      querystring: ListPage,
      headers: headers(IfNoneMatch),
      response: { 200: json('A page', Administrators), ...known, ...refusals(400) },
    },
    handler: async (request, reply) => {
      const { limit = PAGE_SIZE, cursor } = request.query
      const after = cursor === undefined ? undefined : parseIdCursor(cursor)
      const found = await organizationWork.administrators(actorOf(request), after, limit + 1)
      const last = found.length > limit ? found[limit - 1] : undefined
      const page = { items: found.slice(0, limit).map(administrator), next: last ? formatIdCursor(last.id) : null }
      return sendRead(request, reply, JSON.stringify(page))
    },
  })

  app.get('/organization/administrators/:user_id', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'getAdministrator',
      tags,
      summary: 'An administrator of the organization: for its administrators',
      params: ByUser,
      headers: headers(IfNoneMatch),
      response: { 200: json('The administrator', Administrator), ...known, ...refusals(404) },
    },
    handler: async (request, reply) => {
      const found = await organizationWork.administrator(actorOf(request), idOf(request.params.user_id))
      return sendRead(request, reply, shown(found))
    },
  })

  app.put('/organization/administrators/:user_id', {
    schema: {
      operationId: 'addAdministrator',
      tags,
      summary: 'Make a user an administrator',
      params: ByUser,
      headers: headers(IfMatch),
      response: { 200: json('The administrator', Administrator), ...refusals(404, 412, 422) },
    },
    handler: async (request, reply) => {
      const id = idOf(request.params.user_id)
      const text = shown(await organizationWork.grant(actorOf(request), id, expectedOf(request, shown)))
      return sendWritten(reply, 200, text, etagOfContent(text))
    },
  })

  app.delete('/organization/administrators/:user_id', {
    schema: {
      operationId: 'removeAdministrator',
      tags,
      summary: 'Have a user administer no longer; the last active one cannot do that to themselves',
      params: ByUser,
      headers: headers(IfMatch),
      response: { 204: empty('Done'), ...refusals(404, 409, 412) },
    },
    handler: async (request, reply) => {
      await organizationWork.withdraw(actorOf(request), idOf(request.params.user_id), expectedOf(request, shown))
      return reply.code(204).send()
    },
  })
}
