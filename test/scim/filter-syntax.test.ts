import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import {
  type AttributeName,
  type Filter,
  FilterSyntaxError,
  type Literal,
  parseFilter,
  parsePath,
} from '../../protocols/scim/protocol/filter.ts'

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
type Operator = Extract<Filter, { value: Literal }>['operator']
const OPERATORS: readonly Operator[] = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le']

const named = (name: string | AttributeName): AttributeName => (typeof name === 'string' ? { name } : name)
const is = (name: string | AttributeName, value: Literal, operator: Operator = 'eq'): Filter => ({
  attribute: named(name),
  operator,
  value,
})
const present = (name: string | AttributeName): Filter => ({ attribute: named(name), operator: 'pr' })

const all = (...and: Filter[]): Filter => ({ and })
const any = (...or: Filter[]): Filter => ({ or })
const within = (name: string, within: Filter): Filter => ({ attribute: { name }, within })

/** Where reading stops, as the error has it; -1 when it does not. Any other error is thrown on. */
const fault = (text: string, parse: (text: string) => unknown = parseFilter): number => {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof FilterSyntaxError) return error.position
    throw error
  }
  return -1
}
/** Filters, between semicolons, with a ¦ where each goes wrong. */
const refused = (t: Test, marked: string, parse?: (text: string) => unknown) => {
  for (const text of marked.split(/ *; */)) t.equal(fault(text.replace('¦', ''), parse), text.indexOf('¦'), text)
}

const name = ({ schema, name, sub }: AttributeName): string =>
  `${schema === undefined ? '' : `${schema}:`}${name}${sub === undefined ? '' : `.${sub}`}`
/** The inverse of parseFilter, with no parenthesis that precedence does not ask for. */
const formatFilter = (filter: Filter, inAnd = false): string => {
  if ('and' in filter) return filter.and.map((part) => formatFilter(part, true)).join(' and ')
  if ('or' in filter) {
    const text = filter.or.map((part) => formatFilter(part)).join(' or ')
    return inAnd ? `(${text})` : text
  }
  if ('not' in filter) return `not (${formatFilter(filter.not)})`
  if ('within' in filter) return `${name(filter.attribute)}[${formatFilter(filter.within)}]`
  if (filter.operator === 'pr') return `${name(filter.attribute)} pr`
  return `${name(filter.attribute)} ${filter.operator} ${JSON.stringify(filter.value)}`
}

const EMPLOYEE = is('userType', 'Employee')
const WORK = within('emails', all(is('type', 'work'), is('value', '@example.com', 'co')))
const EXAMPLE = any(is('emails', 'example.com', 'co'), is({ name: 'emails', sub: 'value' }, 'example.org', 'co'))
const EXAMPLES: readonly [string, Filter][] = [
  ['userName eq "bjensen"', is('userName', 'bjensen')],
  [`name.familyName co "O'Malley"`, is({ name: 'name', sub: 'familyName' }, "O'Malley", 'co')],
  ['userName sw "J"', is('userName', 'J', 'sw')],
  [`${USER}:userName sw "J"`, is({ schema: USER, name: 'userName' }, 'J', 'sw')],
  ['title pr', present('title')],
  ...(['gt', 'ge', 'lt', 'le'] as const).map((operator): [string, Filter] => [
    `meta.lastModified ${operator} "2011-05-13T04:42:34Z"`,
    is({ name: 'meta', sub: 'lastModified' }, '2011-05-13T04:42:34Z', operator),
  ]),
  ['title pr and userType eq "Employee"', all(present('title'), EMPLOYEE)],
  ['title pr or userType eq "Intern"', any(present('title'), is('userType', 'Intern'))],
  [`schemas eq "${ENTERPRISE}"`, is('schemas', ENTERPRISE)],
  ['userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")', all(EMPLOYEE, EXAMPLE)],
  [
    'userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")',
    all(is('userType', 'Employee', 'ne'), { not: EXAMPLE }),
  ],
  ['userType eq "Employee" and (emails.type eq "work")', all(EMPLOYEE, is({ name: 'emails', sub: 'type' }, 'work'))],
  ['userType eq "Employee" and emails[type eq "work" and value co "@example.com"]', all(EMPLOYEE, WORK)],
  [
    'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]',
    any(WORK, within('ims', all(is('type', 'xmpp'), is('value', '@foo.com', 'co')))),
  ],
]

