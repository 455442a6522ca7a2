import { createHash } from 'node:crypto'
import type { Id } from '../actor.ts'

/** The id of what has that name in that space: a UUID of version 5, RFC 9562 §5.5. */
export function namedId(space: Id, name: string | Uint8Array): Id {
  const bytes = createHash('sha1')
    .update(Buffer.from(space.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest()
    .subarray(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
