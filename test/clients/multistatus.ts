import { SaxesParser } from 'saxes'

/** An element with its namespace's usual prefix, however the answer wrote it. */
export interface Element {
  readonly name: string
  readonly children: readonly Element[]
  /** All text inside, of children too. */
  readonly text: string
}

export interface Row {
  readonly href: string
  /** Of the whole resource. */
  readonly status?: number
  readonly propstats: readonly { readonly status: number; readonly line: string; readonly props: readonly Element[] }[]
}

const PREFIXES: Readonly<Record<string, string>> = {
  'DAV:': 'D:',
  'urn:ietf:params:xml:ns:carddav': 'C:',
  'urn:ietf:params:xml:ns:caldav': 'CAL:',
  'http://calendarserver.org/ns/': 'CS:',
  'http://me.com/_namespace/': 'ME:',
  'https://bitfire.at/webdav-push': 'PUSH:',
}

interface Growing {
  name: string
  children: Growing[]
  text: string
}

/** Reads an answer as a strict client does. */
export function readXml(text: string): Element {
  const parser = new SaxesParser({ xmlns: true })
  const open: Growing[] = []
  let root: Growing | undefined
  parser.on('error', (error) => {
    throw error
  })
  parser.on('opentag', ({ uri, local }) => {
    const element: Growing = { name: `${PREFIXES[uri] ?? `{${uri}}`}${local}`, children: [], text: '' }
    open.at(-1)?.children.push(element)
    root ??= element
    open.push(element)
  })
  parser.on('text', (piece) => {
    for (const element of open) element.text += piece
  })
  parser.on('closetag', () => {
    open.pop()
  })
  parser.write(text).close()
  if (!root) throw new Error('no element')
  return root
}

const first = (parent: Element, name: string): Element | undefined => parent.children.find((one) => one.name === name)
const code = (line: string): number => Number(/^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1])

export function readRows(root: Element): Row[] {
  return root.children
    .filter(({ name }) => name === 'D:response')
    .map((response) => {
      const whole = first(response, 'D:status')
      const propstats = response.children
        .filter(({ name }) => name === 'D:propstat')
        .map((propstat) => {
          const line = first(propstat, 'D:status')?.text ?? ''
          return { status: code(line), line, props: first(propstat, 'D:prop')?.children ?? [] }
        })
      return {
        href: first(response, 'D:href')?.text ?? '',
        ...(whole ? { status: code(whole.text) } : {}),
        propstats,
      }
    })
}

export const findProp = (row: Row | undefined, name: string): Element | undefined =>
  row?.propstats.find(({ status }) => status === 200)?.props.find((prop) => prop.name === name)

/** The names of all elements inside. */
export const namesInside = (element: Element | undefined): string[] =>
  element?.children.flatMap((one) => [one.name, ...namesInside(one)]) ?? []
