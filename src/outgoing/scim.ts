import type { Hooks, LoggedEvent, Resync, ToldTeam, ToldUser } from '#domain'
import type { GuardedFetch } from './guarded-fetch.ts'
import type { OpenHook, Outcome, Receiver } from './receiver.ts'
import { isGone, type Operation, outcomeOf, Refused, ScimClient } from './scim-client.ts'

/** Events that share a request, and people a page of a resync. */
const MOST = 50

const path = (id: string): string => `/Groups/${encodeURIComponent(id)}`

/** SCIM (RFC 7644): teams as groups, whose members are changed by PatchOp. */
export class ScimReceiver implements Receiver {
  readonly #hooks: Hooks
  readonly #fetch: GuardedFetch
  constructor(hooks: Hooks, fetch: GuardedFetch) {
    this.#hooks = hooks
    this.#fetch = fetch
  }

  async send(hook: OpenHook, events: readonly LoggedEvent[]): Promise<Outcome & { taken: number; lost?: boolean }> {
    const [first] = events
    if (!first) return { taken: 0 }
    const client = new ScimClient(hook, this.#hooks, this.#fetch)
    try {
      if (!first.kind.startsWith('member.')) {
        await one(client, first)
        return { status: 200, taken: 1 }
      }
      const other = events.findIndex(({ kind, team }) => !kind.startsWith('member.') || team?.id !== first.team?.id)
      const batch = events.slice(0, Math.min(other < 0 ? events.length : other, MOST))
      if (first.team) await members(client, first.team, batch)
      return { status: 200, taken: batch.length }
    } catch (error) {
      return { ...outcomeOf(error), taken: 0, lost: isGone(error) }
    }
  }

  async test(hook: OpenHook): Promise<Outcome> {
    try {
      await new ScimClient(hook, this.#hooks, this.#fetch).request('GET', '/Groups?count=1')
      return { status: 200 }
    } catch (error) {
      return outcomeOf(error)
    }
  }

  async resync(hook: OpenHook, at: Resync): Promise<Outcome & { next?: Resync }> {
    const client = new ScimClient(hook, this.#hooks, this.#fetch)
    try {
      const next = await this.#part(client, hook, at)
      return {
        status: 200,
        ...(next ? { next: { ...next, id: at.id, revision: at.revision, step: at.step + 1 } } : {}),
      }
    } catch (error) {
      return outcomeOf(error)
    }
  }

  async #part(
    client: ScimClient,
    hook: OpenHook,
    { phase, teamId, after }: Resync,
  ): Promise<Pick<Resync, 'phase' | 'teamId' | 'after'> | undefined> {
    if (phase === 'started' || phase === 'users') return { phase: 'teams' }
    if (phase === 'teams') {
      const first = after === undefined
      const wanted = first ? undefined : teamId
      const [team] = await this.#hooks.teams(hook.organizationId, hook.teamId ?? wanted, first ? teamId : undefined, 1)
      if (!team) return first ? { phase: 'orphans' } : { phase, ...(teamId ? { teamId } : {}) }
      const last = await this.#page(client, hook, team, after)
      return { phase, teamId: team.id, ...(last === undefined ? {} : { after: last }) }
    }
    if (phase === 'finished') return undefined
    for (const kind of ['team', 'user'] as const) {
      const gone = await this.#hooks.orphans(hook, kind, MOST)
      for (const reference of gone) await client.remove(reference)
      if (gone.length > 0) return { phase }
    }
    return undefined
  }

  /** A page of a team's members: the first replaces all who are there. Says who is the last of it, if there are more. */
  async #page(client: ScimClient, hook: OpenHook, team: ToldTeam, after?: string): Promise<string | undefined> {
    const page = await this.#hooks.members(hook.organizationId, team.id, after, MOST)
    for (const user of page) await client.changeUser(user)
    const remote = await client.users(page)
    const value = page.flatMap(({ id }) => (remote.has(id) ? [{ value: remote.get(id) }] : []))
    const operations: Operation[] =
      after === undefined
        ? [
            { op: 'replace', path: 'displayName', value: team.name },
            { op: 'replace', path: 'members', value },
          ]
        : [{ op: 'add', path: 'members', value }]
    try {
      await client.patch(path(await client.group(team)), operations)
    } catch (error) {
      const known = await client.known('team', team.id)
      if (!isGone(error) || !known) throw error
      await client.forget(known)
      await client.patch(path(await client.group(team)), operations)
    }
    return page.length < MOST ? undefined : page.at(-1)?.id
  }
}

/** What happened to a team, or to somebody. */
async function one(client: ScimClient, { kind, team, user }: LoggedEvent): Promise<void> {
  if (kind === 'team.created' && team) await client.group(team)
  else if (kind === 'team.changed' && team) {
    await client.patch(path(await client.group(team)), [{ op: 'replace', path: 'displayName', value: team.name }])
  } else if (kind === 'team.deleted' || kind === 'user.deleted') {
    const id = kind === 'team.deleted' ? team?.id : user?.id
    const known = id && (await client.known(kind === 'team.deleted' ? 'team' : 'user', id))
    if (known) await client.remove(known)
  } else if (kind !== 'user.created' && user) await client.changeUser(user)
}

/** Where somebody came and went, what happened last counts. */
async function members(client: ScimClient, team: ToldTeam, events: readonly LoggedEvent[]): Promise<void> {
  const last = new Map<string, { readonly user: ToldUser; readonly joined: boolean }>()
  for (const { kind, user } of events) {
    if (user && kind !== 'member.role_changed') last.set(user.id, { user, joined: kind === 'member.joined' })
  }
  const [coming, going] = [true, false].map((joined) =>
    [...last.values()].filter((one) => one.joined === joined).map(({ user }) => user),
  ) as [ToldUser[], ToldUser[]] // of two, two
  if (last.size === 0) return
  const group = path(await client.group(team))
  const remote = new Map([...(await client.users(coming)), ...(await client.users(going, 'known'))])
  const idsOf = (users: readonly ToldUser[]) => users.flatMap(({ id }) => remote.get(id) ?? [])
  const add: Operation = { op: 'add', path: 'members', value: idsOf(coming).map((value) => ({ value })) }
  const removes = idsOf(going).map(
    (id): Operation => ({ op: 'remove', path: `members[value eq ${JSON.stringify(id)}]` }),
  )
  const operations = [...(coming.length > 0 ? [add] : []), ...removes]
  if (operations.length === 0) return
  try {
    await client.patch(group, operations)
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 400) throw error
    await oneByOne(client, group, operations).catch(async (refused: unknown) => {
      await client.forgetLost(coming)
      throw refused
    })
  }
}

/** RFC 7644 §3.5.2.2: some refuse to remove whom they do not have; all is applied or nothing, so each goes alone. */
async function oneByOne(client: ScimClient, group: string, operations: readonly Operation[]): Promise<void> {
  for (const operation of operations) {
    await client.patch(group, [operation]).catch((error: unknown) => {
      if (operation.op !== 'remove' || !(error instanceof Refused) || error.scimType !== 'noTarget') throw error
    })
  }
}
