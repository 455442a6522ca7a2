import { isDeepStrictEqual } from 'node:util'
import { changedFields, type DataField, fieldOfProperty, parseLine, parseVCard, type VCard } from '#vcard'
import type { Id } from '../actor.ts'
import { DomainError, notFound } from '../errors.ts'
import type { Organization } from '../organizations.ts'
import type { Transaction } from '../ports.ts'
import { type Contact, generated } from './contact.ts'
import { additionsOnly, applyLayer, EMPTY_LAYER, type Layer, layerSize } from './overlay.ts'

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

/** Whether people edit that field of their own profile; what no field of `data` shows goes only where all may be edited. */
const mayEdit = ({ editableFields }: Pick<Organization, 'editableFields'>, field: DataField | undefined): boolean =>
  editableFields === undefined || (field !== undefined && editableFields.includes(field))

/**
 * By the policy, which stays until the transaction ends.
 *
 * @throws DomainError `managed-value`, naming each field that people do not edit themselves; `not-found`
 */
export async function assertEditable(
  transaction: Transaction,
  organizationId: Id,
  profile: Contact,
  card: VCard,
): Promise<void> {
  const organization = await transaction.organizations.hold(organizationId)
  if (!organization) throw notFound('The organization is gone')
  const problems = changedFields(baseCard(profile), card)
    .filter((field) => !mayEdit(organization, field))
    .map((field) => ({ field: `data.${field}`, problem: 'is not yours to edit' }))
  if (problems.length === 0) return
  const names = problems.map(({ field }) => field.replace('data.', '')).join(', ')
  throw new DomainError('managed-value', `Your organization does not let people edit these: ${names}`, { problems })
}

/**
 * What of a new layer over one's own managed lines is kept, and undefined where that is nothing: additions alone, and in
 * fields that the organization leaves to its people. Of every other field the layer stays as it was. The policy cannot
 * change until the transaction ends.
 */
export async function ownLayer(
  transaction: Transaction,
  organizationId: Id,
  { managed = '', layer: before = EMPTY_LAYER }: Contact,
  wanted: Layer,
): Promise<Layer | undefined> {
  const organization = await transaction.organizations.hold(organizationId)
  if (!organization) throw notFound('The organization is gone')
  const own = additionsOnly(parseVCard(managed), wanted)
  const isEditable = (name: string) => mayEdit(organization, fieldOfProperty(name))
  const kept = organization.editableFields
    ? together(
        part(own, isEditable),
        part(before, (name) => !isEditable(name)),
      )
    : own
  return layerSize(kept) === 0 ? undefined : kept
}

/** What a layer says of some properties. */
const part = (layer: Layer, of: (property: string) => boolean): Layer => ({
  set: Object.fromEntries(Object.entries(layer.set).filter(([name]) => of(name))),
  unset: layer.unset.filter(of),
  remove: layer.remove.filter(({ name }) => of(name)),
  add: layer.add.filter(([line = '']) => of(parseLine(line).name)),
  annotate: layer.annotate.filter(({ name }) => of(name)),
})

const together = (one: Layer, other: Layer): Layer => ({
  set: { ...one.set, ...other.set },
  unset: [...one.unset, ...other.unset],
  remove: [...one.remove, ...other.remove],
  add: [...one.add, ...other.add],
  annotate: [...one.annotate, ...other.annotate],
})
