import {
  companionsKey,
  convert,
  convertLine,
  isFrame,
  type Line,
  madeNames,
  meaning,
  meaningOfParameters,
  normalized,
  type Property,
  parseLine,
  properties,
  standardName,
  unfolded,
  type VCard,
  valueKey,
} from '#vcard'

/** A property as kept in a layer: its content line (4.0 form, unfolded), then its companions'. */
export type PropertyText = readonly string[]

/** A value of the base, named as `valueKey` names it. */
export interface BaseValue {
  readonly name: string
  readonly value: string
}

export interface Annotation extends BaseValue {
  /** Parameters by name; null takes one away. */
  readonly parameters: { readonly [name: string]: readonly string[] | null }
  /** The label and its like, where they differ. */
  readonly companions?: PropertyText
}

/**
 * What one person changed about a card: nothing of what they did not touch is in it. It holds lines in 4.0 form
 * whatever version it came in, and is stored as JSON.
 */
export interface Layer {
  /** Single properties that have a value of mine. */
  readonly set: { readonly [name: string]: readonly PropertyText[] }
  /** Single properties that I took away. */
  readonly unset: readonly string[]
  readonly remove: readonly BaseValue[]
  readonly add: readonly PropertyText[]
  readonly annotate: readonly Annotation[]
}

export const EMPTY_LAYER: Layer = { set: {}, unset: [], remove: [], add: [], annotate: [] }

/** How many operations a layer holds. */
export const layerSize = (layer: Layer): number =>
  Object.keys(layer.set).length + layer.unset.length + layer.remove.length + layer.add.length + layer.annotate.length

/** Those of RFC 6350 with cardinality *1, and those that clients show one of. */
const SINGLE: ReadonlySet<string> = new Set('FN N BDAY ANNIVERSARY DEATHDATE GENDER PHOTO KIND'.split(' '))
/** What never differs: it is about the card, not about the person. */
const IGNORED: ReadonlySet<string> = new Set(['PRODID', 'REV', 'UID'])

/**
 * What `card` changes of `base`. The base is first brought into the card's version and back, so what that version
 * cannot carry counts as no removal. `applyLayer(base, diff(base, card))` says what `card` says, order aside.
 */
export function diff(base: VCard, card: VCard): Layer {
  const before = byName(normalized(convert(base, card.version)))
  const after = byName(normalized(card))
  if (card.version === '3.0' && !before.has('N') && isMadeName(after.get('N'), [base, card])) after.delete('N')
  const layer = {
    set: {} as { [name: string]: PropertyText[] },
    unset: [] as string[],
    remove: [] as BaseValue[],
    add: [] as PropertyText[],
    annotate: [] as Annotation[],
  }
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const old = before.get(name) ?? []
    const now = after.get(name) ?? []
    if (!SINGLE.has(name)) diffValues(name, old, now, layer)
    else if (sameMeaning(old, now)) continue
    else if (now.length === 0) layer.unset.push(name)
    else if (annotates(old, now)) layer.annotate.push(annotation(old[0], now[0]))
    else layer.set[name] = now.map(toText)
  }
  return layer
}

/** Whether the N of a client says no more than the one it was given, as 3.0 cannot do without. */
const isMadeName = (names: readonly Property[] | undefined, cards: readonly VCard[]): boolean =>
  names?.length === 1 &&
  cards.some(({ lines }) =>
    madeNames(lines).some((line) => meaning({ line, companions: [] }) === meaning(first(names))),
  )

function diffValues(
  name: string,
  old: readonly Property[],
  now: readonly Property[],
  layer: { remove: BaseValue[]; add: PropertyText[]; annotate: Annotation[] },
): void {
  const before = Map.groupBy(old, ({ line }) => valueKey(line))
  const after = Map.groupBy(now, ({ line }) => valueKey(line))
  for (const value of new Set([...before.keys(), ...after.keys()])) {
    const were = before.get(value) ?? []
    const are = after.get(value) ?? []
    if (sameMeaning(were, are)) continue
    if (annotates(were, are)) {
      layer.annotate.push(annotation(were[0], are[0]))
      continue
    }
    if (were.length > 0) layer.remove.push({ name, value })
    for (const property of are) layer.add.push(toText(property))
  }
}

type One = readonly [Property]
const annotates = (...lists: [readonly Property[], readonly Property[]]): boolean =>
  lists.every((list) => list.length === 1) && valueKey(first(lists[0]).line) === valueKey(first(lists[1]).line)
const first = (list: readonly Property[]): Property => (list as One)[0] // asked of lists that hold one

function annotation(old: Property | undefined, now: Property | undefined): Annotation {
  if (!old || !now) throw new TypeError('an annotation is of a property that is on both sides')
  const before = meaningOfParameters(old.line)
  const after = meaningOfParameters(now.line)
  const parameters: { [name: string]: readonly string[] | null } = {}
  for (const name of before.keys()) if (!after.has(name)) parameters[name] = null
  for (const [name, values] of after) {
    if (before.get(name)?.join('\n') !== values.join('\n')) parameters[name] = values
  }
  const relabelled = companionsKey(old) !== companionsKey(now)
  return {
    name: standardName(now.line.name),
    value: valueKey(now.line),
    parameters,
    ...(relabelled ? { companions: now.companions.map(unfolded) } : {}),
  }
}

