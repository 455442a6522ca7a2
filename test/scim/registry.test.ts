import t from 'tap'
import { type Dict, ENTERPRISE, GROUP, startScim, USER } from '../support/scim.ts'

const { connect } = await startScim(t)
const scim = await connect('Registry')
const other = await scim.user('other')
const { location: $ref } = (await scim.get(`/Users/${other}`)).json.meta as { location: string } // RFC 7643 §3.1
const TEAM = 'urn:ietf:params:scim:schemas:extension:kith:2.0:Group'

/** An attribute as /Schemas tells it. */
interface Told extends Dict {
  readonly name: string
  readonly type: string
  readonly multiValued: boolean
  readonly required: boolean
  readonly mutability: string
  readonly subAttributes?: readonly Told[]
}

const schemas = (await scim.get('/Schemas')).resources as readonly (Dict & { attributes: readonly Told[] })[] // RFC 7643 §7
const attributesOf = (id: string): readonly Told[] => schemas.find((one) => one.id === id)?.attributes ?? []
const KINDS = [
  { endpoint: '/Users', core: USER, extension: ENTERPRISE, make: () => scim.user('somebody') },
  { endpoint: '/Groups', core: GROUP, extension: TEAM, make: () => scim.group('Some') },
]

/** A value that the attribute may have, after its type alone. */
function sample({ name, type, multiValued, subAttributes = [] }: Told): unknown {
  if (type === 'boolean') return false
  if (type === 'binary') return 'AAEC'
  if (type !== 'complex') return `https://example.com/${name}`
  const parts = subAttributes.filter(({ mutability }) => mutability !== 'readOnly')
  const refers = parts.some((part) => part.name === '$ref')
  const value = Object.fromEntries(
    parts.map((part) => {
      if (part.name === '$ref') return ['$ref', $ref]
      if (part.name === 'type') return ['type', refers ? 'User' : 'work']
      return [part.name, part.name === 'value' && refers ? other : sample(part)]
    }),
  )
  return multiValued ? [value] : value
}

/** The attribute of a resource, wherever its schema puts it. */
const within = (resource: Dict, schema: string, name: string): unknown =>
  schema === USER || schema === GROUP ? resource[name] : (resource[schema] as Dict | undefined)?.[name]

/** Whether everything of the one is in the other: what the server adds may be there too. */
function holds(actual: unknown, expected: unknown): boolean {
  if (typeof expected !== 'object' || expected === null) return actual === expected
  if (typeof actual !== 'object' || actual === null) return false
  return Object.entries(expected).every(([key, item]) => holds((actual as Dict)[key], item))
}

for (const { endpoint, core, extension, make } of KINDS) {
  t.test(`RFC 7643 §7: what ${endpoint} says may be written is written, read back and taken away`, async (t) => {
    const id = await make()
    for (const schema of [core, extension]) {
      for (const told of attributesOf(schema)) {
        const path = `${schema}:${told.name}`
        const value = sample(told)
        const written = await scim.patch(`${endpoint}/${id}`, [{ op: 'replace', path, value }])
        const { json } = await scim.get(`${endpoint}/${id}`)
        if (told.mutability === 'readOnly') {
          t.equal(written.json.scimType, 'mutability', `${told.name} is refused`)
          continue
        }
        t.ok([200, 204].includes(written.status), `${told.name} is taken`, { got: written.text })
        t.ok(holds(within(json, schema, told.name), value), `${told.name} is read back`, { json, value })
        const removed = await scim.patch(`${endpoint}/${id}`, [{ op: 'remove', path }])
        if (told.required) {
          t.equal(removed.json.scimType, 'mutability', `${told.name} stays`)
          continue
        }
        const after = await scim.get(`${endpoint}/${id}`)
        t.equal(within(after.json, schema, told.name), undefined, `${told.name} is gone`)
      }
    }
  })

  t.test(`whatever ${endpoint} names is filtered, sorted or refused: never a fault of the server`, async (t) => {
    const names = [core, extension].flatMap((schema) => [
      ...['', ':id', ':externalId', ':meta', ':meta.version', ':meta.location', ':schemas'].map(
        (name) => schema + name,
      ),
      ...attributesOf(schema).flatMap(({ name, subAttributes = [] }) => [
        `${schema}:${name}`,
        ...subAttributes.map((part) => `${schema}:${name}.${part.name}`),
      ]),
    ])
    const asked = names.flatMap((name) => [
      `filter=${encodeURIComponent(`${name} pr`)}`,
      ...['eq "x"', 'ne null', 'co "x"', 'gt "2026-01-01T00:00:00Z"', 'le true'].map(
        (rest) => `filter=${encodeURIComponent(`not (${name} ${rest})`)}`,
      ),
      `sortBy=${name}`,
      `sortBy=${name}&sortOrder=descending&cursor=`,
      `attributes=${name}`,
      `excludedAttributes=${name}`,
    ])
    for (const query of asked) {
      const { status, text } = await scim.get(`${endpoint}?count=2&${query}`)
      if (status !== 200 && status !== 400) t.fail(`${status} to ${query}`, { text })
    }
    t.ok(asked.length > 100, 'many were asked')
  })
}

t.test('RFC 7643 §4.3: a manager is told by id, by address, or by both, of which the id counts', async (t) => {
  const manager = async (id: string) =>
    (await scim.get(`/Users/${id}`)).json[ENTERPRISE] as { manager?: Dict } | undefined
  const id = await scim.user('managed', { [ENTERPRISE]: { manager: { $ref } } })
  t.match(await manager(id), { manager: { value: other, $ref } }, 'by address')
  await scim.patch(`/Users/${id}`, [{ op: 'remove', path: `${ENTERPRISE}:manager` }])
  t.equal(await manager(id), undefined, 'gone')
  await scim.patch(`/Users/${id}`, [{ op: 'replace', path: `${ENTERPRISE}:manager.$ref`, value: `../Users/${other}` }])
  t.match(await manager(id), { manager: { value: other, $ref } }, 'by a relative address, in a path')
  await scim.patch(`/Users/${id}`, [
    { op: 'replace', path: `${ENTERPRISE}:manager`, value: { value: other, $ref: `${$ref}x` } },
  ])
  t.match(await manager(id), { manager: { value: other, $ref } }, 'by both')
  const { json } = await scim.get(`/Users?filter=${encodeURIComponent(`${ENTERPRISE}:manager.$ref eq "${$ref}"`)}`)
  t.equal(json.totalResults, 1, 'found by it')
})

t.test('whoever has a user name only is shown without a display name', async (t) => {
  const [bare, named] = [
    await scim.user('bare'),
    await scim.user('named', { name: { givenName: 'Ann', familyName: 'Lee' } }),
  ]
  const group = await scim.group('Display', [bare, named])
  const { members } = (await scim.get(`/Groups/${group}`)).json as { members: readonly Dict[] } // a group of two
  t.same(
    new Map(members.map(({ value, display }) => [value, display])),
    new Map([
      [bare, undefined],
      [named, 'Ann Lee'],
    ]),
  )
})
