import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { DAV, DECLARATIONS, element, type QName } from './names.ts'
import { escapeXml } from './xml.ts'

const START = `<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus${DECLARATIONS}>`
const END = '</D:multistatus>'
const PIECE = 64 * 1024

export const XML_TYPE = 'application/xml; charset=utf-8'

const STATUS: Readonly<Record<number, string>> = {
  200: 'OK',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  423: 'Locked',
  424: 'Failed Dependency',
  507: 'Insufficient Storage',
}

const OK = '<D:status>HTTP/1.1 200 OK</D:status>'

const statusLine = (status: number): string =>
  status === 200 ? OK : `<D:status>HTTP/1.1 ${status} ${STATUS[status] ?? ''}</D:status>`

/** A propstat (RFC 4918 §14.22); the properties are ready-made elements. */
export const propstat = (status: number, properties: string, condition?: QName): string =>
  `<D:propstat><D:prop>${properties}</D:prop>${statusLine(status)}${condition ? `<D:error>${element(condition)}</D:error>` : ''}</D:propstat>`

export const response = (href: string, propstats: string): string =>
  `<D:response><D:href>${escapeXml(href)}</D:href>${propstats}</D:response>`

/** A response about a whole resource: a member that is gone, or (507) the collection that was not told to its end. */
export const statusResponse = (href: string, status: number, condition?: QName): string =>
  `<D:response><D:href>${escapeXml(href)}</D:href>${statusLine(status)}${condition ? `<D:error>${element(condition)}</D:error>` : ''}</D:response>`

/** A limit cut the answer short (RFC 6352 §8.6.2, RFC 6578 §3.6). */
export const truncated = (href: string): string => statusResponse(href, 507, DAV('number-of-matches-within-limits'))

/** Sends a multistatus: at once where it is small, else in pieces as fast as the client reads them. */
export async function sendMultistatus(
  reply: FastifyReply,
  parts: AsyncIterable<string> | Iterable<string>,
): Promise<FastifyReply> {
  const pieces = inPieces(parts)
  const first = await pieces.next()
  reply.code(207).header('content-type', XML_TYPE)
  if (first.done) return reply.send('')
  const second = await pieces.next()
  if (second.done) return reply.send(first.value)
  async function* rest(head: string, next: string) {
    yield head
    yield next
    yield* pieces
  }
  return reply.send(Readable.from(rest(first.value, second.value), { objectMode: false, highWaterMark: PIECE }))
}

async function* inPieces(parts: AsyncIterable<string> | Iterable<string>): AsyncGenerator<string> {
  let piece = START
  for await (const part of parts) {
    piece += part
    if (piece.length >= PIECE) {
      yield piece
      piece = ''
    }
  }
  yield piece + END
}
