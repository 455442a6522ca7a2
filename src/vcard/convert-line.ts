import { extendedDate, isoDate, OMITTED_YEAR } from './date.ts'
import { fileTo3, fileTo4 } from './file.ts'
import { type Conversion, positionTo3, positionTo4, zoneTo3, zoneTo4 } from './geography.ts'
import { hasOldForm, serviceTo3, serviceTo4 } from './social.ts'
import type { Line, Parameter, Version } from './syntax.ts'
import {
  BINARY,
  DATES,
  isPreferred,
  keepTypes,
  NAMES,
  parameterValues,
  standardName,
  without,
  withoutOldEscapes,
} from './value.ts'
import { givenType } from './valuetype.ts'

const OLD_NAMES = new Map(NAMES.map(([three, four]) => [four, three]))

/** One line in the other version's form. */
export const convertLine = (line: Line, version: Version): Line => (version === '4.0' ? lineTo4(line) : lineTo3(line))

/** The line with other parts, to be written anew. */
export function changed(
  line: Line,
  change: { name?: string; parameters?: readonly Parameter[]; value?: string },
): Line {
  const { raw: _, ...rest } = line
  return { ...rest, ...change }
}

function lineTo4(line: Line): Line {
  if (line.name === 'VERSION') return changed(line, { value: '4.0' })
  const name = standardName(line.name)
  let { parameters } = line
  let value = withoutOldEscapes(line.value)
  if (isPreferred(line)) {
    parameters = [...keepTypes(without(parameters, 'PREF'), (type) => type !== 'pref'), { name: 'PREF', values: ['1'] }]
  }
  if (BINARY.has(name)) {
    ;({ parameters, value } = fileTo4({ ...line, parameters, value }))
  } else if (DATES.has(name)) {
    parameters = without(parameters, 'X-APPLE-OMIT-YEAR').filter((parameter) => !isDateValue(parameter))
    value = isoDate(line)
  } else if (line.name === 'X-SOCIALPROFILE') parameters = serviceTo4(parameters)
  else ({ parameters, value } = TO_4.get(name)?.({ ...line, parameters, value }) ?? { parameters, value })
  return same(line, name, parameters, value) ? line : changed(line, { name, parameters, value })
}

function lineTo3(line: Line): Line {
  if (line.name === 'VERSION') return changed(line, { value: '3.0' })
  if (line.name === 'SOCIALPROFILE' && !hasOldForm(line)) return line
  const name = OLD_NAMES.get(line.name) ?? line.name
  let { parameters, value } = line
  if (parameterValues(line, 'PREF')[0] === '1') {
    parameters = [...without(parameters, 'PREF'), { name: 'TYPE', values: ['pref'] }]
  }
  if (parameters.some(isListInOne)) parameters = keepTypes(parameters, () => true)
  if (BINARY.has(line.name)) {
    ;({ parameters, value } = fileTo3({ ...line, parameters, value }))
  } else if (DATES.has(line.name)) {
    const date = extendedDate(line)
    value = date.value
    if (parameters.some(isNewDateValue)) parameters = without(parameters, 'VALUE')
    if (date.yearOmitted) parameters = [...parameters, { name: 'X-APPLE-OMIT-YEAR', values: [OMITTED_YEAR] }]
  } else if (line.name === 'TEL' && isUri(line)) {
    parameters = without(parameters, 'VALUE')
    value = value.replace(/^tel:/i, '')
  } else if (line.name === 'SOCIALPROFILE') parameters = serviceTo3(parameters)
  else ({ parameters, value } = TO_3.get(name)?.({ ...line, parameters, value }) ?? { parameters, value })
  return same(line, name, parameters, value) ? line : changed(line, { name, parameters, value })
}

const TO_4: ReadonlyMap<string, Conversion> = new Map([
  ['GEO', positionTo4],
  ['TZ', zoneTo4],
])
const TO_3: ReadonlyMap<string, Conversion> = new Map([
  ['GEO', positionTo3],
  ['TZ', zoneTo3],
])

const same = (line: Line, name: string, parameters: readonly Parameter[], value: string): boolean =>
  line.name === name && line.parameters === parameters && line.value === value

const isUri = (line: Line): boolean => ['uri', 'url'].includes(givenType(line) ?? '')
const isDateValue = (parameter: Parameter): boolean =>
  parameter.name === 'VALUE' && ['date', 'date-time'].includes(parameter.values[0]?.toLowerCase() ?? '')
/** The value types that 3.0 does not know. */
const isNewDateValue = (parameter: Parameter): boolean =>
  parameter.name === 'VALUE' && ['date-and-or-time', 'timestamp'].includes(parameter.values[0]?.toLowerCase() ?? '')
/** TYPE="voice,home": 3.0 has no such list. */
const isListInOne = ({ name, values }: Parameter): boolean =>
  name === 'TYPE' && values.some((value) => value.includes(','))
