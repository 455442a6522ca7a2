import { LIST_RESPONSE } from './protocol/messages.ts'
import { DEFAULT_PAGE, MAX_PAGE } from './protocol/query.ts'
import type { Attribute, Schema } from './schema/attribute.ts'
import { RESOURCE_TYPES, type ResourceType, SCHEMAS } from './schema/resource-type.ts'

const CORE = 'urn:ietf:params:scim:schemas:core:2.0'
export const MAX_OPERATIONS = 1_000

/** RFC 7643 §7: an attribute as its schema tells it. */
const told = ({ subAttributes, ...attribute }: Attribute): object => ({
  ...attribute,
  ...(subAttributes ? { subAttributes: subAttributes.map(told) } : {}),
})

const schemaOf = (base: string, { id, name, description, attributes }: Schema): object => ({
  schemas: [`${CORE}:Schema`],
  id,
  name,
  description,
  attributes: attributes.map(told),
  meta: { resourceType: 'Schema', location: `${base}/Schemas/${id}` },
})

/** RFC 7643 §6 */
const typeOf = (base: string, { name, endpoint, description, schema, extension }: ResourceType): object => ({
  schemas: [`${CORE}:ResourceType`],
  id: name,
  name,
  endpoint,
  description,
  schema: schema.id,
  schemaExtensions: [{ schema: extension.id, required: false }],
  meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/${name}` },
})

/** RFC 7643 §5, RFC 9865 §4 */
const configurationOf = (base: string, maxPayloadSize: number, documentation: string): object => ({
  schemas: [`${CORE}:ServiceProviderConfig`],
  documentationUri: documentation,
  patch: { supported: true },
  bulk: { supported: true, maxOperations: MAX_OPERATIONS, maxPayloadSize },
  filter: { supported: true, maxResults: MAX_PAGE },
  changePassword: { supported: false },
  sort: { supported: true },
  etag: { supported: true },
  pagination: {
    cursor: true,
    index: true,
    defaultPaginationMethod: 'index',
    defaultPageSize: DEFAULT_PAGE,
    maxPageSize: MAX_PAGE,
  },
  authenticationSchemes: [
    {
      type: 'oauthbearertoken',
      name: 'OAuth bearer token',
      description: 'A token of `kith scim-token create`, one that its client credentials got, or one of a bound issuer',
      specUri: 'https://www.rfc-editor.org/info/rfc6750',
      primary: true,
    },
    {
      type: 'oauth2',
      name: 'OAuth 2.0 client credentials',
      description: 'At /oauth/token, with the id of a token as the client id and the token as the secret',
      specUri: 'https://www.rfc-editor.org/info/rfc6749',
      primary: false,
    },
  ],
  meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
})

/** What tells a client what is served (RFC 7644 §4), computed from the registry; undefined where there is nothing. */
export function discovered([kind, id]: readonly string[], base: string, maxPayloadSize: number): object | undefined {
  if (kind === 'ServiceProviderConfig') {
    return id === undefined ? configurationOf(base, maxPayloadSize, new URL('/', base).href) : undefined
  }
  if (kind === 'Schemas') {
    if (id === undefined) return listOf(SCHEMAS.map((schema) => schemaOf(base, schema)))
    const schema = SCHEMAS.find((one) => one.id.toLowerCase() === id.toLowerCase())
    return schema && schemaOf(base, schema)
  }
  if (id === undefined) return listOf(RESOURCE_TYPES.map((type) => typeOf(base, type)))
  const type = RESOURCE_TYPES.find(({ name }) => name === id)
  return type && typeOf(base, type)
}

export const DISCOVERY: ReadonlySet<string> = new Set(['ServiceProviderConfig', 'Schemas', 'ResourceTypes'])

const listOf = (resources: readonly object[]): object => ({
  schemas: [LIST_RESPONSE],
  totalResults: resources.length,
  startIndex: 1,
  itemsPerPage: resources.length,
  Resources: resources,
})
