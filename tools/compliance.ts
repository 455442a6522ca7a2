// Writes protocols/carddav/README.md and protocols/scim/README.md: what of each RFC is served, where, and which tests show
// it. `npm run compliance`; test/carddav/compliance.test.ts fails while a file says something else.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { XmlBodies } from '../protocols/carddav/methods/exchange.ts'
import { methods } from '../protocols/carddav/methods/index.ts'
import { type QName, splitName } from '../protocols/carddav/names.ts'
import { PROPERTIES } from '../protocols/carddav/properties/index.ts'
import { REPORTS } from '../protocols/carddav/reports/index.ts'
import { CONDITIONS, KNOWN, OF_SCIM } from './compliance-known.ts'
import {
  covers,
  declarations,
  type Section,
  type Source,
  sectionsIn,
  sources,
  type Test,
  tests,
} from './compliance-sources.ts'

const ROOT = join(fileURLToPath(import.meta.url), '../..')
export const PATH = 'protocols/carddav/README.md'
export const SCIM_PATH = 'protocols/scim/README.md'
const FOLDER = 'protocols/carddav/'

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')

const link = (path: string, folder = FOLDER): string =>
  `[${path.replace(folder, '').replace(/^test\//, '')}](${path.startsWith(folder) ? path.slice(folder.length) : `../../${path}`})`
const NOTHING = '—'

/** Each test file once, with the titles of its tests. */
function shownBy(found: readonly Test[], folder = FOLDER): string {
  const files = Map.groupBy(found, ({ file }) => file)
  const lines = [...files].map(
    ([file, list]) => `${link(file, folder)}: ${list.map(({ title }) => cell(title)).join('; ')}`,
  )
  return lines.join('<br>') || NOTHING
}

const cite = (sections: readonly Section[]): string =>
  [...Map.groupBy(sections, ({ rfc }) => rfc)]
    .map(([rfc, list]) => `${rfc} ${list.map(({ number }) => `§${number}`).join(', ')}`)
    .join(', ')

const prefixed = (name: QName): string => {
  const { uri, local } = splitName(name)
  if (uri === 'DAV:') return `D:${local}`
  return uri === 'urn:ietf:params:xml:ns:carddav'
    ? `C:${local}`
    : uri.includes('calendarserver')
      ? `CS:${local}`
      : local
}

interface Declared {
  readonly path: string
  readonly comment: string
}

/** Where each object of a registry is declared, and what is said there of it. */
async function declaredIn(all: readonly Source[], folder: string): Promise<Map<unknown, Declared>> {
  const found = new Map<unknown, Declared>()
  for (const source of all.filter(({ path }) => path.startsWith(FOLDER + folder))) {
    const exported: Record<string, unknown> = await import(pathToFileURL(join(ROOT, source.path)).href)
    for (const [name, comment] of declarations(source)) found.set(exported[name], { path: source.path, comment })
  }
  return found
}

class Compliance {
  readonly #sources = sources()
  readonly #tests = tests()

