import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import type { Test } from 'tap'
import t from 'tap'
import { CHECKS } from '../../src/scim-check/checks/index.ts'
import { brokenScim, type Fault } from '../support/broken-scim.ts'
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

/** Titles of those that went so, by section. */
const titles = ({ checks }: Printed, result: string): string[] =>
  checks.filter((one) => one.result === result).map(named)

const named = ({ section, title }: { section: string; title: string }): string => `${section} ${title}`

/** What a server that does no PATCH does right all the same, or by Bulk. */
const PATCHES_ALL_THE_SAME = [
  'add of who is a member already changes nothing',
  'changes, replaces and deletes in one request',
]

const quietly = (args: readonly string[], token: string) => (t: Test) =>
  commandLine(t, { KITH_SCIM_TOKEN: token }).kith('scim-check', ...args, '--json')

t.test('against our own server everything passes, and nothing is left', async (t) => {
  const { base, token, count } = await ours(t)
  const before = await count()
  const { status, out, err } = await quietly(['--base', `${base}/`], token)(t)
  t.equal(err, '')
  const printed = JSON.parse(out) as Printed
  t.strictSame(
    printed.checks.filter(({ result }) => result === 'failed'),
    [],
  )
  t.equal(status, 0)
  t.equal(printed.base, base)
  t.ok(printed.passed > 150, 'it looks at much')
  t.equal(printed.passed + printed.unsupported, printed.checks.length)
  t.strictSame(titles(printed, 'unsupported'), [
    'RFC 7643 §4.1.1 a password is never shown',
    'RFC 7644 §3.11 /Me is the user that the token is of',
  ])
  t.strictSame(await count(), before, 'as many users and groups as before')
})

/** What is wrong with a server, and the checks that are to see it: all others pass. */
const FAULTS: readonly { readonly wrong: string; readonly fault: Fault; readonly failed: readonly string[] }[] = [
  {
    wrong: 'userName is filtered by its exact case',
    fault: {
      change: ({ path, text }) => {
        const filter = new URLSearchParams(path.split('?')[1]).get('filter') ?? ''
        const [, name] = /^(?:userName sw [^ ]* and )?\(?userName eq "([^"]*)"\)?$/.exec(filter) ?? []
        if (name === undefined) return {}
        const list = JSON.parse(text) as { totalResults: number; Resources: { userName: string }[] } // of users
        const found = list.Resources.filter(({ userName }) => userName === name)
        const text2 = JSON.stringify({
          ...list,
          totalResults: found.length,
          itemsPerPage: found.length,
          Resources: found,
        })
        return { text: text2 }
      },
    },
    failed: ['RFC 7643 §2.2 userName is compared in any case'],
  },
  {
    wrong: 'a userName that is taken is answered with 400',
    fault: {
      change: ({ method, status, text }) =>
        status === 409 && method === 'POST' ? { status: 400, text: text.replace('"409"', '"400"') } : {},
    },
    failed: [
      'RFC 7644 §3.3 a userName that is taken is refused: 409 uniqueness',
      'RFC 7643 §4.1.1 a userName that is taken in another case is refused as well',
    ],
  },
  {
    wrong: 'errors are plain text',
    fault: {
      change: ({ status }) => (status === 404 ? { headers: { 'content-type': 'text/plain' }, text: 'Not found' } : {}),
    },
    failed: [
      'RFC 7644 §4 an unknown schema or resource type is 404',
      'RFC 7643 §3.1 externalId is kept as the client wrote it, and is no id',
      'RFC 7644 §3.4.1 an unknown id is 404, with the Error schema',
      'RFC 7644 §3.12 what is not served is 404, with the Error schema',
      'RFC 7644 §3.5.1 a PUT to an unknown id makes nothing: 404',
      'RFC 7644 §3.6 DELETE is 204; then the user is 404, and in no list',
      'RFC 7644 §3.6 a second DELETE, and one of an unknown id, is 404',
      'RFC 7644 §3.5.2 a PATCH of an unknown id is 404',
    ],
  },
  {
    wrong: 'no ETag is sent',
    fault: {
      change: ({ headers: { etag: _, ...headers } }) => ({ headers }),
    },
    failed: ['RFC 7644 §3.14 the ETag header is meta.version'],
  },
  {
    wrong: 'a PATCH is answered and not done',
    fault: { instead: ({ method }) => (method === 'PATCH' ? { status: 204 } : undefined) },
    failed: CHECKS.filter(
      ({ needs = [], title }) => needs.includes('patch') && !PATCHES_ALL_THE_SAME.includes(title),
    ).map(named),
  },
  {
    wrong: 'a list tells one resource too many',
    fault: {
      change: ({ path, text }) =>
        path.includes('startIndex=')
          ? { text: text.replace(/"totalResults":(\d+)/, (_, count) => `"totalResults":${Number(count) + 1}`) }
          : {},
    },
    failed: [
      'RFC 7644 §3.4.2.4 pages by startIndex and count hold everybody once, in a stable order',
      'RFC 7644 §3.4.2.4 after the last resource there is an empty page',
    ],
  },
]

