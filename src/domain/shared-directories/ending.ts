import { randomUUID } from 'node:crypto'
import { parseVCard } from '#vcard'
import type { Id } from '../actor.ts'
import { type DirectoryKey, directoryBookName } from '../contacts/collection.ts'
import { type Contact, comparableUid, generated, nameOfId } from '../contacts/contact.ts'
import { baseCard } from '../contacts/profile.ts'
import { withUid } from '../contacts/sent.ts'
import { notFound } from '../errors.ts'
import type { Transaction } from '../ports.ts'

const AT_ONCE = 500

/** Tells everybody of the organization that a directory came, went, or is called something else. */
export const recordBook = (transaction: Transaction, organizationId: Id, { id }: DirectoryKey): void =>
  transaction.record(organizationId, { streamId: organizationId, member: directoryBookName(id), kind: 'book' })

/**
 * Ends a subscription: what people laid over entries becomes personal cards of theirs, as they last saw them. Whoever
 * writes such a layer at the same time was first, and it is among them, or is refused. @throws DomainError `not-found`
 */
export async function endSubscription(transaction: Transaction, organizationId: Id, directory: DirectoryKey) {
  const { subscriptions } = transaction
  if (!(await subscriptions.delete(organizationId, directory))) throw notFound()
  for (;;) {
    const taken = await subscriptions.conflicts(organizationId, directory.id, AT_ONCE)
    if (taken.length === 0) break
    await subscriptions.rename(organizationId, taken.map(asAnother))
  }
  for (const { peopleId, name } of await subscriptions.freeze(organizationId, directory.id)) {
    transaction.record(organizationId, { streamId: peopleId, member: name, kind: 'card' })
  }
  recordBook(transaction, organizationId, directory)
}

/** The card under another name and with another UID: `people` has one of each already, and nothing is lost. */
function asAnother(contact: Contact): Contact {
  const { lines, ...rest } = baseCard(contact)
  const card = { ...rest, lines: lines.filter(({ name }) => name !== 'UID') }
  const { text, uid } = withUid({ card, text: '' })
  return { ...contact, ...generated(parseVCard(text)), name: nameOfId(randomUUID()), uid: comparableUid(uid) }
}
