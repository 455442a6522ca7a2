import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import pg from 'pg'
import type { Statement } from './load.ts'

/** What Kith's SCIM reads are measured against: a route that runs the same statements, and writes the same bytes. */
export interface BareReads {
  /** Where Kith says it is. */
  readonly base: string
  /** By number: what Kith asks for one request; a list, or one user. */
  readonly reads: readonly { readonly statements: readonly Statement[]; readonly list: boolean }[]
}

interface Row {
  readonly id: string
  readonly user_name: string
  readonly is_active: boolean
  readonly external_id: string | null
  readonly attributes: Readonly<Record<string, unknown>>
  readonly revision: string
  readonly created_at: Date
  readonly modified_at: Date
}

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: Number(process.env.DATABASE_POOL) })
const app = Fastify()
let told: BareReads = { base: '', reads: [] }

/** Of the measured users: none is in a group, or has a manager. */
function user({ attributes, ...row }: Row): object {
  const { employeeNumber, costCenter, organization, division, department, ...core } = attributes
  const extended = [employeeNumber, costCenter, organization, division, department].some((one) => one !== undefined)
  return {
    schemas: extended ? [USER, ENTERPRISE] : [USER],
    id: row.id,
    userName: row.user_name,
    active: row.is_active,
    ...(row.external_id === null ? {} : { externalId: row.external_id }),
    ...core,
    meta: {
      resourceType: 'User',
      created: row.created_at.toISOString(),
      lastModified: row.modified_at.toISOString(),
      location: `${told.base}/Users/${row.id}`,
      version: `W/"${row.revision}"`,
    },
    ...(extended ? { [ENTERPRISE]: { employeeNumber, costCenter, organization, division, department } } : {}),
  }
}

app.get<{ Params: { at: string } }>('/:at', async ({ params }, reply) => {
  const { statements, list } = told.reads[Number(params.at)] ?? { statements: [], list: false }
  const answers: pg.QueryResult[] = []
  for (const statement of statements) {
    answers.push(await pool.query({ ...statement, values: [...statement.values] }))
  }
  const rows = (answers[0]?.rows ?? []) as Row[] // what Kith selects of users
  const total = (answers[1]?.rows[0] as { count: number } | undefined)?.count ?? rows.length
  const head = { schemas: [LIST], totalResults: total, startIndex: 1, itemsPerPage: rows.length }
  const body = list ? { ...head, Resources: rows.map(user) } : rows[0] && user(rows[0])
  return reply.type('application/scim+json; charset=utf-8').send(JSON.stringify(body))
})

process.once('message', async (message: BareReads) => {
  told = message
  await app.listen({ host: '127.0.0.1', port: 0 })
  process.send?.({ port: (app.server.address() as AddressInfo).port }) // it listens on a port
})
process.on('disconnect', () => process.exit())
