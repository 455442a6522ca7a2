import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** RFC 9110 §8.8.3 */
const TAG = /(W\/)?("[\x21\x23-\x7e\x80-\xff]*")/g

/** RFC 9110 §13.1.1: compared strongly, so a weak tag holds of nothing; without the header it holds. */
export const ifMatch = ({ headers }: FastifyRequest) => matching(headers['if-match'])

/** What a text as that of If-Match asks of an ETag. */
export function matching(header: string | undefined): ((etag: string) => boolean) | undefined {
  if (header === undefined) return undefined
  const tags = [...header.matchAll(TAG)].flatMap(([, weak, tag]) => (weak ? [] : [tag]))
  return (etag) => header.trim() === '*' || tags.includes(etag)
}

/** RFC 9110 §13.1.2: compared weakly. */
function isKnown({ headers }: FastifyRequest, etag: string): boolean {
  const header = headers['if-none-match']
  if (header === undefined) return false
  return header.trim() === '*' || [...header.matchAll(TAG)].some(([, , tag]) => tag === etag)
}

export const etagOfContent = (content: string | Uint8Array): string =>
  `"${createHash('sha256').update(content).digest('base64url').slice(0, 27)}"`

/** Sends what is read, or that the reader has it. */
export function sendRead(
  request: FastifyRequest,
  reply: FastifyReply,
  content: string | Uint8Array,
  etag = etagOfContent(content),
  type = 'application/json; charset=utf-8',
): FastifyReply {
  reply.header('etag', etag)
  return isKnown(request, etag) ? reply.code(304).send() : reply.type(type).send(content)
}

/** Sends what came of something: no state, so it has no ETag. */
export const sendTold = (reply: FastifyReply, told: object): FastifyReply =>
  reply.type('application/json; charset=utf-8').send(JSON.stringify(told))

/** Sends what is there after a write. */
export const sendWritten = (reply: FastifyReply, status: number, text: string, etag: string): FastifyReply =>
  reply.code(status).header('etag', etag).type('application/json; charset=utf-8').send(text)
