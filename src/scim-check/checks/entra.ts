import { at, listAt, textAt } from '../answer.ts'
import { type Check, ENTERPRISE, same, status } from '../check.ts'
import { changes, patched, type Row } from '../patch.ts'

/** Microsoft's client departs from the standard; most servers that provision for its users forgive it. */
const SECTION = 'RFC 7644 §3.5.2, as Entra ID sends it'

const ROWS: readonly Row[] = [
  {
    title: 'operations in capitals, and booleans as texts',
    operations: [
      { op: 'Replace', path: 'active', value: 'False' },
      { op: 'Add', path: 'displayName', value: 'Added' },
    ],
    after: [
      [['active'], false],
      [['displayName'], 'Added'],
    ],
  },
  {
    title: 'a value path that selects nothing makes the value',
    before: { emails: [] },
    operations: [{ op: 'Add', path: 'emails[type eq "work"].value', value: 'kith-check-made@example.com' }],
    after: [
      [['emails', '@work', 'value'], 'kith-check-made@example.com'],
      [['emails', '@work', 'type'], 'work'],
    ],
  },
  {
    title: 'without a path, keys are paths (aadOptscim062020)',
    operations: [{ op: 'replace', value: { displayName: 'Keyed', 'name.givenName': 'Key' } }],
    after: [
      [['displayName'], 'Keyed'],
      [['name', 'givenName'], 'Key'],
      [['name', 'familyName'], 'Check'],
    ],
  },
  {
    title: 'without a path, keys have the URN of an extension',
    needs: ['enterprise'],
    operations: [{ op: 'replace', value: { [`${ENTERPRISE}:employeeNumber`]: '42' } }],
    after: [[[ENTERPRISE, 'employeeNumber'], '42']],
  },
  {
    title: 'an empty text is no value',
    needs: ['User.title'],
    before: { title: 'Checker' },
    operations: [{ op: 'Replace', path: 'title', value: '' }],
    after: [[['title'], undefined]],
  },
]

export const ENTRA: readonly Check[] = [
  ...changes(SECTION, ROWS),
  {
    section: SECTION,
    title: 'the manager as a bare id',
    needs: ['patch', 'enterprise'],
    async run(client, state) {
      const manager = await state.user()
      const operations = [{ op: 'Add', path: `${ENTERPRISE}:manager`, value: manager.id }]
      const answer = await patched(client, await state.user(), operations)
      same(answer, 'manager', textAt(answer.json, ENTERPRISE, 'manager', 'value'), manager.id)
    },
  },
  {
    section: SECTION,
    title: 'Add and Remove of members with their ids as the value',
    needs: ['patch', 'groups'],
    async run(client, state) {
      const [one, other] = [await state.user(), await state.user()]
      const group = await state.group()
      const list = [one, other].map(({ id }) => ({ $ref: null, value: id }))
      await patched(client, group, [{ op: 'Add', path: 'members', value: list }])
      const answer = await patched(client, group, [
        { op: 'Remove', path: 'members', value: [{ $ref: null, value: one.id }] },
      ])
      const ids = listAt(answer.json, 'members').map((member) => textAt(member, 'value'))
      same(answer, 'members', ids, [other.id])
    },
  },
  {
    section: 'RFC 7644 §3.3, as Entra ID sends it',
    title: 'a POST with meta.resourceType and empty roles',
    async run(client, state) {
      const answer = await client.post('/Users', state.body({ meta: { resourceType: 'User' }, roles: [] }))
      status(answer, 201)
      same(answer, 'meta.resourceType', at(answer.json, 'meta', 'resourceType'), 'User')
    },
  },
]
