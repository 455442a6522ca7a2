import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { readConfig } from '../src/config.ts'
import { openDatabase } from '../src/persistence/index.ts'
import { commandLine, type Row, run as runProgram } from './support/command-line.ts'
import { testDatabase } from './support/databases.ts'

const directory = mkdtempSync(join(tmpdir(), 'kith-cli-'))

const run = (file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runProgram(file, args, { DATA_DIR: directory, ...env })

t.test('imports go in the directions of the architecture, and in no other', async (t) => {
  const args = ['--config', 'tools/layers.cjs', 'src', 'protocols', 'bench', 'test']
  const { status, out } = await run('node_modules/.bin/depcruise', args)
  t.equal(status, 0, out)
})

t.test('a setting that cannot be stops the start and is named', async (t) => {
  const wrong = {
    HOST: 'no host',
    PORT: '65536',
    DATABASE_URL: 'mysql://x',
    MIGRATE_DATABASE_URL: 'x',
    DATABASE_POOL: '0',
    DATABASE_PREPARE: 'perhaps',
    PUBLIC_URL: 'https://kith.example/dav/',
    SECRET_KEY: 'short',
    TRUSTED_PROXIES: 'localhost',
    ISSUERS: '[{"issuer": "https://id.example"}]',
    LOG_LEVEL: 'loud',
    SMTP_URL: 'http://mail.example',
    MAIL_FROM: 'Kith <nobody>',
    SMTP_TLS: 'perhaps',
  }
  const documented = readFileSync('docs/settings.md', 'utf8')
  for (const [name, value] of Object.entries(wrong)) {
    t.throws(() => readConfig({ [name]: value }), { message: new RegExp(`^${name} `) })
    t.ok(documented.includes(`\`${name}\``), `${name} is documented`)
  }
  t.throws(
    () => readConfig({ SECRET_KEY: 'a secret that is too short' }),
    { message: /^(?!.*too short)/ },
    'and no secret is shown',
  )
  t.throws(() => readConfig({ SMTP_URL: 'smtp://kith:secret@mail.example/x' }), { message: /^SMTP_URL (?!.*secret)/ })
  t.throws(() => readConfig({ SMTP_URL: 'smtp://kith:secret@mail.example' }), { message: /^MAIL_FROM / })
  const { status, err } = await run(process.execPath, ['src/cli.ts', 'serve'], { PORT: 'eighty' })
  t.equal(status, 1)
  t.match(err, /^PORT /)
  t.notMatch(err, / at .*:\d+:\d+/, 'no stack')
})

t.test('the command line: from an empty database to a device, with every command', async (t) => {
  const database = await testDatabase()
  t.teardown(() => database.drop())
  const env = { DATABASE_URL: database.url, DATA_DIR: directory, PUBLIC_URL: 'https://kith.example' }
  const { kith, json, refused } = commandLine(t, env)
  t.strictSame(await json('organization', 'list'), [])
  const organization = await json<Row>(
    'organization',
    'create',
    '--name',
    'O',
    '--domain',
    'o.example',
    '--domain',
    'p.example',
  )
  t.match(organization, { name: 'O', domains: ['o.example', 'p.example'] })
  const ann = await json<Row>(
    ...['user', 'create', '--organization', 'O', '--email', 'Ann@o.example', '--name', 'Ann Lee'],
    ...['--phone', '+1 555 0100', '--title', 'Chief', '--department', 'Board', '--staff'],
  )
  t.match(ann, { email: 'Ann@o.example', active: true, staff: true })
  const bob = await json<Row>(
    'user',
    'create',
    '--organization',
    String(organization.id),
    '--email',
    'bob@else.example',
    '--name',
    'Bob',
  )
  t.match(await json('user', 'update', 'ann@o.example', '--phone', '+1 555 0101', '--no-staff'), { staff: false })
  t.match(await json('user', 'deactivate', String(bob.id)), { active: false })
  t.match(await json('user', 'activate', 'bob@else.example'), { active: true })
  t.equal((await json<Row[]>('user', 'list', '--organization', 'O')).length, 2)
  t.equal((await json<Row[]>('user', 'list')).length, 2)
  t.strictSame(
    (await json<{ scope: string }[]>('user', 'list')).map(({ scope }) => scope),
    ['everyone', 'everyone'],
  )

  const password = await json<Row>('app-password', 'create', '--user', 'ann@o.example', '--label', 'Phone')
  t.match(password, { username: 'ann@o.example', url: 'https://kith.example', password: /^\S{30,}$/ })
  const other = await json<Row>('app-password', 'create', '--user', 'bob@else.example', '--label', 'Phone')
  t.equal(other.username, bob.id, "outside the organization's domains the name is the id")
  t.match(await json('app-password', 'list', '--user', 'ann@o.example'), [
    { label: 'Phone', lastUsedAt: null, revokedAt: null },
  ])
  t.match(await json('app-password', 'revoke', String(password.id)), { revoked: true })

  const team = await json<Row>('team', 'create', '--name', 'T', '--owner', 'ann@o.example')
  await json('team', 'add', '--team', 'T', '--user', 'bob@else.example', '--role', 'administrator')
  t.match(await json('team', 'list'), [{ name: 'T', members: 2 }])
  t.match(await json('team', 'list', '--team', String(team.id)), [{ role: 'owner' }, { role: 'administrator' }])
  await json('team', 'remove', '--team', 'T', '--user', String(bob.id))
  const last = await kith('team', 'remove', '--team', 'T', '--user', 'ann@o.example')
  t.equal(last.status, 1)
  t.match(last.err, /last owner/)

  const file = join(directory, 'in.vcf')
  const good = (uid: string) => `BEGIN:VCARD\r\nVERSION:3.0\r\nUID:${uid}\r\nFN:${uid}\r\nN:;${uid};;;\r\nEND:VCARD\r\n`
  writeFileSync(file, `${good('one')}BEGIN:VCARD\r\nVERSION:9\r\nFN:bad\r\nEND:VCARD\r\n${good('two')}`)
  t.match(await json('contact', 'import', '--user', 'ann@o.example', file), { imported: 2, problems: [{ card: 2 }] })
  t.match(await json('contact', 'import', '--user', 'ann@o.example', file), { imported: 2 }, 'it can be run again')
  const listed = await json<Row[]>('contact', 'list', '--user', 'ann@o.example')
  t.strictSame(listed.map(({ name }) => name).sort(), ['Ann Lee', 'Bob', 'T', 'one', 'two'].sort())
  const exported = await kith('contact', 'export', '--user', 'ann@o.example')
  t.ok(exported.out.includes(good('one')))
  t.strictSame(await json('contact', 'list', '--user', 'ann@o.example', '--hidden'), [])
  writeFileSync(file, good('one').replace('FN:one', 'FN:changed'))
  t.match(await json('contact', 'import', '--user', 'ann@o.example', file), { imported: 1 })
  const [version] = await json<Row[]>('contact', 'history', '--user', 'ann@o.example')
  t.match(version, { kind: 'card', name: 'one', book: 'people' })
  t.match(await json('contact', 'restore', '--user', 'ann@o.example', String(version?.id)), { id: version?.id })
  t.ok((await kith('contact', 'export', '--user', 'ann@o.example')).out.includes(good('one')))

  t.match(await json('user', 'update', 'bob@else.example', '--scope', 'teams'), { scope: 'teams' })
  t.match(await json('organization', 'update', 'O', '--scope', 'none', '--name', 'Oh'), { scope: 'none', name: 'Oh' })
  t.match(await json('user', 'update', 'bob@else.example', '--scope', 'everyone'), { scope: 'none' }, 'the narrower')
  t.match(await json('organization', 'update', 'Oh', '--no-active'), { active: false })
  t.match(await json('organization', 'update', 'Oh', '--active', '--scope', 'everyone', '--name', 'O'), {
    active: true,
  })
  t.match(await json('sync-status'), [{ organization: 'O' }])
  t.match(await json('migrate'), { applied: [] })

  for (const [args, word] of [
    [['user', 'create', '--organization', 'O', '--email', 'ann@o.example', '--name', 'Again'], /user of that name/],
    [['user', 'create', '--organization', 'O', '--email', 'nobody', '--name', 'X'], /e-mail/],
    [['user', 'create', '--organization', 'None', '--email', 'x@o.example', '--name', 'X'], /organization "None"/],
    [['user', 'create', '--email', 'x@o.example', '--name', 'X'], /--organization is missing/],
    [['user', 'update', 'nobody@o.example', '--phone', '1'], /nobody@o\.example/],
    [['user', 'update'], /USER is missing/],
    [['user', 'update', 'ann@o.example', '--scope', 'some'], /everyone, teams, none/],
    [['contact', 'restore', 'x', '--user', 'ann@o.example'], /no version/],
    [['user', 'fly'], /user create/],
    [['organization', 'create', '--name', 'P', '--domain', 'o.example'], /another organization/],
    [['organization', 'create', '--name', 'P', '--domain', 'gmail.com'], /public/],
    [['team', 'add', '--team', 'T', '--user', 'ann@o.example', '--role', 'king'], /king/],
    [['contact', 'import', '--user', 'ann@o.example', '/nowhere.vcf'], /nowhere/],
    [['contact', 'unhide', '--user', 'ann@o.example', String(ann.id)], /hidden/],
    [['app-password', 'revoke', 'x'], /app password/],
    [['organization', 'list', '--wrong'], /wrong/],
  ] as const) {
    await refused(args, word)
  }
  const help = await kith('--help')
  const names = [...help.out.matchAll(/^ {2}([a-z][a-z -]*?) {2,}/gm)].map(([, name = '']) => name)
  t.ok(names.length > 20)
  for (const name of names.slice(0, 3)) t.match((await kith(...name.split(' '), '--help')).out, /Usage: npx kith/)
})

t.test('a database is opened by the key it was made with only', async (t) => {
  const database = await testDatabase()
  t.teardown(() => database.drop())
  const list = (SECRET_KEY: string) =>
    run(process.execPath, ['src/cli.ts', 'organization', 'list'], { DATABASE_URL: database.url, SECRET_KEY })
  t.equal((await list('a key of more than thirty-two characters')).status, 0)
  const { status, err } = await list('another key of more than thirty-two characters')
  t.equal(status, 1)
  t.match(err, /^SECRET_KEY/)
})

t.test('the entities are the tables that the migrations make: every column, and whether it may be empty', async (t) => {
  const database = await testDatabase()
  const { orm, pool, close } = await openDatabase({ url: database.url, poolSize: 1, prepare: false })
  t.teardown(async () => {
    await close()
    await database.drop()
  })
  const { rows } = await pool.query<{ table_name: string; column_name: string; is_nullable: string }>(
    `select table_name, column_name, is_nullable from information_schema.columns
     where table_schema = 'public' and table_name <> 'kith_migration'`,
  )
  const migrated = rows.map((row) => `${row.table_name}.${row.column_name}${row.is_nullable === 'YES' ? '?' : ''}`)
  const mapped = [...orm.getMetadata().getAll().values()].flatMap(({ tableName, props }) =>
    props.map(({ fieldNames, nullable }) => `${tableName}.${fieldNames[0]}${nullable ? '?' : ''}`),
  )
  t.strictSame(mapped.sort(), migrated.sort())
})
