import type { Id } from './actor.ts'
import { DomainError } from './errors.ts'
import type { Transaction } from './ports.ts'
import type { Team } from './teams.ts'

const MAX_DEPTH = 32

/**
 * Puts the team under another one, or under none; the hierarchy is locked, and both teams are.
 *
 * @throws DomainError `parent-cycle`, `too-deep`
 */
export async function setParent(
  { teams }: Transaction,
  { organizationId, id }: Team,
  parentId: Id | undefined,
): Promise<void> {
  if (parentId) {
    const above = await teams.line(organizationId, parentId)
    if (above.includes(id)) throw new DomainError('parent-cycle', 'A team cannot be above itself')
    if (above.length + (await teams.height(organizationId, id)) > MAX_DEPTH) {
      throw new DomainError('too-deep', `There are at most ${MAX_DEPTH} teams above each other`)
    }
  }
  await teams.setParent(organizationId, id, parentId)
}
