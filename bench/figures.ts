/** The middle one: what a machine that others use as well is judged by. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = sorted.length / 2
  return Number.isInteger(middle)
    ? ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
    : (sorted[Math.floor(middle)] ?? 0)
}

/** One thing that is measured in turns with others. */
export interface Contestant {
  readonly name: string
  /** The process whose processor time counts. */
  readonly pid?: number
  run(milliseconds: number): Promise<{ readonly count: number; readonly seconds: number; readonly bytes?: number }>
}

export interface Standing {
  readonly name: string
  /** A second, in each round. */
  readonly rates: readonly number[]
  readonly rate: number
  /** Of the server process, for each operation. */
  readonly cpuMs: number
  /** Of the database, for each operation. */
  readonly databaseMs: number
  /** Of an answer. */
  readonly kilobytes: number
  /** To the first contestant in the same round, the middle of all rounds. */
  readonly ratio: number
}

/** Processor time used so far, in milliseconds. */
export interface Clocks {
  readonly server: (pid: number) => number
  readonly database: () => number
}

/** A B C, A B C, …: the machine's drift meets all of them alike. */
export async function inTurns(
  contestants: readonly Contestant[],
  rounds: number,
  milliseconds: number,
  { server, database }: Clocks,
): Promise<Standing[]> {
  const rates = contestants.map((): number[] => [])
  const cpu = contestants.map((): number[] => [])
  const databaseCpu = contestants.map((): number[] => [])
  const sizes = contestants.map((): number[] => [])
  for (const { run } of contestants) await run(milliseconds / 2) // warm
  for (let round = 0; round < rounds; round += 1) {
    for (const [at, { run, pid = 0 }] of contestants.entries()) {
      const before = server(pid)
      const databaseBefore = database()
      const { count, seconds, bytes = 0 } = await run(milliseconds)
      rates[at]?.push(count / seconds)
      cpu[at]?.push((server(pid) - before) / count)
      databaseCpu[at]?.push((database() - databaseBefore) / count)
      sizes[at]?.push(bytes / 1024 / count)
    }
  }
  return contestants.map(({ name }, at) => {
    const own = rates[at] ?? []
    return {
      name,
      rates: own,
      rate: median(own),
      cpuMs: median(cpu[at] ?? []),
      databaseMs: median(databaseCpu[at] ?? []),
      kilobytes: median(sizes[at] ?? []),
      ratio: median(own.map((rate, round) => rate / (rates[0]?.[round] ?? rate))),
    }
  })
}

/** How much the slowest is behind the fastest, by the middle of each round's ratio. */
export function spread(standings: readonly Standing[]): number {
  const [first] = standings
  const relative = standings.map(({ rates }) =>
    median(rates.map((rate, round) => rate / (first?.rates[round] ?? rate))),
  )
  return Math.max(...relative) / Math.min(...relative)
}

export interface Verdict {
  readonly what: string
  readonly figure: string
  readonly target?: string
  readonly holds?: boolean
}

export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows]
  const widths = headings.map((_, at) => Math.max(...all.map((row) => (row[at] ?? '').length)))
  return all
    .map((row) =>
      row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  '),
    )
    .join('\n')
}
