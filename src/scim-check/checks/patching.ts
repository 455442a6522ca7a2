import { at, listAt, textAt } from '../answer.ts'
import { type Check, ENTERPRISE, holds, refusal, same, USER } from '../check.ts'
import { changes, patched, type Refused, type Row, refused } from '../patch.ts'

const email = (type: string, more: object = {}) => ({ value: `kith-check-${type}@example.com`, type, ...more })
const phone = (type: string, number: string) => ({ value: number, type })

const ADDING: readonly Row[] = [
  {
    title: 'add sets an attribute of one value',
    operations: [{ op: 'add', path: 'displayName', value: 'Added' }],
    after: [[['displayName'], 'Added']],
  },
  {
    title: 'add to a complex attribute keeps its other parts',
    operations: [{ op: 'add', path: 'name', value: { givenName: 'Added' } }],
    after: [
      [['name', 'givenName'], 'Added'],
      [['name', 'familyName'], 'Check'],
    ],
  },
  {
    title: 'add without a path takes an object of attributes',
    operations: [{ op: 'add', value: { displayName: 'Added', name: { givenName: 'Too' } } }],
    after: [
      [['displayName'], 'Added'],
      [['name', 'givenName'], 'Too'],
      [['name', 'familyName'], 'Check'],
    ],
  },
]

const REPLACING: readonly Row[] = [
  {
    title: 'replace changes an attribute of one value',
    operations: [{ op: 'replace', path: 'displayName', value: 'Replaced' }],
    after: [[['displayName'], 'Replaced']],
  },
  {
    title: 'replace where there is no value adds it',
    needs: ['User.title'],
    operations: [{ op: 'replace', path: 'title', value: 'Replaced' }],
    after: [[['title'], 'Replaced']],
  },
  {
    title: 'replace changes one part of a complex attribute',
    operations: [{ op: 'replace', path: 'name.familyName', value: 'Replaced' }],
    after: [
      [['name', 'familyName'], 'Replaced'],
      [['name', 'givenName'], 'Kith'],
    ],
  },
  {
    title: 'replace of a complex attribute changes the parts that are told',
    operations: [{ op: 'replace', path: 'name', value: { familyName: 'Replaced' } }],
    after: [
      [['name', 'familyName'], 'Replaced'],
      [['name', 'givenName'], 'Kith'],
    ],
  },
  {
    title: 'replace without a path takes an object of attributes',
    operations: [{ op: 'replace', value: { displayName: 'Replaced', active: false } }],
    after: [
      [['displayName'], 'Replaced'],
      [['active'], false],
    ],
  },
  {
    title: 'replace of an attribute of several values changes all of them',
    operations: [{ op: 'replace', path: 'emails', value: [email('other', { primary: true })] }],
    after: [
      [['emails', '@other', 'value'], 'kith-check-other@example.com'],
      [['emails', '@work'], undefined],
    ],
  },
  {
    title: 'replace by a value path changes the part of what it selects',
    before: { emails: [email('work'), email('home')] },
    operations: [{ op: 'replace', path: 'emails[type eq "home"].value', value: 'kith-check-new@example.com' }],
    after: [
      [['emails', '@home', 'value'], 'kith-check-new@example.com'],
      [['emails', '@work', 'value'], 'kith-check-work@example.com'],
    ],
  },
]

const REMOVING: readonly Row[] = [
  {
    title: 'remove takes an attribute away',
    needs: ['User.title'],
    before: { title: 'Checker' },
    operations: [{ op: 'remove', path: 'title' }],
    after: [[['title'], undefined]],
  },
  {
    title: 'remove takes one part of a complex attribute away',
    operations: [{ op: 'remove', path: 'name.givenName' }],
    after: [
      [['name', 'givenName'], undefined],
      [['name', 'familyName'], 'Check'],
    ],
  },
  {
    title: 'remove by a value path takes away what it selects',
    before: { emails: [email('work'), email('home')] },
    operations: [{ op: 'remove', path: 'emails[type eq "work"]' }],
    after: [
      [['emails', '@home', 'type'], 'home'],
      [['emails', '@work'], undefined],
    ],
  },
  {
    title: 'remove without a filter takes all values away',
    needs: ['User.phoneNumbers'],
    before: { phoneNumbers: [phone('work', '+43 1 5550001'), phone('home', '+43 1 5550002')] },
    operations: [{ op: 'remove', path: 'phoneNumbers' }],
    after: [[['phoneNumbers'], undefined]],
  },
]

const GENERAL: readonly Row[] = [
  {
    title: 'operations are done in their order',
    operations: [
      { op: 'replace', path: 'displayName', value: 'First' },
      { op: 'replace', path: 'name.givenName', value: 'Second' },
      { op: 'replace', path: 'displayName', value: 'Third' },
    ],
    after: [
      [['displayName'], 'Third'],
      [['name', 'givenName'], 'Second'],
    ],
  },
]

const NAMES: readonly Row[] = [
  {
    title: 'a path may have the URN of the schema before it',
    operations: [{ op: 'replace', path: `${USER}:displayName`, value: 'Replaced' }],
    after: [[['displayName'], 'Replaced']],
  },
  {
    title: 'a path reaches into an extension by its URN',
    needs: ['enterprise'],
    operations: [{ op: 'add', path: `${ENTERPRISE}:department`, value: 'Checks' }],
    after: [[[ENTERPRISE, 'department'], 'Checks']],
  },
]

