import { randomUUID } from 'node:crypto'
import { asId, type Id } from './actor.ts'
import { DomainError, notFound } from './errors.ts'
import type { Store } from './ports.ts'

export interface Organization {
  readonly id: Id
  readonly name: string
  readonly domains: readonly string[]
  readonly registrationIds: readonly string[]
  readonly isActive: boolean
  readonly scope: Scope
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
  if (name === '' || name.length > 200) {
    throw new DomainError('invalid-data', 'An organization needs a name of at most 200 characters')
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

  /** @throws DomainError `invalid-data` */
  rename = (id: Id, text: string): Promise<void> => {
    const name = organizationName(text)
    return this.#store.transaction((repositories) => repositories.organizations.rename(id, name))
  }

  /** Which colleagues are in everybody's book: another one resets every token, since every view may change. */
  setScope = (id: Id, scope: Scope): Promise<void> =>
    this.#store.transaction(async (repositories) => {
      if (await repositories.organizations.setScope(id, scope)) repositories.reset(id, id)
    })
}

/** Which colleagues are in a book: the narrower of the organization's and the user's. */
export const SCOPES = ['everyone', 'teams', 'none'] as const
export type Scope = (typeof SCOPES)[number]
