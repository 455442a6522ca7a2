import type { Id, Organization, Organizations } from '#domain'
import { OrganizationDomainRow, OrganizationRow, RegistrationIdRow } from './schema.ts'
import type { Session } from './session.ts'

interface Columns {
  id: string
  name: string
  is_active: boolean
  scope: Organization['scope']
  team_creation: Organization['teamCreation']
  editable_fields: NonNullable<Organization['editableFields']> | null
  domains: string[]
  registration_ids: string[]
}

const SELECT = `select o.id, o.name, o.is_active, o.scope, o.team_creation, o.editable_fields,
    (select coalesce(array_agg(domain order by domain), '{}') from organization_domain where organization_id = o.id) as domains,
    (select coalesce(array_agg(value order by value), '{}') from registration_id where organization_id = o.id) as registration_ids
  from organization o`

const toOrganization = (row: Columns): Organization => ({
  id: row.id,
  name: row.name,
  isActive: row.is_active,
  scope: row.scope,
  teamCreation: row.team_creation,
  ...(row.editable_fields === null ? {} : { editableFields: row.editable_fields }),
  domains: row.domains,
  registrationIds: row.registration_ids,
})

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

  list = (): Promise<Organization[]> => this.#read('true', [])

  find = (by: Id | { name: string }): Promise<Organization[]> =>
    typeof by === 'string' ? this.#read('o.id = $1', [by]) : this.#read('o.name = $1', [by.name])

  async #read(where: string, values: readonly unknown[]): Promise<Organization[]> {
    const rows = await this.#session.query<Columns>(`${SELECT} where ${where} order by o.name, o.id`, values)
    return rows.map(toOrganization)
  }

  matching(registrationId: string | undefined, domain: string | undefined): Promise<{ id: Id }[]> {
    return this.#session.query<{ id: Id }>(
      `select organization_id as id from (
         select organization_id, 1 as rank from registration_id where value = $1
         union all select organization_id, 2 from organization_domain where domain = $2) m
       group by organization_id order by min(rank)`,
      [registrationId, domain],
    )
  }

  async setActive(id: Id, isActive: boolean): Promise<void> {
    await this.#session.entities((em) => em.nativeUpdate(OrganizationRow, { id }, { isActive }))
  }

  lock = (id: Id): Promise<Organization | undefined> => this.#locked(id, 'no key update')
  hold = (id: Id): Promise<Organization | undefined> => this.#locked(id, 'share')

  async #locked(id: Id, mode: 'no key update' | 'share'): Promise<Organization | undefined> {
    const [row] = await this.#session.query<Columns>(
      `${SELECT} where o.id = $1 for ${mode} of o`,
      [id],
      `organization.${mode}`,
    )
    return row && toOrganization(row)
  }

  async update({ id, name, scope, teamCreation, editableFields }: Organization): Promise<void> {
    await this.#session.query(
      'update organization set name = $2, scope = $3, team_creation = $4, editable_fields = $5 where id = $1',
      [id, name, scope, teamCreation, editableFields ?? null],
    )
  }
}
