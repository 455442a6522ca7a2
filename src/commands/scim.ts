import type { ApiToken, Connector, NewApiToken } from '#domain'
import type { Kith } from '../composition.ts'
import type { Config } from '../config.ts'
import { type Command, type Input, type Option, type Output, table, UsageError } from './command.ts'

const UNITS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 }

/** "24h", "90d", "0": seconds. @throws UsageError */
function seconds(option: string, text: string): number {
  const [, count, unit = ''] = /^(\d{1,6})([smhdw]?)$/.exec(text) ?? []
  if (count === undefined || (unit === '' && count !== '0')) {
    throw new UsageError(`--${option} is a time such as 24h or 90d, not "${text}"`)
  }
  return Number(count) * (UNITS[unit] ?? 1)
}

/** After that time, or at the start of that day (UTC). @throws UsageError */
function expiry(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined
  const isDate = /^\d{4}-\d\d-\d\d(T[\d:.]+Z)?$/.test(text)
  const date = isDate ? new Date(text) : new Date(Date.now() + seconds('expires', text) * 1_000)
  if (Number.isNaN(date.getTime())) throw new UsageError(`--expires is a day such as 2027-01-31, not "${text}"`)
  if (date.getTime() <= Date.now()) throw new UsageError(`--expires ${text} has passed already`)
  return date
}

export const ORGANIZATION: Option = { type: 'string', help: 'name or id', required: true }
export const CONNECTOR: Option = { type: 'string', help: 'which identity provider it is for', value: 'NAME' }
export const READ_ONLY: Option = { type: 'boolean', help: 'it may read only' }
const KIND: Readonly<Record<string, Option>> = {
  strict: { type: 'boolean', help: 'forgives nothing that the standard forbids (--no-strict: what clients get wrong)' },
  'staff-role': { type: 'string', help: 'whoever has this role is staff; "" ends that', value: 'ROLE' },
}

/** The connector that was named, as the options say it is to be. */
export async function connectorOf({ organizations, connectors }: Kith, input: Input): Promise<Connector> {
  const { id } = await organizations.get(input.required('organization'))
  return await changed(connectors, await connectors.obtain(id, input.text('connector')), input)
}

async function changed(connectors: Kith['connectors'], connector: Connector, input: Input): Promise<Connector> {
  const isStrict = input.flag('strict')
  const staffRole = input.text('staff-role')
  if (isStrict === undefined && staffRole === undefined) return connector
  return await connectors.update(connector, {
    ...(isStrict === undefined ? {} : { isStrict }),
    ...(staffRole === undefined ? {} : { staffRole }),
  })
}

const connectorJson = ({ organizationId, id, name, isStrict, staffRole }: Connector) => ({
  id,
  name,
  organization: organizationId,
  strict: isStrict,
  staffRole: staffRole ?? null,
})

const tokenJson = ({ id, label, connector, mayWrite, createdAt, expiresAt, lastUsedAt, revokedAt }: ApiToken) => ({
  id,
  label,
  organization: connector.organizationId,
  connector: connector.name,
  readOnly: !mayWrite,
  createdAt,
  expiresAt: expiresAt ?? null,
  lastUsedAt: lastUsedAt ?? null,
  revokedAt: revokedAt ?? null,
})

function shown({ publicUrl }: Config, { token, text }: NewApiToken): Output {
  const { id, connector, expiresAt } = token
  const url = `${publicUrl}/scim/v2`
  const lines = [
    ['URL', url],
    ['token', text],
    ['expires', expiresAt ? expiresAt.toISOString() : 'never'],
    ['token URL', `${publicUrl}/oauth/token`],
    ['client id', id],
    ['client secret', 'the token'],
  ].map(([name = '', value]) => `  ${name.padEnd(15)}${value}`)
  return {
    json: { token: text, id, url, connector: connector.name, ...(expiresAt ? { expires: expiresAt } : {}) },
    text: `At the identity provider (connector "${connector.name}"), enter the URL and the token; or where it wants OAuth 2.0\nclient credentials, the last three:\n${lines.join('\n')}\nThe token is not shown again.`,
  }
}