t.test('RFC 7644 §3.4.2.2: its own examples', async (t) => {
  for (const [text, tree] of EXAMPLES) t.strictSame([parseFilter(text), parseFilter(formatFilter(tree))], [tree, tree])
})

t.test('RFC 7644 §3.4.2.2: not binds before and, and before or, and parentheses before all', async (t) => {
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(present) as [Filter, Filter, Filter, Filter] // four in, four out
  t.strictSame(parseFilter('a pr or b pr and c pr or d pr'), any(a, all(b, c), d))
  t.strictSame(parseFilter('(a pr or b pr) and (c pr or d pr)'), all(any(a, b), any(c, d)))
  t.strictSame(parseFilter('not (a pr) and b pr or c pr'), any(all({ not: a }, b), c))
  t.strictSame(parseFilter('not (a pr and b pr)'), { not: all(a, b) })
  t.strictSame(parseFilter('(a pr and (b pr and c pr)) and d pr'), all(a, b, c, d), 'of one kind: flat')
  t.strictSame(parseFilter('((a pr)) or (b pr or c pr)'), any(a, b, c))
})

t.test('RFC 7644 §3.4.2.2: operators and literals are in any case, names stay as written', async (t) => {
  for (const operator of OPERATORS) t.strictSame(parseFilter(`a ${operator.toUpperCase()} 1`), is('a', 1, operator))
  t.strictSame(
    parseFilter('ActiVe Eq TRUE AND NoT (x PR) oR y eQ Null or z ne False'),
    any(all(is('ActiVe', true), { not: present('x') }), is('y', null), is('z', false, 'ne')),
  )
})

t.test('White space is free between tokens, and needed only where two words would meet', async (t) => {
  const tree = all({ not: present('a') }, within('b', is('c', 'd')))
  t.strictSame(parseFilter('\t not\t(\ta  pr ) \t and  b [ c\teq  "d" ] \t'), tree)
  t.strictSame(parseFilter('not(a pr)and b[c eq "d"]'), tree)
  refused(t, 'a eq¦"x"; a eq "x"¦and b pr; a eq ¦trueand b pr; a pr ¦andb pr; ¦a\vpr')
})

t.test('RFC 7644 §3.4.2.2: an attribute has its schema before the last colon, and one sub-attribute', async (t) => {
  const attribute = (text: string) => parsePath(text).attribute
  t.strictSame(attribute(`${USER}:name.familyName`), { schema: USER, name: 'name', sub: 'familyName' })
  t.strictSame(attribute(`${ENTERPRISE}.manager`), { schema: ENTERPRISE.slice(0, -5), name: 'User', sub: 'manager' })
  t.strictSame(attribute('http://example.com/s:a-b_9'), { schema: 'http://example.com/s', name: 'a-b_9' })
  t.strictSame(attribute('manager.$ref'), { name: 'manager', sub: '$ref' })
  t.strictSame(parseFilter('members[$ref pr]'), within('members', present('$ref')))
  refused(t, '¦$ref pr; a.¦$type pr; a.¦b.c pr; a.¦ pr; ¦.a pr; ¦1a pr; ¦__proto__ pr; ¦é pr; a¦')
  refused(t, 'urn:x:a:¦ pr; ¦:a pr; ¦User:a pr; ¦urn:ü:a pr; urn:x:¦$ref pr; ¦and pr; a pr and ¦or pr')
})

t.test('RFC 7644 §3.4.2.2: what is compared is a literal of JSON', async (t) => {
  const value = (text: string) => (parseFilter(`a eq ${text}`) as { value?: Literal }).value // of a comparison
  const texts = ['""', '"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\u00e9\\uD83D\\ude00 %_\\u0000"', '"李 😀 (a) [b] or \' not"']
  for (const text of ['0', '-12.50', '1e3', '1E-2', ...texts]) t.equal(value(text), JSON.parse(text), text)
  refused(t, "a eq ¦01; a eq ¦+1; a eq ¦.5; a eq ¦1.; a eq ¦0x1; a eq ¦1e; a eq ¦NaN; a eq ¦bob; a eq ¦'bob'; a eq ¦{}")
  refused(t, 'a eq ¦1e999; a eq ¦-1e999; a eq ¦[1]; a eq ¦(1); a eq ¦; a eq "b"¦"c"; a eq "b" ¦"c"; a pr ¦"c"')
  refused(t, 'a eq ¦"b; a eq ¦"b\\"; a eq "b¦\\; a eq "b¦\\x"; a eq "¦\\u12g4"; a eq "¦\\u123"; a eq "b¦\tc"')
  refused(t, 'a eq ¦"\\ud83d"; a eq ¦"\\ude00\\ud83d"; a eq ¦"\ud83d"')
})

