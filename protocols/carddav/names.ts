/** A qualified name, as one string: `{namespace}local`. */
export type QName = `{${string}}${string}`

/** Names of one namespace. */
export const qualified =
  <Uri extends string>(uri: Uri) =>
  (local: string): QName =>
    `{${uri}}${local}`

export const DAV = qualified('DAV:')
export const CARDDAV = qualified('urn:ietf:params:xml:ns:carddav')
/** CalendarServer's extensions, which Apple's clients and others after them ask for. */
export const CALENDARSERVER = qualified('http://calendarserver.org/ns/')

const PREFIXES: Readonly<Record<string, string>> = {
  'DAV:': 'D',
  'urn:ietf:params:xml:ns:carddav': 'C',
  'http://calendarserver.org/ns/': 'CS',
}

/** Declared once on each document's root. */
export const DECLARATIONS = Object.entries(PREFIXES)
  .map(([uri, prefix]) => ` xmlns:${prefix}="${uri}"`)
  .join('')

export function splitName(name: QName): { uri: string; local: string } {
  const end = name.indexOf('}')
  return { uri: name.slice(1, end), local: name.slice(end + 1) }
}

const escapeAttribute = (value: string): string => value.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`)

/** The name of an element in a document that has `DECLARATIONS`, and the declaration it needs besides. */
export function tag(name: QName): { open: string; close: string } {
  const { uri, local } = splitName(name)
  const prefix = Object.hasOwn(PREFIXES, uri) ? PREFIXES[uri] : undefined
  if (prefix) return { open: `${prefix}:${local}`, close: `${prefix}:${local}` }
  if (uri === '') return { open: local, close: local }
  return { open: `X:${local} xmlns:X="${escapeAttribute(uri)}"`, close: `X:${local}` }
}

/** An element with ready-made content and attributes. */
export function element(name: QName, content = '', attributes = ''): string {
  const { open, close } = tag(name)
  return content === '' ? `<${open}${attributes}/>` : `<${open}${attributes}>${content}</${close}>`
}
