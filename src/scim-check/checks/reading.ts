import { at, listAt, textAt } from '../answer.ts'
import { type Check, holds, refusal, resources, same, status, USER, under, withQuery } from '../check.ts'

const ABSENT = '00000000-0000-4000-8000-00000000c4ec'

export const READING: readonly Check[] = [
  ...under(
    'RFC 7644 §3.4.1',
    {
      title: 'GET answers a user as it was made',
      async run(client, state) {
        const { path, answer: made } = await state.user()
        const answer = await client.get(path)
        status(answer, 200)
        for (const name of ['id', 'userName', 'displayName', 'active', 'meta']) {
          same(answer, name, at(answer.json, name), at(made.json, name))
        }
      },
    },
    {
      title: 'an unknown id is 404, with the Error schema',
      reads: true,
      async run(client) {
        refusal(await client.get(`/Users/${ABSENT}`), [404])
        refusal(await client.get('/Users/no-such-id'), [404])
      },
    },
  ),
  ...under(
    'RFC 7644 §3.4.2',
    {
      title: 'a list is a ListResponse with totalResults',
      reads: true,
      async run(client) {
        const answer = await client.get('/Users?count=2')
        for (const one of resources(answer)) {
          holds(answer, listAt(one, 'schemas').includes(USER), 'users in the list', at(one, 'schemas'))
        }
        const total = at(answer.json, 'totalResults')
        holds(answer, total !== undefined || isByCursor(answer.json), 'totalResults', total)
      },
    },
    {
      title: 'nothing found is 200 and an empty list',
      needs: ['filter'],
      reads: true,
      async run(client, { prefix }) {
        const answer = await client.get(withQuery('/Users', { filter: `userName eq "${prefix}-nobody"` }))
        same(answer, 'Resources', resources(answer), [])
        same(answer, 'totalResults', at(answer.json, 'totalResults'), 0)
      },
    },
    {
      title: 'a new user is in the list at once',
      needs: ['filter'],
      async run(client, made) {
        const { id, name } = await made.user()
        const answer = await client.get(withQuery('/Users', { filter: `userName eq "${name}"` }))
        same(
          answer,
          'ids',
          resources(answer).map((one) => textAt(one, 'id')),
          [id],
        )
      },
    },
  ),
  ...under('RFC 7644 §3.12', {
    title: 'what is not served is 404, with the Error schema',
    reads: true,
    async run(client) {
      refusal(await client.get('/KithCheckNothing'), [404])
    },
  }),
  ...under(
    'RFC 7644 §3.8',
    {
      title: 'answers are application/scim+json, also where nothing is asked for',
      reads: true,
      async run(client) {
        for (const accept of ['application/scim+json', '*/*']) {
          const answer = await client.get('/Users?count=1', { headers: { accept } })
          status(answer, 200)
          const type = answer.headers.get('content-type') ?? ''
          holds(answer, type.toLowerCase().startsWith('application/scim+json'), 'application/scim+json', type)
        }
      },
    },
    {
      title: 'a client that accepts application/json is answered as well',
      reads: true,
      async run(client) {
        const answer = await client.get('/Users?count=1', { headers: { accept: 'application/json' } })
        resources(answer)
        const type = answer.headers.get('content-type') ?? ''
        holds(answer, /^application\/(scim\+)?json/i.test(type), 'application/json or application/scim+json', type)
      },
    },
    {
      title: 'a body of application/json is understood',
      async run(client, made) {
        const answer = await client.post('/Users', made.body(), { headers: { 'content-type': 'application/json' } })
        status(answer, 201)
      },
    },
    {
      title: 'a body of another type is refused, and makes nothing',
      async run(client, made) {
        const body = made.body()
        const answer = await client.post('/Users', body, { headers: { 'content-type': 'application/xml' } })
        status(answer, 415, 400)
      },
    },
    {
      title: 'text beyond ASCII comes back as it was sent: UTF-8',
      async run(client, made) {
        const displayName = 'Zoë Łukasz 山田 🦊'
        const { path } = await made.user({ displayName })
        const answer = await client.get(path)
        same(answer, 'displayName', at(answer.json, 'displayName'), displayName)
      },
    },
  ),
]

/** RFC 9865 §2: who pages by cursor need not count. */
const isByCursor = (list: unknown): boolean => at(list, 'nextCursor') !== undefined
