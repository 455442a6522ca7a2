import { createHash, randomUUID } from 'node:crypto'
import type { Hooks, LoggedEvent, Resync, ToldTeam, ToldUser } from '#domain'
import { FetchFailure, type GuardedFetch } from './guarded-fetch.ts'
import type { OpenHook, Outcome, Receiver } from './receiver.ts'
import { signature } from './signature.ts'

/** How many people a message of a resync has at most. */
const PAGE = 500

const teamData = ({ id, name, externalId }: ToldTeam) => ({ id, name, external_id: externalId ?? null })
const userData = ({ id, userName, externalId, email, isActive }: ToldUser) => ({
  id,
  user_name: userName,
  external_id: externalId ?? null,
  email,
  active: isActive,
})
const eventData = ({ team, user, role }: LoggedEvent) => ({
  ...(team ? { team: teamData(team) } : {}),
  ...(user ? { user: userData(user) } : {}),
  ...(role ? { role } : {}),
})

/** Its id names what is told and to whom: whoever gets it twice knows it by that. */
const messageId = (hook: OpenHook, ...what: readonly (string | number | bigint)[]): string =>
  `msg_${createHash('sha256')
    .update([hook.id, ...what].join(' '))
    .digest('base64url')}`

/** Signed JSON (Standard Webhooks 1.0). */
export class StandardWebhooks implements Receiver {
  readonly #hooks: Hooks
  readonly #fetch: GuardedFetch
  readonly #now: () => Date
  constructor(hooks: Hooks, fetch: GuardedFetch, now: () => Date) {
    this.#hooks = hooks
    this.#fetch = fetch
    this.#now = now
  }

  async send(hook: OpenHook, [event]: readonly LoggedEvent[]): Promise<Outcome & { taken: number }> {
    if (!event) return { taken: 0 }
    const id = messageId(hook, event.revision, event.ordinal)
    const outcome = await this.#post(hook, id, event.kind, event.at, eventData(event))
    return { ...outcome, taken: outcome.error === undefined ? 1 : 0 }
  }

  test = (hook: OpenHook): Promise<Outcome> =>
    this.#post(hook, `msg_${randomUUID()}`, 'hook.test', this.#now(), { hook: { id: hook.id } })

  async resync(hook: OpenHook, at: Resync): Promise<Outcome & { next?: Resync }> {
    const { type, data, next } = await this.#part(hook, at)
    if (type === undefined) return next ? { next } : {}
    const id = messageId(hook, at.id, at.step, JSON.stringify(data)) // tried again there may be more to tell
    const outcome = await this.#post(hook, id, type, this.#now(), { resync: { id: at.id }, ...data })
    return { ...outcome, ...(next ? { next } : {}) }
  }

  /** What is to be sent there, if anything, and where it goes on. */
  async #part(hook: OpenHook, at: Resync): Promise<{ type?: string; data?: object; next?: Resync }> {
    const { id, revision, phase, teamId, after, step } = at
    const to = { id, revision, step: step + 1 }
    if (phase === 'started') {
      const next: Resync = { ...to, phase: hook.teamId === undefined ? 'users' : 'teams' }
      return { type: 'resync.started', data: {}, next }
    }
    if (phase === 'users') {
      const users = await this.#hooks.users(hook.organizationId, after, PAGE)
      const last = users.length < PAGE ? undefined : users.at(-1)
      const next: Resync = last ? { ...to, phase, after: last.id } : { ...to, phase: 'teams' }
      return { type: 'resync.users', data: { users: users.map(userData) }, next }
    }
    if (phase === 'teams') {
      const first = after === undefined
      const wanted = first ? undefined : teamId
      const [team] = await this.#hooks.teams(hook.organizationId, hook.teamId ?? wanted, first ? teamId : undefined, 1)
      if (!team) return { next: first ? { ...to, phase: 'finished' } : { ...to, phase, ...(teamId ? { teamId } : {}) } }
      const members = await this.#hooks.members(hook.organizationId, team.id, after, PAGE)
      const last = members.length < PAGE ? undefined : members.at(-1)
      const data = {
        team: teamData(team),
        first,
        last: last === undefined,
        members: members.map(({ role, ...user }) => ({ ...userData(user), role })),
      }
      return { type: 'resync.team', data, next: { ...to, phase, teamId: team.id, ...(last ? { after: last.id } : {}) } }
    }
    return { type: 'resync.finished', data: {} }
  }

  async #post(hook: OpenHook, id: string, type: string, timestamp: Date, data: object): Promise<Outcome> {
    const body = JSON.stringify({ type, timestamp: timestamp.toISOString(), data })
    const seconds = Math.floor(this.#now().getTime() / 1_000)
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(seconds),
      'webhook-signature': signature(hook.open, id, seconds, body),
    }
    try {
      const { status } = await this.#fetch.fetch(hook.url, { method: 'POST', headers, body })
      return status >= 200 && status < 300 ? { status } : { status, error: refusal(status) }
    } catch (error) {
      if (error instanceof FetchFailure) return { error: error.message }
      throw error
    }
  }
}

export function refusal(status: number): string {
  if (status >= 300 && status < 400) return `It answered ${status}: redirects are not followed, name the final address`
  return `It answered ${status}`
}
