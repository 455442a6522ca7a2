import { DavError } from '../preconditions.ts'

/** One condition of a list: a state token, or an entity tag. */
interface IfCondition {
  readonly not: boolean
  readonly token?: string
  /** With its weakness mark and quotes. */
  readonly etag?: string
}

/** A list holds if all its conditions do; the header, if one of its lists does. */
export interface IfList {
  /** The URI that the list is about; undefined is that of the request. */
  readonly resource?: string
  readonly conditions: readonly IfCondition[]
}

const PART = /\s*(?:(<[^<>\s]*>)|(\()|(\))|\[((?:W\/)?"[^"]*")\]|(not)\b)\s*/iy
const MAX_LENGTH = 16_384

const malformed = (): DavError => new DavError(400, 'The If header cannot be read')

/** RFC 4918 §10.4.2 @throws DavError 400 */
export function parseIf(text: string): IfList[] {
  if (text.length > MAX_LENGTH) throw malformed()
  const lists: IfList[] = []
  let resource: string | undefined
  let open: IfCondition[] | undefined
  let not = false
  PART.lastIndex = 0
  for (let at = 0; at < text.length; at = PART.lastIndex) {
    const match = PART.exec(text)
    if (!match) throw malformed()
    const [, uri, start, end, etag, negation] = match
    if (open === undefined) {
      if (uri !== undefined) resource = uri.slice(1, -1)
      else if (start !== undefined) open = []
      else throw malformed()
    } else if (negation !== undefined && !not) not = true
    else if (uri !== undefined) {
      open.push({ not, token: uri.slice(1, -1) })
      not = false
    } else if (etag !== undefined) {
      open.push({ not, etag })
      not = false
    } else if (end !== undefined && open.length > 0 && !not) {
      lists.push({ ...(resource === undefined ? {} : { resource }), conditions: open })
      open = undefined
    } else throw malformed()
  }
  if (open !== undefined || lists.length === 0) throw malformed()
  return lists
}
