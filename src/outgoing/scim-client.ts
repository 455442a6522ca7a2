import type { Hooks, Reference, ToldTeam, ToldUser } from '#domain'
import { FetchFailure, type GuardedFetch } from './guarded-fetch.ts'
import type { OpenHook, Outcome } from './receiver.ts'
import { refusal } from './standard-webhooks.ts'

/** RFC 7644 §8.2 and RFC 7643 §8.7.1 */
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group'

export interface Operation {
  readonly op: 'add' | 'remove' | 'replace'
  readonly path?: string
  readonly value?: unknown
}

/** The receiver did not take a request. */
export class Refused extends Error {
  readonly status: number
  readonly scimType: string
  constructor(status: number, scimType: string, detail: string) {
    super(`${refusal(status)}${detail === '' ? '' : `: ${detail.slice(0, 300)}`}`)
    this.status = status
    this.scimType = scimType
  }
}

export const outcomeOf = (error: unknown): Outcome & { error: string } => {
  if (error instanceof Refused) return { status: error.status, error: error.message }
  if (error instanceof FetchFailure) return { error: error.message }
  throw error
}

/** A delivery ends well before its claim does, with whom it has made known by then. */
const TIME_MS = 240_000

const userBody = ({ id, userName, email, isActive }: ToldUser) => ({
  externalId: id,
  userName,
  active: isActive,
  ...(email === '' ? {} : { emails: [{ value: email, type: 'work', primary: true }] }),
})

/** Someone else's SCIM server (RFC 7644), and who is who there. */
export class ScimClient {
  readonly #hook: OpenHook
  readonly #hooks: Hooks
  readonly #fetch: GuardedFetch
  readonly #until = Date.now() + TIME_MS
  constructor(hook: OpenHook, hooks: Hooks, fetch: GuardedFetch) {
    this.#hook = hook
    this.#hooks = hooks
    this.#fetch = fetch
  }

  /** @throws Refused, FetchFailure */
  async request(method: string, path: string, body?: object): Promise<Readonly<Record<string, unknown>>> {
    if (Date.now() > this.#until) throw new FetchFailure('It takes too long: what is done stays done')
    const { status, text } = await this.#fetch.fetch(`${this.#hook.url.replace(/\/+$/, '')}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#hook.open[0]}`,
        accept: 'application/scim+json, application/json',
        ...(body ? { 'content-type': 'application/scim+json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const json = parsed(text)
    if (status >= 200 && status < 300) return json
    throw new Refused(status, String(json.scimType ?? ''), typeof json.detail === 'string' ? json.detail : '')
  }

  patch = (path: string, operations: readonly Operation[]) =>
    this.request('PATCH', path, { schemas: [PATCH], Operations: operations })

  /** Their ids there; whoever is not known there yet is made known, unless they are only `known`. */
  async users(users: readonly ToldUser[], only?: 'known'): Promise<ReadonlyMap<string, string>> {
    const ids = users.map(({ id }) => id)
    const known = await this.#hooks.references(this.#hook, 'user', ids)
    const remote = new Map(known.map(({ localId, remoteId }) => [localId, remoteId]))
    for (const user of users) {
      if (remote.has(user.id)) continue
      const found =
        (await this.#find('/Users', 'externalId', user.id)) ?? (only ? undefined : await this.#makeUser(user))
      if (found === undefined) continue
      const { id, made = true } = typeof found === 'string' ? { id: found } : found
      await this.#refer({ kind: 'user', localId: user.id, remoteId: id, made })
      remote.set(user.id, id)
    }
    return remote
  }

  /** One who has that userName without us is who is meant, and stays their owner's. */
  async #makeUser(user: ToldUser): Promise<{ id: string; made: boolean }> {
    try {
      const made = await this.request('POST', '/Users', { schemas: [USER], ...userBody(user) })
      return { id: idOf(made), made: true }
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 409) throw error
      const id = await this.#find('/Users', 'userName', user.userName)
      if (id === undefined) throw error
      return { id, made: false }
    }
  }

  /** Tells of a change to those users whom we have made known. */
  async changeUser(user: ToldUser): Promise<void> {
    const [reference] = await this.#hooks.references(this.#hook, 'user', [user.id])
    if (!reference?.made) return
    const { externalId: _, ...value } = userBody(user)
    try {
      await this.patch(`/Users/${encodeURIComponent(reference.remoteId)}`, [{ op: 'replace', value }])
    } catch (error) {
      if (!isGone(error)) throw error
      await this.forget(reference)
    }
  }

  /** Forgets who is there no more: they are made known again. */
  async forgetLost(users: readonly ToldUser[]): Promise<void> {
    const ids = users.map(({ id }) => id)
    for (const reference of await this.#hooks.references(this.#hook, 'user', ids)) {
      await this.request('GET', `/Users/${encodeURIComponent(reference.remoteId)}`).catch(async (error: unknown) => {
        if (!isGone(error)) throw error
        await this.forget(reference)
      })
    }
  }

  /** The team's id there, made known where it is not. */
  async group(team: ToldTeam): Promise<string> {
    const known = await this.known('team', team.id)
    if (known) return known.remoteId
    const found = await this.#find('/Groups', 'externalId', team.id)
    const remoteId =
      found ??
      idOf(await this.request('POST', '/Groups', { schemas: [GROUP], externalId: team.id, displayName: team.name }))
    await this.#refer({ kind: 'team', localId: team.id, remoteId, made: true })
    return remoteId
  }

  async known(kind: Reference['kind'], localId: string): Promise<Reference | undefined> {
    const [reference] = await this.#hooks.references(this.#hook, kind, [localId])
    return reference
  }

  /** Takes away there what we have made. */
  async remove(reference: Reference): Promise<void> {
    const path = reference.kind === 'team' ? '/Groups' : '/Users'
    if (reference.made) {
      await this.request('DELETE', `${path}/${encodeURIComponent(reference.remoteId)}`).catch((error: unknown) => {
        if (!isGone(error)) throw error
      })
    }
    await this.forget(reference)
  }

  forget = ({ kind, localId }: Reference): Promise<void> => this.#hooks.forget(this.#hook, kind, localId)

  #refer = (reference: Reference): Promise<void> => this.#hooks.refer(this.#hook, [reference])

  async #find(path: string, attribute: string, value: string): Promise<string | undefined> {
    const filter = encodeURIComponent(`${attribute} eq ${JSON.stringify(value)}`)
    const { Resources } = await this.request('GET', `${path}?filter=${filter}`)
    const [first] = Array.isArray(Resources) ? (Resources as Readonly<Record<string, unknown>>[]) : [] // RFC 7644 §3.4.2
    return first && idOf(first)
  }
}

export const isGone = (error: unknown): boolean => error instanceof Refused && error.status === 404

function idOf({ id }: Readonly<Record<string, unknown>>): string {
  if (typeof id !== 'string' || id === '' || id.length > 1_000) throw new FetchFailure('It answered with no id')
  return id
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === 'object' && json !== null ? (json as Readonly<Record<string, unknown>>) : {} // an object has names
  } catch {
    return {}
  }
}
