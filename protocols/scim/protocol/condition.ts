import type { AttributeCondition, AttributePath, Comparison } from '#domain'
import { type Attribute, subAttribute } from '../schema/attribute.ts'
import { type ResourceType, resolve } from '../schema/resource-type.ts'
import { type Filter, FilterSyntaxError, type Literal, parseFilter } from './filter.ts'
import { badRequest, type ScimError } from './messages.ts'

type Operator = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le'

const COMPARISONS: Readonly<Record<Exclude<Operator, 'ne'>, Comparison>> = {
  eq: 'equal',
  co: 'contains',
  sw: 'starts',
  ew: 'ends',
  gt: 'greater',
  ge: 'at-least',
  lt: 'less',
  le: 'at-most',
}

const ALWAYS: AttributeCondition = { all: [] }
const NEVER: AttributeCondition = { any: [] }
const refused = (message: string): ScimError => badRequest('invalidFilter', message)

/** What filters are read with: how a resource's address is told from its id, and whether names have to be exact. */
export interface Reading {
  readonly strict: boolean
  /** The address of the service, without a slash at its end. */
  readonly base: string
}

/** @throws ScimError `invalidFilter`: RFC 7644 §3.4.2.2 */
export function parsedFilter(text: string): Filter {
  try {
    return parseFilter(text)
  } catch (error) {
    if (error instanceof FilterSyntaxError) throw refused(error.message)
    throw error
  }
}

/** What a filter asks of resources of that type. @throws ScimError `invalidFilter` */
export function conditionOf(filter: Filter, type: ResourceType, reading: Reading): AttributeCondition {
  if ('and' in filter) return { all: filter.and.map((part) => conditionOf(part, type, reading)) }
  if ('or' in filter) return { any: filter.or.map((part) => conditionOf(part, type, reading)) }
  if ('not' in filter) return { not: conditionOf(filter.not, type, reading) }
  const { attribute: written } = filter
  const target = resolve(type, written, reading.strict)
  if (!target) throw refused(`A ${type.name} has no attribute "${nameOf(written)}"`)
  if ('extension' in target) return ofExtension(filter, target.extension.attributes)
  const { attribute, sub } = target
  if ('within' in filter) {
    if (sub || attribute.type !== 'complex') throw refused(`"${nameOf(written)}" has no parts to filter by`)
    return attribute.multiValued
      ? { some: attribute.name, where: conditionWithin(filter.within, attribute, [], reading) }
      : conditionWithin(filter.within, attribute, [attribute.name], reading)
  }
  const constant = ofConstant(filter, attribute, sub, type, reading)
  if (constant) return constant
  if (attribute.type !== 'complex') return compared(filter, attribute, [attribute.name], reading)
  const leaf = sub ?? subAttribute(attribute, 'value')
  const prefix = attribute.multiValued ? [] : [attribute.name]
  if (filter.operator === 'pr' && !sub)
    return attribute.multiValued ? { some: attribute.name, where: ALWAYS } : anyPart(attribute)
  if (!leaf)
    throw refused(
      `Say which part of "${attribute.name}" to compare, such as ${attribute.name}.${attribute.subAttributes?.[0]?.name}`,
    )
  if (filter.operator !== 'pr' && filter.operator === 'ne') {
    return { not: conditionOf({ ...filter, operator: 'eq' }, type, reading) }
  }
  const condition = compared(filter, leaf, [...prefix, leaf.name], reading)
  if (!attribute.multiValued) return condition
  // that none has a value is asked of all of them
  return 'not' in condition
    ? { not: { some: attribute.name, where: condition.not } }
    : { some: attribute.name, where: condition }
}

const nameOf = ({ schema, name, sub }: { schema?: string; name: string; sub?: string }): string =>
  `${schema === undefined ? '' : `${schema}:`}${name}${sub === undefined ? '' : `.${sub}`}`

