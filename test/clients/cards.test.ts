import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { convert, meaning, parseVCard, properties, type VCard } from '#vcard'
import { changesNothing, withLines } from '../support/dav.ts'
import { rows, startKith } from '../support/kith.ts'

const folder = new URL('./cards/', import.meta.url)
const files = readdirSync(folder).filter((name) => name.endsWith('.vcf'))

const running = await startKith(t)
const { organization, device, cardOf } = running
const organizationId = await organization('Space Odyssey', 'spaceodyssey.com', ['David Bowman', 'Ryan Stone'])
const david = await device('david.bowman@spaceodyssey.com')
const ryan = await cardOf('ryan.stone@spaceodyssey.com')

const multiget = async (name: string, version: string) => {
  const href = david.people + encodeURIComponent(name)
  const inner = `<D:prop><D:getetag/><C:address-data content-type="text/vcard" version="${version}"/></D:prop><D:href>${href}</D:href>`
  const { text } = await david.report(david.people, 'C:addressbook-multiget', inner)
  return { text, row: rows(text)[0] }
}

for (const file of files) {
  t.test(`RFC 6352 §6.3.2.3: ${file} comes back byte for byte`, async (t) => {
    const sent = readFileSync(new URL(file, folder))
    const put = await david.put(file, sent, { 'if-none-match': '*' })
    t.equal(put.status, 201)
    t.match(put.headers.etag, /^"[^"]+"$/, 'strong, and in the answer')
    const got = await david.get(file)
    t.ok(got.body.equals(sent), 'the same bytes')
    t.equal(got.headers.etag, put.headers.etag)
    t.equal(got.headers['content-length'], String(sent.length))
    await changesNothing(t, running, organizationId, async () => {
      const again = await david.put(file, sent, { 'if-match': put.headers.etag })
      t.strictSame([again.status, again.headers.etag], [204, put.headers.etag])
    })
    const text = sent.toString()
    const version = /^VERSION:4/im.test(text) ? '4.0' : '3.0'
    const { row, text: xml } = await multiget(file, version)
    t.equal(row?.etag, put.headers.etag)
    t.notMatch(xml, '\r', 'CR as a reference: a bare one would be read as LF')
    if (Buffer.from(text).equals(sent)) t.equal(row?.card, text, 'as text in XML too')
    else t.equal(parseVCard(row?.card ?? '').lines.length > 5, true, 'what is no UTF-8 before unfolding, unfolded')
    t.equal((await david.delete(file)).status, 204)
  })
}

/** Everything that a card says but for what is about the card: the base's own lines, and UID, REV, PRODID, VERSION. */
const said = (card: VCard): Set<string> =>
  new Set(
    properties(convert(card, '4.0').lines)
      .filter(({ line }) => !['UID', 'REV', 'PRODID', 'VERSION'].includes(line.name))
      .map(meaning),
  )

for (const file of files) {
  t.test(`An override keeps what ${file} says`, async (t) => {
    const bytes = readFileSync(new URL(file, folder))
    const text = bytes.toString('latin1').replace(/^UID:.*(\r?\n[ \t].*)*\r?\n/im, '') // folds inside a character stay
    const uid = ryan.slice(0, -4)
    const mine = Buffer.from(text.replace(/^(VERSION:.*?)(\r?\n)/im, `$1$2UID:${uid}$2`), 'latin1')
    const put = await david.put(ryan, mine)
    t.equal(put.status, 204)
    const wanted = said(parseVCard(unfolded(mine)))
    const hasName = [...wanted].some((one) => one.startsWith('N\x1c')) // 3.0 cannot do without an N
    for (const accept of ['text/vcard;version=3.0', 'text/vcard;version=4.0']) {
      const got = said(parseVCard((await david.get(ryan, { accept })).text))
      t.strictSame([...wanted].filter((one) => !got.has(one)).sort(), [], `nothing is lost in ${accept}`)
      const more = [...got].filter((one) => !wanted.has(one) && !(one.startsWith('N\x1c') && !hasName))
      t.strictSame(more, [], `nothing is added in ${accept}`)
    }
    const three = (await david.get(ryan)).text
    await changesNothing(t, running, organizationId, async () => {
      t.equal((await david.put(ryan, three)).status, 204, 'and what was served, sent back, changes nothing')
    })
    t.equal((await david.put(ryan, withLines(three, 'X-MORE:1'))).status, 204)
    t.match((await david.get(ryan)).text, 'X-MORE:1')
    t.equal((await david.delete(ryan)).status, 204)
  })
}

/** A card whose folds may stand inside characters, as text. */
function unfolded(bytes: Buffer): string {
  return Buffer.from(bytes.toString('latin1').replace(/\r?\n[ \t]/g, ''), 'latin1').toString()
}
