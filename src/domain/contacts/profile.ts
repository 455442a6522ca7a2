import { isDeepStrictEqual } from 'node:util'
import { parseVCard } from '#vcard'
import type { Id } from '../actor.ts'
import { notFound } from '../errors.ts'
import type { Transaction } from '../ports.ts'
import { type Contact, generated } from './contact.ts'
import { additionsOnly, applyLayer, type Layer } from './overlay.ts'

/**
 * Writes a profile that the caller has locked: its managed lines and its owner's layer, what follows for the card, and
 * for everybody who laid something over it. One journal row, or none if the card stays as it is.
 */
export async function saveProfile(
  transaction: Transaction,
  organizationId: Id,
  profile: Contact,
  managed: string,
  layer: Layer | undefined,
): Promise<Contact> {
  const base = parseVCard(managed)
  const card = layer ? applyLayer(base, additionsOnly(base, layer)) : base
  const { layer: _, ...rest } = profile
  const saved: Contact = { ...rest, managed, ...(layer ? { layer } : {}), ...generated(card) }
  if (saved.etag === profile.etag) {
    if (managed !== profile.managed || layer !== profile.layer)
      await transaction.contacts.rewrite(organizationId, [saved])
    return saved
  }
  await transaction.contacts.replace(organizationId, saved, profile.etag)
  await recomputeOverrides(transaction, organizationId, saved)
  transaction.record(organizationId, { streamId: organizationId, member: saved.name, kind: 'card' })
  return saved
}

/** Listed after the base was written: whoever overrides meanwhile waits for us, or we see their layer (docs/sync.md). */
export async function recomputeOverrides(transaction: Transaction, organizationId: Id, base: Contact): Promise<void> {
  const overrides = await transaction.contacts.overridesOf(organizationId, base)
  if (overrides.length === 0) return
  const card = baseCard(base)
  for (const [whose, theirs] of Map.groupBy(overrides, (override) => override.organizationId)) {
    const anew = theirs.map((override) => ({ ...override, ...generated(applyLayer(card, layerOf(override))) }))
    await transaction.contacts.rewrite(whose, anew)
  }
}

/** The card that layers are laid over. */
export const baseCard = (base: Contact) => parseVCard(base.text4 ?? base.text)

export function layerOf(override: Contact): Layer {
  if (!override.layer) throw notFound('An override without a layer') // the database holds `layer is not null` for it
  return override.layer
}

/** The order of keys aside: a database need not keep it. */
export const sameLayer = (one: Layer | undefined, other: Layer | undefined): boolean => isDeepStrictEqual(one, other)
