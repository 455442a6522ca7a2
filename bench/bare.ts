import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import pg from 'pg'

/** What Kith is measured against: one route that does one prepared look-up by primary key. */
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: Number(process.env.DATABASE_POOL) })
const app = Fastify()
const LOOK_UP = { name: 'look-up', text: 'select etag, text from contact where organization_id = $1 and id = $2' }

app.get<{ Params: { organization: string; id: string } }>('/:organization/:id', async ({ params }, reply) => {
  const { rows } = await pool.query({ ...LOOK_UP, values: [params.organization, params.id] })
  return reply.type('text/vcard; charset=utf-8').send(rows[0].text)
})

await app.listen({ host: '127.0.0.1', port: 0 })
process.send?.({ port: (app.server.address() as AddressInfo).port }) // it listens on a port
process.on('disconnect', () => process.exit())
