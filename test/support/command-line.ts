import { execFile } from 'node:child_process'
import type { Test } from 'tap'

export interface Result {
  readonly status: number
  readonly out: string
  readonly err: string
}

export function run(file: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Result> {
  return new Promise((resolve) => {
    execFile(
      file,
      args,
      { env: { NODE_COMPILE_CACHE: 'node_modules/.cache/kith', ...process.env, ...env } },
      (error, out, err) => {
        const status = error ? Number(error.code ?? 1) : 0
        resolve({ status, out, err })
      },
    )
  })
}

export type Row = Record<string, string | boolean | number | null>

/** What somebody types after `npx kith`. */
export function commandLine(t: Test, env: Readonly<Record<string, string>>) {
  const kith = (...args: string[]) => run(process.execPath, ['src/cli.ts', ...args], env)
  return {
    kith,
    /** The JSON it prints; --json stands last, as scripts append it. */
    json: async <Value>(...args: string[]): Promise<Value> => {
      const { status, out, err } = await kith(...args, '--json')
      t.equal(status, 0, `${args.join(' ')}: ${err}`)
      return JSON.parse(out) as Value // as the caller states
    },
    /** It ends in words that match, and nothing else happens. */
    refused: async (args: readonly string[], word: RegExp): Promise<void> => {
      const { status, out, err } = await kith(...args)
      t.equal(status, 1, args.join(' '))
      t.equal(out, '')
      t.match(err, word)
      t.notMatch(err, / at .*:\d+:\d+/, 'no stack')
    },
  }
}
