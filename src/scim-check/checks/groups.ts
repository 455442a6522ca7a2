import { at, listAt, NotSupported, textAt } from '../answer.ts'
import { type Check, GROUP, holds, refusal, resources, same, status, withQuery } from '../check.ts'
import { patched } from '../patch.ts'

const idsOf = (json: unknown): string[] =>
  listAt(json, 'members')
    .map((one) => textAt(one, 'value'))
    .sort()
const idsOfMade = (...made: readonly { id: string }[]): string[] => made.map(({ id }) => id).sort()

const ALL: readonly Check[] = [
  {
    section: 'RFC 7643 §4.2',
    title: 'a group is made with its members; a $ref leads to the member',
    async run(client, state) {
      const user = await state.user()
      const { path } = await state.group([user])
      const answer = await client.get(path)
      same(answer, 'members', idsOf(answer.json), [user.id])
      const reference = at(answer.json, 'members', 0, '$ref')
      const leads = reference === undefined || (typeof reference === 'string' && reference.endsWith(user.path.slice(1)))
      holds(answer, leads, `a $ref that ends in ${user.path}`, reference)
    },
  },
  {
    section: 'RFC 7643 §4.2',
    title: 'a group needs a displayName: 400 invalidValue',
    async run(client) {
      refusal(await client.post('/Groups', { schemas: [GROUP] }), [400], 'invalidValue', 'invalidSyntax')
    },
  },
  {
    section: 'RFC 7643 §4.1.2',
    title: 'a user tells the groups that it is in',
    async run(client, state) {
      const user = await state.user()
      const group = await state.group([user])
      const answer = await client.get(user.path)
      const [told] = listAt(answer.json, 'groups')
      same(answer, 'groups', textAt(told, 'value'), group.id)
      same(answer, 'display', textAt(told, 'display'), group.name)
    },
  },
  {
    section: 'RFC 7643 §4.1.2',
    title: 'the groups of a user are read-only: a PUT of the user leaves them',
    async run(client, state) {
      const user = await state.user()
      const group = await state.group([user])
      status(await client.put(user.path, state.body({ userName: user.name, groups: [] })), 200)
      const answer = await client.get(group.path)
      same(answer, 'members', idsOf(answer.json), [user.id])
    },
  },
  {
    section: 'RFC 7643 §2.3.7',
    title: 'who is deleted is in no group',
    async run(client, state) {
      const [stays, goes] = [await state.user(), await state.user()]
      const group = await state.group([stays, goes])
      status(await client.delete(goes.path), 204)
      const answer = await client.get(group.path)
      const ids = idsOf(answer.json)
      if (ids.includes(goes.id)) throw new NotSupported() // a server may keep what refers to nothing
      same(answer, 'members', ids, [stays.id])
    },
  },
  {
    section: 'RFC 7644 §3.5.1',
    title: 'a PUT of a group replaces its members',
    async run(client, state) {
      const [one, other] = [await state.user(), await state.user()]
      const group = await state.group([one])
      const body = { schemas: [GROUP], displayName: group.name, members: [{ value: other.id }] }
      status(await client.put(group.path, body), 200)
      const answer = await client.get(group.path)
      same(answer, 'members', idsOf(answer.json), [other.id])
    },
  },
]

const PATCHES: readonly Check[] = [
  {
    section: 'RFC 7644 §3.5.2.1',
    title: 'add of members keeps those that are there',
    async run(client, state) {
      const [one, other] = [await state.user(), await state.user()]
      const group = await state.group([one])
      const answer = await patched(client, group, [{ op: 'add', path: 'members', value: [{ value: other.id }] }])
      same(answer, 'members', idsOf(answer.json), idsOfMade(one, other))
    },
  },
  {
    section: 'RFC 7644 §3.5.2.1',
    title: 'add of who is a member already changes nothing',
    async run(client, state) {
      const one = await state.user()
      const group = await state.group([one])
      const answer = await patched(client, group, [{ op: 'add', path: 'members', value: [{ value: one.id }] }])
      same(answer, 'members', idsOf(answer.json), [one.id])
      same(answer, 'meta', at(answer.json, 'meta'), at(group.answer.json, 'meta'))
    },
  },
  {
    section: 'RFC 7644 §3.5.2.2',
    title: 'remove of members[value eq …] takes that one out',
    async run(client, state) {
      const [one, other] = [await state.user(), await state.user()]
      const group = await state.group([one, other])
      const answer = await patched(client, group, [{ op: 'remove', path: `members[value eq "${one.id}"]` }])
      same(answer, 'members', idsOf(answer.json), [other.id])
    },
  },
  {
    section: 'RFC 7644 §3.5.2.2',
    title: 'remove of members takes all of them out',
    async run(client, state) {
      const group = await state.group([await state.user(), await state.user()])
      const answer = await patched(client, group, [{ op: 'remove', path: 'members' }])
      same(answer, 'members', idsOf(answer.json), [])
    },
  },
  {
    section: 'RFC 7644 §3.5.2.3',
    title: 'replace of members leaves those that are told',
    async run(client, state) {
      const [one, other] = [await state.user(), await state.user()]
      const group = await state.group([one])
      const answer = await patched(client, group, [{ op: 'replace', path: 'members', value: [{ value: other.id }] }])
      same(answer, 'members', idsOf(answer.json), [other.id])
    },
  },
  {
    section: 'RFC 7644 §3.5.2',
    title: 'one PATCH takes some out and some in',
    async run(client, state) {
      const [one, other] = [await state.user(), await state.user()]
      const group = await state.group([one])
      const operations = [
        { op: 'remove', path: `members[value eq "${one.id}"]` },
        { op: 'add', path: 'members', value: [{ value: other.id }] },
      ]
      const answer = await patched(client, group, operations)
      same(answer, 'members', idsOf(answer.json), [other.id])
    },
  },
]

const FILTERS: readonly Check[] = [
  {
    section: 'RFC 7644 §3.4.2.2',
    title: 'groups are found by displayName, in any case',
    async run(client, state) {
      const group = await state.group()
      const filter = `displayName eq "${group.name.toUpperCase()}"`
      const answer = await client.get(withQuery('/Groups', { filter, excludedAttributes: 'members' }))
      same(
        answer,
        'ids',
        resources(answer).map((one) => textAt(one, 'id')),
        [group.id],
      )
    },
  },
  {
    section: 'RFC 7644 §3.4.2.2',
    title: 'groups are found by a member',
    async run(client, state) {
      const user = await state.user()
      const [group] = [await state.group([user]), await state.group()]
      for (const filter of [`members.value eq "${user.id}"`, `members[value eq "${user.id}"]`]) {
        const answer = await client.get(withQuery('/Groups', { filter }))
        same(
          answer,
          'ids',
          resources(answer).map((one) => textAt(one, 'id')),
          [group?.id],
        )
      }
    },
  },
]

export const GROUPS: readonly Check[] = [
  ...ALL.map((one): Check => ({ ...one, needs: ['groups'] })),
  ...PATCHES.map((one): Check => ({ ...one, needs: ['groups', 'patch'] })),
  ...FILTERS.map((one): Check => ({ ...one, needs: ['groups', 'filter'] })),
]
