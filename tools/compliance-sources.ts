import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = join(fileURLToPath(import.meta.url), '../..')

/** A section of an RFC: `RFC 6352` and `8.6`. */
export interface Section {
  readonly rfc: string
  readonly number: string
}

export interface Source {
  readonly path: string
  readonly text: string
}

export interface Test {
  readonly file: string
  readonly title: string
  readonly sections: readonly Section[]
  readonly text: string
}

const read = (pattern: string): Source[] =>
  globSync(pattern, { cwd: ROOT })
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))

const CITED = /(RFC \d+|draft-[\w-]+\w) ((?:§[\d.]*\d(?:, (?=§))?)+)/g

/** Every section that a text cites. */
export const sectionsIn = (text: string): Section[] =>
  [...text.replace(/\n\s*(\*|\/\/) /g, ' ').matchAll(CITED)].flatMap(([, rfc = '', numbers = '']) =>
    numbers.split(', ').map((number) => ({ rfc, number: number.slice(1) })),
  )

export const sources = (): Source[] => [
  ...read('protocols/carddav/**/*.ts'),
  ...read('protocols/scim/**/*.ts'),
  ...read('src/**/*.ts'),
]

const TEST = /^ *(?:await )?t\.test\(\s*(?:'((?:\\.|[^'\\])*)'|`([^`]*)`)/gm

/** Every test, with all that stands between its title and the next one. */
export function tests(): Test[] {
  return read('test/**/*.test.ts').flatMap(({ path, text }) => {
    const found = [...text.matchAll(TEST)]
    return found.map((match, at) => {
      const title = (match[1] ?? match[2] ?? '').replaceAll("\\'", "'")
      const body = text.slice(match.index, found[at + 1]?.index)
      return { file: path, title, sections: sectionsIn(title), text: body }
    })
  })
}

/** What is declared after each doc comment: `/** … *​/ export const name`. */
export function declarations({ text }: Source): Map<string, string> {
  const found = new Map<string, string>()
  const declared = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export (?:const|async function|function) (\w+)/g
  for (const [, comment = '', name = ''] of text.matchAll(declared))
    found.set(name, comment.replace(/\n \*/g, ' ').trim())
  return found
}

/** A test about a section is one about the sections in it as well. */
export const covers = (test: Section, section: Section): boolean =>
  test.rfc === section.rfc && (test.number === section.number || section.number.startsWith(`${test.number}.`))
