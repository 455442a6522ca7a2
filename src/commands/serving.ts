import { openKith } from '../composition.ts'
import type { Config } from '../config.ts'
import { DEMO_ORGANIZATION, demoAccounts, loadDemo, loadMany } from '../demo/load.ts'
import { createServer } from '../http/server.ts'
import { startMaintenance } from '../maintenance.ts'
import { startSweeping } from '../outgoing/hook-jobs.ts'
import { type Command, UsageError } from './command.ts'

/** Resolves at the first SIGINT or SIGTERM; npm and the terminal send it more than once, which changes nothing. */
const stopSignal = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve())
  })

/** Runs until it is told to stop, then ends requests under way and closes the database. */
async function serve(
  config: Config,
  announce: (kith: Awaited<ReturnType<typeof openKith>>, url: string) => Promise<string>,
): Promise<undefined> {
  const stopped = stopSignal()
  const kith = await openKith(config, { exclusive: true })
  try {
    const app = await createServer(kith, config)
    await kith.workers.start(app.log)
    const stopMaintenance = startMaintenance(kith.store, app.log)
    const stopSweeping = startSweeping(kith.store, app.log)
    try {
      await app.listen({ host: config.host, port: config.port }).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'EADDRINUSE') {
          throw new UsageError(`PORT ${config.port} is in use on ${config.host}: end what listens there, or set PORT`)
        }
        if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
          throw new UsageError(`HOST ${config.host} is no address of this machine`)
        }
        throw error
      })
      console.log(await announce(kith, config.publicUrl))
      await stopped
      console.log('Stopping …')
    } finally {
      stopMaintenance()
      stopSweeping()
      await app.close()
    }
  } finally {
    await kith.close()
  }
  return undefined
}

export const SERVING_COMMANDS: readonly Command[] = [
  {
    name: 'serve',
    summary: 'Serves CardDAV and SCIM until it is stopped (Ctrl-C).',
    start: (config) =>
      serve(config, async (_, url) => `Kith serves ${url} (listening on ${config.host}:${config.port}).`),
  },
  {
    name: 'migrate',
    summary: 'Brings the database schema up to date. Serving does it too.',
    run: async ({ migrated }) => ({
      json: { applied: migrated },
      text: migrated.length > 0 ? `Applied ${migrated.join(', ')}.` : 'The schema is up to date.',
    }),
  },
  {
    name: 'demo',
    summary: 'Loads the demo organization into an empty database.',
    options: {
      serve: { type: 'boolean', help: 'and serve it (what npm start does)' },
      users: { type: 'string', help: 'instead, make an organization of that many users, for measuring', value: 'N' },
    },
    start: async (config, input) => {
      const many = input.text('users')
      if (many !== undefined && !/^[1-9]\d{0,6}$/.test(many))
        throw new UsageError('--users is a number from 1 to 9999999')
      if (input.flag('serve')) {
        return await serve(config, async (kith, url) => {
          await loadDemo(kith)
          return welcome(url, config.dataDir, await demoAccounts(kith, config.dataDir).catch(() => []))
        })
      }
      const kith = await openKith(config)
      try {
        if (many !== undefined) {
          const name = await loadMany(kith, Number(many))
          return {
            json: { organization: name, users: Number(many) },
            text: `Made the organization "${name}" with ${many} users.`,
          }
        }
        const loaded = await loadDemo(kith)
        const accounts = await demoAccounts(kith, config.dataDir)
        const text = loaded ? 'Loaded the demo organization.' : 'There is an organization already: nothing was loaded.'
        const lines = accounts.map(({ name, username, password }) => `  ${name.padEnd(14)} ${username}  ${password}`)
        return {
          json: { loaded, accounts: accounts.map((one) => ({ ...one, url: config.publicUrl })) },
          text: [text, ...lines].join('\n'),
        }
      } finally {
        await kith.close()
      }
    },
  },
  {
    name: 'sync-status',
    summary: 'Tells how far the change streams of each organization are.',
    run: async ({ organizations, store }) => {
      const json = await Promise.all(
        (await organizations.list()).map(async ({ id, name }) => ({
          organization: name,
          id,
          ...(await store.collections.status(id)),
        })),
      )
      const text = json.map(
        ({ organization, revision, floor, streams, journalRows }) =>
          `${organization}: revision ${revision}, remembered from ${floor}; ${streams} streams, ${journalRows} journal rows`,
      )
      return { json, text: text.join('\n') || 'There is no organization yet.' }
    },
  },
]

function welcome(url: string, dataDir: string, accounts: Awaited<ReturnType<typeof demoAccounts>>): string {
  const [first] = accounts
  if (!first) return `Kith serves ${url}`
  const rows = accounts.map(
    ({ name, username, password }) => `  ${name}\n    user name  ${username}\n    password   ${password}\n`,
  )
  return `
Kith serves ${url}

Add a CardDAV account on a phone or in a mail client: server ${url}, and one of

${rows.join('\n')}
Or look from here:

  curl -u '${first.username}:${first.password}' -X PROPFIND -H 'Depth: 1' ${url}/dav/addressbooks/

Connect an identity provider by SCIM 2.0: base URL ${url}/scim/v2, and the token that this prints

  npx kith scim-token create --organization '${DEMO_ORGANIZATION}'

Everything is kept in ${dataDir} (DATA_DIR). Ctrl-C stops it. More: npx kith --help
`
}
