import { type TSchema, Type } from '@fastify/type-provider-typebox'
import { Abilities } from './schemas-organization.ts'

const strict = { additionalProperties: false } as const
const oneOf = (...values: readonly string[]) => Type.Enum([...values])
const text = (maxLength = 10_000, description?: string) =>
  Type.String({ maxLength, ...(description === undefined ? {} : { description }) })
const optional = Type.Optional

const PLACES = ['Work', 'Home', 'Other'] as const
const email = Type.Object({ type: oneOf(...PLACES), value: text(320) }, strict)
const phone = Type.Object(
  {
    type: oneOf('Mobile', 'Home', 'Work', 'Main', 'Work Fax', 'Home Fax', 'Pager', 'Other'),
    value: Type.String({ minLength: 1, maxLength: 100 }),
  },
  strict,
)
const address = Type.Object(
  {
    type: oneOf(...PLACES),
    street: optional(text()),
    city: optional(text()),
    state: optional(text()),
    zip: optional(text()),
    country: optional(text()),
  },
  strict,
)
const link = Type.Object(
  {
    type: oneOf('Profile', 'Blog', 'Website', 'Twitter', 'Facebook', 'Instagram', 'LinkedIn', 'Other'),
    value: Type.String({ description: 'A URI' }),
  },
  strict,
)
const unit = Type.Object({ name: optional(text()), department: optional(text()), jobTitle: optional(text()) }, strict)
const PARTS = ['prefix', 'given', 'additional', 'family', 'suffix'] as const

/** The JSON view of a card, field by field; what is too much for a field is told by the domain, which names it. */
const FIELDS = {
  full_name: text(150, 'Required of a contact'),
  name: Type.Object(Object.fromEntries(PARTS.map((part) => [part, optional(text())])), strict),
  short_name: text(30),
  emails: Type.Array(email),
  phones: Type.Array(phone),
  addresses: Type.Array(address),
  links: Type.Array(link),
  organizations: Type.Array(unit),
  notes: text(100_000),
  photo: Type.String({ description: 'A data: URI, or a link' }),
  customFields: Type.Record(Type.String(), text()),
}
const map = (make: (field: TSchema) => TSchema) =>
  Object.fromEntries(Object.entries(FIELDS).map(([name, field]) => [name, make(field)]))

/** As it is served: a card from a phone may hold more than a write through `data` may, so its texts have no limits. */
const served = (schema: TSchema): TSchema =>
  JSON.parse(JSON.stringify(schema, (key, value) => (key === 'maxLength' || key === 'minLength' ? undefined : value)))
export const Data = Type.Object(
  { ...map((field) => optional(Type.Unsafe(served(field)))), full_name: Type.String() },
  { description: 'The card as JSON' },
)
/** Some fields. */
export const SomeData = Type.Object(map(optional), strict)
const nullable = (schema: TSchema) => optional(Type.Union([schema, Type.Null()]))
/** Some fields to merge (RFC 7396): null takes one away. */
const MergeData = Type.Object(
  {
    ...map(nullable),
    name: nullable(Type.Object(Object.fromEntries(PARTS.map((part) => [part, nullable(text())])), strict)),
    customFields: nullable(Type.Record(Type.String(), Type.Union([text(), Type.Null()]))),
  },
  strict,
)

export const id = Type.String({ format: 'uuid' })
const lines = Type.Array(Type.String(), { description: 'A content line of vCard 4.0, then those of its group' })
const value = { name: Type.String(), value: Type.String() }
export const Layer = Type.Object(
  {
    set: Type.Record(Type.String(), Type.Array(lines)),
    unset: Type.Array(Type.String()),
    remove: Type.Array(Type.Object(value)),
    add: Type.Array(lines),
    annotate: Type.Array(
      Type.Object({
        ...value,
        parameters: Type.Record(Type.String(), Type.Union([Type.Array(Type.String()), Type.Null()])),
        companions: optional(lines),
      }),
    ),
  },
  { description: 'What you changed about a colleague, property by property' },
)
const KINDS = {
  id,
  kind: Type.Enum(['profile', 'entry', 'override', 'personal'], {
    description: 'A colleague; an entry of a shared directory; either with changes of yours; a contact of your own',
  }),
  is_me: Type.Boolean(),
  book: Type.String({ description: 'The name of the address book that it is in' }),
  href: Type.String({ description: 'The card in CardDAV' }),
  data: Data,
}
export const Listed = Type.Object(KINDS)
export const Contact = Type.Object({ ...KINDS, base: optional(Data), layer: optional(Layer) })
export const pageOf = (item: TSchema) =>
  Type.Object({
    items: Type.Array(item),
    next: Type.Union([Type.String(), Type.Null()], { description: 'The cursor of the next page' }),
  })
export const Contacts = pageOf(Listed)

export const HiddenCards = pageOf(
  Type.Object({ id, kind: Type.Enum(['profile', 'entry', 'team']), is_me: Type.Boolean(), full_name: Type.String() }),
)

const language = Type.String({ pattern: '^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$', maxLength: 100 })
export const Me = Type.Object({
  id,
  user_name: Type.String(),
  email: Type.String(),
  full_name: Type.String(),
  language: Type.Union([Type.String(), Type.Null()]),
  timezone: Type.Union([Type.String(), Type.Null()]),
  profile_id: id,
  organization: Type.Object({ id, name: Type.String() }),
  abilities: Type.Object({
    administer_organization: Type.Boolean(),
    own_teams: Type.Boolean({ description: 'False of shared equipment' }),
    ...Abilities,
  }),
})
export const MeChange = Type.Object(
  {
    language: optional(Type.Union([language, Type.Null()])),
    timezone: optional(Type.Union([Type.String({ minLength: 1, maxLength: 100 }), Type.Null()])),
  },
  strict,
)

/** What `data` may hold the domain checks, which names each field. */
export const ContactNew = Type.Object(
  {
    override: optional(Type.String({ format: 'uuid', description: 'A colleague, whose card your data is laid over' })),
    data: SomeData,
  },
  {
    ...strict,
    description: 'A contact of your own needs data.full_name. Over a colleague, lists are added to, the rest replaces',
  },
)
export const ContactMerge = Type.Object({ data: MergeData }, strict)
export const ById = Type.Object({ id: Type.String() })
const PAGE = {
  limit: optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  cursor: optional(text(2_000, 'The `next` of the page before')),
}
/** A page of a list that is not searched. */
export const ListPage = Type.Object(PAGE, strict)
export const searchPage = (q: string) => Type.Object({ q: optional(text(200, q)), ...PAGE }, strict)
export const Page = searchPage(
  'Found in names, e-mails, phones, organizations, titles and your own notes; the best first',
)

export const ProblemDetails = Type.Object({
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String({ description: 'Stable: what programs go by' }),
  detail: Type.String(),
  errors: optional(Type.Array(Type.Object({ field: Type.String(), problem: Type.String() }))),
})

export const VCardQuery = Type.Object(
  { version: optional(Type.Enum(['3.0', '4.0'], { description: 'Absent: as the card is kept' })) },
  strict,
)
