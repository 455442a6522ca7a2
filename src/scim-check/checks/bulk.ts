import { type Answer, at, listAt, NotSupported, textAt } from '../answer.ts'
import { type Check, GROUP, holds, refusal, same, status, under, withQuery } from '../check.ts'
import type { Client } from '../client.ts'

const MESSAGES = 'urn:ietf:params:scim:api:messages:2.0'
/** More small operations than this are not sent to find a limit. */
const MOST = 5_000

const sent = (client: Client, operations: readonly object[], more: object = {}): Promise<Answer> =>
  client.post('/Bulk', { schemas: [`${MESSAGES}:BulkRequest`], ...more, Operations: operations })

/** The answer's operations, each with its status as a number. */
function done(answer: Answer): { status: number; operation: unknown }[] {
  status(answer, 200)
  const schemas = listAt(answer.json, 'schemas')
  holds(answer, schemas.includes(`${MESSAGES}:BulkResponse`), `a body of ${MESSAGES}:BulkResponse`, schemas)
  return listAt(answer.json, 'Operations').map((operation) => ({
    status: Number(at(operation, 'status', 'code') ?? at(operation, 'status')),
    operation,
  }))
}

const statuses = (answer: Answer): number[] => done(answer).map((one) => one.status)

const lastOf = (location: string): string => location.slice(location.lastIndexOf('/') + 1)