/** A filter inside brackets: about the parts of one value. `prefix` is where these start. */
export function conditionWithin(
  filter: Filter,
  attribute: Attribute,
  prefix: AttributePath,
  reading: Reading,
): AttributeCondition {
  const again = (part: Filter) => conditionWithin(part, attribute, prefix, reading)
  if ('and' in filter) return { all: filter.and.map(again) }
  if ('or' in filter) return { any: filter.or.map(again) }
  if ('not' in filter) return { not: again(filter.not) }
  const { schema, name, sub } = filter.attribute
  const part = schema === undefined && sub === undefined ? subAttribute(attribute, name) : undefined
  if (!part || 'within' in filter) throw refused(`"${attribute.name}" has no part "${nameOf(filter.attribute)}"`)
  if (part.name === '$ref') return referenced(filter, attribute, [...prefix, 'value'], reading)
  return compared(filter, part, [...prefix, part.name], reading)
}

type Leaf = Extract<Filter, { operator: unknown }>

/** One comparison of a simple attribute, after the rules of its type. */
function compared(leaf: Leaf, attribute: Attribute, path: AttributePath, { strict }: Reading): AttributeCondition {
  if (leaf.operator === 'pr') return { present: path }
  const { operator, value } = leaf
  const name = path.join('.')
  if (value === null) {
    if (operator === 'eq') return { not: { present: path } }
    if (operator === 'ne') return { present: path }
    throw refused(`null is only compared by eq and ne, not by ${operator}`)
  }
  const given = literal(attribute, name, value, strict)
  if (operator === 'ne') return { not: { path, compare: 'equal', value: given, caseExact: attribute.caseExact } }
  const allowed = OPERATORS[attribute.type]
  if (!allowed.includes(operator))
    throw refused(`"${name}" is not compared by ${operator}, but by ${allowed.join(', ')}`)
  return { path, compare: COMPARISONS[operator], value: given, caseExact: attribute.caseExact }
}

const TEXT: readonly Operator[] = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le']
/** RFC 7644 §3.4.2.2: what is not ordered, and what has no parts. */
const OPERATORS: Readonly<Record<Attribute['type'], readonly Operator[]>> = {
  string: TEXT,
  reference: TEXT,
  binary: ['eq', 'ne'],
  boolean: ['eq', 'ne'],
  dateTime: ['eq', 'ne', 'gt', 'ge', 'lt', 'le'],
  complex: [],
}

const DATE = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?$/i

function literal(
  { type }: Attribute,
  name: string,
  value: Exclude<Literal, null>,
  strict: boolean,
): string | boolean | Date {
  if (type === 'boolean') {
    const lower = typeof value === 'string' && !strict ? value.toLowerCase() : value
    if (lower === true || lower === 'true') return true
    if (lower === false || lower === 'false') return false
    throw refused(`"${name}" is true or false`)
  }
  if (typeof value !== 'string') throw refused(`"${name}" is compared with a text in double quotes`)
  if (value.includes('\0')) throw refused(`"${name}" is compared with a NUL, which no text holds`)
  if (type !== 'dateTime') return value
  const [whole, seconds, fraction = '', zone = 'Z'] = DATE.exec(value) ?? []
  const date = new Date(`${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}${zone}`)
  // other texts may be dates to JavaScript
  if (whole === undefined || Number.isNaN(date.getTime()))
    throw refused(`"${name}" is compared with a time such as "2026-01-31T12:00:00Z"`)
  return date
}

const anyPart = ({ name, subAttributes = [] }: Attribute): AttributeCondition => ({
  // an address is there whenever its value is
  any: subAttributes
    .filter((sub) => sub.mutability !== 'readOnly' && sub.name !== '$ref')
    .map((sub) => ({ present: [name, sub.name] })),
})

const anyOf = (attributes: readonly Attribute[]): AttributeCondition => ({
  any: attributes.map((one) =>
    one.type !== 'complex'
      ? { present: [one.name] }
      : one.multiValued
        ? { some: one.name, where: ALWAYS }
        : anyPart(one),
  ),
})

