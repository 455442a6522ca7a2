import type { Test } from 'tap'
import { fill, type Values } from './http-file.ts'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** What a text in angle brackets stands for, in place of a value that nobody can know beforehand. */
const KINDS: Readonly<Record<string, RegExp>> = {
  id: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
  time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
  version: /^W\/"[^"]+"$/,
  text: /./s,
}
const PLACEHOLDER = /^<(id|time|version|text)(?:: (\w+))?>$/
const ABSENT = '<absent>'

const isObject = (value: Json | undefined): value is { [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Where an answer is not as it was expected: one line each. `whole`: there is nothing beside what was expected. */
function differences(
  found: Json | undefined,
  wanted: Json,
  whole: boolean,
  values: Values,
  path: string,
): readonly string[] {
  const differs = [`${path}: ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`]
  if (wanted === ABSENT) return found === undefined ? [] : differs
  const [placeholder, kind = '', name] = (typeof wanted === 'string' && PLACEHOLDER.exec(wanted)) || []
  if (placeholder !== undefined) {
    if (typeof found !== 'string' || !KINDS[kind]?.test(found)) return differs
    if (name !== undefined) values.set(name, found)
    return []
  }
  if (Array.isArray(wanted)) {
    if (!Array.isArray(found) || found.length !== wanted.length) return differs
    return wanted.flatMap((item, at) => differences(found[at], item, whole, values, `${path}[${at}]`))
  }
  if (isObject(wanted)) {
    if (!isObject(found)) return differs
    const more = whole ? Object.keys(found).filter((key) => !Object.hasOwn(wanted, key)) : []
    return [
      ...more.map((key) => `${path}.${key}: ${JSON.stringify(found[key])}, which was not expected`),
      ...Object.entries(wanted).flatMap(([key, item]) =>
        differences(found[key], item, whole, values, path === '' ? key : `${path}.${key}`),
      ),
    ]
  }
  return found === (typeof wanted === 'string' ? fill(wanted, values) : wanted) ? [] : differs
}

/** Compares a JSON answer, and keeps the values of the placeholders that have a name. */
export function expectJson(t: Test, text: string, wanted: string, whole: boolean, values: Values): void {
  const found: Json = JSON.parse(text)
  t.strictSame(differences(found, JSON.parse(wanted), whole, values, ''), [], whole ? 'the whole answer' : 'the answer')
}
