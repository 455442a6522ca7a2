import { Buffer } from 'node:buffer'
import { inlineData } from './file.ts'
import type { VCard } from './syntax.ts'
import { unescapeText } from './value.ts'

/** The photo of a card: its bytes, or where it is. */
export type Photo = { readonly bytes: Buffer } | { readonly uri: string }

/** The first PHOTO that says something. */
export function photoOf({ lines }: VCard): Photo | undefined {
  for (const line of lines) {
    if (line.name !== 'PHOTO' || line.value.trim() === '') continue
    const inline = inlineData(line)
    if (!inline) return { uri: unescapeText(line.value) }
    if (inline.base64 !== '') return { bytes: Buffer.from(inline.base64, 'base64') }
  }
  return undefined
}

const text = (bytes: Uint8Array, start: number, end: number): string =>
  Buffer.from(bytes.subarray(start, end)).toString('latin1')

/** How the files of each format begin. */
const FORMATS: readonly (readonly [type: string, begins: (bytes: Uint8Array) => boolean])[] = [
  ['image/jpeg', (bytes) => text(bytes, 0, 3) === '\xff\xd8\xff'],
  ['image/png', (bytes) => text(bytes, 0, 8) === '\x89PNG\r\n\x1a\n'],
  ['image/gif', (bytes) => /^GIF8[79]a$/.test(text(bytes, 0, 6))],
  ['image/webp', (bytes) => text(bytes, 0, 4) === 'RIFF' && text(bytes, 8, 12) === 'WEBP'],
  ['image/avif', (bytes) => /^ftyp(avif|avis)$/.test(text(bytes, 4, 12))],
  ['image/heic', (bytes) => /^ftyp(heic|heix|heim|heis|mif1)$/.test(text(bytes, 4, 12))],
]

/** The formats of photos that browsers show and that cannot run anything. */
export const PHOTO_TYPES: readonly string[] = FORMATS.map(([type]) => type)

/** The media type of a photo by its first bytes, whatever is said of it; undefined of what is none that we know. */
export const photoType = (bytes: Uint8Array): string | undefined => FORMATS.find(([, begins]) => begins(bytes))?.[0]
