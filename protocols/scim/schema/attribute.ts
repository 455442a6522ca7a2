/** RFC 7643 §2.3 */
export type AttributeType = 'string' | 'boolean' | 'dateTime' | 'reference' | 'binary' | 'complex'

/** One attribute in the words of RFC 7643 §7. Everything that is done with attributes follows from these. */
export interface Attribute {
  readonly name: string
  readonly type: AttributeType
  readonly multiValued: boolean
  readonly description: string
  readonly required: boolean
  readonly caseExact: boolean
  readonly mutability: 'readOnly' | 'readWrite' | 'immutable'
  readonly returned: 'always' | 'default' | 'request'
  readonly uniqueness: 'none' | 'server'
  readonly canonicalValues?: readonly string[]
  readonly referenceTypes?: readonly string[]
  readonly subAttributes?: readonly Attribute[]
}

export type Traits = Partial<Omit<Attribute, 'name' | 'type' | 'description'>>

const DEFAULTS = {
  multiValued: false,
  required: false,
  caseExact: false,
  mutability: 'readWrite',
  returned: 'default',
  uniqueness: 'none',
} as const

/** With the defaults of RFC 7643 §2.2 for what is not told. */
const attribute =
  (type: AttributeType) =>
  (name: string, description: string, traits: Traits = {}): Attribute => ({
    ...DEFAULTS,
    name,
    type,
    description,
    ...traits,
  })

export const string = attribute('string')
export const boolean = attribute('boolean')
export const dateTime = attribute('dateTime')
export const binary = attribute('binary')
export const reference = attribute('reference')
export const complex = (name: string, description: string, subAttributes: readonly Attribute[], traits: Traits = {}) =>
  attribute('complex')(name, description, { subAttributes, ...traits })

/** RFC 7643 §2.4: several values, each with what it is for. */
export const plural = (
  name: string,
  description: string,
  value: Attribute,
  canonicalValues: readonly string[] = [],
  others: readonly Attribute[] = [string('display', 'The value as people are shown it')],
): Attribute =>
  complex(
    name,
    description,
    [
      value,
      ...others,
      string('type', 'What the value is for', canonicalValues.length > 0 ? { canonicalValues } : {}),
      boolean('primary', 'Whether this is the value to use first; of one attribute at most one is'),
    ],
    { multiValued: true },
  )

/** The attributes of one schema (RFC 7643 §7). */
export interface Schema {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly attributes: readonly Attribute[]
}

export const subAttribute = ({ subAttributes = [] }: Attribute, name: string): Attribute | undefined => {
  const lower = name.toLowerCase()
  return subAttributes.find((one) => one.name.toLowerCase() === lower)
}
