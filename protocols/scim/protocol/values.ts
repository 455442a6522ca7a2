import { isDeepStrictEqual } from 'node:util'
import { type Attribute, subAttribute } from '../schema/attribute.ts'
import { badRequest, isObject, type Json, member } from './messages.ts'

/** A value as it is kept: nothing in it is empty. */
export type Value = string | boolean | ComplexValue | readonly ComplexValue[]
export interface ComplexValue {
  readonly [part: string]: string | boolean
}

const MAX_TEXT = 20_000
/** What may hold a picture. */
const MAX_REFERENCE = 4 * 1024 * 1024

const fail = (label: string, problem: string) => badRequest('invalidValue', `${label} ${problem}`)

/**
 * The value of an attribute as a client sends it; undefined where it says that there is none (RFC 7643 §2.5): null, an
 * empty list or, as Entra ID does, an empty text. What clients write otherwise than the schema has it is understood unless
 * `strict`: a boolean or number as a text and the reverse, one value where there may be several and the reverse, a bare value of a
 * complex attribute.
 *
 * @throws ScimError `invalidValue`
 */
export function readValue(attribute: Attribute, given: Json | undefined, strict: boolean): Value | undefined {
  if (!attribute.multiValued) return readOne(attribute, given, strict, attribute.name)
  if (given === null || given === undefined) return undefined
  if (!Array.isArray(given) && strict) throw fail(`"${attribute.name}"`, 'has to be a list')
  const list: readonly Json[] = Array.isArray(given) ? given : [given as Json] // no list, just seen
  const values = list.flatMap((item) => {
    const value = readOne(attribute, item, strict, attribute.name)
    return value === undefined ? [] : [value as ComplexValue] // every attribute of several values is complex
  })
  return values.length === 0 ? undefined : onePrimary(values)
}

/** Each value once. */
function unlike(values: readonly ComplexValue[]): ComplexValue[] {
  const seen = new Set<string>()
  return values.filter((value) => {
    const key = JSON.stringify(Object.entries(value).sort())
    return !seen.has(key) && seen.add(key)
  })
}

/**
 * RFC 7643 §2.4: at most one is primary: the first that says so, or the one `preferred`. No value is there twice, nor is
 * one that differed from another in that alone.
 */
export function onePrimary(values: readonly ComplexValue[], preferred?: ComplexValue): readonly ComplexValue[] {
  const distinct = unlike(values)
  const claims = distinct.filter(({ primary }) => primary === true)
  if (claims.length < 2) return distinct
  const winner = preferred && claims.includes(preferred) ? preferred : claims[0]
  return unlike(
    distinct.map((value) => (claims.includes(value) && value !== winner ? { ...value, primary: false } : value)),
  )
}

export function readOne(
  attribute: Attribute,
  sent: Json | undefined,
  strict: boolean,
  label: string,
): Value | undefined {
  const given = strict ? sent : unlisted(attribute, sent)
  if (given === null || given === undefined || given === '') return undefined
  if (attribute.type === 'complex') {
    const parts = readParts(attribute, given, strict, label)
    if (!parts || !isHollow(attribute, parts)) return parts
    // a member who is nobody is a mistake: taken for none, it could empty a whole group
    if (subAttribute(attribute, 'value')?.mutability === 'immutable') throw fail(`"${label}"`, 'needs a "value"')
    return undefined
  }
  const text = `"${label}"`
  if (attribute.type === 'boolean') return readBoolean(given, strict, text)
  if (typeof given === 'string') {
    if (given.length > (attribute.type === 'string' ? MAX_TEXT : MAX_REFERENCE)) throw fail(text, 'is too long')
    if (attribute.type !== 'binary') return given
    const bare = given.replace(/\s/g, '')
    if (!isBase64(bare)) throw fail(text, 'has to be base64')
    return bare
  }
  const isText = attribute.type === 'string' || attribute.type === 'reference'
  if (!strict && isText && (typeof given === 'number' || typeof given === 'boolean')) return String(given)
  throw fail(text, 'has to be a text')
}

/** One value in a list, or none, where there may be no list. */
function unlisted({ multiValued }: Attribute, sent: Json | undefined): Json | undefined {
  if (!Array.isArray(sent) || sent.length > 1) return sent
  return multiValued && sent.length > 0 ? sent : sent[0]
}

/** RFC 7643 §2.3.6: in either alphabet, and with or without the padding. */
function isBase64(bare: string): boolean {
  const digits = bare.replace(/={1,2}$/, '')
  return /^[A-Za-z0-9+/_-]*$/.test(digits) && digits.length % 4 !== 1 && (digits === bare || bare.length % 4 === 0)
}

function readBoolean(given: Json, strict: boolean, label: string): boolean {
  if (typeof given === 'boolean') return given
  const lower = typeof given === 'string' && !strict ? given.toLowerCase() : ''
  if (lower === 'true' || lower === 'false') return lower === 'true'
  throw fail(label, 'has to be true or false')
}

/** The parts of a complex value that are told, and may not make one of their own. @throws ScimError `invalidValue` */
export function readParts(
  attribute: Attribute,
  sent: Json | undefined,
  strict: boolean,
  label: string,
): ComplexValue | undefined {
  const given = strict ? sent : unlisted(attribute, sent)
  if (given === null || given === undefined || given === '') return undefined
  if (!isObject(given)) {
    if (strict || Array.isArray(given) || !subAttribute(attribute, 'value')) {
      throw fail(`"${label}"`, 'has to be an object')
    }
    return readParts(attribute, { value: given }, strict, label)
  }
  const parts = Object.entries(given).flatMap(([key, item]): [string, string | boolean][] => {
    const sub = subAttribute(attribute, key)
    if (!sub) {
      if (strict) throw badRequest('invalidValue', `"${label}" has no part "${key}"`)
      return []
    }
    if (sub.mutability === 'readOnly' || sub.name === '$ref') return []
    const value = readOne(sub, item, strict, `${label}.${sub.name}`)
    return value === undefined ? [] : [[sub.name, value as string | boolean]] // parts are never complex themselves
  })
  const value = Object.fromEntries(parts)
  const id = value.value === undefined ? idIn(member(given, '$ref')) : undefined
  return id !== undefined && subAttribute(attribute, '$ref') ? { value: id, ...value } : value
}

/** RFC 7643 §2.4: a resource is referred to by its id, or by its address, which ends with that. */
export const idIn = (reference: Json | undefined): string | undefined =>
  (typeof reference === 'string' && reference.split('/').at(-1)) || undefined

/** Whether nothing is left of a value but what it would be for. */
export function isHollow(attribute: Attribute, value: ComplexValue): boolean {
  if (subAttribute(attribute, 'value')) return value.value === undefined
  return Object.keys(value).every((part) => attribute.multiValued && (part === 'type' || part === 'primary'))
}

export const sameValue = (one: unknown, other: unknown): boolean => isDeepStrictEqual(one, other)

/** Of values that may be many: no parts are complex. */
export const sameParts = (one: ComplexValue, other: ComplexValue): boolean => {
  if (one.value !== other.value) return false
  const parts = Object.keys(one)
  return parts.length === Object.keys(other).length && parts.every((part) => one[part] === other[part])
}
