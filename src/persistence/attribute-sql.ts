import { type AttributeCondition, type AttributeOrder, type AttributePath, asId, userNameKey } from '#domain'
import { isFound } from './attribute-search.ts'
import { containing, escapeLike, isIndexed } from './narrowing.ts'

/** Where an index finds the rows that may fulfil a comparison. */
export interface Found {
  /** A text that holds this one, folded: an index of trigrams. */
  readonly text: string
  /** The whole JSON value, folded, and where in it this text is: an index of paths with their values. */
  readonly json?: { readonly sql: string; readonly at: (value: string) => unknown }
}

/** A column or expression that an attribute, or a part of one, is read from. */
export type Source =
  | { readonly kind: 'text'; readonly sql: string; readonly found?: Found }
  /** Compared as `userNameKey` makes it. */
  | { readonly kind: 'name'; readonly sql: string; readonly found?: Found }
  | { readonly kind: 'id' | 'boolean' | 'date'; readonly sql: string; readonly found?: never }

/** Several values: the rows that `from` gives, and how their parts are read. */
export interface Rows {
  readonly from: string
  readonly part: (path: AttributePath) => Source | undefined
  /** That there is one, where no part is asked about. */
  readonly present: string
  /** Their order, as they are shown. */
  readonly order: string
}

/** How a kind of resource keeps its attributes. */
export interface Schema {
  readonly source: (path: AttributePath) => Source | undefined
  readonly rows: (attribute: string) => Rows | undefined
}

const NAME = /^\w+$/

/** The text at a path in a JSON value; names come from the table of attributes, and are checked all the same. */
export function jsonText(json: string, path: AttributePath): string {
  if (!path.every((name) => NAME.test(name))) throw new TypeError(`"${path.join('.')}" is no path`)
  const steps = path.map((name, at) => `${at === path.length - 1 ? '->>' : '->'}'${name}'`)
  return `(${json}${steps.join('')})`
}

const FALSE = 'false'
const LIKE = { contains: ['%', '%'], starts: ['', '%'], ends: ['%', ''] } as const
const OPERATORS = { greater: '>', 'at-least': '>=', less: '<', 'at-most': '<=' } as const

/** Writes conditions as SQL; every value is bound. */
export class ConditionWriter {
  readonly #schema: Schema
  readonly #values: unknown[]
  constructor(schema: Schema, values: unknown[]) {
    this.#schema = schema
    this.#values = values
  }

  bind = (value: unknown): string => `$${this.#values.push(value)}`

  write(condition: AttributeCondition, source = this.#schema.source): string {
    if ('all' in condition) return this.#joined(condition.all, ' and ', 'true', source)
    if ('any' in condition) return this.#joined(condition.any, ' or ', FALSE, source)
    if ('not' in condition) return `((${this.write(condition.not, source)}) is not true)`
    if ('some' in condition) return this.#some(condition.some, condition.where)
    if ('present' in condition) return this.#present(condition.present, source)
    const found = source(condition.path)
    if (!found) return FALSE
    const compared = this.#compare(found, condition)
    const narrowed = source === this.#schema.source ? this.#narrowed(condition, source) : undefined
    return narrowed ? `(${narrowed} and ${compared})` : compared
  }

  /**
   * What an index can be asked for: it holds wherever the condition does, and maybe elsewhere. Of one of several values it
   * has to be asked outside of where these are taken apart.
   */
  #narrowed(condition: AttributeCondition, source: Schema['source']): string | undefined {
    if ('all' in condition) {
      const parts = condition.all.flatMap((part) => this.#narrowed(part, source) ?? [])
      return parts.length === 0 ? undefined : parts.join(' and ')
    }
    if ('any' in condition) {
      const bound = this.#values.length
      const parts = condition.any.map((part) => this.#narrowed(part, source))
      if (parts.length > 0 && !parts.includes(undefined)) return `((${parts.join(') or (')}))`
      this.#values.length = bound // a value that no text names has no type
      return undefined
    }
    if (!('compare' in condition) || typeof condition.value !== 'string') return undefined
    const { compare, value } = condition
    const of = source(condition.path)
    if (!of?.found || compare in OPERATORS || (of.kind === 'name' && compare === 'equal')) return undefined
    const { text, json } = of.found
    if (compare === 'equal' && json) return `${json.sql} @> lower(${this.bind(JSON.stringify(json.at(value)))})::jsonb`
    const given = of.kind === 'name' ? userNameKey(value) : value
    return isIndexed(given) ? `${text} like lower(${this.bind(containing(given))})` : undefined
  }

  #joined(parts: readonly AttributeCondition[], by: string, empty: string, source: Schema['source']): string {
    return parts.length === 0 ? empty : `(${parts.map((part) => this.write(part, source)).join(by)})`
  }

