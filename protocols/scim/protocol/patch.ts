import type { Attribute, Schema } from '../schema/attribute.ts'
import { subAttribute } from '../schema/attribute.ts'
import { type ResourceType, resolve } from '../schema/resource-type.ts'
import { conditionWithin, type Reading } from './condition.ts'
import { type Filter, FilterSyntaxError, type Path, parsePath } from './filter.ts'
import { equalities, holds } from './holds.ts'
import { assertSchema, badRequest, isBorn, isObject, type Json, type JsonObject, member, PATCH_OP } from './messages.ts'
import {
  type ComplexValue,
  idIn,
  isHollow,
  onePrimary,
  readOne,
  readParts,
  readValue,
  sameParts,
  type Value,
} from './values.ts'

/** A resource's attributes, those of its extension among them; what has no value is not there. */
export type Attributes = Readonly<Record<string, Value>>

/** One operation on one target: what a PATCH comes down to (RFC 7644 §3.5.2). */
export interface Operation {
  readonly op: 'add' | 'replace' | 'remove'
  readonly attribute: Attribute
  readonly sub?: Attribute
  readonly filter?: Filter
  readonly value: Json | undefined
}

const OPS: ReadonlySet<string> = new Set(['add', 'replace', 'remove'])

/** The operations of a PatchOp body, each on one attribute. @throws ScimError */
export function operationsOf(body: JsonObject, type: ResourceType, { strict }: Reading): Operation[] {
  assertSchema(body, PATCH_OP, strict)
  const operations = member(body, 'Operations')
  if (!Array.isArray(operations)) throw badRequest('invalidSyntax', '"Operations" has to be a list')
  if (operations.length === 0 && strict) throw badRequest('invalidSyntax', '"Operations" is empty')
  if (operations.length > type.maxOperations) throw tooMany('operations', type.maxOperations)
  return operations.flatMap((one: Json, at) => {
    if (!isObject(one)) throw badRequest('invalidSyntax', `Operations[${at}] has to be an object`)
    const given = member(one, 'op')
    const op = typeof given === 'string' ? (strict ? given : given.toLowerCase()) : ''
    if (!OPS.has(op)) throw badRequest('invalidSyntax', `Operations[${at}].op has to be add, replace or remove`)
    const path = member(one, 'path')
    const value = member(one, 'value')
    const kind = op as Operation['op'] // it is one of them, just seen
    if (strict && kind === 'remove' && value !== undefined && value !== null) {
      throw badRequest('invalidSyntax', `Operations[${at}]: remove has no value, but a filter in its path`)
    }
    if (path === undefined || path === null || path === '') return withoutPath(kind, value, type, strict)
    if (typeof path !== 'string') throw badRequest('invalidPath', `Operations[${at}].path has to be a text`)
    if (kind !== 'remove' && !Object.keys(one).some((key) => key.toLowerCase() === 'value')) {
      throw badRequest('invalidValue', `Operations[${at}] has no value`)
    }
    return withPath(kind, path, value, type, strict, false)
  })
}

function withoutPath(op: Operation['op'], value: Json | undefined, type: ResourceType, strict: boolean): Operation[] {
  if (op === 'remove') throw badRequest('noTarget', 'remove needs a path')
  if (!isObject(value)) throw badRequest('invalidValue', `${op} without a path needs an object of attributes`)
  return Object.entries(value).flatMap(([key, item]) => withPath(op, key, item, type, strict, true))
}

