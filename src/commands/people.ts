import { type Organization, SCOPES, type Scope, TEAM_CREATIONS, type User, type UserAttributes } from '#domain'
import type { Kith } from '../composition.ts'
import { type Command, type Input, type Option, table, UsageError } from './command.ts'

const organizationJson = ({ id, name, domains, isActive, scope, teamCreation, editableFields }: Organization) => ({
  id,
  name,
  domains,
  active: isActive,
  scope,
  teamCreation,
  editableFields: editableFields ?? null,
})

const SCOPE: Option = {
  type: 'string',
  help: `which colleagues are in the book: ${SCOPES.join(', ')}`,
  value: 'SCOPE',
}

function oneOf<Value extends string>(input: Input, option: string, values: readonly Value[]): Value | undefined {
  const text = input.text(option)
  const found = values.find((one) => one === text)
  if (text !== undefined && !found) throw new UsageError(`--${option} is ${values.join(', ')}, not "${text}"`)
  return found
}
const scopeOf = (input: Input): Scope | undefined => oneOf(input, 'scope', SCOPES)

const userJson = (user: User) => ({
  id: user.id,
  organization: user.organizationId,
  userName: user.userName,
  email: user.email,
  active: user.isActive,
  staff: user.isStaff,
  card: user.profileId,
})

const ATTRIBUTES: Readonly<Record<string, Option>> = {
  phone: { type: 'string', help: 'work phone; "" removes it' },
  mobile: { type: 'string', help: 'mobile phone; "" removes it', value: 'PHONE' },
  title: { type: 'string', help: 'job title; "" removes it' },
  department: { type: 'string', help: 'department; "" removes it' },
  staff: { type: 'boolean', help: "an administrator of the user's organization (--no-staff: not any more)" },
}

/** Only what was typed. */
function attributes(input: Input): UserAttributes {
  const given = {
    email: input.text('email'),
    name: input.text('name'),
    workPhone: input.text('phone'),
    mobilePhone: input.text('mobile'),
    title: input.text('title'),
    department: input.text('department'),
    isStaff: input.flag('staff'),
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

const setActive =
  (isActive: boolean) =>
  async ({ users }: Kith, input: Input) => {
    const user = await users.get(input.positional(0))
    await users.setActive(user, isActive)
    return {
      json: userJson({ ...user, isActive }),
      text: `${user.email} is ${isActive ? 'active' : 'deactivated: no device of theirs gets in, and their card leaves every book'}.`,
    }
  }

/** null: all of them. */
const fieldsIn = (text: string | undefined): readonly string[] | null | undefined => {
  if (text === undefined) return undefined
  const names = text.split(',').flatMap((name) => name.trim() || [])
  return text.trim() === 'all' ? null : names
}

export const ORGANIZATION_COMMANDS: readonly Command[] = [
  {
    name: 'organization create',
    summary: 'Makes an organization.',
    options: {
      name: { type: 'string', help: 'its name', required: true },
      domain: { type: 'string', help: 'an e-mail domain of its own', multiple: true },
    },
    run: async ({ organizations }, input) => {
      const organization = await organizations.create({ name: input.required('name'), domains: input.list('domain') })
      return {
        json: organizationJson(organization),
        text: `Made the organization ${organization.name} (${organization.id}).`,
      }
    },
  },
  {
    name: 'organization update',
    summary: 'Changes an organization: devices follow at their next sync.',
    positionals: ['ORGANIZATION'],
    options: {
      name: { type: 'string', help: 'its name' },
      scope: { ...SCOPE, help: `which colleagues are in everybody's book, at most: ${SCOPES.join(', ')}` },
      'team-creation': { type: 'string', help: `who makes teams: ${TEAM_CREATIONS.join(', ')}`, value: 'WHO' },
      'editable-fields': {
        type: 'string',
        help: 'which fields of their own profile people edit: all, or names such as phones,notes ("": none)',
        value: 'FIELDS',
      },
      active: { type: 'boolean', help: 'lets its people in (--no-active: nobody)' },
    },
    run: async ({ organizations }, input) => {
      const { id } = await organizations.get(input.positional(0))
      const given = {
        name: input.text('name'),
        scope: scopeOf(input),
        teamCreation: oneOf(input, 'team-creation', TEAM_CREATIONS),
        editableFields: fieldsIn(input.text('editable-fields')),
      }
      await organizations.change(id, Object.fromEntries(Object.entries(given).filter(([, one]) => one !== undefined)))
      const active = input.flag('active')
      if (active !== undefined) await organizations.setActive(id, active)
      const organization = await organizations.get(id)
      return { json: organizationJson(organization), text: `Changed the organization ${organization.name}.` }
    },
  },
  {
    name: 'organization list',
    summary: 'Lists the organizations.',
    run: async ({ organizations }) => {
      const all = await organizations.list()
      const rows = all.map(({ id, name, domains, isActive }) => [
        name,
        domains.join(' '),
        isActive ? '' : 'inactive',
        id,
      ])
      return { json: all.map(organizationJson), text: table(['NAME', 'DOMAINS', '', 'ID'], rows) }
    },
  },
]

export const USER_COMMANDS: readonly Command[] = [
  {
    name: 'user create',
    summary: 'Makes a user and their card, which every colleague sees.',
    options: {
      organization: { type: 'string', help: 'name or id', required: true },
      email: { type: 'string', help: 'e-mail address at work', required: true },
      name: { type: 'string', help: 'full name', required: true },
      ...ATTRIBUTES,
    },
    run: async ({ organizations, users }, input) => {
      const organization = await organizations.get(input.required('organization'))
      const given = { ...attributes(input), email: input.required('email'), name: input.required('name') }
      const user = await users.create(organization.id, given)
      return { json: userJson(user), text: `Made the user ${user.email} (${user.id}).` }
    },
  },
  {
    name: 'user update',
    summary: "Changes what is on a user's card; colleagues see it at their next sync.",
    positionals: ['USER'],
    options: {
      email: { type: 'string', help: 'e-mail address at work' },
      name: { type: 'string', help: 'full name' },
      scope: { ...SCOPE, help: `which colleagues are in their book, at most: ${SCOPES.join(', ')}` },
      ...ATTRIBUTES,
    },
    run: async ({ users }, input) => {
      const scope = scopeOf(input)
      const user = await users.update(await users.get(input.positional(0)), attributes(input))
      if (scope) await users.setScope(user, scope)
      return { json: { ...userJson(user), scope: await users.scope(user) }, text: `Changed ${user.email}.` }
    },
  },
  {
    name: 'user deactivate',
    summary: 'Lets a user in nowhere any more and takes their card out of every book.',
    positionals: ['USER'],
    run: setActive(false),
  },
  {
    name: 'user activate',
    summary: 'The reverse of deactivate: the same card comes back.',
    positionals: ['USER'],
    run: setActive(true),
  },
  {
    name: 'user list',
    summary: 'Lists users.',
    options: { organization: { type: 'string', help: 'name or id' } },
    run: async ({ organizations, users }, input) => {
      const named = input.text('organization')
      const all = await Array.fromAsync(
        users.list(named === undefined ? undefined : (await organizations.get(named)).id),
      )
      const rows = all.map(({ id, email, isActive, isStaff, scope }) => [
        email,
        scope,
        [isActive ? '' : 'deactivated', isStaff ? 'staff' : ''].filter(Boolean).join(' '),
        id,
      ])
      return {
        json: all.map((user) => ({ ...userJson(user), scope: user.scope })),
        text: table(['E-MAIL', 'SCOPE', '', 'ID'], rows),
      }
    },
  },
]
