import type { SeenContact } from '#domain'
import { PHOTO_TYPES, parseVCard, photoOf, photoType } from '#vcard'
import { etagOfContent as etagOf, ifMatch, sendRead } from '../conditions.ts'
import { type App, type Context, empty, headers, IfMatch, IfNoneMatch, refusals } from '../context.ts'
import { idOf } from '../ids.ts'
import { Problem } from '../problems.ts'
import { ById } from '../schemas.ts'
import { FILE } from '../validation.ts'

const ETag = { ETag: { type: 'string', description: 'Names these bytes' } }

/** The photo inside a contact's card, if there is one. A link is never fetched: it may lead anywhere. */
const bytesOf = ({ text }: SeenContact): Buffer | undefined => {
  const photo = photoOf(parseVCard(text))
  return photo && 'bytes' in photo ? photo.bytes : undefined
}

/** The photos of contacts as files. */
export function contactPhotoRoutes(app: App, { actorOf, contactData }: Context): void {
  const tags = ['Contacts']

  app.get('/contacts/:id/photo', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'getPhoto',
      tags,
      summary: 'The photo in the card; one that is a link is in data.photo alone, and not fetched',
      params: ById,
      headers: headers(IfNoneMatch),
      response: {
        200: {
          description: 'The photo, where we know its format; else a file to save',
          headers: ETag,
          content: Object.fromEntries(
            [...PHOTO_TYPES, 'application/octet-stream'].map((type) => [type, { schema: FILE }]),
          ),
        },
        304: { description: 'As you know it' },
        ...refusals(404),
      },
    },
    handler: async (request, reply) => {
      const contact = await contactData.get(actorOf(request), idOf(request.params.id))
      const photo = photoOf(parseVCard(contact.text))
      if (!photo) throw new Problem(404, 'no-photo', 'There is no photo on this card')
      if ('uri' in photo)
        throw new Problem(404, 'photo-is-link', 'The photo is a link, in data.photo: we do not fetch it')
      const type = photoType(photo.bytes)
      const how = type === undefined ? 'attachment' : 'inline'
      const name = type === undefined ? 'photo.bin' : `photo.${type.slice('image/'.length)}`
      reply
        .header('x-content-type-options', 'nosniff')
        .header('content-security-policy', "default-src 'none'; sandbox")
        .header('cross-origin-resource-policy', 'same-origin')
        .header('content-disposition', `${how}; filename="${name}"`)
      return sendRead(request, reply, photo.bytes, etagOf(photo.bytes), type ?? 'application/octet-stream')
    },
  })

  /** What If-Match asks of the photo, and whether there was one when it was last asked. */
  const condition = (request: Parameters<typeof ifMatch>[0]) => {
    const matches = ifMatch(request)
    const seen = { before: false }
    const expected = (now: SeenContact): boolean => {
      const bytes = bytesOf(now)
      seen.before = bytes !== undefined
      return !matches || (bytes !== undefined && matches(etagOf(bytes)))
    }
    return { seen, expected }
  }

  app.put('/contacts/:id/photo', {
    config: { takes: PHOTO_TYPES },
    schema: {
      operationId: 'putPhoto',
      tags,
      summary: 'Give a contact a photo; a colleague one that you alone see, and yourself one that all see',
      params: ById,
      headers: headers(IfMatch),
      body: { content: Object.fromEntries(PHOTO_TYPES.map((type) => [type, { schema: FILE }])) },
      response: {
        201: { ...empty('There is a photo now'), headers: ETag },
        204: { ...empty('It is another one now'), headers: ETag },
        ...refusals(404, 412, 413, 415, 422, 423),
      },
    },
    handler: async (request, reply) => {
      const bytes = request.body
      const said = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
      if (!Buffer.isBuffer(bytes) || photoType(bytes) !== said) {
        throw new Problem(422, 'invalid-photo', 'The body does not begin as a file of its Content-Type does', {
          errors: [{ field: 'body', problem: `is no ${said ?? 'photo'}` }],
        })
      }
      const photo = `data:${said};base64,${bytes.toString('base64')}`
      const { seen, expected } = condition(request)
      await contactData.amend(actorOf(request), idOf(request.params.id), { photo }, expected)
      reply.header('etag', etagOf(bytes))
      return reply.code(seen.before ? 204 : 201).send()
    },
  })

  app.delete('/contacts/:id/photo', {
    schema: {
      operationId: 'removePhoto',
      tags,
      summary: 'Take the photo away; of a colleague from what you see alone',
      params: ById,
      headers: headers(IfMatch),
      response: { 204: empty('Done'), ...refusals(404, 412, 422, 423) },
    },
    handler: async (request, reply) => {
      const actor = actorOf(request)
      const id = idOf(request.params.id)
      const { expected } = condition(request)
      if (!photoOf(parseVCard((await contactData.get(actor, id)).text))) {
        throw new Problem(404, 'no-photo', 'There is no photo on this card')
      }
      await contactData.amend(actor, id, { photo: null }, expected)
      return reply.code(204).send()
    },
  })
}
