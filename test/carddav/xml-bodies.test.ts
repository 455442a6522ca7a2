import t from 'tap'
import { type Exchange, XmlBodies } from '../../protocols/carddav/methods/exchange.ts'
import { BadXml, parseXml, type XmlElement } from '../../protocols/carddav/xml.ts'

const exchange = (body: string) => ({ request: { body: Buffer.from(body) } }) as unknown as Exchange // all that is read of it
/** What a tree says, whatever stands between its elements. */
const plain = ({ name, attributes, children, text }: XmlElement): object => ({
  name,
  attributes: [...attributes],
  text: text.trim(),
  children: children.map(plain),
})
const run = (tag: string, from: number, count: number) =>
  Array.from({ length: count }, (_, at) => `<${tag}>/dav/b/${from + at}.vcf</${tag}>`).join('\n')
const multiget = (inside: string) => `<m xmlns="urn:x" xmlns:D="DAV:" xmlns:E="DAV:" xmlns:O="urn:o">${inside}</m>`

t.test('a body whose hrefs are taken out is read as if they were not', async (t) => {
  const bodies = new XmlBodies()
  for (const inside of [
    run('D:href', 0, 3),
    run('D:href', 7, 3),
    `<D:prop><D:getetag/></D:prop>${run('D:href', 0, 40)}<D:sync-token>urn:kith:sync:1:x</D:sync-token>`,
    `${run('D:href', 0, 2)}${run('E:href', 2, 2)}`,
    `${run('O:href', 0, 3)}${run('D:href', 3, 3)}`,
    `${run('D:href', 0, 2)}<D:prop/>${run('D:href', 2, 2)}`,
    `<D:group>${run('D:href', 0, 3)}</D:group>${run('D:href', 3, 3)}`,
    `<D:href>/</D:href><D:href>/</D:href>${run('D:href', 0, 2)}`,
    `<D:href a="1">/</D:href>${run('D:href', 0, 3)}`,
    `${run('D:href', 0, 2)}<D:href>/a&amp;b</D:href>${run('D:href', 2, 2)}`,
    `<!-- ${run('D:href', 0, 3)} -->${run('D:href', 3, 3)}`,
    `<D:href><![CDATA[${run('D:href', 0, 3)}]]></D:href>`,
    `<O:hrefs/>${run('D:href', 0, 3)}`,
  ]) {
    const body = multiget(inside)
    for (const time of ['first', 'known']) {
      const root = bodies.read(exchange(body))
      t.strictSame(root && plain(root), plain(parseXml(Buffer.from(body))), `${time}: ${inside.slice(0, 60)}`)
    }
  }
})

t.test('what is no XML is none, with many hrefs as well', async (t) => {
  const bodies = new XmlBodies()
  for (const body of [
    `<m xmlns:D="DAV:">${run('D:href', 0, 3)}`,
    multiget(run('U:href', 0, 3)),
    multiget(`${run('D:href', 0, 3)}</D:group>`),
    `${run('D:href', 0, 3)}`,
  ]) {
    let thrown: unknown
    try {
      bodies.read(exchange(body))
    } catch (error) {
      thrown = error
    }
    t.ok(thrown instanceof BadXml, body.slice(0, 60))
  }
})
