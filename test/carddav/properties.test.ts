import t from 'tap'
import { parseXml, type XmlElement } from '../../protocols/carddav/xml.ts'
import { changesNothing, propstats, refused, vcard } from '../support/dav.ts'
import { type Answer, rows, startKith } from '../support/kith.ts'

const running = await startKith(t)
const { organization, device, cardOf } = running
const organizationId = await organization('Space Odyssey', 'spaceodyssey.com', ['David Bowman', 'Ryan Stone'])
const david = await device('david.bowman@spaceodyssey.com')
const other = await device('ryan.stone@spaceodyssey.com')
const ryan = await cardOf('ryan.stone@spaceodyssey.com')
const own = await cardOf('david.bowman@spaceodyssey.com')
const { home, people } = david
await david.put('mine.vcf', vcard(['UID:mine', 'FN:Mine']))
await david.ask('MKCOL', `${home}book/`)
const PLACES = [`${people}mine.vcf`, people + ryan, people, `${home}book/`, home]
const patch = (path: string, inner: string, attributes = '') =>
  david.ask('PROPPATCH', path, {
    body: `<D:propertyupdate xmlns:D="DAV:" xmlns:CS="http://calendarserver.org/ns/"${attributes}>${inner}</D:propertyupdate>`,
  })
const set = (props: string, attributes = '') => `<D:set><D:prop${attributes}>${props}</D:prop></D:set>`
const remove = (props: string) => `<D:remove><D:prop>${props}</D:prop></D:remove>`
/** What XML means, prefixes and the order of attributes aside. */
const meaning = ({ name, attributes, children, text }: XmlElement): unknown => ({
  name,
  attributes: Object.fromEntries([...attributes].sort()),
  children: children.map(meaning),
  text,
})
/** The property as it is given out, found by its local name among those that are there. */
async function read(path: string, asked: string, local = 'p'): Promise<XmlElement | undefined> {
  const { body } = await david.propfind(path, '0', `<D:prop>${asked}</D:prop>`)
  const find = (element: XmlElement): XmlElement | undefined => {
    if (element.name.endsWith('propstat')) {
      if (!element.children.some((one) => one.name.endsWith('status') && one.text.includes('200'))) return undefined
      const prop = element.children.find((one) => one.name.endsWith('prop'))
      return prop?.children.find((one) => one.name.endsWith(local))
    }
    for (const one of element.children) {
      const found = find(one)
      if (found) return found
    }
    return undefined
  }
  return find(parseXml(body))
}
const statuses = ({ text }: Answer) => propstats(rows(text)[0] ?? { xml: '' }).map(({ status }) => status)

t.test('RFC 4918 §4.3: dead properties keep what their XML means, wherever they are kept', async (t) => {
  const values: [string, string, string][] = [
    ['text', '<p xmlns="urn:x">a &amp; b &lt;c&gt; ]]&gt; "\'</p>', '<p xmlns="urn:x"/>'],
    ['unicode', '<p xmlns="urn:x">Zoë 猫 𝒳 e\u0301</p>', '<p xmlns="urn:x"/>'],
    ['elements', '<p xmlns="urn:x"><a><b/><b>1</b></a><c xmlns="urn:c"/></p>', '<p xmlns="urn:x"/>'],
    ['attributes', '<x:p xmlns:x="urn:x" xmlns:y="urn:y" y:a="1" a="&lt;&quot;&amp;" x:b="2"/>', '<p xmlns="urn:x"/>'],
    ['white space', '<p xmlns="urn:x">  a\n\tb  </p>', '<p xmlns="urn:x"/>'],
    ['its own language', '<p xmlns="urn:x" xml:lang="fr">chat</p>', '<p xmlns="urn:x"/>'],
    ['no namespace', '<p xmlns="">none</p>', '<p xmlns=""/>'],
    ['a namespace with odd signs', '<p xmlns="http://x/?a=1&amp;b=2#">odd</p>', '<p xmlns="http://x/?a=1&amp;b=2#"/>'],
    ['nothing', '<p xmlns="urn:x"/>', '<p xmlns="urn:x"/>'],
  ]
  for (const path of PLACES) {
    for (const [what, value, asked] of values) {
      const done = await patch(path, set(value))
      t.strictSame([done.status, statuses(done)], [207, [200]], `${what} at ${path}`)
      const found = await read(path, asked)
      t.strictSame(found && meaning(found), meaning(parseXml(Buffer.from(value))), what)
    }
  }
  t.equal((await other.propfind(people, '0', '<D:propname/>')).status, 404, "they are nobody else's")
})

t.test('RFC 4918 §4.3: mixed content keeps its order', async (t) => {
  const path = PLACES[0] ?? ''
  await patch(path, set('<x:p xmlns:x="urn:x">one <x:b>two</x:b> three <x:i/>four</x:p>'))
  const { text } = await david.propfind(path, '0', '<D:prop><p xmlns="urn:x"/></D:prop>')
  t.match(text, />one <[^>]*b\b[^>]*>two<\/[^>]*> three <[^>]*i\b[^>]*?(\/>|><\/[^>]*>)four</)
})

