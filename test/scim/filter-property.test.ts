import fc from 'fast-check'
import t from 'tap'
import { type Dict, ENTERPRISE, GROUP, type ScimClient, startScim, USER } from '../support/scim.ts'
import { holds, type Kind, type Leaf, type Tree, written } from './filter-evaluator.ts'
import { NASTY, person } from './people.ts'

const RUNS = 250
const PEOPLE = 60

const list = (value: unknown): readonly Dict[] => (Array.isArray(value) ? value : []) // resources come as JSON
const there = (values: readonly unknown[]): unknown[] => values.filter((value) => value !== undefined)
const inside = (resource: Dict, schema?: string): Dict =>
  (schema === undefined ? resource : (resource[schema] ?? {})) as Dict // an extension is an object

const plain = (kind: Kind, name: string, schema?: string): Leaf => ({
  kind,
  name: schema === undefined ? name : `${schema}:${name}`,
  values: (resource) => there([inside(resource, schema)[name]]),
})
const part = (kind: Kind, name: string, part: string, schema?: string): Leaf => ({
  ...plain(kind, name, schema),
  part,
  values: (resource) => there([((inside(resource, schema)[name] ?? {}) as Dict)[part]]), // a complex attribute
})
const ofEach = (kind: Kind, name: string, part: string): Leaf => ({
  kind,
  name,
  part,
  values: (resource) => there(list(resource[name]).map((one) => one[part])),
})
const own = (kind: Kind, name: string): Leaf => ({ kind, name, values: (value) => there([value[name]]) })

interface Parts {
  readonly [part: string]: Kind
}
const PLURAL: Parts = { value: 'text', type: 'text', display: 'text', primary: 'boolean' }
const META = [part('date', 'meta', 'created'), part('date', 'meta', 'lastModified'), part('version', 'meta', 'version')]

const USERS = {
  leaves: [
    plain('exact', 'id'),
    plain('name', 'userName'),
    plain('exact', 'externalId'),
    ...['displayName', 'nickName', 'title', 'userType'].map((name) => plain('text', name)),
    { ...plain('text', 'displayName'), name: `${USER}:DISPLAYname` },
    plain('exact', 'profileUrl'),
    plain('boolean', 'active'),
    ...['familyName', 'givenName', 'formatted'].map((name) => part('text', 'name', name)),
    ...META,
    plain('text', 'employeeNumber', ENTERPRISE),
    plain('text', 'department', ENTERPRISE),
    part('exact', 'manager', 'value', ENTERPRISE),
    part('text', 'manager', 'displayName', ENTERPRISE),
  ],
  plurals: {
    emails: PLURAL,
    phoneNumbers: PLURAL,
    roles: PLURAL,
    x509Certificates: { value: 'binary', type: 'text' },
    addresses: { formatted: 'text', streetAddress: 'text', locality: 'text', type: 'text', primary: 'boolean' },
    groups: { value: 'exact', display: 'text', type: 'text' },
  },
} satisfies Shape
const GROUPS = {
  leaves: [plain('exact', 'id'), plain('text', 'displayName'), plain('exact', 'externalId'), ...META],
  plurals: { members: { value: 'exact', display: 'text', type: 'text' } },
} satisfies Shape

interface Shape {
  readonly leaves: readonly Leaf[]
  readonly plurals: Readonly<Record<string, Parts>>
}

const ORDER = ['gt', 'ge', 'lt', 'le']
const OPERATORS: Readonly<Record<Kind, readonly string[]>> = {
  text: ['eq', 'ne', 'co', 'sw', 'ew', ...ORDER],
  exact: ['eq', 'ne', 'co', 'sw', 'ew', ...ORDER],
  name: ['eq', 'ne', 'co', 'sw', 'ew', ...ORDER],
  boolean: ['eq', 'ne'],
  binary: ['eq', 'ne'],
  version: ['eq', 'ne'],
  date: ['eq', 'ne', ...ORDER],
}

/** Values that some resource has, whole or cut, in another case, and some that none has. */
function valueFor(leaf: Leaf, known: readonly unknown[]): fc.Arbitrary<string | boolean> {
  if (leaf.kind === 'boolean') return fc.boolean()
  const texts = fc.constantFrom(...known.map(String), ...(leaf.kind === 'date' ? [] : NASTY))
  if (leaf.kind === 'date') {
    const moved = fc.tuple(texts, fc.integer({ min: -2, max: 2 }), fc.constantFrom('Z', '0000Z', '+00:00', 'east'))
    return moved.map(([text, milliseconds, form]) => {
      const time = new Date(Date.parse(text) + milliseconds)
      if (form === 'east') return new Date(time.getTime() + 7_200_000).toISOString().replace('Z', '+02:00')
      return time.toISOString().replace('Z', form)
    })
  }
  const cut = fc.tuple(
    texts,
    fc.nat(6),
    fc.integer({ min: 1, max: 5 }),
    fc.constantFrom('as is', 'upper', 'lower', 'part'),
  )
  return cut.map(([text, from, length, how]) => {
    if (how === 'upper') return text.toUpperCase()
    if (how === 'lower') return text.toLowerCase()
    const points = [...text]
    return how === 'part'
      ? points
          .slice(Math.min(from, points.length - 1))
          .slice(0, length)
          .join('')
      : text
  })
}

