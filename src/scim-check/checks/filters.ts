import { textAt } from '../answer.ts'
import { type Check, type Need, refusal, resources, same, status, USER, under, withQuery } from '../check.ts'
import type { State } from '../state.ts'

interface Row {
  readonly title: string
  readonly needs?: readonly Need[]
  /** A filter that is tried on the cast of the checks. */
  readonly filter: string | ((state: State) => string)
  /** Whom it finds: the letters of the cast (state.ts). */
  readonly finds: string
}

const found = (section: string, rows: readonly Row[]): Check[] =>
  rows.map(({ title, needs = [], filter, finds }) => ({
    section,
    title,
    needs: ['filter', ...needs],
    async run(client, state) {
      await state.cast()
      const text = state.ofCast(typeof filter === 'string' ? filter : filter(state))
      const answer = await client.get(withQuery('/Users', { filter: text, count: 50 }))
      status(answer, 200)
      const letters = [...state.letters(resources(answer))].sort().join('')
      same(
        answer,
        `of five users, for ${filter instanceof Function ? filter(state) : filter}, those called`,
        letters,
        finds,
      )
    },
  }))

const mail = (state: State, key: string): string => `${state.prefix}-mail-${key}@example.com`

const OPERATORS: readonly Row[] = [
  { title: 'eq', filter: ({ prefix }) => `userName eq "${prefix}-cast-b@example.com"`, finds: 'b' },
  { title: 'ne', filter: ({ prefix }) => `userName ne "${prefix}-cast-b@example.com"`, finds: 'acde' },
  { title: 'co', filter: 'userName co "cast-c@"', finds: 'c' },
  { title: 'sw', filter: 'name.familyName sw "El"', finds: 'e' },
  { title: 'ew', filter: 'userName ew "-d@example.com"', finds: 'd' },
  { title: 'pr', needs: ['User.title'], filter: 'title pr', finds: 'abce' },
  { title: 'gt and lt order text', filter: 'name.familyName gt "Bell" and name.familyName lt "Ellis"', finds: 'cd' },
  {
    title: 'ge and le hold the bound as well',
    filter: 'name.familyName ge "Bell" and name.familyName le "Cole"',
    finds: 'bc',
  },
  { title: 'booleans: active eq true, active eq false', filter: 'active eq false', finds: 'c' },
  {
    title: 'operators are known in any case',
    filter: 'name.familyName EQ "Bell" Or name.familyName eQ "Cole"',
    finds: 'bc',
  },
  {
    title: 'and binds closer than or',
    filter: 'name.familyName eq "Ames" or name.familyName eq "Bell" and active eq false',
    finds: 'a',
  },
  {
    title: 'parentheses come first',
    filter: '(name.familyName eq "Ames" or name.familyName eq "Cole") and active eq false',
    finds: 'c',
  },
  { title: 'not', filter: 'not (name.familyName eq "Ames" or active eq false)', finds: 'bde' },
  { title: 'not … pr: who has no value', needs: ['User.title'], filter: 'not (title pr)', finds: 'd' },
  {
    title: 'sub-attributes of several values: any of them',
    filter: (state) => `emails.value eq "${mail(state, 'e')}"`,
    finds: 'e',
  },
  {
    title: 'a value path',
    filter: (state) => `emails[type eq "work" and value co "${state.prefix}-mail"]`,
    finds: 'acd',
  },
  {
    title: 'a value path asks one and the same value',
    filter: (state) => `emails[type eq "home" and value eq "${mail(state, 'a')}"]`,
    finds: '',
  },
  { title: 'a value path beside other terms', filter: 'emails[type eq "work"] and active eq false', finds: 'c' },
  { title: 'dates: created after the year 2000', filter: 'meta.created gt "2000-01-01T00:00:00Z"', finds: 'abcde' },
  {
    title: 'dates with seven digits of a second, as Entra ID sends them',
    filter: 'meta.lastModified ge "2001-01-03T00:00:00.0000000Z"',
    finds: 'abcde',
  },
  {
    title: 'dates: nothing is changed in the year 2100',
    filter: 'meta.lastModified gt "2100-01-01T00:00:00Z"',
    finds: '',
  },
  { title: 'quotation marks in a text, written \\"', filter: 'name.givenName eq "Cy \\"C\\""', finds: 'c' },
  {
    title: 'a backslash in a text, written \\\\',
    needs: ['User.title'],
    filter: 'title eq "Chef \\\\ Baker"',
    finds: 'c',
  },
  { title: '% is a letter like others', needs: ['User.title'], filter: 'title co "%"', finds: 'a' },
  { title: '_ is a letter like others', needs: ['User.title'], filter: 'title co "k_t"', finds: 'b' },
  { title: 'text beyond ASCII', filter: 'name.givenName eq "Dör"', finds: 'd' },
]

const CASES: readonly Row[] = [
  {
    title: 'userName is compared in any case',
    filter: ({ prefix }) => `userName eq "${prefix.toUpperCase()}-CAST-B@EXAMPLE.COM"`,
    finds: 'b',
  },
  {
    title: 'other texts that are not caseExact are, too',
    filter: 'name.familyName eq "DUNN" or name.familyName sw "aM"',
    finds: 'ad',
  },
]

const NAMES: readonly Row[] = [
  {
    title: 'names of attributes are known in any case',
    filter: ({ prefix }) => `USERNAME eq "${prefix}-cast-b@example.com" or Name.FAMILYNAME eq "Cole"`,
    finds: 'bc',
  },
]

export const FILTERS: readonly Check[] = [
  ...found('RFC 7644 §3.4.2.2', OPERATORS),
  ...found('RFC 7643 §2.2', CASES),
  ...found('RFC 7643 §2.1', NAMES),
  ...found('RFC 7643 §3.1', [
    {
      title: 'externalId is compared exactly',
      filter: ({ prefix }) => `externalId eq "${prefix}-Ext-a" or externalId eq "${prefix}-ext-b"`,
      finds: 'a',
    },
  ]),
  ...found('RFC 7644 §3.10', [
    {
      title: 'a name may have the URN of its schema before it',
      filter: `${USER}:name.familyName eq "Bell"`,
      finds: 'b',
    },
    { title: 'that URN is known in any case', filter: `${USER.toLowerCase()}:active eq false`, finds: 'c' },
  ]),
  ...under(
    'RFC 7644 §3.4.2.2',
    {
      title: 'id eq finds by id',
      needs: ['filter'],
      async run(client, state) {
        const [one] = await state.cast()
        const answer = await client.get(withQuery('/Users', { filter: `id eq "${one?.id}"` }))
        same(
          answer,
          'ids',
          resources(answer).map((user) => textAt(user, 'id')),
          [one?.id],
        )
      },
    },
    {
      title: 'a filter that cannot be read is refused: 400 invalidFilter',
      needs: ['filter'],
      reads: true,
      async run(client) {
        for (const filter of [
          'userName eq',
          'userName is "x"',
          '(userName pr',
          'userName eq "x',
          'and',
          'emails[type eq "work"',
        ]) {
          refusal(await client.get(withQuery('/Users', { filter })), [400], 'invalidFilter')
        }
      },
    },
    {
      title: 'booleans have no order: active gt true is refused: 400 invalidFilter',
      needs: ['filter'],
      reads: true,
      async run(client) {
        refusal(await client.get(withQuery('/Users', { filter: 'active gt true' })), [400], 'invalidFilter')
      },
    },
  ),
]
