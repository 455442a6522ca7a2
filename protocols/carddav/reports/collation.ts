/** A collation compares after folding (RFC 4790). */
export type Collation = (text: string) => string

const ascii = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
// Folding by lower case of upper case also joins what has several lower cases (ß and ss, final sigma).
const unicode = (text: string): string => text.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC')

/** RFC 6352 §8.3: the first two are required of every server. */
export const COLLATIONS: ReadonlyMap<string, Collation> = new Map([
  ['i;ascii-casemap', ascii],
  ['i;unicode-casemap', unicode],
  ['i;octet', (text: string) => text],
])
