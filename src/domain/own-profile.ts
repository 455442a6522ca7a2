import { isDeepStrictEqual } from 'node:util'
import { parseVCard } from '#vcard'
import type { Actor } from './actor.ts'
import { ON_CARDS, type PersonAttributes, rewritten, withAdded } from './attributes.ts'
import type { Contact } from './contacts/contact.ts'
import { additionsOnly, diff } from './contacts/overlay.ts'
import { assertEditable, baseCard, ownLayer, sameLayer, saveProfile } from './contacts/profile.ts'
import type { ListedUser } from './directory.ts'
import { DomainError, notFound } from './errors.ts'
import type { Store } from './ports.ts'
import { type ManagedUser, saveManaged } from './users.ts'

/** Somebody as they are themselves: what is managed of them, and what they laid over it. */
export interface Myself {
  readonly user: ManagedUser
  readonly attributes: PersonAttributes
  /** Differs whenever anything of it does. */
  readonly version: string
}

/** What people say of their language and time is kept with what is managed: cards do not hold it. */
const OWN = ['preferredLanguage', 'locale', 'timezone'] as const

/** What people read and change of their own profile without a card: their layer over it, and their language. */
export class OwnProfileService {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  /** @throws DomainError `not-found` */
  async read({ organizationId, userId }: Actor): Promise<ListedUser & Pick<Myself, 'version'>> {
    const user = await this.#store.directory.user(organizationId, userId, true)
    const profile = await this.#store.contacts.profile(organizationId, userId)
    if (!user || !profile) throw notFound('You are no user any more')
    return { ...user, attributes: seen(user, profile), version: versionOf(user, profile) }
  }

  /**
   * Writes what `change` makes of it into the person's own layer; it may be called again.
   *
   * @throws DomainError `managed-value` where the organization manages what was changed, `not-found`
   */
  async amend({ organizationId, userId }: Actor, change: (now: Myself) => PersonAttributes): Promise<void> {
    await this.#store.transaction(async (transaction) => {
      const user = await transaction.users.lockManaged(organizationId, userId)
      const profile = user && (await transaction.contacts.lockProfile(organizationId, userId))
      if (!user || !profile?.managed) throw notFound('You are no user any more')
      const now = seen(user, profile)
      const wanted = change({ user, attributes: now, version: versionOf(user, profile) })
      assertOwn(user.attributes, now, wanted)
      const { userName } = user
      const base = parseVCard(profile.managed)
      const card = rewritten(baseCard(profile), { userName, attributes: now }, { userName, attributes: wanted })
      const layer = diff(base, card)
      if (!sameLayer(additionsOnly(base, layer), layer)) throw managed('what it says of you')
      await assertEditable(transaction, organizationId, profile, card)
      const own = await ownLayer(transaction, organizationId, profile, layer)
      await saveProfile(transaction, organizationId, profile, profile.managed, own)
      const language = Object.fromEntries(
        OWN.flatMap((name) => (wanted[name] === undefined ? [] : [[name, wanted[name]]])),
      )
      const { preferredLanguage: _, locale: __, timezone: ___, ...rest } = user.attributes
      await saveManaged(transaction, user, { ...user, attributes: { ...rest, ...language } })
    })
  }
}

const seen = ({ attributes }: ManagedUser, profile: Contact): PersonAttributes =>
  profile.managed === undefined ? attributes : withAdded(attributes, parseVCard(profile.managed), baseCard(profile))

const versionOf = ({ revision }: ManagedUser, { etag }: Contact): string => `${revision}.${etag}`

const managed = (what: string): DomainError =>
  new DomainError('managed-value', `Your organization manages ${what}: ask its administrators to change it`)

/** Of what no card and no language holds, nothing is one's own. */
function assertOwn(managedOnes: PersonAttributes, now: PersonAttributes, wanted: PersonAttributes): void {
  const names = new Set([...Object.keys(now), ...Object.keys(wanted)])
  for (const name of names) {
    if ((OWN as readonly string[]).includes(name)) continue
    const key = name as keyof PersonAttributes // of one of both
    if (isDeepStrictEqual(now[key], wanted[key])) continue
    if (!ON_CARDS.has(name) || ENTERPRISE.has(name)) throw managed(`"${name}"`)
    // without it the card may say the same, made of the other names
    if (name === 'displayName' && managedOnes.displayName !== undefined) throw managed('"displayName"')
    if (name === 'name' && now.name?.formatted !== wanted.name?.formatted) throw managed('"name.formatted"')
  }
}

/** What stands on cards, and is the organization's all the same. */
const ENTERPRISE: ReadonlySet<string> = new Set(['organization', 'department'])
