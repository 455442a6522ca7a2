import { filled, type Row, retyped } from './rows.ts'
import type { Line } from './syntax.ts'

/**
 * How one field of `data` is read from a card's lines, and which lines stand for it once it is written. Writing what
 * is read changes nothing.
 */
export interface Field<Value> {
  /** Of the properties that stand for it, as 4.0 has them. */
  readonly names: readonly string[]
  readonly read: (lines: readonly Line[]) => Value | undefined
  readonly write: (lines: readonly Line[], value: Value | undefined) => readonly Line[]
}

/** Equal for two values that say the same: the order of keys, and parts that are empty, aside. */
export const canonical = (value: unknown): string =>
  String(
    JSON.stringify(value, (_, item) =>
      typeof item === 'object' && item !== null && !Array.isArray(item)
        ? Object.fromEntries(Object.entries(filled(item)).sort(([one], [other]) => (one < other ? -1 : 1)))
        : item,
    ),
  )

export const items = <Item>(row: Row<Item>, lines: readonly Line[]): Item[] =>
  lines.flatMap((from) => {
    const item = row.read(from)
    return item === undefined ? [] : [item]
  })

export const orUndefined = <Item>(list: Item[]): Item[] | undefined => (list.length > 0 ? list : undefined)
export const isEmpty = (item: unknown): boolean => item === '' || canonical(item) === '{}'

function insert(lines: readonly Line[], added: readonly Line[]): readonly Line[] {
  const at = lines.findLastIndex(({ name }) => name === 'END')
  const end = at < 0 ? lines.length : at
  return [...lines.slice(0, end), ...added, ...lines.slice(end)]
}

/** Lines that stand for items, by what they say; each is given out once, the first of a card first. */
class Said {
  readonly #lines: Map<string, Line[]>
  readonly #used: Set<Line>

  constructor(said: readonly (readonly [string, Line])[], used: Set<Line>) {
    this.#lines = new Map()
    this.#used = used
    for (const [key, from] of said.toReversed()) {
      const same = this.#lines.get(key)
      if (same) same.push(from)
      else this.#lines.set(key, [from])
    }
  }

  take(key: string): Line | undefined {
    const same = this.#lines.get(key) ?? []
    for (let from = same.pop(); from; from = same.pop()) {
      if (this.#used.has(from)) continue
      this.#used.add(from)
      return from
    }
    return undefined
  }
}

/**
 * Keeps the lines that already say an item, changes the type of those whose value it is, drops the rest, adds what is
 * new: all in the wanted order, where the row's lines were.
 */
export function writeItems<Item>(row: Row<Item>, lines: readonly Line[], wanted: readonly Item[]): readonly Line[] {
  const { typing } = row
  const said = lines.flatMap((from): [Line, Item][] => {
    const item = row.read(from)
    return item === undefined ? [] : [[from, item]]
  })
  const used = new Set<Line>()
  const exact = new Said(
    said.map(([from, item]) => [canonical(item), from] as const),
    used,
  )
  const near = new Said(typing ? said.map(([from, item]) => [canonical(typing.rest(item)), from] as const) : [], used)
  const drafts = wanted.flatMap((item) => {
    const written = row.write(item)
    const read = row.read(written) // as it will be read: without what makes no difference
    return read === undefined ? [] : [{ written, read, kept: exact.take(canonical(read)) }]
  })
  const result = drafts.map(({ written, read, kept }) => {
    const from = kept ?? (typing && near.take(canonical(typing.rest(read))))
    return kept ?? (from && typing ? retyped(from, written, typing.owns) : written)
  })
  const own = new Map(said.map(([from], at) => [from, at]))
  const last = said.length - 1
  if (last < 0) return insert(lines, result)
  return lines.flatMap((from) => {
    const at = own.get(from)
    return at === undefined ? [from] : at === last ? result.slice(at) : result.slice(at, at + 1)
  })
}

export const many = <Item>(row: Row<Item>): Field<Item[]> => {
  const read = (lines: readonly Line[]) => orUndefined(items(row, lines))
  return {
    names: row.names,
    read,
    write: (lines, value) =>
      canonical(read(lines)) === canonical(value) ? lines : writeItems(row, lines, value ?? []),
  }
}

/** Of several lines the first is meant, the others stay. A field that the card needs is emptied, not removed. */
export const single = <Item>(row: Row<Item>, emptied?: Item): Field<Item> => {
  const read = (lines: readonly Line[]) => items(row, lines).find((item) => !isEmpty(item))
  return {
    names: row.names,
    read,
    write: (lines, given) => {
      const value = isEmpty(given) ? undefined : given
      if (canonical(read(lines)) === canonical(value)) return lines
      const own = (from: Line) => row.read(from) !== undefined
      const item = value ?? emptied
      if (item === undefined) return lines.filter((from) => !own(from))
      const first = lines.findIndex((from) => own(from) && !isEmpty(row.read(from)))
      const at = first >= 0 ? first : lines.findIndex(own)
      const old = lines[at]
      if (!old) return value === undefined ? lines : insert(lines, [row.write(item)])
      return lines.with(at, { ...row.write(item), ...(old.group === undefined ? {} : { group: old.group }) })
    },
  }
}
