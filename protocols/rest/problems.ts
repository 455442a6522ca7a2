import { STATUS_CODES } from 'node:http'
import { DomainError, type DomainErrorCode } from '#domain'

/** A part of the request that cannot be so: `data.emails[0].type`. */
export interface FieldProblem {
  readonly field: string
  readonly problem: string
}

/** A refusal as it is sent (RFC 9457 §3). `code` is stable; the other texts are for people. */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly errors: readonly FieldProblem[]
  readonly headers: Readonly<Record<string, string>>
  constructor(
    status: number,
    code: string,
    detail: string,
    {
      errors = [],
      headers = {},
    }: { errors?: readonly FieldProblem[]; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail)
    this.status = status
    this.code = code
    this.errors = errors
    this.headers = headers
  }
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

/** RFC 9457 §4.2.1: without a `type` it is about:blank, and the title is the status's own. */
export const toldProblem = ({ status, code, message, errors }: Problem) => ({
  title: STATUS_CODES[status],
  status,
  code,
  detail: message,
  ...(errors.length > 0 ? { errors } : {}),
})
export const problemBody = (problem: Problem): string => JSON.stringify(toldProblem(problem))

/** A row for every code of the domain, or it does not compile. */
const STATUSES = {
  'not-found': 404,
  'precondition-failed': 412,
  'invalid-card': 422,
  'unsupported-card': 422,
  'card-too-large': 413,
  'too-much': 413,
  'uid-conflict': 409,
  'need-privileges': 403,
  'login-too-old': 403,
  locked: 423,
  'lock-conflict': 423,
  'token-refused': 410,
  'invalid-name': 422,
  'same-place': 422,
  'invalid-data': 422,
  'already-exists': 409,
  'domain-taken': 409,
  'public-domain': 422,
  'user-inactive': 422,
  'last-owner': 409,
  'last-administrator': 409,
  'managed-value': 422,
  'unknown-member': 422,
  'parent-cycle': 409,
  'too-deep': 422,
  ambiguous: 409,
  unavailable: 503,
} as const satisfies { [Code in DomainErrorCode]: number }

/** What a thrown error answers, or undefined where it is a fault of ours. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error
  if (error instanceof DomainError) {
    const { code, message, details } = error
    const headers: Record<string, string> = code === 'unavailable' ? { 'retry-after': '2' } : {}
    return new Problem(STATUSES[code], code, message, { errors: details.problems ?? [], headers })
  }
  const { statusCode, message } = error as { statusCode?: number; message?: string } // as Fastify's own errors have it
  if (statusCode === 413) return new Problem(413, 'too-large', 'The body is too large')
  if (statusCode === 415) return new Problem(415, 'unsupported-media-type', 'Send the body as JSON')
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new Problem(statusCode, 'bad-request', message ?? '')
  }
  return undefined
}
