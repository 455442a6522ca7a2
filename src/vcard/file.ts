import { Buffer } from 'node:buffer'
import type { Line, Parameter } from './syntax.ts'
import { keepTypes, parameterValues, types, without } from './value.ts'
import { givenType } from './valuetype.ts'

export interface Inline {
  /** Lower-case, or '' where the card does not say. */
  readonly mediaType: string
  readonly base64: string
}

type Form = { readonly parameters: readonly Parameter[]; readonly value: string }

/** Some escape it as a text: Thunderbird writes `data:image/png;base64\,…`. */
const DATA_URI = /^data:([^,;\\]*)(?:\\?;(?!base64\\?,)[^,;\\]*)*(\\?;base64)?\\?,/i

/** The file inside a PHOTO, LOGO, SOUND or KEY of either version; undefined where it is a link or a text. */
export function inlineData(line: Line): Inline | undefined {
  if (isEncoded(line)) {
    return { mediaType: mediaType(line.name, typeOfMedia(line) ?? ''), base64: line.value.replace(/\s/g, '') }
  }
  const match = DATA_URI.exec(line.value)
  if (!match) return undefined
  const rest = line.value.slice(match[0].length)
  const base64 = match[2] ? rest.replace(/\s/g, '') : percentDecoded(rest).toString('base64')
  return { mediaType: (match[1] || parameterValues(line, 'MEDIATYPE')[0] || '').toLowerCase(), base64 }
}

const isEncoded = (line: Line): boolean =>
  ['b', 'base64'].includes(parameterValues(line, 'ENCODING')[0]?.toLowerCase() ?? '')

/** The octets that a data: URI without base64 stands for. */
const percentDecoded = (text: string): Buffer =>
  Buffer.from(
    Buffer.from(text)
      .toString('latin1')
      .replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )

const FAMILY: Readonly<Record<string, string>> = { PHOTO: 'image', LOGO: 'image', SOUND: 'audio', KEY: 'application' }

/** The media type that 3.0's TYPE stands for; what could not stand in a data: URI is none. */
function mediaType(property: string, type: string): string {
  if (!/^[\w.+-]+(\/[\w.+-]+)?$/.test(type)) return ''
  return type.includes('/') ? type : `${FAMILY[property] ?? 'application'}/${type}`
}

/** What TYPE says in 4.0 too; in 3.0 it has the media type beside them: `TYPE=JPEG,home`. */
const PLACES: ReadonlySet<string> = new Set(['home', 'work'])
/** The formats of RFC 2426 §3.1.4 and §3.7.2 that are in use, and those that clients write. */
const FORMATS: ReadonlySet<string> = new Set(
  'gif bmp tiff ps pdf jpeg jpg png webp avif heic heif svg+xml wave wav pcm aiff basic mpeg mp3 ogg x509 pgp pgp-keys'.split(
    ' ',
  ),
)
const isFormat = (type: string): boolean => FORMATS.has(type) || type.includes('/')

/** The TYPE that is the media's: one that is known, else, where a file is inline, the first that is no place. */
const typeOfMedia = (line: Line): string | undefined =>
  types(line).find(isFormat) ?? (isEncoded(line) ? types(line).find((type) => !PLACES.has(type)) : undefined)

/** How 3.0's TYPE says a media type; undefined where it would be read as another. */
function typeFor(property: string, media: string): string | undefined {
  const short = media.slice(media.indexOf('/') + 1)
  if (isFormat(short) && mediaType(property, short) === media) return short.toUpperCase()
  return mediaType(property, media) === media && media.includes('/') ? media : undefined
}

interface FileTypes {
  readonly inline: Inline | undefined
  /** Lower-case, or '' where the card does not say. */
  readonly mediaType: string
  /** The other types, in lower case, "pref" aside. */
  readonly types: ReadonlySet<string>
}

/** What a PHOTO, LOGO, SOUND or KEY of either version says about itself. */
export function fileTypes(line: Line): FileTypes {
  const inline = inlineData(line)
  const own = inline ? undefined : parameterValues(line, 'MEDIATYPE')[0]?.toLowerCase()
  const media = inline?.mediaType ?? own ?? mediaType(line.name, typeOfMedia(line) ?? '')
  const others = new Set(types(line).filter((type) => !media || mediaType(line.name, type) !== media))
  return { inline, mediaType: media, types: others }
}

/** A text whose characters only the URI tells: it stays one. */
const hasCharset = (line: Line): boolean => /^data:[^,]*;charset=/i.test(line.value)

/** A file or a link in 4.0's form: a URI (RFC 6350 §6.2.4), its media type there or in MEDIATYPE. */
export function fileTo4(line: Line): Form {
  const { inline, mediaType: media, types: others } = fileTypes(line)
  const kept = keepTypes(line.parameters, (type) => type === 'pref' || others.has(type))
  if (inline && !hasCharset(line)) {
    return {
      parameters: without(kept, 'ENCODING', 'VALUE', 'MEDIATYPE'),
      value: `data:${inline.mediaType};base64,${inline.base64}`,
    }
  }
  if (!isLink(line)) return line
  const parameters = ['uri', 'url'].includes(givenType(line) ?? '')
    ? without(line.parameters, 'VALUE')
    : line.parameters
  if (!media || types(line).every((type) => others.has(type))) return { parameters, value: line.value }
  return {
    parameters: [...without(kept, 'VALUE', 'MEDIATYPE'), { name: 'MEDIATYPE', values: [media] }],
    value: line.value,
  }
}

/** A file or a link in 3.0's form: base64 or VALUE=uri, and the media type as a TYPE (RFC 2426 §3.1.4). */
export function fileTo3(line: Line): Form {
  const { inline, mediaType: media, types: others } = fileTypes(line)
  const type = typeFor(line.name, media)
  const kept = keepTypes(line.parameters, (one) => one === 'pref' || others.has(one))
  const told = type === undefined ? [] : [{ name: 'TYPE', values: [type] }]
  if (inline && !hasCharset(line) && (type !== undefined || (!media && [...others].every((one) => PLACES.has(one))))) {
    return {
      parameters: [
        ...without(kept, 'VALUE', 'MEDIATYPE', 'ENCODING', 'TYPE'),
        { name: 'ENCODING', values: ['b'] },
        ...told,
        ...kept.filter(({ name }) => name === 'TYPE'),
      ],
      value: inline.base64,
    }
  }
  if (!isLink(line)) return line
  const uri = { name: 'VALUE', values: ['uri'] }
  if (inline || type === undefined)
    return { parameters: [uri, ...without(line.parameters, 'VALUE')], value: line.value }
  return { parameters: [uri, ...told, ...without(kept, 'VALUE', 'MEDIATYPE')], value: line.value }
}

const isLink = (line: Line): boolean => givenType(line) !== 'text' && /^[a-z][a-z0-9+.-]*:/i.test(line.value)
