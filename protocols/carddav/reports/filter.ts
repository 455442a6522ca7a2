import { type Line, parameterValues, unescapeText, type VCard } from '#vcard'
import { CARDDAV } from '../names.ts'
import { DavError } from '../preconditions.ts'
import { child, type XmlElement } from '../xml.ts'
import { COLLATIONS } from './collation.ts'

export type CardFilter = (card: VCard) => boolean
type Test<Subject> = (subject: Subject) => boolean

const MAX_CONDITIONS = 256

const unsupported = (message: string): DavError => new DavError(403, message, CARDDAV('supported-filter'))

const combine = <Subject>(element: XmlElement, tests: readonly Test<Subject>[]): Test<Subject> => {
  const mode = element.attributes.get('test') ?? 'anyof'
  if (mode !== 'anyof' && mode !== 'allof') throw unsupported(`A test is anyof or allof, not "${mode}"`)
  return mode === 'allof'
    ? (subject) => tests.every((test) => test(subject))
    : (subject) => tests.some((test) => test(subject))
}

const MATCHES: Readonly<Record<string, (text: string, wanted: string) => boolean>> = {
  equals: (text, wanted) => text === wanted,
  contains: (text, wanted) => text.includes(wanted),
  'starts-with': (text, wanted) => text.startsWith(wanted),
  'ends-with': (text, wanted) => text.endsWith(wanted),
}

/** RFC 6352 §10.5.4 */
function textMatch(element: XmlElement): Test<string> {
  const collation = COLLATIONS.get(element.attributes.get('collation') ?? 'i;unicode-casemap')
  if (!collation) throw new DavError(403, 'The collation is not known', CARDDAV('supported-collation'))
  const type = element.attributes.get('match-type') ?? 'contains'
  const matches = Object.hasOwn(MATCHES, type) ? MATCHES[type] : undefined
  if (!matches) throw unsupported(`The match type "${type}" is not known`)
  const wanted = collation(element.text)
  const negated = element.attributes.get('negate-condition') === 'yes'
  return (text) => matches(collation(text), wanted) !== negated
}

/** RFC 6352 §10.5.2: of a parameter of one property. */
function paramFilter(element: XmlElement): Test<Line> {
  const name = element.attributes.get('name')?.toUpperCase()
  if (!name) throw unsupported('A param-filter needs a name')
  const match = child(element, CARDDAV('text-match'))
  if (child(element, CARDDAV('is-not-defined'))) return (line) => parameterValues(line, name).length === 0
  if (!match) return (line) => parameterValues(line, name).length > 0
  const test = textMatch(match)
  return (line) => parameterValues(line, name).some(test)
}

/** RFC 6352 §10.5.1: all conditions are about the same property of the card. */
function propFilter(element: XmlElement): Test<VCard> {
  const name = element.attributes.get('name')?.toUpperCase()
  if (!name) throw unsupported('A prop-filter needs a name')
  const dot = name.indexOf('.')
  const named = (line: Line): boolean =>
    dot < 0 ? line.name === name : line.name === name.slice(dot + 1) && line.group?.toUpperCase() === name.slice(0, dot) // a group prefix
  if (child(element, CARDDAV('is-not-defined'))) return ({ lines }) => !lines.some(named)
  const conditions = element.children.flatMap((condition): Test<Line>[] => {
    if (condition.name === CARDDAV('param-filter')) return [paramFilter(condition)]
    if (condition.name !== CARDDAV('text-match')) return []
    const test = textMatch(condition)
    return [(line) => test(unescapeText(line.value))]
  })
  const test = combine(element, conditions.length === 0 ? [() => true] : conditions)
  return ({ lines }) => lines.some((line) => named(line) && test(line))
}

const size = (element: XmlElement): number => element.children.reduce((sum, one) => sum + size(one), 1)

/** RFC 6352 §10.5; no filter, or an empty one, takes every card. @throws DavError supported-filter, supported-collation */
export function cardFilter(filter: XmlElement | undefined): CardFilter | undefined {
  if (!filter) return undefined
  if (size(filter) > MAX_CONDITIONS) throw unsupported(`A filter has at most ${MAX_CONDITIONS} elements`)
  const tests = filter.children.map((element) => {
    if (element.name !== CARDDAV('prop-filter')) throw unsupported(`A filter holds prop-filter elements only`)
    return propFilter(element)
  })
  return tests.length === 0 ? undefined : combine(filter, tests)
}