/** Several faults at once, each seen by its own checks. */
const wrongs = (which: (wrong: string) => boolean) => FAULTS.filter(({ wrong }) => which(wrong))

for (const faults of [wrongs((wrong) => !wrong.includes('PATCH')), wrongs((wrong) => wrong.includes('PATCH'))]) {
  const wrong = faults.map((one) => one.wrong).join('; ')
  t.test(`those checks fail that are about what a server does wrong, and no other: ${wrong}`, async (t) => {
    const { base, token, count } = await ours(t)
    const before = await count()
    let broken = base
    for (const { fault } of faults) broken = await brokenScim(t, broken, fault)
    const { status, out, err } = await quietly(['--base', broken], token)(t)
    t.equal(err, '')
    t.equal(status, 1)
    const printed = JSON.parse(out) as Printed
    const failed = faults.flatMap((one) => one.failed)
    t.strictSame(titles(printed, 'failed').sort(), failed.toSorted())
    t.equal(printed.failed, failed.length)
    t.ok(
      printed.checks.every(
        ({ result, expected, got }) => (expected !== undefined && got !== undefined) === (result === 'failed'),
      ),
    )
    t.notMatch(out, token, 'the token is nowhere')
    t.strictSame(await count(), before, 'as many users and groups as before')
  })
}

t.test('a server that falls silent ends the checks', async (t) => {
  const { base, token } = await ours(t)
  let asked = 0
  const silent = await brokenScim(t, base, {
    instead: () => {
      asked += 1
      return asked > 60 ? 'hang up' : undefined
    },
  })
  const { status, out } = await quietly(['--base', silent], token)(t)
  t.equal(status, 1)
  const printed = JSON.parse(out) as Printed
  t.equal(printed.complete, false)
  t.ok(printed.checks.length < CHECKS.length)
  t.ok(printed.notDeleted.length > 0)
})

