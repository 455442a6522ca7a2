import pg from 'pg'
import type { Test } from 'tap'
import { ask } from './kith.ts'
import type { App, RestAnswer } from './rest.ts'

const cells = (line: string) => line.split('|').map((cell) => cell.trim())
/** An address of a table or of the document, whatever its parameters are called. */
const anonymous = (route: string) => route.replaceAll(/\{[^}]+\}/g, '{}')

const NOTHING = '00000000-0000-4000-8000-000000000000'
/** The Idempotency-Key of which everybody has a request under way: see `holdKeys`. */
const HELD = 'held'

/** Has a request of everybody in the database be under way, until the test is over. */
export async function holdKeys(t: Test, url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  t.teardown(() => client.end())
  await client.query(
    `select pg_advisory_lock(hashtextextended(concat_ws(' ', 'once', organization_id::text, id::text, $1::text), 0)) from "user"`,
    [HELD],
  )
}

export interface Table {
  /** A head that names the callers; then for each route what each of them is answered. */
  readonly text: string
  /** What each route is asked with; an address names what is of the scene. */
  readonly bodies: Readonly<Record<string, unknown>>
  /** What stands for each parameter of an address; made anew after each change. */
  newScene(): Promise<Readonly<Record<string, string>>>
  /** What nobody of another organization may read in any answer. */
  readonly ours: RegExp
}

/** What the document says that each route may answer. */
async function readDocumented(url: string) {
  const { text } = await ask(url, 'GET', '/api/v1/openapi.json')
  type Operation = { responses: Record<string, unknown>; parameters?: { name: string }[] }
  type Paths = Record<string, Record<string, Operation>> // OpenAPI 3.1
  const { paths } = JSON.parse(text) as { paths: Paths }
  return new Map(
    Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, { responses, parameters }]) => {
        const route = `${method.toUpperCase()} ${path.replace('/api/v1', '')}`
        return [anonymous(route), { route, responses, takes: new Set(parameters?.map(({ name }) => name)) }] as const
      }),
    ),
  )
}

/** Walks every route of the document as everyone; each must have its row in one of the tables. */
export async function walk<Name extends string>(
  t: Test,
  url: string,
  everyone: Readonly<Record<Name | 'elsewhere', App>>,
  tables: readonly Table[],
): Promise<void> {
  const documented = await readDocumented(url)
  const known = new Set(tables.flatMap(({ text }) => text.split('\n').map((row) => anonymous(cells(row)[0] ?? ''))))
  const without = [...documented].filter(([route]) => !known.has(route)).map(([, { route }]) => route)
  t.strictSame(without, [], 'every route has its row')

  for (const { text, bodies, newScene, ours } of tables) {
    const [head = '', ...rows] = text.trim().split('\n')
    const columns = Object.keys(everyone) as (keyof typeof everyone)[] // its keys
    t.strictSame(cells(head).slice(1), columns)
    let scene = await newScene()
    for (const row of rows) {
      const [route = '', ...expected] = cells(row)
      const { responses, takes } = documented.get(anonymous(route)) ?? {}
      const allowed = columns.findLast((_, at) => expected[at]?.startsWith('2'))
      if (!responses) t.fail(`${route} is served`)
      const [method = '', path = ''] = route.split(' ')
      const found: string[] = []
      for (const who of columns) {
        const address = path.replaceAll(/\{(\w+)\}/g, (_, name) => scene[name] ?? name)
        const body = bodies[route]
        const type =
          body instanceof Uint8Array ? { 'content-type': path.endsWith('/import') ? 'text/vcard' : 'image/png' } : {}
        if (who === allowed) {
          const asked = (place: string, headers: object) =>
            everyone[who].ask(method, place, body, { ...type, ...headers })
          if (responses?.['404'] && path.includes('{')) {
            const { status } = await asked(path.replaceAll(/\{\w+\}/g, NOTHING), {})
            t.equal(status, 404, `${route}: of nothing`)
          }
          if (takes?.has('if-match') && (method !== 'POST' || path.includes('{')))
            t.equal((await asked(address, { 'if-match': '"stale"' })).status, 412, `${route}: stale`)
          if (takes?.has('idempotency-key'))
            t.equal((await asked(address, { 'idempotency-key': HELD })).status, 409, `${route}: under way`)
        }
        const answer: RestAnswer = await everyone[who].ask(method, address, body, type)
        found.push(String(answer.status))
        if (!responses?.[answer.status]) t.fail(`${route}: ${answer.status} is documented`)
        if (answer.status === 401) t.match(answer.headers['www-authenticate'], /^Bearer/, `${route}: ${who}`)
        if (who === 'elsewhere') t.notMatch(answer.text, ours, `${route} tells nothing`)
        if (answer.status === 200 && responses?.['304']) {
          const again = await everyone[who].get(address, { 'if-none-match': answer.headers.etag })
          t.equal(again.status, 304, `${route}: as known`)
        }
        if (answer.status < 300 && method !== 'GET') scene = await newScene()
      }
      t.strictSame(found, expected, route)
    }
  }
}
