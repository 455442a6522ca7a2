import { ROLES, type Role, type Team } from '#domain'
import type { Kith } from '../composition.ts'
import { type Command, type Input, table, UsageError } from './command.ts'

const teamJson = ({ id, organizationId, name, memberCount, isSynced, isSuspended }: Team) => ({
  id,
  organization: organizationId,
  name,
  members: memberCount,
  synced: isSynced,
  suspended: isSuspended,
})

const TEAM = { type: 'string', help: 'name or id', required: true } as const
const USER = { type: 'string', help: 'e-mail or id', required: true } as const

function roleOf(input: Input): Role {
  const role = ROLES.find((one) => one === (input.text('role') ?? 'member'))
  if (!role) throw new UsageError(`--role is ${ROLES.join(', ')}, not "${input.text('role')}"`)
  return role
}

async function both({ teams, users }: Kith, input: Input) {
  const user = await users.get(input.required('user'))
  return { user, team: await teams.get(input.required('team'), user.organizationId) }
}

export const TEAM_COMMANDS: readonly Command[] = [
  {
    name: 'team create',
    summary: 'Makes a team; its members have it as a group card.',
    options: {
      name: { type: 'string', help: 'its name', required: true },
      owner: { type: 'string', help: 'e-mail or id of its owner', required: true },
    },
    run: async ({ teams, users }, input) => {
      const team = await teams.create(input.required('name'), await users.get(input.required('owner')))
      return { json: teamJson(team), text: `Made the team ${team.name} (${team.id}).` }
    },
  },
  {
    name: 'team add',
    summary: 'Adds a member, or gives one another role.',
    options: { team: TEAM, user: USER, role: { type: 'string', help: `${ROLES.join(', ')} (member)` } },
    run: async (kith, input) => {
      const role = roleOf(input)
      const { team, user } = await both(kith, input)
      await kith.teams.add(team, user, role)
      return { json: { team: team.id, user: user.id, role }, text: `${user.email} is ${role} of ${team.name}.` }
    },
  },
  {
    name: 'team remove',
    summary: 'Removes a member.',
    options: { team: TEAM, user: USER },
    run: async (kith, input) => {
      const { team, user } = await both(kith, input)
      await kith.teams.remove(team, user)
      return { json: { team: team.id, user: user.id, role: null }, text: `${user.email} has left ${team.name}.` }
    },
  },
  {
    name: 'team list',
    summary: 'Lists teams, or the members of one.',
    options: {
      organization: { type: 'string', help: 'name or id' },
      team: { type: 'string', help: 'name or id: list its members' },
    },
    run: async ({ teams, organizations }, input) => {
      const named = input.text('organization')
      const organizationId = named === undefined ? undefined : (await organizations.get(named)).id
      const one = input.text('team')
      if (one !== undefined) {
        const members = await teams.members(await teams.get(one, organizationId))
        const json = members.map(({ userId, email, role, isActive }) => ({
          user: userId,
          email,
          role,
          active: isActive,
        }))
        const rows = members.map(({ email, role, isActive }) => [email, role, isActive ? '' : 'deactivated'])
        return { json, text: table(['E-MAIL', 'ROLE', ''], rows) }
      }
      const all = await teams.list(organizationId)
      const rows = all.map(({ id, name, memberCount }) => [name, String(memberCount), id])
      return { json: all.map(teamJson), text: table(['NAME', 'MEMBERS', 'ID'], rows) }
    },
  },
]
