import { curl } from './answer.ts'
import type { Outcome, Report } from './run.ts'

const SIGN = { passed: '✔', failed: '✘', unsupported: '–' } as const

/** A line for a check; below one that failed what was expected, what came, and how to see it. */
export function lineOf({ section, title, result, expected, got, sent }: Outcome): string {
  const head = `${SIGN[result]} ${section}  ${title}${result === 'unsupported' ? ' (not supported)' : ''}`
  if (result !== 'failed') return head
  return [head, `    expected: ${expected}`, `    got:      ${got}`, ...(sent ? [`    ${curl(sent)}`] : [])].join('\n')
}

const countOf = (outcomes: readonly Outcome[], result: Outcome['result']): number =>
  outcomes.filter((one) => one.result === result).length

/** RFC and section as numbers, so that §3.10 comes after §3.9. */
const order = (section: string): number[] => [...section.matchAll(/\d+/g)].map(([number]) => Number(number))

function compare(one: string, other: string): number {
  const [left, right] = [order(one), order(other)]
  for (let place = 0; place < Math.max(left.length, right.length); place += 1) {
    const difference = (left[place] ?? -1) - (right[place] ?? -1)
    if (difference !== 0) return difference
  }
  return one < other ? -1 : 1
}

/** How many passed, failed and are not supported: by section, and together. */
export function summaryOf({ base, outcomes, stopped, silent, left }: Report): string {
  const sections = [...Map.groupBy(outcomes, ({ section }) => section)].sort(([one], [other]) => compare(one, other))
  const width = Math.max(0, ...sections.map(([section]) => section.length))
  const told = (list: readonly Outcome[]): string =>
    [
      `${countOf(list, 'passed')} passed`,
      ...(countOf(list, 'failed') > 0 ? [`${countOf(list, 'failed')} failed`] : []),
      ...(countOf(list, 'unsupported') > 0 ? [`${countOf(list, 'unsupported')} not supported`] : []),
    ].join(', ')
  const end = stopped ? ' before it was stopped' : silent ? ', then the server stopped answering' : ''
  return [
    '',
    ...sections.map(([section, list]) => `${section.padEnd(width)}  ${told(list)}`),
    '',
    `${base}: ${told(outcomes)}${end}`,
    ...left.map(({ url, why }) => `Not deleted, please do it yourself: ${url} (${why})`),
  ].join('\n')
}

export const jsonOf = ({ base, outcomes, stopped, silent, left }: Report): object => ({
  base,
  passed: countOf(outcomes, 'passed'),
  failed: countOf(outcomes, 'failed'),
  unsupported: countOf(outcomes, 'unsupported'),
  complete: !stopped && !silent,
  checks: outcomes.map(({ sent, ...outcome }) => ({ ...outcome, ...(sent ? { request: curl(sent) } : {}) })),
  notDeleted: left,
})

/** Whether nothing is wrong, all was looked at, and nothing is left behind. */
export const isGood = ({ outcomes, stopped, silent, left }: Report): boolean =>
  !stopped && !silent && left.length === 0 && countOf(outcomes, 'failed') === 0
