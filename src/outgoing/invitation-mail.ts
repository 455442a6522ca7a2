import { GivenUp, type InvitationLetter, type InvitationLetters, type JobHandlers } from '#domain'
import { html } from '../html.ts'
import { type Mail, type Mailer, oneLine } from './mail.ts'

const NAME_LENGTH = 80

/** The letter that asks somebody into a team; other people's words stand in it as text alone. */
export function invitationMail(letter: InvitationLetter, publicUrl: string): Mail {
  const { invitation, token, role, expiresAt } = letter
  const [team, organization, inviter] = [
    letter.teamName,
    letter.organizationName,
    letter.inviterName ?? 'Somebody who has left',
  ].map((name) => oneLine(name, NAME_LENGTH)) as [string, string, string] // as many as there were
  const link = `${publicUrl}/invitation#${token}`
  const until = expiresAt.toISOString().slice(0, 10)
  const as = role === 'member' ? 'a member' : `an ${role}`
  const markup = html`<!doctype html>
<html lang="en"><body>
<p><bdi>${inviter}</bdi> invites you to the team “<bdi>${team}</bdi>” of <bdi>${organization}</bdi>, as ${as}.</p>
<p><a href="${link}">See the invitation</a></p>
<p>It holds until ${until}. If you do not know what this is about, do nothing: nothing happens then.</p>
</body></html>`
  return {
    to: invitation.email,
    subject: `${inviter} invites you to the team “${team}”`,
    text: `${inviter} invites you to the team “${team}” of ${organization}, as ${as}.

See the invitation:

${link}

It holds until ${until}. If you do not know what this is about, do nothing: nothing happens then.
`,
    html: markup.text,
    id: `${invitation.id}.${invitation.expiresAt.getTime().toString(36)}`,
  }
}

/** Whether the receiver's server will never take it. RFC 5321 §4.2.1 */
function isRefused(error: unknown): boolean {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown } // as nodemailer's are
  return code === 'EENVELOPE' && typeof responseCode === 'number' && responseCode >= 500
}

export const sendInvitation =
  (letters: InvitationLetters, mailer: Mailer, publicUrl: string): JobHandlers['invitation-letter'] =>
  async ({ organizationId, invitationId }, { isLast }) => {
    const letter = await letters.write(organizationId, invitationId)
    if (!letter) return
    try {
      await mailer.send(invitationMail(letter, publicUrl))
    } catch (error) {
      const refused = isRefused(error)
      if (isLast || refused) await letters.settle(letter, 'failed')
      throw refused ? new GivenUp('refused') : error
    }
    await letters.settle(letter, 'sent')
  }
