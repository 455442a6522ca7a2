import { randomBytes, randomUUID } from 'node:crypto'
import { request } from 'node:http'
import pg from 'pg'
import { type Asked, Connection, encoded } from './client.ts'

/**
 * A statement of a recorded transaction. Its texts may hold markers, which are something else each time: the number `{n}`
 * of ten digits, ids `{uuid 0}` and on, `{new etag}`, and `{seen etag}`: what the first statement that reads a card tells.
 */
export interface Statement {
  readonly text: string
  readonly name?: string
  readonly values: readonly unknown[]
}
export const SEEN_ETAG = '{seen etag}'
export const NEW_ETAG = '{new etag}'

/** Each client repeats its requests in turn. */
export interface RequestJob {
  readonly kind: 'requests'
  readonly port: number
  readonly milliseconds: number
  readonly clients: readonly (readonly Asked[])[]
}
/** Each client repeats its transaction on a connection of its own. */
export interface TransactionJob {
  readonly kind: 'transactions'
  readonly url: string
  readonly milliseconds: number
  readonly clients: readonly (readonly Statement[])[]
}
/** One answer, read as it comes, or as a slow client would: at most so many bytes a second. */
export interface StreamJob {
  readonly kind: 'stream'
  readonly port: number
  readonly asked: Asked
  readonly bytesPerSecond?: number
}
export type Job = RequestJob | TransactionJob | StreamJob
export interface Result {
  readonly count: number
  readonly seconds: number
  readonly bytes?: number
}

let counter = Date.now() % 1_000_000_000

async function repeat(milliseconds: number, clients: readonly (() => Promise<void>)[]): Promise<Result> {
  const begin = performance.now()
  const end = begin + milliseconds
  let count = 0
  await Promise.all(
    clients.map(async (once) => {
      while (performance.now() < end) {
        await once()
        count += 1
      }
    }),
  )
  return { count, seconds: (performance.now() - begin) / 1000 }
}

async function requests({ port, milliseconds, clients }: RequestJob): Promise<Result> {
  const connections = await Promise.all(clients.map(() => Connection.open(port)))
  const loops = clients.map((asked, at) => {
    const connection = connections[at]
    const each = asked.map(encoded)
    let turn = 0
    return async () => {
      counter += 1
      turn += 1
      const bytes = each[turn % each.length]?.(counter)
      const status = bytes && (await connection?.ask(bytes))
      if (!status || status >= 300) throw new Error(`${asked[0]?.method} ${asked[0]?.path} was answered ${status}`)
    }
  })
  const result = await repeat(milliseconds, loops)
  for (const connection of connections) connection.close()
  return { ...result, bytes: connections.reduce((sum, { bytes }) => sum + bytes, 0) }
}

/** The connections outlive a job, as a server's would. */
const open = new Map<string, Promise<pg.Client>>()

function connected(url: string, at: number): Promise<pg.Client> {
  const key = `${url} ${at}`
  const known = open.get(key)
  if (known) return known
  const client = new pg.Client({ connectionString: url })
  const connecting = client.connect().then(() => client)
  open.set(key, connecting)
  return connecting
}

type Marks = (marker: string) => unknown
type Value = unknown | ((marks: Marks) => unknown)

const MARKER = /\{(?:n|uuid \d+|seen etag|new etag)\}/g

/** A value as it is put in each time; a constant where it holds no marker. */
function compiled(value: unknown): Value {
  if (Array.isArray(value)) {
    const parts = value.map(compiled)
    if (!parts.some((part) => typeof part === 'function')) return value
    return (marks: Marks) => parts.map((part) => (typeof part === 'function' ? part(marks) : part))
  }
  if (typeof value !== 'string' || value.search(MARKER) < 0) return value
  return value === SEEN_ETAG
    ? (marks: Marks) => marks(value)
    : (marks: Marks) => value.replaceAll(MARKER, (marker) => String(marks(marker)))
}

/** What markers stand for in one repetition. */
function marksOf(n: number, seen: () => unknown): Marks {
  const known = new Map<string, string>([['{n}', String(n).padStart(10, '0')]])
  return (marker) => {
    if (marker === SEEN_ETAG) return seen()
    const made = known.get(marker) ?? (marker === NEW_ETAG ? randomBytes(16).toString('hex') : randomUUID())
    known.set(marker, made)
    return made
  }
}

async function transactions({ url, milliseconds, clients }: TransactionJob): Promise<Result> {
  const connections = await Promise.all(clients.map((_, at) => connected(url, at)))
  const loops = clients.map((statements, at) => {
    const client = connections[at]
    if (!client) throw new TypeError('one connection a client')
    const all = statements.map(({ values, ...statement }) => ({ statement, values: values.map(compiled) }))
    return async () => {
      counter += 1
      let seen: unknown
      const marks = marksOf(counter, () => seen)
      for (const { statement, values } of all) {
        const put = values.map((one) => (typeof one === 'function' ? one(marks) : one))
        const { rows } = await client.query({ ...statement, values: put })
        seen ??= (rows[0] as { etag?: string } | undefined)?.etag
      }
    }
  })
  return await repeat(milliseconds, loops)
}

const RESPONSE = Buffer.from('</D:response>')

function stream({ port, asked, bytesPerSecond }: StreamJob): Promise<Result> {
  const begin = performance.now()
  const { method, path, headers, body } = asked
  return new Promise((resolve, reject) => {
    const sent = request({ port, host: '127.0.0.1', method, path, headers }, (response) => {
      let count = 0
      let bytes = 0
      let tail = Buffer.alloc(0)
      response.on('data', (data: Buffer) => {
        bytes += data.length
        const piece = Buffer.concat([tail, data])
        for (let at = piece.indexOf(RESPONSE); at >= 0; at = piece.indexOf(RESPONSE, at + 1)) count += 1
        tail = piece.subarray(-RESPONSE.length + 1)
        if (bytesPerSecond === undefined) return
        const ahead = (bytes / bytesPerSecond) * 1000 - (performance.now() - begin)
        if (ahead <= 0) return
        response.pause()
        setTimeout(() => response.resume(), ahead)
      })
      response.on('error', reject)
      response.on('end', () => {
        if (response.statusCode !== 207) reject(new Error(`${method} ${path} was answered ${response.statusCode}`))
        resolve({ count, bytes, seconds: (performance.now() - begin) / 1000 })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

const run = (job: Job): Promise<Result> =>
  job.kind === 'requests' ? requests(job) : job.kind === 'transactions' ? transactions(job) : stream(job)

process.on('message', (job: Job) => {
  run(job).then(
    (result) => process.send?.({ result }),
    (error: Error) => process.send?.({ error: error.message }),
  )
})
process.on('disconnect', () => process.exit())
