import { Readable } from 'node:stream'
import { Type } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import { type Actor, type Collection, collectionOfBook } from '#domain'
import { dataOf } from '../contact-json.ts'
import { type App, type Context, refusals } from '../context.ts'
import { CSV_HEAD, csvOf } from '../csv.ts'
import { Problem } from '../problems.ts'

const Query = Type.Object(
  {
    format: Type.Optional(Type.Enum(['vcf', 'csv'], { default: 'vcf' })),
    book: Type.Optional(Type.String({ maxLength: 255, default: 'people', description: 'The name of a book of yours' })),
    version: Type.Optional(Type.Enum(['3.0', '4.0'], { description: 'Of vCards; absent: each as it is kept' })),
  },
  { additionalProperties: false },
)

/** A book as a file, sent as it is read. */
export function contactExportRoutes(app: App, { actorOf, addressBooks, books }: Context): void {
  async function* cards(
    actor: Actor,
    book: Collection,
    body: 'stored' | '3.0' | '4.0',
  ): AsyncGenerator<string | Buffer> {
    for await (const views of addressBooks.cards(actor, book, body)) {
      for (const { kind, card } of views) {
        if (!card || kind === 'team') continue
        yield card.bytes ? Buffer.from(card.bytes) : card.text
        if (!card.text.endsWith('\n')) yield '\r\n'
      }
    }
  }
  async function* table(actor: Actor, book: Collection): AsyncGenerator<string> {
    yield `\ufeff${CSV_HEAD}` // without the mark spreadsheets read no UTF-8
    for await (const card of cards(actor, book, '4.0')) {
      const text = String(card)
      if (text.trim() !== '') yield csvOf(dataOf(text))
    }
  }

  app.get('/contacts/export', {
    exposeHeadRoute: false,
    schema: {
      operationId: 'exportContacts',
      tags: ['Contacts'],
      summary: 'One of your books as you see it, as vCards or as a table; without the cards of teams',
      querystring: Query,
      response: {
        200: {
          description: 'A file',
          content: { 'text/vcard': { schema: { type: 'string' } }, 'text/csv': { schema: { type: 'string' } } },
        },
        ...refusals(400, 404),
      },
    },
    handler: async (request, reply: FastifyReply) => {
      const actor = actorOf(request)
      const { format = 'vcf', version = 'stored', book: name = 'people' } = request.query
      const found = await books.find(actor, name)
      if (!found) throw new Problem(404, 'not-found', 'You have no such book')
      const book = collectionOfBook(found)
      const type = format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'text/vcard; charset=utf-8'
      const content = format === 'csv' ? table(actor, book) : cards(actor, book, version)
      reply
        .header('content-disposition', `attachment; filename="contacts.${format}"`)
        .header('x-content-type-options', 'nosniff')
      return reply.type(type).send(Readable.from(content))
    },
  })
}
