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
  const time = found.time.replace(/^T(\d\d)(\d\d)(\d\d)/, 'T$1:$2:$3')
  return {
    value: `${found.year || OMITTED_YEAR}-${found.month}-${found.day}${time}`,
    yearOmitted: found.year === '',
  }
}
