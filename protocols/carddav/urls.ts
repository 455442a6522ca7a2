import { asId, type Id } from '#domain'

/** What a path names, before anybody looks whether it is there. */
export type Address =
  | { readonly kind: 'root' }
  | { readonly kind: 'principals' }
  | { readonly kind: 'homes' }
  | { readonly kind: 'principal'; readonly userId: Id }
  | { readonly kind: 'home'; readonly userId: Id }
  | { readonly kind: 'address-book'; readonly userId: Id; readonly book: string }
  | { readonly kind: 'card'; readonly userId: Id; readonly book: string; readonly card: string }
  | { readonly kind: 'directories' }
  | { readonly kind: 'directory'; readonly organizationId: Id }
  | { readonly kind: 'directory-card'; readonly organizationId: Id; readonly card: string }

export type CardAddress = Extract<Address, { kind: 'card' | 'directory-card' }>

export const ROOT = '/dav/'
export const PRINCIPALS = `${ROOT}principals/`
export const HOMES = `${ROOT}addressbooks/`
export const DIRECTORIES = `${ROOT}directories/`

/** Written as it is in a path, which nearly all names are. */
const PLAIN = /^[\w@.-]+$/
const encode = (segment: string): string =>
  PLAIN.test(segment) ? segment : encodeURIComponent(segment).replaceAll('%40', '@')

export const principalHref = (userId: Id): string => `${PRINCIPALS}${userId}/`
export const homeHref = (userId: Id): string => `${HOMES}${userId}/`
export const bookHref = (userId: Id, book: string): string => `${homeHref(userId)}${encode(book)}/`
export const directoryHref = (organizationId: Id): string => `${DIRECTORIES}${organizationId}/`
export const cardHref = (book: string, name: string): string => `${book}${encode(name)}`

/** The collection that a card's address is inside of. */
export const collectionOf = (address: CardAddress): string =>
  address.kind === 'card' ? bookHref(address.userId, address.book) : directoryHref(address.organizationId)

/** One decoded segment, or undefined where it is none: a slash, NUL or control character inside, a bad escape, dots. */
function decode(segment: string): string | undefined {
  let text: string
  try {
    text = decodeURIComponent(segment)
  } catch {
    return undefined
  }
  return text === '' || text === '.' || text === '..' || /[/\x00-\x1f\x7f]/.test(text) ? undefined : text
}

/** The path of a request as it was sent, without the host of an absolute form (RFC 9112 §3.2.2). */
export const requestPath = (url = ''): string => url.replace(/^https?:\/\/[^/?#]*/i, '')

/** Whether a path is one of ours, however it is spelled: those who are not let in learn nothing from the spelling. */
export function isDavPath(path: string): boolean {
  const spelled = path.replace(/%[0-9a-f]{2}/gi, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)))
  const first = spelled.split(/[/\\?#]+/).find((segment) => !/^\.*$/.test(segment))
  return /^dav(;.*)?$/i.test(first ?? '')
}

/** Reads the raw path of a request or href: split first, then decoded, so that `%2F` is no separator. */
export function parsePath(rawPath: string): Address | undefined {
  const path = rawPath.split(/[?#]/, 1)[0] ?? ''
  if (path === ROOT.slice(0, -1)) return { kind: 'root' }
  if (!path.startsWith(ROOT)) return undefined
  const raw = path.slice(ROOT.length).split('/')
  if (raw.at(-1) === '') raw.pop() // a collection's trailing slash may be left out
  const isCollection = path.endsWith('/')
  const segments = raw.map(decode)
  const [area, user, book, card, ...more] = segments
  if (raw.length === 0) return { kind: 'root' }
  if (more.length > 0 || segments.includes(undefined)) return undefined
  const userId = user === undefined ? undefined : asId(user)
  if (area === 'principals') {
    if (raw.length === 1) return { kind: 'principals' }
    return userId && raw.length === 2 ? { kind: 'principal', userId } : undefined
  }
  if (area === 'directories') return inDirectories(raw.slice(1).map(decode), isCollection)
  if (area !== 'addressbooks') return undefined
  if (raw.length === 1) return { kind: 'homes' }
  if (!userId) return undefined
  if (book === undefined) return { kind: 'home', userId }
  if (card === undefined) return { kind: 'address-book', userId, book }
  return isCollection ? undefined : { kind: 'card', userId, book, card }
}

function inDirectories(
  [organization, card, ...more]: (string | undefined)[],
  isCollection: boolean,
): Address | undefined {
  if (organization === undefined) return { kind: 'directories' }
  const organizationId = asId(organization)
  if (!organizationId || more.length > 0) return undefined
  if (card === undefined) return { kind: 'directory', organizationId }
  return isCollection ? undefined : { kind: 'directory-card', organizationId, card }
}

/** The path of an href in a body: absolute ones must be of this host. */
export function hrefPath(href: string, host: string): string | undefined {
  const text = href.trim()
  if (text.startsWith('/') && !text.startsWith('//')) return text
  const match = /^https?:\/\/([^/]*)(\/.*)$/i.exec(text)
  return match && match[1]?.toLowerCase() === host.toLowerCase() ? match[2] : undefined
}
