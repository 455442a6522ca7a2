import { XMLParser, XMLValidator } from 'fast-xml-parser'
import type { QName } from './names.ts'

export interface XmlElement {
  readonly name: QName
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly XmlElement[]
  /** All character data directly inside. */
  readonly text: string
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

const NAMED: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
])

/** XML 1.0 §2.2 */
const isChar = (code: number): boolean =>
  code === 9 ||
  code === 10 ||
  code === 13 ||
  (code >= 32 && code <= 0xd7ff) ||
  (code >= 0xe000 && code <= 0xfffd) ||
  (code >= 0x10000 && code <= 0x10ffff)

function decodeReferences(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(/&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(\w+));/g, (whole, hex, decimal, name) => {
    if (name !== undefined) {
      const value = NAMED.get(name)
      if (value === undefined) throw new BadXml(`The entity ${whole} is not defined`)
      return value
    }
    const code = hex === undefined ? Number.parseInt(decimal, 10) : Number.parseInt(hex, 16)
    if (!isChar(code)) throw new BadXml(`${whole} is no XML character`)
    return String.fromCodePoint(code)
  })
}

/** The parser's hook for entities: ours alone, none are ever declared. */
const entityDecoder = {
  setExternalEntities: () => undefined,
  addInputEntities: () => undefined,
  reset: () => undefined,
  setXmlVersion: () => undefined,
  decode: decodeReferences,
}

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  maxNestedTags: MAX_DEPTH,
  entityDecoder,
} as ConstructorParameters<typeof XMLParser>[0]) // its types lack entityDecoder

const count = (text: string, part: string, limit: number): number => {
  let found = 0
  for (let at = text.indexOf(part); at >= 0 && found <= limit; at = text.indexOf(part, at + part.length)) found += 1
  return found
}

/** A comment, CDATA, a processing instruction or a tag: one pass, whatever stands in its attributes. */
const MARKUP =
  /<(?:!--[\s\S]*?-->|!\[CDATA\[[\s\S]*?\]\]>|\?[\s\S]*?\?>|[^<>"'!?]+(?:(?:"[^"<]*"|'[^'<]*')[^<>"']*)*>)/y

/** Refuses before parsing what would make parsing expensive. */
function assertHarmless(text: string): void {
  if (/<!DOCTYPE|<!ENTITY/i.test(text)) throw new BadXml('A document type is not accepted')
  if (count(text, '&#', MAX_REFERENCES) > MAX_REFERENCES) throw new BadXml('Too many character references')
  if (count(text, 'xmlns', MAX_DECLARATIONS) > MAX_DECLARATIONS) throw new BadXml('Too many namespace declarations')
  let depth = 0
  let elements = 0
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', MARKUP.lastIndex)) {
    MARKUP.lastIndex = at
    if (!MARKUP.test(text)) throw new BadXml('A tag has no end')
    const next = text.charCodeAt(at + 1)
    if (next === 33 || next === 63) continue // <! and <?
    if (next === 47)
      depth -= 1 // </
    else {
      elements += 1
      if (text.charCodeAt(MARKUP.lastIndex - 2) !== 47) depth += 1 // not <…/>
    }
    if (depth > MAX_DEPTH || depth < 0)
      throw new BadXml(`Elements are nested more than ${MAX_DEPTH} deep, or not at all`)
    if (elements > MAX_ELEMENTS) throw new BadXml(`More than ${MAX_ELEMENTS} elements`)
  }
}

type Node = { readonly ':@'?: Readonly<Record<string, string>> } & { readonly [tag: string]: readonly Node[] | string }

type Scope = ReadonlyMap<string, string>
const TOP: Scope = new Map([['xml', 'http://www.w3.org/XML/1998/namespace']])

function toElement(tag: string, node: Node, outer: Scope): XmlElement {
  const given = Object.entries(node[':@'] ?? {})
  if (given.length > MAX_ATTRIBUTES) throw new BadXml(`An element has more than ${MAX_ATTRIBUTES} attributes`)
  let scope = outer
  const attributes = new Map<string, string>()
  for (const [name, value] of given) {
    if (name === 'xmlns') scope = new Map(scope).set('', value)
    else if (name.startsWith('xmlns:')) {
      if (value === '') throw new BadXml('A prefix stands for no namespace')
      scope = new Map(scope).set(name.slice(6), value)
    } else attributes.set(name, value)
  }
  const children: XmlElement[] = []
  let text = ''
  for (const child of node[tag] as readonly Node[]) {
    // a node's own entry holds its children
    for (const inner of Object.keys(child)) {
      if (inner === '#text')
        text += child[inner] as string // the parser's text nodes hold a string
      else if (inner !== ':@') children.push(toElement(inner, child, scope))
    }
  }
  return { name: qualified(tag, scope), attributes, children, text }
}

function qualified(tag: string, scope: Scope): QName {
  const colon = tag.indexOf(':')
  const prefix = colon < 0 ? '' : tag.slice(0, colon)
  const uri = scope.get(prefix)
  if (uri === undefined && prefix !== '') throw new BadXml(`The prefix "${prefix}" is not declared`)
  const local = tag.slice(colon + 1)
  if (!/^[^-.\d:][^:]*$/.test(local)) throw new BadXml(`"${tag}" is no name`) // Namespaces in XML 1.0 §4
  return `{${uri ?? ''}}${local}`
}

const CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/

/** Reads a request body. @throws BadXml */
export function parseXml(body: Uint8Array): XmlElement {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw new BadXml('The body is not UTF-8')
  }
  if (CONTROL.test(text)) throw new BadXml('The body holds a character that XML does not allow')
  assertHarmless(text)
  const valid = XMLValidator.validate(text)
  if (valid !== true) throw new BadXml(`${valid.err.msg} (line ${valid.err.line})`)
  let nodes: readonly Node[]
  try {
    nodes = parser.parse(text) as readonly Node[] // preserveOrder's form
  } catch (error) {
    throw error instanceof BadXml ? error : new BadXml(error instanceof Error ? error.message : 'The body is not XML')
  }
  const roots = nodes.flatMap((node) =>
    Object.keys(node)
      .filter((tag) => tag !== '#text' && tag !== ':@')
      .map((tag) => ({ tag, node })),
  )
  const [root] = roots
  if (!root || roots.length > 1) throw new BadXml('A document has one root element')
  return toElement(root.tag, root.node, TOP)
}

export const child = (parent: XmlElement | undefined, name: QName): XmlElement | undefined =>
  parent?.children.find((one) => one.name === name)

/** The names of the children of a DAV:prop. @throws BadXml above 2,000 */
export function propertyNames(prop: XmlElement): XmlElement[] {
  if (prop.children.length > MAX_PROPERTIES) throw new BadXml(`More than ${MAX_PROPERTIES} properties are asked for`)
  return [...prop.children]
}

const NOT_XML =
  /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** Text for an element: CR stays CR (a bare one would be read as LF), what XML cannot say is left out. */
export function escapeXml(text: string): string {
  let out = text
  if (out.includes('&')) out = out.replaceAll('&', '&amp;')
  if (out.includes('<')) out = out.replaceAll('<', '&lt;')
  if (out.includes('>')) out = out.replaceAll('>', '&gt;')
  if (out.includes('\r')) out = out.replaceAll('\r', '&#13;')
  NOT_XML.lastIndex = 0
  return NOT_XML.test(out) ? out.replace(NOT_XML, '') : out
}
