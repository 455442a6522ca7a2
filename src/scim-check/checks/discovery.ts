import { at, listAt, textAt } from '../answer.ts'
import { type Check, holds, refusal, resources, same, status, USER, under } from '../check.ts'

const CORE = 'urn:ietf:params:scim:schemas:core:2.0'
const TYPES = ['string', 'boolean', 'decimal', 'integer', 'dateTime', 'binary', 'reference', 'complex']
const MUTABILITY = ['readOnly', 'readWrite', 'immutable', 'writeOnly']
const RETURNED = ['always', 'never', 'default', 'request']

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0

/** What is wrong with an attribute as a schema tells it; undefined where nothing is. */
function faultOf(attribute: unknown): string | undefined {
  const name = textAt(attribute, 'name')
  if (!/^[A-Za-z$][\w$-]*$/.test(name)) return `an attribute named "${name}"`
  const type = textAt(attribute, 'type')
  if (!TYPES.includes(type)) return `type "${type}" of ${name}`
  if (typeof at(attribute, 'multiValued') !== 'boolean') return `no multiValued of ${name}`
  const mutability = at(attribute, 'mutability') ?? 'readWrite'
  if (!MUTABILITY.includes(String(mutability))) return `mutability "${mutability}" of ${name}`
  const returned = at(attribute, 'returned') ?? 'default'
  if (!RETURNED.includes(String(returned))) return `returned "${returned}" of ${name}`
  if (type === 'complex' && listAt(attribute, 'subAttributes').length === 0) return `no subAttributes of ${name}`
  return listAt(attribute, 'subAttributes').map(faultOf).find(Boolean)
}