  #some(attribute: string, where: AttributeCondition): string {
    const rows = this.#schema.rows(attribute)
    if (!rows) return FALSE
    if ('all' in where && where.all.length === 0) return rows.present
    const narrowed = this.#narrowed(where, rows.part)
    const exact = `exists (select from ${rows.from} and ${this.write(where, rows.part)})`
    return narrowed ? `(${narrowed} and ${exact})` : exact
  }

  #present(path: AttributePath, source: Schema['source']): string {
    const found = source(path)
    if (!found) return FALSE
    return found.kind === 'text' ? `${found.sql} <> ''` : `${found.sql} is not null`
  }

  #compare(source: Source, { compare, value, caseExact }: Extract<AttributeCondition, { compare: unknown }>): string {
    const { sql, kind } = source
    if (kind === 'boolean') return `${sql} = ${this.bind(value)}::boolean`
    if (kind === 'date') {
      const operator = compare in OPERATORS ? OPERATORS[compare as keyof typeof OPERATORS] : '=' // dates know no parts
      return `${sql} ${operator} ${this.bind(value)}::timestamptz`
    }
    const text = String(value)
    if (kind === 'id' && compare === 'equal') {
      const id = asId(text)
      return id === text ? `${sql} = ${this.bind(id)}::uuid` : FALSE
    }
    const exact = caseExact === true || kind === 'id'
    const read = kind === 'id' ? `${sql}::text` : kind === 'name' || exact ? sql : `lower(${sql})`
    const given = kind === 'name' ? userNameKey(text) : text
    const bound = (pattern: string) => (kind === 'name' || exact ? this.bind(pattern) : `lower(${this.bind(pattern)})`)
    if (compare in OPERATORS) {
      return `${read} collate "C" ${OPERATORS[compare as keyof typeof OPERATORS]} ${bound(given)} collate "C"` // just seen
    }
    if (compare === 'equal') return `${read} = ${bound(given)}`
    const [before, after] = LIKE[compare as keyof typeof LIKE] // the others are dealt with
    return `${read} like ${bound(`${before}${escapeLike(given)}${after}`)}`
  }

  /** What to order by, as a text; null where there is none. */
  orderKey({ path, caseExact, part }: AttributeOrder): string {
    const [attribute = ''] = path
    const rows = part === undefined ? undefined : this.#schema.rows(attribute)
    if (rows && part !== undefined) {
      const inner = rows.part([part])
      const primary = rows.part(['primary'])
      if (!inner) return 'null::text'
      const first = primary ? `(${primary.sql} is true) desc, ` : ''
      return `(select ${key(inner, caseExact)} from ${rows.from} order by ${first}${rows.order} limit 1)`
    }
    const source = this.#schema.source(path)
    return source ? key(source, caseExact) : 'null::text'
  }
}

/** As far as texts are compared: cursors hold one, and go into an address. */
const KEY_LENGTH = 500

function key({ kind, sql }: Source, caseExact = false): string {
  if (kind === 'name') return sql
  if (kind === 'date') return `to_char(${sql} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') collate "C"`
  const text = kind === 'text' ? sql : `${sql}::text`
  return `left(${kind === 'text' && !caseExact ? `lower(${text})` : text}, ${KEY_LENGTH}) collate "C"`
}

/** The attributes that a JSON column keeps. */
export function jsonSchema(json: string, text: string, folded: string): Schema {
  const found = (attribute: string, at: (value: string) => unknown): { found?: Found } =>
    isFound(attribute) ? { found: { text, json: { sql: folded, at } } } : {}
  return {
    source: (path) => ({
      kind: 'text',
      sql: jsonText(json, path),
      ...found(path[0] ?? '', (value) => path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value)),
    }),
    rows: (attribute) => ({
      from: `jsonb_array_elements(${json}->'${NAME.test(attribute) ? attribute : ''}') with ordinality as v (v, at) where true`,
      order: 'v.at',
      part: ([part = '', ...rest]) =>
        part === 'primary'
          ? { kind: 'boolean', sql: `(v.v->>'primary')::boolean` }
          : {
              kind: 'text',
              sql: jsonText('v.v', [part, ...rest]),
              ...found(attribute, (value) => ({ [attribute]: [{ [part]: value }] })),
            },
      present: `${json} ? '${NAME.test(attribute) ? attribute : ''}'`,
    }),
  }
}
