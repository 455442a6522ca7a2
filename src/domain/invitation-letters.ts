import type { Id } from './actor.ts'
import { nameInLine } from './contacts/contact.ts'
import type { Invitation, InvitationInForce, InvitationLinks } from './invitations.ts'
import type { Store } from './ports.ts'

/** What an invitation says of itself to whoever has its link. */
export interface InvitationTold {
  readonly teamName: string
  readonly organizationName: string
  /** Absent where they are gone. */
  readonly inviterName?: string
  readonly role: Invitation['role']
  readonly expiresAt: Date
}

/** What is to be sent: the same each time it is written until the invitation is sent again. */
export interface InvitationLetter extends InvitationTold {
  readonly invitation: Invitation
  /** What the link holds; it is kept nowhere. */
  readonly token: string
}

/** The letters of invitations, and what their links tell. */
export class InvitationLetters {
  readonly #store: Store
  readonly #links: InvitationLinks
  constructor(store: Store, links: InvitationLinks) {
    this.#store = store
    this.#links = links
  }

  /** Writes it, and has its link work. Undefined: it is sent, or the invitation was revoked, used or ran out meanwhile. */
  async write(organizationId: Id, id: Id): Promise<InvitationLetter | undefined> {
    return await this.#store.transaction(async (transaction) => {
      const found = await transaction.invitations.inForce(organizationId, id)
      if (!found || found.invitation.letter === 'sent') return undefined
      const { invitation } = found
      const { token, ...link } = this.#links.make(invitation)
      if (!(await transaction.invitations.setLink(invitation, link))) return undefined
      return { ...told(found), invitation, token }
    })
  }

  /** Tells what became of the letter, unless the invitation was sent again since that one was written. */
  async settle({ invitation }: InvitationLetter, letter: 'sent' | 'failed'): Promise<void> {
    await this.#store.transaction((transaction) => transaction.invitations.setLetter(invitation, letter))
  }

  /** What a link invites to, while it holds: it lets nobody in. */
  async ofLink(token: string): Promise<InvitationTold | undefined> {
    const link = this.#links.read(token)
    const found = link && (await this.#store.invitations.inForce(link.organizationId, link.id))
    return found && found.hash === link?.hash ? told(found) : undefined
  }
}

function told({ invitation, teamName, organizationName, inviter }: InvitationInForce): InvitationTold {
  const inviterName = inviter && (nameInLine(inviter.nameLine) || inviter.email)
  const { role, expiresAt } = invitation
  return { teamName, organizationName, role, expiresAt, ...(inviterName ? { inviterName } : {}) }
}
