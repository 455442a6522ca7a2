import type { Test } from 'tap'
import type { Answer, MultistatusRow, Running } from './kith.ts'

/** A vCard of those lines, VERSION first. */
export const vcard = (lines: readonly string[], version = '3.0'): string =>
  ['BEGIN:VCARD', `VERSION:${version}`, ...lines, 'END:VCARD', ''].join('\r\n')

export const julie = vcard(['UID:julie', 'FN:Julie Powell', 'N:Powell;Julie;;;'])

/** The card with more lines at its end. */
export const withLines = (text: string, ...lines: readonly string[]): string =>
  text.replace(/END:VCARD\r\n$/, [...lines, 'END:VCARD', ''].join('\r\n'))

/** The name of the precondition that a refusal's DAV:error holds, and nothing else. */
export const condition = ({ text }: { text: string }): string | undefined =>
  /<D:error[^>]*><([\w:-]+)/.exec(text)?.[1]?.replace('D:responsedescription', '') || undefined

export const hrefIn = ({ text }: { text: string }): string | undefined => /<D:href>(.*?)<\/D:href>/.exec(text)?.[1]

export interface Propstat {
  readonly status: number
  /** Elements by their names as they are written: an own prefix is left out. */
  readonly props: ReadonlyMap<string, string>
  readonly condition?: string
}

/** What a response says of each property, in the order of its propstats. */
export function propstats({ xml }: Pick<MultistatusRow, 'xml'>): Propstat[] {
  return [...xml.matchAll(/<D:propstat><D:prop>(.*?)<\/D:prop><D:status>HTTP\/1\.1 (\d+).*?<\/D:propstat>/gs)].map(
    ([whole, inside = '', status]) => {
      const named = /<D:error><([\w:-]+)/.exec(whole)?.[1]
      return { status: Number(status), props: elements(inside), ...(named ? { condition: named } : {}) }
    },
  )
}

function elements(xml: string): Map<string, string> {
  const found = new Map<string, string>()
  for (let rest = xml; rest !== ''; ) {
    const open = /^<([\w:-]+)([^>]*?)(\/?)>/.exec(rest)
    if (!open) throw new Error(`no element starts at ${rest.slice(0, 80)}`)
    const [tag, name = '', , empty] = open
    const end = empty ? tag.length : rest.indexOf(`</${name}>`)
    found.set(name, empty ? '' : rest.slice(tag.length, end))
    rest = rest.slice(empty ? end : end + name.length + 3)
  }
  return found
}

/** The value of a property that is there. */
export const prop = (row: Pick<MultistatusRow, 'xml'> | undefined, name: string): string | undefined =>
  row &&
  propstats(row)
    .find(({ status }) => status === 200)
    ?.props.get(name)

/** Whether `work` left the organization as it was: no row, no head moved. */
export async function changesNothing(
  t: Test,
  { kith }: Running,
  organizationId: string,
  work: () => Promise<unknown>,
): Promise<void> {
  const before = await kith.store.collections.status(organizationId)
  await work()
  t.strictSame(await kith.store.collections.status(organizationId), before, 'nothing changed')
}

/** A refusal: its status and condition, and a body that tells nothing of the server's insides. */
export function refused(t: Test, answer: Answer, status: number, element?: string, label = ''): void {
  t.equal(answer.status, status, `${label} → ${status}`)
  if (element !== undefined) t.equal(condition(answer), element, `${label} → ${element}`)
  t.notMatch(
    answer.text,
    /\bat .+\.ts:\d+|node_modules|\bselect\b.+\bfrom\b|violates|pg_/i,
    `${label} tells no insides`,
  )
}
