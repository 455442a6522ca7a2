import { type PersonAttributes, problemsOf, type TypedValue, withAttributes } from './attributes.ts'
import type { SignInClaims } from './sign-in.ts'
import { attributesOfName, type ManagedUser } from './users.ts'

/** What an issuer says of a person that stands on their card, as it was last said. */
export interface Said {
  readonly email?: string
  readonly name?: string
  readonly givenName?: string
  readonly middleName?: string
  readonly familyName?: string
  readonly locale?: string
}

const MAX_NAME = 150
const LOCALE = /^[a-z]{2,8}([-_][a-z0-9]{1,8}){0,4}$/i

/** One line, of a length that a card may have; what is empty is not said. */
const name = (text: string | undefined): string | undefined =>
  text
    ?.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .trim()
    .slice(0, MAX_NAME) || undefined

/** What of it can stand on a card: somebody is not kept out by a claim that cannot. */
export function saidBy(claims: SignInClaims, email: string | undefined): Said {
  const locale = claims.locale !== undefined && LOCALE.test(claims.locale) ? claims.locale : undefined
  const all = {
    email,
    name: name(claims.name),
    givenName: name(claims.givenName),
    middleName: name(claims.middleName),
    familyName: name(claims.familyName),
    locale,
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Said // so none is left
}

/**
 * The attributes that follow from what differs from the last time; the first time, those that the person lacks (what
 * SCIM or the command line wrote before them stays).
 */
export function changesOf(
  { email, attributes }: Pick<ManagedUser, 'email' | 'attributes'>,
  before: Said | undefined,
  said: Said,
): Partial<PersonAttributes> {
  const isNews = (claim: keyof Said, present: string | undefined) =>
    said[claim] !== undefined && (before === undefined ? !present : said[claim] !== before[claim])
  const changes: { -readonly [Name in keyof PersonAttributes]: PersonAttributes[Name] } = {}
  const parts = partsOf(attributes.name, said, isNews)
  if (said.name !== undefined && isNews('name', attributes.displayName)) changes.displayName = said.name
  if (parts) changes.name = parts
  else if (!attributes.name && changes.displayName) Object.assign(changes, attributesOfName(changes.displayName))
  if (said.locale !== undefined && isNews('locale', attributes.locale)) changes.locale = said.locale
  if (said.email !== undefined && isNews('email', email))
    changes.emails = withEmail(attributes.emails, email, said.email)
  const entries = Object.entries(changes).filter(([key, value]) => {
    const now = withAttributes(attributes, { [key]: value })
    return problemsOf({ userName: '', attributes }, { userName: '', attributes: now }).length === 0
  })
  return Object.fromEntries(entries)
}

function partsOf(
  now: PersonAttributes['name'],
  { givenName, middleName, familyName }: Said,
  isNews: (claim: keyof Said, present: string | undefined) => boolean,
): PersonAttributes['name'] | undefined {
  const parts = {
    ...(givenName !== undefined && isNews('givenName', now?.givenName) ? { givenName } : {}),
    ...(middleName !== undefined && isNews('middleName', now?.middleName) ? { middleName } : {}),
    ...(familyName !== undefined && isNews('familyName', now?.familyName) ? { familyName } : {}),
  }
  if (Object.keys(parts).length === 0) return undefined
  const { formatted: _, ...rest } = now ?? {} // it was of the other parts
  return { ...rest, ...parts }
}

/** In the place of the one that identified the person until now. */
function withEmail(emails: readonly TypedValue[] = [], old: string, value: string): readonly TypedValue[] {
  const at = emails.findIndex((one) => one.value.toLowerCase() === old.toLowerCase())
  return at < 0
    ? [{ value, type: 'work' }, ...emails]
    : emails.map((one, index) => (index === at ? { ...one, value } : one))
}
