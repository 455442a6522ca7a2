import { type Bearer, type Connector, OwnProfileService, TeamService, UserService } from '#domain'
import { answer } from '../protocols/scim/router.ts'
import { createStore, openDatabase } from '../src/persistence/index.ts'
import type { Asked } from './client.ts'
import { NEW_ETAG, SEEN_ETAG, type Statement } from './load.ts'
import { record } from './recorded.ts'

/** What Kith asks the database for one request, and what it answers. */
export interface Recorded {
  readonly statements: readonly Statement[]
  readonly text: string
}

/** One that no load generator gets to. */
const number = (): string => String(9_000_000_000 + Math.floor(Math.random() * 999_999_999))
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

/** Answers requests in this process, as the server would those of this connector, and notes the statements. */
export class Recorder {
  readonly #statements: Statement[]
  readonly #served: Parameters<typeof answer>[2]
  readonly #bearer: Bearer
  readonly close: () => Promise<void>

  private constructor(
    statements: Statement[],
    served: Parameters<typeof answer>[2],
    connector: Connector,
    close: () => Promise<void>,
  ) {
    this.#statements = statements
    this.#served = served
    this.#bearer = { kind: 'connector', key: 'bench', connector, mayWrite: true }
    this.close = close
  }

  static async open(url: string, base: string, connector: Connector): Promise<Recorder> {
    const database = await openDatabase({ url, poolSize: 1, prepare: true })
    const statements: Statement[] = []
    database.pool.on('acquire', (client) => record(client, statements))
    const store = createStore(database)
    const served = {
      base,
      users: new UserService(store),
      teams: new TeamService(store),
      directory: store.directory,
      ownProfile: new OwnProfileService(store),
      bodyLimit: 16 * 1024 * 1024,
    }
    return new Recorder(statements, served, connector, database.close)
  }

  async of({ method, path, body }: Asked, n = number()): Promise<Recorded> {
    this.#statements.length = 0
    const [address = '', search = ''] = path.replace('/scim/v2/', '').split(/\?(.*)/)
    const { body: answered = '', status } = await answer(
      {
        method,
        segments: address.split('/'),
        search,
        condition: {},
        body: body === undefined ? undefined : Buffer.from(body.replaceAll('{n}', n)),
      },
      this.#bearer,
      this.#served,
    )
    let text = ''
    for await (const piece of typeof answered === 'string' ? [answered] : answered) text += piece
    if (status >= 300) throw new Error(`${method} ${path} was answered ${status}`)
    return { statements: [...this.#statements], text }
  }

  /**
   * What a write asks, to be asked again and again: its number, and the ids that it makes, are marks. `etag` reads the one
   * of the card that is written over.
   */
  async write(asked: Asked, etag?: () => Promise<string>): Promise<Statement[]> {
    await this.of(asked) // what it writes over is of its own making from here on
    const seen = await etag?.()
    const n = number()
    const { statements } = await this.of(asked, n)
    const now = await etag?.()
    const ids = new Map<string, string>()
    const { connector } = this.#bearer as Extract<Bearer, { kind: 'connector' }> // made so
    const marked = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(marked)
      if (typeof value !== 'string') return value
      if (etag && value === seen) return SEEN_ETAG
      if (etag && value === now) return NEW_ETAG
      const numbered = value.replaceAll(n, '{n}')
      if (etag) return numbered // nothing is made
      return numbered.replaceAll(UUID, (id) => {
        if (id === connector.organizationId) return id
        const mark = ids.get(id) ?? `{uuid ${ids.size}}`
        ids.set(id, mark)
        return mark
      })
    }
    return statements.map((one) => ({ ...one, values: one.values.map(marked) }))
  }
}
