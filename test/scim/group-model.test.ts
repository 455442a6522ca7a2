import fc from 'fast-check'
import t from 'tap'
import { type Dict, GROUP, type ScimClient, startScim } from '../support/scim.ts'

const RUNS = 120
const PEOPLE = 6

/** Who is in afterwards; undefined: it is refused. */
type Change = (members: ReadonlySet<number>) => Iterable<number> | undefined
interface Step {
  /** With the numbers of people in place of their ids: `#3`. */
  readonly operation: object
  readonly members: Change
}

const who = fc.nat(PEOPLE - 1)
const several = fc.array(who, { maxLength: 4 })
const op = (name: string) => fc.constantFrom(name, name[0]?.toUpperCase() + name.slice(1))
const entra = (one: number) => ({ $ref: null, value: `#${one}` })
const okta = (one: number) => ({ value: `#${one}`, display: 'somebody' })
const form = fc.constantFrom<(one: number) => object>(entra, okta)
const without = (members: ReadonlySet<number>, gone: readonly number[]) =>
  [...members].filter((one) => !gone.includes(one))

/** As Entra ID, Okta, authentik and Keycloak's plug-ins write them. */
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(op('add'), several, form).map(
    ([op, list, of]): Step => ({
      operation: { op, path: 'members', value: list.map(of) },
      members: (now) => [...now, ...list],
    }),
  ),
  fc.tuple(op('add'), several).map(
    ([op, list]): Step => ({
      operation: { op, value: { members: list.map(entra) } },
      members: (now) => [...now, ...list],
    }),
  ),
  fc.tuple(op('remove'), fc.array(who, { minLength: 1, maxLength: 3 }), form).map(
    ([op, list, of]): Step => ({
      operation: { op, path: 'members', value: list.map(of) },
      members: (now) => without(now, list),
    }),
  ),
  fc.tuple(op('remove'), who).map(
    ([op, one]): Step => ({
      operation: { op, path: `members[value eq "#${one}"]` },
      members: (now) => without(now, [one]),
    }),
  ),
  fc.tuple(who, who).map(
    ([one, other]): Step => ({
      operation: { op: 'remove', path: `members[value eq "#${one}" or value eq "#${other}"]` },
      members: (now) => (now.has(one) || now.has(other) ? without(now, [one, other]) : undefined),
    }),
  ),
  op('remove').map((op): Step => ({ operation: { op, path: 'members' }, members: () => [] })),
  fc.constant<Step>({ operation: { op: 'remove', path: 'members', value: null }, members: () => [] }),
  fc.tuple(op('replace'), several, form).map(
    ([op, list, of]): Step => ({
      operation: { op, path: 'members', value: list.map(of) },
      members: () => list,
    }),
  ),
  fc.tuple(several).map(
    ([list]): Step => ({
      operation: { op: 'replace', value: { id: 'x', displayName: 'a name', members: list.map(okta) } },
      members: () => list,
    }),
  ),
  fc.constant<Step>({ operation: { op: 'replace', path: 'members', value: [] }, members: () => [] }),
)

const bad = fc.constantFrom<object>(
  { op: 'add', path: 'members', value: [{ value: '#0' }, { value: '00000000-0000-4000-8000-000000000000' }] },
  { op: 'add', path: 'members', value: [{ value: 'x' }] },
  { op: 'add', path: 'members', value: [{ value: '#elsewhere' }] },
  { op: 'replace', path: 'members', value: [{ value: '#elsewhere' }] },
  { op: 'add', path: 'members', value: [{ value: '#0', type: 'Group' }] },
  { op: 'replace', path: 'members[value eq "#0"].value', value: '#1' },
  { op: 'replace', path: 'displayName', value: '' },
  { op: 'replace', path: 'synced', value: false },
  { op: 'remove', path: 'displayName' },
)

interface Seen {
  readonly group: Dict
  readonly members: readonly string[]
  readonly version: unknown
}

async function seen(client: ScimClient, id: string): Promise<Seen> {
  const { json: group } = await client.get(`/Groups/${id}`)
  const members = ((group.members ?? []) as readonly Dict[]).map(({ value }) => String(value)) // as groups have them
  return { group, members: members.sort(), version: (group.meta as Dict).version }
}

