import { at, listAt, textAt } from '../answer.ts'
import { type Check, holds, refusal, resources, same, status, under, withQuery } from '../check.ts'
import type { Client } from '../client.ts'
import type { State } from '../state.ts'

const SEARCH = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest'

/** A page of the cast. */
async function page(client: Client, state: State, parameters: Readonly<Record<string, string | number>>) {
  await state.cast()
  return await client.get(withQuery('/Users', { filter: state.ofCast('userName pr'), ...parameters }))
}

/** What a walk by cursor finds, page by page; ends after ten pages. */
async function walk(
  client: Client,
  state: State,
  parameters: Readonly<Record<string, string | number>>,
): Promise<string[]> {
  const pages: string[] = []
  let cursor = ''
  do {
    const answer = await page(client, state, { ...parameters, cursor })
    const found = resources(answer)
    holds(answer, found.length <= 2, 'at most 2 resources', found.length)
    pages.push(state.letters(found))
    cursor = textAt(answer.json, 'nextCursor')
    holds(answer, /^[A-Za-z0-9._~-]*$/.test(cursor), 'a cursor of unreserved characters', cursor)
    holds(answer, pages.length < 10, 'an end after five users', pages)
  } while (cursor !== '')
  return pages
}

const sorted = (pages: readonly string[]): string => [...pages.join('')].sort().join('')

export const PAGING: readonly Check[] = [
  ...under(
    'RFC 7644 §3.4.2.4',
    {
      title: 'pages by startIndex and count hold everybody once, in a stable order',
      needs: ['filter', 'index'],
      async run(client, state) {
        const pages: string[] = []
        for (const startIndex of [1, 3, 5]) {
          const answer = await page(client, state, { startIndex, count: 2 })
          pages.push(state.letters(resources(answer)))
          same(answer, 'startIndex', at(answer.json, 'startIndex'), startIndex)
          same(answer, 'totalResults', at(answer.json, 'totalResults'), 5)
        }
        const answer = await page(client, state, { startIndex: 1, count: 50 })
        same(answer, 'the pages together', pages.join(''), state.letters(resources(answer)))
        same(answer, 'everybody', sorted(pages), 'abcde')
      },
    },
    {
      title: 'count=0 only counts',
      needs: ['filter'],
      async run(client, state) {
        const answer = await page(client, state, { count: 0 })
        same(answer, 'Resources', resources(answer), [])
        same(answer, 'totalResults', at(answer.json, 'totalResults'), 5)
      },
    },
    {
      title: 'a negative count is 0',
      needs: ['filter'],
      async run(client, state) {
        const answer = await page(client, state, { count: -3 })
        same(answer, 'Resources', resources(answer), [])
        same(answer, 'totalResults', at(answer.json, 'totalResults'), 5)
      },
    },
    {
      title: 'a startIndex below 1 is 1',
      needs: ['filter', 'index'],
      async run(client, state) {
        for (const startIndex of [0, -5]) {
          const answer = await page(client, state, { startIndex, count: 50 })
          same(answer, 'resources', resources(answer).length, 5)
        }
      },
    },
    {
      title: 'after the last resource there is an empty page',
      needs: ['filter', 'index'],
      async run(client, state) {
        const answer = await page(client, state, { startIndex: 6, count: 2 })
        same(answer, 'Resources', resources(answer), [])
        same(answer, 'totalResults', at(answer.json, 'totalResults'), 5)
      },
    },
  ),
  ...under(
    'RFC 9865 §2',
    {
      title: 'a walk by cursor holds everybody once, and the last page has no nextCursor',
      needs: ['filter', 'cursor'],
      async run(client, state) {
        const pages = await walk(client, state, { count: 2 })
        same(await page(client, state, { count: 2, cursor: '' }), 'everybody', sorted(pages), 'abcde')
      },
    },
    {
      title: 'count=0 with a cursor only counts',
      needs: ['filter', 'cursor'],
      async run(client, state) {
        const answer = await page(client, state, { cursor: '', count: 0 })
        same(answer, 'Resources', resources(answer), [])
      },
    },
  ),
  ...under('RFC 9865 §2.1', {
    title: 'a cursor that the server never gave is refused: 400 invalidCursor',
    needs: ['filter', 'cursor'],
    reads: true,
    async run(client) {
      refusal(await client.get('/Users?cursor=kith-check&count=2'), [400], 'invalidCursor', 'expiredCursor')
    },
  }),
  ...under('RFC 9865 §2.2', {
    title: 'pages by cursor are sorted as asked',
    needs: ['filter', 'cursor', 'sort'],
    async run(client, state) {
      const pages = await walk(client, state, { count: 2, sortBy: 'userName', sortOrder: 'descending' })
      same(await page(client, state, { count: 2, cursor: '' }), 'the pages', pages, ['ed', 'cb', 'a'])
    },
  }),
  ...under('RFC 9865 §3', {
    title: 'a search by POST is paged by cursor as well',
    needs: ['filter', 'cursor'],
    async run(client, state) {
      await state.cast()
      const query = { schemas: [SEARCH], filter: state.ofCast('userName pr'), count: 3 }
      const first = await client.post('/Users/.search', { ...query, cursor: '' })
      const cursor = textAt(first.json, 'nextCursor')
      same(first, 'resources', resources(first).length, 3)
      holds(first, cursor !== '', 'nextCursor', first.json)
      const second = await client.post('/Users/.search', { ...query, cursor })
      const letters = state.letters([...resources(first), ...resources(second)])
      same(second, 'everybody', sorted([letters]), 'abcde')
    },
  }),
  ...under('RFC 9865 §2.4', {
    title: 'a list without parameters is paged by the default method',
    needs: ['cursor', 'index'],
    reads: true,
    async run(client, { configuration }) {
      const answer = await client.get('/Users?count=1')
      status(answer, 200)
      const isByIndex = at(configuration, 'pagination', 'defaultPaginationMethod') !== 'cursor'
      const cursor = at(answer.json, 'nextCursor')
      const isMore = Number(at(answer.json, 'totalResults')) > listAt(answer.json, 'Resources').length
      if (isByIndex) same(answer, 'nextCursor', cursor, undefined)
      else holds(answer, !isMore || typeof cursor === 'string', 'nextCursor', cursor)
    },
  }),
]
