import { type Attribute, complex, dateTime, reference, type Schema, string, subAttribute } from './attribute.ts'
import { GROUP, TEAM } from './group.ts'
import { ENTERPRISE, USER } from './user.ts'

const always = { returned: 'always', mutability: 'readOnly', caseExact: true } as const
const readOnly = { mutability: 'readOnly' } as const

/** RFC 7643 §3.1: what every resource has, of no schema. */
const COMMON: readonly Attribute[] = [
  reference('schemas', 'The schemas that the resource is of', {
    multiValued: true,
    returned: 'always',
    caseExact: true,
    referenceTypes: ['uri'],
  }),
  string('id', 'The identifier, made by Kith', { ...always, uniqueness: 'server' }),
  string('externalId', 'What the identity provider calls the resource', { caseExact: true }),
  complex(
    'meta',
    'About the resource',
    [
      string('resourceType', 'User or Group', { ...readOnly, caseExact: true }),
      dateTime('created', 'When it was made', readOnly),
      dateTime('lastModified', 'When it was changed last', readOnly),
      reference('location', 'Where it is', { ...readOnly, caseExact: true, referenceTypes: ['uri'] }),
      string('version', 'Its ETag', { ...readOnly, caseExact: true }),
    ],
    readOnly,
  ),
]

/** RFC 7643 §6 */
export interface ResourceType {
  readonly name: 'User' | 'Group'
  readonly endpoint: '/Users' | '/Groups'
  readonly description: string
  readonly schema: Schema
  readonly extension: Schema
  /** The required attributes that a resource gets where a client does not tell them. */
  readonly presumed: ReadonlySet<string>
  /** How many values an attribute may have, and operations a PATCH: each may be compared with each. */
  readonly maxValues: number
  readonly maxOperations: number
}

export const USERS: ResourceType = {
  name: 'User',
  endpoint: '/Users',
  description: 'The people of the organization',
  schema: USER,
  extension: ENTERPRISE,
  maxValues: 1_000,
  maxOperations: 500,
  presumed: new Set(['active']),
}

export const GROUPS: ResourceType = {
  name: 'Group',
  endpoint: '/Groups',
  description: 'The teams of the organization',
  schema: GROUP,
  extension: TEAM,
  maxValues: Number.POSITIVE_INFINITY, // members, which are a set
  maxOperations: Number.POSITIVE_INFINITY,
  presumed: new Set(),
}

export const RESOURCE_TYPES: readonly ResourceType[] = [USERS, GROUPS]
export const SCHEMAS: readonly Schema[] = [USER, ENTERPRISE, GROUP, TEAM]

export const attributesOfType = ({ schema, extension }: ResourceType): readonly Attribute[] => [
  ...COMMON,
  ...schema.attributes,
  ...extension.attributes,
]

const sameText = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase()
const among = (attributes: readonly Attribute[], name: string): Attribute | undefined =>
  attributes.find((one) => sameText(one.name, name))

/** A name as a filter, a path or a query writes it. */
export interface Name {
  /** The URN before it. */
  readonly schema?: string
  readonly name: string
  readonly sub?: string
}

/** What a name stands for: an attribute or a part of one, or all attributes of the extension. */
export type Target = { readonly attribute: Attribute; readonly sub?: Attribute } | { readonly extension: Schema }

/**
 * RFC 7644 §3.10: names in any case, with or without the URN of their schema. Entra ID writes a dot instead of the last
 * colon; an attribute of the extension is known without its URN unless `strict`.
 */
export function resolve(type: ResourceType, written: Name, strict: boolean): Target | undefined {
  const { schema, name, sub } = written
  if (schema === undefined) {
    const known = among([...COMMON, ...type.schema.attributes], name)
    return part(known ?? (strict ? undefined : among(type.extension.attributes, name)), sub)
  }
  if (sameText(schema, type.schema.id)) return part(among([...type.schema.attributes, ...COMMON], name), sub)
  if (sameText(schema, type.extension.id)) return part(among(type.extension.attributes, name), sub)
  if (!sameText(`${schema}:${name}`, type.extension.id)) return undefined
  if (sub === undefined) return { extension: type.extension }
  return strict ? undefined : part(among(type.extension.attributes, sub), undefined)
}

function part(attribute: Attribute | undefined, sub: string | undefined): Target | undefined {
  if (!attribute) return undefined
  if (sub === undefined) return { attribute }
  const found = subAttribute(attribute, sub)
  return found && { attribute, sub: found }
}