t.test('PATCH of groups', async (t) => {
  const scim = await startScim(t)
  const client = await scim.connect('Groups')
  const elsewhere = await (await scim.connect('Elsewhere')).user('somebody else')
  const ids: string[] = []
  for (let at = 0; at < PEOPLE; at += 1) ids.push(await client.user(`person ${at}`))
  const named = (one: object): object =>
    JSON.parse(
      JSON.stringify(one)
        .replaceAll('#elsewhere', elsewhere)
        .replace(/#(\d)/g, (_, at) => ids[at] ?? ''),
    ) as object // with ids

  const follow = async (id: string, patches: readonly (readonly Step[])[], wrong: object | undefined) => {
    let model: ReadonlySet<number> = new Set()
    let before = await seen(client, id)
    for (const [at, steps] of patches.entries()) {
      const isWrong = wrong !== undefined && at === patches.length - 1
      const sent = [...steps.map(({ operation }) => operation), ...(isWrong ? [wrong] : [])].map(named)
      const answer = await client.patch(`/Groups/${id}`, sent)
      const after = await seen(client, id)
      const label = `${answer.status} ${answer.text} ${JSON.stringify({ before: before.members, sent, after: after.members })}`
      let now: ReadonlySet<number> | undefined = model
      for (const { members } of steps) {
        const next: Iterable<number> | undefined = now && members(now)
        now = next && new Set(next)
      }
      if (isWrong || !now) {
        if (answer.status !== 400) throw new Error(label)
        if (JSON.stringify(before) !== JSON.stringify(after)) throw new Error(`something changed: ${label}`)
        continue
      }
      if (answer.status !== 204) throw new Error(label)
      model = now
      const wanted = [...model].map((one) => ids[one] ?? '').sort()
      if (JSON.stringify(after.members) !== JSON.stringify(wanted)) throw new Error(label)
      const isChanged = JSON.stringify({ ...before.group, meta: 0 }) !== JSON.stringify({ ...after.group, meta: 0 })
      const isMeta = JSON.stringify(before.group.meta) !== JSON.stringify(after.group.meta)
      if (isMeta !== isChanged) throw new Error(`version: ${label}`)
      if (answer.headers.etag !== after.version) throw new Error(`etag: ${label}`)
      before = after
    }
  }

  await t.test(
    'RFC 7644 §3.5.2: members are a set, whatever form a client has; each PATCH whole or not at all',
    async () => {
      const patches = fc.array(fc.array(step, { maxLength: 4 }), { minLength: 1, maxLength: 5 })
      const all = fc.asyncProperty(patches, fc.option(bad, { nil: undefined }), async (list, wrong) => {
        await follow(await client.group('a name'), list, wrong)
      })
      await fc.assert(all, { numRuns: RUNS })
    },
  )

  await t.test('RFC 7644 §3.5.1: PUT leaves whom it names, and nobody else', async () => {
    const all = fc.asyncProperty(several, several, async (first, second) => {
      const id = await client.group(
        'a name',
        first.map((one) => ids[one] ?? ''),
      )
      const members = second.map((one) => ({ value: ids[one] }))
      const { status, json, text } = await client.ask('PUT', `/Groups/${id}`, {
        schemas: [GROUP],
        displayName: 'a name',
        members,
      })
      if (status !== 200) throw new Error(text)
      const wanted = [...new Set(second)].map((one) => ids[one] ?? '').sort()
      const after = await seen(client, id)
      if (JSON.stringify(after.members) !== JSON.stringify(wanted)) throw new Error(JSON.stringify({ wanted, after }))
      const again = await client.ask('PUT', `/Groups/${id}`, json)
      if (JSON.stringify(again.json) !== JSON.stringify(json))
        throw new Error('what was read, put back, changed something')
    })
    await fc.assert(all, { numRuns: RUNS / 4 })
  })

  await t.test('who is added twice at once, or removed and added, is in once', async (t) => {
    const [one = '', other = ''] = ids
    const id = await client.group('twice', [one, one])
    t.strictSame((await seen(client, id)).members, [one])
    await client.patch(`/Groups/${id}`, [
      { op: 'remove', path: `members[value eq "${one}"]` },
      { op: 'add', path: 'members', value: [{ value: one }, { value: other }, { value: other }] },
    ])
    t.strictSame((await seen(client, id)).members, [one, other].sort())
    const { status, json } = await client.patch(`/Groups/${id}?attributes=members`, [])
    t.match({ status, members: (json.members as unknown[]).length }, { status: 200, members: 2 })
  })
})
