import type { AttributeCondition, AttributeOrder } from '#domain'
import type { Context, Text } from '../context.ts'
import type { Listed, Resources } from '../resources/resources.ts'
import { conditionOf } from './condition.ts'
import { LIST_RESPONSE, ScimError } from './messages.ts'
import { type Cursor, cursorText, orderOf, type Query } from './query.ts'
import { Selection } from './selection.ts'

/** One of the lists that a query goes through, with what it asks of it. */
interface Part {
  readonly resources: Resources
  readonly where: AttributeCondition
  readonly order: AttributeOrder | undefined
  readonly selection: Selection
}

/**
 * The ListResponse (RFC 7644 §3.4.2) of a query over one kind of resource, or over several in turn. What one kind does not
 * have nothing of that kind fulfils; what none has is refused.
 */
export async function listOf(kinds: readonly Resources[], query: Query, context: Context): Promise<Text> {
  const parts = partsOf(kinds, query, context)
  return 'cursor' in query.place
    ? await byCursor(parts, query, query.place.cursor, context)
    : await byIndex(parts, query, query.place.startIndex, context)
}

function partsOf(kinds: readonly Resources[], query: Query, context: Context): Part[] {
  const refusals: ScimError[] = []
  const parts = kinds.flatMap((resources): Part[] => {
    const { type } = resources
    try {
      const where: AttributeCondition = query.filter ? conditionOf(query.filter, type, context) : { all: [] }
      const selection = Selection.of(type, context.strict, query.attributes, query.excludedAttributes)
      return [{ resources, where, order: orderOf(query, type, context.strict), selection }]
    } catch (error) {
      if (!(error instanceof ScimError)) throw error
      refusals.push(error)
      return []
    }
  })
  if (parts.length === 0 && refusals[0]) throw refusals[0]
  return parts
}

const pageOf = (
  { resources, where, order, selection }: Part,
  context: Context,
  limit: number,
  from: number | { id: string; key: string | null },
): Promise<Listed[]> => resources.page(context, { where, ...(order ? { order } : {}), limit, from }, selection)

async function byIndex(parts: readonly Part[], { count }: Query, startIndex: number, context: Context): Promise<Text> {
  const found: Listed[] = []
  let total = 0
  for (const part of parts) {
    const passed = Math.max(0, startIndex - 1 - total)
    const wanted = count - found.length
    const page = wanted > 0 ? await pageOf(part, context, wanted, passed) : []
    found.push(...page)
    // a list that ends on this page is counted by it
    const ended = wanted > 0 && page.length < wanted && (page.length > 0 || passed === 0)
    total += ended ? passed + page.length : await part.resources.count(context, part.where)
  }
  return listText({ totalResults: total, startIndex, itemsPerPage: found.length }, found)
}

/** RFC 9865: each page costs the same, wherever it is. */
async function byCursor(
  parts: readonly Part[],
  { count, fingerprint }: Query,
  cursor: Cursor | undefined,
  context: Context,
): Promise<Text> {
  const found: Listed[] = []
  const total = cursor?.total ?? (await sum(parts, context))
  let last = cursor // where this page ends: maybe in a list before the one that goes on
  let isMore = false
  for (let list = cursor?.list ?? 0; list < parts.length && !isMore && count > 0; list += 1) {
    const part = parts[list]
    if (!part) break
    const wanted = count - found.length
    const from = cursor && cursor.list === list ? { id: cursor.id, key: cursor.key } : 0
    const page = await pageOf(part, context, wanted + 1, from)
    const shown = page.slice(0, wanted)
    found.push(...shown)
    const end = shown.at(-1)
    if (end) last = { list, total, id: end.id, key: end.key }
    isMore = page.length > wanted
  }
  const more = isMore && last ? { nextCursor: cursorText(last, fingerprint) } : {}
  return listText({ totalResults: total, itemsPerPage: found.length, ...more }, found)
}

async function sum(parts: readonly Part[], context: Context): Promise<number> {
  let total = 0
  for (const part of parts) total += await part.resources.count(context, part.where)
  return total
}

function listText(head: object, found: readonly Listed[]): Text {
  const start = `${JSON.stringify({ schemas: [LIST_RESPONSE], ...head }).slice(0, -1)},"Resources":[`
  const texts = found.map(({ text }) => text)
  if (texts.every((text) => typeof text === 'string')) return `${start}${texts.join(',')}]}`
  return streamed(start, texts)
}

async function* streamed(start: string, texts: readonly Text[]): AsyncGenerator<string> {
  yield start
  for (const [at, text] of texts.entries()) {
    if (at > 0) yield ','
    if (typeof text === 'string') yield text
    else yield* text
  }
  yield ']}'
}
