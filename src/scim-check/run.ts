import { Failure, listAt, NoAnswer, NotSupported, type Sent, Unavailable } from './answer.ts'
import { type Check, LIST } from './check.ts'
import { CHECKS } from './checks/index.ts'
import { cleanUp, type Left } from './clean-up.ts'
import { Client } from './client.ts'
import { State } from './state.ts'

/** How a check went; of a failure what was expected and what came, and the request that shows it. */
export interface Outcome {
  readonly section: string
  readonly title: string
  readonly result: 'passed' | 'failed' | 'unsupported'
  readonly expected?: string
  readonly got?: string
  readonly sent?: Sent
}

export interface Report {
  readonly base: string
  readonly outcomes: readonly Outcome[]
  /** Whether it was ended before all was checked. */
  readonly stopped: boolean
  /** Why it ended early, where the server fell silent. */
  readonly silent: boolean
  /** What the checks made and could not delete. */
  readonly left: readonly Left[]
}

export interface Settings {
  /** Where SCIM begins: `https://example.org/scim/v2`. */
  readonly base: string
  readonly token: string
  /** Makes and changes nothing. */
  readonly readOnly: boolean
  /** Ends the checks; what was made is deleted all the same. */
  readonly stop: AbortSignal
  readonly onOutcome: (outcome: Outcome) => void
}

/** Requests in a row without an answer after which the rest is not tried. */
const SILENT = 3

/** Checks a server. @throws Unavailable where there is none, or it does not let the token in */
export async function check({ base, token, readOnly, stop, onOutcome }: Settings): Promise<Report> {
  const client = new Client(base, token, stop)
  await assertServed(client)
  const state = new State(client)
  const outcomes: Outcome[] = []
  let left: Left[] = []
  try {
    if (!readOnly) await assertMayWrite(client, state)
    await state.discover()
    for (const one of CHECKS) {
      if (stop.aborted || client.silent >= SILENT) break
      if (readOnly && !one.reads) continue
      const outcome = await outcomeOf(one, client, state)
      if (stop.aborted) break // it failed of the stop
      outcomes.push(outcome)
      onOutcome(outcome)
    }
  } catch (error) {
    if (!stop.aborted) throw error
  } finally {
    if (!readOnly) left = await cleanUp(client.lasting(), state.prefix)
  }
  return { base, outcomes, stopped: stop.aborted, silent: client.silent >= SILENT, left }
}

async function outcomeOf(one: Check, client: Client, state: State): Promise<Outcome> {
  const { section, title, needs = [] } = one
  const head = { section, title }
  if (!needs.every((need) => state.supports(need))) return { ...head, result: 'unsupported' }
  try {
    await one.run(client, state)
    return { ...head, result: 'passed' }
  } catch (error) {
    if (error instanceof NotSupported) return { ...head, result: 'unsupported' }
    if (client.isStopped) return { ...head, result: 'failed' }
    if (!(error instanceof Error)) throw error
    if (!(error instanceof Failure)) {
      return { ...head, result: 'failed', expected: 'an answer that can be made out', got: error.message }
    }
    const { expected, got, sent } = error
    return { ...head, result: 'failed', expected, got, ...(sent ? { sent } : {}) }
  }
}

/** Rather than that nearly all checks fail of it. @throws Unavailable */
async function assertMayWrite(client: Client, state: State): Promise<void> {
  const { status } = await client.post('/Users', state.body()).catch((error: unknown) => {
    if (error instanceof NoAnswer && !client.isStopped) return { status: 0 } // the checks will tell
    throw error
  })
  if (status === 401 || status === 403) {
    throw new Unavailable(
      `${client.base} lets the token read but not make users (${status}): check what it may read with --read-only`,
    )
  }
}

/** Looks whether a SCIM server is there and lets the token in. @throws Unavailable */
async function assertServed(client: Client): Promise<void> {
  const { base } = client
  const answer = await client.get('/Users?startIndex=1&count=1').catch((error: unknown) => {
    if (error instanceof NoAnswer) throw new Unavailable(`${base} cannot be reached: ${error.got}`)
    throw error
  })
  const { status, json, text, headers } = answer
  if (status >= 300 && status < 400) {
    const target = headers.get('location') ?? 'nowhere'
    throw new Unavailable(
      `${base} sends its clients on to ${target} (${status}): give the address where SCIM is served as --base`,
    )
  }
  if (status === 401)
    throw new Unavailable(`${base} refuses the token (401): is it whole, of this server, and not expired?`)
  if (status === 403)
    throw new Unavailable(`${base} does not let the token read users (403): it may be one of a person`)
  if (/html/i.test(headers.get('content-type') ?? '') || /^\s*<(!doctype|html)/i.test(text)) {
    throw new Unavailable(
      `${base} answers with a web page (HTML), so SCIM is not served there: a server's address often ends in /scim/v2`,
    )
  }
  if (status >= 500) throw new Unavailable(`${base} fails when users are listed (${status}): its own log may tell why`)
  if (status === 404)
    throw new Unavailable(`There are no users at ${base}/Users (404): a server's address often ends in /scim/v2`)
  if (!listAt(json, 'schemas').includes(LIST)) {
    throw new Unavailable(`${base}/Users answers ${status}, and no SCIM 2.0 list of users: it is no SCIM 2.0 server`)
  }
}
