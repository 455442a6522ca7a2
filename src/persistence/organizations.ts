import type { Id, Organization, Organizations, Scope } from '#domain'
import { OrganizationDomainRow, OrganizationRow, RegistrationIdRow } from './schema.ts'
import type { Session } from './session.ts'

export class SqlOrganizations implements Organizations {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  async insert({ id, name, domains, registrationIds, isActive }: Organization): Promise<void> {
    const { em } = this.#session
    em.create(OrganizationRow, { id, name, isActive })
    await em.flush() // no relation tells the unit of work that the others refer to it
    for (const domain of domains) em.create(OrganizationDomainRow, { domain, organizationId: id })
    for (const value of registrationIds) em.create(RegistrationIdRow, { value, organizationId: id })
    await em.flush()
  }

  list = (): Promise<Organization[]> => this.#read({})

  find = (by: Id | { name: string }): Promise<Organization[]> => this.#read(typeof by === 'string' ? { id: by } : by)

  async #read(where: { id?: Id; name?: string }): Promise<Organization[]> {
    const { em } = this.#session
    const rows = await em.find(OrganizationRow, where, { orderBy: { name: 'asc', id: 'asc' } })
    const ids = rows.map(({ id }) => id)
    const domains = await em.find(OrganizationDomainRow, { organizationId: ids }, { orderBy: { domain: 'asc' } })
    const registrationIds = await em.find(RegistrationIdRow, { organizationId: ids }, { orderBy: { value: 'asc' } })
    return rows.map(({ id, name, isActive }) => ({
      id,
      name,
      isActive,
      domains: domains.filter(({ organizationId }) => organizationId === id).map(({ domain }) => domain),
      registrationIds: registrationIds.filter(({ organizationId }) => organizationId === id).map(({ value }) => value),
    }))
  }

  async setActive(id: Id, isActive: boolean): Promise<void> {
    await this.#session.em.nativeUpdate(OrganizationRow, { id }, { isActive })
  }

  async setScope(id: Id, scope: Scope): Promise<void> {
    await this.#session.em.nativeUpdate(OrganizationRow, { id }, { scope })
  }
}
