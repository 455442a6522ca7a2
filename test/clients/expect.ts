import type { Test } from 'tap'
import type { Answer } from '../support/kith.ts'
import type { Values } from './http-file.ts'
import { expectJson } from './json.ts'
import { type Element, findProp, namesInside, type Row, readRows, readXml } from './multistatus.ts'

type Timed = Answer & { readonly milliseconds: number }

interface Told {
  readonly answer: Timed
  readonly values: Values
  root(): Element
  row(href: string): Row | undefined
}

type Check = (t: Test, told: Told, parts: readonly string[], label: string) => void

const words = (text = ''): string[] => text.split(/\s+/).filter(Boolean)
const rowProps = (row: Row | undefined, status: number): string[] =>
  row?.propstats.filter((one) => one.status === status).flatMap(({ props }) => props.map(({ name }) => name)) ?? []

const compare = (t: Test, found: string | undefined, operator = '', wanted = '', label = ''): void => {
  if (operator === '=') t.equal(found, wanted, label)
  else if (operator === '!~') t.notMatch(found ?? '', new RegExp(wanted), label)
  else t.match(found ?? '', new RegExp(wanted), label)
}

/** What a line may say of an answer; see README.md. */
const CHECKS: readonly (readonly [RegExp, Check])[] = [
  [
    /^keep (\w+) (?:(header|root) )?(\S+)(?: (\S+))?$/,
    (t, { answer, values, root, row }, [name = '', where, one = '', prop = ''], label) => {
      const found =
        one === 'body'
          ? answer.text
          : where === 'header'
            ? answer.headers[one]?.toString()
            : where === 'root'
              ? root().children.find((child) => child.name === one)?.text
              : findProp(row(one), prop)?.text
      t.ok(found, label)
      values.set(name, one === 'body' || prop === 'C:address-data' ? (found ?? '') : (found ?? '').trim())
    },
  ],
  [
    /^header (\S+) absent$/,
    (t, { answer }, [name = ''], label) => t.equal(answer.headers[name.toLowerCase()], undefined, label),
  ],
  [
    /^header (\S+) (=|~|!~) (.*)$/,
    (t, { answer }, [name = '', operator, wanted], label) =>
      compare(t, answer.headers[name.toLowerCase()]?.toString(), operator, wanted, label),
  ],
  [
    /^body (=|~|!~) ?([\s\S]*)$/,
    (t, { answer }, [operator, wanted], label) => compare(t, answer.text, operator, wanted, label),
  ],
  [/^within (\d+) ms$/, (t, { answer }, [limit], label) => t.ok(answer.milliseconds < Number(limit), label)],
  [
    /^(like|exactly) (?=\{)/,
    (t, { answer, values }, [kind], line) =>
      expectJson(t, answer.text, line.slice(line.indexOf('{')), kind === 'exactly', values),
  ],
  [
    /^error (\S+)(?: (\S+))?$/,
    (t, { root }, [name, inner], label) => {
      const error = root()
      t.strictSame([error.name, ...error.children.map((child) => child.name)], ['D:error', name], label)
      if (inner) t.ok(namesInside(error).includes(inner), label)
    },
  ],
  [
    /^rows ?(.*)$/,
    (t, { root }, [hrefs], label) => {
      t.strictSame(
        readRows(root())
          .map(({ href }) => href)
          .sort(),
        words(hrefs).sort(),
        label,
      )
    },
  ],
  [/^no row (\S+)$/, (t, { row }, [href = ''], label) => t.equal(row(href), undefined, label)],
  [
    /^row (\S+) is (\d{3})$/,
    (t, { row }, [href = '', status], label) => t.equal(row(href)?.status, Number(status), label),
  ],
  [
    /^row (\S+) starts with (HTTP.*)$/,
    (t, { row }, [href = '', line], label) => t.equal(row(href)?.propstats[0]?.line, line, label),
  ],
  [
    /^row (\S+) (\d{3}): (.*)$/,
    (t, { row }, [href = '', status, names], label) => {
      const there = rowProps(row(href), Number(status))
      t.strictSame(
        words(names).filter((name) => !there.includes(name)),
        [],
        `${label} (${there.join(' ')})`,
      )
    },
  ],
  [
    /^row (\S+) (\S+) has (.*)$/,
    (t, { row }, [href = '', prop = '', names], label) => {
      const inside = namesInside(findProp(row(href), prop))
      t.strictSame(
        words(names).filter((name) => !inside.includes(name)),
        [],
        `${label} (${inside.join(' ')})`,
      )
    },
  ],
  [
    /^row (\S+) (\S+) lacks (.*)$/,
    (t, { row }, [href = '', prop = '', names], label) => {
      const inside = namesInside(findProp(row(href), prop))
      t.strictSame(
        words(names).filter((name) => inside.includes(name)),
        [],
        label,
      )
    },
  ],
  [
    /^row (\S+) (\S+) (=|~|!~) ([\s\S]*)$/,
    (t, { row }, [href = '', prop = '', operator, wanted], label) =>
      compare(t, findProp(row(href), prop)?.text, operator, wanted, label),
  ],
  [
    /^root (\S+) (=|~|!~) (.*)$/,
    (t, { root }, [name, operator, wanted], label) =>
      compare(t, root().children.find((child) => child.name === name)?.text, operator, wanted, label),
  ],
]

/** Checks what each line says, and keeps what the next requests need. A line that says nothing known is an error. */
export function expectAll(
  t: Test,
  answer: Timed,
  lines: readonly string[],
  values: Values,
  fill: (text: string) => string,
): void {
  let root: Element | undefined
  let rows: Map<string, Row> | undefined
  const told: Told = {
    answer,
    values,
    root: () => {
      root ??= readXml(answer.text)
      return root
    },
    row: (href) => {
      rows ??= new Map(readRows(told.root()).map((one) => [one.href, one]))
      return rows.get(href)
    },
  }
  for (const line of lines) {
    const [form, check] = CHECKS.find(([one]) => one.test(line)) ?? []
    if (!form || !check) throw new Error(`not an expectation: ${line}`)
    const parts = form.exec(line)?.slice(1) ?? []
    check(t, told, parts.map((part) => (part === undefined ? part : fill(part))) as string[], line) // missing parts stay so
  }
}
