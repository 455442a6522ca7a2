import { extendedDate, isoDate, OMITTED_YEAR } from './date.ts'
import type { Line, Parameter, VCard, Version } from './syntax.ts'
import {
  BINARY,
  DATES,
  inlineData,
  isPreferred,
  keepTypes,
  NAMES,
  parameterValues,
  standardName,
  structured,
  types,
  unescapeText,
  without,
  withoutOldEscapes,
} from './value.ts'

const TO_3 = new Map(NAMES.map(([three, four]) => [four, three]))

/** A card in the other version, equal in meaning; the card itself where it has that version already. */
export function convert(card: VCard, version: Version): VCard {
  if (card.version === version) return card
  const lines = card.lines.map(version === '4.0' ? lineTo4 : lineTo3)
  return { version, lines: version === '3.0' ? withName(lines) : lines }
}

/** One line in the other version's form. */
export const convertLine = (line: Line, version: Version): Line => (version === '4.0' ? lineTo4(line) : lineTo3(line))

/** RFC 2426 §3.1.2 requires N: it is made from FN. */
function withName(lines: Line[]): Line[] {
  if (lines.some(({ name }) => name === 'N')) return lines
  const at = lines.findIndex(({ name }) => name === 'FN')
  const fullName = lines[at]
  if (!fullName) return lines
  const name: Line = {
    name: 'N',
    parameters: [],
    value: structured([[''], [unescapeText(fullName.value)], [''], [''], ['']]),
  }
  return lines.toSpliced(at + 1, 0, name)
}

function changed(line: Line, change: { name?: string; parameters?: readonly Parameter[]; value?: string }): Line {
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
    const inline = inlineData(line)
    if (inline) {
      parameters = without(parameters, 'ENCODING', 'TYPE', 'VALUE')
      value = `data:${inline.mediaType};base64,${inline.base64}`
    } else if (isUri(line)) parameters = without(parameters, 'VALUE')
  } else if (DATES.has(name)) {
    parameters = without(parameters, 'X-APPLE-OMIT-YEAR').filter((parameter) => !isDateValue(parameter))
    value = isoDate(line)
  } else if (name === 'SOCIALPROFILE') parameters = serviceTo4(parameters)
  else if (name === 'GEO') value = value.replace(COORDINATES, 'geo:$1,$2')
  return same(line, name, parameters, value) ? line : changed(line, { name, parameters, value })
}

function lineTo3(line: Line): Line {
  if (line.name === 'VERSION') return changed(line, { value: '3.0' })
  const name = TO_3.get(line.name) ?? line.name
  let { parameters, value } = line
  if (parameterValues(line, 'PREF')[0] === '1') {
    parameters = [...without(parameters, 'PREF'), { name: 'TYPE', values: ['pref'] }]
  }
  if (parameters.some(isListInOne)) parameters = keepTypes(parameters, () => true)
  if (BINARY.has(line.name)) {
    const inline = inlineData(line)
    if (inline) {
      const kind = inline.mediaType.split('/')[1]?.toUpperCase()
      parameters = [
        ...without(parameters, 'VALUE', 'MEDIATYPE', 'ENCODING', 'TYPE'),
        { name: 'ENCODING', values: ['b'] },
        ...(kind ? [{ name: 'TYPE', values: [kind] }] : []),
      ]
      value = inline.base64
    } else if (!isText(line) && URI.test(value))
      parameters = [{ name: 'VALUE', values: ['uri'] }, ...without(parameters, 'VALUE')]
  } else if (DATES.has(line.name)) {
    const date = extendedDate(line)
    value = date.value
    if (parameters.some(isNewDateValue)) parameters = without(parameters, 'VALUE')
    if (date.yearOmitted) parameters = [...parameters, { name: 'X-APPLE-OMIT-YEAR', values: [OMITTED_YEAR] }]
  } else if (line.name === 'TEL' && isUri(line)) {
    parameters = without(parameters, 'VALUE')
    value = value.replace(/^tel:/i, '')
  } else if (line.name === 'SOCIALPROFILE') parameters = serviceTo3(parameters)
  else if (line.name === 'GEO') value = value.replace(GEO_URI, '$1;$2')
  return same(line, name, parameters, value) ? line : changed(line, { name, parameters, value })
}

/** Latitude and longitude: RFC 2426 §3.4.2, and as a URI without altitude or parameters RFC 6350 §6.5.2. */
const COORDINATES = /^\s*(-?[\d.]+)\s*\\?;\s*(-?[\d.]+)\s*$/
const GEO_URI = /^geo:(-?[\d.]+),(-?[\d.]+)$/i

const same = (line: Line, name: string, parameters: readonly Parameter[], value: string): boolean =>
  line.name === name && line.parameters === parameters && line.value === value

const valueType = (line: Line): string => parameterValues(line, 'VALUE')[0]?.toLowerCase() ?? ''
const URI = /^[a-z][a-z0-9+.-]*:/i
const isUri = (line: Line): boolean => ['uri', 'url'].includes(valueType(line))
const isText = (line: Line): boolean => valueType(line) === 'text'
const isDateValue = (parameter: Parameter): boolean =>
  parameter.name === 'VALUE' && ['date', 'date-time'].includes(parameter.values[0]?.toLowerCase() ?? '')
/** The value types that 3.0 does not know. */
const isNewDateValue = (parameter: Parameter): boolean =>
  parameter.name === 'VALUE' && ['date-and-or-time', 'timestamp'].includes(parameter.values[0]?.toLowerCase() ?? '')
/** TYPE="voice,home": 3.0 has no such list. */
const isListInOne = ({ name, values }: Parameter): boolean =>
  name === 'TYPE' && values.some((value) => value.includes(','))

const PLACES: ReadonlySet<string> = new Set(['home', 'work', 'other'])

/** Apple's TYPE=twitter and X-USER are RFC 9554's SERVICE-TYPE and USERNAME (§4.9, §4.10). */
function serviceTo4(parameters: readonly Parameter[]): Parameter[] {
  const given = parameters.some(({ name }) => name === 'SERVICE-TYPE')
  const service = given ? undefined : types({ parameters }).find((type) => !PLACES.has(type))
  const written = parameterValues({ parameters }, 'TYPE')
    .flatMap((value) => value.split(','))
    .find((value) => value.toLowerCase() === service)
  const renamed = keepTypes(parameters, (type) => type !== service).map((parameter) =>
    parameter.name === 'X-USER' ? { ...parameter, name: 'USERNAME' } : parameter,
  )
  return written === undefined ? renamed : [...renamed, { name: 'SERVICE-TYPE', values: [written] }]
}

/** The service comes first: that is the TYPE by which it is found again. */
const serviceTo3 = (parameters: readonly Parameter[]): Parameter[] => [
  ...parameters.filter(({ name }) => name === 'SERVICE-TYPE').map(({ values }) => ({ name: 'TYPE', values })),
  ...without(parameters, 'SERVICE-TYPE').map((parameter) =>
    parameter.name === 'USERNAME' ? { ...parameter, name: 'X-USER' } : parameter,
  ),
]
