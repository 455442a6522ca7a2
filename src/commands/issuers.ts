import type { ConnectorClient } from '#domain'
import type { Config } from '../config.ts'
import { type Command, type Input, type Option, table } from './command.ts'
import { CONNECTOR, connectorOf, ORGANIZATION, READ_ONLY } from './scim.ts'

const ISSUER: Option = { type: 'string', help: 'whose tokens: as ISSUERS names it', required: true }
const CLIENT: Readonly<Record<string, Option>> = {
  issuer: ISSUER,
  'client-id': { type: 'string', help: 'what its tokens name as client_id, azp or appid', value: 'ID', required: true },
}
const IDENTITY: Readonly<Record<string, Option>> = {
  issuer: ISSUER,
  sub: { type: 'string', help: 'the subject of their tokens', required: true },
}

const clientJson = ({ issuer, clientId, connector, mayWrite }: ConnectorClient) => ({
  issuer,
  clientId,
  organization: connector.organizationId,
  connector: connector.name,
  readOnly: !mayWrite,
})

export function issuerCommands({ issuers }: Config): readonly Command[] {
  /** What is still to be done, if anything. */
  const note = (issuer: string): string =>
    issuers.some((one) => one.issuer === issuer) ? '' : ' Its tokens are refused until the setting ISSUERS names it.'
  const identity = (input: Input) => ({ issuer: input.required('issuer'), sub: input.required('sub') })
  return [
    {
      name: 'scim-client bind',
      summary: "Lets an issuer's OAuth client in as a connector.",
      options: { ...CLIENT, organization: ORGANIZATION, connector: CONNECTOR, 'read-only': READ_ONLY },
      run: async (kith, input) => {
        const [issuer, clientId] = [input.required('issuer'), input.required('client-id')]
        const connector = await connectorOf(kith, input)
        const client = await kith.connectors.bind(connector, issuer, clientId, !input.flag('read-only'))
        return { json: clientJson(client), text: `${clientId} comes as "${connector.name}".${note(issuer)}` }
      },
    },
    {
      name: 'scim-client list',
      summary: "Lists the issuers' clients that come as connectors.",
      run: async ({ connectors }) => {
        const all = await connectors.clients()
        const rows = all.map(({ issuer, clientId, connector, mayWrite }) => [
          clientId,
          issuer,
          connector.name,
          mayWrite ? '' : 'read-only',
          connector.organizationId,
        ])
        return { json: all.map(clientJson), text: table(['CLIENT', 'ISSUER', 'CONNECTOR', '', 'ORGANIZATION'], rows) }
      },
    },
    {
      name: 'scim-client unbind',
      summary: 'The reverse of bind: the client is refused within a second.',
      options: CLIENT,
      run: async ({ connectors }, input) => {
        const [issuer, clientId] = [input.required('issuer'), input.required('client-id')]
        await connectors.unbind(issuer, clientId)
        return { json: { issuer, clientId, bound: false }, text: 'Unbound.' }
      },
    },
    {
      name: 'user link',
      summary: "Tells who somebody is at an issuer, so that their tokens open SCIM's /Me.",
      positionals: ['USER'],
      options: IDENTITY,
      run: async ({ users, identities }, input) => {
        const user = await users.get(input.positional(0))
        const named = identity(input)
        await identities.link(user, named)
        return { json: { id: user.id, ...named }, text: `Linked ${user.email}.${note(named.issuer)}` }
      },
    },
    {
      name: 'user unlink',
      summary: 'The reverse of link: those tokens are refused within a second.',
      positionals: ['USER'],
      options: IDENTITY,
      run: async ({ users, identities }, input) => {
        const user = await users.get(input.positional(0))
        await identities.unlink(user, identity(input))
        return { json: { id: user.id, ...identity(input), linked: false }, text: `Unlinked ${user.email}.` }
      },
    },
  ]
}