function compared(leaf: Leaf, resources: readonly Dict[]): fc.Arbitrary<Tree> {
  const known = [...new Set(resources.flatMap((one) => leaf.values(one)))]
  const present = fc.constantFrom<Tree>(
    { leaf, operator: 'pr' },
    { leaf, operator: 'eq', value: null },
    { leaf, operator: 'ne', value: null },
  )
  const operator = fc.constantFrom(...OPERATORS[leaf.kind])
  const usual = fc.tuple(
    operator,
    known.length === 0 && leaf.kind === 'date' ? fc.constant('2020-01-01T00:00:00Z') : valueFor(leaf, known),
  )
  return fc.oneof(
    { weight: 1, arbitrary: present },
    { weight: 6, arbitrary: usual.map(([operator, value]): Tree => ({ leaf, operator, value })) },
  )
}

const joined = (leaf: fc.Arbitrary<Tree>, depth: number): fc.Arbitrary<Tree> =>
  depth === 0
    ? leaf
    : fc.oneof(
        { weight: 3, arbitrary: leaf },
        { weight: 1, arbitrary: joined(leaf, depth - 1).map((not): Tree => ({ not })) },
        {
          weight: 2,
          arbitrary: fc.array(joined(leaf, depth - 1), { minLength: 2, maxLength: 3 }).map((and): Tree => ({ and })),
        },
        {
          weight: 2,
          arbitrary: fc.array(joined(leaf, depth - 1), { minLength: 2, maxLength: 3 }).map((or): Tree => ({ or })),
        },
      )

function trees({ leaves, plurals }: Shape, resources: readonly Dict[]): fc.Arbitrary<Tree> {
  const whole = leaves.map((leaf) => compared(leaf, resources))
  const parts = Object.entries(plurals).flatMap(([name, kinds]) =>
    Object.entries(kinds).map(([key, kind]) => compared(ofEach(kind, name, key), resources)),
  )
  const bare = Object.keys(plurals).map((name) =>
    fc.constant<Tree>({ leaf: { kind: 'text', name, values: (one) => list(one[name]) }, operator: 'pr' }),
  )
  const brackets = Object.entries(plurals).map(([some, kinds]) => {
    const values = resources.flatMap((one) => list(one[some]))
    const within = Object.entries(kinds).map(([key, kind]) => compared(own(kind, key), values))
    return joined(fc.oneof(...within), 2).map((where): Tree => ({ some, values: (one) => list(one[some]), where }))
  })
  return joined(fc.oneof(...whole, ...parts, ...bare, ...brackets), 3)
}

async function agree(client: ScimClient, path: string, shape: Shape, resources: readonly Dict[]): Promise<void> {
  const all = fc.asyncProperty(trees(shape, resources), fc.boolean(), async (tree, byUrl) => {
    const filter = written(tree)
    if ((filter.match(/ (?:eq|ne|co|sw|ew|gt|ge|lt|le|pr)/g)?.length ?? 0) > 50 || Buffer.byteLength(filter) > 8_000)
      return
    const query = { filter, count: 1_000, attributes: ['id'] }
    const {
      status,
      json,
      resources: found,
      text,
    } = byUrl
      ? await client.get(`${path}?count=1000&attributes=id&filter=${encodeURIComponent(filter)}`)
      : await client.search(path, query)
    if (status !== 200) throw new Error(`${status} ${text}\n${filter}`)
    const wanted = resources
      .filter((one) => holds(tree, one))
      .map(({ id, userName, displayName }) => `${id} ${userName ?? displayName}`)
    const names = new Map(resources.map(({ id, userName, displayName }) => [id, `${id} ${userName ?? displayName}`]))
    const got = found.map(({ id }) => names.get(id))
    const [missing, extra] = [
      wanted.filter((one) => !got.includes(one)),
      got.filter((one) => !wanted.includes(String(one))),
    ]
    if (missing.length + extra.length > 0 || json.totalResults !== wanted.length) {
      throw new Error(
        `${filter}\nmissing: ${missing.join('; ')}\ntoo many: ${extra.join('; ')}\ntotal: ${json.totalResults}`,
      )
    }
  })
  await fc.assert(all, { numRuns: RUNS })
}

t.test('filters', async (t) => {
  const scim = await startScim(t)
  const client = await scim.connect('Filters')
  const other = await scim.connect('Elsewhere')
  const ids: string[] = []
  for (let at = 0; at < PEOPLE; at += 1) {
    const body = { schemas: [USER], ...person(at, ids.slice(0, 3)) }
    ids.push(await client.made('/Users', body))
    if (at < 10) await other.made('/Users', body)
  }
  for (const [at, name] of NASTY.entries()) {
    const members = ids.filter((_, index) => at % 4 !== 0 && (index + at) % 11 === 0).map((value) => ({ value }))
    const externalId = at % 3 === 0 ? { externalId: NASTY[(at + 9) % NASTY.length] } : {}
    await client.made('/Groups', {
      schemas: [GROUP],
      displayName: name.trim() === '' ? `g${at}` : name.slice(0, 140),
      members,
      ...externalId,
    })
  }
  const users = (await client.get('/Users?count=1000')).resources
  const groups = (await client.get('/Groups?count=1000')).resources

  await t.test('RFC 7644 §3.4.2.2: what a filter finds of users is what a plain evaluator finds', async (t) => {
    t.equal(users.length, PEOPLE)
    await agree(client, '/Users', USERS, users)
  })
  await t.test('RFC 7644 §3.4.2.2: of groups likewise', async (t) => {
    t.equal(groups.length, NASTY.length)
    await agree(client, '/Groups', GROUPS, groups)
  })
})
