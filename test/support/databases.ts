import pg from 'pg'
import { jobsPreparation } from '../../src/outgoing/queues.ts'
import { migrate } from '../../src/persistence/index.ts'

const named = (server: string, database: string): string => {
  const url = new URL(server)
  url.pathname = `/${database}`
  return url.href
}

async function administer(server: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/** A migrated, empty database to copy. */
export async function createTemplate(server: string): Promise<string> {
  const name = `kith_template_${process.pid}`
  await administer(server, `drop database if exists ${name}`)
  await administer(server, `create database ${name}`)
  await migrate(named(server, name), jobsPreparation)
  return name
}

let made = 0

export interface TestDatabase {
  readonly url: string
  readonly name: string
  /** Copies it as it is now; nobody may be connected. */
  copy(): Promise<TestDatabase>
  drop(): Promise<void>
}

const SERVER = process.env.KITH_TEST_SERVER ?? ''

async function copyOf(template: string): Promise<TestDatabase> {
  made += 1
  const name = `kith_test_${process.pid}_${made}`
  await administer(SERVER, `create database ${name} template ${template}`)
  return {
    url: named(SERVER, name),
    name,
    copy: () => copyOf(name),
    drop: () => administer(SERVER, `drop database if exists ${name} with (force)`),
  }
}

/** A database for one test file. Tests are run by `npm test`, which starts the server and makes the template. */
export function testDatabase(): Promise<TestDatabase> {
  const template = process.env.KITH_TEST_TEMPLATE
  if (!template || !SERVER) throw new Error('run tests by "npm test -- FILE": it starts their database')
  return copyOf(template)
}
