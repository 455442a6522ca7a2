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

const HREF = /<((?:[\w-]+:)?href)>([\w/.@%:-]+)<\/\1>\s*/y
const FIRST_HREF = /<(?:[\w-]+:)?href[^\w]/
const MOST_HREFS = 100_000
const SAMPLE = '/'

/**
 * A body in which one element stands for a run of hrefs (a multiget's), and those. They are written alike and stand side
 * by side, so they are all what the parser finds that one to be.
 */
function withoutHrefs(body: string): { form: string; hrefs: readonly string[] } {
  const whole = { form: body, hrefs: [] }
  const start = body.search(FIRST_HREF)
  if (start < 0 || body.includes('<!')) return whole
  const hrefs: string[] = []
  let tag: string | undefined
  let end = start
  HREF.lastIndex = start
  for (let match = HREF.exec(body); match; match = HREF.exec(body)) {
    tag ??= match[1]
    if (match[1] !== tag) break
    hrefs.push(match[2] ?? '')
    end = HREF.lastIndex
  }
  if (hrefs.length < 2 || hrefs.length > MOST_HREFS) return whole
  return { form: `${body.slice(0, start)}<${tag}>${SAMPLE}</${tag}>${body.slice(end)}`, hrefs }
}

/** Parsed bodies by their bytes, hrefs and sync tokens aside: clients send the same few polls again and again. */
export class XmlBodies {
  readonly #known = new Map<string, XmlElement>()

  /** The document, or undefined where there is no body. @throws BadXml */
  read(exchange: Exchange): XmlElement | undefined {
    const body = bodyBytes(exchange)
    if (body.byteLength === 0) return undefined
    const { form: short, hrefs } = withoutHrefs(
      Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1'),
    )
    if (short.length > CACHED_BYTES) return parseXml(body)
    const { form, token } = withoutToken(short)
    const root = this.#known.get(form) ?? this.#parse(form)
    if (hrefs.length > 0) return token === '' ? (withHrefs(root, hrefs) ?? parseXml(body)) : parseXml(body)
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

function withHrefs(root: XmlElement, hrefs: readonly string[]): XmlElement | undefined {
  const at = root.children.findIndex(({ name, text }) => name === DAV('href') && text === SAMPLE)
  const sample = root.children[at]
  if (!sample) return undefined
  const all = hrefs.map((text) => ({ ...sample, text }))
  return { ...root, children: [...root.children.slice(0, at), ...all, ...root.children.slice(at + 1)] }
}

export const notHere = (): DavError => new DavError(404, 'Nothing is here')
