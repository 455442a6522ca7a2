import type { Entry as DirectoryEntry } from '#domain'
import { parseVCard, readData } from '#vcard'
import { ifMatch, sendRead, sendWritten } from '../conditions.ts'
import { type App, type Context, empty, headers, IfMatch, IfNoneMatch, json, refusals } from '../context.ts'
import { formatCursor, parseCursor } from '../cursor.ts'
import { idOf } from '../ids.ts'
import { Problem } from '../problems.ts'
import { ById, ContactMerge, Page } from '../schemas.ts'
import { Entries, Entry, EntryNew, OfDirectory } from '../schemas-directories.ts'

const MOST = 50
const shown = ({ id, text }: DirectoryEntry) => ({ id, data: readData(parseVCard(text)) })
const etagOf = ({ etag }: DirectoryEntry): string => `"${etag}"`

/** Holds an entry against If-Match where it is written. @throws Problem 412 */
const checkOf = (request: Parameters<typeof ifMatch>[0]) => {
  const matches = ifMatch(request)
  return (now: DirectoryEntry): void => {
    if (matches && !matches(etagOf(now))) {
      throw new Problem(412, 'precondition-failed', 'The entry is not what If-Match says: read it again')
    }
  }
}

const tags = ['Directories']
const known = { 304: { description: 'As you know it' } }
const ByEntry = OfDirectory('entry_id')

/** The contacts of a shared directory as its managers write them; under /contacts everybody has them with their own changes. */
export function entryRoutes(app: App, { actorOf, directoryEntries }: Context): void {
  app.get('/directories/:id/entries', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'listEntries',
      tags,
      summary: 'Its contacts as they are published, those that q finds',
      params: ById,
      querystring: Page,
      headers: headers(IfNoneMatch),
      response: { 200: json('A page', Entries), ...known, ...refusals(400, 404) },
    },
    handler: async (request, reply) => {
      const { q = '', limit = MOST, cursor } = request.query
      const after = cursor === undefined ? '' : parseCursor(cursor).key
      const id = idOf(request.params.id)
      const { items, next } = await directoryEntries.page(actorOf(request), id, q, after, limit)
      const cursorOf = (key: string) => formatCursor({ rank: 0, title: '', key })
      const page = { items: items.map(shown), next: next === undefined ? null : cursorOf(next) }
      return sendRead(request, reply, JSON.stringify(page))
    },
  })

  app.post('/directories/:id/entries', {
    schema: {
      operationId: 'addEntry',
      tags,
      summary: 'Add a contact (managers)',
      params: ById,
      body: EntryNew,
      response: { 201: json('It is there; Location says where', Entry), ...refusals(400, 404, 413, 415, 422) },
    },
    handler: async (request, reply) => {
      const id = idOf(request.params.id)
      const made = await directoryEntries.create(actorOf(request), id, request.body.data)
      reply.header('location', `${app.prefix}/directories/${id}/entries/${made.id}`)
      return sendWritten(reply, 201, JSON.stringify(shown(made)), etagOf(made))
    },
  })

  app.get<{ Params: { id: string; entry_id: string } }>('/directories/:id/entries/:entry_id', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'getEntry',
      tags,
      summary: 'A contact as it is published',
      params: ByEntry,
      headers: headers(IfNoneMatch),
      response: { 200: json('The entry', Entry), ...known, ...refusals(404) },
    },
    handler: async (request, reply) => {
      const { id, entry_id } = request.params
      const entry = await directoryEntries.get(actorOf(request), idOf(id), idOf(entry_id))
      return sendRead(request, reply, JSON.stringify(shown(entry)), etagOf(entry))
    },
  })

  app.patch<{ Params: { id: string; entry_id: string }; Body: { data: Readonly<Record<string, unknown>> } }>(
    '/directories/:id/entries/:entry_id',
    {
      schema: {
        operationId: 'changeEntry',
        tags,
        summary: 'Merge fields of data (RFC 7396), for everybody (managers)',
        params: ByEntry,
        headers: headers(IfMatch),
        body: ContactMerge,
        response: { 200: json('As it is now', Entry), ...refusals(400, 404, 412, 413, 415, 422) },
      },
      handler: async (request, reply) => {
        const [id, entryId] = [idOf(request.params.id), idOf(request.params.entry_id)]
        const now = await directoryEntries.amend(actorOf(request), id, entryId, request.body.data, checkOf(request))
        return sendWritten(reply, 200, JSON.stringify(shown(now)), etagOf(now))
      },
    },
  )

  app.delete<{ Params: { id: string; entry_id: string } }>('/directories/:id/entries/:entry_id', {
    schema: {
      operationId: 'removeEntry',
      tags,
      summary:
        'Delete it for everybody (managers): what people changed about it stays theirs, as a contact of their own',
      params: ByEntry,
      headers: headers(IfMatch),
      response: { 204: empty('Done'), ...refusals(404, 412) },
    },
    handler: async (request, reply) => {
      const { id, entry_id } = request.params
      await directoryEntries.remove(actorOf(request), idOf(id), idOf(entry_id), checkOf(request))
      return reply.code(204).send()
    },
  })
}
