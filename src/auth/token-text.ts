import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { Id } from '#domain'
import type { SecretKey } from './secret-key.ts'

/** What a text we signed says: whose it is, so that it is looked up by primary key. */
interface Signed {
  readonly organizationId: Id
  readonly id: Id
}

export interface SignedAccess extends Signed {
  readonly mayWrite: boolean
  /** Seconds since 1970. */
  readonly expiresAt: number
}

const bytesOf = (id: Id): Buffer => Buffer.from(id.replaceAll('-', ''), 'hex')
const idOf = (bytes: Buffer): Id => bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

const RANDOM_BYTES = 32

/** What a secret is of: a connector's token, a session on the web, a link that signs in, an invitation. */
export type SecretKind = 'kith_' | 'kiths_' | 'kithl_' | 'kithi_'

/** Texts that are ours by their signature: one that is not is refused without asking the database. */
export class TokenText {
  readonly #key: SecretKey
  constructor(key: SecretKey) {
    this.#key = key
  }

  /** With 256 random bits, so that it is a secret to whoever knows the key, too; or with a secret that can be made again. */
  makeToken({ organizationId, id }: Signed, kind: SecretKind = 'kith_', secret = randomBytes(RANDOM_BYTES)): string {
    return this.#sign(kind, Buffer.concat([bytesOf(organizationId), bytesOf(id), secret]))
  }

  readToken(text: string, kind: SecretKind = 'kith_'): Signed | undefined {
    const body = this.#read(kind, 32 + RANDOM_BYTES, text)
    return body && { organizationId: idOf(body.subarray(0, 16)), id: idOf(body.subarray(16, 32)) }
  }

  /** For a while, and no secret of its own: it stands for the token it names. */
  makeAccess({ organizationId, id, mayWrite, expiresAt }: SignedAccess): string {
    const rest = Buffer.alloc(5)
    rest.writeUInt32BE(expiresAt)
    rest.writeUInt8(mayWrite ? 1 : 0, 4)
    return this.#sign('kitha_', Buffer.concat([bytesOf(organizationId), bytesOf(id), rest]))
  }

  readAccess(text: string): SignedAccess | undefined {
    const body = this.#read('kitha_', 37, text)
    return (
      body && {
        organizationId: idOf(body.subarray(0, 16)),
        id: idOf(body.subarray(16, 32)),
        expiresAt: body.readUInt32BE(32),
        mayWrite: body.readUInt8(36) === 1,
      }
    )
  }

  #mac = (prefix: string, body: string): string => this.#key.hash('token text', prefix, body)

  #sign(prefix: string, body: Buffer): string {
    const encoded = body.toString('base64url')
    return prefix + encoded + this.#mac(prefix, encoded)
  }

  /** The signature is over the text, not over the bytes: no other way of writing them passes. */
  #read(prefix: string, bytes: number, text: string): Buffer | undefined {
    const end = prefix.length + Math.ceil((bytes * 4) / 3)
    if (text.length !== end + 43 || !text.startsWith(prefix) || !/^[\w-]+$/.test(text)) return undefined
    const encoded = text.slice(prefix.length, end)
    const expected = Buffer.from(this.#mac(prefix, encoded))
    return timingSafeEqual(Buffer.from(text.slice(end)), expected) ? Buffer.from(encoded, 'base64url') : undefined
  }
}
