import fc from 'fast-check'
import t from 'tap'
import { type Dict, ENTERPRISE, type ScimClient, startScim, USER } from '../support/scim.ts'
import { type Model, type Operation, PARTS, PLURALS, patched, Refusal, SIMPLE } from './patch-model.ts'

const RUNS = 150
const EXTENDED: ReadonlySet<string> = new Set(['employeeNumber', 'department'])

const text = fc.constantFrom('a', 'b', 'B', 'Zoë', '%', '"q"', 'line\nbreak', '😀')
const hollow = fc.constantFrom<unknown>('', null)
const type = fc.constantFrom('work', 'home', 'Work')
const some = { requiredKeys: ['value' as const] }
const value = fc.oneof(
  { weight: 8, arbitrary: fc.record({ value: text, type, primary: fc.boolean(), display: text }, some) },
  { weight: 1, arbitrary: fc.record({ value: hollow, type }) },
)
const values = fc.array(value, { maxLength: 3 })
const op = fc.constantFrom('add' as const, 'replace' as const)
const plural = fc.constantFrom(...PLURALS)
const urn = (name: string): string => (EXTENDED.has(name) ? `${ENTERPRISE}:${name}` : name)
const simple = fc.constantFrom(...SIMPLE).map(urn)
const single = fc.oneof({ weight: 5, arbitrary: text as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: hollow })
const filter = fc.oneof(
  type.map((one) => `type eq "${one}"`),
  fc.constantFrom(
    'primary eq true',
    'type eq "work" and primary eq true',
    'value eq "a"',
    'value eq "b" and type eq "home"',
    'value co "o"',
  ),
)
const name = fc.record(Object.fromEntries(PARTS.map((part) => [part, single])), { requiredKeys: [] })

const bodies = fc.record(
  {
    ...Object.fromEntries(SIMPLE.map((one) => [urn(one), single])),
    ...Object.fromEntries(PLURALS.map((one) => [one, values])),
    name,
    'name.familyName': single,
    active: fc.boolean(),
    userName: text.map((one) => `renamed ${one.replace(/\n/g, ' ')}`),
  },
  { requiredKeys: [] },
)

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ op, path: simple, value: single }),
  fc.record({
    op: fc.constant('remove' as const),
    path: fc.oneof(simple, plural, fc.constantFrom('name', ...PARTS.map((part) => `name.${part}`))),
  }),
  fc.record({ op, path: fc.constantFrom(...PARTS.map((part) => `name.${part}`)), value: single }),
  fc.record({ op, path: fc.constant('name'), value: name }),
  fc.record({ op, path: fc.constant('active'), value: fc.boolean() }),
  fc.record({ op, path: plural, value: fc.oneof(values, value, fc.constant(null)) }),
  fc.record({
    op: fc.constant('remove' as const),
    path: plural,
    value: fc.array(fc.record({ value: text, type }, some), { minLength: 1, maxLength: 2 }),
  }),
  fc.record({
    op,
    path: fc.tuple(plural, filter).map(([one, within]) => `${one}[${within}]`),
    value: fc.record({ value: text, display: text }, { requiredKeys: [] }),
  }),
  fc.record({
    op,
    path: fc
      .tuple(plural, filter, fc.constantFrom('value', 'display'))
      .map(([one, within, part]) => `${one}[${within}].${part}`),
    value: single,
  }),
  fc.record({
    op: fc.constant('remove' as const),
    path: fc
      .tuple(plural, filter, fc.constantFrom('', '.display', '.type'))
      .map(([one, within, part]) => `${one}[${within}]${part}`),
  }),
  fc.record({ op, value: bodies }),
)
/** Refused whatever is there. */
const refused = fc.constantFrom<object>(
  { op: 'replace', path: 'userName', value: '' },
  { op: 'remove', path: 'userName' },
  { op: 'replace', path: 'id', value: 'x' },
  { op: 'replace', path: 'meta.version', value: 'x' },
  { op: 'add', path: 'groups', value: [{ value: 'x' }] },
  { op: 'replace', path: 'nothing', value: 'x' },
  { op: 'replace', path: '__proto__', value: 'x' },
  { op: 'remove' },
  { op: 'move', path: 'title', value: 'x' },
  { op: 'replace', path: 'title' },
  { op: 'replace', path: 'title', value: { value: 1 } },
  { op: 'replace', path: 'active', value: 'perhaps' },
  { op: 'replace', path: 'emails[type eq "none" or type eq "nothing"].value', value: 'x' },
  { op: 'add', path: 'emails[', value: 'x' },
)

/** What the server tells of the user, in the model's own form. */
function told({ [ENTERPRISE]: extension, schemas: _, id: __, meta: ___, groups: ____, ...rest }: Dict): Model {
  return { ...rest, ...(extension as Dict | undefined) } // an extension is an object
}

