import { DomainError } from '#domain'
import { type Command, type Output, readInput, UsageError, usage } from './commands/command.ts'
import { CONTACT_COMMANDS, passwordCommands } from './commands/devices.ts'
import { issuerCommands } from './commands/issuers.ts'
import { ORGANIZATION_COMMANDS, USER_COMMANDS } from './commands/people.ts'
import { scimCommands } from './commands/scim.ts'
import { SCIM_CHECK_COMMANDS } from './commands/scim-check.ts'
import { SERVING_COMMANDS } from './commands/serving.ts'
import { signInCommands } from './commands/sign-in.ts'
import { TEAM_COMMANDS } from './commands/teams.ts'
import { openKith } from './composition.ts'
import { ConfigError, readConfig } from './config.ts'

const commands = (config: Parameters<typeof passwordCommands>[0]): readonly Command[] => [
  ...SERVING_COMMANDS,
  ...ORGANIZATION_COMMANDS,
  ...USER_COMMANDS,
  ...passwordCommands(config),
  ...scimCommands(config),
  ...issuerCommands(config),
  ...signInCommands(config),
  ...SCIM_CHECK_COMMANDS,
  ...TEAM_COMMANDS,
  ...CONTACT_COMMANDS,
]

const overview = (all: readonly Command[]): string =>
  `Kith: an organization's people directory.\n\nUsage: npx kith COMMAND [options]\n\n${all
    .map(({ name, summary }) => `  ${name.padEnd(22)}${summary}`)
    .join('\n')}\n\nEach command takes --help and --json. Settings come from the environment: see docs/settings.md.`

/** The command of the longest name that the words begin with. */
function pick(all: readonly Command[], words: readonly string[]): { command: Command; args: readonly string[] } {
  for (const length of [2, 1]) {
    const command = all.find(({ name }) => name === words.slice(0, length).join(' '))
    if (command) return { command, args: words.slice(length) }
  }
  const area = all.filter(({ name }) => name.startsWith(`${words[0]} `)).map(({ name }) => name)
  const instead = area.length > 0 ? `there are: ${area.join(', ')}` : 'npx kith --help lists the commands'
  throw new UsageError(`There is no command "${words.slice(0, 2).join(' ')}": ${instead}`)
}

async function run(words: readonly string[]): Promise<void> {
  const config = readConfig(process.env)
  const all = commands(config)
  const [first] = words
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') return console.log(overview(all))
  const { command, args } = pick(all, words)
  const input = readInput(command, args)
  if (input.flag('help')) return console.log(usage(command))
  const output = command.start ? await command.start(config, input) : await withKith(command, input)
  if (output) print(input.flag('json') ? JSON.stringify(output.json, null, 2) : output.text)

  async function withKith({ run: work }: Command, given: typeof input): Promise<Output | undefined> {
    const kith = await openKith(config)
    try {
      return await work?.(kith, given)
    } finally {
      await kith.close()
    }
  }
}

try {
  await run(process.argv.slice(2))
} catch (error) {
  const known = error instanceof DomainError || error instanceof UsageError || error instanceof ConfigError
  console.error(known ? error.message : explain(error))
  process.exitCode = 1
}

function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
}

/** What an operator can do about an error that is none of ours. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as Error & { code?: string } // Node's errors and pg's have one
  if (code && /^(ECONN|ENOTFOUND|EAI_|28|3D000|57P)/.test(code)) {
    return `The database cannot be reached (${error.message}): check DATABASE_URL`
  }
  return process.env.LOG_LEVEL === 'debug' ? (error.stack ?? error.message) : error.message
}
