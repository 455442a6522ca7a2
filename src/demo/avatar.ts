import { createHash } from 'node:crypto'
import { crc32, deflateSync } from 'node:zlib'

/** Red, green, blue. */
type Colour = readonly number[]
/** How far outside a point lies, in pixels; negative inside. */
type Shape = (x: number, y: number) => number
type Layer = readonly [shape: Shape, colour: Colour, opacity?: number]

const SIZE = 128
// Tried until the hair of almost everybody in the demo went with the name.
const SALT = '1135769'
const hex = (text: string): Colour[] => text.split(' ').map((code) => [...Buffer.from(code, 'hex')])
const UPPER = hex('b9dcf5 fbdcb4 bfe8d6 e2d0f5 f9d0da f7e6b6 d3dde6 c9e0b8')
const LOWER = hex('6f9bd1 ee9f84 64ab9f 9a80cc d884a2 e3b268 8095ab 7ea86d')
const SKIN = hex('fbdcc4 f1c7a3 dcab82 b98258 8a5a3c 6d4630')
// The darkest come first: dark skins take their hair from these alone.
const HAIR = hex('2b2326 1e1c22 3b2a26 9a9a9e 4a3026 7a5030 cfa25f a44e2e')
const DARK_HAIR = HAIR.slice(0, 4)
const SHIRT = hex('34507a e6e8ec b0473f 36705f 5f4c80 343840 d9a441 4f8fa8')
const INK: Colour = [44, 34, 38]

const length = (x: number, y: number) => Math.sqrt(x * x + y * y) // Math.hypot is slower
const ellipse =
  (cx: number, cy: number, rx: number, ry: number): Shape =>
  (x, y) =>
    (length((x - cx) / rx, (y - cy) / ry) - 1) * Math.min(rx, ry)
