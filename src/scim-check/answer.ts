/** A request as it was sent, without the token. */
export interface Sent {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Whether the token went with it. */
  readonly bears: boolean
}

/** What came back. */
export interface Answer {
  readonly sent: Sent
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Undefined where the body is no JSON. */
  readonly json: unknown
}

const MAX_SHOWN = 300

/** What a check found wrong: what was expected and what came, and the request that shows it. */
export class Failure extends Error {
  readonly expected: string
  readonly got: string
  readonly sent: Sent | undefined
  constructor(expected: string, got: string, sent?: Sent) {
    super(`expected ${expected}, got ${got}`)
    this.expected = expected
    this.got = got
    this.sent = sent
  }
}

/** The server does not have what the check is about, and says so. */
export class NotSupported extends Error {}

/** Nothing to check can be reached; the message tells a person why. */
export class Unavailable extends Error {}

/** No answer to one request. */
export class NoAnswer extends Failure {}

/** As JSON, cut to what a line holds. */
export function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}

/** The status and, of a refusal, what it says. */
export function told({ status, json, text }: Answer): string {
  const detail = at(json, 'detail')
  const type = at(json, 'scimType')
  const words = [type, detail].filter((one) => typeof one === 'string' && one !== '').join(': ')
  const why = words || (json === undefined ? text : '')
  return status < 300 ? `${status}` : `${status} ${why.slice(0, MAX_SHOWN).replace(/\s+/g, ' ')}`.trim()
}

/** The value at a path of keys and positions; undefined where there is none. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let found = value
  for (const key of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined
    found = (found as Record<string | number, unknown>)[key] // an object, just seen
  }
  return found
}

export const listAt = (value: unknown, ...path: readonly (string | number)[]): readonly unknown[] => {
  const found = at(value, ...path)
  return Array.isArray(found) ? found : []
}

export const textAt = (value: unknown, ...path: readonly (string | number)[]): string => {
  const found = at(value, ...path)
  return typeof found === 'string' ? found : ''
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** The request as a line for a shell, which finds the token in KITH_SCIM_TOKEN. */
export function curl({ method, url, headers, body, bears }: Sent): string {
  const words = ['curl', '-i', ...(method === 'GET' ? [] : ['-X', method])]
  if (bears) words.push('-H', '"Authorization: Bearer $KITH_SCIM_TOKEN"')
  for (const [name, value] of Object.entries(headers)) words.push('-H', quoted(`${name}: ${value}`))
  if (body !== undefined) words.push('--data-binary', quoted(body.length > 2_000 ? `${body.slice(0, 2_000)}…` : body))
  return [...words, quoted(url)].join(' ')
}
