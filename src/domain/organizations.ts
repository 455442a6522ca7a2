import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { DATA_FIELDS, type DataField } from '#vcard'
import { asId, type Id } from './actor.ts'
import { DomainError, notFound } from './errors.ts'
import type { Store, Transaction } from './ports.ts'

export interface Organization {
  readonly id: Id
  readonly name: string
  readonly domains: readonly string[]
  readonly registrationIds: readonly string[]
  readonly isActive: boolean
  readonly scope: Scope
  readonly teamCreation: TeamCreation
  /** Which fields of their own profile people edit; absent: all. */
  readonly editableFields?: readonly DataField[]
}

/** What is said of an organization; null: all fields. */
export interface OrganizationChange {
  readonly name?: string
  readonly scope?: Scope
  readonly teamCreation?: TeamCreation
  readonly editableFields?: readonly string[] | null
}

/** Mail domains that belong to everybody, so to no organization. */
const PUBLIC_DOMAINS: ReadonlySet<string> = new Set(
  `gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com ymail.com aol.com icloud.com me.com mac.com
  gmx.com gmx.net gmx.de gmx.at gmx.ch web.de t-online.de freenet.de mail.ru yandex.ru yandex.com qq.com 163.com 126.com
  sina.com naver.com daum.net orange.fr wanadoo.fr free.fr laposte.net sfr.fr libero.it virgilio.it tiscali.it
  proton.me protonmail.com pm.me zoho.com fastmail.com mail.com hey.com tutanota.com tuta.io btinternet.com
  comcast.net verizon.net att.net sbcglobal.net cox.net rediffmail.com uol.com.br bol.com.br terra.com.br wp.pl o2.pl
  onet.pl interia.pl seznam.cz bluewin.ch`.split(/\s+/),
)

const DOMAIN = /^(?=.{1,253}$)([a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/

/** Whether a domain (in lower case) belongs to everybody. */
export const isPublicDomain = (domain: string): boolean => PUBLIC_DOMAINS.has(domain)

/** An e-mail domain as it is kept. @throws DomainError `invalid-data`, `public-domain` */
export function mailDomain(text: string): string {
  const domain = text.trim().toLowerCase()
  if (!DOMAIN.test(domain)) throw new DomainError('invalid-data', `"${text}" is not a domain such as example.org`)
  if (isPublicDomain(domain)) {
    throw new DomainError('public-domain', `${domain} is a public mail domain: no organization can claim it`)
  }
  return domain
}

function organizationName(text: string): string {
  const name = text.trim()
  if (name === '' || name.length > 200 || name.includes('\0')) {
    throw new DomainError('invalid-data', 'An organization needs a name of at most 200 characters', {
      problems: [{ field: 'name', problem: 'has 1 to 200 characters' }],
    })
  }
  return name
}

export interface NewOrganization {
  readonly name: string
  readonly domains: readonly string[]
  readonly registrationIds?: readonly string[]
}

/** @throws DomainError `invalid-data`, `public-domain` */
export const newOrganization = ({ name, domains, registrationIds = [] }: NewOrganization): Organization => ({
  id: randomUUID(),
  name: organizationName(name),
  domains: [...new Set(domains.map(mailDomain))],
  registrationIds: [...new Set(registrationIds)],
  isActive: true,
  scope: 'everyone',
  teamCreation: 'everyone',
})

export class OrganizationService {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  /** @throws DomainError `invalid-data`, `public-domain`, `domain-taken` */
  async create(wanted: NewOrganization): Promise<Organization> {
    const organization = newOrganization(wanted)
    await this.#store.transaction((repositories) => repositories.organizations.insert(organization))
    return organization
  }

  list = (): Promise<Organization[]> => this.#store.organizations.list()

  /** By name or id. @throws DomainError `not-found`, `ambiguous` */
  async get(reference: string): Promise<Organization> {
    const found = await this.#store.organizations.find(asId(reference) ?? { name: reference })
    if (found.length > 1) {
      const ids = found.map(({ id }) => id).join(', ')
      throw new DomainError(
        'ambiguous',
        `${found.length} organizations are called "${reference}": name one by its id (${ids})`,
      )
    }
    if (!found[0]) throw notFound(`There is no organization "${reference}"`)
    return found[0]
  }

  /** An inactive organization lets nobody in. */
  setActive = (id: Id, isActive: boolean): Promise<void> =>
    this.#store.transaction((repositories) => repositories.organizations.setActive(id, isActive))

  /** In force from its commit on. @throws DomainError `invalid-data`, `not-found` */
  change = (id: Id, change: OrganizationChange): Promise<Organization> =>
    this.#store.transaction(async (transaction) => {
      const now = await transaction.organizations.lock(id)
      if (!now) throw notFound('The organization is gone')
      return await saveOrganization(transaction, now, change)
    })

  /** Which colleagues are in everybody's book. */
  setScope = async (id: Id, scope: Scope): Promise<void> => {
    await this.change(id, { scope })
  }
}

/**
 * Writes what differs of an organization that the caller has locked. Another scope resets every token, since every view
 * may change. @throws DomainError `invalid-data`
 */
export async function saveOrganization(
  transaction: Transaction,
  now: Organization,
  { name, scope, teamCreation, editableFields }: OrganizationChange,
): Promise<Organization> {
  const { editableFields: before, ...rest } = now
  const fields =
    editableFields === undefined ? before : editableFields === null ? undefined : knownFields(editableFields)
  const saved: Organization = {
    ...rest,
    name: name === undefined ? now.name : organizationName(name),
    scope: scope ?? now.scope,
    teamCreation: teamCreation ?? now.teamCreation,
    ...(fields ? { editableFields: fields } : {}),
  }
  if (isDeepStrictEqual(saved, now)) return now
  await transaction.organizations.update(saved)
  if (saved.scope !== now.scope) transaction.reset(now.id, now.id)
  return saved
}

/** In the order of the table, each once. @throws DomainError `invalid-data` */
function knownFields(names: readonly string[]): readonly DataField[] {
  const problems = names.flatMap((name, at) =>
    (DATA_FIELDS as readonly string[]).includes(name)
      ? []
      : [{ field: `policies.editable_profile_fields[${at}]`, problem: `must be one of ${DATA_FIELDS.join(', ')}` }],
  )
  if (problems.length > 0) {
    throw new DomainError('invalid-data', `Fields of a profile are ${DATA_FIELDS.join(', ')}`, { problems })
  }
  return DATA_FIELDS.filter((field) => names.includes(field))
}

/** Which colleagues are in a book: the narrower of the organization's and the user's. */
export const SCOPES = ['everyone', 'teams', 'none'] as const
export type Scope = (typeof SCOPES)[number]

/** Who may make teams; the organization's administrators always may. */
export const TEAM_CREATIONS = ['everyone', 'administrators'] as const
export type TeamCreation = (typeof TEAM_CREATIONS)[number]

export const mayCreateTeams = (
  { isStaff, isDevice }: { readonly isStaff: boolean; readonly isDevice: boolean },
  { teamCreation }: Pick<Organization, 'teamCreation'>,
): boolean => !isDevice && (isStaff || teamCreation === 'everyone')
