import { at, listAt, textAt } from '../answer.ts'
import { type Check, ENTERPRISE, holds, refusal, same, status, USER, under } from '../check.ts'

const isTime = (value: unknown): boolean =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value))

export const CREATING: readonly Check[] = [
  ...under(
    'RFC 7644 §3.3',
    {
      title: 'POST makes a user: 201, with Location and the whole user',
      async run(client, state) {
        const { answer, id, name } = await state.user()
        const location = answer.headers.get('location') ?? ''
        holds(answer, location.endsWith(`/Users/${id}`), `a Location that ends in /Users/${id}`, location)
        same(answer, 'meta.location', textAt(answer.json, 'meta', 'location'), location)
        same(answer, 'userName', textAt(answer.json, 'userName'), name)
        const got = await client.get(`/Users/${encodeURIComponent(id)}`)
        status(got, 200)
        same(got, 'userName', textAt(got.json, 'userName'), name)
      },
    },
    {
      title: 'what is read-only is ignored in a POST: id, meta and groups are the server’s',
      async run(_, state) {
        const meta = {
          resourceType: 'Group',
          created: '2001-01-01T00:00:00Z',
          location: 'https://example.com/Users/mine',
        }
        const { answer } = await state.user({ id: `${state.prefix}-own`, meta, groups: [{ value: 'mine' }] })
        holds(
          answer,
          textAt(answer.json, 'id') !== `${state.prefix}-own`,
          'an id that the server made',
          at(answer.json, 'id'),
        )
        same(answer, 'meta.resourceType', textAt(answer.json, 'meta', 'resourceType'), 'User')
        holds(
          answer,
          textAt(answer.json, 'meta', 'created') !== meta.created,
          'the time of the POST',
          at(answer.json, 'meta', 'created'),
        )
        same(answer, 'groups', listAt(answer.json, 'groups'), [])
      },
    },
    {
      title: 'a userName that is taken is refused: 409 uniqueness',
      async run(client, state) {
        const { name } = await state.user()
        const again = await client.post('/Users', state.body({ userName: name }))
        refusal(again, [409])
        same(again, 'scimType', textAt(again.json, 'scimType'), 'uniqueness')
      },
    },
  ),
  ...under('RFC 7643 §4.1.1', {
    title: 'a userName that is taken in another case is refused as well',
    async run(client, state) {
      const { name } = await state.user()
      refusal(await client.post('/Users', state.body({ userName: name.toUpperCase() })), [409])
    },
  }),
  ...under(
    'RFC 7643 §3.1',
    {
      title: 'a resource has an id, and meta with its type, times and location',
      async run(_, state) {
        const { answer } = await state.user()
        const meta = at(answer.json, 'meta')
        same(answer, 'meta.resourceType', textAt(meta, 'resourceType'), 'User')
        for (const time of ['created', 'lastModified'])
          holds(answer, isTime(at(meta, time)), `a date and time in meta.${time}`, at(meta, time))
        holds(answer, textAt(answer.json, 'id') !== 'bulkId', 'an id that is not "bulkId"', at(answer.json, 'id'))
      },
    },
    {
      title: 'externalId is kept as the client wrote it, and is no id',
      async run(client, state) {
        const externalId = state.name('External')
        const { answer } = await state.user({ externalId })
        same(answer, 'externalId', textAt(answer.json, 'externalId'), externalId)
        refusal(await client.get(`/Users/${externalId}`), [404])
      },
    },
  ),
  ...under('RFC 7643 §3', {
    title: '"schemas" names the schemas that the resource is of',
    async run(_, state) {
      const { answer } = await state.user()
      const schemas = listAt(answer.json, 'schemas')
      holds(answer, schemas.includes(USER), `${USER} in schemas`, schemas)
    },
  }),
  ...under(
    'RFC 7643 §2.4',
    {
      title: 'several values of one attribute are kept, each with its type',
      needs: ['User.phoneNumbers'],
      async run(_, state) {
        const phoneNumbers = [
          { value: '+43 1 5550001', type: 'work' },
          { value: '+43 1 5550002', type: 'mobile' },
        ]
        const { answer } = await state.user({ phoneNumbers })
        const got = listAt(answer.json, 'phoneNumbers').map(
          (one) => `${textAt(one, 'type')} ${textAt(one, 'value').replace(/^tel:/, '')}`,
        )
        for (const { type } of phoneNumbers)
          holds(
            answer,
            got.some((one) => one.startsWith(type)),
            `a number of type ${type}`,
            got,
          )
      },
    },
    {
      title: 'of the values of one attribute at most one is primary',
      async run(client, state) {
        const emails = ['one', 'two'].map((word) => ({
          value: `${state.name(word)}@example.com`,
          type: word === 'one' ? 'work' : 'home',
          primary: true,
        }))
        const answer = await client.post('/Users', state.body({ emails }))
        status(answer, 201, 400)
        const primary = listAt(answer.json, 'emails').filter((one) => at(one, 'primary') === true)
        holds(answer, primary.length <= 1, 'a refusal, or one primary value', primary)
      },
    },
  ),
  ...under('RFC 7643 §2.5', {
    title: 'null and an empty list are no value',
    needs: ['User.title', 'User.phoneNumbers'],
    async run(client, state) {
      const { path } = await state.user({ title: null, phoneNumbers: [] })
      const answer = await client.get(path)
      same(answer, 'title', at(answer.json, 'title') ?? null, null)
      same(answer, 'phoneNumbers', listAt(answer.json, 'phoneNumbers'), [])
    },
  }),
  ...under('RFC 7643 §2.1', {
    title: 'names of attributes are known in any case in a body',
    async run(_, state) {
      const { answer } = await state.user({ displayName: undefined, DISPLAYNAME: 'Loud Check' })
      same(answer, 'displayName', at(answer.json, 'displayName'), 'Loud Check')
    },
  }),
  ...under('RFC 7643 §3.3', {
    title: 'the attributes of an extension are kept under its URN',
    needs: ['enterprise'],
    async run(_, state) {
      const { answer } = await state.user({ schemas: [USER, ENTERPRISE], [ENTERPRISE]: { department: 'Checks' } })
      same(answer, `department of ${ENTERPRISE}`, at(answer.json, ENTERPRISE, 'department'), 'Checks')
      holds(
        answer,
        listAt(answer.json, 'schemas').includes(ENTERPRISE),
        `${ENTERPRISE} in schemas`,
        at(answer.json, 'schemas'),
      )
    },
  }),
  ...under(
    'RFC 7644 §3.12',
    {
      title: 'a user without its required userName is refused: 400 invalidValue',
      async run(client, state) {
        refusal(
          await client.post('/Users', { ...state.body(), userName: undefined }),
          [400],
          'invalidValue',
          'invalidSyntax',
        )
      },
    },
    {
      title: 'a body that is no JSON object is refused: 400 invalidSyntax',
      async run(client) {
        refusal(await client.ask('POST', '/Users', { raw: '{"userName": ' }), [400], 'invalidSyntax')
        refusal(await client.ask('POST', '/Users', { raw: '[]' }), [400], 'invalidSyntax', 'invalidValue')
      },
    },
    {
      title: 'a value of the wrong type is refused: 400 invalidValue',
      async run(client, state) {
        refusal(await client.post('/Users', state.body({ active: 'perhaps' })), [400], 'invalidValue', 'invalidSyntax')
        refusal(await client.post('/Users', state.body({ name: 'Ann' })), [400], 'invalidValue', 'invalidSyntax')
      },
    },
  ),
]
