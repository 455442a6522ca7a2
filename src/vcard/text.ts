import { Buffer } from 'node:buffer'

const SPACE = 32
const TAB = 9
const CR = 13

/** Splits text into content lines: unfolds (RFC 6350 §3.2), accepts bare LF, keeps each line's raw text. */
export function* contentLines(text: string): Generator<{ logical: string; raw: string }> {
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0
  let start = 0
  while (at < text.length) {
    const pieces: string[] = []
    for (;;) {
      const lineFeed = text.indexOf('\n', at)
      let end = lineFeed < 0 ? text.length : lineFeed
      const next = lineFeed < 0 ? text.length : lineFeed + 1
      if (end > at && text.charCodeAt(end - 1) === CR) end -= 1
      pieces.push(text.slice(pieces.length === 0 ? at : at + 1, end))
      at = next
      const following = text.charCodeAt(at)
      if (following !== SPACE && following !== TAB) break
    }
    yield { logical: pieces.length === 1 ? (pieces[0] as string) : pieces.join(''), raw: text.slice(start, at) }
    start = at
  }
}

/** Takes the folds out of a text that is not yet decoded. */
export function unfoldBytes(bytes: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(bytes.length)
  let length = 0
  for (let i = 0; i < bytes.length; i += 1) {
    const lineFeed = bytes[i] === CR && bytes[i + 1] === 10 ? i + 1 : bytes[i] === 10 ? i : -1
    if (lineFeed >= 0 && (bytes[lineFeed + 1] === SPACE || bytes[lineFeed + 1] === TAB)) {
      i = lineFeed + 1
      continue
    }
    out[length] = bytes[i] as number // i < bytes.length
    length += 1
  }
  return out.subarray(0, length)
}

/** No value, whatever is in it, ever becomes two content lines. */
export const oneLine = (value: string): string =>
  /[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]/.test(value)
    ? value.replace(/\r\n|[\r\n\x85\u2028\u2029]/g, '\\n').replace(/[\x00-\x08\x0b-\x1f\x7f]/g, '')
    : value

/** RFC 6350 §3.2: lines of at most 75 octets, never split inside a character. */
export function fold(logical: string): string {
  if (logical.length <= 25 || Buffer.byteLength(logical) <= 75) return `${logical}\r\n`
  const pieces: string[] = []
  let start = 0
  let octets = 0
  for (let i = 0; i < logical.length; ) {
    const code = logical.codePointAt(i) as number // i is inside the string
    const width = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
    if (octets + width > 75) {
      pieces.push(logical.slice(start, i))
      start = i
      octets = 1
    }
    octets += width
    i += code > 0xffff ? 2 : 1
  }
  pieces.push(logical.slice(start))
  return `${pieces.join('\r\n ')}\r\n`
}
