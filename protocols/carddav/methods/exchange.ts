import type { FastifyReply, FastifyRequest } from 'fastify'
import { DavError } from '../preconditions.ts'
import type { Context } from '../resources.ts'
import type { Address } from '../urls.ts'
import { parseXml, type XmlElement } from '../xml.ts'

/** A request whose sender is known and whose path names something. */
export interface Exchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly context: Context
  readonly address: Address
}

export type Method = (exchange: Exchange) => Promise<FastifyReply>

export const header = ({ request }: Exchange, name: string): string | undefined => {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** The body's bytes; none is an empty one. */
export const bodyBytes = ({ request }: Exchange): Uint8Array =>
  request.body instanceof Uint8Array ? request.body : new Uint8Array()

const CACHED_BYTES = 4_096
const CACHED = 256

/** Parsed bodies by their bytes: a client sends the same few polls again and again. */
export class XmlBodies {
  readonly #known = new Map<string, XmlElement>()

  /** The document, or undefined where there is no body. @throws BadXml */
  read(exchange: Exchange): XmlElement | undefined {
    const body = bodyBytes(exchange)
    if (body.byteLength === 0) return undefined
    if (body.byteLength > CACHED_BYTES) return parseXml(body)
    const key = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1')
    const known = this.#known.get(key)
    if (known) return known
    const parsed = parseXml(body)
    if (this.#known.size >= CACHED) this.#known.delete(this.#known.keys().next().value ?? '')
    this.#known.set(key, parsed)
    return parsed
  }
}

export const notHere = (): DavError => new DavError(404, 'Nothing is here')
