import type { FastifyReply, FastifyRequest } from 'fastify'
import { DAV } from '../names.ts'
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
const NAME = 'sync-token'

/** A body without the token in its one sync-token element, and that token: no markup hides in or around it. */
function withoutToken(body: string): { form: string; token: string } {
  const [before = '', element = '', end = '', ...more] = body.split(NAME)
  const token = /<(?:[\w-]+:)?$/.test(before) ? /^>(urn:[\w:-]+)<\/(?:[\w-]+:)?$/.exec(element)?.[1] : undefined
  if (!token || more.length > 0 || body.includes('<!') || body.lastIndexOf('<?') > 0) return { form: body, token: '' }
  return { form: `${before}${NAME}${element.replace(token, '')}${NAME}${end}`, token }
}

/** Parsed bodies by their bytes, sync tokens aside: clients send the same few polls again and again. */
export class XmlBodies {
  readonly #known = new Map<string, XmlElement>()

  /** The document, or undefined where there is no body. @throws BadXml */
  read(exchange: Exchange): XmlElement | undefined {
    const body = bodyBytes(exchange)
    if (body.byteLength === 0) return undefined
    if (body.byteLength > CACHED_BYTES) return parseXml(body)
    const { form, token } = withoutToken(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1'))
    const root = this.#known.get(form) ?? this.#parse(form)
    if (token === '') return root
    const at = root.children.findIndex(({ name }) => name === DAV(NAME))
    const element = root.children[at]
    return element ? { ...root, children: root.children.with(at, { ...element, text: token }) } : parseXml(body)
  }

  #parse(form: string): XmlElement {
    const parsed = parseXml(Buffer.from(form, 'latin1'))
    if (this.#known.size >= CACHED) this.#known.delete(this.#known.keys().next().value ?? '')
    this.#known.set(form, parsed)
    return parsed
  }
}

export const notHere = (): DavError => new DavError(404, 'Nothing is here')