export const DISCOVERY: readonly Check[] = [
  ...under(
    'RFC 7644 §4',
    {
      title: '/ServiceProviderConfig, /ResourceTypes and /Schemas answer',
      reads: true,
      async run(client) {
        for (const path of ['/ServiceProviderConfig', '/ResourceTypes', '/Schemas']) status(await client.get(path), 200)
      },
    },
    {
      title: '/ResourceTypes lists User, and tells of it alone',
      reads: true,
      async run(client) {
        const list = await client.get('/ResourceTypes')
        const names = resources(list).map((one) => textAt(one, 'name'))
        holds(list, names.includes('User'), '"User" among the names', names)
        const one = await client.get('/ResourceTypes/User')
        status(one, 200)
        same(one, 'endpoint', at(one.json, 'endpoint'), '/Users')
      },
    },
    {
      title: '/Schemas lists the User schema, and tells of it alone',
      reads: true,
      async run(client) {
        const list = await client.get('/Schemas')
        const ids = resources(list).map((one) => textAt(one, 'id'))
        holds(list, ids.includes(USER), `${USER} among the ids`, ids)
        const one = await client.get(`/Schemas/${USER}`)
        status(one, 200)
        same(one, 'id', at(one.json, 'id'), USER)
      },
    },
    {
      title: 'a filter on what is discovered is refused: 403',
      reads: true,
      async run(client) {
        refusal(await client.get(`/Schemas?filter=${encodeURIComponent('name eq "User"')}`), [403])
      },
    },
    {
      title: 'an unknown schema or resource type is 404',
      reads: true,
      async run(client) {
        refusal(await client.get('/Schemas/urn:example:kith:check'), [404])
        refusal(await client.get('/ResourceTypes/KithCheck'), [404])
      },
    },
  ),
  ...under(
    'RFC 7643 §5',
    {
      title: 'the configuration says of each feature whether it is supported',
      reads: true,
      async run(client) {
        const answer = await client.get('/ServiceProviderConfig')
        const schemas = listAt(answer.json, 'schemas')
        holds(answer, schemas.includes(`${CORE}:ServiceProviderConfig`), 'its own schema', schemas)
        for (const feature of ['patch', 'bulk', 'filter', 'changePassword', 'sort', 'etag']) {
          const supported = at(answer.json, feature, 'supported')
          holds(answer, typeof supported === 'boolean', `a boolean in ${feature}.supported`, supported)
        }
      },
    },
    {
      title: 'the limits of bulk and filter are whole numbers',
      reads: true,
      async run(client) {
        const answer = await client.get('/ServiceProviderConfig')
        const limits = [
          ['bulk', 'maxOperations'],
          ['bulk', 'maxPayloadSize'],
          ['filter', 'maxResults'],
        ] as const
        for (const [feature, limit] of limits) {
          const value = at(answer.json, feature, limit)
          holds(answer, isWhole(value), `a whole number in ${feature}.${limit}`, value)
        }
      },
    },
    {
      title: 'authentication schemes are listed, each with its type and name',
      reads: true,
      async run(client) {
        const answer = await client.get('/ServiceProviderConfig')
        const schemes = at(answer.json, 'authenticationSchemes')
        const whole = listAt(answer.json, 'authenticationSchemes').every(
          (one) => textAt(one, 'type') && textAt(one, 'name'),
        )
        holds(answer, Array.isArray(schemes) && whole, 'a list of schemes with type and name', schemes)
      },
    },
  ),
  ...under('RFC 7643 §6', {
    title: 'a resource type has its name, endpoint and schema, and /Schemas tells of that schema',
    reads: true,
    async run(client, { schemas }) {
      const list = await client.get('/ResourceTypes')
      const known = schemas.map((one) => textAt(one, 'id'))
      for (const type of resources(list)) {
        const whole = textAt(type, 'name') && textAt(type, 'endpoint').startsWith('/') && textAt(type, 'schema')
        holds(list, Boolean(whole), 'name, endpoint and schema', type)
        const named = [textAt(type, 'schema'), ...listAt(type, 'schemaExtensions').map((one) => textAt(one, 'schema'))]
        for (const one of named) holds(list, known.includes(one), `${one} in /Schemas`, known)
      }
    },
  }),
  ...under('RFC 7643 §7', {
    title: 'each attribute of a schema has its name, type and traits',
    reads: true,
    async run(client) {
      const list = await client.get('/Schemas')
      for (const schema of resources(list)) {
        const fault = listAt(schema, 'attributes').map(faultOf).find(Boolean)
        holds(list, fault === undefined, `attributes in order in ${textAt(schema, 'id')}`, fault)
      }
    },
  }),
  ...under('RFC 7643 §4.1.1', {
    title: 'userName is required, compared in any case, and unique on the server',
    reads: true,
    async run(client) {
      const answer = await client.get(`/Schemas/${USER}`)
      const userName = listAt(answer.json, 'attributes').find((one) => textAt(one, 'name') === 'userName')
      const { required, caseExact = false, uniqueness } = (userName ?? {}) as Record<string, unknown> // or undefined
      const right = required === true && caseExact === false && ['server', 'global'].includes(String(uniqueness))
      holds(answer, right, 'required true, caseExact false, uniqueness server', { required, caseExact, uniqueness })
    },
  }),
  ...under('RFC 9865 §4', {
    title: 'the ways of paging are told as the standard has them',
    needs: ['cursor'],
    reads: true,
    async run(client) {
      const answer = await client.get('/ServiceProviderConfig')
      const pagination = at(answer.json, 'pagination')
      const { cursor, index, defaultPaginationMethod, ...numbers } = pagination as Record<string, unknown> // it has "cursor"
      holds(
        answer,
        typeof cursor === 'boolean' && typeof index === 'boolean',
        'booleans "cursor" and "index"',
        pagination,
      )
      const method = defaultPaginationMethod ?? 'index'
      holds(answer, method === 'index' || method === 'cursor', 'defaultPaginationMethod index or cursor', method)
      for (const name of ['defaultPageSize', 'maxPageSize', 'cursorTimeout']) {
        holds(answer, numbers[name] === undefined || isWhole(numbers[name]), `a whole number in ${name}`, numbers[name])
      }
    },
  }),
]
