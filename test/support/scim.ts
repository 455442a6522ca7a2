import type { Test } from 'tap'
import { changesNothing } from './dav.ts'
import { type Answer, type Asking, ask, type Running, startKith } from './kith.ts'

export const MESSAGES = 'urn:ietf:params:scim:api:messages:2.0'
export const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
export const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group'
export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

/** A JSON object as a test reads it. */
export interface Dict {
  readonly [key: string]: unknown
}

export interface ScimAnswer extends Answer {
  readonly json: Dict
  /** The Resources of a list. */
  readonly resources: readonly Dict[]
}

const JSON_TYPE = 'application/scim+json; charset=utf-8'

/** RFC 7644 §3.12: what every refusal is. */
export function problem({ status, json, headers, text }: ScimAnswer): string | undefined {
  if (headers['content-type'] !== JSON_TYPE) return `content-type ${headers['content-type']}: ${text}`
  if (JSON.stringify(json.schemas) !== `["${MESSAGES}:Error"]`) return `schemas: ${text}`
  if (json.status !== String(status)) return `status: ${text}`
  if (typeof json.detail !== 'string' || json.detail === '') return `detail: ${text}`
  if (/\bat .+\.ts:\d+|node_modules|\bselect\b.+\bfrom\b|violates|pg_/i.test(text)) return `insides: ${text}`
  return undefined
}

/** Who speaks SCIM to a server with one token. */
export class ScimClient {
  readonly url: string
  readonly token: string
  constructor(url: string, token: string) {
    this.url = url
    this.token = token
  }

  /** `path` is what comes after /scim/v2; a body is sent as JSON unless it is a text already. */
  async ask(method: string, path: string, body?: unknown, headers: Asking['headers'] = {}): Promise<ScimAnswer> {
    const type = body === undefined ? {} : { 'content-type': 'application/scim+json' }
    const text =
      body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
    const answer = await ask(this.url, method, `/scim/v2${path}`, {
      headers: { authorization: `Bearer ${this.token}`, ...type, ...headers },
      ...(text === undefined ? {} : { body: text }),
    })
    const isJson = answer.headers['content-type']?.includes('json') && answer.text !== ''
    const json = (isJson ? JSON.parse(answer.text) : {}) as Dict // the tests look at what is in it
    return { ...answer, json, resources: (json.Resources ?? []) as readonly Dict[] } // likewise
  }

  get = (path: string, headers: Asking['headers'] = {}) => this.ask('GET', path, undefined, headers)
  post = (path: string, body: unknown) => this.ask('POST', path, body)
  patch = (path: string, Operations: readonly object[], headers: Asking['headers'] = {}) =>
    this.ask('PATCH', path, { schemas: [`${MESSAGES}:PatchOp`], Operations }, headers)
  bulk = (Operations: readonly object[], more: object = {}) =>
    this.post('/Bulk', { schemas: [`${MESSAGES}:BulkRequest`], Operations, ...more })
  search = (path: string, query: object) =>
    this.post(`${path}/.search`, { schemas: [`${MESSAGES}:SearchRequest`], ...query })

  /** The id of a new resource. */
  async made(path: string, body: object): Promise<string> {
    const { status, json, text } = await this.post(path, body)
    if (status !== 201) throw new Error(`${path}: ${status} ${text}`)
    return String(json.id)
  }
  user = (userName: string, more: object = {}) => this.made('/Users', { schemas: [USER], userName, ...more })
  group = (displayName: string, members: readonly string[] = []) =>
    this.made('/Groups', { schemas: [GROUP], displayName, members: members.map((value) => ({ value })) })
}

export interface RunningScim extends Running {
  /** A new organization's connector. */
  connect(name: string, options?: { readonly mayWrite?: boolean }): Promise<ScimClient & { organizationId: string }>
}

/** A server that SCIM is spoken with, as fast as one likes. */
export async function startScim(t: Test, environment: Readonly<Record<string, string>> = {}): Promise<RunningScim> {
  const running = await startKith(t, undefined, { SCIM_RATE_LIMIT: '0', ...environment })
  const { kith, url } = running
  const connect: RunningScim['connect'] = async (name, { mayWrite = true } = {}) => {
    const known = (await kith.organizations.list()).find((one) => one.name === name)
    const { id } = known ?? (await kith.organizations.create({ name, domains: [`${name.toLowerCase()}.example`] }))
    const { text } = await kith.scimTokens.create(await kith.connectors.obtain(id), { mayWrite })
    return Object.assign(new ScimClient(url, text), { organizationId: id })
  }
  return { ...running, connect }
}

/** A user and a group to be attacked; that nothing of them changed, and that an answer is just that refusal. */
export async function startAttack(t: Test) {
  const scim = await startScim(t)
  const client = await scim.connect('Attacked')
  const id = await client.user('victim', { title: 'before', emails: [{ value: 'a@x.example', type: 'work' }] })
  const group = await client.group('group', [id])
  const untouched = (t: Parameters<typeof changesNothing>[0], work: () => Promise<unknown>) =>
    changesNothing(t, scim, client.organizationId, work)
  const refused = (
    t: { equal(a: unknown, b: unknown, c: string): unknown },
    answer: ScimAnswer,
    wanted: string,
    label: string,
  ) => {
    const { status, json } = answer
    t.equal(`${status}${json.scimType === undefined ? '' : ` ${json.scimType}`}`, wanted, label)
    t.equal(problem(answer), undefined, label)
  }
  return { scim, client, id, group, untouched, refused }
}
