import type { Line } from './syntax.ts'
import { parameterValues } from './value.ts'

const BY_DEFAULT: Readonly<Record<string, string>> = {
  text: 'ADR BIRTHPLACE CATEGORIES CLIENTPIDMAP DEATHPLACE EMAIL EXPERTISE FN GENDER GRAMGENDER HOBBY INTEREST KIND N NICKNAME NOTE ORG PRODID PRONOUNS ROLE TEL TITLE TZ VERSION XML',
  uri: 'CALADRURI CALURI CONTACT-URI FBURL GEO IMPP KEY LOGO MEMBER ORG-DIRECTORY PHOTO RELATED SOCIALPROFILE SOUND SOURCE UID URL',
  'date-and-or-time': 'ANNIVERSARY BDAY DEATHDATE',
  timestamp: 'CREATED REV',
  'language-tag': 'LANG LANGUAGE',
}
const DEFAULT_TYPES: ReadonlyMap<string, string> = new Map(
  Object.entries(BY_DEFAULT).flatMap(([type, names]) => names.split(' ').map((name): [string, string] => [name, type])),
)

/** The type of a property without VALUE (RFC 6350 §6; RFC 6474, 6715, 8605 and 9554), as jCard calls it. */
export const defaultType = (name: string): string => DEFAULT_TYPES.get(name) ?? 'unknown'

/** The type that a line's VALUE names, in lower case; undefined where it names none. */
export const givenType = (line: Pick<Line, 'parameters'>): string | undefined =>
  parameterValues(line, 'VALUE')[0]?.toLowerCase() || undefined

export const valueType = (line: Pick<Line, 'name' | 'parameters'>): string => givenType(line) ?? defaultType(line.name)

/** RFC 6350 §4.3 */
export const isDateType = (type: string): boolean =>
  ['date', 'time', 'date-time', 'date-and-or-time', 'timestamp'].includes(type)
