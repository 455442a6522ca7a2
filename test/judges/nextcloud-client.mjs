// @nextcloud/cdav-library as Nextcloud's Contacts uses it, in a process of its own, with jsdom for the browser it expects.
// Its licence is the AGPL, so it is no dependency of Kith: the judge installs it into a folder of its own, the argument.
// One JSON command a line on standard input, one JSON answer a line on standard output; the end of the input ends it.
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const installed = (path) => import(pathToFileURL(join(process.argv[2], 'node_modules', path)).href)
const { JSDOM } = (await installed('jsdom/lib/api.js')).default
const { window } = new JSDOM('', { url: 'http://127.0.0.1/' }) // only to have an origin: nothing is fetched
const { document, DOMParser, XMLSerializer, XPathResult } = window
const { evaluate } = window.Document.prototype
// The one XPath function that the library uses and jsdom lacks.
window.Document.prototype.evaluate = function (expression, node, ...rest) {
  if (expression === 'namespace-uri(.)') return { stringValue: node.namespaceURI }
  return evaluate.call(this, expression, node, ...rest)
}
Object.assign(globalThis, { window, document, DOMParser, XMLSerializer, XPathResult })
const { default: DavClient, namespaces: NS } = await installed('@nextcloud/cdav-library/dist/index.mjs')
const { default: axios } = await installed('@nextcloud/axios/dist/index.js')

// The library's own error tells no status, so it is noted where the answer comes in.
let refusal
axios.interceptors.response.use(undefined, (error) => {
  refusal = { status: error.response?.status, text: `${error.message}\n${error.config?.data}\n${error.response?.data}` }
  return Promise.reject(error)
})

const shownBook = (book) => ({
  url: book.url,
  name: book.displayname,
  description: book.description,
  token: book.syncToken,
  can: [book.canReadObject(), book.canCreateObject(), book.canModifyObject(), book.canDeleteObject()].every(Boolean),
  rename: book.canModifyProperties(),
})
const shownCard = (card) => ({ url: card.url, etag: card.etag, data: card.data, partial: card.isPartial() })

/** A prop-filter with a text-match, as the library's callers write it. */
const matching = ([property, text, type, negate]) => ({
  name: [NS.IETF_CARDDAV, 'prop-filter'],
  attributes: [['name', property]],
  children: [
    {
      name: [NS.IETF_CARDDAV, 'text-match'],
      attributes: [
        ['collation', 'i;unicode-casemap'],
        ['match-type', type],
        ...(negate ? [['negate-condition', 'yes']] : []),
      ],
      value: text,
    },
  ],
})

let home
const books = new Map()
const cards = new Map()
const kept = (card) => {
  cards.set(card.url, card)
  return shownCard(card)
}
const keptBook = (book) => {
  books.set(book.url, book)
  return shownBook(book)
}

const commands = {
  async connect(rootUrl, authorization) {
    const client = new DavClient({ rootUrl, defaultHeaders: { authorization } })
    await client.connect({ enableCardDAV: true })
    home = client.addressBookHomes[0]
    return {
      principal: client.currentUserPrincipal.url,
      name: client.currentUserPrincipal.displayname,
      homes: client.addressBookHomes.map(({ url }) => url),
      features: client.advertisedFeatures,
    }
  },
  async books() {
    return (await home.findAllAddressBooks()).map(keptBook)
  },
  async createBook(name) {
    return keptBook(await home.createAddressBookCollection(name))
  },
  async renameBook(url, name, description) {
    const book = books.get(url)
    book.displayname = name
    book.description = description
    await book.update()
  },
  async deleteBook(url) {
    await books.get(url).delete()
    books.delete(url)
  },
  async cards(url) {
    return (await books.get(url).findAllVCards()).map(kept)
  },
  async query(url, filters, { test, limit, properties } = {}) {
    const wanted = (properties ?? []).map((name) => ({ name: [NS.IETF_CARDDAV, 'prop'], attributes: [['name', name]] }))
    const asked = properties && [
      { name: [NS.DAV, 'getetag'] },
      { name: [NS.DAV, 'getcontenttype'] },
      { name: [NS.DAV, 'resourcetype'] },
      { name: [NS.IETF_CARDDAV, 'address-data'], children: wanted },
    ]
    return (await books.get(url).addressbookQuery(filters?.map(matching), asked, limit, test)).map(shownCard)
  },
  async simple(url, properties) {
    return (await books.get(url).findAllAndFilterBySimpleProperties(properties)).map(shownCard)
  },
  async multiget(url, hrefs) {
    return (await books.get(url).addressbookMultiget(hrefs)).map(kept)
  },
  async createCard(url, data) {
    return kept(await books.get(url).createVCard(data))
  },
  async updateCard(url, data) {
    const card = cards.get(url)
    card.data = data
    await card.update()
    return shownCard(card)
  },
  async fetchCard(url) {
    await cards.get(url).fetchCompleteData(true)
    return shownCard(cards.get(url))
  },
  async deleteCard(url) {
    await cards.get(url).delete()
  },
  async copyCard(url, book) {
    return kept(await cards.get(url).copy(books.get(book)))
  },
  async moveCard(url, book) {
    const card = cards.get(url)
    await card.move(books.get(book))
    cards.delete(url)
    return kept(card)
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...args] = JSON.parse(line)
  refusal = {}
  const answer = await commands[name](...args).then(
    (result) => ({ result: result ?? null }),
    (error) => ({ error: { ...refusal, text: `${error.stack}\n${refusal.text ?? ''}` } }),
  )
  console.log(JSON.stringify(answer))
}
