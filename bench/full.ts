import type { Asked } from './client.ts'
import { asked, EVERYTHING, LIST, type Population, type Stage, sync } from './stage.ts'
import { type Account, residentMemory } from './world.ts'

export interface Streamed {
  readonly title: string
  readonly cards: number
  readonly seconds: number
  readonly megabytes: number
  readonly growth: number
}

const hideMany = ({ world }: Stage, { organization }: Population, { user }: Account): Promise<unknown> =>
  world.query(
    `insert into hidden (organization_id, user_id, member_id)
     select organization_id, $2, id from (select *, row_number() over (order by name) from contact
       where organization_id = $1 and kind = 'profile' and owner_id <> $2) p
     where row_number % 20 = 0 on conflict do nothing`,
    [organization.id, user.id],
  )

/** One answer with everything at each size: how long it takes, and what the process grows by meanwhile. */
export async function measureFull(stage: Stage): Promise<Streamed[]> {
  const { populations, kith, load } = stage
  const measured: Streamed[] = []
  const measure = async (title: string, one: Asked, bytesPerSecond?: number) => {
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const before = residentMemory(kith.pid)
    let peak = before
    const sampling = setInterval(() => {
      peak = Math.max(peak, residentMemory(kith.pid))
    }, 20)
    const slowly = bytesPerSecond === undefined ? {} : { bytesPerSecond }
    const { count, seconds, bytes = 0 } = await load({ kind: 'stream', port: kith.port, asked: one, ...slowly })
    clearInterval(sampling)
    measured.push({ title, cards: count, seconds, megabytes: bytes / 1024 / 1024, growth: peak - before })
  }
  const everything = ({ accounts: [account] }: Population) =>
    account && {
      full: asked('REPORT', account.book, account, sync('')),
      list: asked('PROPFIND', account.book, account, LIST, '1'),
      bodies: asked('REPORT', account.book, account, EVERYTHING, '1'),
    }
  const all = populations.flatMap((who) => everything(who) ?? [])
  for (const one of all.flatMap(Object.values<Asked>)) await load({ kind: 'stream', port: kith.port, asked: one }) // warm
  for (const { full } of all) await measure('initial sync-collection with getetag', full)
  for (const { list } of all) await measure('full PROPFIND 1 with getetag', list)
  for (const { bodies } of all) await measure('addressbook-query of everything, with address-data', bodies)
  const slow = all.at(-1)
  if (slow) await measure('initial sync-collection, read at 3 MB a second', slow.full, 3 * 1024 * 1024)
  const who = populations.at(-1)
  const hiding = who?.accounts.at(-1) // the others' books are measured whole
  if (!who || !hiding) return measured
  await hideMany(stage, who, hiding)
  const listed = asked('PROPFIND', hiding.book, hiding, LIST, '1')
  await measure('full PROPFIND 1 of somebody who hid one card in twenty', listed)
  return measured
}
