import type { Id, Organization, Organizations, Scope } from '#domain'
import { OrganizationDomainRow, OrganizationRow, RegistrationIdRow } from './schema.ts'
import type { Session } from './session.ts'

export class SqlOrganizations implements Organizations {
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  async insert({ id, name, domains, registrationIds, isActive }: Organization): Promise<void> {
    await this.#session.entities(async (em) => {
      em.create(OrganizationRow, { id, name, isActive })
      await em.flush() // no relation tells the unit of work that the others refer to it
      for (const domain of domains) em.create(OrganizationDomainRow, { domain, organizationId: id })
      for (const value of registrationIds) em.create(RegistrationIdRow, { value, organizationId: id })
      await em.flush()
    })
  }

  list = (): Promise<Organization[]> => this.#read({})

  find = (by: Id | { name: string }): Promise<Organization[]> => this.#read(typeof by === 'string' ? { id: by } : by)

  matching(registrationId: string | undefined, domain: string | undefined): Promise<{ id: Id }[]> {
    return this.#session.query<{ id: Id }>(
      `select organization_id as id from (
         select organization_id, 1 as rank from registration_id where value = $1
         union all select organization_id, 2 from organization_domain where domain = $2) m
       group by organization_id order by min(rank)`,
      [registrationId, domain],
    )
  }

  #read(where: { id?: Id; name?: string }): Promise<Organization[]> {
    return this.#session.entities(async (em) => {
      const rows = await em.find(OrganizationRow, where, { orderBy: { name: 'asc', id: 'asc' } })
      const organizationId = rows.map(({ id }) => id)
      const domains = await em.find(OrganizationDomainRow, { organizationId }, { orderBy: { domain: 'asc' } })
      const registrationIds = await em.find(RegistrationIdRow, { organizationId }, { orderBy: { value: 'asc' } })
      return rows.map(({ id, name, isActive, scope }) => ({
        id,
        name,
        isActive,
        scope,
        domains: domains.filter((row) => row.organizationId === id).map(({ domain }) => domain),
        registrationIds: registrationIds.filter((row) => row.organizationId === id).map(({ value }) => value),
      }))
    })
  }

  async setActive(id: Id, isActive: boolean): Promise<void> {
    await this.#session.entities((em) => em.nativeUpdate(OrganizationRow, { id }, { isActive }))
  }

  async rename(id: Id, name: string): Promise<void> {
    await this.#session.entities((em) => em.nativeUpdate(OrganizationRow, { id }, { name }))
  }

  async setScope(id: Id, scope: Scope): Promise<boolean> {
    const other = { id, scope: { $ne: scope } }
    return (await this.#session.entities((em) => em.nativeUpdate(OrganizationRow, other, { scope }))) > 0
  }
}