t.test('RFC 4918 §4.3: the xml:lang around a property is kept with it', async (t) => {
  const asked = '<p xmlns="urn:x"/>'
  const language = async () =>
    [...((await read(people, asked))?.attributes ?? [])].find(([name]) => /lang$/.test(name))?.[1]
  await patch(people, set('<p xmlns="urn:x">a</p>'), ' xml:lang="de"')
  t.equal(await language(), 'de', 'on the whole')
  await patch(people, set('<p xmlns="urn:x">a</p>', ' xml:lang="it"'), ' xml:lang="de"')
  t.equal(await language(), 'it', 'on prop')
  await patch(people, set('<p xmlns="urn:x" xml:lang="en">a</p>', ' xml:lang="it"'))
  t.equal(await language(), 'en', 'its own')
  await patch(people, set('<p xmlns="urn:x">a</p>'))
  t.equal(await language(), undefined)
})

t.test('RFC 4918 §9.1, §14.23: removal, names and allprop', async (t) => {
  for (const path of PLACES) {
    await patch(path, set('<q xmlns="urn:x">1</q><r xmlns="urn:x">2</r>'))
    const names = await david.propfind(path, '0', '<D:propname/>')
    t.match(names.text, /\bq\b[^>]*\/>/, `propname ${path}`)
    t.match((await david.propfind(path, '0', '<D:allprop/>')).text, />1</, 'allprop has dead properties')
    t.strictSame(statuses(await patch(path, remove('<q xmlns="urn:x"/><never xmlns="urn:x"/>'))), [200])
    t.equal(await read(path, '<q xmlns="urn:x"/>', 'q'), undefined)
    t.equal((await read(path, '<r xmlns="urn:x"/>', 'r'))?.text, '2', 'the others stay')
  }
})

t.test('RFC 4918 §9.2: instructions are followed in their order, all or none', async (t) => {
  const one = (value: string) => `<o xmlns="urn:x">${value}</o>`
  const value = async () => (await read(people, '<o xmlns="urn:x"/>', 'o'))?.text
  await patch(people, set(one('1')) + remove(one('')) + set(one('2')))
  t.equal(await value(), '2')
  await patch(people, set(one('3')) + remove(one('')))
  t.equal(await value(), undefined)
  await patch(people, remove(one('')) + set(`${one('4')}${one('5')}`))
  t.equal(await value(), '5')
  for (const path of PLACES) {
    await changesNothing(t, running, organizationId, async () => {
      await patch(path, set(one('kept')))
      const mixed = await patch(path, set(`${one('6')}<D:getetag>x</D:getetag>`) + remove(one('')))
      const [first, rest] = propstats(rows(mixed.text)[0] ?? { xml: '' })
      t.strictSame([first?.status, first?.condition], [403, 'D:cannot-modify-protected-property'], path)
      t.strictSame([rest?.status, rest?.props.size], [424, 1])
      t.equal((await read(path, '<o xmlns="urn:x"/>', 'o'))?.text, 'kept')
    })
  }
  t.equal((await david.ask('PROPPATCH', people, { body: '<D:propertyupdate xmlns:D="DAV:"><D:set>' })).status, 400)
  t.equal((await other.ask('PROPPATCH', people, { body: '<D:propertyupdate xmlns:D="DAV:"/>' })).status, 404)
})

t.test('CalendarServer me-card: my own card, or another one of my books', async (t) => {
  const asked = '<CS:me-card xmlns:CS="http://calendarserver.org/ns/"/>'
  const card = async () => (await read(home, asked, 'me-card'))?.children[0]?.text
  const me = (href: string) => `<CS:me-card><D:href>${href}</D:href></CS:me-card>`
  t.equal(await card(), people + own)
  t.strictSame(statuses(await patch(home, set(me(`${people}mine.vcf`)))), [200])
  t.equal(await card(), `${people}mine.vcf`)
  for (const wrong of ['/dav/', people, `${other.people}x.vcf`, 'http://elsewhere.example/x.vcf', '']) {
    t.strictSame(statuses(await patch(home, set(me(wrong)))), [409], wrong)
  }
  t.strictSame(statuses(await patch(home, set(`${me('/dav/')}<p xmlns="urn:x">no</p>`))), [409, 424])
  t.equal(await card(), `${people}mine.vcf`)
  t.strictSame(statuses(await patch(home, remove('<CS:me-card/>'))), [200])
  t.equal(await card(), people + own, 'without one it is my own again')
})

t.test('RFC 4331 §6: clients keep so much', async (t) => {
  const path = `${people}mine.vcf`
  const big = (name: string, bytes: number) => `<${name} xmlns="urn:x">${'x'.repeat(bytes)}</${name}>`
  await patch(path, set('<big xmlns="urn:x">small</big>'))
  refused(t, await patch(path, set(big('big', 256 * 1024))), 507, 'D:quota-not-exceeded')
  t.equal((await read(path, '<big xmlns="urn:x"/>', 'big'))?.text, 'small')
  let full: Answer | undefined
  for (let i = 0; i < 80 && full?.status !== 507; i++) full = await patch(path, set(big(`b${i}`, 250_000)))
  refused(t, full ?? (await patch(path, '')), 507, 'D:quota-not-exceeded', 'all together')
  t.strictSame(statuses(await patch(path, remove('<b0 xmlns="urn:x"/>'))), [200], 'removing helps')
  t.strictSame(statuses(await patch(path, set(big('b0', 200_000)))), [200])
})
