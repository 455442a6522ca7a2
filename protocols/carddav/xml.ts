import { SaxesParser, type SaxesTagNS } from 'saxes'
import { type QName, splitName } from './names.ts'

export interface XmlElement {
  readonly name: QName
  /** By name; a prefixed one by its qualified name. */
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly XmlElement[]
  /** All character data directly inside. */
  readonly text: string
  /** How much of the parent's text comes before it. */
  readonly at: number
}

/** The body is no XML that a DAV server has to read. */
export class BadXml extends Error {}

const MAX_DEPTH = 64
const MAX_ATTRIBUTES = 64
const MAX_DECLARATIONS = 512
const MAX_REFERENCES = 20_000
const MAX_PROPERTIES = 2_000
/** A multiget of 100,000 hrefs is one we answer. */
const MAX_ELEMENTS = 120_000

const count = (text: string, part: string, limit: number): number => {
  let found = 0
  for (let at = text.indexOf(part); at >= 0 && found <= limit; at = text.indexOf(part, at + part.length)) found += 1
  return found
}

/** Refuses before parsing what is only ever sent to harm. */
function assertHarmless(text: string): void {
  if (/<!DOCTYPE|<!ENTITY/i.test(text)) throw new BadXml('A document type is not accepted')
  if (count(text, '&#', MAX_REFERENCES) > MAX_REFERENCES) throw new BadXml('Too many character references')
  if (count(text, 'xmlns', MAX_DECLARATIONS) > MAX_DECLARATIONS) throw new BadXml('Too many namespace declarations')
}

interface Growing {
  readonly name: QName
  readonly attributes: ReadonlyMap<string, string>
  readonly children: XmlElement[]
  text: string
  readonly at: number
}

function qualified({ name, local, uri }: SaxesTagNS): QName {
  if (!/^[^-.\d:][^:]*$/.test(local)) throw new BadXml(`"${name}" is no name`) // Namespaces in XML 1.0 §4
  if (/[{}\x00-\x20]/.test(uri)) throw new BadXml('A namespace is a URI') // RFC 3986 §2; a QName ends it at its brace
  return `{${uri}}${local}`
}

/** Builds the tree while the text is read; whatever goes past a limit ends the reading there. */
function read(text: string): XmlElement {
  const parser = new SaxesParser({ xmlns: true, position: false })
  const open: Growing[] = []
  let root: XmlElement | undefined
  let elements = 0
  let attributes = 0
  parser.on('error', (error) => {
    throw new BadXml(error.message)
  })
  parser.on('opentagstart', () => {
    elements += 1
    attributes = 0
    if (open.length >= MAX_DEPTH) throw new BadXml(`Elements are nested more than ${MAX_DEPTH} deep`)
    if (elements > MAX_ELEMENTS) throw new BadXml(`More than ${MAX_ELEMENTS} elements`)
  })
  parser.on('attribute', () => {
    attributes += 1
    if (attributes > MAX_ATTRIBUTES) throw new BadXml(`An element has more than ${MAX_ATTRIBUTES} attributes`)
  })
  parser.on('opentag', (tag) => {
    const given = Object.values(tag.attributes).filter(({ name, prefix }) => name !== 'xmlns' && prefix !== 'xmlns')
    const parent = open.at(-1)
    const element: Growing = {
      name: qualified(tag),
      attributes:
        given.length === 0
          ? NONE
          : new Map(given.map((one) => [one.prefix === '' ? one.name : `{${one.uri}}${one.local}`, one.value])),
      children: [],
      text: '',
      at: parent?.text.length ?? 0,
    }
    if (parent) parent.children.push(element)
    else root = element
    open.push(element)
  })
  const addText = (piece: string) => {
    const parent = open.at(-1)
    if (parent) parent.text += piece
  }
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.on('closetag', () => {
    open.pop()
  })
  parser.write(text).close()
  if (!root) throw new BadXml('A document has one root element')
  return root
}

const NONE: ReadonlyMap<string, string> = new Map()

/** Reads a request body. @throws BadXml */
export function parseXml(body: Uint8Array): XmlElement {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw new BadXml('The body is not UTF-8')
  }
  assertHarmless(text)
  return read(text)
}

export const child = (parent: XmlElement | undefined, name: QName): XmlElement | undefined =>
  parent?.children.find((one) => one.name === name)

/** The names of the children of a DAV:prop. @throws BadXml above 2,000 */
export function propertyNames(prop: XmlElement): XmlElement[] {
  if (prop.children.length > MAX_PROPERTIES) throw new BadXml(`More than ${MAX_PROPERTIES} properties are asked for`)
  return [...prop.children]
}

/** What may be no XML; a test that every text goes through, so it looks at nothing around. */
const SUSPECT = /[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/
const SPECIAL = /[&<>\r]/
const NOT_XML =
  /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** Text for an element: CR stays CR (a bare one would be read as LF), what XML cannot say is left out. */
export function escapeXml(text: string): string {
  let out = text
  if (SPECIAL.test(text)) {
    if (out.includes('&')) out = out.replaceAll('&', '&amp;')
    if (out.includes('<')) out = out.replaceAll('<', '&lt;')
    if (out.includes('>')) out = out.replaceAll('>', '&gt;')
    if (out.includes('\r')) out = out.replaceAll('\r', '&#13;')
  }
  return SUSPECT.test(out) ? out.replace(NOT_XML, '') : out
}

const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace'
const LANG = `{${XML_NAMESPACE}}lang`

/** The xml:lang that holds for what is inside (RFC 4918 §4.3). */
export const languageIn = (element: XmlElement | undefined, around?: string): string | undefined =>
  element?.attributes.get(LANG) ?? around

const escapeAttribute = (value: string): string => value.replace(/[&<>"\t\r\n]/g, (char) => `&#${char.charCodeAt(0)};`)

/** An element as text that stands for itself anywhere: it declares every namespace that it uses. */
export function xmlText(element: XmlElement, language?: string): string {
  const attributes = new Map(element.attributes)
  if (language !== undefined && !attributes.has(LANG)) attributes.set(LANG, language)
  const declared = new Map<string, string>()
  const prefixed = (name: string, isAttribute: boolean): string => {
    if (!name.startsWith('{')) return name
    const { uri, local } = splitName(name as QName) // begins like one
    if (uri === '') return local
    if (uri === XML_NAMESPACE) return `xml:${local}`
    const prefix = declared.get(uri) ?? `${isAttribute ? 'a' : 'x'}${declared.size}`
    declared.set(uri, prefix)
    return `${prefix}:${local}`
  }
  const tag = prefixed(element.name, false)
  const given = [...attributes].map(([name, value]) => ` ${prefixed(name, true)}="${escapeAttribute(value)}"`).join('')
  const namespaces = [...declared].map(([uri, prefix]) => ` xmlns:${prefix}="${escapeAttribute(uri)}"`).join('')
  let inside = ''
  let done = 0
  for (const one of element.children) {
    inside += escapeXml(element.text.slice(done, one.at)) + xmlText(one)
    done = one.at
  }
  inside += escapeXml(element.text.slice(done))
  const start = `${tag}${namespaces}${given}`
  return inside === '' ? `<${start}/>` : `<${start}>${inside}</${tag}>`
}
