import { changed, convertLine } from './convert-line.ts'
import { labelsTo3, labelsTo4 } from './label.ts'
import type { Line, VCard, Version } from './syntax.ts'
import { structured, unescapeText } from './value.ts'

/** A card in the other version, equal in meaning; the card itself where it has that version already. */
export function convert(card: VCard, version: Version): VCard {
  if (card.version === version) return card
  const lines = version === '4.0' ? withoutMadeName(card.lines) : labelsTo3(card.lines)
  const converted = lines.map((line) => convertLine(line, version))
  return { version, lines: version === '4.0' ? labelsTo4(converted) : withName(converted) }
}

/** The card in 4.0, where a LABEL that a 4.0 card has is its ADR's too: what layers are made of and laid over. */
export function normalized(card: VCard): VCard {
  const four = convert(card, '4.0')
  const lines = labelsTo4(four.lines)
  return lines === four.lines ? four : { version: '4.0', lines }
}

/** RFC 2426 §3.1.2 requires N: it is made from FN, as what is given, and of two components, by which it is told. */
function withName(lines: readonly Line[]): readonly Line[] {
  const all = madeNames(lines)
  const [name] = all
  if (!name) return lines
  const made = values(all)
  if (lines.some((line) => line.name === 'N')) {
    return lines.map((line) => (isMade(line, made) ? changed(line, { value: `${line.value};;;` }) : line))
  }
  return lines.toSpliced(lines.findIndex((line) => line.name === 'FN') + 1, 0, name)
}

/** The N that a 3.0 card may have for want of another: one for each FN. */
export const madeNames = (lines: readonly Line[]): Line[] =>
  lines.flatMap(({ name, value }) =>
    name === 'FN' ? [{ name: 'N', parameters: [], value: structured([[''], [unescapeText(value)]]) }] : [],
  )

const isMade = (line: Line, made: ReadonlySet<string>): boolean =>
  line.name === 'N' && line.parameters.length === 0 && line.group === undefined && made.has(line.value)

const values = (lines: readonly Line[]): Set<string> => new Set(lines.map(({ value }) => value))

function withoutMadeName(lines: readonly Line[]): readonly Line[] {
  const made = values(madeNames(lines))
  return lines.filter((line) => !isMade(line, made))
}
