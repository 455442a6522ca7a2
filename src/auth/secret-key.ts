import { createHash, createHmac } from 'node:crypto'

/** The key that secrets are hashed with. It never leaves this object. */
export class SecretKey {
  readonly #key: Buffer
  /** Tells one key from another without telling the key. */
  readonly id: string

  /** @param text at least 32 characters */
  constructor(text: string) {
    this.#key = createHash('sha256').update('kith secret key\0').update(text).digest()
    this.id = createHash('sha256').update('kith key id\0').update(this.#key).digest('hex').slice(0, 16)
  }

  /** HMAC-SHA-256: enough for secrets of 128 random bits and more, and quick. */
  hash(purpose: string, ...parts: readonly string[]): string {
    const hmac = createHmac('sha256', this.#key).update(purpose)
    for (const part of parts) hmac.update('\0').update(part)
    return hmac.digest('base64url')
  }
}
