import { escapeText, parseVCard, type VCard } from '#vcard'
import type { Id } from '../actor.ts'
import type { Team } from '../teams.ts'

/** Part of the ETag of every group card: raise it when `teamCard` writes something else. */
export const TEAM_CARD_RENDERER = 2

/** A team's group card (RFC 6350 §6.1.4, §6.6.5) in 4.0. */
export function teamCard(
  id: Id,
  { name, description }: Pick<Team, 'name' | 'description'>,
  memberUids: readonly string[],
): VCard {
  const text = escapeText(name)
  const note = description === undefined ? '' : `NOTE:${escapeText(description)}\r\n`
  const members = memberUids.map((uid) => `MEMBER:urn:uuid:${uid}\r\n`).join('')
  return parseVCard(
    `BEGIN:VCARD\r\nVERSION:4.0\r\nPRODID:-//Kith//Kith//EN\r\nUID:${id}\r\nKIND:group\r\nFN:${text}\r\nN:${text};;;;\r\n${note}${members}END:VCARD\r\n`,
  )
}
