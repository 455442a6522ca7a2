import type { ContactData } from '#vcard'

/** What a spreadsheet would take for a formula. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/

/** RFC 4180 §2: every cell is quoted; one that would be a formula begins with an apostrophe. */
const cell = (text: string): string => `"${(FORMULA.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`
export const csvRow = (cells: readonly string[]): string => `${cells.map(cell).join(',')}\r\n`

const typed = (all: readonly { type: string; value: string }[] = []) =>
  all.map(({ type, value }) => `${type}: ${value}`).join('\n')

/** A column a field; several values stand in one cell, each on a line. */
const COLUMNS: readonly (readonly [string, (data: ContactData) => string])[] = [
  ['full_name', (data) => data.full_name],
  ['given', ({ name }) => name?.given ?? ''],
  ['family', ({ name }) => name?.family ?? ''],
  ['short_name', (data) => data.short_name ?? ''],
  ['emails', ({ emails }) => typed(emails)],
  ['phones', ({ phones }) => typed(phones)],
  [
    'addresses',
    ({ addresses = [] }) =>
      addresses
        .map(
          ({ type, street, city, state, zip, country }) =>
            `${type}: ${[street, city, state, zip, country].filter(Boolean).join(', ')}`,
        )
        .join('\n'),
  ],
  ['links', ({ links }) => typed(links)],
  [
    'organizations',
    ({ organizations = [] }) =>
      organizations
        .map(({ name, department, jobTitle }) => [name, department, jobTitle].filter(Boolean).join(', '))
        .join('\n'),
  ],
  ['notes', (data) => data.notes ?? ''],
]
export const CSV_HEAD = csvRow(COLUMNS.map(([name]) => name))
export const csvOf = (data: ContactData): string => csvRow(COLUMNS.map(([, read]) => read(data)))
