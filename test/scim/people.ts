import { type Dict, ENTERPRISE } from '../support/scim.ts'

/** Texts that a search goes wrong at. */
export const NASTY = [
  'Straße',
  'STRASSE',
  'İstanbul',
  'istanbul',
  'ıstanbul',
  'ſmith',
  'Smith',
  'SMITH',
  'smi',
  'e\u0301cole',
  'école',
  'École',
  'ÅNGSTRÖM',
  'ångström',
  'Ångström',
  'ΟΔΥΣΣΕΥΣ',
  'οδυσσευσ',
  'οδυσσευς',
  '100%',
  '100_',
  '1000',
  '100\\',
  '\\',
  '\\\\%',
  '%',
  '_',
  '"',
  `'; drop table "user"; --`,
  'a"b\\"c',
  'line\nbreak',
  'line\r\nbreak',
  'tab\tbed',
  '👩‍👩‍👧 family',
  '😀',
  '\u{10000}',
  '\uffee',
  ' ',
  '  lead',
  'trail ',
  'a',
  'A',
  'aa',
  'null',
  'true',
  '0',
  '$1',
  '{}',
  '[]',
  'co',
  'x'.repeat(300),
  'ǅ',
  'ﬁ',
  'fi',
  '\u2028',
  '\u00a0',
  '日本語',
  '-',
  "O'Neil",
] as const

const pick = (seed: number): string => NASTY[(seed * 7919 + 13) % NASTY.length] ?? ''
const TYPES = ['work', 'home', 'other', undefined, 'Work'] as const

/** Whether an attribute is there, in every mix. */
const some = (seed: number, of: number, value: unknown): object | undefined =>
  (seed * 31 + of * 17) % 5 < 3 ? { value } : undefined

/** Somebody whom no directory expects; always the same for the same number. */
export function person(at: number, managers: readonly string[] = []): Dict {
  const given: [string, object | undefined][] = [
    ['externalId', some(at, 1, pick(at))],
    ['displayName', some(at, 2, pick(at + 1))],
    ['nickName', some(at, 3, pick(at * 3))],
    ['title', some(at, 4, pick(at * 5))],
    ['userType', some(at, 5, '')],
    ['profileUrl', some(at, 6, `https://x.example/${pick(at * 2)}`)],
    ['name', some(at, 7, { familyName: pick(at * 11), givenName: at % 3 === 0 ? '' : pick(at * 13) })],
    ['emails', some(at, 8, several(at, 'e'))],
    ['phoneNumbers', some(at, 9, several(at + 3, 'p'))],
    [
      'addresses',
      some(at, 10, [{ type: 'work', locality: pick(at * 17), primary: at % 2 === 0 }, { streetAddress: pick(at) }]),
    ],
    ['roles', some(at, 11, at % 4 === 0 ? [] : several(at + 1, 'r'))],
    ['x509Certificates', some(at, 12, [{ value: ['MAo=', 'mAo=', 'MAo'][at % 3] }])],
  ]
  const enterprise: [string, object | undefined][] = [
    ['employeeNumber', some(at, 13, String(at % 7))],
    ['department', some(at, 14, pick(at * 19))],
    ['manager', managers.length > 0 ? some(at, 15, { value: managers[at % managers.length] }) : undefined],
  ]
  const there = (list: typeof given) =>
    Object.fromEntries(list.flatMap(([name, box]) => (box ? [[name, (box as { value: unknown }).value]] : []))) // `some` made it
  return {
    userName: `${pick(at)
      .replace(/\p{Cc}/gu, ' ')
      .trim()} ${at}`.trim(),
    active: at % 3 !== 0,
    ...there(given),
    [ENTERPRISE]: there(enterprise),
  }
}

function several(at: number, prefix: string): object[] {
  return Array.from({ length: 1 + ((at >> 1) % 3) }, (_, index) => {
    const type = TYPES[(at + index) % TYPES.length]
    const primary = [undefined, true, false, undefined, false][(at * 7 + index * 3) % 5]
    return {
      value: index === 0 ? pick(at + index) : `${prefix}${pick(at * index)}`,
      ...(type === undefined ? {} : { type }),
      ...(primary === undefined ? {} : { primary }),
      ...(at % 2 === 0 ? { display: pick(at + 5) } : {}),
    }
  })
}
