import { type Check, resources, same, under, withQuery } from '../check.ts'

const SORTS = [
  { title: 'sortBy orders ascending where nothing else is said', query: { sortBy: 'userName' }, order: 'abcde' },
  { title: 'sortOrder=descending', query: { sortBy: 'userName', sortOrder: 'descending' }, order: 'edcba' },
  {
    title: 'by a sub-attribute, in any case of its letters',
    query: { sortBy: 'name.familyName', sortOrder: 'ascending' },
    order: 'abcde',
  },
  { title: 'by several values: the primary one', query: { sortBy: 'emails', sortOrder: 'descending' }, order: 'edcba' },
] as const

export const SORTING: readonly Check[] = [
  ...under(
    'RFC 7644 §3.4.2.3',
    ...SORTS.map(
      ({ title, query, order }): Omit<Check, 'section'> => ({
        title,
        needs: ['filter', 'sort'],
        async run(client, state) {
          await state.cast()
          const answer = await client.get(
            withQuery('/Users', { filter: state.ofCast('userName pr'), count: 50, ...query }),
          )
          same(answer, 'the order', state.letters(resources(answer)), order)
        },
      }),
    ),
    {
      title: 'who has no value comes last ascending, and first descending',
      needs: ['filter', 'sort', 'User.title'],
      async run(client, state) {
        await state.cast()
        const ends: string[] = []
        for (const sortOrder of ['ascending', 'descending']) {
          const query = { filter: state.ofCast('userName pr'), sortBy: 'title', sortOrder, count: 50 }
          const answer = await client.get(withQuery('/Users', query))
          const letters = state.letters(resources(answer))
          ends.push(letters.at(sortOrder === 'ascending' ? -1 : 0) ?? '')
          same(answer, `who is at that end (${sortOrder})`, ends.at(-1), 'd')
        }
      },
    },
    {
      title: 'sorted pages go on where the one before ended',
      needs: ['filter', 'sort', 'index'],
      async run(client, state) {
        await state.cast()
        const query = { filter: state.ofCast('userName pr'), sortBy: 'userName', startIndex: 3, count: 2 }
        const answer = await client.get(withQuery('/Users', query))
        same(answer, 'the page', state.letters(resources(answer)), 'cd')
      },
    },
  ),
]
