import type { Line } from './syntax.ts'
import { parameterValues } from './value.ts'

const EXTENDED = /^(\d{4})-(\d\d)-(\d\d)(T.*)?$/
const BASIC = /^(\d{4})(\d\d)(\d\d)(T.*)?$/
const YEARLESS = /^--(\d\d)-?(\d\d)(T.*)?$/

/** The year that Apple writes where a 3.0 card knows none (`BDAY;X-APPLE-OMIT-YEAR=1604:1604-03-04`). */
export const OMITTED_YEAR = '1604'

interface DateParts {
  /** '' where left out. */
  readonly year: string
  readonly month: string
  readonly day: string
  /** `THHMMSS…`, or ''. */
  readonly time: string
}

function parts(line: Line): DateParts | undefined {
  const value = line.value.trim()
  const yearless = YEARLESS.exec(value)
  const match = yearless ?? EXTENDED.exec(value) ?? BASIC.exec(value)
  if (!match) return undefined
  const [year, month, day, time] = yearless ? ['', ...match.slice(1)] : match.slice(1)
  const omitted = parameterValues(line, 'X-APPLE-OMIT-YEAR')[0]
  return {
    year: year === omitted ? '' : (year ?? ''),
    month: month ?? '',
    day: day ?? '',
    time: (time ?? '').replaceAll(':', ''),
  }
}

/** RFC 6350 §4.3: the basic format of 4.0, `--MMDD` without a year; a value that is no such date stays as it is. */
export function isoDate(line: Line): string {
  const found = parts(line)
  if (!found) return line.value
  return `${found.year || '--'}${found.month}${found.day}${found.time}`
}

/** RFC 2426 §4: the extended format; a date without a year becomes Apple's. */
export function extendedDate(line: Line): { value: string; yearOmitted: boolean } {
  const found = parts(line)
  if (!found) return { value: line.value, yearOmitted: false }
  const time = found.time.replace(/^T.*$/, extendedForm)
  return {
    value: `${found.year || OMITTED_YEAR}-${found.month}-${found.day}${time}`,
    yearOmitted: found.year === '',
  }
}

const ANY_DATE = /^(?:(\d{4})-?(\d\d)-?(\d\d)|--(\d\d)-?(\d\d)|(\d{4}-\d\d|\d{4}|--\d\d|---\d\d))?(T.+)?$/
const ANY_TIME =
  /^T(?:(\d\d)(?::?(\d\d)(?::?(\d\d))?)?|-(\d\d):?(\d\d)|(-\d\d|--\d\d))(?:(Z)|([+-]\d\d)(?::?(\d\d))?)?$/i

/** A date, a time (`T…`) or both, of any accuracy, with these marks between its numbers; else as it is. */
function written(value: string, dash: '-' | '', colon: ':' | ''): string {
  const date = ANY_DATE.exec(value)
  if (!date) return value
  const [, year, month, day, yearlessMonth, yearlessDay, reduced = '', time] = date
  const clock = time === undefined ? undefined : ANY_TIME.exec(time)
  if (clock === null) return value
  const joined = (mark: string, ...parts: (string | undefined)[]) =>
    parts.filter((part) => part !== undefined).join(mark)
  const dated = year
    ? joined(dash, year, month, day)
    : yearlessMonth
      ? `--${joined(dash, yearlessMonth, yearlessDay)}`
      : reduced
  if (!clock) return dated
  const [, hour, minute, second, hourlessMinute, hourlessSecond, shortened = '', utc = '', zone, zoneMinute] = clock
  const timed = hour
    ? joined(colon, hour, minute, second)
    : hourlessMinute
      ? `-${joined(colon, hourlessMinute, hourlessSecond)}`
      : shortened
  return `${dated}T${timed}${utc}${joined(colon, zone, zoneMinute)}`
}

/** `1985-04-12T10:22:00Z`, as jCard (RFC 7095) and 3.0 write it. */
export const extendedForm = (value: string): string => written(value, '-', ':')

/** RFC 6350 §4.3: `19850412T102200Z`. */
export const basicForm = (value: string): string => written(value, '', '')
