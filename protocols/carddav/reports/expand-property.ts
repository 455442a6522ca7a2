import { statusResponse } from '../multistatus.ts'
import { CARDDAV, DAV, type QName } from '../names.ts'
import { DavError, tooManyMatches } from '../preconditions.ts'
import { type Context, findResource, isCard, OPEN_KINDS, type Resource } from '../resources.ts'
import { Responses } from '../responses.ts'
import { hrefPath, parsePath } from '../urls.ts'
import type { Wanted } from '../wanted.ts'
import type { XmlElement } from '../xml.ts'
import { replaceHrefs } from './hrefs.ts'
import type { Report } from './report.ts'

const MAX_LEVELS = 8
const MAX_RESOURCES = 1_000

/** RFC 3253 §3.8: properties, and in the place of hrefs in them what those resources say, level by level. */
export const expandProperty: Report = {
  name: DAV('expand-property'),
  on: OPEN_KINDS,
  depth: '0',
  run: async (root: XmlElement, resource: Resource, context: Context) => {
    const wish = wishOf(root, 1)
    const body = bodyOf(wish)
    const address = body === 'none' ? undefined : parsePath(resource.href)
    const whole = await new Expansion(context).of(
      (address && (await findResource(context, address, body))) ?? resource,
      wish,
    )
    return parts(whole) // read to its end first: what is refused is refused as a whole
  },
}

async function* parts(whole: string): AsyncGenerator<string> {
  yield whole
}

/** The properties that are wanted, and of the resources in each the properties that are wanted of them. */
type Wish = ReadonlyMap<QName, Wish>

const LOCAL_NAME = /^[\p{L}_][\p{L}\p{N}\p{M}._-]*$/u

function wishOf({ children }: XmlElement, level: number): Wish {
  if (level > MAX_LEVELS) throw tooManyMatches(`Properties are expanded ${MAX_LEVELS} levels deep`)
  const wish = new Map<QName, Wish>()
  for (const one of children) {
    if (one.name !== DAV('property')) continue
    const local = one.attributes.get('name') ?? ''
    const namespace = one.attributes.get('namespace') ?? 'DAV:'
    if (!LOCAL_NAME.test(local) || namespace.includes('}')) throw new DavError(400, 'A property has a name')
    const inside = one.children.length === 0 ? (new Map() as Wish) : wishOf(one, level + 1)
    const name: QName = `{${namespace}}${local}`
    wish.set(name, new Map([...(wish.get(name) ?? []), ...inside]))
  }
  return wish
}

class Expansion {
  readonly #context: Context
  #read = 0
  constructor(context: Context) {
    this.#context = context
  }

  async of(resource: Resource, wish: Wish): Promise<string> {
    this.#read += 1
    if (this.#read > MAX_RESOURCES) throw tooManyMatches(`At most ${MAX_RESOURCES} resources are expanded`)
    const nested = [...wish].filter(([, inside]) => inside.size > 0)
    const body = bodyOf(wish)
    const wanted: Wanted = {
      mode: 'prop',
      names: [...wish.keys()],
      body,
      row: body,
      expand: new Map(nested.map(([name, inside]) => [name, (value) => this.#expand(value, inside)])),
    }
    const responses = new Responses(wanted, this.#context)
    return isCard(resource) ? await responses.ofCards(resource.collection, [resource]) : await responses.of(resource)
  }

  /** An href that is none of ours stays one; of ours, one that the reader does not see is 404. */
  #expand = (value: string, wish: Wish): Promise<string> =>
    replaceHrefs(value, async (href) => {
      const path = hrefPath(href, this.#context.host)
      if (path === undefined) return undefined
      const address = parsePath(path)
      const resource = address && (await findResource(this.#context, address, bodyOf(wish)))
      return resource ? await this.of(resource, wish) : statusResponse(path, 404)
    })
}

const bodyOf = (wish: Wish): '3.0' | 'none' => (wish.has(CARDDAV('address-data')) ? '3.0' : 'none')
