import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'

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

  /** Encrypted (AES-256-GCM), for secrets that we have to send or sign with; `of` names whose it is, and opens it alone. */
  seal(purpose: string, of: string, text: string): string {
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', this.#sealing(purpose), nonce).setAAD(Buffer.from(of))
    const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
    return `1.${this.id}.${sealed.toString('base64url')}`
  }

  /** Undefined: it was sealed with another key, or for something else. */
  unseal(purpose: string, of: string, sealed: string): string | undefined {
    const [version, keyId, text = ''] = sealed.split('.')
    const bytes = Buffer.from(text, 'base64url')
    if (version !== '1' || keyId !== this.id || bytes.length < 28) return undefined
    const decipher = createDecipheriv('aes-256-gcm', this.#sealing(purpose), bytes.subarray(0, 12))
    decipher.setAAD(Buffer.from(of)).setAuthTag(bytes.subarray(-16))
    try {
      return decipher.update(bytes.subarray(12, -16), undefined, 'utf8') + decipher.final('utf8')
    } catch {
      return undefined
    }
  }

  /** RFC 5869: a key of its own for each purpose. */
  #sealing(purpose: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#key, '', `kith sealing ${purpose}`, 32))
  }
}
