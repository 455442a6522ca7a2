import type { Connector } from '#domain'
import type { Asked } from './client.ts'
import type { Contestant } from './figures.ts'
import type { Job, Result, Statement } from './load.ts'
import type { BareReads } from './scim-bare.ts'
import { Recorder } from './scim-recorded.ts'
import type { InMemory } from './scimmy.ts'
import { CLIENTS, label, type Options, share } from './stage.ts'
import type { Crowd, Served, World } from './world.ts'

const JSON_TYPE = 'application/scim+json'
const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
const BULK = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest'
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group'

/** An organization, and a token of its connector. */
export interface Tenant extends Crowd {
  readonly connector: Connector
  readonly authorization: string
  /** From all over the organization. */
  readonly users: readonly { readonly id: string; readonly userName: string; readonly name: string }[]
}

export interface ScimStage {
  readonly world: World
  readonly tenants: readonly Tenant[]
  /** Where users are made. */
  readonly fresh: Tenant
  readonly kith: Served
  readonly load: (job: Job) => Promise<Result>
  readonly options: Options
}

const SOME = 480

export async function tenantOf(world: World, crowd: Crowd): Promise<Tenant> {
  const connector = await world.kith.connectors.obtain(crowd.organization.id)
  const { text } = await world.kith.scimTokens.create(connector, { label: 'bench' })
  const users = await world.query<Tenant['users'][number]>(
    `select id, user_name as "userName", attributes->>'displayName' as name from "user"
     where organization_id = $1 order by md5(id::text) limit ${SOME}`,
    [crowd.organization.id],
  )
  return { ...crowd, connector, authorization: `Bearer ${text}`, users }
}

export const asked = ({ authorization }: Tenant, method: string, path: string, body?: object): Asked => ({
  method,
  path: `/scim/v2${path}`,
  headers: { authorization, ...(body ? { 'content-type': JSON_TYPE } : {}) },
  ...(body ? { body: JSON.stringify(body) } : {}),
})

export const filtered = (tenant: Tenant, filter: string, more = ''): Asked =>
  asked(tenant, 'GET', `/Users?filter=${encodeURIComponent(filter)}${more}`)

/** Somebody new, as Entra ID tells of them; `more` tells those of one request apart. */
const person = (more = ''): object => ({
  schemas: [USER],
  userName: `bench-{n}${more}@scim.example`,
  externalId: `external-{n}${more}`,
  active: true,
  displayName: `Bench {n}${more}`,
  name: { givenName: 'Bench', familyName: `{n}${more}` },
  title: 'Specialist',
  emails: [{ type: 'work', primary: true, value: `bench-{n}${more}@scim.example` }],
  phoneNumbers: [{ type: 'work', value: '+1 555 {n}' }],
})
export const creation = (tenant: Tenant): Asked => asked(tenant, 'POST', '/Users', person())
export const bulk = (tenant: Tenant, count: number): Asked =>
  asked(tenant, 'POST', '/Bulk', {
    schemas: [BULK],
    Operations: Array.from({ length: count }, (_, at) => ({
      method: 'POST',
      path: '/Users',
      bulkId: `b${at}`,
      data: person(`-${at}`),
    })),
  })
export const phone = (tenant: Tenant, id: string): Asked =>
  asked(tenant, 'PATCH', `/Users/${id}`, {
    schemas: [PATCH_OP],
    Operations: [{ op: 'replace', path: 'phoneNumbers[type eq "work"].value', value: '+1 555 {n}' }],
  })
export const member = (tenant: Tenant, group: string, op: 'add' | 'remove', id: string): Asked =>
  asked(tenant, 'PATCH', `/Groups/${group}`, {
    schemas: [PATCH_OP],
    Operations: [{ op, path: 'members', value: [{ value: id }] }],
  })
export const groupOf = (name: string, members: readonly string[]): object => ({
  schemas: [GROUP],
  displayName: name,
  members: members.map((value) => ({ value })),
})

export const base = ({ kith }: Pick<ScimStage, 'kith'>): string => `http://127.0.0.1:${kith.port}/scim/v2`

export const recorder = (stage: ScimStage, tenant: Tenant): Promise<Recorder> =>
  Recorder.open(stage.world.url, base(stage), tenant.connector)

const requests = (load: ScimStage['load'], name: string, { port, pid }: Served, all: readonly Asked[]): Contestant => ({
  name,
  pid,
  run: (milliseconds) =>
    load({
      kind: 'requests',
      port,
      milliseconds,
      clients: Array.from({ length: Math.min(CLIENTS, all.length) }, (_, at) => share(all, at)),
    }),
})

export const kithOf = ({ load, kith }: ScimStage, name: string, all: readonly Asked[]): Contestant =>
  requests(load, name, kith, all)

/** A bare route that runs the statements which Kith runs for each of these, and is checked to write the same. */
export async function bareOf(
  stage: ScimStage,
  tenant: Tenant,
  all: readonly Asked[],
  list: boolean,
): Promise<Contestant> {
  const recording = await recorder(stage, tenant)
  const reads: BareReads['reads'][number][] = []
  const texts: string[] = []
  for (const one of all) {
    const { statements, text } = await recording.of(one)
    reads.push({ statements: statements.filter(({ text: sql }) => !sql.startsWith('set ')), list }) // its connections plan so
    texts.push(text)
  }
  await recording.close()
  const served = await stage.world.bareServer('scim-bare.ts', { base: base(stage), reads } satisfies BareReads)
  const answer = await fetch(`http://127.0.0.1:${served.port}/0`)
  const text = await answer.text()
  if (text.length !== texts[0]?.length) throw new Error(`The bare route writes ${text}, and Kith ${texts[0]}`)
  const paths = all.map((_, at): Asked => ({ method: 'GET', path: `/${at}`, headers: {} }))
  return requests(stage.load, `bare route, ${reads[0]?.statements.length} statement(s)`, served, paths)
}

/** SCIMMY with that many users in memory, asked the same of each. */
export async function inMemory(
  { world, load }: ScimStage,
  count: number,
  read: (user: { readonly id: string; readonly userName: string }) => string,
): Promise<Contestant> {
  const users = Array.from({ length: count }, (_, at) => ({
    id: String(at),
    userName: `user-${at}@memory.example`,
    displayName: `Ada Abe ${at}`,
    name: { givenName: 'Ada', familyName: `Abe ${at}` },
    title: 'Specialist',
    emails: [{ value: `user-${at}@memory.example`, type: 'work' }],
    phoneNumbers: [{ value: `+1 555 ${at}`, type: 'work' }],
    meta: { created: new Date(), lastModified: new Date() },
  }))
  const served = await world.bareServer('scimmy.ts', { users } satisfies InMemory)
  const some = users.filter((_, at) => at % Math.ceil(count / SOME) === 0)
  const all = some.map((user): Asked => ({ method: 'GET', path: `/scim${read(user)}`, headers: {} }))
  return requests(load, `SCIMMY, ${label(count)} in memory`, served, all)
}

/** The statements of a write in a bare loop, each client with its own. */
export const replayed = ({ world, load }: ScimStage, clients: readonly (readonly Statement[])[]): Contestant => ({
  name: 'bare statements',
  run: (milliseconds) => load({ kind: 'transactions', url: world.url, milliseconds, clients }),
})
