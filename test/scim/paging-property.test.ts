import fc from 'fast-check'
import t from 'tap'
import { type Dict, ENTERPRISE, GROUP, type ScimClient, startScim, USER } from '../support/scim.ts'
import { inOrder, type Kind, key } from './filter-evaluator.ts'
import { NASTY, person } from './people.ts'

const RUNS = 60

type Key = readonly [Kind, (resource: Dict) => unknown]

/** RFC 7644 §3.4.2.3: of several values the primary one, else the first. */
const chief = (name: string, part: string) => (resource: Dict) => {
  const values = (resource[name] ?? []) as readonly Dict[] // an attribute of several values
  return (values.find(({ primary }) => primary === true) ?? values[0])?.[part]
}
const inside = (name: string, part: string) => (resource: Dict) => (resource[name] as Dict | undefined)?.[part] // complex

const USER_ORDERS: Readonly<Record<string, Key>> = {
  id: ['exact', ({ id }) => id],
  userName: ['name', ({ userName }) => userName],
  USERNAME: ['name', ({ userName }) => userName],
  externalId: ['exact', ({ externalId }) => externalId],
  title: ['text', ({ title }) => title],
  active: ['exact', ({ active }) => active],
  profileUrl: ['exact', ({ profileUrl }) => profileUrl],
  'name.familyName': ['text', inside('name', 'familyName')],
  'meta.lastModified': ['date', inside('meta', 'lastModified')],
  emails: ['text', chief('emails', 'value')],
  'emails.type': ['text', chief('emails', 'type')],
  phoneNumbers: ['text', chief('phoneNumbers', 'value')],
  'addresses.locality': ['text', chief('addresses', 'locality')],
  [`${ENTERPRISE}:department`]: ['text', inside(ENTERPRISE, 'department')],
  [`${ENTERPRISE}:manager.displayName`]: [
    'text',
    (one) => inside('manager', 'displayName')((one[ENTERPRISE] ?? {}) as Dict),
  ],
}
const GROUP_ORDERS: Readonly<Record<string, Key>> = {
  id: ['exact', ({ id }) => id],
  displayName: ['text', ({ displayName }) => displayName],
  externalId: ['exact', ({ externalId }) => externalId],
  'meta.created': ['date', inside('meta', 'created')],
  members: ['exact', chief('members', 'value')],
  'members.display': ['text', chief('members', 'display')],
}

interface Walk {
  readonly sortBy?: string
  readonly descending: boolean
  readonly count: number
}

/** What is not there is last in ascending order, and first in descending; the same are in the order of their ids. */
function sorted(
  resources: readonly Dict[],
  orders: Readonly<Record<string, Key>>,
  { sortBy, descending }: Walk,
): string[] {
  const [kind, read] = orders[sortBy ?? 'id'] ?? ['exact', () => undefined]
  const keyed = resources.map((one) => {
    const value = read(one)
    return { id: String(one.id), key: value === undefined ? undefined : key(kind, value) }
  })
  const sign = descending ? -1 : 1
  keyed.sort((one, other) => {
    if (one.key === other.key) return inOrder(one.id, other.id)
    if (one.key === undefined || other.key === undefined) return one.key === undefined ? sign : -sign
    return sign * inOrder(one.key, other.key)
  })
  return keyed.map(({ id }) => id)
}

/** Every page, one after the other: the ids in their order. */
async function walked(client: ScimClient, path: string, walk: Walk, how: 'index' | 'cursor', total: number) {
  const { sortBy, descending, count } = walk
  const sort = sortBy === undefined ? {} : { sortBy, sortOrder: descending ? 'descending' : 'ascending' }
  const ids: string[] = []
  let place: Record<string, unknown> = how === 'index' ? { startIndex: 1 } : { cursor: '' }
  for (;;) {
    const answer = await client.search(path, { ...sort, ...place, count, attributes: ['id'] })
    const { json, resources } = answer
    if (answer.status !== 200) throw new Error(answer.text)
    if (json.totalResults !== total) throw new Error(`totalResults ${json.totalResults}, not ${total}: ${answer.text}`)
    if (json.itemsPerPage !== resources.length) throw new Error(`itemsPerPage: ${answer.text}`)
    ids.push(...resources.map(({ id }) => String(id)))
    const isLast = ids.length >= total
    if (!isLast && resources.length !== count) throw new Error(`a page of ${resources.length} of ${count}`)
    if (how === 'index') {
      if (json.startIndex !== place.startIndex) throw new Error(`startIndex: ${answer.text}`)
      if (isLast) return ids
      place = { startIndex: ids.length + 1 }
    } else {
      if (json.nextCursor === undefined) return ids
      place = { cursor: json.nextCursor }
    }
  }
}

