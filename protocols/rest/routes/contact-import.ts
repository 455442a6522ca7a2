import { Type } from '@fastify/type-provider-typebox'
import type { Imported } from '#domain'
import { sendTold } from '../conditions.ts'
import { type App, type Context, refusals } from '../context.ts'
import { Problem, problemOf, toldProblem } from '../problems.ts'
import { ProblemDetails } from '../schemas.ts'
import { FILE } from '../validation.ts'

const MOST = 10_000
/** Longer ones are not told back: the answer stays small. */
const TOLD_UID = 255

const Query = Type.Object(
  {
    book: Type.Optional(Type.String({ maxLength: 255, default: 'people', description: 'The name of a book of yours' })),
  },
  { additionalProperties: false },
)
const Result = Type.Object({
  card: Type.Integer({ description: 'Which card of the file, from 1' }),
  line: Type.Integer({ description: 'Where it begins, from 1' }),
  uid: Type.Optional(Type.String()),
  outcome: Type.Enum(['created', 'updated', 'same', 'failed']),
  problem: Type.Optional(ProblemDetails),
})
const Count = Type.Integer()
const Results = Type.Object({
  created: Count,
  updated: Count,
  same: Count,
  failed: Count,
  results: Type.Array(Result, { description: 'One for each card, in the order of the file' }),
})

/** A file of cards into a book of one's own. */
export function contactImportRoutes(app: App, { actorOf, contactImport }: Context): void {
  app.post('/contacts/import', {
    config: { takes: ['text/vcard'] },
    schema: {
      operationId: 'importContacts',
      tags: ['Contacts'],
      summary: `A file of at most ${MOST} vCards (2.1, 3.0, 4.0) into a book of yours, each by itself, over the one of its UID`,
      querystring: Query,
      body: { content: { 'text/vcard': { schema: FILE } } },
      response: {
        200: { description: 'What came of each card', content: { 'application/json': { schema: Results } } },
        ...refusals(400, 404, 413, 415, 422),
      },
    },
    handler: async (request, reply) => {
      const { book = 'people' } = request.query
      const file = request.body
      if (!Buffer.isBuffer(file)) throw new Problem(400, 'bad-request', 'Send a file of vCards as the body')
      const counts = { created: 0, updated: 0, same: 0, failed: 0 }
      const results: object[] = []
      for await (const one of contactImport.cards(actorOf(request), book, file, MOST)) {
        counts[one.outcome] += 1
        results.push(told(one))
      }
      if (results.length === 0) throw new Problem(422, 'invalid-card', 'There is no vCard in the body')
      return sendTold(reply, { ...counts, results })
    },
  })
}

function told(imported: Imported): object {
  const { card, line, uid = '', outcome } = imported
  const where = { card, line, ...(uid === '' || uid.length > TOLD_UID ? {} : { uid }) }
  if (imported.outcome !== 'failed') return { ...where, outcome }
  const problem = problemOf(imported.refused) ?? new Problem(500, 'internal', 'Something went wrong on our side')
  return { ...where, outcome, problem: toldProblem(problem) }
}
