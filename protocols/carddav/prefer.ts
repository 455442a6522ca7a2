/** What a client would rather have (RFC 7240, RFC 8144). */
export interface Preferences {
  /** return=minimal */
  readonly minimal: boolean
  /** return=representation */
  readonly representation: boolean
  /** depth-noroot */
  readonly noRoot: boolean
}

const NAMES = { minimal: 'return=minimal', representation: 'return=representation', noRoot: 'depth-noroot' } as const

/** RFC 7240 §2: of a preference given twice the first counts. */
export function preferences(header: string | undefined): Preferences {
  const given = (header ?? '').split(',').map((one) => one.split(';', 1)[0]?.replace(/[\s"]/g, '').toLowerCase())
  const returns = given.find((one) => one?.startsWith('return='))
  return {
    minimal: returns === NAMES.minimal,
    representation: returns === NAMES.representation,
    noRoot: given.includes(NAMES.noRoot),
  }
}

/** The value of Preference-Applied (RFC 7240 §3). */
export const applied = (...which: (keyof Preferences)[]): string => which.map((one) => NAMES[one]).join(', ')
