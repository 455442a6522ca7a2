import { DomainError, type DomainErrorCode } from '#domain'
import { ScimError, type ScimType } from './protocol/messages.ts'

interface Refusal {
  readonly status: number
  readonly scimType?: ScimType
}

const invalid = { status: 400, scimType: 'invalidValue' } as const

/** A row for every code of the domain, or it does not compile. Those of cards and books do not come up here. */
const REFUSALS = {
  'not-found': { status: 404 },
  'precondition-failed': { status: 412 },
  'invalid-card': invalid,
  'unsupported-card': invalid,
  'card-too-large': { status: 413 },
  'too-much': { status: 413 },
  'uid-conflict': { status: 409 },
  'need-privileges': { status: 403 },
  'login-too-old': { status: 403 },
  locked: { status: 409 },
  'lock-conflict': { status: 409 },
  'token-refused': { status: 400 },
  'invalid-name': invalid,
  'same-place': invalid,
  'invalid-data': invalid,
  'already-exists': { status: 409, scimType: 'uniqueness' },
  'domain-taken': { status: 409, scimType: 'uniqueness' },
  'public-domain': invalid,
  'user-inactive': invalid,
  'last-owner': { status: 400, scimType: 'mutability' },
  'last-administrator': { status: 400, scimType: 'mutability' },
  'parent-cycle': invalid,
  'too-deep': invalid,
  'managed-value': { status: 400, scimType: 'mutability' },
  'unknown-member': invalid,
  ambiguous: { status: 409 },
  unavailable: { status: 503 },
} as const satisfies { [Code in DomainErrorCode]: Refusal }

/** What a thrown error answers, or undefined where it is a fault of ours. */
export function refusal(error: unknown): ScimError | undefined {
  if (error instanceof ScimError) return error
  if (!(error instanceof DomainError)) return undefined
  const { status, scimType }: Refusal = REFUSALS[error.code]
  return new ScimError(status, error.message, scimType)
}
