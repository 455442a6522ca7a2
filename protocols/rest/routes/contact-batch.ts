import { type Static, Type } from '@fastify/type-provider-typebox'
import { asId, DomainError, type Operation, OperationRefused, type Outcome } from '#domain'
import { matching, sendTold } from '../conditions.ts'
import { etagOf } from '../contact-json.ts'
import { type App, type Context, refusals } from '../context.ts'
import { Problem, problemOf, toldProblem } from '../problems.ts'
import { id, ProblemDetails } from '../schemas.ts'

const MOST = 1_000
const strict = { additionalProperties: false } as const
const optional = Type.Optional

const OPERATIONS = ['create', 'override', 'change', 'remove', 'hide', 'unhide'] as const
const OperationSchema = Type.Object(
  {
    op: Type.Enum([...OPERATIONS], {
      description: 'POST, POST with override, PATCH and DELETE of /contacts, and POST …/hide and …/unhide',
    }),
    key: optional(Type.String({ maxLength: 255, description: 'Yours: the result has it too' })),
    id: optional(Type.String({ description: 'Of the contact; not of create' })),
    data: optional(Type.Unknown({ description: 'Of create, override and change: as those take it' })),
    if_match: optional(Type.String({ description: 'The ETag of what you read, of override, change, remove and hide' })),
  },
  strict,
)
const Batch = Type.Object(
  {
    atomic: optional(
      Type.Boolean({ default: false, description: 'All or none: the first refusal answers the request' }),
    ),
    operations: Type.Array(OperationSchema, { maxItems: MOST }),
  },
  strict,
)
const Results = Type.Object({
  results: Type.Array(
    Type.Object({
      key: optional(Type.String()),
      status: Type.Integer({ description: 'As the route of the operation answers' }),
      id: optional(id),
      etag: optional(Type.String()),
      problem: optional(ProblemDetails),
    }),
    { description: 'In the order of the operations' },
  ),
})

type Asked = Static<typeof OperationSchema>

/** @throws DomainError `invalid-data`, `not-found` */
function operationOf({ op, id: text, data, if_match: header }: Asked): Operation {
  const takesData = op === 'create' || op === 'override' || op === 'change'
  const problems = [
    ...(takesData && data === undefined ? [{ field: 'data', problem: 'is required' }] : []),
    ...(!takesData && data !== undefined ? [{ field: 'data', problem: `is not for ${op}` }] : []),
    ...(op !== 'create' && text === undefined ? [{ field: 'id', problem: 'is required' }] : []),
    ...(op === 'create' && text !== undefined ? [{ field: 'id', problem: 'is not for create' }] : []),
    ...((op === 'create' || op === 'unhide') && header !== undefined
      ? [{ field: 'if_match', problem: `is not for ${op}` }]
      : []),
  ]
  if (problems.length > 0) throw new DomainError('invalid-data', 'Some fields cannot be so', { problems })
  const change = data as Extract<Operation, { op: 'create' }>['data'] // the domain checks what it is
  if (op === 'create') return { op, data: change }
  const known = asId(text ?? '')
  if (known === undefined) throw new DomainError('not-found', 'Nothing is here')
  if (op === 'unhide') return { op, id: known }
  const matches = matching(header)
  const expected = matches && { expected: (now: Parameters<typeof etagOf>[0]) => matches(etagOf(now)) }
  return op === 'remove' || op === 'hide'
    ? { op, id: known, ...expected }
    : { op, id: known, data: change, ...expected }
}

/** Many writes in one request. A contact is told by its id and ETag alone: with its photo it may be large. */
export function contactBatchRoutes(app: App, { actorOf, contactBatch }: Context): void {
  app.post('/contacts/batch', {
    config: { idempotent: true },
    schema: {
      operationId: 'batchContacts',
      tags: ['Contacts'],
      summary: `At most ${MOST} writes in their order, answered one by one; or all of them or none`,
      body: Batch,
      response: {
        200: { description: 'What came of each', content: { 'application/json': { schema: Results } } },
        ...refusals(400, 404, 409, 412, 413, 415, 422, 423),
      },
    },
    handler: async (request, reply) => {
      const actor = actorOf(request)
      const { atomic = false, operations: asked } = request.body
      const tell = (contact: Parameters<typeof etagOf>[0]) => ({ id: contact.id, etag: etagOf(contact) })
      const read = asked.map((one, at): Operation | DomainError => {
        try {
          return operationOf(one)
        } catch (error) {
          if (!(error instanceof DomainError)) throw error
          if (atomic) throw of(at, error)
          return error
        }
      })
      const good = read.flatMap((one) => (one instanceof DomainError ? [] : [one]))
      const outcomes = atomic
        ? await contactBatch.together(actor, good, tell).catch((error: unknown) => {
            throw error instanceof OperationRefused ? of(error.at, error.refused) : error
          })
        : await contactBatch.each(actor, good, tell)
      let done = 0
      const results = read.map((one, at) => {
        const { key } = asked[at] ?? {}
        const outcome = one instanceof DomainError ? { refused: one } : outcomes[done++]
        return { ...(key === undefined ? {} : { key }), ...(outcome ? told(outcome) : {}) }
      })
      return sendTold(reply, { results })
    },
  })
}

function told(outcome: Outcome<{ id: string; etag: string }>) {
  if ('refused' in outcome) {
    const problem = problemOf(outcome.refused) ?? new Problem(500, 'internal', 'Something went wrong on our side')
    return { status: problem.status, problem: toldProblem(problem) }
  }
  const { created, contact } = outcome
  return { status: created ? 201 : contact ? 200 : 204, ...contact }
}

/** The refusal of one operation as that of the request, which names it. */
function of(at: number, refused: DomainError): Problem {
  const problem = problemOf(refused) ?? new Problem(500, 'internal', 'Something went wrong on our side')
  const { status, code, message, errors, headers } = problem
  const where = `operations[${at}]`
  const named = errors.map(({ field, problem: what }) => ({ field: `${where}.${field}`, problem: what }))
  return new Problem(status, code, message, {
    headers,
    errors: named.length > 0 ? named : [{ field: where, problem: message }],
  })
}
