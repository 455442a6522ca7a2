import { parseArgs } from 'node:util'
import { table, type Verdict } from './figures.ts'
import type { Measured, Options } from './stage.ts'

export const times = (value: number): string => `${value.toFixed(2)} ×`
export const percent = (value: number): string => `${(value * 100).toFixed(0)} %`

/** What a benchmark was called with; `--help` prints that text and ends it. */
export function readOptions(help: string, flags: readonly string[] = []): Options {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    options: {
      sizes: text,
      rounds: text,
      milliseconds: text,
      only: text,
      data: text,
      json: text,
      help: { type: 'boolean' },
      ...Object.fromEntries(flags.map((flag) => [flag, { type: 'boolean' } as const])),
    },
  })
  if (values.help) {
    console.log(help)
    process.exit()
  }
  const number = (name: string, given: string): number => {
    if (!/^[1-9]\d{0,6}$/.test(given)) throw new Error(`--${name} takes whole numbers above zero, not "${given}"`)
    return Number(given)
  }
  const { sizes = '1000,20000,100000', rounds = '7', milliseconds = '1000', only = '', data, json } = values
  return {
    sizes: sizes.split(',').map((size) => number('sizes', size)),
    rounds: number('rounds', rounds),
    milliseconds: number('milliseconds', milliseconds),
    only: new Set(only === '' ? [] : only.split(',')),
    ...(data ? { data } : {}),
    ...(json ? { json } : {}),
    flags: new Set(Object.entries(values).flatMap(([name, value]) => (value === true ? [name] : []))),
  }
}

export function printStandings({ title, standings }: Measured): void {
  const rows = standings.map(({ name, rate, ratio, cpuMs, databaseMs, kilobytes }) => [
    name,
    rate.toFixed(rate < 50 ? 1 : 0),
    percent(ratio),
    cpuMs > 0 ? cpuMs.toFixed(3) : '',
    databaseMs > 0 ? databaseMs.toFixed(3) : '',
    kilobytes > 0 ? kilobytes.toFixed(1) : '',
  ])
  console.log(`\n${table([title, 'a second', 'of the first', 'server CPU ms', 'database CPU ms', 'KB'], rows)}`)
}

export function printVerdicts(all: readonly Verdict[]): void {
  const rows = all.map(({ what, figure, target = '', holds }) => [
    what,
    figure,
    target,
    holds === undefined ? '' : holds ? 'holds' : 'MISSED',
  ])
  console.log(`\n${table(['', 'measured', 'target', ''], rows)}`)
}
