import type { Dict } from '../support/scim.ts'

/** How the values of an attribute are compared (RFC 7643 §2.3), as its schema has it. */
export type Kind = 'text' | 'exact' | 'name' | 'boolean' | 'date' | 'binary' | 'version'

/** Where a value is in the JSON of a resource: the attribute, and the part of it. */
export interface Leaf {
  readonly kind: Kind
  /** As a filter writes it, without the part. */
  readonly name: string
  readonly part?: string
  readonly values: (resource: Dict) => readonly unknown[]
}

export type Tree =
  | { readonly and: readonly Tree[] }
  | { readonly or: readonly Tree[] }
  | { readonly not: Tree }
  | { readonly leaf: Leaf; readonly operator: string; readonly value?: string | boolean | null }
  /** Brackets: conditions on one value of an attribute, whose leaves read the value itself. */
  | { readonly some: string; readonly values: (resource: Dict) => readonly Dict[]; readonly where: Tree }

/** Each character's own small letter: comparisons in any case know no more of a language. */
const fold = (text: string): string => Array.from(text, (one) => [...one.toLowerCase()][0] ?? one).join('')
const nameKey = (text: string): string => text.normalize('NFKC').toLowerCase().normalize('NFKC')
/** By code points. */
export const inOrder = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other))

export function key(kind: Kind, value: unknown): string {
  if (kind === 'version') return String(value).replace(/^(?:W\/)?"(.*)"$/, '$1') // with or without what makes it an ETag
  if (kind === 'date') return new Date(String(value)).toISOString()
  return kind === 'name' ? nameKey(String(value)) : kind === 'text' ? fold(String(value)) : String(value)
}

function fulfils(kind: Kind, operator: string, found: unknown, wanted: string | boolean): boolean {
  if (kind === 'boolean') return found === wanted
  const [one, other] = [key(kind, found), key(kind, wanted)]
  switch (operator) {
    case 'eq':
      return one === other
    case 'co':
      return one.includes(other)
    case 'sw':
      return one.startsWith(other)
    case 'ew':
      return one.endsWith(other)
    case 'gt':
      return inOrder(one, other) > 0
    case 'ge':
      return inOrder(one, other) >= 0
    case 'lt':
      return inOrder(one, other) < 0
    case 'le':
      return inOrder(one, other) <= 0
    default:
      throw new Error(`no operator ${operator}`)
  }
}

/** RFC 7644 §3.4.2.2, over what a client sees; `ne` is `not eq`, and what is not there fulfils no comparison. */
export function holds(tree: Tree, resource: Dict): boolean {
  if ('and' in tree) return tree.and.every((one) => holds(one, resource))
  if ('or' in tree) return tree.or.some((one) => holds(one, resource))
  if ('not' in tree) return !holds(tree.not, resource)
  if ('some' in tree) return tree.values(resource).some((value) => holds(tree.where, value))
  const { leaf, operator, value } = tree
  const found = leaf.values(resource)
  if (operator === 'ne') return !holds({ ...tree, operator: 'eq' }, resource)
  if (operator === 'pr') return found.length > 0
  if (value === null || value === undefined) return found.length === 0
  return found.some((one) => fulfils(leaf.kind, operator, one, value))
}

const nameOf = ({ name, part }: Leaf): string => (part === undefined ? name : name === '' ? part : `${name}.${part}`)

/** As a client writes it: with the parentheses that precedence asks for, and none else. */
export function written(tree: Tree, inside: 'and' | 'or' = 'or'): string {
  if ('and' in tree) return tree.and.map((one) => written(one, 'and')).join(' and ')
  if ('or' in tree) {
    const text = tree.or.map((one) => written(one)).join(' or ')
    return inside === 'and' ? `(${text})` : text
  }
  if ('not' in tree) return `not (${written(tree.not)})`
  if ('some' in tree) return `${tree.some}[${written(tree.where)}]`
  const { leaf, operator, value } = tree
  return operator === 'pr' ? `${nameOf(leaf)} pr` : `${nameOf(leaf)} ${operator} ${JSON.stringify(value)}`
}
