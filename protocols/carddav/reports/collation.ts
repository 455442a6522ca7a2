import { casemap } from '#vcard'

/** A collation compares after folding (RFC 4790). */
export type Collation = (text: string) => string

const ascii = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())

/** RFC 6352 §8.3: the first two are required of every server. */
export const COLLATIONS: ReadonlyMap<string, Collation> = new Map([
  ['i;ascii-casemap', ascii],
  ['i;unicode-casemap', casemap],
  ['i;octet', (text: string) => text],
])
