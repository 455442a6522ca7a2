import { type TSchema, Type } from '@fastify/type-provider-typebox'
import { Data, SomeData } from './schemas.ts'

const strict = { additionalProperties: false } as const
const optional = Type.Optional
const id = Type.String({ format: 'uuid' })
const at = Type.String({ format: 'date-time' })
const description = Type.Union([Type.String(), Type.Null()])
const list = (schema: TSchema) => Type.Object({ items: Type.Array(schema) })

export const Directory = Type.Object({
  id,
  name: Type.String(),
  description,
  publisher: Type.Object({ id, name: Type.String() }, { description: 'The organization that publishes it' }),
  subscribed: Type.Boolean({ description: 'Your organization subscribes to it: you have it as a book' }),
  book: Type.Union([Type.String(), Type.Null()], { description: 'The name of that book' }),
  abilities: Type.Object({
    administer: Type.Boolean({ description: 'Rename it, offer it, name its managers' }),
    edit_entries: Type.Boolean({ description: 'You are a manager of it' }),
  }),
  created_at: at,
})
export const Directories = list(Directory)

const words = {
  name: Type.String({ minLength: 1, maxLength: 200 }),
  description: optional(Type.Union([Type.String({ maxLength: 2_000 }), Type.Null()])),
  own_people: optional(Type.Boolean({ description: 'Whether your own people have it as a book; at first they do' })),
}
export const DirectoryNew = Type.Object(words, strict)
export const DirectoryMerge = Type.Object({ ...words, name: optional(words.name) }, strict)

export const Managers = list(Type.Object({ id, name: Type.String(), email: Type.String() }))

const EntryFields = { id, data: Data }
export const Entry = Type.Object(EntryFields)
export const Entries = Type.Object({
  items: Type.Array(Entry),
  next: Type.Union([Type.String(), Type.Null()], { description: 'The cursor of the next page' }),
})
export const EntryNew = Type.Object({ data: SomeData }, { ...strict, description: 'data.full_name is required' })

export const Offer = Type.Object({
  id,
  domain: Type.String(),
  accepted: Type.Boolean({ description: 'All that is told of what became of it' }),
  created_at: at,
})
export const Offers = list(Offer)
export const OfferNew = Type.Object(
  { domain: Type.String({ minLength: 1, maxLength: 253, description: 'An e-mail domain, whoever has it' }) },
  strict,
)
export const Subscribers = list(
  Type.Object({
    id: Type.String({ format: 'uuid', description: 'The organization' }),
    name: Type.String(),
    domains: Type.Array(Type.String(), { description: 'That it was offered to' }),
    created_at: at,
  }),
)

const offered = { directory: Type.Object({ id, name: Type.String(), description }), publisher: Type.String() }
export const OffersReceived = list(Type.Object({ id, domain: Type.String(), ...offered, created_at: at }))
export const Subscription = Type.Object({
  id: Type.String({ format: 'uuid', description: 'Of the directory' }),
  name: Type.String(),
  description,
  publisher: Type.Object({ id, name: Type.String() }),
  book: Type.String({ description: 'The name of everybody’s book of it' }),
  created_at: at,
})
export const Subscriptions = list(Subscription)

export const OfDirectory = (name: string) => Type.Object({ id: Type.String(), [name]: Type.String() })
