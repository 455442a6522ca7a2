import { Buffer } from 'node:buffer'

/** What an attribute is compared with: a JSON string, number, boolean or null. */
export type Literal = string | number | boolean | null

const COMPARISONS = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const

/** An attribute as it was written; `schema` is all before the last colon, so of `urn:x:2.0:User.manager` it is `urn:x:2.0`. */
export interface AttributeName {
  readonly schema?: string
  readonly name: string
  readonly sub?: string
}

/**
 * A filter as a tree. `and` and `or` hold two or more, none of their own kind. The names in `within` are sub-attributes
 * of `attribute`, and there is no other `within` among them.
 */
export type Filter =
  | { readonly and: readonly Filter[] }
  | { readonly or: readonly Filter[] }
  | { readonly not: Filter }
  | { readonly attribute: AttributeName; readonly operator: (typeof COMPARISONS)[number]; readonly value: Literal }
  | { readonly attribute: AttributeName; readonly operator: 'pr' }
  | { readonly attribute: AttributeName; readonly within: Filter }

/** The target of a PATCH operation: an attribute, or those of its values that match `filter`, or `sub` of these. */
export interface Path {
  readonly attribute: AttributeName
  readonly filter?: Filter
  readonly sub?: string
}

/** A filter or path that cannot be read. `position` is where, in UTF-16 units from 0; the message counts from 1. */
export class FilterSyntaxError extends Error {
  readonly position: number

  constructor(message: string, position: number) {
    super(`${message} (character ${position + 1})`)
    this.name = 'FilterSyntaxError'
    this.position = position
  }
}