function byName(card: VCard): Map<string, Property[]> {
  const seen = new Set<string>()
  const told = properties(card.lines).filter((property) => {
    const said = meaning(property)
    if (IGNORED.has(property.line.name) || seen.has(said)) return false
    seen.add(said)
    return true
  })
  return Map.groupBy(told, ({ line }) => standardName(line.name))
}

const sameMeaning = (one: readonly Property[], other: readonly Property[]): boolean =>
  one.length === other.length &&
  (one.length === 0 || one.map(meaning).sort().join('\n') === other.map(meaning).sort().join('\n'))

const toText = ({ line, companions }: Property): PropertyText => [line, ...companions].map(unfolded)
const fromText = (text: PropertyText): Property => {
  const [line, ...companions] = text.map((one) => parseLine(one))
  if (!line) throw new TypeError('a layer holds no empty property')
  return { line, companions }
}

/** The part of an owner's layer that leaves the lines of `base` alone: additions, and single properties it lacks. */
export function additionsOnly(base: VCard, layer: Layer): Layer {
  const present = new Set(normalized(base).lines.map(({ name }) => standardName(name)))
  return {
    ...EMPTY_LAYER,
    set: Object.fromEntries(Object.entries(layer.set).filter(([name]) => !present.has(standardName(name)))),
    add: layer.add,
  }
}

/** What somebody with this layer sees: a 4.0 card. Lines that the layer does not touch keep their bytes, a LABEL aside. */
export function applyLayer(base: VCard, layer: Layer): VCard {
  if (layerSize(layer) === 0) return convert(base, '4.0')
  const four = normalized(base)
  const groups = new Groups(four.lines)
  const fate = new Map<Line, Line[]>() // what stands for a property's own line; companions follow their group
  const shown = new Set<string>()
  const gone = new Set([...layer.unset, ...Object.keys(layer.set)].map(standardName))
  const removed = new Set(layer.remove.map(baseValueKey))
  const annotated = new Map(layer.annotate.map((one) => [baseValueKey(one), one]))
  const living = new Set<string>()
  for (const property of properties(four.lines)) {
    const { line } = property
    const key = lineKey(line)
    if (gone.has(standardName(line.name)) || removed.has(key)) {
      fate.set(line, [])
      continue
    }
    shown.add(key)
    const mine = annotated.get(key)
    const kept = mine ? annotate(property, mine, groups) : [line]
    fate.set(line, kept)
    for (const { group } of kept) if (group !== undefined) living.add(group.toLowerCase())
  }
  const lines = four.lines.flatMap((line) => {
    const kept = fate.get(line)
    if (kept) return kept
    return isFrame(line) || line.group === undefined || living.has(line.group.toLowerCase()) ? [line] : []
  })
  const additions = [
    ...Object.values(layer.set).flat().map(fromText),
    ...layer.add.map(fromText).filter(({ line }) => !shown.has(lineKey(line))),
  ]
  const end = lines.findLastIndex(({ name }) => name === 'END')
  const added = groups.place(additions)
  return { version: '4.0', lines: [...lines.slice(0, end), ...added, ...lines.slice(end)] }
}

const baseValueKey = ({ name, value }: BaseValue): string => `${standardName(name)}\x1c${value}`
const lineKey = (line: Line): string => baseValueKey({ name: line.name, value: valueKey(line) })

/** The line is first put as 4.0 has it: a 4.0 card's `TYPE=pref` is the PREF that an annotation takes away. */
function annotate(property: Property, { parameters, companions }: Annotation, groups: Groups): Line[] {
  const line = convertLine(property.line, '4.0')
  const { raw: _, group, ...rest } = line
  const changed: Line = {
    ...rest,
    parameters: [
      ...line.parameters.filter(({ name }) => !Object.hasOwn(parameters, name)),
      ...Object.entries(parameters).flatMap(([name, values]) => (values ? [{ name, values }] : [])),
    ],
  }
  if (!companions) return [group === undefined ? changed : { ...changed, group }]
  if (companions.length === 0) return [changed]
  const fresh = groups.next()
  return [{ ...changed, group: fresh }, ...companions.map((text) => ({ ...parseLine(text), group: fresh }))]
}

/** Gives groups of a layer names that the base does not use; what shared a group in the layer still does. */
class Groups {
  readonly #used: Set<string>
  #number = 0

  constructor(lines: readonly Line[]) {
    this.#used = new Set(lines.flatMap(({ group }) => (group === undefined ? [] : [group.toLowerCase()])))
  }

  next(): string {
    do this.#number += 1
    while (this.#used.has(`item${this.#number}`))
    this.#used.add(`item${this.#number}`)
    return `item${this.#number}`
  }

  place(added: readonly Property[]): Line[] {
    const renamed = new Map<string, string>()
    const written = new Set<string>()
    const lines: Line[] = []
    for (const { line, companions } of added) {
      const old = line.group?.toLowerCase()
      if (old === undefined) {
        lines.push(line)
        continue
      }
      // One group of a layer may have been two groups when it was made (an edit each): labels keep them apart.
      const own = `${old}\x1c${companions.map(({ name, value }) => `${name}:${value}`).join('\x1c')}`
      const group = renamed.get(own) ?? this.next()
      renamed.set(own, group)
      for (const one of [line, ...companions]) {
        const placed = { ...one, group }
        const key = unfolded(placed)
        if (!written.has(key)) lines.push(placed)
        written.add(key)
      }
    }
    return lines
  }
}