t.test('what a server says that it does not support is not held against it', async (t) => {
  const { base, token } = await ours(t)
  const plain = await brokenScim(t, base, {
    instead: ({ method, path }) =>
      method === 'PATCH' || path === '/Bulk' || path.includes('sortBy') ? { status: 501 } : undefined,
    change: ({ path, text }) =>
      path === '/ServiceProviderConfig'
        ? {
            text: text
              .replace(/("(?:patch|bulk|sort)":\{"supported":)true/g, '$1false')
              .replace('"cursor":true', '"cursor":false'),
          }
        : {},
  })
  const { status, out } = await quietly(['--base', plain], token)(t)
  const printed = JSON.parse(out) as Printed
  t.strictSame(titles(printed, 'failed'), [])
  t.equal(status, 0)
  const gone = CHECKS.filter(({ needs = [] }) =>
    needs.some((need) => ['patch', 'bulk', 'sort', 'cursor'].includes(need)),
  )
  t.ok(gone.length > 50)
  for (const one of gone) t.ok(titles(printed, 'unsupported').includes(named(one)), named(one))
})

t.test('a line for each check, what failed with a request that shows it, and what could not be deleted', async (t) => {
  const { base, token } = await ours(t)
  const broken = await brokenScim(t, base, {
    instead: ({ method }) => (method === 'DELETE' ? { status: 405 } : undefined),
  })
  const { status, out, err } = await commandLine(t, {}).kith('scim-check', '--base', broken, '--token', token)
  t.equal(status, 1)
  t.equal(err, '')
  t.match(out, /^✔ RFC 7644 §4 {2}/m)
  t.match(out, /^– RFC 7644 §3\.11 {2}.*\(not supported\)$/m)
  t.match(out, /^✘ RFC 7644 §3\.6 {2}DELETE.*\n {4}expected: 204\n {4}got: {6}405\n {4}curl -i -X DELETE .*\/Users\//m)
  t.match(out, /^RFC 7644 §3\.6 +0 passed, 3 failed$/m)
  t.match(out, /^Not deleted.*\/Users\/.* \(405\)$/m)
  t.match(out, /^Not deleted.*\/Groups\/.* \(405\)$/m)
  t.notMatch(out, token)
})

t.test('--read-only asks and changes nothing', async (t) => {
  const { base, token } = await ours(t, { mayWrite: false })
  const asked: string[] = []
  const seen = await brokenScim(t, base, {
    instead: ({ method, path }) => {
      asked.push(`${method} ${path}`)
      return undefined
    },
  })
  const { status, out } = await quietly(['--base', seen, '--read-only'], token)(t)
  t.equal(status, 0)
  t.ok((JSON.parse(out) as Printed).passed > 20)
  t.strictSame(
    asked.filter((one) => !/^GET |^POST \/Users\/\.search$/.test(one)),
    [],
  )
  const writing = await quietly(['--base', base], token)(t)
  t.equal(writing.status, 1)
  t.match(writing.err, /--read-only/, 'a token that may only read is told of it')
})

t.test('Ctrl-C: what was made is deleted, and the rest is not checked', async (t) => {
  const { base, token, count } = await ours(t)
  const before = await count()
  const child = spawn(process.execPath, ['src/cli.ts', 'scim-check', '--base', base, '--json'], {
    env: { ...process.env, KITH_SCIM_TOKEN: token },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  while ((await count())[0] === before[0]) await wait(20)
  child.kill('SIGINT')
  child.kill('SIGINT')
  const [status] = (await once(child, 'exit')) as [number | null] // as Node documents
  t.equal(status, 1)
  const printed = JSON.parse(out) as Printed
  t.equal(printed.complete, false)
  t.ok(printed.checks.length < CHECKS.length)
  t.strictSame(await count(), before)
})

t.test('what is no SCIM server, or cannot be reached, is told in words', async (t) => {
  const { base, token } = await ours(t)
  const { refused } = commandLine(t, { KITH_SCIM_TOKEN: token })
  const answering = (answer: { status?: number; headers?: Record<string, string>; text?: string }) =>
    brokenScim(t, base, { instead: () => answer })
  const check = (at: string, word: RegExp, ...more: string[]) => refused(['scim-check', '--base', at, ...more], word)
  await check(base, /refuses the token \(401\)/, '--token', 'kith-wrong')
  await check('http://127.0.0.1:9', /cannot be reached/)
  await check(base.replace('http:', 'https:'), /TLS/)
  await check(
    await answering({ status: 302, headers: { location: 'https://example.org/login' } }),
    /https:\/\/example\.org\/login/,
  )
  await check(await answering({ headers: { 'content-type': 'text/html' }, text: '<!doctype html><p>Hello' }), /HTML/)
  await check(await answering({ headers: { 'content-type': 'application/json' }, text: '[]' }), /no SCIM 2\.0 server/)
  await check(await answering({ status: 404 }), /404/)
  await check(await answering({ status: 500 }), /500/)
  await check('kith.example', /^--base /)
  await check('https://kith.example/scim?x=1', /^--base /)
  await refused(['scim-check'], /--base is missing/)
  await commandLine(t, {}).refused(['scim-check', '--base', base], /KITH_SCIM_TOKEN/)
})