export const BULK: readonly Check[] = [
  ...under(
    'RFC 7644 §3.7',
    {
      title: 'makes several users at once; each has its bulkId, location and status',
      needs: ['bulk'],
      async run(client, state) {
        const operations = ['one', 'two'].map((bulkId) => ({
          method: 'POST',
          path: '/Users',
          bulkId,
          data: state.body(),
        }))
        const answer = await sent(client, operations)
        same(answer, 'statuses', statuses(answer), [201, 201])
        const list = done(answer).map(({ operation }) => operation)
        same(
          answer,
          'bulkIds',
          list.map((one) => textAt(one, 'bulkId')),
          ['one', 'two'],
        )
        for (const one of list) {
          holds(answer, typeof at(one, 'status') === 'string', 'a "status" that is a string', at(one, 'status'))
          status(await client.get(`/Users/${lastOf(textAt(one, 'location'))}`), 200)
        }
      },
    },
    {
      title: 'changes, replaces and deletes in one request',
      needs: ['bulk', 'patch'],
      async run(client, state) {
        const [one, two, three] = [await state.user(), await state.user(), await state.user()]
        const patch = {
          schemas: [`${MESSAGES}:PatchOp`],
          Operations: [{ op: 'replace', path: 'displayName', value: 'Bulk' }],
        }
        const answer = await sent(client, [
          { method: 'PATCH', path: one.path, data: patch },
          { method: 'PUT', path: two.path, data: state.body({ userName: two.name, displayName: 'Bulk' }) },
          { method: 'DELETE', path: three.path },
        ])
        const found = statuses(answer)
        holds(
          answer,
          [200, 204].includes(found[0] ?? 0) && found[1] === 200 && found[2] === 204,
          'statuses 200, 200, 204',
          found,
        )
        for (const { path } of [one, two])
          same(answer, 'displayName', at((await client.get(path)).json, 'displayName'), 'Bulk')
        status(await client.get(three.path), 404)
      },
    },
    {
      title: 'tells of an operation that fails why, and does the others',
      needs: ['bulk'],
      async run(client, state) {
        const { name } = await state.user()
        const answer = await sent(client, [
          { method: 'POST', path: '/Users', bulkId: 'taken', data: state.body({ userName: name }) },
          { method: 'POST', path: '/Users', bulkId: 'new', data: state.body() },
        ])
        same(answer, 'statuses', statuses(answer), [409, 201])
        const response = at(done(answer)[0]?.operation, 'response')
        same(answer, 'the scimType of its response', textAt(response, 'scimType'), 'uniqueness')
      },
    },
    {
      title: 'stops after failOnErrors operations that fail',
      needs: ['bulk'],
      async run(client, state) {
        const { name } = await state.user()
        const late = state.body()
        const operations = [
          { method: 'POST', path: '/Users', bulkId: 'taken', data: state.body({ userName: name }) },
          { method: 'POST', path: '/Users', bulkId: 'late', data: late },
        ]
        const answer = await sent(client, operations, { failOnErrors: 1 })
        const made = done(answer).filter((one) => one.status === 201)
        same(answer, 'operations done after the failure', made.length, 0)
      },
    },
    {
      title: 'an operation may ask for a version of its resource',
      needs: ['bulk', 'etag'],
      async run(client, state) {
        const { path } = await state.user()
        const answer = await sent(client, [{ method: 'DELETE', path, version: 'W/"kith-check"' }])
        same(answer, 'statuses', statuses(answer), [412])
        status(await client.get(path), 200)
      },
    },
  ),
  ...under(
    'RFC 7644 §3.7.2',
    {
      title: 'bulkId:… stands for the id of what is made in the same request',
      needs: ['bulk', 'groups'],
      async run(client, state) {
        const displayName = state.name('group')
        const answer = await sent(client, [
          { method: 'POST', path: '/Users', bulkId: 'member', data: state.body() },
          {
            method: 'POST',
            path: '/Groups',
            bulkId: 'group',
            data: { schemas: [GROUP], displayName, members: [{ value: 'bulkId:member' }] },
          },
        ])
        await holdsMember(client, answer, 0, 1)
      },
    },
    {
      title: 'it may stand before the operation that makes it',
      needs: ['bulk', 'groups'],
      async run(client, state) {
        const displayName = state.name('group')
        const answer = await sent(client, [
          {
            method: 'POST',
            path: '/Groups',
            bulkId: 'group',
            data: { schemas: [GROUP], displayName, members: [{ value: 'bulkId:member' }] },
          },
          { method: 'POST', path: '/Users', bulkId: 'member', data: state.body() },
        ])
        await holdsMember(client, answer, 1, 0)
      },
    },
    {
      title: 'a bulkId that nothing has fails that operation',
      needs: ['bulk', 'groups'],
      async run(client, state) {
        const data = { schemas: [GROUP], displayName: state.name('group'), members: [{ value: 'bulkId:nobody' }] }
        const answer = await sent(client, [{ method: 'POST', path: '/Groups', bulkId: 'group', data }])
        if (answer.status === 400) return refusal(answer, [400])
        const [found = 0] = statuses(answer)
        holds(answer, found === 400 || found === 409, 'status 409 or 400', found)
      },
    },
  ),
  ...under('RFC 7644 §3.7.4', {
    title: 'more operations than maxOperations are refused, and none is done: 413',
    needs: ['bulk', 'filter'],
    async run(client, state) {
      const most = Number(at(state.configuration, 'bulk', 'maxOperations'))
      if (!(most > 0 && most <= MOST)) throw new NotSupported()
      const body = state.body()
      const rest = Array.from({ length: most }, () => ({
        method: 'DELETE',
        path: '/Users/00000000-0000-4000-8000-00000000c4ec',
      }))
      const answer = await sent(client, [{ method: 'POST', path: '/Users', bulkId: 'first', data: body }, ...rest])
      refusal(answer, [413])
      const list = await client.get(withQuery('/Users', { filter: `userName eq "${body.userName}"` }))
      same(answer, 'users made', at(list.json, 'totalResults'), 0)
    },
  }),
]

/** Both were made, and the user is the member of the group. */
async function holdsMember(client: Client, answer: Answer, user: number, group: number): Promise<void> {
  same(answer, 'statuses', statuses(answer), [201, 201])
  const ids = done(answer).map(({ operation }) => lastOf(textAt(operation, 'location')))
  const { json } = await client.get(`/Groups/${ids[group]}`)
  same(
    answer,
    'members',
    listAt(json, 'members').map((one) => textAt(one, 'value')),
    [ids[user]],
  )
}
