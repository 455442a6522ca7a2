import t from 'tap'
import { rows } from '../support/kith.ts'
import { type Dict, ENTERPRISE, startScim, USER } from '../support/scim.ts'

const EVIL = [
  'a\r\nX-EVIL:1',
  'a\nX-EVIL:1',
  'a\rX-EVIL:1',
  'a\r\n X-EVIL:1',
  'a\u2028X-EVIL:1\u2029X-EVIL:1',
  'a\u0085X-EVIL:1\u000bX-EVIL:1\u000cX-EVIL:1',
  'a\r\nEND:VCARD\r\nBEGIN:VCARD\r\nVERSION:4.0\r\nFN:X-EVIL\r\nEND:VCARD',
  '\u0001\u0007\u001b[2J\u007f',
  'a;b,c:d"e\\n\\;^n',
  '\r\n',
]
const HUGE = ['x'.repeat(20_000), 'ä😀'.repeat(6_000), `${'\\'.repeat(9_999)}\n`]

/** Each attribute that stands on a card, with the value in it. */
const BODIES: Readonly<Record<string, (value: string) => Dict>> = {
  displayName: (value) => ({ displayName: value }),
  name: (value) => ({
    name: { familyName: value, givenName: value, middleName: value, honorificPrefix: value, honorificSuffix: value },
  }),
  'name.formatted': (value) => ({ name: { formatted: value } }),
  nickName: (value) => ({ nickName: value }),
  title: (value) => ({ title: value }),
  emails: (value) => ({ emails: [{ value, type: value, display: value }] }),
  'emails.type': (value) => ({ emails: [{ value: 'a@x.example', type: value }] }),
  phoneNumbers: (value) => ({
    phoneNumbers: [
      { value, type: 'work' },
      { value: '1', type: value },
    ],
  }),
  'addresses.formatted': (value) => ({ addresses: [{ formatted: value, type: value }] }),
  addresses: (value) => ({
    addresses: [
      { streetAddress: value, locality: value, region: value, postalCode: value, country: value, type: 'work' },
    ],
  }),
  profileUrl: (value) => ({ profileUrl: value }),
  'profileUrl of https': (value) => ({ profileUrl: `https://x.example/${value}` }),
  photos: (value) => ({ photos: [{ value, type: 'photo' }] }),
  'photos of https': (value) => ({ photos: [{ value: `https://x.example/${value}`, type: 'photo' }] }),
  'photos of data': (value) => ({ photos: [{ value: `data:image/png;base64,iVBORw0KGgo=${value}`, type: value }] }),
  'photos of a type': (value) => ({ photos: [{ value: `data:image/png${value};base64,iVBORw0KGgo=` }] }),
  enterprise: (value) => ({ [ENTERPRISE]: { organization: value, department: value, division: value } }),
}
const LINE =
  /^(?:[A-Za-z0-9-]+\.)?([A-Za-z0-9-]+)(?:;[A-Za-z0-9-]+=(?:"[^"\x00-\x1f]*"|[^";:,\x00-\x1f]*)(?:,(?:"[^"\x00-\x1f]*"|[^";:,\x00-\x1f]*))*)*:[^\x00-\x08\x0a-\x1f\x7f]*$/
const KNOWN = new Set(
  'BEGIN VERSION PRODID UID FN N NICKNAME EMAIL TEL ADR URL ORG TITLE PHOTO REV KIND SOCIALPROFILE X-KITH-CUSTOM END'.split(
    ' ',
  ),
)

/** A text that a report of tests can hold. */
const harmless = (text: string): string =>
  JSON.stringify(text)
    .replace(/[^ -~]/g, '?')
    .slice(0, 300)

/** What is wrong with the text of one card. */
function faults(text: string): string[] {
  if (!text.endsWith('\r\n')) return ['it ends with no CRLF']
  const bare = text.replaceAll('\r\n', '')
  const found = /[\r\n\u2028\u2029\u0085]/.test(bare) ? ['a bare break of lines'] : []
  for (const line of text.split('\r\n'))
    if (Buffer.byteLength(line) > 75) found.push(`a line of ${Buffer.byteLength(line)} bytes`)
  const lines = text
    .replace(/\r\n[ \t]/g, '')
    .split('\r\n')
    .slice(0, -1)
  const names = lines.map((line) => LINE.exec(line)?.[1] ?? `no line: ${line.slice(0, 200)}`)
  found.push(...names.filter((name) => !KNOWN.has(name)))
  for (const once of ['BEGIN', 'END', 'VERSION', 'UID', 'FN']) {
    const count = names.filter((name) => name === once).length
    if (count !== 1) found.push(`${count} × ${once}`)
  }
  if (names[0] !== 'BEGIN' || names.at(-1) !== 'END') found.push('no card around it')
  return found
}

t.test('values on cards', async (t) => {
  const scim = await startScim(t)
  const client = await scim.connect('Cards')
  await client.user('watcher@cards.example', { emails: [{ value: 'watcher@cards.example' }] })
  const phone = await scim.device('watcher@cards.example')
  const cardOf = async (id: string): Promise<string[]> => {
    const { profileId } = await scim.kith.users.get(id)
    const three = await phone.get(`${profileId}.vcf`, { accept: 'text/vcard; version=3.0' })
    const four = await phone.get(`${profileId}.vcf`, { accept: 'text/vcard; version=4.0' })
    return [three.text, four.text]
  }

  for (const [attribute, body] of Object.entries(BODIES)) {
    await t.test(`CR, LF, C0 and U+2028 in ${attribute}: one content line`, async (t) => {
      for (const [at, value] of [...EVIL, ...HUGE].entries()) {
        const id = await client.user(`start ${attribute} ${at}`)
        const made = await client.post('/Users', { schemas: [USER], userName: `${attribute} ${at}`, ...body(value) })
        const patched = await client.patch(`/Users/${id}`, [{ op: 'add', value: body(value) }])
        const wrong = made.status === 201 || made.status === 400 ? [] : [`POST: ${made.status}`]
        if (patched.status !== (made.status === 201 ? 200 : 400)) wrong.push(`PATCH: ${patched.status}`)
        for (const one of made.status === 201 ? [String(made.json.id), id] : [id]) {
          for (const text of await cardOf(one)) wrong.push(...faults(text))
        }
        t.strictSame(wrong.map(harmless), [], `value ${at}: ${made.status}`)
      }
    })
  }

  await t.test('what was said is on the card, breaks of lines too', async (t) => {
    const id = await client.user('plain', { displayName: 'one\r\ntwo; three, four\\', title: 'a\nb' })
    const [text = ''] = await cardOf(id)
    t.match(text, /\r\nFN:one\\ntwo\\; three\\, four\\\\\r\n/)
    t.match(text, /\r\nTITLE:a\\nb\r\n/)
  })

  await t.test('the cards are still cards to a sync, and after another change', async (t) => {
    const { text } = await phone.report(
      phone.people,
      'C:addressbook-query',
      '<D:prop><D:getetag/><C:address-data/></D:prop>',
    )
    const cards = rows(text).flatMap(({ card }) => card ?? [])
    t.ok(cards.length > 100)
    t.strictSame(cards.flatMap(faults).map(harmless), [])
  })
})