  /** Those about one of the sections, or part of it; those about more than the section, if they name what it is about. */
  #about(sections: readonly Section[], name: string): Test[] {
    const named = new RegExp(`(?<![\\w-])${name.replace(/^\w+:/, '')}(?![\\w-])`)
    return this.#tests.filter((test) =>
      sections.some((one) =>
        test.sections.some((told) => covers(one, told) || (covers(told, one) && named.test(test.text))),
      ),
    )
  }

  async properties(): Promise<string> {
    const declared = await declaredIn(this.#sources, 'properties/')
    const rows = PROPERTIES.map((property) => {
      const { path, comment } = declared.get(property) ?? { path: '', comment: '' }
      if (path === '') throw new Error(`${property.name} has no comment that says where it is from`)
      const sections = sectionsIn(comment)
      const name = prefixed(property.name)
      const set = property.change === undefined ? 'protected' : 'set by clients'
      const from = cite(sections) || cell(comment.split(/[.:]/, 1)[0] ?? '')
      const about = this.#about(sections, name)
      const shown = about.length > 0 ? about : this.#tests.filter(({ text }) => text.includes(`'${name}'`))
      return [`\`${name}\``, from, property.on.join(', '), set, link(path), shownBy(shown)]
    })
    return table(['Property', 'Of', 'On', '', 'Where', 'Shown by'], rows)
  }

  async reports(): Promise<string> {
    const declared = await declaredIn(this.#sources, 'reports/')
    const rows = REPORTS.map((report) => {
      const { path, comment } = declared.get(report) ?? { path: '', comment: '' }
      const sections = sectionsIn(comment)
      if (sections.length === 0) throw new Error(`${report.name} has no comment that says where it is from`)
      const name = prefixed(report.name)
      return [`\`${name}\``, cite(sections), report.on.join(', '), link(path), shownBy(this.#about(sections, name))]
    })
    return table(['Report', 'Of', 'On', 'Where', 'Shown by'], rows)
  }

  methods(): string {
    const registry = this.#sources.find(({ path }) => path.endsWith('methods/index.ts'))
    const rows = Object.keys(methods(new XmlBodies())).map((method) => {
      const implementation = new RegExp(`^  ${method}: (\\w+)`, 'm').exec(registry?.text ?? '')?.[1] ?? ''
      const source = this.#sources.find(
        (one) => one.path.startsWith(`${FOLDER}methods/`) && declarations(one).has(implementation),
      )
      if (!source) throw new Error(`${method} has no comment that says where it is from`)
      const sections = sectionsIn(declarations(source).get(implementation) ?? '')
      const titled = new RegExp(`\\b${method}\\b`)
      const about = this.#about(sections, method)
      const shown = this.#tests.filter((test) => about.includes(test) || titled.test(test.title))
      return [`\`${method}\``, cite(sections), link(source.path), shownBy(shown)]
    })
    return table(['Method', 'Of', 'Where', 'Shown by'], rows)
  }

  /** @throws Error for a condition in the code that is not in the list, or the reverse. */
  conditions(): string {
    const used = new Map<string, Set<string>>()
    const named =
      /(?:condition: |(?:DavError|propstat|statusResponse)\((?:[^\n]*?\b\d{3}, (?:[^\n]*?, )?|\s*\d{3},\s*\w+,\s*))(DAV|CARDDAV)\('([a-z-]+)'\)/g
    for (const { path, text } of this.#sources.filter((one) => one.path.startsWith(FOLDER))) {
      for (const [, namespace, local = ''] of text.matchAll(named)) {
        const name = `${namespace === 'DAV' ? 'D' : 'C'}:${local}`
        used.set(name, (used.get(name) ?? new Set()).add(path))
      }
    }
    for (const name of used.keys()) if (!(name in CONDITIONS)) throw new Error(`${name} is not in compliance-known.ts`)
    const rows = Object.entries(CONDITIONS).map(([name, from]) => {
      const paths = used.get(name)
      if (!paths) throw new Error(`${name} is in compliance-known.ts, and no code refuses with it`)
      const shown = this.#tests.filter(({ text }) => new RegExp(`['"<]${name}\\b(?!-)`).test(text))
      return [`\`${name}\``, from, [...paths].map((path) => link(path)).join('<br>'), shownBy(shown)]
    })
    return table(['Condition', 'Of', 'Where', 'Shown by'], rows)
  }

  /** Every section that the code or a test cites, of RFCs that `isOurs`. */
  sections(isOurs: (rfc: string) => boolean, folder = FOLDER): string {
    const key = ({ rfc, number }: Section): string => `${rfc} §${number}`
    const where = new Map<string, Set<string>>()
    const all = new Map<string, Section>()
    const note = (section: Section): void => void all.set(key(section), section)
    for (const { path, text } of this.#sources) {
      for (const section of sectionsIn(text)) {
        note(section)
        where.set(key(section), (where.get(key(section)) ?? new Set()).add(path))
      }
    }
    for (const { sections } of this.#tests) sections.forEach(note)
    const order = new Intl.Collator('en', { numeric: true })
    const rows = [...all.values()]
      .filter(({ rfc }) => isOurs(rfc))
      .sort((one, other) => order.compare(key(one), key(other)))
      .map((section) => [
        key(section),
        [...(where.get(key(section)) ?? [])].map((path) => link(path, folder)).join('<br>') || NOTHING,
        shownBy(
          this.#tests.filter((test) => test.sections.some((told) => covers(told, section))),
          folder,
        ),
      ])
    return table(['Section', 'Where', 'Shown by'], rows)
  }
}

/** The whole file. */
export async function complianceTable(): Promise<string> {
  const compliance = new Compliance()
  const known = KNOWN.map(({ where, what, answer, why }) => [where, what, answer, why])
  return `# CardDAV: what is served

Written by \`npm run compliance\` from the registries, the comments and the tests; what is knowingly not so is in
tools/compliance-known.ts. Names begin with \`D:\` (DAV:), \`C:\` (urn:ietf:params:xml:ns:carddav) or \`CS:\`
(http://calendarserver.org/ns/). A section is shown by the tests whose titles cite it, or one that it is part of.

## Knowingly different, or not served

${table(['Of', 'What', '', 'Why'], known)}

## Properties

${await compliance.properties()}

## Reports

${await compliance.reports()}

## Methods

${compliance.methods()}

## Conditions named in refusals

${compliance.conditions()}

## Every section that is cited

${compliance.sections((rfc) => !OF_SCIM.has(rfc))}
`
}

/** The same of SCIM and its tokens: sections alone. What is served is told by /Schemas, and in docs/scim.md. */
export const scimTable = (): string => `# SCIM: what is served

Written by \`npm run compliance\` from the comments and the tests. What is served, and what is forgiven to whom, is told in
[docs/scim.md](../../docs/scim.md). A section is shown by the tests whose titles cite it, or one that it is part of.

${new Compliance().sections((rfc) => OF_SCIM.has(rfc), 'protocols/scim/')}
`

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(join(ROOT, PATH), await complianceTable())
  writeFileSync(join(ROOT, SCIM_PATH), scimTable())
}
