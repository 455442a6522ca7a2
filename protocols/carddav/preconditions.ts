import { DomainError, type DomainErrorCode } from '#domain'
import { CARDDAV, DAV, DECLARATIONS, element, type QName } from './names.ts'
import { BadXml, escapeXml } from './xml.ts'

/** How a refusal is answered: the status, and the element that names the condition (RFC 4918 §16). */
export interface Refusal {
  readonly status: number
  readonly condition?: QName
}

/** A request that DAV itself refuses. */
export class DavError extends Error implements Refusal {
  readonly status: number
  readonly condition?: QName
  readonly content: string
  constructor(status: number, message: string, condition?: QName, content = '') {
    super(message)
    this.status = status
    if (condition) this.condition = condition
    this.content = content
  }
}

/** A row for every code of the domain, or it does not compile. */
const REFUSALS = {
  'not-found': { status: 404 },
  'precondition-failed': { status: 412 },
  'invalid-card': { status: 403, condition: CARDDAV('valid-address-data') }, // RFC 6352 §6.3.2.1
  'unsupported-card': { status: 403, condition: CARDDAV('supported-address-data') },
  'card-too-large': { status: 403, condition: CARDDAV('max-resource-size') },
  'too-much': { status: 507, condition: DAV('quota-not-exceeded') }, // RFC 4331 §6
  'uid-conflict': { status: 403, condition: CARDDAV('no-uid-conflict') },
  'need-privileges': { status: 403, condition: DAV('need-privileges') }, // RFC 3744 §7.1.1
  'login-too-old': { status: 403 },
  locked: { status: 423, condition: DAV('lock-token-submitted') }, // RFC 4918 §16
  'lock-conflict': { status: 423, condition: DAV('no-conflicting-lock') },
  'token-refused': { status: 403, condition: DAV('valid-sync-token') }, // RFC 6578 §3.2
  'invalid-name': { status: 403 },
  'same-place': { status: 403 }, // RFC 4918 §9.8.5, §9.9.4
  'invalid-data': { status: 403 },
  'already-exists': { status: 405 },
  'domain-taken': { status: 403 },
  'public-domain': { status: 403 },
  'user-inactive': { status: 403 },
  'last-owner': { status: 403, condition: DAV('need-privileges') },
  'last-administrator': { status: 403, condition: DAV('need-privileges') },
  'parent-cycle': { status: 403 },
  'too-deep': { status: 403 },
  'managed-value': { status: 403 },
  'unknown-member': { status: 403, condition: CARDDAV('valid-address-data') },
  ambiguous: { status: 403 },
  unavailable: { status: 503 },
} as const satisfies { [Code in DomainErrorCode]: Refusal }

/** RFC 3744 §7.1.1: what is not allowed, and on what. */
export const needPrivileges = (href: string, privilege: string, message: string): DavError =>
  new DavError(
    403,
    message,
    DAV('need-privileges'),
    element(
      DAV('resource'),
      element(DAV('href'), escapeXml(href)) + element(DAV('privilege'), element(DAV(privilege))),
    ),
  )

/** RFC 6352 §8.6.2, RFC 3744 §9.2, §9.4: it is not answered, not even in part. */
export const tooManyMatches = (message: string): DavError =>
  new DavError(403, message, DAV('number-of-matches-within-limits'))

/**
 * What a thrown error answers, or undefined where it is a fault of ours. `hrefOf` is where a conflicting card is, `path`
 * what was asked about.
 */
export function refusal(error: unknown, hrefOf: (name: string) => string, path: string): DavError | undefined {
  if (error instanceof DavError) return error
  if (error instanceof BadXml) return new DavError(400, error.message)
  if (!(error instanceof DomainError)) return undefined
  const row: Refusal = REFUSALS[error.code]
  if (row.condition === DAV('need-privileges')) return needPrivileges(path, 'write', error.message)
  const { conflictsWith } = error.details
  let content = ''
  if (conflictsWith !== undefined) content = element(DAV('href'), escapeXml(hrefOf(conflictsWith)))
  return new DavError(row.status, error.message, row.condition, content)
}

/** The DAV:error body: the precondition and nothing else; without one, the message as a comment-free description. */
export function errorBody({ condition, content, message }: DavError): string {
  const inner = condition ? element(condition, content) : element(DAV('responsedescription'), escapeXml(message))
  return `<?xml version="1.0" encoding="utf-8"?>\n<D:error${DECLARATIONS}>${inner}</D:error>`
}
