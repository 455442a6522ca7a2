import { type Answer, at, listAt, NotSupported, textAt } from '../answer.ts'
import { type Check, holds, refusal, resources, same, status, USER, under } from '../check.ts'
import type { Client } from '../client.ts'

const SEARCH = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest'

/** Discovery does not tell whether searches by POST are served: whoever does not serve them has no such endpoint. */
async function searched(client: Client, path: string, query: object): Promise<Answer> {
  const answer = await client.post(path, { schemas: [SEARCH], ...query })
  if ([404, 405, 501].includes(answer.status)) throw new NotSupported()
  return answer
}

export const SEARCHING: readonly Check[] = [
  ...under(
    'RFC 7644 §3.4.3',
    {
      title: 'POST /Users/.search finds what a GET finds',
      needs: ['filter'],
      async run(client, state) {
        await state.cast()
        const query = { filter: state.ofCast('active eq true'), attributes: ['userName'], startIndex: 1, count: 10 }
        const answer = await searched(client, '/Users/.search', query)
        const found = resources(answer)
        same(answer, 'who is found', [...state.letters(found)].sort().join(''), 'abde')
        for (const one of found) holds(answer, at(one, 'emails') === undefined, 'no emails', one)
      },
    },
    {
      title: 'a search by POST is sorted and paged',
      needs: ['filter', 'sort', 'index'],
      async run(client, state) {
        await state.cast()
        const query = {
          filter: state.ofCast('userName pr'),
          sortBy: 'userName',
          sortOrder: 'descending',
          startIndex: 2,
          count: 2,
        }
        const answer = await searched(client, '/Users/.search', query)
        same(answer, 'the page', state.letters(resources(answer)), 'dc')
        same(answer, 'totalResults', at(answer.json, 'totalResults'), 5)
      },
    },
    {
      title: 'POST /.search looks through resources of every type',
      needs: ['filter', 'groups'],
      async run(client, state) {
        const user = await state.user()
        const group = await state.group([user])
        const filter = `id eq "${user.id}" or id eq "${group.id}"`
        const answer = await searched(client, '/.search', { filter })
        const types = resources(answer)
          .map((one) => textAt(one, 'meta', 'resourceType'))
          .sort()
        same(answer, 'the types found', types, ['Group', 'User'])
      },
    },
    {
      title: 'a search with a filter that cannot be read is refused: 400 invalidFilter',
      needs: ['filter'],
      reads: true,
      async run(client) {
        refusal(await searched(client, '/Users/.search', { filter: 'userName eq' }), [400], 'invalidFilter')
      },
    },
  ),
  ...under('RFC 7644 §3.11', {
    title: '/Me is the user that the token is of',
    reads: true,
    async run(client) {
      const answer = await client.get('/Me')
      if ([403, 404, 501].includes(answer.status)) throw new NotSupported()
      status(answer, 200, 308)
      if (answer.status === 200) holds(answer, listAt(answer.json, 'schemas').includes(USER), 'a User', answer.json)
      else
        holds(
          answer,
          /\/Users\//.test(answer.headers.get('location') ?? ''),
          'a Location of a user',
          answer.headers.get('location'),
        )
    },
  }),
]
