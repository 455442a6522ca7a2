import { randomBytes } from 'node:crypto'
import { type Answer, at, Failure, listAt, NoAnswer, textAt, told } from './answer.ts'
import { ENTERPRISE, GROUP, type Need, USER } from './check.ts'
import type { Client } from './client.ts'

/** A resource that the checks made. */
export interface Made {
  readonly id: string
  /** From the base: `/Users/…`. */
  readonly path: string
  /** Its userName or displayName. */
  readonly name: string
  readonly answer: Answer
}

/** People that filters, pages and sorting are tried on: they differ where a filter is to tell them apart. */
const CAST = [
  { key: 'a', family: 'Ames', given: 'Ada', title: 'Clerk 100%', type: 'work', active: true },
  { key: 'b', family: 'Bell', given: 'Ben', title: 'clerk_two', type: 'home', active: true },
  { key: 'c', family: 'Cole', given: 'Cy "C"', title: 'Chef \\ Baker', type: 'work', active: false },
  { key: 'd', family: 'dunn', given: 'Dör', title: undefined, type: 'work', active: true },
  { key: 'e', family: 'Ellis', given: 'Eve', title: 'Pilot', type: 'other', active: true },
] as const

/** What the server says of itself, and what the checks made on it. */
export class State {
  /** Every name that the checks give begins with it. */
  readonly prefix = `kith-check-${randomBytes(6).toString('hex')}`
  configuration: unknown
  resourceTypes: readonly unknown[] = []
  schemas: readonly unknown[] = []
  readonly #client: Client
  #cast: Promise<readonly Made[]> | undefined
  #count = 0

  constructor(client: Client) {
    this.#client = client
  }

  /** Reads what the server tells of itself; what it does not tell is taken to be there. */
  async discover(): Promise<void> {
    this.configuration = await this.#told('/ServiceProviderConfig')
    this.resourceTypes = listAt(await this.#told('/ResourceTypes'), 'Resources')
    this.schemas = listAt(await this.#told('/Schemas'), 'Resources')
  }

  async #told(path: string): Promise<unknown> {
    try {
      return (await this.#client.get(path)).json
    } catch (error) {
      if (error instanceof NoAnswer && !this.#client.isStopped) return undefined
      throw error
    }
  }

  supports(need: Need): boolean {
    if (need === 'index') return at(this.configuration, 'pagination', 'index') !== false
    if (need === 'cursor') return at(this.configuration, 'pagination', 'cursor') === true
    if (need === 'groups') return this.#type('Group') !== undefined || this.resourceTypes.length === 0
    if (need === 'enterprise') {
      return listAt(this.#type('User'), 'schemaExtensions').some((one) => textAt(one, 'schema') === ENTERPRISE)
    }
    if (!need.includes('.')) return at(this.configuration, need, 'supported') !== false
    const [type = '', name = ''] = need.split('.')
    const schema = this.schemas.find((one) => textAt(one, 'id') === (type === 'User' ? USER : GROUP))
    return schema === undefined || listAt(schema, 'attributes').some((one) => textAt(one, 'name') === name)
  }

  #type(name: string): unknown {
    return this.resourceTypes.find((one) => textAt(one, 'name') === name)
  }

  /** A name that nobody else has. */
  name(word = 'x'): string {
    this.#count += 1
    return `${this.prefix}-${word}${this.#count}`
  }

  /** A user as POST takes it, its name a new one. */
  body(more: Readonly<Record<string, unknown>> = {}, word = 'x'): Record<string, unknown> & { userName: string } {
    const userName = `${this.name(word)}@example.com`
    return {
      schemas: [USER],
      userName,
      name: { familyName: 'Check', givenName: 'Kith' },
      displayName: 'Kith Check',
      emails: [{ value: userName, type: 'work', primary: true }],
      active: true,
      ...more,
    }
  }

  /** @throws Failure where the server does not make it */
  async user(more: Readonly<Record<string, unknown>> = {}, word = 'x'): Promise<Made> {
    const body = this.body(more, word)
    return this.#madeOf(await this.#client.post('/Users', body), '/Users', String(body.userName))
  }

  /** @throws Failure where the server does not make it */
  async group(members: readonly Made[] = [], more: Readonly<Record<string, unknown>> = {}): Promise<Made> {
    const displayName = this.name('group')
    const list = members.map(({ id }) => ({ value: id }))
    const body = { schemas: [GROUP], displayName, ...(list.length > 0 ? { members: list } : {}), ...more }
    return this.#madeOf(await this.#client.post('/Groups', body), '/Groups', String(body.displayName))
  }

  #madeOf(answer: Answer, place: string, name: string): Made {
    const id = textAt(answer.json, 'id')
    if (answer.status !== 201 || id === '') throw new Failure('201 and an id', told(answer), answer.sent)
    return { id, path: `${place}/${encodeURIComponent(id)}`, name, answer }
  }

  /** The people that filters are tried on, made when they are first asked for. */
  cast(): Promise<readonly Made[]> {
    this.#cast ??= this.#makeCast()
    return this.#cast
  }

  async #makeCast(): Promise<readonly Made[]> {
    const made: Made[] = []
    for (const { key, family, given, title, type, active } of CAST) {
      const userName = `${this.prefix}-cast-${key}@example.com`
      made.push(
        await this.user({
          userName,
          externalId: `${this.prefix}-Ext-${key}`,
          name: { familyName: family, givenName: given },
          displayName: `${given} ${family}`,
          emails: [{ value: `${this.prefix}-mail-${key}@example.com`, type, primary: true }],
          active,
          ...(title === undefined ? {} : { title }),
        }),
      )
    }
    return made
  }

  /** Which of the cast a list holds, by their letters. */
  letters(list: readonly unknown[]): string {
    const start = `${this.prefix}-cast-`.length
    return list.map((one) => textAt(one, 'userName').slice(start, start + 1)).join('')
  }

  /** A filter that also keeps to the cast. */
  ofCast(filter: string): string {
    return `userName sw "${this.prefix}-cast-" and (${filter})`
  }
}
