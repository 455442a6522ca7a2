import type { Line, Parameter } from './syntax.ts'
import { unescapeText, without } from './value.ts'
import { givenType } from './valuetype.ts'

type Change = { readonly parameters: readonly Parameter[]; readonly value: string } | undefined
/** What a line is changed to in the other version, or undefined where both write it alike. */
export type Conversion = (line: Line) => Change

const PAIR = /^\s*\+?(-?\d+(?:\.\d+)?)\s*;\s*\+?(-?\d+(?:\.\d+)?)\s*$/
const URI = /^geo:(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)$/i

/** RFC 2426 §3.4.2 has `46.6;14.3`, RFC 6350 §6.5.2 `geo:46.6,14.3`. */
export function positionTo4(line: Line): Change {
  const pair = ['float', undefined].includes(givenType(line)) ? PAIR.exec(unescapeText(line.value)) : null
  return pair ? { parameters: without(line.parameters, 'VALUE'), value: `geo:${pair[1]},${pair[2]}` } : undefined
}

/** A URI that says more (an altitude, an accuracy) stays one. */
export function positionTo3(line: Line): Change {
  const uri = ['uri', undefined].includes(givenType(line)) ? URI.exec(unescapeText(line.value)) : null
  return uri ? { parameters: without(line.parameters, 'VALUE'), value: `${uri[1]};${uri[2]}` } : undefined
}

/** The value in its 4.0 form. */
export const positionKey = (line: Line): string =>
  (positionTo4(line)?.value ?? unescapeText(line.value)).replace(URI, 'geo:$1,$2')

const OFFSET = /^([+-]\d\d)(?::?(\d\d))?$/
const offset = (value: string, colon: ':' | ''): string | undefined => {
  const found = OFFSET.exec(value.trim())
  return found ? `${found[1]}${colon}${found[2] ?? '00'}` : undefined
}

/** 3.0's TZ is an offset unless VALUE says text (RFC 2426 §3.4.1), 4.0's a text unless it says otherwise. */
export function zoneTo4(line: Line): Change {
  const found = offset(line.value, '')
  const parameters = without(line.parameters, 'VALUE')
  if (found) return { parameters: [{ name: 'VALUE', values: ['utc-offset'] }, ...parameters], value: found }
  return givenType(line) === 'text' ? { parameters, value: line.value } : undefined
}

export function zoneTo3(line: Line): Change {
  const found = offset(line.value, ':')
  const parameters = without(line.parameters, 'VALUE')
  if (found) return { parameters, value: found }
  if (givenType(line) === 'uri') return undefined
  return { parameters: [{ name: 'VALUE', values: ['text'] }, ...parameters], value: line.value }
}

export const zoneKey = (line: Line): string => offset(unescapeText(line.value), '') ?? unescapeText(line.value)