const box =
  (cx: number, cy: number, rx: number, ry: number, round: number): Shape =>
  (x, y) => {
    const dx = Math.abs(x - cx) - rx + round
    const dy = Math.abs(y - cy) - ry + round
    return length(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - round
  }
const any =
  (...shapes: Shape[]): Shape =>
  (x, y) =>
    shapes.reduce((least, shape) => Math.min(least, shape(x, y)), Infinity)
const minus =
  (shape: Shape, hole: Shape): Shape =>
  (x, y) =>
    Math.max(shape(x, y), -hole(x, y))
const within =
  (shape: Shape, other: Shape): Shape =>
  (x, y) =>
    Math.max(shape(x, y), other(x, y))
const both =
  (shape: Shape): Shape =>
  (x, y) =>
    shape(64 - Math.abs(x - 64), y)
const ring =
  (shape: Shape, width: number): Shape =>
  (x, y) =>
    Math.abs(shape(x, y)) - width / 2
const mix = (from: Colour, to: Colour, share: number): Colour => from.map((c, i) => c + ((to[i] ?? c) - c) * share)

const CROWN = ellipse(64, 50, 26.5, 28)
const HEAD = any(ellipse(64, 55, 23, 25), ellipse(64, 63, 19.5, 23))
const CURLS = any(
  ...[...Array(11).keys()].map((i) => {
    const angle = Math.PI * (1.08 - (i * 1.16) / 10)
    return ellipse(64 + 25 * Math.cos(angle), 47 - 22 * Math.sin(angle), 9.5, 9.5)
  }),
)

// What lies behind the head, and what lies over the forehead.
const STYLES: readonly { back?: Shape; front: Shape }[] = [
  { front: minus(CROWN, any(ellipse(64, 70, 23.5, 30), box(64, 90, 40, 30, 0))) },
  { front: minus(ellipse(63, 48, 27, 27), any(ellipse(73, 72, 30, 33), box(64, 88, 40, 28, 0))) },
  { back: box(64, 72, 30, 44, 28), front: minus(CROWN, any(ellipse(57, 73, 25, 34), ellipse(70, 80, 22, 34))) },
  { back: any(ellipse(64, 20, 11, 11), ellipse(64, 52, 26, 28)), front: minus(CROWN, ellipse(64, 73, 25, 35)) },
  { back: any(CURLS, ellipse(64, 50, 27, 26)), front: minus(any(CURLS, CROWN), ellipse(64, 70, 23, 30)) },
  { back: box(64, 62, 31, 30, 24), front: minus(ellipse(64, 49, 28, 28), ellipse(64, 74, 22, 32)) },
  { back: box(64, 76, 31, 48, 28), front: minus(CROWN, any(ellipse(86, 78, 36, 44), ellipse(55, 86, 20, 34))) },
  { front: minus(ellipse(64, 51, 24.5, 26), any(ellipse(64, 73, 25, 38), box(64, 90, 40, 34, 0))) },
]

function layers(pick: <T>(list: readonly T[]) => T, chance: (percent: number) => boolean): Layer[] {
  const skin = pick(SKIN)
  const shade = mix(skin, [90, 40, 30], 0.22)
  const shirt = pick(SHIRT)
  const hair = pick(SKIN.indexOf(skin) < 3 ? HAIR : DARK_HAIR)
  const { back, front } = pick(STYLES)
  const beard = back === undefined && chance(40)
  const glasses = chance(28)
  const body = any(box(64, 128, 46, 28, 26), ellipse(64, 112, 30, 12))
  const smile = minus(ellipse(64, 72, 8, 6), ellipse(64, 69.5, 10, 6))
  return [
    ...(back ? [[back, mix(hair, [0, 0, 0], 0.18)] as const] : []),
    [body, shirt],
    [within(body, ellipse(64, 102, 17.5, 12.5)), mix(shirt, [255, 255, 255], 0.3)],
    [box(64, 92, 10, 20, 9), shade],
    [ellipse(64, 102, 14, 9), shade],
    [both(ellipse(41.5, 61, 4.5, 6.5)), shade],
    [HEAD, skin],
    ...(beard ? [[minus(HEAD, any(ellipse(64, 58, 21, 19), ellipse(64, 73.5, 6.5, 3))), hair, 0.85] as const] : []),
    [both(ellipse(54.5, 60, 2.3, 2.8)), INK],
    [both(minus(ellipse(54.5, 55.5, 5.5, 4), ellipse(54.5, 57.5, 7, 4.2))), mix(hair, INK, 0.4), 0.85],
    [ellipse(64, 67, 2.6, 1.8), shade],
    [smile, beard ? mix(skin, [150, 50, 50], 0.6) : mix(shade, [150, 40, 50], 0.55)],
    ...(glasses ? [[any(both(ring(box(54, 60.5, 7.5, 6.5, 5), 1.7)), box(64, 59.5, 3, 0.8, 0.5)), INK] as const] : []),
    [front, hair],
  ]
}

/** A portrait-like picture of 128 × 128 pixels as PNG; the same seed gives the same picture. */
export function avatar(seed: string): Buffer {
  const digest = createHash('sha256').update(SALT).update(seed).digest()
  let used = 0
  const next = () => digest[used++ % digest.length] ?? 0
  const pick = <T>(list: readonly T[]): T => list[next() % list.length] as T // no list here is empty
  const background = next() % UPPER.length
  const [upper, lower] = [UPPER[background] ?? INK, LOWER[background] ?? INK]
  const painted = layers(pick, (percent) => (next() * 100) / 256 < percent)
  const stride = 1 + SIZE * 3
  const raw = Buffer.alloc(SIZE * stride)
  const above = new Uint8Array(SIZE * 3)
  for (let y = 0; y < SIZE; y += 1) {
    raw[y * stride] = 2 // filter Up: each byte less the one above
    for (let x = 0; x < SIZE; x += 1) {
      let colour = mix(upper, lower, (y * 0.8 + x * 0.2) / SIZE)
      for (const [shape, paint, opacity = 1] of painted) {
        const cover = Math.min(1, 0.5 - shape(x + 0.5, y + 0.5)) * opacity
        if (cover >= 1) colour = paint
        else if (cover > 0) colour = mix(colour, paint, cover)
      }
      for (let i = x * 3; i < x * 3 + 3; i += 1) {
        const value = Math.round(colour[i % 3] ?? 0)
        raw[y * stride + 1 + i] = value - (above[i] ?? 0)
        above[i] = value
      }
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(SIZE, 0)
  header.writeUInt32BE(SIZE, 4)
  header.set([8, 2], 8) // 8 bits a channel, RGB
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
  const data = deflateSync(raw, { level: 9 })
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))])
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [size, check] = [Buffer.alloc(4), Buffer.alloc(4)]
  size.writeUInt32BE(data.length)
  check.writeUInt32BE(crc32(body))
  return Buffer.concat([size, body, check])
}
