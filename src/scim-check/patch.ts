import { type Answer, at, textAt } from './answer.ts'
import { type Check, type Need, refusal, same, status } from './check.ts'
import type { Client } from './client.ts'
import type { Made, State } from './state.ts'

type Operations = readonly Readonly<Record<string, unknown>>[]

/** Patches and reads again: what a PATCH answers (RFC 7644 §3.5.2: 200 or 204) is the server's choice. */
export async function patched(client: Client, { path }: Made, operations: Operations): Promise<Answer> {
  const answer = await client.patch(path, operations)
  status(answer, 200, 204)
  return { ...(await client.get(path)), sent: answer.sent }
}

/** RFC 7643 §2.5: null, an empty list and, with many servers, an empty text are no value. */
const isNothing = (value: unknown): boolean =>
  value === null || value === '' || (Array.isArray(value) && value.length === 0)

function valueAt(json: unknown, path: readonly string[]): unknown {
  const value = path.reduce((found, key) => {
    if (!key.startsWith('@')) return at(found, key)
    return Array.isArray(found) ? found.find((one) => textAt(one, 'type') === key.slice(1)) : undefined
  }, json)
  return isNothing(value) ? undefined : value
}

export interface Row {
  readonly title: string
  readonly needs?: readonly Need[]
  /** What the user has beyond a name. */
  readonly before?: Readonly<Record<string, unknown>>
  readonly operations: Operations
  /** A path of the user (`@work`: the value of that type), and what is there after; undefined: no value. */
  readonly after: readonly (readonly [path: readonly string[], value: unknown])[]
}

export const changes = (section: string, rows: readonly Row[]): Check[] =>
  rows.map(({ title, needs = [], before, operations, after }) => ({
    section,
    title,
    needs: ['patch', ...needs],
    async run(client, state) {
      const answer = await patched(client, await state.user(before), operations)
      for (const [path, value] of after)
        same(answer, `after the PATCH, ${path.join('.')}:`, valueAt(answer.json, path), value)
    },
  }))

export interface Refused {
  readonly title: string
  readonly operations: Operations | ((state: State) => Operations)
  readonly scimTypes: readonly string[]
}

/** Refused with 400, and the user stays as it was. */
export const refused = (section: string, rows: readonly Refused[]): Check[] =>
  rows.map(({ title, operations, scimTypes }) => ({
    section,
    title: `${title}: 400 ${scimTypes[0]}`,
    needs: ['patch'],
    async run(client, state) {
      const { path, answer: made } = await state.user()
      const list = typeof operations === 'function' ? operations(state) : operations
      const answer = await client.patch(path, list)
      refusal(answer, [400], ...scimTypes)
      const { json } = await client.get(path)
      for (const name of ['id', 'userName', 'displayName', 'emails', 'name'])
        same(answer, `unchanged ${name}`, at(json, name), at(made.json, name))
    },
  }))
