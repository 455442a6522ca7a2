import { parseArgs } from 'node:util'
import type { Kith } from '../composition.ts'
import type { Config } from '../config.ts'

/** A mistake of whoever typed the command: told in words, exit status 1. */
export class UsageError extends Error {}

export interface Option {
  readonly type: 'string' | 'boolean'
  readonly help: string
  /** What stands for the value in the help. */
  readonly value?: string
  readonly required?: boolean
  readonly multiple?: boolean
}

/** What was typed, checked: reading an option that the command does not have is a fault of ours. */
export class Input {
  readonly #values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>
  readonly #positionals: readonly string[]
  constructor(values: Input['values'], positionals: readonly string[]) {
    this.#values = values
    this.#positionals = positionals
  }
  get values(): Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>> {
    return this.#values
  }
  text(name: string): string | undefined {
    const value = this.#values[name]
    return typeof value === 'string' ? value : undefined
  }
  required(name: string): string {
    return this.text(name) ?? ''
  }
  list(name: string): string[] {
    const value = this.#values[name]
    return Array.isArray(value) ? value.map(String) : []
  }
  flag(name: string): boolean | undefined {
    const value = this.#values[name]
    return typeof value === 'boolean' ? value : undefined
  }
  positional(at: number): string {
    return this.#positionals[at] ?? ''
  }
}

/** What a command prints: `json` with --json, else `text`. */
export interface Output {
  readonly json: unknown
  readonly text: string
}

export interface Command {
  /** As typed: `user create`. */
  readonly name: string
  readonly summary: string
  readonly positionals?: readonly string[]
  readonly options?: Readonly<Record<string, Option>>
  /** Works on an opened database. */
  readonly run?: (kith: Kith, input: Input) => Promise<Output>
  /** Opens what it needs itself; resolves when it is done, and prints what it likes. */
  readonly start?: (config: Config, input: Input) => Promise<Output | undefined>
}

const COMMON: Readonly<Record<string, Option>> = {
  json: { type: 'boolean', help: 'print JSON' },
  help: { type: 'boolean', help: 'print this' },
}

export function usage({ name, positionals = [], options = {}, summary }: Command): string {
  const all = { ...options, ...COMMON }
  const rows = Object.entries(all).map(([key, option]) => {
    const left = `--${key}${option.type === 'string' ? ` ${option.value ?? key.toUpperCase()}` : ''}`
    return `  ${left.padEnd(28)}${option.help}${option.required ? ' (required)' : ''}${option.multiple ? ' (may be given again)' : ''}`
  })
  const words = ['npx kith', name, ...positionals, '[options]'].join(' ')
  return `${summary}\n\nUsage: ${words}\n\n${rows.join('\n')}\n`
}

/** @throws UsageError */
export function readInput(command: Command, args: readonly string[]): Input {
  const options = { ...command.options, ...COMMON }
  const hint = `(npx kith ${command.name} --help tells the usage)`
  let parsed: ReturnType<typeof parseArgs>
  try {
    parsed = parseArgs({
      args: [...args],
      options: Object.fromEntries(
        Object.entries(options).map(([name, { type, multiple }]) => [name, { type, multiple: multiple ?? false }]),
      ),
      allowPositionals: true,
      allowNegative: true,
    })
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error} ${hint}`)
  }
  const { positionals = [] } = command
  if (parsed.values.help) return new Input(parsed.values, parsed.positionals)
  const missing = positionals[parsed.positionals.length]
  if (missing) throw new UsageError(`${missing} is missing ${hint}`)
  if (parsed.positionals.length > positionals.length) {
    throw new UsageError(`"${parsed.positionals[positionals.length]}" is one word too many ${hint}`)
  }
  for (const [name, { required }] of Object.entries(options)) {
    if (required && parsed.values[name] === undefined) throw new UsageError(`--${name} is missing ${hint}`)
  }
  return new Input(parsed.values, parsed.positionals)
}

/** Rows under their headings, as wide as they need. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows]
  const widths = headings.map((_, at) => Math.max(...all.map((row) => [...(row[at] ?? '')].length)))
  return all
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
