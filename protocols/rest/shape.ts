import type { FastifyRequest } from 'fastify'
import type { Expected } from '#domain'
import { etagOfContent, ifMatch } from './conditions.ts'

/** How a thing is sent, and what names its state. */
export interface Shape<Thing> {
  readonly json: (thing: Thing) => object
  readonly text: (thing: Thing) => string
  readonly etag: (thing: Thing) => string
  /** What If-Match says of it. */
  readonly expected: (request: FastifyRequest) => Expected<Thing> | undefined
}

/** `state` is what its ETag tells beside what is sent. */
export function shape<Thing>(
  json: (thing: Thing) => object,
  state: (thing: Thing) => unknown = () => '',
): Shape<Thing> {
  const text = (thing: Thing): string => JSON.stringify(json(thing))
  const etag = (thing: Thing): string => etagOfContent(`${state(thing)} ${text(thing)}`)
  const expected = (request: FastifyRequest): Expected<Thing> | undefined => {
    const matches = ifMatch(request)
    return matches && ((now) => matches(etag(now)))
  }
  return { json, text, etag, expected }
}
