import type { InvitationLinks, LinkHash } from '#domain'
import type { SecretKey } from './secret-key.ts'
import { TokenText } from './token-text.ts'

/** What the links of invitations hold: signed, and kept as keyed hashes only. */
export function invitationLinks(key: SecretKey): InvitationLinks {
  const text = new TokenText(key)
  const hash = (token: string): string => key.hash('invitation', token)
  return {
    make: ({ expiresAt, ...of }): LinkHash & { token: string } => {
      const token = text.makeInvitation(of, expiresAt)
      return { token, hash: hash(token), keyId: key.id }
    },
    read: (token) => {
      const of = text.readInvitation(token)
      return of && { ...of, hash: hash(token) }
    },
  }
}
