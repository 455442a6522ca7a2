import type pg from 'pg'
import { ContactService } from '#domain'
import { createStore, openDatabase } from '../src/persistence/index.ts'
import { NEW_ETAG, SEEN_ETAG, type Statement } from './load.ts'
import type { Account } from './world.ts'

export const CARD_NAME = 'bench-1.vcf'

/** A personal card, with a note that changes at `{n}`. */
export const cardOf = (account: Account): string =>
  [
    'BEGIN:VCARD',
    'VERSION:3.0',
    `UID:bench-${account.user.id}`,
    'FN:Julie of the Bench',
    'N:Bench;Julie;;;',
    'TEL;TYPE=CELL:+1 555 0199',
    'EMAIL;TYPE=HOME:julie@example.org',
    'NOTE:seen for the {n}th time',
    'END:VCARD',
    '',
  ].join('\r\n')

/** The statements that a PUT over a personal card issues, as Kith issues them now: nobody keeps a second list. */
export async function recordPut(url: string, account: Account): Promise<Statement[]> {
  const database = await openDatabase({ url, poolSize: 1, prepare: true })
  const statements: Statement[] = []
  database.pool.on('acquire', (client) => record(client, statements))
  try {
    const contacts = new ContactService(createStore(database))
    const text = (n: number) => cardOf(account).replaceAll('{n}', String(n).padStart(10, '0'))
    const put = async (n: number) => {
      const { etag } = await contacts.put(account.actor, account.actor.peopleId, CARD_NAME, Buffer.from(text(n)))
      return etag
    }
    const seen = await put(Math.floor(Math.random() * 1_000_000_000))
    statements.length = 0
    const last = 9_999_999_999
    const etag = await put(last)
    const marked = new Map<unknown, string>([
      [seen, SEEN_ETAG],
      [etag, NEW_ETAG],
      [text(last), cardOf(account)],
    ])
    return statements.map((one) => ({ ...one, values: one.values.map((value) => marked.get(value) ?? value) }))
  } finally {
    await database.close()
  }
}

const recording = new WeakSet<pg.PoolClient>()

/** Has all that this connection is asked noted. */
export function record(client: pg.PoolClient, statements: Statement[]): void {
  if (recording.has(client)) return
  recording.add(client)
  const query = client.query.bind(client) as (...all: unknown[]) => unknown // one of its overloads
  client.query = ((...all: unknown[]) => {
    const [asked] = all as [Statement | string] // as session.ts asks
    const { text, name, values } = typeof asked === 'string' ? { text: asked, name: undefined, values: [] } : asked
    statements.push({ text, values, ...(name ? { name } : {}) })
    return query(...all)
  }) as typeof client.query
}
