import type { Test } from 'tap'
import t from 'tap'
import { commandLine } from '../support/command-line.ts'
import { startKith } from '../support/kith.ts'

interface Printed {
  readonly base: string
  readonly passed: number
  readonly failed: number
  readonly unsupported: number
  readonly complete: boolean
  readonly checks: readonly {
    section: string
    title: string
    result: 'passed' | 'failed' | 'unsupported'
    expected?: string
    got?: string
    request?: string
  }[]
  readonly notDeleted: readonly { url: string; why: string }[]
}

/** A server of ours with some people, and a token for it. */
async function ours(t: Test, how: { mayWrite: boolean; isStrict?: boolean } = { mayWrite: true }) {
  const running = await startKith(t)
  const { kith, url } = running
  const organizationId = await running.organization('Example', 'kith.example', ['Ann', 'Bob', 'Cid'])
  const connector = await kith.connectors.obtain(organizationId, undefined)
  if (how.isStrict) await kith.connectors.update(connector, { isStrict: true })
  const { text } = await kith.scimTokens.create(connector, { mayWrite: how.mayWrite })
  const base = `${url}/scim/v2`
  const count = async (): Promise<number[]> =>
    await Promise.all(
      ['Users', 'Groups'].map(async (kind) => {
        const answer = await fetch(`${base}/${kind}?count=0`, { headers: { authorization: `Bearer ${text}` } })
        return ((await answer.json()) as { totalResults: number }).totalResults // a list
      }),
    )
  return { base, token: text, count }
}

const titles = ({ checks }: Printed, result: string): string[] =>
  checks.filter((one) => one.result === result).map(({ section, title }) => `${section} ${title}`)

t.test('against our own server everything passes, and nothing is left', async (t) => {
  const { base, token, count } = await ours(t)
  const before = await count()
  const { kith } = commandLine(t, { KITH_SCIM_TOKEN: token })
  const { status, out, err } = await kith('scim-check', '--base', base, '--json')
  t.equal(err, '')
  const printed = JSON.parse(out) as Printed
  t.strictSame(
    printed.checks.filter(({ result }) => result === 'failed'),
    [],
  )
  t.equal(status, 0)
  t.strictSame(await count(), before, 'as many users and groups as before')
})