t.test('RFC 7644 §3.4.2.2: what is no filter is refused where it goes wrong', async (t) => {
  refused(t, '¦; \t¦; title¦; title eq¦; title ¦like "x"; title ¦= "x"; title ¦constructor "x"')
  refused(
    t,
    'a pr ¦b pr; a pr and¦; ¦or a pr; not ¦a pr; not ¦not (a pr); not¦; (¦); (a pr¦; a pr¦); (a pr¦]; ¦) pr; ¦"x" eq a',
  )
  refused(t, 'a[b pr¦); a[b pr¦; a[¦]; a[b¦[c pr]]; a[not (b¦[c pr])]; a[b pr]¦]; (a[b pr¦)]')
  refused(t, 'a[b pr].c¦; a[b pr].c¦[d pr]; a[b pr].¦c.d pr; a[b pr] ¦.c pr; a[b pr] ¦eq "x"; a[b pr]¦c pr')
})

t.test('A sub-attribute compared after its value path is one more condition on the same value', async (t) => {
  const work = is('type', 'work')
  t.strictSame(
    parseFilter('emails[type eq "work"].value eq "x" or a[b pr] and c[d pr]'),
    any(within('emails', all(work, is('value', 'x'))), all(within('a', present('b')), within('c', present('d')))),
  )
  t.strictSame(
    parseFilter('emails[type eq "work" or primary eq true].value pr'),
    within('emails', all(any(work, is('primary', true)), present('value'))),
  )
})

t.test('RFC 7644 §3.5.2: a path is an attribute, or its values by a filter, or a sub-attribute of these', async (t) => {
  const members = { attribute: named('members'), filter: is('value', '2819c223') }
  const emails = { attribute: { schema: USER, name: 'emails' }, filter: any({ not: present('a') }, is('b', null)) }
  t.strictSame(parsePath('members'), { attribute: named('members') })
  t.strictSame(parsePath(' name.familyName '), { attribute: { name: 'name', sub: 'familyName' } })
  t.strictSame(parsePath('members[value eq "2819c223"]'), members)
  t.strictSame(parsePath('members[value eq "2819c223"].displayName'), { ...members, sub: 'displayName' })
  t.strictSame(parsePath('members[value eq "2819c223"].$ref'), { ...members, sub: '$ref' })
  t.strictSame(parsePath(`${USER}:emails[not (a pr) or b eq null].value`), { ...emails, sub: 'value' })
  refused(t, '¦; ¦.a; ¦$ref; ¦__proto__; a.¦; a.¦b.c; a ¦pr; a[¦]; a[b¦]; a[b pr¦; a[b pr].¦; a[b pr].¦c.d', parsePath)
  refused(t, 'a[b pr]¦[c pr]; a[b pr].c¦[d pr]; a[b pr].c ¦eq 1; a[b pr]¦c; a[b¦[c pr]]; ¦(a); ¦[a pr]', parsePath)
})

t.test('A filter has at most 8 KB in UTF-8, 50 attribute expressions and 16 levels', async (t) => {
  for (const [unit, fitting] of Object.entries({ x: 8185, é: 4092, 李: 2728 }))
    for (const over of [0, 1]) t.equal(fault(`a eq "${unit.repeat(fitting + over)}"`) < 0, over === 0, unit)
  const terms = (count: number) => Array(count).fill('a pr').join(' or ')
  const deep = (levels: number, open: string) => `${open.repeat(levels)}a pr${')'.repeat(levels)}`
  t.strictSame([fault(terms(50)), fault(terms(51))], [-1, 50 * 8 + 2])
  t.equal(fault(`b[${terms(49)}].c pr`), -1)
  t.not(fault(`b[${terms(50)}].c pr`), -1)
  for (const open of ['(', 'not (', 'NOT(']) {
    t.equal(fault(deep(16, open)), -1)
    t.equal(fault(deep(17, open)), 17 * open.length - 1)
  }
  t.equal(fault(`b[${deep(15, '(')}]`), -1)
  t.not(fault(`b[${deep(16, '(')}]`), -1)
  t.equal(fault(`${terms(2)} and ${deep(16, '(')} or ${deep(16, '(')}`), -1, 'levels closed count no more')
})

