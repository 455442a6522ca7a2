// What runs within Thunderbird: the text of this class is sent there, command by command, so it may name nothing outside
// itself but what Thunderbird has. Books are named by what David or Ryan call them.

export class Inside {
  modules(...names) {
    return Object.assign({}, ...names.map((name) => ChromeUtils.importESModule(`resource:///modules/${name}.sys.mjs`)))
  }

  book(name) {
    const { MailServices, CardDAVDirectory } = this.modules('MailServices', 'CardDAVDirectory')
    const directory = MailServices.ab.directories.find(({ dirName }) => dirName === name)
    return CardDAVDirectory.forFile(directory.fileName)
  }

  card(name, uid) {
    return this.book(name).getCard(uid)
  }

  async until(what, ready) {
    const end = Date.now() + 30_000
    while (!ready()) {
      if (Date.now() > end) throw new Error(`not within 30 s: ${what}`)
      await new Promise((resolve) =>
        ChromeUtils.importESModule('resource://gre/modules/Timer.sys.mjs').setTimeout(resolve, 50),
      )
    }
  }

  /** As "Add CardDAV Address Book" does it: finds the books, adds the first and calls it `name`. */
  async addBook(name, username, password, url) {
    const { CardDAVUtils } = this.modules('CardDAVUtils')
    const found = await CardDAVUtils.detectAddressBooks(username, password, url)
    const directory = await found[0].create()
    directory.dirName = name
    await this.until('the first listing is done', () => directory._syncToken !== '')
    return {
      found: found.map((book) => ({ name: book.name, path: book.url.pathname })),
      readOnly: directory.readOnly,
      lists: directory.supportsMailingLists,
    }
  }

  /** As the "Synchronize" command does it. */
  async sync(name) {
    await this.book(name).syncWithServer()
  }

  /** What the list and the contact's page show. */
  contacts(name) {
    return this.book(name).childCards.map((card) => ({
      uid: card.UID,
      href: card.getProperty('_href', ''),
      name: card.displayName,
      emails: card.emailAddresses,
      phones: card.vCardProperties?.getAllValues('tel').map((value) => String(value)) ?? [],
      photo: card.photoURL,
      isMailList: card.isMailList,
      vcard: card.getProperty('_vCard', ''),
    }))
  }

  /** Whom the composer offers while one types. */
  async complete(typed) {
    const search = Cc['@mozilla.org/autocomplete/search;1?name=addrbook'].createInstance(Ci.nsIAutoCompleteSearch)
    const result = await new Promise((resolve) => {
      search.startSearch(typed, JSON.stringify({ type: 'addr_to', idKey: '' }), null, {
        onSearchResult: (_, found) => {
          if (found.searchResult !== found.RESULT_SUCCESS_ONGOING) resolve(found)
        },
      })
    })
    return Array.from({ length: result.matchCount }, (_, index) => result.getValueAt(index))
  }

  /** As the contact's editor does it: more entries on the vCard, and the whole of it kept. */
  edit(name, uid, entries) {
    const { VCardProperties, VCardPropertyEntry } = this.modules('VCardUtils')
    const card = this.card(name, uid)
    const properties = VCardProperties.fromVCard(card.getProperty('_vCard', ''))
    for (const [property, parameters, type, value] of entries) {
      properties.addEntry(new VCardPropertyEntry(property, parameters, type, value))
    }
    card.setProperty('_vCard', properties.toVCard())
    this.book(name).modifyCard(card)
  }

  /** As "New Contact" does it; answers the UID. */
  add(name, entries) {
    const { VCardProperties, VCardPropertyEntry, AddrBookCard } = this.modules('VCardUtils', 'AddrBookCard')
    const properties = new VCardProperties('4.0')
    for (const [property, parameters, type, value] of entries) {
      properties.addEntry(new VCardPropertyEntry(property, parameters, type, value))
    }
    const card = new AddrBookCard()
    card.setProperty('_vCard', properties.toVCard())
    return this.book(name).addCard(card).UID
  }

  remove(name, uid) {
    this.book(name).deleteCards([this.card(name, uid)])
  }

  token(name) {
    return this.book(name)._syncToken
  }

  setToken(name, token) {
    this.book(name)._syncToken = token
  }
}
