import type { Config } from '../config.ts'
import { check, isGood, jsonOf, lineOf, summaryOf, Unavailable } from '../scim-check/index.ts'
import { type Command, type Input, type Output, UsageError } from './command.ts'

const VARIABLE = 'KITH_SCIM_TOKEN'
/** A signal that comes later than this after the first is somebody who will not wait. */
const PATIENCE_MS = 1_000

/** @throws UsageError */
function baseOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`--base is an address such as https://kith.example.org/scim/v2, not "${text}"`)
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new UsageError('--base is an address without a password, "?" and "#"')
  }
  return url.href.replace(/\/+$/, '')
}

/** @throws UsageError */
function tokenOf(given: string | undefined): string {
  if (!given) throw new UsageError(`Give the token in ${VARIABLE}, where no process list shows it, or as --token`)
  if (!/^[\x21-\x7e]+$/.test(given)) throw new UsageError('The token has a space or another character that none has')
  return given
}

/** Ends the checks at Ctrl-C; the same signal may come twice, from a terminal and from the process above. */
function stopping(): { signal: AbortSignal; end: () => void } {
  const stop = new AbortController()
  let since: number | undefined
  const onSignal = () => {
    since ??= Date.now()
    if (Date.now() - since > PATIENCE_MS) process.exit(130)
    if (!stop.signal.aborted) process.stderr.write('\nStopping: what the checks made is deleted first\n')
    stop.abort()
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, onSignal)
  return {
    signal: stop.signal,
    end: () => {
      for (const signal of signals) process.off(signal, onSignal)
    },
  }
}

async function start({ scimToken }: Pick<Config, 'scimToken'>, input: Input): Promise<Output> {
  const base = baseOf(input.required('base'))
  const token = tokenOf(input.text('token') ?? scimToken)
  const stop = stopping()
  try {
    const report = await check({
      base,
      token,
      readOnly: input.flag('read-only') === true,
      stop: stop.signal,
      onOutcome: (outcome) => {
        if (!input.flag('json')) process.stdout.write(`${lineOf(outcome)}\n`)
      },
    })
    if (!isGood(report)) process.exitCode = 1
    return { json: jsonOf(report), text: summaryOf(report) }
  } catch (error) {
    if (error instanceof Unavailable) throw new UsageError(error.message)
    throw error
  } finally {
    stop.end()
  }
}

export const SCIM_CHECK_COMMANDS: readonly Command[] = [
  {
    name: 'scim-check',
    summary: 'Tries out a SCIM 2.0 server, this one or any other: what works, what does not, by RFC section.',
    options: {
      base: {
        type: 'string',
        help: 'where SCIM is served, such as https://kith.example.org/scim/v2',
        value: 'URL',
        required: true,
      },
      token: {
        type: 'string',
        help: `the bearer token; better in ${VARIABLE}: a process list shows what is typed here`,
      },
      'read-only': {
        type: 'boolean',
        help: 'make and change nothing: fewer checks (else users and groups kith-check-… are made and deleted)',
      },
    },
    start,
  },
]
