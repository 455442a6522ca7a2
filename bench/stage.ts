import type { Asked } from './client.ts'
import type { Contestant, Standing } from './figures.ts'
import type { Job, Result } from './load.ts'
import type { Account, Crowd, World } from './world.ts'

export const CLIENTS = 16

const NAMESPACES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:CS="http://calendarserver.org/ns/"'
export const xml = (root: string, content: string): string =>
  `<?xml version="1.0" encoding="utf-8"?><${root} ${NAMESPACES}>${content}</${root}>`
export const POLL = xml('D:propfind', '<D:prop><CS:getctag/><D:sync-token/></D:prop>')
export const LIST = xml('D:propfind', '<D:prop><D:getetag/></D:prop>')
export const sync = (token: string): string =>
  xml(
    'D:sync-collection',
    `<D:sync-token>${token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop>`,
  )
/** Every card with its text: a filter that all of them pass. */
export const EVERYTHING = xml('C:addressbook-query', '<D:prop><D:getetag/><C:address-data/></D:prop><C:filter/>')
export const multiget = (hrefs: readonly string[]): string =>
  xml(
    'C:addressbook-multiget',
    `<D:prop><D:getetag/><C:address-data/></D:prop>${hrefs.map((href) => `<D:href>${href}</D:href>`).join('')}`,
  )

export const asked = (method: string, path: string, { authorization }: Account, body?: string, depth = '0'): Asked => ({
  method,
  path,
  headers: { authorization, depth, 'content-type': method === 'PUT' ? 'text/vcard' : 'application/xml' },
  ...(body === undefined ? {} : { body }),
})

export interface Options {
  readonly sizes: readonly number[]
  readonly rounds: number
  readonly milliseconds: number
  readonly only: ReadonlySet<string>
  readonly data?: string
  readonly json?: string
  /** Those of the benchmark's own options that are set. */
  readonly flags: ReadonlySet<string>
}

export interface Population extends Crowd {
  readonly accounts: readonly Account[]
  /** Names of cards from all over the book. */
  readonly names: readonly string[]
  /** Names of all cards, in no order. */
  readonly all: readonly string[]
  /** What some of `names` are called. */
  readonly fullNames: readonly string[]
}

/** What a measurement works with. */
export interface Stage {
  readonly world: World
  readonly populations: readonly Population[]
  readonly kith: { readonly port: number; readonly pid: number }
  readonly bare: { readonly port: number; readonly pid: number }
  readonly load: (job: Job) => Promise<Result>
  readonly options: Options
}

export const label = (size: number): string => size.toLocaleString('en')

export interface Measured {
  readonly title: string
  readonly standings: readonly Standing[]
  readonly target?: number
  /** Different things, not one at different sizes. */
  readonly apart?: boolean
}

export const of = (stage: Stage, who: Population, each: (account: Account, at: number) => Asked[]): Contestant => ({
  name: label(who.size),
  pid: stage.kith.pid,
  run: (milliseconds) =>
    stage.load({ kind: 'requests', port: stage.kith.port, milliseconds, clients: who.accounts.map(each) }),
})

export function bareRoute({ bare, populations, load }: Stage, count = CLIENTS): Contestant {
  const who = populations.at(-1)
  const paths = who?.names.map((name) => `/${who.organization.id}/${name.slice(0, -'.vcf'.length)}`) ?? []
  const requests = paths.map((path): Asked => ({ method: 'GET', path, headers: {} }))
  const clients = Array.from({ length: count }, (_, at) => share(requests, at))
  const run = (milliseconds: number) => load({ kind: 'requests', port: bare.port, milliseconds, clients })
  return { name: 'bare route', pid: bare.pid, run }
}

/** What the bare server is asked beside it. */
export type BareBody = (who: Population, book: string, at: number) => object

export function bareLoop({ bare, load }: Stage, who: Population, body: BareBody): Contestant {
  const headers = { 'content-type': 'application/json' }
  const clients = who.accounts.map(({ book }, at): Asked[] => [
    {
      method: 'POST',
      path: '/',
      headers,
      body: JSON.stringify({ organization: who.organization.id, book, ...body(who, book, at) }),
    },
  ])
  const run = (milliseconds: number) => load({ kind: 'requests', port: bare.port, milliseconds, clients })
  return { name: 'bare loop', pid: bare.pid, run }
}

/** The cards that one of the clients asks for. */
export const share = <Item>(all: readonly Item[], at: number): Item[] =>
  all.filter((_, index) => index % CLIENTS === at)

export async function tokenOf({ kith }: Stage, account: Account): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${kith.port}${account.book}`, {
    method: 'PROPFIND',
    headers: { authorization: account.authorization, depth: '0' },
    body: POLL,
  })
  return /<D:sync-token>(.*?)<\/D:sync-token>/.exec(await answer.text())?.[1] ?? ''
}

export const tokens = async (stage: Stage, who: Population): Promise<string[]> =>
  await Promise.all(who.accounts.map((account) => tokenOf(stage, account)))

export async function edit({ world }: Stage, { size }: Population, number: number): Promise<void> {
  const user = await world.kith.users.get(`user-${number}@big-${size}.example`)
  await world.kith.users.update(user, { workPhone: `+1 555 ${Date.now()}` })
}
