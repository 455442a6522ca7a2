import { meaning, meaningOfParameters, type Property, properties } from './property.ts'
import type { Line } from './syntax.ts'
import { encodeParameter, escapeText, labelText, parameterValues, unescapeText, without } from './value.ts'

// 3.0's LABEL (RFC 2426 §3.2.2) is 4.0's LABEL parameter of the ADR it stands for (RFC 6350 §6.3.1). Nothing but its
// types and rank ties it to that ADR, so it is moved only where one address and one label have them: what clients do to
// order and groups changes nothing. Every other label stays what it is, which both versions can carry.

/** Each LABEL that stands for one ADR alone, moved into it. */
export function labelsTo4(lines: readonly Line[]): readonly Line[] {
  if (!lines.some(isLabel)) return lines
  const all = properties(lines)
  const labels = byPlace(all.filter((property) => isPlain(property)))
  const gone = new Set<Line>()
  const labelled = new Map<Line, Line>()
  for (const [place, addresses] of byPlace(all.filter(({ line }) => line.name === 'ADR'))) {
    const [label] = one(labels.get(place))
    const [address] = one(addresses)
    if (!label || !address || parameterValues(address.line, 'LABEL').length > 0) continue
    const text = unescapeText(label.line.value)
    const value = encodeParameter(text)
    if (labelText(value) !== text) continue
    for (const { line } of labels.get(place) ?? []) gone.add(line)
    for (const { line } of addresses) {
      const { raw: _, ...rest } = line
      labelled.set(line, { ...rest, parameters: [...line.parameters, { name: 'LABEL', values: [value] }] })
    }
  }
  return lines.flatMap((line) => (gone.has(line) ? [] : [labelled.get(line) ?? line]))
}

/** The LABEL of each ADR that alone has its types and rank, moved into a property after it, of no group. */
export function labelsTo3(lines: readonly Line[]): readonly Line[] {
  if (!lines.some((line) => line.name === 'ADR' && parameterValues(line, 'LABEL').length > 0)) return lines
  const all = properties(lines)
  const labels = byPlace(all.filter((property) => isPlain(property)))
  const moved = new Map<Line, Line[]>()
  for (const [place, addresses] of byPlace(all.filter(({ line }) => line.name === 'ADR'))) {
    const [address] = one(addresses)
    if (!address || labels.has(place)) continue
    const [label, ...others] = parameterValues(address.line, 'LABEL')
    if (label === undefined || others.length > 0) continue
    const value = escapeText(labelText(label))
    if (unescapeText(value) !== labelText(label)) continue
    const parameters = address.line.parameters.filter(isOfPlace)
    for (const { line } of addresses) {
      const { raw: _, ...rest } = line
      moved.set(line, [{ ...rest, parameters: without(line.parameters, 'LABEL') }])
    }
    moved.get(address.line)?.push({ name: 'LABEL', parameters, value })
  }
  return lines.flatMap((line) => moved.get(line) ?? [line])
}

const isLabel = ({ name }: Line): boolean => name === 'LABEL'
const isOfPlace = ({ name }: { readonly name: string }): boolean => name === 'TYPE' || name === 'PREF'
/** A LABEL that says no more than a parameter can. */
const isPlain = ({ line, companions }: Property): boolean =>
  isLabel(line) && companions.length === 0 && line.parameters.every(isOfPlace)

const byPlace = (all: readonly Property[]): Map<string, Property[]> =>
  Map.groupBy(all, ({ line }) => {
    const said = meaningOfParameters(line)
    return JSON.stringify([said.get('TYPE') ?? [], said.get('PREF') ?? []])
  })

/** The first, where all of them say the same. */
const one = (all: readonly Property[] = []): readonly Property[] =>
  new Set(all.map(meaning)).size === 1 ? all.slice(0, 1) : []
