import { isFrame } from './property.ts'
import type { Line, VCard } from './syntax.ts'

/** A property that somebody wants of a card. */
export interface SelectedProperty {
  /** Upper-case; with a group before a dot, only that group's. */
  readonly name: string
  /** Its name and parameters alone. */
  readonly novalue: boolean
}

/** The part of a card that consists of those properties (RFC 6352 §10.4): still one that can be read. */
export function selectProperties(card: VCard, selected: readonly SelectedProperty[]): VCard {
  const byName = new Map(selected.map((one) => [one.name, one]))
  const wanted = (line: Line): SelectedProperty | undefined =>
    byName.get(line.name) ??
    (line.group === undefined ? undefined : byName.get(`${line.group.toUpperCase()}.${line.name}`))
  const lines = card.lines.flatMap((line): Line[] => {
    if (isFrame(line)) return [line]
    const one = wanted(line)
    if (!one) return []
    if (!one.novalue) return [line]
    const { raw: _, ...rest } = line
    return [{ ...rest, value: '' }]
  })
  return { version: card.version, lines }
}
