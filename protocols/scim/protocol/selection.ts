import type { Attribute } from '../schema/attribute.ts'
import { attributesOfType, type Name, type ResourceType, resolve } from '../schema/resource-type.ts'

/** Parts of an attribute, or all of it. */
type Parts = ReadonlySet<string> | 'all'

function named(names: readonly Name[], type: ResourceType, strict: boolean): ReadonlyMap<string, Parts> {
  const found = new Map<string, Parts>()
  for (const name of names) {
    const target = resolve(type, name, strict)
    if (!target) continue // of another type, or of nobody: there is nothing to show or to leave out
    if ('extension' in target) for (const one of target.extension.attributes) found.set(one.name, 'all')
    else {
      const before = found.get(target.attribute.name) ?? new Set<string>()
      const { sub } = target
      found.set(target.attribute.name, before === 'all' || !sub ? 'all' : new Set([...before, sub.name]))
    }
  }
  return found
}

const BY_DEFAULT = new Map<ResourceType, Selection>()

/**
 * Which attributes a client wants to see of a resource (RFC 7644 §3.9): of those that are returned by default, only the
 * ones named by `attributes`, or all but those named by `excludedAttributes`. Some are always returned.
 */
export class Selection {
  readonly #type: ResourceType
  readonly #only: ReadonlyMap<string, Parts> | undefined
  readonly #but: ReadonlyMap<string, Parts>
  readonly #known: ReadonlyMap<string, Attribute>
  readonly #extension: ReadonlySet<string>

  private constructor(type: ResourceType, strict: boolean, only: readonly Name[], but: readonly Name[]) {
    this.#type = type
    this.#only = only.length > 0 ? named(only, type, strict) : undefined
    this.#but = named(but, type, strict)
    this.#known = new Map(attributesOfType(type).map((one) => [one.name, one]))
    this.#extension = new Set(type.extension.attributes.map(({ name }) => name))
  }

  /** Where a client asks for nothing, and most do, all resources of a type are shown alike. */
  static of(type: ResourceType, strict: boolean, only: readonly Name[], but: readonly Name[]): Selection {
    if (only.length > 0 || but.length > 0) return new Selection(type, strict, only, but)
    const known = BY_DEFAULT.get(type) ?? new Selection(type, strict, [], [])
    BY_DEFAULT.set(type, known)
    return known
  }

  /** Whether the client said what it wants to see. */
  get isTold(): boolean {
    return this.#only !== undefined || this.#but.size > 0
  }

  wants(name: string): boolean {
    const attribute = this.#known.get(name)
    if (!attribute) return false
    if (attribute.returned === 'always') return true
    if (this.#only) return this.#only.has(name) && this.#but.get(name) !== 'all'
    return this.#but.get(name) !== 'all' && attribute.returned === 'default'
  }

  /** The resource as it is sent, of its attributes in one object: those of the extension under its URN. */
  show(attributes: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const extension: Record<string, unknown> = {}
    const shown: Record<string, unknown> = { schemas: [this.#type.schema.id] }
    for (const [name, value] of Object.entries(attributes)) {
      const inside = this.#extension.has(name)
      if (value === undefined || !this.wants(name)) continue
      const part = this.#part(name, value)
      if (inside) extension[name] = part
      else shown[name] = part
    }
    if (Object.keys(extension).length > 0) {
      shown.schemas = [this.#type.schema.id, this.#type.extension.id]
      shown[this.#type.extension.id] = extension
    }
    return shown
  }

  #part(name: string, value: unknown): unknown {
    const only = this.#only?.get(name) ?? 'all'
    const but = this.#but.get(name)
    if (this.#known.get(name)?.returned === 'always' || (only === 'all' && but === undefined)) return value
    const keep = (part: string) =>
      (only === 'all' || only.has(part)) && !(but !== undefined && but !== 'all' && but.has(part))
    const cut = (one: unknown) => Object.fromEntries(Object.entries(one as object).filter(([part]) => keep(part))) // only complex ones have parts
    return Array.isArray(value) ? value.map(cut) : typeof value === 'object' ? cut(value) : value
  }
}
