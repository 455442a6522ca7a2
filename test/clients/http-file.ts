import { readFileSync } from 'node:fs'

/** One request as a client sends it, and what it needs of the answer. See README.md. */
export interface Step {
  readonly title: string
  /** What happens elsewhere before it: names of events. */
  readonly before: readonly string[]
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly status: number
  readonly expectations: readonly string[]
}

export type Values = Map<string, string>

/** The steps of a file; `{{…}}` are not filled yet. */
export function readSteps(file: string): Step[] {
  const [head = '', ...blocks] = readFileSync(file, 'utf8').split(/^### /m)
  if (head.trim() !== '' || blocks.length === 0) throw new Error(`${file} does not start with ###`)
  return blocks.map((block) => readStep(block, file))
}

function readStep(block: string, file: string): Step {
  const parts = /^(.*)\n([\s\S]*?)\n*>>> (\d{3})\n([\s\S]*)$/.exec(block)
  if (!parts) throw new Error(`${file}: no ">>> status" in ${block.slice(0, 80)}`)
  const [, title = '', request = '', status, rest = ''] = parts
  const blank = request.indexOf('\n\n')
  const lines = (blank < 0 ? request : request.slice(0, blank)).trim().split('\n')
  const before = lines.filter((line) => line.startsWith('@')).map((line) => line.slice(1).trim())
  const [start = '', ...fields] = lines.filter((line) => !line.startsWith('@'))
  const line = /^([A-Z]+) (\S+) HTTP\/1\.1$/.exec(start)
  if (!line) throw new Error(`${file}: no request line in ${title}`)
  const headers = Object.fromEntries(
    fields.map((field) => [
      field.slice(0, field.indexOf(':')).toLowerCase(),
      field.slice(field.indexOf(':') + 1).trim(),
    ]),
  )
  const text = blank < 0 ? undefined : request.slice(blank + 2)
  // A card's lines end in CRLF, its last one too; XML goes out as it is written.
  const isCard = /^text\/vcard/i.test(headers['content-type'] ?? '')
  const body = text && isCard ? `${text.replaceAll('\n', '\r\n')}\r\n` : text
  // What is indented, or closes a bracket, goes on with the line before it.
  const said = rest.replace(/\n(?=[ \]}])/g, ' ').split('\n')
  const expectations = said.filter((expected) => expected.trim() !== '' && !expected.startsWith('#'))
  const [, method = '', path = ''] = line
  return { title, before, method, path, headers, ...(body ? { body } : {}), status: Number(status), expectations }
}

/** `{{name}}` as it was kept; `{{name + NOTE:x}}` a kept card with one line more. */
export function fill(text: string, values: Values): string {
  return text.replace(/\{\{(\w+)(?: \+ (.*?))?\}\}(\r\n)?/g, (_, name: string, extra?: string, end = '') => {
    const value = values.get(name)
    if (value === undefined) throw new Error(`nothing has told {{${name}}} yet`)
    if (extra === undefined) return value + end
    return value.replace(/END:VCARD\r?\n?$/, `${extra}\r\nEND:VCARD\r\n`) // the card brings its own line end
  })
}