function ofExtension(
  filter: Leaf | Extract<Filter, { within: unknown }>,
  attributes: readonly Attribute[],
): AttributeCondition {
  if ('operator' in filter && filter.operator === 'pr') return anyOf(attributes)
  throw refused('A whole extension is only asked for by pr')
}

/** What is the same for all resources of a type, or is made of their ids: decided without the database. */
function ofConstant(
  leaf: Leaf,
  attribute: Attribute,
  sub: Attribute | undefined,
  type: ResourceType,
  reading: Reading,
): AttributeCondition | undefined {
  if (attribute.name === 'schemas') {
    if (leaf.operator === 'pr') return ALWAYS
    const extension = among([type.extension.id], leaf) ? anyOf(type.extension.attributes) : NEVER
    const some: AttributeCondition = { any: [among([type.schema.id], leaf) ? ALWAYS : NEVER, extension] }
    return leaf.operator === 'ne' ? { not: some } : some
  }
  if (attribute.name === 'meta' && sub?.name === 'resourceType') {
    const holds = leaf.operator === 'pr' || among([type.name], leaf)
    return holds === (leaf.operator !== 'ne') ? ALWAYS : NEVER
  }
  if (attribute.name === 'meta' && sub?.name === 'location') {
    return referenced(leaf, { ...attribute, subAttributes: [{ ...sub, referenceTypes: [type.name] }] }, ['id'], reading)
  }
  if (
    attribute.name === 'meta' &&
    sub?.name === 'version' &&
    leaf.operator !== 'pr' &&
    typeof leaf.value === 'string'
  ) {
    if (leaf.operator !== 'eq' && leaf.operator !== 'ne') throw refused('A version is only compared by eq and ne')
    return compared({ ...leaf, value: leaf.value.replace(/^(?:W\/)?"(.*)"$/, '$1') }, sub, ['meta', 'version'], reading)
  }
  if (sub?.name === '$ref') {
    const single = referenced(leaf, attribute, attribute.multiValued ? ['value'] : [attribute.name, 'value'], reading)
    if (!attribute.multiValued) return single
    return 'not' in single
      ? { not: { some: attribute.name, where: single.not } }
      : { some: attribute.name, where: single }
  }
  return undefined
}

/** Whether one of these texts is what a comparison asks for (of `ne`: is what it does not want). */
function among(texts: readonly string[], leaf: Exclude<Leaf, { operator: 'pr' }> | Leaf): boolean {
  if (leaf.operator === 'pr' || typeof leaf.value !== 'string') return false
  const wanted = leaf.value.toLowerCase()
  const test = TESTS[leaf.operator]
  return texts.some((text) => test(text.toLowerCase(), wanted))
}

const TESTS: Readonly<Record<Operator, (text: string, wanted: string) => boolean>> = {
  eq: (text, wanted) => text === wanted,
  ne: (text, wanted) => text === wanted, // what it does not want
  co: (text, wanted) => text.includes(wanted),
  sw: (text, wanted) => text.startsWith(wanted),
  ew: (text, wanted) => text.endsWith(wanted),
  gt: (text, wanted) => text > wanted,
  ge: (text, wanted) => text >= wanted,
  lt: (text, wanted) => text < wanted,
  le: (text, wanted) => text <= wanted,
}

/** An address is compared by the id at its end. */
function referenced(leaf: Leaf, attribute: Attribute, id: AttributePath, { base }: Reading): AttributeCondition {
  if (leaf.operator === 'pr') return { present: id }
  if ((leaf.operator !== 'eq' && leaf.operator !== 'ne') || typeof leaf.value !== 'string') {
    throw refused('An address is only compared by eq and ne, with a text')
  }
  const kind = attribute.subAttributes?.find(({ referenceTypes }) => referenceTypes)?.referenceTypes?.[0]
  const collection = `${base}/${kind}s/`
  const equal: AttributeCondition = leaf.value.startsWith(collection)
    ? { path: id, compare: 'equal', value: leaf.value.slice(collection.length), caseExact: true }
    : NEVER
  return leaf.operator === 'ne' ? { not: equal } : equal
}
