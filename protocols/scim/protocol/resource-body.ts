import type { Attribute } from '../schema/attribute.ts'
import { attributesOfType, type ResourceType } from '../schema/resource-type.ts'
import { assertSchema, badRequest, isObject, type Json, type JsonObject } from './messages.ts'
import type { Attributes } from './patch.ts'
import { readValue, type Value } from './values.ts'

/** The attributes that a whole resource says, as POST and PUT send it; what may not be written is passed over. */
export function attributesOf(body: JsonObject, type: ResourceType, strict: boolean): Attributes {
  assertSchema(body, type.schema.id, strict)
  const known = new Map(attributesOfType(type).map((one) => [one.name.toLowerCase(), one]))
  const extension = new Set(type.extension.attributes)
  const found: Record<string, Value> = {}
  const read = (key: string, given: Json | undefined, attribute: Attribute | undefined) => {
    if (!attribute) {
      if (strict) throw badRequest('invalidSyntax', `A ${type.name} has no attribute "${key}"`)
      return
    }
    if (attribute.mutability === 'readOnly' || attribute.name === 'schemas') return
    if (Array.isArray(given) && given.length > type.maxValues) {
      throw badRequest('invalidValue', `There are more than ${type.maxValues} values of "${attribute.name}"`)
    }
    const value = readValue(attribute, given, strict)
    if (value !== undefined) found[attribute.name] = value
  }
  for (const [key, given] of Object.entries(body)) {
    const lower = key.toLowerCase()
    if (lower === type.extension.id.toLowerCase()) {
      if (given === null) continue
      if (!isObject(given)) throw badRequest('invalidValue', `"${type.extension.id}" has to be an object`)
      for (const [name, item] of Object.entries(given)) {
        const attribute = known.get(name.toLowerCase())
        read(name, item, attribute && extension.has(attribute) ? attribute : undefined)
      }
      continue
    }
    const attribute = known.get(lower)
    read(key, given, strict && attribute && extension.has(attribute) ? undefined : attribute)
  }
  const missing = [...known.values()].find(
    ({ name, required }) => required && !Object.hasOwn(found, name) && !type.presumed.has(name),
  )
  if (missing) throw badRequest('invalidValue', `"${missing.name}" is required`)
  return found
}