const WRONG: readonly Refused[] = [
  {
    title: 'an attribute that is read-only',
    operations: [{ op: 'replace', path: 'id', value: 'mine' }],
    scimTypes: ['mutability'],
  },
  {
    title: 'a path that cannot be read',
    operations: [{ op: 'replace', path: 'emails[type eq', value: 'x' }],
    scimTypes: ['invalidPath', 'invalidFilter'],
  },
  {
    title: 'an attribute that there is not',
    operations: [{ op: 'replace', path: 'kithCheckNothing', value: 'x' }],
    scimTypes: ['invalidPath', 'invalidValue', 'noTarget'],
  },
  {
    title: 'an operation that there is not',
    operations: [{ op: 'move', path: 'displayName', value: 'x' }],
    scimTypes: ['invalidSyntax', 'invalidValue'],
  },
  {
    title: 'a value of the wrong type',
    operations: [{ op: 'replace', path: 'active', value: { never: 1 } }],
    scimTypes: ['invalidValue', 'invalidSyntax'],
  },
  {
    title: 'what every object has by birth is no attribute',
    operations: [{ op: 'add', path: '__proto__.kithCheck', value: 'x' }],
    scimTypes: ['invalidPath', 'invalidValue', 'noTarget', 'invalidSyntax'],
  },
]

export const PATCHING: readonly Check[] = [
  ...changes('RFC 7644 §3.5.2.1', ADDING),
  {
    section: 'RFC 7644 §3.5.2.1',
    title: 'add to an attribute of several values keeps those that are there, and takes none twice',
    needs: ['patch'],
    async run(client, state) {
      const user = await state.user({ emails: [email('work')] })
      const operation = { op: 'add', path: 'emails', value: [email('home')] }
      await patched(client, user, [operation])
      const answer = await patched(client, user, [operation])
      const types = listAt(answer.json, 'emails')
        .map((one) => textAt(one, 'type'))
        .sort()
      same(answer, 'types of e-mail', types, ['home', 'work'])
    },
  },
  ...changes('RFC 7644 §3.5.2.2', REMOVING),
  ...refused('RFC 7644 §3.5.2.2', [
    { title: 'remove without a path', operations: [{ op: 'remove' }], scimTypes: ['noTarget'] },
    {
      title: 'remove of what is required',
      operations: [{ op: 'remove', path: 'userName' }],
      scimTypes: ['mutability', 'invalidValue'],
    },
  ]),
  ...changes('RFC 7644 §3.5.2.3', REPLACING),
  ...refused('RFC 7644 §3.5.2.3', [
    {
      title: 'replace by a value path that selects nothing',
      operations: [{ op: 'replace', path: 'emails[value sw "no@"].display', value: 'x' }],
      scimTypes: ['noTarget'],
    },
  ]),
  ...changes('RFC 7644 §3.5.2', GENERAL),
  ...changes('RFC 7644 §3.10', NAMES),
  ...refused('RFC 7644 §3.12', WRONG),
  ...refused('RFC 7644 §3.5.2', [
    {
      title: 'all operations or none: one that is wrong undoes the others',
      operations: [
        { op: 'replace', path: 'displayName', value: 'Half' },
        { op: 'replace', path: 'id', value: 'mine' },
      ],
      scimTypes: ['mutability'],
    },
  ]),
  {
    section: 'RFC 7644 §3.5.2',
    title: 'a new primary value takes the old one’s place',
    needs: ['patch'],
    async run(client, state) {
      const user = await state.user({ emails: [email('work', { primary: true })] })
      const operation = { op: 'add', path: 'emails', value: [email('home', { primary: true })] }
      const answer = await patched(client, user, [operation])
      const primary = listAt(answer.json, 'emails').filter((one) => at(one, 'primary') === true)
      same(
        answer,
        'types of the primary value',
        primary.map((one) => textAt(one, 'type')),
        ['home'],
      )
    },
  },
  {
    section: 'RFC 7644 §3.5.2',
    title: 'a change shows in meta.lastModified',
    needs: ['patch'],
    async run(client, state) {
      const user = await state.user()
      const answer = await patched(client, user, [{ op: 'replace', path: 'displayName', value: 'Later' }])
      same(answer, 'displayName', at(answer.json, 'displayName'), 'Later')
      const [before, after] = [user.answer.json, answer.json].map((json) =>
        Date.parse(textAt(json, 'meta', 'lastModified')),
      )
      holds(
        answer,
        Number(after) >= Number(before),
        'a time that is not before the one of its making',
        at(answer.json, 'meta'),
      )
    },
  },
  {
    section: 'RFC 7644 §3.5.2',
    title: 'a PATCH of an unknown id is 404',
    needs: ['patch'],
    async run(client) {
      const path = '/Users/00000000-0000-4000-8000-00000000c4ec'
      refusal(await client.patch(path, [{ op: 'replace', path: 'displayName', value: 'x' }]), [404])
    },
  },
]