/** `key`: not a path but a key of a value, where clients also send what they may not change, and mean nothing by it. */
function withPath(
  op: Operation['op'],
  path: string,
  value: Json | undefined,
  type: ResourceType,
  strict: boolean,
  key: boolean,
): Operation[] {
  const { attribute: written, filter, sub: part } = parsedPath(path)
  const target = resolve(type, part === undefined ? written : { ...written, sub: part }, strict)
  if (!target) {
    if (key && !strict && !isBorn(written.name) && (isForeign(path) || written.schema === undefined)) return []
    throw badRequest('invalidPath', `A ${type.name} has no attribute "${path}"`)
  }
  if ('extension' in target) return ofExtension(op, target.extension, value, type, strict)
  const { attribute, sub } = target
  if (Array.isArray(value) && value.length > type.maxValues) throw tooMany(`values of "${path}"`, type.maxValues)
  if (key && !strict && attribute.name === 'schemas') return []
  if (attribute.mutability === 'readOnly' || sub?.mutability === 'readOnly' || attribute.name === 'schemas') {
    if (key && !strict) return []
    throw badRequest('mutability', `"${path}" cannot be changed`)
  }
  if (filter && !attribute.multiValued)
    throw badRequest('invalidPath', `"${attribute.name}" has one value: leave the brackets out`)
  if (sub?.mutability === 'immutable')
    throw badRequest('mutability', `"${path}" cannot be changed: remove the value and add another`)
  const referred = sub?.name === '$ref' ? subAttribute(attribute, 'value') : undefined
  return [
    {
      op,
      attribute,
      ...(sub ? { sub: referred ?? sub } : {}),
      ...(filter ? { filter } : {}),
      value: referred ? idIn(value) : value,
    },
  ]
}

/** Another vendor's schema: what we do not know of it is none of our business. */
const isForeign = (key: string): boolean => /^urn:/i.test(key)

function ofExtension(
  op: Operation['op'],
  extension: Schema,
  value: Json | undefined,
  type: ResourceType,
  strict: boolean,
): Operation[] {
  if (op === 'remove' || value === null) {
    return extension.attributes
      .filter(({ mutability }) => mutability !== 'readOnly')
      .map((attribute): Operation => ({ op: 'remove', attribute, value: undefined }))
  }
  if (!isObject(value)) throw badRequest('invalidValue', `"${extension.id}" has to be an object`)
  return Object.entries(value).flatMap(([name, item]) =>
    // clients made of scim2-models repeat the schema in what is of it
    name === 'schemas' ? [] : withPath(op, `${extension.id}:${name}`, item, type, strict, true),
  )
}

function parsedPath(path: string): Path {
  try {
    return parsePath(path)
  } catch (error) {
    if (error instanceof FilterSyntaxError) throw badRequest('invalidPath', error.message)
    throw error
  }
}

const tooMany = (what: string, limit: number) => badRequest('invalidValue', `There are more than ${limit} ${what}`)

/** The attributes after all of the operations. @throws ScimError `invalidValue`, `noTarget`, `mutability` */
export const patched = (
  attributes: Attributes,
  operations: readonly Operation[],
  { maxValues }: ResourceType,
  reading: Reading,
): Attributes =>
  operations.reduce((before, operation) => {
    const { name } = operation.attribute
    const after = applied(before, operation, reading)
    const value = after[name]
    if (Array.isArray(value) && value.length > maxValues) throw tooMany(`values of "${name}"`, maxValues)
    return after
  }, attributes)

/** The attributes after the operation. @throws ScimError `invalidValue`, `noTarget`, `mutability` */
export function applied(attributes: Attributes, operation: Operation, reading: Reading): Attributes {
  const { attribute } = operation
  const before = Object.hasOwn(attributes, attribute.name) ? attributes[attribute.name] : undefined
  const after = attribute.multiValued
    ? ofSeveral((before ?? []) as readonly ComplexValue[], operation, reading) // by its attribute
    : ofOne(before, operation, reading)
  if (after === undefined || (Array.isArray(after) && after.length === 0)) return without(attributes, operation)
  return { ...attributes, [attribute.name]: after }
}

function without(attributes: Attributes, { op, attribute }: Operation): Attributes {
  if (attribute.required) {
    if (op === 'remove') throw badRequest('mutability', `"${attribute.name}" is required: it cannot be removed`)
    throw badRequest('invalidValue', `"${attribute.name}" is required: it cannot be empty`)
  }
  const { [attribute.name]: _, ...rest } = attributes
  return rest
}

function ofOne(
  before: Value | undefined,
  { op, attribute, sub, value }: Operation,
  { strict }: Reading,
): Value | undefined {
  const old = (attribute.type === 'complex' ? (before ?? {}) : {}) as ComplexValue // by its type
  if (sub) {
    const read = op === 'remove' ? undefined : readOne(sub, value, strict, `${attribute.name}.${sub.name}`)
    return unlessHollow(attribute, withPart(old, sub.name, read))
  }
  if (op === 'remove') return undefined
  const read = readValue(attribute, value, strict)
  if (attribute.type !== 'complex' || !isObject(value)) return read
  // RFC 7644 §3.5.2.1, §3.5.2.3: parts that are not told of stay; those that are told to be empty go
  const told = new Set(Object.keys(value).flatMap((key) => subAttribute(attribute, key)?.name ?? []))
  const stay = Object.entries(old).filter(([part]) => !told.has(part))
  return unlessHollow(attribute, { ...Object.fromEntries(stay), ...(read as ComplexValue | undefined) })
}

