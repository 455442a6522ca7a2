import { writeFileSync } from 'node:fs'
import type { Verdict } from './figures.ts'
import { printStandings, printVerdicts, readOptions } from './report.ts'
import { explain, GROUP_NAMES, measureGroups } from './scim-large.ts'
import { measureScim, SCIM_NAMES } from './scim-rates.ts'
import { type ScimStage, tenantOf } from './scim-stage.ts'
import type { Measured } from './stage.ts'
import { World } from './world.ts'

const HELP = `Measures Kith's SCIM beside bare routes, bare loops of the same statements and SCIMMY (npm), in turns, on one machine.

Usage: npm run bench:scim -- [options]

  --sizes 1000,20000,100000   users of each organization
  --rounds 7                  turns of each measurement
  --milliseconds 1000         length of a turn (three times that for writes)
  --only get,create           the measurements to do (${[...SCIM_NAMES, ...GROUP_NAMES].join(', ')})
  --data DIR                  keep the database there, and use what is in it: the seeding is done once
  --json FILE                 write the figures there as well
  --explain                   only print the plans of the filters that identity providers send
`

async function main(): Promise<void> {
  const options = readOptions(HELP, ['explain'])
  const wanted = (name: string) => options.only.size === 0 || options.only.has(name)
  const world = await World.open(options.data)
  const stop = async () => {
    await world.close()
    process.exit(130)
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  try {
    const crowds = []
    for (const size of options.sizes) crowds.push(await world.crowd(size))
    await world.query('vacuum (analyze)')
    const tenants = await Promise.all(crowds.map((crowd) => tenantOf(world, crowd)))
    const organization = await world.kith.organizations.create({ name: `Bench ${Date.now()}`, domains: [] })
    const fresh = await tenantOf(world, { size: 0, organization })
    const kith = await world.kithServer({ SCIM_RATE_LIMIT: '0' })
    const stage: ScimStage = { world, tenants, fresh, kith, load: world.loadGenerator(), options }
    if (options.flags.has('explain')) return await explain(stage)
    const measured: Measured[] = []
    const all: Verdict[] = []
    for (const name of SCIM_NAMES.filter(wanted)) {
      const { verdicts, ...one } = await measureScim(stage, name)
      measured.push(one)
      all.push(...verdicts)
      printStandings(one)
    }
    for (const name of GROUP_NAMES.filter(wanted)) all.push(...(await measureGroups(stage, name)))
    printVerdicts(all)
    if (options.json) writeFileSync(options.json, `${JSON.stringify({ measured, verdicts: all }, null, 2)}\n`)
  } finally {
    await world.close()
  }
}

await main()
