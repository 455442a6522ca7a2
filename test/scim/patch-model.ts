import type { Dict } from '../support/scim.ts'

/** What is known of a user by the model: plain objects, what has no value is not there. */
export interface Model {
  [name: string]: unknown
}
export type Value = Record<string, string | boolean>

export interface Operation {
  readonly op: 'add' | 'replace' | 'remove'
  readonly path?: string
  readonly value?: unknown
}

/** What PATCH refuses. */
export class Refusal extends Error {}

export const SIMPLE = ['displayName', 'nickName', 'title', 'externalId', 'employeeNumber', 'department'] as const
export const PARTS = ['familyName', 'givenName', 'middleName'] as const
export const PLURALS = ['emails', 'phoneNumbers', 'roles'] as const

const clone = <Whole>(value: Whole): Whole => structuredClone(value)
const isEmpty = (value: unknown): boolean => value === undefined || value === null || value === ''
const same = (one: Value, other: Value): boolean =>
  Object.keys({ ...one, ...other }).every((name) => one[name] === other[name])

/** A value as it is kept: without what is empty; none at all without its `value`. */
function kept(given: Dict): Value | undefined {
  const parts = Object.entries(given).filter(([, part]) => !isEmpty(part)) as [string, string | boolean][] // the tests send no other
  const value = Object.fromEntries(parts)
  return value.value === undefined ? undefined : value
}

const once = (values: Value[]): Value[] =>
  values.filter((one, at) => !values.slice(0, at).some((earlier) => same(one, earlier)))

/** At most one is primary: the one that was said last to be, or else the first. None is there twice afterwards. */
function onlyOne(all: Value[], said?: Value): Value[] {
  const values = once(all)
  const claims = values.filter(({ primary }) => primary === true)
  const winner = said?.primary === true && values.includes(said) ? said : claims[0]
  return once(values.map((one) => (one.primary === true && one !== winner ? { ...one, primary: false } : one)))
}

function read(given: unknown): Value[] {
  const list: Dict[] = Array.isArray(given) ? given : isEmpty(given) ? [] : [given as Dict] // an object, as the tests send
  const values = list.map(kept).filter((one) => one !== undefined)
  return onlyOne(values)
}

type Conditions = Readonly<Record<string, string | boolean>>
/** `[type eq "work" and primary eq true]`, `[value co "x"]` */
const bracket = /^(\w+)\[(.+)\](?:\.(\w+))?$/

function selected(text: string): { test: (value: Value) => boolean; equal?: Conditions } {
  const co = /^value co "(.*)"$/.exec(text)
  if (co) return { test: ({ value }) => String(value).toLowerCase().includes(String(co[1]).toLowerCase()) }
  const equal = Object.fromEntries(
    text.split(' and ').map((one) => {
      const [name = '', , literal = ''] = one.split(' ')
      return [name, JSON.parse(literal) as string | boolean] // as the tests write them
    }),
  )
  const fold = (value: unknown) => (typeof value === 'string' ? value.toLowerCase() : value)
  return { equal, test: (value) => Object.entries(equal).every(([name, wanted]) => fold(value[name]) === fold(wanted)) }
}

function put(model: Model, name: string, value: unknown): void {
  if (isEmpty(value) || (typeof value === 'object' && value !== null && Object.keys(value).length === 0))
    delete model[name]
  else model[name] = value
}

/** RFC 7644 §3.5.2: one operation; it changes the model. */
function apply(model: Model, { op, path, value }: Operation): void {
  if (path === undefined) {
    for (const [key, item] of Object.entries(value as Dict)) apply(model, { op, path: key, value: item }) // it has no path
  } else applyTo(model, op, path, value)
}

function applyTo(model: Model, op: Operation['op'], path: string, value: unknown): void {
  const name = path.replace(/^urn:.*:(?=\w+$)/, '')
  const [, plural, filter, part] = bracket.exec(name) ?? []
  if (plural !== undefined && filter !== undefined) ofSelected(model, op, plural, filter, part, value)
  else ofNamed(model, op, name, value)
}

function ofNamed(model: Model, op: Operation['op'], name: string, value: unknown): void {
  const [first = '', second] = name.split('.')
  if (first === 'userName') {
    if (op === 'remove' || isEmpty(value)) throw new Refusal()
    model.userName = value
  } else if (first === 'active') model.active = op === 'remove' ? model.active : value
  else if (first === 'name') {
    const before = (model.name ?? {}) as Dict // complex
    const told =
      second === undefined
        ? op === 'remove'
          ? undefined
          : (value as Dict | null)
        : { [second]: op === 'remove' ? '' : value }
    if (told === undefined || told === null) delete model.name
    else
      put(model, 'name', Object.fromEntries(Object.entries({ ...before, ...told }).filter(([, one]) => !isEmpty(one))))
  } else if ((PLURALS as readonly string[]).includes(first)) ofAll(model, op, first, value)
  else put(model, first, op === 'remove' ? undefined : value)
}

const valuesOf = (model: Model, name: string): Value[] => (model[name] ?? []) as Value[] // a plural

function ofAll(model: Model, op: Operation['op'], name: string, value: unknown): void {
  const before = valuesOf(model, name)
  if (op === 'replace') put(model, name, read(value))
  else if (op === 'remove') {
    const gone = read(value)
    const stays = (one: Value) =>
      !gone.some((other) => Object.entries(other).every(([part, item]) => one[part] === item))
    const isOfAll = value === undefined || value === null || value === '' // a list of nobody is of nobody
    put(model, name, isOfAll ? [] : before.filter(stays))
  } else {
    const fresh = read(value).filter((one) => !before.some((old) => same(old, one)))
    put(
      model,
      name,
      onlyOne(
        [...before, ...fresh],
        fresh.find(({ primary }) => primary === true),
      ),
    )
  }
}

function ofSelected(
  model: Model,
  op: Operation['op'],
  name: string,
  filter: string,
  part: string | undefined,
  value: unknown,
): void {
  const { test, equal } = selected(filter)
  const before = valuesOf(model, name)
  const now: Value[] = []
  let said: Value | undefined
  const hits = before.filter(test).length
  if (hits === 0 && !equal) throw new Refusal()
  for (const one of before) {
    if (!test(one)) now.push(one)
    else if (op !== 'remove' || part !== undefined) {
      const told = part === undefined ? (value as Dict) : { [part]: op === 'remove' ? '' : value } // an object without a part
      const edited = kept(part === undefined && op === 'replace' ? { ...equal, ...told } : { ...one, ...told })
      if (edited) now.push(edited)
      if (edited?.primary === true) said = edited
    }
  }
  if (hits === 0 && op !== 'remove') {
    const made = kept({ ...equal, ...(part === undefined ? (value as Dict) : { [part]: value }) }) // likewise
    const isSaid = part === undefined ? value !== null : !isEmpty(value)
    if (made && isSaid) now.push(made)
    if (made?.primary === true && isSaid) said = made
  }
  put(model, name, onlyOne(now, said))
}

/** All of them, or none: the model after a PATCH. @throws Refusal */
export function patched(model: Model, operations: readonly Operation[]): Model {
  const after = clone(model)
  for (const one of operations) apply(after, one)
  return after
}
