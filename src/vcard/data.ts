/** The JSON view of a card: what the API shows and takes, and what the command line writes. */
export interface ContactData {
  /** Required, at most 150 characters. */
  full_name: string
  name?: { prefix?: string; given?: string; additional?: string; family?: string; suffix?: string }
  /** At most 30 characters. */
  short_name?: string
  emails?: { type: EmailType; value: string }[]
  phones?: { type: PhoneType; value: string }[]
  addresses?: Address[]
  links?: { type: LinkType; value: string }[]
  organizations?: { name?: string; department?: string; jobTitle?: string }[]
  notes?: string
  /** A data: URI, or a link. */
  photo?: string
  customFields?: { [key: string]: string }
}

export interface Address {
  type: PlaceType
  street?: string
  city?: string
  state?: string
  zip?: string
  country?: string
}

export const PLACE_TYPES = ['Work', 'Home', 'Other'] as const
export type PlaceType = (typeof PLACE_TYPES)[number]
export type EmailType = PlaceType
export const PHONE_TYPES = ['Mobile', 'Home', 'Work', 'Main', 'Work Fax', 'Home Fax', 'Pager', 'Other'] as const
export type PhoneType = (typeof PHONE_TYPES)[number]
export const LINK_TYPES = [
  'Profile',
  'Blog',
  'Website',
  'Twitter',
  'Facebook',
  'Instagram',
  'LinkedIn',
  'Other',
] as const
export type LinkType = (typeof LINK_TYPES)[number]

/** What is wrong with one field; `field` is a path such as `data.emails[0].type`. */
export interface DataProblem {
  readonly field: string
  readonly problem: string
}

type Check = (value: unknown, field: string) => DataProblem[]

const text =
  (maximum = 10_000, required = false): Check =>
  (value, field) => {
    if (typeof value !== 'string') return [{ field, problem: 'must be a text' }]
    if (value.includes('\0') || !value.isWellFormed()) return [{ field, problem: 'holds a NUL or half a character' }]
    if (required && value.trim() === '') return [{ field, problem: 'must not be empty' }]
    return [...value].length > maximum ? [{ field, problem: `is longer than ${maximum} characters` }] : []
  }

const oneOf =
  (allowed: readonly string[]): Check =>
  (value, field) =>
    typeof value === 'string' && allowed.includes(value)
      ? []
      : [{ field, problem: `must be one of ${allowed.join(', ')}` }]

/** One `@` with something on both sides, no white space: what can be said of an e-mail address without sending to it. */
export const isEmail = (value: string): boolean =>
  /^[^\s\x00-\x1f\x7f@<>,;"]{1,64}@[^\s\x00-\x1f\x7f@<>,;"]{1,255}$/.test(value)

const email: Check = (value, field) =>
  typeof value === 'string' && isEmail(value) ? [] : [{ field, problem: 'is not an e-mail address' }]

const uri: Check = (value, field) =>
  typeof value === 'string' && /^[a-z][a-z0-9+.-]*:[^\s\\\x00-\x1f\x7f]+$/i.test(value)
    ? []
    : [{ field, problem: 'is not a URI (such as https://…)' }]

const object =
  (fields: Readonly<Record<string, Check>>, required: readonly string[] = []): Check =>
  (value, field) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return [{ field, problem: 'must be an object' }]
    const found = required
      .filter((key) => !Object.hasOwn(value, key))
      .map((key): DataProblem => ({ field: `${field}.${key}`, problem: 'is required' }))
    const wrong = Object.entries(value).flatMap(([key, item]) => {
      const check = Object.hasOwn(fields, key) ? fields[key] : undefined
      return check ? check(item, `${field}.${key}`) : [{ field: `${field}.${key}`, problem: 'is not known' }]
    })
    return [...found, ...wrong]
  }

const list =
  (check: Check): Check =>
  (value, field) =>
    Array.isArray(value)
      ? value.flatMap((item, index) => check(item, `${field}[${index}]`))
      : [{ field, problem: 'must be a list' }]

const anyKey: Check = (value, field) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([key, item]) => text()(item, `${field}.${key}`))
    : [{ field, problem: 'must be an object' }]

const FIELDS: { [Key in keyof ContactData]-?: Check } = {
  full_name: text(150, true),
  name: object({ prefix: text(), given: text(), additional: text(), family: text(), suffix: text() }),
  short_name: text(30),
  emails: list(object({ type: oneOf(PLACE_TYPES), value: email }, ['type', 'value'])),
  phones: list(object({ type: oneOf(PHONE_TYPES), value: text(100, true) }, ['type', 'value'])),
  addresses: list(
    object({ type: oneOf(PLACE_TYPES), street: text(), city: text(), state: text(), zip: text(), country: text() }, [
      'type',
    ]),
  ),
  links: list(object({ type: oneOf(LINK_TYPES), value: uri }, ['type', 'value'])),
  organizations: list(object({ name: text(), department: text(), jobTitle: text() })),
  notes: text(100_000),
  photo: uri,
  customFields: anyKey,
}

/** Everything that is wrong with `data`, none if it may be written; `whole` asks for the required fields too. */
export const dataProblems = (data: unknown, whole: boolean): DataProblem[] =>
  object(FIELDS, whole ? ['full_name'] : [])(data, 'data')
