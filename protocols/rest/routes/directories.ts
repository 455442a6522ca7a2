import { directoryBookName, type SharedDirectory } from '#domain'
import { etagOfContent, ifMatch, sendRead, sendWritten } from '../conditions.ts'
import { type App, type Context, empty, headers, IfMatch, IfNoneMatch, json, refusals } from '../context.ts'
import { idOf } from '../ids.ts'
import { Problem } from '../problems.ts'
import { ById } from '../schemas.ts'
import { Directories, Directory, DirectoryMerge, DirectoryNew, Managers, OfDirectory } from '../schemas-directories.ts'

const shown = ({ id, name, description, organizationId, publisher, subscribed, ...rest }: SharedDirectory) => ({
  id,
  name,
  description: description ?? null,
  publisher: { id: organizationId, name: publisher },
  subscribed,
  book: subscribed ? directoryBookName(id) : null,
  abilities: { administer: rest.administers, edit_entries: rest.manages },
  created_at: rest.createdAt.toISOString(),
})
const whole = (directory: SharedDirectory): string => JSON.stringify(shown(directory))

/** Holds a directory against If-Match where it is written. @throws Problem 412 */
const checkOf = (request: Parameters<typeof ifMatch>[0]) => {
  const matches = ifMatch(request)
  return (now: SharedDirectory): void => {
    if (matches && !matches(etagOfContent(whole(now)))) {
      throw new Problem(412, 'precondition-failed', 'The directory is not what If-Match says: read it again')
    }
  }
}

const tags = ['Directories']
const known = { 304: { description: 'As you know it' } }

/** Shared directories, and who manages them. */
export function directoryRoutes(app: App, { actorOf, sharedDirectories }: Context): void {
  app.get('/directories', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'listDirectories',
      tags,
      summary: 'Directories that you administer or manage, and those that your organization subscribes to',
      headers: headers(IfNoneMatch),
      response: {
        200: json('All of them; abilities and subscribed tell them apart', Directories),
        ...known,
        ...refusals(),
      },
    },
    handler: async (request, reply) => {
      const items = (await sharedDirectories.list(actorOf(request))).map(shown)
      return sendRead(request, reply, JSON.stringify({ items }))
    },
  })

  app.post('/directories', {
    schema: {
      operationId: 'makeDirectory',
      tags,
      summary: 'Make a directory (administrators); you manage it',
      body: DirectoryNew,
      response: { 201: json('It is there; Location says where', Directory), ...refusals(400, 413, 415, 422) },
    },
    handler: async (request, reply) => {
      const { name, description, own_people } = request.body
      const made = await sharedDirectories.create(actorOf(request), {
        name,
        ...(description === undefined ? {} : { description }),
        ...(own_people === undefined ? {} : { ownPeople: own_people }),
      })
      reply.header('location', `${app.prefix}/directories/${made.id}`)
      return sendWritten(reply, 201, whole(made), etagOfContent(whole(made)))
    },
  })

  app.get('/directories/:id', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'getDirectory',
      tags,
      summary: 'A directory, and what you may do with it',
      params: ById,
      headers: headers(IfNoneMatch),
      response: { 200: json('The directory', Directory), ...known, ...refusals(404) },
    },
    handler: async (request, reply) =>
      sendRead(request, reply, whole(await sharedDirectories.get(actorOf(request), idOf(request.params.id)))),
  })

  app.patch('/directories/:id', {
    schema: {
      operationId: 'changeDirectory',
      tags,
      summary: 'Change its name or description, or whether your own people have it (administrators)',
      params: ById,
      headers: headers(IfMatch),
      body: DirectoryMerge,
      response: { 200: json('As it is now', Directory), ...refusals(400, 404, 412, 413, 415, 422) },
    },
    handler: async (request, reply) => {
      const { name, description, own_people } = request.body
      const words = {
        ...(name === undefined ? {} : { name }),
        ...(description === undefined ? {} : { description }),
        ...(own_people === undefined ? {} : { ownPeople: own_people }),
      }
      const id = idOf(request.params.id)
      const now = await sharedDirectories.update(actorOf(request), id, words, checkOf(request))
      return sendWritten(reply, 200, whole(now), etagOfContent(whole(now)))
    },
  })

  app.delete('/directories/:id', {
    schema: {
      operationId: 'deleteDirectory',
      tags,
      summary: 'Delete it (administrators): what people changed about its entries stays theirs',
      params: ById,
      headers: headers(IfMatch),
      response: { 204: empty('Done'), ...refusals(404, 412) },
    },
    handler: async (request, reply) => {
      await sharedDirectories.delete(actorOf(request), idOf(request.params.id), checkOf(request))
      return reply.code(204).send()
    },
  })

  managerRoutes(app, { actorOf, sharedDirectories })
}

const ByManager = OfDirectory('user_id')

function managerRoutes(app: App, { actorOf, sharedDirectories }: Pick<Context, 'actorOf' | 'sharedDirectories'>): void {
  app.get('/directories/:id/managers', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'listManagers',
      tags,
      summary: 'Who edits its entries (its administrators and managers)',
      params: ById,
      headers: headers(IfNoneMatch),
      response: { 200: json('Colleagues, by name', Managers), ...known, ...refusals(404) },
    },
    handler: async (request, reply) => {
      const items = await sharedDirectories.managers(actorOf(request), idOf(request.params.id))
      return sendRead(request, reply, JSON.stringify({ items }))
    },
  })

  app.put<{ Params: { id: string; user_id: string } }>('/directories/:id/managers/:user_id', {
    schema: {
      operationId: 'addManager',
      tags,
      summary: 'Have a colleague edit its entries (administrators)',
      params: ByManager,
      response: { 204: empty('They do'), ...refusals(404) },
    },
    handler: async (request, reply) => {
      const { id, user_id } = request.params
      await sharedDirectories.addManager(actorOf(request), idOf(id), idOf(user_id))
      return reply.code(204).send()
    },
  })

  app.delete<{ Params: { id: string; user_id: string } }>('/directories/:id/managers/:user_id', {
    schema: {
      operationId: 'removeManager',
      tags,
      summary: 'Have a colleague edit its entries no more (administrators)',
      params: ByManager,
      response: { 204: empty('They do not'), ...refusals(404) },
    },
    handler: async (request, reply) => {
      const { id, user_id } = request.params
      await sharedDirectories.removeManager(actorOf(request), idOf(id), idOf(user_id))
      return reply.code(204).send()
    },
  })
}