function state({ expiresAt, lastUsedAt, revokedAt }: ApiToken): string {
  const now = new Date()
  if (revokedAt && revokedAt <= now) return 'revoked'
  if (expiresAt && expiresAt <= now) return 'expired'
  const end = [revokedAt, expiresAt].filter((one) => one !== undefined).sort((a, b) => a.getTime() - b.getTime())[0]
  const use = lastUsedAt ? `used ${lastUsedAt.toISOString()}` : 'never used'
  return end ? `${use}, ends ${end.toISOString()}` : use
}

export const scimCommands = (config: Config): readonly Command[] => [
  {
    name: 'scim-token create',
    summary: 'Makes a token for an identity provider; it is shown once.',
    options: {
      organization: ORGANIZATION,
      connector: CONNECTOR,
      label: { type: 'string', help: 'what it is for' },
      'read-only': READ_ONLY,
      expires: {
        type: 'string',
        help: 'after that time (90d), or at the start of that day (2027-01-31)',
        value: 'TIME',
      },
      ...KIND,
    },
    run: async (kith, input) => {
      const expiresAt = expiry(input.text('expires'))
      const connector = await connectorOf(kith, input)
      const mayWrite = !input.flag('read-only')
      return shown(config, await kith.scimTokens.create(connector, { label: input.text('label'), mayWrite, expiresAt }))
    },
  },
  {
    name: 'scim-token list',
    summary: 'Lists the tokens of identity providers, without the secrets.',
    options: { organization: { ...ORGANIZATION, required: false } },
    run: async ({ organizations, scimTokens }, input) => {
      const named = input.text('organization')
      const all = await scimTokens.list(named === undefined ? undefined : (await organizations.get(named)).id)
      const rows = all.map((one) => [
        one.label,
        one.connector.name,
        one.mayWrite ? '' : 'read-only',
        state(one),
        one.id,
      ])
      return { json: all.map(tokenJson), text: table(['LABEL', 'CONNECTOR', '', '', 'ID'], rows) }
    },
  },
  {
    name: 'scim-token rotate',
    summary: 'Makes a token in place of another, which ends after an overlap.',
    positionals: ['ID'],
    options: {
      overlap: {
        type: 'string',
        help: 'how long the old one goes on: 24h unless told; 0 for not at all',
        value: 'TIME',
      },
    },
    run: async ({ scimTokens }, input) =>
      shown(config, await scimTokens.rotate(input.positional(0), seconds('overlap', input.text('overlap') ?? '24h'))),
  },
  {
    name: 'scim-token revoke',
    summary: 'Ends a token: it is refused within a second.',
    positionals: ['ID'],
    run: async ({ scimTokens }, input) => {
      await scimTokens.revoke(input.positional(0))
      return { json: { id: input.positional(0), revoked: true }, text: 'Revoked.' }
    },
  },
  {
    name: 'connector list',
    summary: 'Lists the connectors of identity providers.',
    options: { organization: { ...ORGANIZATION, required: false } },
    run: async ({ organizations, connectors }, input) => {
      const named = input.text('organization')
      const all = await connectors.list(named === undefined ? undefined : (await organizations.get(named)).id)
      const rows = all.map(({ organizationId, name, isStrict, staffRole }) => [
        name,
        isStrict ? 'strict' : '',
        staffRole ?? '',
        organizationId,
      ])
      return { json: all.map(connectorJson), text: table(['NAME', '', 'STAFF ROLE', 'ORGANIZATION'], rows) }
    },
  },
  {
    name: 'connector update',
    summary: 'Changes how an identity provider is served.',
    positionals: ['NAME'],
    options: { organization: ORGANIZATION, ...KIND },
    run: async ({ organizations, connectors }, input) => {
      const { id } = await organizations.get(input.required('organization'))
      const connector = await changed(connectors, await connectors.get(id, input.positional(0)), input)
      return { json: connectorJson(connector), text: `Changed the connector ${connector.name}.` }
    },
  },
]
