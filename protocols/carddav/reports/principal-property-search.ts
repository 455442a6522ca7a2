import type { Person, PersonMatch } from '#domain'
import { statusResponse, truncated } from '../multistatus.ts'
import { DAV } from '../names.ts'
import { DavError } from '../preconditions.ts'
import { type Context, principalsOf, type Resource } from '../resources.ts'
import { Responses } from '../responses.ts'
import { wanted } from '../wanted.ts'
import { child, type XmlElement } from '../xml.ts'
import { SEARCHABLE } from './principal-search-property-set.ts'
import type { Report } from './report.ts'

const MAX_ROWS = 100
const MAX_MATCHES = 16

/** RFC 3744 §9.4: parts of names and e-mail addresses, in any case; found by the database. */
export const principalPropertySearch: Report = {
  name: DAV('principal-property-search'),
  on: ['root', 'principals', 'homes', 'home', 'principal', 'address-book'],
  depth: '0',
  run: async (root: XmlElement, resource: Resource, context: Context) => {
    const matches = matchesOf(root)
    const test = root.attributes.get('test') ?? 'allof' // CalendarServer's
    if (test !== 'allof' && test !== 'anyof') throw new DavError(400, 'A test is anyof or allof')
    // What is outside of the principals has no people in it, unless the search is sent to the principals.
    const reaches = resource.kind === 'principals' || resource.kind === 'root'
    const people =
      reaches || child(root, DAV('apply-to-principal-collection-set')) ? await find(matches, test, context) : []
    return answer(root, resource, people, context)
  },
}

/** Undefined for a property that nobody is found by. @throws DavError 400 */
function matchesOf(root: XmlElement): (PersonMatch | undefined)[] {
  const searches = root.children.filter(({ name }) => name === DAV('property-search'))
  const matches = searches.flatMap((search) => {
    const text = child(search, DAV('match'))?.text
    const names = child(search, DAV('prop'))?.children.map(({ name }) => name) ?? []
    if (text === undefined || names.length === 0) throw new DavError(400, 'A property-search has a prop and a match')
    return names.map((name) => {
      const field = SEARCHABLE.get(name)?.field
      return field && { field, text }
    })
  })
  if (matches.length === 0) throw new DavError(400, 'Nothing is searched for')
  if (matches.length > MAX_MATCHES) throw new DavError(400, `At most ${MAX_MATCHES} properties are searched`)
  return matches
}

/** One more than are told, so that we know whether there are more. */
async function find(
  matches: readonly (PersonMatch | undefined)[],
  test: 'allof' | 'anyof',
  { actor, people }: Context,
): Promise<Person[]> {
  const known = matches.flatMap((match) => match ?? [])
  const unknown = known.length < matches.length
  if (known.length === 0 || (unknown && test === 'allof')) return []
  return await people.search(actor, known, test === 'allof' ? 'all' : 'any', MAX_ROWS + 1)
}

async function* answer(
  root: XmlElement,
  resource: Resource,
  people: readonly Person[],
  context: Context,
): AsyncGenerator<string> {
  const responses = child(root, DAV('prop')) ? new Responses(wanted(root), context) : undefined
  for (const principal of principalsOf(context, people.slice(0, MAX_ROWS))) {
    yield responses ? await responses.of(principal) : statusResponse(principal.href, 200)
  }
  if (people.length > MAX_ROWS) yield truncated(resource.href)
}
