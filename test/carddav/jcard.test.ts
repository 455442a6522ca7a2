import t from 'tap'
import { changesNothing, prop, refused, vcard } from '../support/dav.ts'
import { rows, startKith } from '../support/kith.ts'

const running = await startKith(t)
const { organization, device, cardOf } = running
const organizationId = await organization('Space Odyssey', 'spaceodyssey.com', ['David Bowman', 'Ryan Stone'])
const david = await device('david.bowman@spaceodyssey.com')
const ryan = await cardOf('ryan.stone@spaceodyssey.com')
const { people } = david
const JCARD = 'application/vcard+json'
type JCard = ['vcard', [string, Record<string, unknown>, string, ...unknown[]][]]
/** What each property of that name is: parameters, type, values. */
const found = (text: string, name: string) => (JSON.parse(text) as JCard)[1].filter(([one]) => one === name) // a jCard
const full = vcard(
  [
    'UID:j',
    'FN:Zoë',
    'N:Ström;Zoë;;;',
    'BDAY:--0203',
    'item1.TEL;TYPE=cell:+46 1',
    'item1.X-ABLabel:x',
    'NOTE:a\\nb\\, c',
  ],
  '4.0',
)

t.test('RFC 7095 §3: GET as jCard, with a tag of its own', async (t) => {
  const { etag = '' } = (await david.put('j.vcf', full)).headers
  const variant = etag.replace(/"$/, '.j"')
  const answer = await david.get('j.vcf', { accept: JCARD })
  t.equal(answer.status, 200)
  t.match(answer.headers['content-type'], /^application\/vcard\+json/)
  t.strictSame([answer.headers.etag, answer.headers.vary], [variant, 'Accept'])
  t.strictSame(found(answer.text, 'version'), [['version', {}, 'text', '4.0']])
  t.strictSame(found(answer.text, 'fn'), [['fn', {}, 'text', 'Zoë']])
  t.strictSame(found(answer.text, 'n'), [['n', {}, 'text', ['Ström', 'Zoë', '', '', '']]])
  t.strictSame(found(answer.text, 'bday'), [['bday', {}, 'date-and-or-time', '--02-03']], 'RFC 7095 §3.5')
  t.strictSame(found(answer.text, 'note')[0]?.[3], 'a\nb, c')
  t.equal(found(answer.text, 'tel')[0]?.[1].group, 'item1', 'RFC 7095 §3.4: the group is a parameter')
  t.equal((await david.get('j.vcf', { accept: JCARD, 'if-none-match': variant })).status, 304)
  t.equal((await david.get('j.vcf', { accept: JCARD, 'if-none-match': etag })).status, 200, 'of another rendering')
  t.equal((await david.get('j.vcf', { accept: `text/vcard, ${JCARD}` })).text, full, 'what is named first')
  const head = await david.ask('HEAD', `${people}j.vcf`, { headers: { accept: JCARD } })
  t.strictSame([head.headers.etag, head.headers['content-length']], [variant, String(answer.body.length)])
  t.strictSame(found((await david.get(ryan, { accept: JCARD })).text, 'fn')[0]?.[3], 'Ryan Stone', "a colleague's")
})

t.test('RFC 7095 §3, RFC 6352 §6.3.2: PUT of jCard', async (t) => {
  const { text } = await david.get('j.vcf', { accept: JCARD })
  const type = { 'content-type': JCARD }
  const moved = text.replace('"j"', '"k"')
  t.equal((await david.put('k.vcf', moved, type)).status, 201)
  t.strictSame(JSON.parse((await david.get('k.vcf', { accept: JCARD })).text), JSON.parse(moved))
  t.match((await david.get('k.vcf')).text, /^BEGIN:VCARD\r\nVERSION:4\.0\r\n/)
  const variant = (await david.get('k.vcf', { accept: JCARD })).headers.etag ?? ''
  t.equal((await david.put('k.vcf', moved.replace('Zoë', 'Zoe'), { ...type, 'if-match': variant })).status, 204)
  await changesNothing(t, running, organizationId, async () => {
    for (const bad of [
      '',
      '{}',
      '[]',
      '["vcard"]',
      '["vcard", [["fn"]]]',
      '["vcal", []]',
      full,
      '["vcard", [["fn", {}, "text", "x"]]',
    ]) {
      refused(t, await david.put('bad.vcf', bad, type), 403, 'C:valid-address-data', bad.slice(0, 40))
    }
    refused(t, await david.put('bad.vcf', moved, type), 403, 'C:no-uid-conflict')
  })
})

t.test('RFC 6352 §10.4: address-data as jCard, and in part', async (t) => {
  const data = async (asked: string) => {
    const inner = `<D:prop>${asked}</D:prop><D:href>${people}j.vcf</D:href>`
    const answer = await david.report(people, 'C:addressbook-multiget', inner)
    return {
      answer,
      text:
        /<C:address-data[^>]*>(.*?)<\/C:address-data>/s
          .exec(answer.text)?.[1]
          ?.replace(/&#13;/g, '\r')
          .replaceAll('&quot;', '"') ?? '',
    }
  }
  const json = await data(`<C:address-data content-type="${JCARD}" version="4.0"/>`)
  t.strictSame(JSON.parse(json.text), JSON.parse((await david.get('j.vcf', { accept: JCARD })).text))
  refused(
    t,
    (await data(`<C:address-data content-type="${JCARD}" version="3.0"/>`)).answer,
    403,
    'C:supported-address-data',
  )
  const lines = async (inner: string) =>
    (await data(`<C:address-data content-type="text/vcard" version="4.0">${inner}</C:address-data>`)).text
      .trimEnd()
      .split(/\r?\n/)
  t.strictSame(await lines('<C:prop name="FN"/>'), ['BEGIN:VCARD', 'VERSION:4.0', 'FN:Zoë', 'END:VCARD'])
  t.strictSame(await lines('<C:prop name="fn" novalue="yes"/><C:prop name="VERSION"/>'), [
    'BEGIN:VCARD',
    'VERSION:4.0',
    'FN:',
    'END:VCARD',
  ])
  const tel = ['BEGIN:VCARD', 'VERSION:4.0', 'item1.TEL;TYPE=cell:+46 1', 'END:VCARD']
  t.strictSame(await lines('<C:prop name="TEL"/>'), tel, 'RFC 6352 §10.4.2: whatever its group')
  t.strictSame(await lines('<C:prop name="item1.TEL"/>'), tel, 'of that group')
  t.strictSame(await lines('<C:prop name="item2.TEL"/>'), ['BEGIN:VCARD', 'VERSION:4.0', 'END:VCARD'])
  t.equal((await lines('<C:allprop/>')).length, full.trimEnd().split('\r\n').length)
  const [row] = rows((await data('<D:getetag/>')).answer.text)
  t.equal(prop(row, 'D:getetag'), (await david.get('j.vcf')).headers.etag)
})