const unlessHollow = (attribute: Attribute, value: ComplexValue): ComplexValue | undefined =>
  isHollow(attribute, value) ? undefined : value

function withPart(value: ComplexValue, name: string, read: Value | undefined): ComplexValue {
  const { [name]: _, ...rest } = value
  return read === undefined ? rest : { ...rest, [name]: read as string | boolean } // parts are never complex
}

/** Whether a remove is of every value: one that lists some, or nobody, is of these alone. */
export const isOfAll = (value: Json | undefined): boolean => value === undefined || value === null || value === ''

function ofSeveral(values: readonly ComplexValue[], operation: Operation, reading: Reading): readonly ComplexValue[] {
  const { op, attribute, filter, sub, value } = operation
  if (filter) return ofSelected(values, operation, filter, reading)
  if (sub) {
    if (op === 'remove')
      return changed(
        attribute,
        values,
        () => true,
        (one) => withPart(one, sub.name, undefined),
      )
    const read = readOne(sub, value, reading.strict, `${attribute.name}.${sub.name}`)
    const old = values.length === 0 && read !== undefined ? [{}] : values
    return changed(
      attribute,
      old,
      () => true,
      (one) => withPart(one, sub.name, read),
    )
  }
  const read = (readValue(attribute, value, reading.strict) ?? []) as readonly ComplexValue[] // it has several
  if (op === 'replace') return read
  if (op === 'remove') {
    if (isOfAll(value)) return []
    return values.filter(
      (one) => !read.some((gone) => Object.entries(gone).every(([part, item]) => one[part] === item)),
    )
  }
  const fresh = read.filter((one) => !values.some((old) => sameParts(old, one)))
  return onePrimary(
    [...values, ...fresh],
    fresh.find(({ primary }) => primary === true),
  )
}

/** RFC 7644 §3.5.2: what a filter in brackets selects. */
function ofSelected(
  values: readonly ComplexValue[],
  { op, attribute, sub, value }: Operation,
  filter: Filter,
  reading: Reading,
): readonly ComplexValue[] {
  const condition = conditionWithin(filter, attribute, [], reading)
  const selected = (one: ComplexValue) => holds(condition, one)
  const wanted = equalities(condition)
  const label = `${attribute.name}[…]`
  if (!values.some(selected)) {
    if (!wanted || reading.strict)
      throw badRequest('noTarget', `No value of "${attribute.name}" is selected by the filter`)
    if (op === 'remove') return values
  }
  if (op === 'remove') {
    if (!sub) return values.filter((one) => !selected(one))
    return changed(attribute, values, selected, (one) => withPart(one, sub.name, undefined))
  }
  const read = sub
    ? readOne(sub, value, reading.strict, `${label}.${sub.name}`)
    : readParts(attribute, value, reading.strict, label)
  const edit = (one: ComplexValue): ComplexValue => {
    if (sub) return withPart(one, sub.name, read)
    const parts = (read ?? {}) as ComplexValue // an attribute of several values is complex
    return op === 'add' ? { ...one, ...parts } : { ...wanted, ...parts }
  }
  if (values.some(selected)) return changed(attribute, values, selected, edit)
  if (read === undefined) return values
  const made = unlessHollow(attribute, edit(wanted ?? {}))
  return made ? onePrimary([...values, made], made) : values
}

/** With some edited; those of which nothing is left go. One that becomes primary takes that from the others. */
function changed(
  attribute: Attribute,
  values: readonly ComplexValue[],
  selected: (value: ComplexValue) => boolean,
  edit: (value: ComplexValue) => ComplexValue,
): readonly ComplexValue[] {
  let preferred: ComplexValue | undefined
  const result = values.flatMap((one) => {
    const now = selected(one) ? unlessHollow(attribute, edit(one)) : one
    if (now && now !== one && now.primary === true) preferred = now
    return now ? [now] : []
  })
  return onePrimary(result, preferred)
}