t.test('sorting and paging', async (t) => {
  const scim = await startScim(t)
  const client = await scim.connect('Pages')
  await (await scim.connect('Elsewhere')).user('not counted')
  const ids: string[] = []
  for (let at = 0; at < 45; at += 1) {
    ids.push(await client.made('/Users', { schemas: [USER], ...person(at, ids.slice(0, 3)) }))
  }
  for (const [at, name] of NASTY.slice(0, 23).entries()) {
    const members = ids.filter((_, index) => (index + at) % 17 < at % 3).map((value) => ({ value }))
    const externalId = at % 3 === 0 ? { externalId: NASTY[(at + 9) % NASTY.length] } : {}
    await client.made('/Groups', {
      schemas: [GROUP],
      displayName: at % 5 === 0 ? 'the same' : name,
      members,
      ...externalId,
    })
  }
  const users = (await client.get('/Users?count=1000')).resources
  const groups = (await client.get('/Groups?count=1000')).resources

  const agree = async (path: string, expected: (walk: Walk) => string[], names: readonly string[]) => {
    const walks = fc.record({
      sortBy: fc.option(fc.constantFrom(...names), { nil: undefined }),
      descending: fc.boolean(),
      count: fc.constantFrom(1, 2, 3, 7, 11, 44, 45, 46, 68, 100),
      how: fc.constantFrom('index' as const, 'cursor' as const),
    })
    const all = fc.asyncProperty(walks, async ({ how, sortBy, ...rest }) => {
      const walk = sortBy === undefined ? { ...rest, descending: false } : { ...rest, sortBy }
      const wanted = expected(walk)
      const got = await walked(client, path, walk, how, wanted.length)
      const at = wanted.findIndex((id, index) => got[index] !== id)
      if (at >= 0 || got.length !== wanted.length)
        throw new Error(`differs at ${at}: ${got.length} of ${wanted.length}`)
    })
    await fc.assert(all, { numRuns: RUNS })
  }

  await t.test(
    'RFC 7644 §3.4.2.3, §3.4.2.4, RFC 9865: each user once and in order, by index and by cursor',
    async () => {
      await agree('/Users', (walk) => sorted(users, USER_ORDERS, walk), Object.keys(USER_ORDERS))
    },
  )
  await t.test('each group likewise', async () => {
    await agree('/Groups', (walk) => sorted(groups, GROUP_ORDERS, walk), Object.keys(GROUP_ORDERS))
  })
  await t.test('RFC 7644 §3.4.2.1: at the root, users and then groups', async () => {
    const both = (walk: Walk) => [...sorted(users, USER_ORDERS, walk), ...sorted(groups, GROUP_ORDERS, walk)]
    await agree('', both, ['id', 'externalId'])
  })

  await t.test('RFC 7644 §3.4.2.3: a value that is not primary goes before none', async (t) => {
    const two = await scim.connect('Two')
    const second = await two.user('b', { emails: [{ value: 'z@x' }, { value: 'a@x', primary: false }] })
    const first = await two.user('a', { emails: [{ value: 'zz@x' }, { value: 'b@x', primary: true }] })
    const got = await walked(two, '/Users', { sortBy: 'emails', descending: false, count: 1 }, 'cursor', 2)
    t.strictSame(got, [first, second])
  })

  await t.test('huge texts: each user once, and no cursor too long to come back', async (t) => {
    const huge = await scim.connect('Huge')
    const made: string[] = []
    for (const end of ['c', 'a', '', 'b', '\u{1f600}'.repeat(9)]) {
      made.push(
        await huge.user(`huge ${end}`, { title: `${'\u0001\\"\u{1f600}'.repeat(3_000)}${end}`, nickName: `a${end}` }),
      )
    }
    const total = made.length
    const byTitle = await walked(huge, '/Users', { sortBy: 'title', descending: true, count: 1 }, 'cursor', total)
    t.strictSame([...byTitle].sort(), [...made].sort())
    const byName = await walked(huge, '/Users', { sortBy: 'nickName', descending: false, count: 2 }, 'cursor', total)
    t.strictSame(
      byName,
      [2, 1, 3, 0, 4].map((at) => made[at]),
    )
  })

  await t.test('pages that are odd', async (t) => {
    const of = async (query: string) => (await client.get(`/Users?${query}`)).json
    t.match(await of('count=0'), { totalResults: 45, itemsPerPage: 0, Resources: [] })
    t.match(await of('count=-3'), { totalResults: 45, itemsPerPage: 0, Resources: [] })
    t.match(await of('startIndex=0&count=1'), { startIndex: 1, itemsPerPage: 1 })
    t.match(await of('startIndex=-9&count=1'), { startIndex: 1, itemsPerPage: 1 })
    t.match(await of('startIndex=46'), { totalResults: 45, itemsPerPage: 0, startIndex: 46, Resources: [] })
    t.match(await of('startIndex=999999999999'), { totalResults: 45, itemsPerPage: 0 })
    t.match(await of('count=99999999'), { totalResults: 45, itemsPerPage: 45 })
    t.match(await of('count=0&cursor='), { totalResults: 45, itemsPerPage: 0 })
    for (const query of [
      'count=x',
      'startIndex=1.5',
      'sortOrder=up',
      'sortBy=nothing',

      'sortBy=emails%5B',
      'startIndex=1e3',
    ]) {
      const { status, json } = await client.get(`/Users?${query}`)
      t.match({ status, json }, { status: 400, json: { scimType: 'invalidValue' } }, query)
    }
    const next = String((await of('cursor=&count=2&sortBy=title')).nextCursor)
    for (const query of [
      'cursor=x',
      `cursor=${next}&sortBy=userName`,
      `cursor=${next}&sortBy=title&filter=active+eq+true`,
      `cursor=${next.slice(3)}&sortBy=title`,
      `cursor=${Buffer.from('["x",0,1,"1","k"]').toString('base64url')}`,
      `cursor=${'A'.repeat(10_000)}`,
    ]) {
      const { status, json } = await client.get(`/Users?${query}`)
      t.match({ status, json }, { status: 400, json: { scimType: 'invalidCursor' } }, query.slice(0, 60))
    }
    t.match((await client.get('/Users?cursor=&count=x')).json, { status: '400', scimType: 'invalidCount' })
  })
})
