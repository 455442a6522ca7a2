import { readFileSync } from 'node:fs'
import t from 'tap'
import { complianceTable, PATH, SCIM_PATH, scimTable } from '../../tools/compliance.ts'

t.test('The compliance tables are those that `npm run compliance` writes', async (t) => {
  t.equal(readFileSync(PATH, 'utf8'), await complianceTable())
  t.equal(readFileSync(SCIM_PATH, 'utf8'), scimTable())
})

t.test(
  'It has every property, report, method and condition, and what is knowingly different with its reason',
  async (t) => {
    const table = readFileSync(PATH, 'utf8')
    const rows = (title: string): string[][] =>
      (table.split(`\n## ${title}\n`)[1]?.split('\n## ', 1)[0] ?? '')
        .split('\n')
        .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
        .slice(1)
        .map((line) => line.slice(2, -2).split(' | '))
    for (const [title, names] of [
      ['Properties', ['`D:acl`', '`C:directory-gateway`', '`D:sync-token`', '`CS:getctag`', '`D:add-member`']],
      ['Reports', ['`D:expand-property`', '`C:addressbook-query`', '`D:sync-collection`']],
      ['Methods', ['`PROPFIND`', '`GET`', '`COPY`', '`LOCK`', '`OPTIONS`']],
      ['Conditions named in refusals', ['`D:need-privileges`', '`C:no-uid-conflict`', '`D:valid-sync-token`']],
    ] as const) {
      const told = rows(title).map(([name]) => name)
      t.strictSame(
        names.filter((name) => !told.includes(name)),
        [],
        title,
      )
    }
    for (const [where, what, answer, why] of rows('Knowingly different, or not served')) {
      t.match(where, /^(RFC \d+|draft-)/)
      t.ok(what && why)
      t.match(answer, /^(not served|different)$/)
    }
    t.match(
      rows('Reports')
        .find(([name]) => name === '`D:expand-property`')
        ?.at(-1),
      'carddav/acl.test.ts',
    )
  },
)
