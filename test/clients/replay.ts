import { readdirSync } from 'node:fs'
import type { Test } from 'tap'
import { ask } from '../support/kith.ts'
import { expectAll } from './expect.ts'
import { fill, readSteps, type Values } from './http-file.ts'

const HERE = new URL('./', import.meta.url)

/** What a client starts with. */
export interface Stage {
  readonly url: string
  readonly values: Values
  /** What happens elsewhere between two of its requests, by name. */
  readonly events: Readonly<Record<string, () => Promise<unknown>>>
}

const filesOf = (client: string, extension: string): string[] =>
  readdirSync(new URL(client, HERE))
    .filter((name) => name.endsWith(extension))
    .sort()

/** The folders that have files with that ending. */
export const clientsWith = (extension: string): string[] =>
  readdirSync(HERE, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && filesOf(entry.name, extension).length > 0)
    .map(({ name }) => name)

/** Sends what the client's files say, in their order, and looks at each answer. */
export async function replay(
  t: Test,
  client: string,
  extension: string,
  { url, values, events }: Stage,
): Promise<void> {
  const filled = (text: string) => fill(text, values)
  for (const file of filesOf(client, extension)) {
    for (const step of readSteps(new URL(`${client}/${file}`, HERE).pathname)) {
      await t.test(`${client} ${file.slice(0, -extension.length)}: ${step.title}`, async (t) => {
        for (const name of step.before) {
          const event = events[name]
          if (!event) throw new Error(`no such event: ${name}`)
          await event()
        }
        const headers = Object.fromEntries(Object.entries(step.headers).map(([name, value]) => [name, filled(value)]))
        const body = step.body === undefined ? {} : { body: filled(step.body) }
        const start = performance.now()
        const answer = await ask(url, step.method, filled(step.path), { headers, ...body })
        const milliseconds = performance.now() - start
        t.equal(answer.status, step.status, answer.status === step.status ? '' : answer.text.slice(0, 600))
        expectAll(t, { ...answer, milliseconds }, step.expectations, values, filled)
      })
    }
  }
}
