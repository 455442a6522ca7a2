import type { Narrowing } from '#domain'
import { decodeParameter, isSearchable, type Line, parameterValues, searchKey, unescapeText, type VCard } from '#vcard'
import { CARDDAV } from '../names.ts'
import { DavError } from '../preconditions.ts'
import { child, type XmlElement } from '../xml.ts'
import { COLLATIONS } from './collation.ts'

/** What a card has to be, exactly; and what of that the database can look for first. */
export type CardFilter = Rule<VCard>

interface Rule<Subject> {
  readonly test: (subject: Subject) => boolean
  readonly narrowing?: Narrowing | undefined
}

const MAX_CONDITIONS = 256

const unsupported = (message: string): DavError => new DavError(403, message, CARDDAV('supported-filter'))

function combine<Subject>(element: XmlElement, rules: readonly Rule<Subject>[]): Rule<Subject> {
  const mode = element.attributes.get('test') ?? 'anyof'
  if (mode !== 'anyof' && mode !== 'allof') throw unsupported(`A test is anyof or allof, not "${mode}"`)
  const narrowings = rules.flatMap(({ narrowing }) => narrowing ?? [])
  if (mode === 'allof') {
    return {
      test: (subject) => rules.every(({ test }) => test(subject)),
      narrowing: narrowings.length === 0 ? undefined : { all: narrowings },
    }
  }
  return {
    test: (subject) => rules.some(({ test }) => test(subject)),
    narrowing: narrowings.length < rules.length ? undefined : { any: narrowings }, // one alternative may be anything
  }
}

const MATCHES: Readonly<Record<string, (text: string, wanted: string) => boolean>> = {
  equals: (text, wanted) => text === wanted,
  contains: (text, wanted) => text.includes(wanted),
  'starts-with': (text, wanted) => text.startsWith(wanted),
  'ends-with': (text, wanted) => text.endsWith(wanted),
}

/** Where a match stands in the text that cards are found by: behind a tab, before a line break. */
const PLACES: Readonly<Record<string, (key: string) => string>> = {
  equals: (key) => `\t${key}\n`,
  contains: (key) => key,
  'starts-with': (key) => `\t${key}`,
  'ends-with': (key) => `${key}\n`,
}

/** RFC 6352 §10.5.4 */
function textMatch(element: XmlElement): Rule<string> {
  const collation = COLLATIONS.get(element.attributes.get('collation') ?? 'i;unicode-casemap')
  if (!collation) throw new DavError(403, 'The collation is not known', CARDDAV('supported-collation'))
  const type = element.attributes.get('match-type') ?? 'contains'
  const matches = Object.hasOwn(MATCHES, type) ? MATCHES[type] : undefined
  const place = PLACES[type]
  if (!matches || !place) throw unsupported(`The match type "${type}" is not known`)
  const negated = element.attributes.get('negate-condition') ?? 'no'
  if (negated !== 'yes' && negated !== 'no') throw unsupported('negate-condition is yes or no')
  const wanted = collation(element.text)
  const key = searchKey(element.text)
  return {
    test: (text) => matches(collation(text), wanted) !== (negated === 'yes'),
    narrowing: negated === 'yes' || key === '' ? undefined : { text: place(key) },
  }
}

/** RFC 6352 §10.5.2: of a parameter of one property. */
function paramFilter(element: XmlElement): Rule<Line> {
  const name = element.attributes.get('name')?.toUpperCase()
  if (!name) throw unsupported('A param-filter needs a name')
  const [condition, ...more] = element.children
  if (more.length > 0) throw unsupported('A param-filter holds one condition')
  const values = (line: Line): string[] =>
    parameterValues(line, name).flatMap((value) => (name === 'TYPE' ? value.split(',') : [decodeParameter(value)]))
  if (!condition) return { test: (line) => values(line).length > 0 }
  if (condition.name === CARDDAV('is-not-defined')) return { test: (line) => values(line).length === 0 }
  if (condition.name !== CARDDAV('text-match')) throw unsupported('A param-filter holds a text-match or is-not-defined')
  const { test } = textMatch(condition)
  return { test: (line) => values(line).some(test) }
}

/** RFC 6352 §10.5.1: all conditions are about the same property of the card. */
function propFilter(element: XmlElement): Rule<VCard> {
  const name = element.attributes.get('name')?.toUpperCase()
  if (!name) throw unsupported('A prop-filter needs a name')
  const dot = name.indexOf('.')
  const property = name.slice(dot + 1)
  const group = dot < 0 ? undefined : name.slice(0, dot)
  const named = (line: Line): boolean =>
    line.name === property && (group === undefined || line.group?.toUpperCase() === group)
  if (child(element, CARDDAV('is-not-defined'))) {
    if (element.children.length > 1) throw unsupported('is-not-defined stands alone')
    const narrowing = group === undefined && !isFrameName(property) ? { without: property } : undefined
    return { test: ({ lines }) => !lines.some(named), narrowing }
  }
  const conditions = element.children.map((condition): Rule<Line> => {
    if (condition.name === CARDDAV('param-filter')) return paramFilter(condition)
    if (condition.name !== CARDDAV('text-match')) throw unsupported('A prop-filter holds text-match and param-filter')
    const { test, narrowing } = textMatch(condition)
    return { test: (line) => test(unescapeText(line.value)), narrowing: isSearchable(property) ? narrowing : undefined }
  })
  const { test, narrowing } = combine(element, conditions.length === 0 ? [{ test: () => true }] : conditions)
  return {
    test: ({ lines }) => lines.some((line) => named(line) && test(line)),
    narrowing: isFrameName(property) ? undefined : (narrowing ?? { property }),
  }
}

/** Every card has those, and none is found by them. */
const isFrameName = (property: string): boolean => ['BEGIN', 'END', 'VERSION'].includes(property)

const size = (element: XmlElement): number => element.children.reduce((sum, one) => sum + size(one), 1)

/** RFC 6352 §10.5; no filter, or an empty one, takes every card. @throws DavError supported-filter, supported-collation */
export function cardFilter(filter: XmlElement | undefined): CardFilter | undefined {
  if (!filter) return undefined
  if (size(filter) > MAX_CONDITIONS) throw unsupported(`A filter has at most ${MAX_CONDITIONS} elements`)
  const rules = filter.children.map((element) => {
    if (element.name !== CARDDAV('prop-filter')) throw unsupported(`A filter holds prop-filter elements only`)
    return propFilter(element)
  })
  return rules.length === 0 ? undefined : combine(filter, rules)
}
