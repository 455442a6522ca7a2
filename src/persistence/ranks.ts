import { containing } from './narrowing.ts'

type Add = (value: unknown) => string

/** A word as it is sought: what an index is asked for, and how well it stands in a text. */
export interface Term {
  readonly like: string
  /** The least the best, null where it is not; `note` is what else must hold of a note it stands in (`line`). */
  readonly rank: (note: string) => string
}

/** What a word of a name stands after. */
const BEFORE = [' ', ';', ',', '.', '-']

/** The first full name in a text. */
export const TITLE = `split_part(split_part(c.search, E'\\nfn\\t', 2), E'\\n', 1) collate "C"`

/** The lines that hold the text: one pass finds the few, where a regular expression for each place took ten times as long. */
const lines = (
  text: string,
): string => `(select line, split_part(line, E'\\t', 1) as name, split_part(line, E'\\t', 2) as value
    from (select string_to_table(c.search, E'\\n') as line) s where strpos(line, ${text}) > 0) l where strpos(value, ${text}) > 0`

/** At the start of a name, of a word of one, within one, in an e-mail address, an organization or a title, a note. */
export function termOf(word: string, add: Add): Term {
  const text = `${add(word)}::text`
  const starts = `${add(BEFORE.map((before) => containing(before + word)))}::text[]`
  return {
    like: `c.search like ${add(containing(word))}`,
    rank: (note) => `(select min(case
        when name in ('fn', 'n', 'nickname')
          then case when starts_with(value, ${text}) then 0 when value like any (${starts}) then 1 else 2 end
        when name = 'email' then 3 when name in ('org', 'title') then 4 when name = 'note' and ${note} then 5 end)
      from ${lines(text)})`,
  }
}

/** Of a telephone number: its digits stand together somewhere. */
export function digitsOf(digits: string, add: Add): Term {
  const text = `${add(digits)}::text`
  return {
    like: `c.search like ${add(containing(digits))}`,
    rank: () => `(select 0 from ${lines(text)} and name = 'tel-digits' limit 1)`,
  }
}
