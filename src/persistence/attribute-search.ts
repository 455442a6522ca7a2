import { type ManagedUser, shownName, userNameKey } from '#domain'
import { searchKey } from '#vcard'

/** What may be large, and nobody looks for a part of. */
const UNSEARCHED: ReadonlySet<string> = new Set(['photos', 'x509Certificates'])

/** Whether the text by which users are found holds the values of an attribute. */
export const isFound = (attribute: string): boolean => !UNSEARCHED.has(attribute)

function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : []
}

/** Every text of a user's attributes, a line each: what an index of trigrams narrows searches down by. */
export const attributeText = ({ userName, attributes }: Pick<ManagedUser, 'userName' | 'attributes'>): string =>
  [
    userNameKey(userName),
    ...Object.entries(attributes).flatMap(([name, value]) => (isFound(name) ? texts(value) : [])),
  ].join('\n')

/** By what colleagues find somebody: lines as in the texts that cards are found by (`searchText`). */
export function foundText({
  userName,
  email,
  attributes,
}: Pick<ManagedUser, 'userName' | 'email' | 'attributes'>): string {
  const { name = {}, nickName = '' } = attributes
  const parts = [name.honorificPrefix, name.givenName, name.middleName, name.familyName, name.honorificSuffix]
  const lines: readonly (readonly [string, string])[] = [
    ['fn', shownName(attributes, userName)],
    ['n', parts.filter(Boolean).join(' ')],
    ['nickname', nickName],
    ['email', email],
    ['user-name', userName],
  ]
  return lines.reduce((text, [line, value]) => (value === '' ? text : `${text}${line}\t${searchKey(value)}\n`), '\n')
}
