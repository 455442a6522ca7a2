import type { InvitationLinks, LinkHash } from '#domain'
import type { SecretKey } from './secret-key.ts'
import { TokenText } from './token-text.ts'

/** What the links of invitations hold: signed, and kept as keyed hashes only. */
export function invitationLinks(key: SecretKey): InvitationLinks {
  const text = new TokenText(key)
  const hash = (token: string): string => key.hash('invitation', token)
  return {
    make: ({ expiresAt, ...of }): LinkHash & { token: string } => {
      const { organizationId, id } = of
      const secret = key.hash('invitation link', organizationId, id, expiresAt.toISOString()) // each sending has its own
      const token = text.makeToken(of, 'kithi_', Buffer.from(secret, 'base64url'))
      return { token, hash: hash(token), keyId: key.id }
    },
    read: (token) => {
      const of = text.readToken(token, 'kithi_')
      return of && { ...of, hash: hash(token) }
    },
  }
}