const MAX_BYTES = 8192
const MAX_TERMS = 50
const MAX_DEPTH = 16
const RESERVED = ['and', 'or', 'not']
// Each of these can match a text in one way only: they take time in proportion to its length.
const SPACE = /[ \t]*/y
const WORD = /[^ \t()[\]"']*/y
const NAME = /^[A-Za-z][A-Za-z0-9_-]*$/
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+$/
const VALUE = /^(?:true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)$/i
const STRING = /"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*/y // of JSON, up to its closing quote or first fault

/**
 * Reads a filter (RFC 7644 §3.4.2.2). Operators, literals and `and`, `or`, `not` may be in any case; white space is
 * free between tokens. More than the grammar: `emails[type eq "work"].value eq "x"`, which identity providers send, is
 * read as `emails[type eq "work" and value eq "x"]`.
 * @throws FilterSyntaxError also above 8 KB in UTF-8, 50 attribute expressions or 16 levels of parentheses and brackets
 */
export function parseFilter(text: string): Filter {
  return new Parser(text).filter()
}

/**
 * Reads the path of a PATCH operation (RFC 7644 §3.5.2).
 * @throws FilterSyntaxError with the limits of a filter
 */
export function parsePath(text: string): Path {
  return new Parser(text).path()
}

const both = (...two: [Filter, Filter]): Filter => ({ and: two.flatMap((one) => ('and' in one ? one.and : [one])) })
const either = (...two: [Filter, Filter]): Filter => ({ or: two.flatMap((one) => ('or' in one ? one.or : [one])) })

class Parser {
  readonly #text: string
  #at = 0
  #terms = 0
  #depth = 0
  #inValuePath = false

  constructor(text: string) {
    this.#text = text
    if (Buffer.byteLength(text) > MAX_BYTES) throw new FilterSyntaxError(`Longer than ${MAX_BYTES} bytes`, text.length)
  }

  filter(): Filter {
    const filter = this.#or()
    if (this.#at < this.#text.length) this.#fail('"and", "or" or the end')
    return filter
  }

  path(): Path {
    this.#space()
    const attribute = this.#attribute()
    this.#space()
    const filter = this.#next() === '[' ? this.#nested() : undefined
    const sub = filter ? this.#subAttribute() : undefined
    this.#space()
    if (this.#at < this.#text.length) this.#fail(filter ? 'the end' : '"[" or the end')
    return { attribute, ...(filter && { filter }), ...(sub && { sub }) }
  }

  // What reads a filter takes the space after it too.
  #or(): Filter {
    let filter = this.#and()
    while (this.#logical('or')) filter = either(filter, this.#and())
    return filter
  }

  #and(): Filter {
    let filter = this.#unary()
    while (this.#logical('and')) filter = both(filter, this.#unary())
    return filter
  }

  #logical(operator: string): boolean {
    const word = this.#match(WORD)
    if (word.toLowerCase() !== operator) return false
    if (this.#text[this.#at - 1] === '"') this.#fail(`a space before "${word}"`)
    this.#at += word.length
    return true
  }

  #unary(): Filter {
    this.#space()
    const word = this.#match(WORD)
    const isNot = word.toLowerCase() === 'not'
    if (!isNot && this.#next() !== '(') return this.#expression()
    this.#at += word.length
    this.#space()
    if (this.#next() !== '(') this.#fail(`"(" after "${word}"`)
    const filter = this.#nested()
    this.#space()
    return isNot ? { not: filter } : filter
  }

  /** From an opening parenthesis or bracket to its end. */
  #nested(): Filter {
    const outer = this.#inValuePath
    const close = this.#next() === '[' ? ']' : ')'
    if (outer && close === ']') this.#fail('no value path inside the brackets of another')
    if (this.#depth === MAX_DEPTH) this.#fail(`at most ${MAX_DEPTH} brackets open at once`)
    this.#depth += 1
    this.#inValuePath ||= close === ']'
    this.#at += 1
    const filter = this.#or()
    if (this.#next() !== close) this.#fail(`"and", "or" or "${close}"`)
    this.#at += 1
    this.#inValuePath = outer
    this.#depth -= 1
    return filter
  }

  #expression(): Filter {
    const attribute = this.#attribute()
    this.#space()
    if (this.#next() !== '[') return this.#comparison(attribute)
    const filter = this.#nested()
    const sub = this.#subAttribute()
    this.#space()
    if (!sub) return { attribute, within: filter }
    return { attribute, within: both(filter, this.#comparison({ name: sub })) }
  }

  #comparison(attribute: AttributeName): Filter {
    this.#terms += 1
    if (this.#terms > MAX_TERMS) this.#fail(`at most ${MAX_TERMS} attributes compared`)
    const word = this.#match(WORD)
    const written = word.toLowerCase()
    const operator = written === 'pr' ? 'pr' : COMPARISONS.find((known) => known === written)
    if (!operator) this.#fail(`one of the operators pr, ${COMPARISONS.join(', ')}`)
    this.#at += word.length
    if (operator !== 'pr' && this.#match(SPACE) === '') this.#fail(`a space and a value after "${word}"`)
    this.#space()
    if (operator === 'pr') return { attribute, operator }
    const value = this.#literal()
    this.#space()
    return { attribute, operator, value }
  }

  #literal(): Literal {
    if (this.#next() === '"') return this.#string()
    const word = this.#match(WORD)
    if (!VALUE.test(word)) this.#fail('a value: true, false, null, a number, or text in double quotes')
    const value = JSON.parse(word.toLowerCase()) as number | boolean | null // as the expression has it
    if (Math.abs(Number(value)) === Number.POSITIVE_INFINITY) this.#fail('a smaller number')
    this.#at += word.length
    return value
  }

  #string(): string {
    const start = this.#at
    this.#at += this.#match(STRING).length
    if (this.#at >= this.#text.length) throw new FilterSyntaxError('Text without its closing double quote', start)
    if (this.#next() === '\\') this.#fail('after a backslash one of " \\ / b f n r t, or u and four hex digits')
    if (this.#next() !== '"') this.#fail('a control character written as \\u and four hex digits')
    this.#at += 1
    const value = JSON.parse(this.#text.slice(start, this.#at)) as string // begins and ends with its quotes
    if (!value.isWellFormed()) throw new FilterSyntaxError('Half a surrogate pair is no character', start)
    return value
  }

  #attribute(): AttributeName {
    const word = this.#match(WORD)
    if (word === '' || RESERVED.includes(word.toLowerCase())) this.#fail('an attribute name')
    const colon = word.lastIndexOf(':')
    const dot = word.indexOf('.', colon + 1)
    if (colon >= 0 && !URI.test(word.slice(0, colon))) this.#fail('the URN of a schema before the last colon')
    this.#at += colon + 1
    const name = this.#name(word.slice(colon + 1, dot < 0 ? undefined : dot), this.#inValuePath)
    const sub = dot < 0 ? undefined : this.#subAttribute()
    return { ...(colon >= 0 && { schema: word.slice(0, colon) }), name, ...(sub && { sub }) }
  }

  #subAttribute(): string | undefined {
    if (this.#next() !== '.') return undefined
    this.#at += 1
    return this.#name(this.#match(WORD), true)
  }

  /** `$ref` is a sub-attribute only, and alone in having a dollar sign. */
  #name(word: string, isSub: boolean): string {
    if (!NAME.test(word) && !(isSub && word.toLowerCase() === '$ref'))
      this.#fail(`${isSub ? 'a sub-attribute' : 'an attribute'} name of letters, digits, "-" and "_"`)
    this.#at += word.length
    return word
  }

  #next(): string | undefined {
    return this.#text[this.#at]
  }

  #space(): void {
    this.#at += this.#match(SPACE).length
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    return pattern.exec(this.#text)?.[0] ?? ''
  }

  #fail(expected: string): never {
    const found = this.#match(WORD).slice(0, 40).toWellFormed() || this.#next()
    throw new FilterSyntaxError(`Expected ${expected}, found ${found ? JSON.stringify(found) : 'the end'}`, this.#at)
  }
}
