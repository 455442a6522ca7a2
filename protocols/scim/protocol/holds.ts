import type { AttributeCondition } from '#domain'
import type { ComplexValue } from './values.ts'

/** Whether one value of an attribute fulfils a condition whose paths start at it: what a PATCH selects. */
export function holds(condition: AttributeCondition, value: ComplexValue): boolean {
  if ('all' in condition) return condition.all.every((part) => holds(part, value))
  if ('any' in condition) return condition.any.some((part) => holds(part, value))
  if ('not' in condition) return !holds(condition.not, value)
  if ('some' in condition) return false
  if ('present' in condition) return partOf(value, condition.present) !== undefined
  const found = partOf(value, condition.path)
  if (found === undefined) return false
  if (typeof condition.value === 'boolean') return found === condition.value
  const fold = (text: string) => (condition.caseExact ? text : text.toLowerCase())
  return TESTS[condition.compare](fold(String(found)), fold(String(condition.value)))
}

const partOf = (value: ComplexValue, [part = '']: readonly string[]): string | boolean | undefined =>
  Object.hasOwn(value, part) ? value[part] : undefined

const TESTS: Readonly<
  Record<Extract<AttributeCondition, { compare: unknown }>['compare'], (text: string, wanted: string) => boolean>
> = {
  equal: (text, wanted) => text === wanted,
  contains: (text, wanted) => text.includes(wanted),
  starts: (text, wanted) => text.startsWith(wanted),
  ends: (text, wanted) => text.endsWith(wanted),
  greater: (text, wanted) => text > wanted,
  'at-least': (text, wanted) => text >= wanted,
  less: (text, wanted) => text < wanted,
  'at-most': (text, wanted) => text <= wanted,
}

/** The parts that a filter of simple equalities asks for; undefined where it asks for anything else. */
export function equalities(condition: AttributeCondition): ComplexValue | undefined {
  if ('all' in condition) {
    const parts = condition.all.map(equalities)
    return parts.every((part) => part !== undefined) ? Object.assign({}, ...parts) : undefined
  }
  if (!('compare' in condition) || condition.compare !== 'equal' || condition.value instanceof Date) return undefined
  return { [condition.path[0] ?? '']: condition.value }
}
