import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import pg from 'pg'

/** What Kith is measured against: routes that do one prepared statement each and write what it gives. */
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: Number(process.env.DATABASE_POOL) })
const app = Fastify({ bodyLimit: 32 * 1024 * 1024 })
const LOOK_UP = { name: 'look-up', text: 'select etag, text from contact where organization_id = $1 and id = $2' }

app.get<{ Params: { organization: string; id: string } }>('/:organization/:id', async ({ params }, reply) => {
  const { rows } = await pool.query({ ...LOOK_UP, values: [params.organization, params.id] })
  return reply.type('text/vcard; charset=utf-8').send(rows[0].text)
})

/** The same rows and the same bytes as a multiget: cards by name, and what a query for a text finds. */
const MANY = {
  name: 'many',
  text: `select name, etag, text from contact
    where organization_id = $1 and kind = 'profile' and listed and name = any($2) order by name`,
}
/** A whole book, as one statement. */
const ALL = {
  etags: {
    name: 'etags',
    text: `select name, etag from contact where organization_id = $1 and kind = 'profile' and listed order by name`,
  },
  cards: {
    name: 'cards',
    text: `select name, etag, text from contact where organization_id = $1 and kind = 'profile' and listed order by name`,
  },
}
const QUERY = `select name, etag, text from contact
  where organization_id = $1 and kind = 'profile' and listed and search like $2 limit 60`

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\r', '&#13;')

function multistatus(book: string, rows: readonly { name: string; etag: string; text?: string }[]): string {
  let out =
    '<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">'
  for (const { name, etag, text } of rows) {
    out += `<D:response><D:href>${book}${name}</D:href><D:propstat><D:prop><D:getetag>"${etag}"</D:getetag>${text === undefined ? '' : `<C:address-data>${escaped(text)}</C:address-data>`}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`
  }
  return `${out}</D:multistatus>`
}

interface Wanted {
  readonly organization: string
  readonly book: string
  readonly names?: readonly string[]
  readonly pattern?: string
  readonly all?: keyof typeof ALL
}

app.post<{ Body: Wanted }>('/', async ({ body: { organization, book, names, pattern, all } }, reply) => {
  const { rows } = all
    ? await pool.query({ ...ALL[all], values: [organization] })
    : names
      ? await pool.query({ ...MANY, values: [organization, names] })
      : await pool.query(QUERY, [organization, pattern])
  return reply.code(207).type('application/xml; charset=utf-8').send(multistatus(book, rows))
})

await app.listen({ host: '127.0.0.1', port: 0 })
process.send?.({ port: (app.server.address() as AddressInfo).port }) // it listens on a port
process.on('disconnect', () => process.exit())