const word = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,8}$/).filter((text) => !/^(and|or|not)$/i.test(text))
const attribute: fc.Arbitrary<AttributeName> = fc.record(
  { schema: fc.constantFrom(USER, ENTERPRISE, 'http://a.b/c'), name: word, sub: fc.oneof(word, fc.constant('$ref')) },
  { requiredKeys: ['name'], noNullPrototype: true },
)
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0) // JSON writes -0 as 0
const text = fc.string({ unit: 'binary', maxLength: 20 })
const literal = fc.oneof(text, number, fc.integer(), fc.constantFrom<Literal>(true, false, null))
const leaf: fc.Arbitrary<Filter> = fc.oneof(
  fc.tuple(attribute, literal, fc.constantFrom(...OPERATORS)).map((parts) => is(...parts)),
  attribute.map(present),
)
/** At most 2 to the power of `levels` leaves. */
const tree = (levels: number, leaf: fc.Arbitrary<Filter>): fc.Arbitrary<Filter> => {
  if (levels === 0) return leaf
  const two = fc.tuple(tree(levels - 1, leaf), tree(levels - 1, leaf))
  const not = tree(levels - 1, leaf).map((filter): Filter => ({ not: filter }))
  const joined = fc.tuple(two, fc.constantFrom(all, any)).map(([parts, join]) => join(...parts))
  return fc.oneof(leaf, not, joined, joined)
}
const values = fc.tuple(attribute, tree(2, leaf)).map(([attribute, within]) => ({ attribute, within }))
const flat = (filter: Filter): Filter => {
  if ('and' in filter) return all(...filter.and.map(flat).flatMap((part) => ('and' in part ? part.and : [part])))
  if ('or' in filter) return any(...filter.or.map(flat).flatMap((part) => ('or' in part ? part.or : [part])))
  if ('not' in filter) return { not: flat(filter.not) }
  return 'within' in filter ? { ...filter, within: flat(filter.within) } : filter
}

t.test('Any filter written out is read as itself', async () => {
  const anyFilter = tree(3, fc.oneof(leaf, values))
  fc.assert(fc.property(anyFilter, (filter) => assert.deepEqual(parseFilter(formatFilter(filter)), flat(filter))))
})

t.test('Any text is a filter or path that can be written out again, or a syntax error within it', async () => {
  const pieces = 'a eq "x" ~pr ~and ~or~ not~(~)~[~]~.~:~"~\\~$ref~\'~1~-~true~é~\ud83d~ ~\t~a[b pr]'.split('~')
  const text = fc.oneof(fc.string({ unit: fc.constantFrom(...pieces) }), fc.string({ unit: 'binary' }))
  const property = fc.property(text, (text) => {
    for (const parse of [parseFilter, parsePath]) assert(fault(text, parse) <= text.length)
    if (fault(text) < 0) assert.deepEqual(parseFilter(formatFilter(parseFilter(text))), parseFilter(text))
  })
  fc.assert(property, { numRuns: 2000 })
})

t.test('Hostile text is refused at once', async (t) => {
  const starts = ['', 'a eq ', 'a eq "', 'a', 'a[', 'urn:']
  const units =
    '(~not(~not (~[~a[~a[(~)~and ~a pr and ~a pr or ~a.~a:~a~1~1e~"~\\~\\"~\\\\~\\u0000~ ~\t~ \t(~\ud83d~\0~\''
  for (const unit of units.split('~'))
    for (const length of [8150, 1_000_000]) {
      const texts = starts.map((start) => start + unit.repeat(length / unit.length))
      const began = performance.now()
      const faults = texts.flatMap((text) => [fault(text), fault(`${text}¦`, parsePath)])
      const took = performance.now() - began
      t.notOk(faults.includes(-1), `${JSON.stringify(unit)} to ${length} characters`)
      t.ok(took < 200 + length / 1000, `12 texts took ${took.toFixed(1)} ms`)
    }
})