const head = ({ meta }: Dict) => meta as { version: string; lastModified: string } // every resource has it

async function steps(
  client: ScimClient,
  t: Tap,
  operations: readonly (readonly Operation[])[],
  bad: object | undefined,
  at: string,
) {
  const id = await client.user(`someone ${at}`, { title: 'first' })
  let model: Model = { userName: `someone ${at}`, title: 'first', active: true }
  let before = (await client.get(`/Users/${id}`)).json
  for (const [step, list] of operations.entries()) {
    const unique = list.map((one) => renamed(one, at))
    let wanted: Model | undefined
    try {
      wanted = patched(model, unique)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
    }
    const isBad = bad !== undefined && step === operations.length - 1
    const sent = isBad ? [...unique, bad] : unique
    const answer = await client.patch(`/Users/${id}`, sent)
    const { json: after, headers } = await client.get(`/Users/${id}`)
    const label = JSON.stringify({ before: told(before), sent })
    if (!wanted || isBad) {
      if (answer.status !== 400) throw new Error(`${answer.status} ${answer.text}: ${label}`)
      same(after, before, label)
      continue
    }
    if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}: ${label}`)
    same(answer.json, after, label)
    same(told(after), wanted, label)
    if (headers.etag !== head(after).version) throw new Error('the ETag is another')
    const isChanged = JSON.stringify(sorted(told(before))) !== JSON.stringify(sorted(told(after)))
    if ((head(before).version !== head(after).version) !== isChanged) throw new Error(`version: ${label}`)
    if (!isChanged && head(before).lastModified !== head(after).lastModified) throw new Error(`lastModified: ${label}`)
    model = wanted
    before = after
  }
  return t
}

type Tap = object
const renamed = (one: Operation, at: string): Operation =>
  JSON.parse(JSON.stringify(one).replaceAll('"renamed ', `"renamed ${at} `)) as Operation // its own copy

const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .map(([key, one]) => [key, sorted(one)] as const)
            .sort(([one], [other]) => (one < other ? -1 : 1)),
        )
      : value

function same(got: unknown, wanted: unknown, label: string): void {
  const [one, other] = [JSON.stringify(sorted(got)), JSON.stringify(sorted(wanted))]
  if (one !== other) throw new Error(`\ngot:    ${one}\nwanted: ${other}\n${label}`)
}

t.test('PATCH of users', async (t) => {
  const scim = await startScim(t)
  const client = await scim.connect('Patches')
  let made = 0
  await t.test('RFC 7644 §3.5.2: sequences do what a plain model does, each PATCH whole or not at all', async (t) => {
    const sequences = fc.array(fc.array(operation, { maxLength: 4 }), { minLength: 1, maxLength: 5 })
    const all = fc.asyncProperty(sequences, fc.option(refused, { nil: undefined }), async (list, bad) => {
      made += 1
      await steps(client, t, list, bad, `${made}`)
    })
    await fc.assert(all, { numRuns: RUNS })
  })
  await t.test('RFC 7644 §3.5.1: PUT says all there is, and clears the rest', async () => {
    const all = fc.asyncProperty(bodies, bodies, async (first, second) => {
      made += 1
      const userName = `put ${made}`
      const body = (one: object) => ({ schemas: [USER], ...one, userName })
      const plain = (one: object) => patched({ userName, active: true }, [{ op: 'add', value: { ...one, userName } }])
      const keyed = ({ 'name.familyName': _, ...one }: Dict) => one // a path is no attribute
      const nested = (one: Dict): Dict => {
        const isExtended = (key: string) => key.startsWith(`${ENTERPRISE}:`)
        const inside = Object.entries(one).filter(([key]) => isExtended(key))
        const extension = Object.fromEntries(inside.map(([key, item]) => [key.slice(ENTERPRISE.length + 1), item]))
        return {
          ...Object.fromEntries(Object.entries(one).filter(([key]) => !isExtended(key))),
          [ENTERPRISE]: extension,
        }
      }
      const id = await client.made('/Users', body(nested(keyed(first as Dict))))
      const { status, json, text } = await client.ask('PUT', `/Users/${id}`, body(nested(keyed(second as Dict))))
      if (status !== 200) throw new Error(text)
      const active = (second as Dict).active ?? (first as Dict).active ?? true
      same(told(json), { ...plain(keyed(second as Dict)), active }, JSON.stringify(second))
      const again = await client.ask('PUT', `/Users/${id}`, json)
      same(again.json, json, 'what was read, put back, changes nothing')
    })
    await fc.assert(all, { numRuns: RUNS / 3 })
  })
})
