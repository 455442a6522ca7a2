/** What the registries cannot tell: where Kith knowingly does something else than an RFC says, or nothing, and why. */
export interface Known {
  readonly where: string
  readonly what: string
  readonly answer: 'not served' | 'different'
  readonly why: string
}

const no = (where: string, what: string, why: string): Known => ({ where, what, answer: 'not served', why })
const differs = (where: string, what: string, why: string): Known => ({ where, what, answer: 'different', why })

export const KNOWN: readonly Known[] = [
  no(
    'RFC 3253 §3.8',
    'expand-property with a Depth above 0',
    '400: it would multiply what is already a tree of answers',
  ),
  differs(
    'RFC 3253 §3.8',
    'How far properties are expanded',
    '8 levels and 1,000 resources, else 403 number-of-matches-within-limits',
  ),
  no('RFC 3253', 'Versioning', 'a replaced card is kept 30 days and restored from the command line, not by WebDAV'),
  no(
    'RFC 3744 §3.5, §3.8',
    'The privileges unlock and write-acl',
    'locks are among one person’s devices, and access is fixed',
  ),
  differs(
    'RFC 3744 §4.3, §4.4',
    'Groups as principals',
    'teams are group cards, not principals: both properties are empty',
  ),
  no('RFC 3744 §5.2', 'DAV:group', 'optional; there are no owning groups'),
  no(
    'RFC 3744 §8.1',
    'The ACL method',
    '405: who sees what is decided by the organization, and told by protected entries',
  ),
  differs('RFC 3744 §9.3', 'principal-match in a directory', 'what is in a directory is not listed, only searched'),
  differs(
    'RFC 3744 §9.4',
    'principal-property-search',
    'names and e-mail addresses are searched; of any other property nothing is found',
  ),
  no('RFC 4331 §3', 'DAV:quota-available-bytes', 'a person’s cards have no limit that could be told'),
  no('RFC 4918 §9.1', 'PROPFIND with Depth infinity', '403 propfind-finite-depth, as the RFC allows'),
  no('RFC 4918 §9.8.3', 'COPY of a book', '403: a book is made by MKCOL, its cards are copied one by one'),
  no('RFC 4918 §15.3', 'DAV:getcontentlanguage', 'a card has no one language'),
  no(
    'RFC 5842 §3.1',
    'DAV:resource-id of a card',
    'one card is another resource for each reader, and no id of that is kept',
  ),
  no('RFC 5842 §3.2, §4, §5, §6', 'DAV:parent-set, BIND, UNBIND, REBIND', 'a card is in one book'),
  differs(
    'RFC 6352 §8.6',
    'addressbook-query without Depth',
    'is about the cards of the book, as with Depth 1: clients mean that',
  ),
  no('RFC 6352 §8.2', 'Reports about cards on ordinary collections', 'optional; a query is sent to each book'),
  no('RFC 6352 §11', 'SRV and TXT records', 'the operator’s DNS; /.well-known/carddav (RFC 6764) is served'),
  differs(
    'RFC 6578 §3.2',
    'sync-collection with a Depth above 0',
    'is answered as with 0, not by 400: Thunderbird sends 1',
  ),
  differs('RFC 6578 §3.2', 'valid-sync-token for Thunderbird', 'comes with 400, on which alone it lists anew'),
  differs('RFC 6578 §3.3', 'sync-level infinite', 'is answered as 1; each book is synced by itself'),
  differs(
    'draft-daboo-carddav-directory-gateway-02 §6',
    'addressbook-query in a directory',
    'asks for a text of at least 2 characters and gets at most 100 cards',
  ),
  no(
    'draft-daboo-carddav-directory-gateway-02 §5',
    'COPY out of a directory',
    '403: who writes a card of their own, puts it',
  ),
]

/** Where each condition is defined that is named in a refusal. */
export const CONDITIONS: Readonly<Record<string, string>> = {
  'C:max-resource-size': 'RFC 6352 §6.3.2.1',
  'C:no-uid-conflict': 'RFC 6352 §6.3.2.1',
  'C:supported-address-data': 'RFC 6352 §6.3.2.1, §8.6, §8.7',
  'C:supported-collation': 'RFC 6352 §8.6',
  'C:supported-filter': 'RFC 6352 §8.6',
  'C:valid-address-data': 'RFC 6352 §6.3.2.1',
  'D:cannot-modify-protected-property': 'RFC 4918 §16',
  'D:lock-token-matches-request-uri': 'RFC 4918 §16',
  'D:lock-token-submitted': 'RFC 4918 §16',
  'D:need-privileges': 'RFC 3744 §7.1.1',
  'D:no-conflicting-lock': 'RFC 4918 §16',
  'D:number-of-matches-within-limits': 'RFC 3744 §9.2, §9.4, RFC 6352 §8.6.2, RFC 6578 §3.2',
  'D:parent-resource-must-exist': 'RFC 3253 §1.6',
  'D:propfind-finite-depth': 'RFC 4918 §16',
  'D:quota-not-exceeded': 'RFC 4331 §6',
  'D:resource-must-be-null': 'RFC 4918 §9.3',
  'D:supported-report': 'RFC 3253 §3.6',
  'D:valid-resourcetype': 'RFC 5689 §3.3',
  'D:valid-sync-token': 'RFC 6578 §3.2',
}

/** The RFCs of SCIM and of who may come to it: these have a table of their own. */
export const OF_SCIM: ReadonlySet<string> = new Set(
  ['6749', '6750', '7517', '7519', '7642', '7643', '7644', '8414', '8725', '9068', '9865'].map(
    (number) => `RFC ${number}`,
  ),
)
