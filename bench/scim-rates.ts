import type { Asked } from './client.ts'
import { type Contestant, inTurns, type Standing, type Verdict } from './figures.ts'
import type { Statement } from './load.ts'
import { percent } from './report.ts'
import {
  asked,
  bareOf,
  bulk,
  creation,
  filtered,
  inMemory,
  kithOf,
  phone,
  recorder,
  replayed,
  type ScimStage,
  type Tenant,
} from './scim-stage.ts'
import { CLIENTS, label, type Measured } from './stage.ts'

type Rates = Measured & { readonly verdicts: readonly Verdict[] }

export const SCIM_NAMES = ['get', 'username', 'co', 'create', 'patch', 'bulk'] as const
type Name = (typeof SCIM_NAMES)[number]

const HALF = 0.5
const BULK_SIZE = 100
const RIVALS = [1_000, 10_000]

const eachUser = (tenant: Tenant, read: (user: Tenant['users'][number]) => Asked): Asked[] => tenant.users.map(read)

const READS: Readonly<Record<'get' | 'username' | 'co', (tenant: Tenant) => Asked[]>> = {
  get: (tenant) => eachUser(tenant, ({ id }) => asked(tenant, 'GET', `/Users/${id}`)),
  username: (tenant) => eachUser(tenant, ({ userName }) => filtered(tenant, `userName eq "${userName}"`)),
  co: (tenant) => eachUser(tenant, ({ name }) => filtered(tenant, `displayName co "${name.slice(2)}"`)),
}
const TITLES = {
  get: 'GET of a user by id',
  username: 'filter by userName eq',
  co: 'filter by displayName co, one in all found',
  create: 'POST of a user',
  patch: 'PATCH of a phone number',
  bulk: `Bulk of ${BULK_SIZE} users`,
} as const

/** Of each of Kith's, beside the first. */
const ofBare = (title: string, own: readonly Standing[]): Verdict[] =>
  own.map(({ name, ratio }) => ({
    what: `${title}: ${name} users, of the bare rate`,
    figure: percent(ratio),
    target: `≥ ${percent(HALF)}`,
    holds: ratio >= HALF,
  }))

async function measureRead(stage: ScimStage, name: keyof typeof READS): Promise<Rates> {
  const { tenants, options, world } = stage
  const largest = tenants.at(-1)
  if (!largest) throw new Error('There is no organization to read from')
  const own = tenants.map((tenant) => kithOf(stage, label(tenant.size), READS[name](tenant)))
  const rivals: Contestant[] = []
  for (const count of name === 'co' ? [] : RIVALS) {
    const read = (user: { id: string; userName: string }) =>
      name === 'get' ? `/Users/${user.id}` : `/Users?filter=${encodeURIComponent(`userName eq "${user.userName}"`)}`
    rivals.push(await inMemory(stage, count, read))
  }
  const bare = await bareOf(stage, largest, READS[name](largest), name !== 'get')
  const standings = await inTurns([bare, ...own, ...rivals], options.rounds, options.milliseconds, world.clocks)
  const title = TITLES[name]
  const ours = standings.slice(1, 1 + own.length)
  const theirs = standings.slice(1 + own.length)
  const slowest = Math.min(...ours.map(({ rate }) => rate))
  const verdicts = theirs.map(
    ({ name: rival, rate }): Verdict => ({
      what: `${title}: the slowest of Kith's, of ${rival}`,
      figure: percent(slowest / rate),
      target: '> 100 %',
      holds: slowest > rate,
    }),
  )
  return { title, standings, verdicts: [...ofBare(title, ours), ...verdicts] }
}

async function recordPatches(stage: ScimStage, tenant: Tenant, users: Tenant['users']): Promise<Statement[][]> {
  const recording = await recorder(stage, tenant)
  const all: Statement[][] = []
  for (const { id } of users) {
    const etag = async () => {
      const [row] = await stage.world.query<{ etag: string }>(
        `select etag from contact where organization_id = $1 and owner_id = $2 and kind = 'profile'`,
        [tenant.organization.id, id],
      )
      return row?.etag ?? ''
    }
    all.push(await recording.write(phone(tenant, id), etag))
  }
  await recording.close()
  return all
}

async function measureWrite(stage: ScimStage, name: 'create' | 'patch' | 'bulk'): Promise<Rates> {
  const { tenants, fresh, options, world } = stage
  const title = TITLES[name]
  const contestants: Contestant[] = []
  const largest = tenants.at(-1)
  if (name === 'patch' && largest) {
    const own = ({ users }: Tenant) => users.slice(0, CLIENTS)
    contestants.push(replayed(stage, await recordPatches(stage, largest, own(largest))))
    for (const tenant of tenants) {
      const all = own(tenant).map(({ id }) => phone(tenant, id))
      contestants.push(kithOf(stage, label(tenant.size), all))
    }
  } else {
    const one = name === 'create' ? creation(fresh) : bulk(fresh, BULK_SIZE)
    const clients = name === 'create' ? CLIENTS : 2
    const recording = await recorder(stage, fresh)
    const statements = await recording.write(one)
    await recording.close()
    contestants.push(replayed(stage, Array<Statement[]>(clients).fill(statements)))
    contestants.push(kithOf(stage, 'new', Array<Asked>(clients).fill(one)))
  }
  const standings = await inTurns(contestants, options.rounds, options.milliseconds * 3, world.clocks)
  return { title, standings, verdicts: ofBare(title, standings.slice(1)) }
}

export const measureScim = (stage: ScimStage, name: Name): Promise<Rates> =>
  name === 'get' || name === 'username' || name === 'co' ? measureRead(stage, name) : measureWrite(stage, name)
